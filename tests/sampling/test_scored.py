"""A draw's score and its price."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Tokens
from pytest_understudy.routes.listed_price import ListedPrice, listed_price
from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.run import Plan, Run
from pytest_understudy.sampling.scored import sample_of, sample_of_error, samples_of
from pytest_understudy.verdict.task_figures import production_cost

from .made import completion, plan

PRICE = Price(input=3.0, cached=0.3, output=15.0)


def priced(price: Price | None = PRICE, share: float | None = None, **task: object) -> Plan:
    made = plan(samples=3)
    return replace(
        made,
        task=replace(made.task, **{"expect": "yes", **task}),  # type: ignore[arg-type]  # fields of a Task
        route=replace(made.route, price=price, production_cached_share=share),
    )


def two_requests(second: Tokens) -> Completion:
    first = Tokens(prompt=1000, cached=800, generated=10)
    requests = (Exchange("y", "stop", first, 0.2), Exchange("es", "stop", second, 0.3))
    return Completion("yes", "stop", first + second, 0.5, requests=requests)


def test_a_cost_is_computed_request_by_request_and_cached_tokens_at_their_price() -> None:
    sample = sample_of(priced(), 1, Drawn(two_requests(Tokens(prompt=2000, cached=0, generated=20))))
    assert sample.cost == pytest.approx((200 * 3 + 800 * 0.3 + 10 * 15 + 2000 * 3 + 20 * 15) / 1e6)
    assert sample.uncached == pytest.approx((3000 * 3 + 30 * 15) / 1e6)
    assert (sample.number, sample.requests, sample.latency, sample.score.strict) == (1, 2, 0.5, True)


def test_the_share_that_productions_cache_will_hold_is_counted_once() -> None:
    made = priced(share=0.5)
    sample = sample_of(made, 0, Drawn(two_requests(Tokens(prompt=2000, generated=20))))
    assert sample.uncached == pytest.approx((3000 * 3 + 30 * 15) / 1e6)
    assert production_cost(made.route, sample) == pytest.approx((1500 * 3 + 1500 * 0.3 + 30 * 15) / 1e6)


def test_where_one_requests_tokens_are_unknown_the_cost_is_too() -> None:
    sample = sample_of(priced(), 0, Drawn(two_requests(Tokens())))
    assert (sample.cost, sample.uncached) == (None, None)
    assert sample_of(priced(price=None), 0, Drawn(completion())).cost is None


def test_a_scorer_that_raises_makes_an_error_that_was_paid_for() -> None:
    def broken(task: object, answer: object) -> float:
        raise KeyError("oops")

    sample = sample_of(priced(scorer=broken), 0, Drawn(completion()))
    assert sample.error is not None
    assert "oops" in sample.error
    assert sample.cost is not None
    run = Run.of(priced(), [sample, sample_of_error(1, "refused"), sample_of(priced(), 2, Drawn(completion()))])
    assert (run.errors, run.credit, run.strict_pass, run.pass_hat(1), run.pass_hat(2)) == (2, 1.0, 1.0, 1.0, None)
    assert run.cost == pytest.approx(2 * sample.cost)


def test_a_run_of_errors_has_a_credit_of_0_and_holds_no_finite_budget() -> None:
    run = Run.of(priced(), [sample_of_error(0, "refused")])
    assert (run.credit, run.strict_pass, run.errors, run.cost) == (0.0, 0.0, 1, None)
    assert run.tokens.p95 == run.latency.max == float("inf")


def test_under_twenty_samples_p95_is_the_maximum() -> None:
    samples = [sample_of(priced(), number, Drawn(completion(latency=float(number)))) for number in range(19)]
    assert Run.of(priced(), samples).latency.p95 == 18.0
    assert Run.of(priced(), [*samples, sample_of(priced(), 19, Drawn(completion(latency=19.0)))]).latency.p95 == pytest.approx(
        18.05
    )


def test_a_sample_knows_when_it_ended_also_in_another_process() -> None:
    at = "2026-11-20T10:00:00.250000+00:00"
    sample = sample_of(priced(), 0, Drawn(completion(), at=at))
    failed = sample_of(priced(), 1, Drawn(None, "503 after 5 retries", at=at))
    run = Run.from_json(json.loads(json.dumps(Run.of(priced(), [sample, failed, sample_of_error(2, "refused")]).to_json())))
    assert [one.at for one in run.samples] == [at, at, None]


def test_a_request_is_priced_by_the_list_of_its_hour() -> None:
    listed = listed_price("deepseek-chat", kind="openai", base_url="https://api.deepseek.com")
    assert isinstance(listed, ListedPrice)
    done = completion()
    costs = [
        sample_of(replace(priced(), route=replace(plan().route, price=listed)), 0, Drawn(done, at=at)).uncached
        for at in ("2025-04-01T12:00:00+00:00", "2025-04-01T20:00:00+00:00", "2025-04-01T20:00:00")
    ]
    prompt, generated = done.tokens.prompt or 0, done.tokens.generated or 0
    assert costs == pytest.approx(
        [(prompt * price + generated * out) / 1e6 for price, out in ((0.27, 1.1), *((0.135, 0.55),) * 2)]
    )


@pytest.mark.parametrize(("own", "asked"), [(False, 0), (True, 4)])
def test_equal_answers_are_judged_once_save_by_a_suites_own_scorer(own: bool, asked: int) -> None:
    calls = []

    def scorer(task: object, answer: object) -> bool:
        calls.append(answer)
        return len(calls) % 2 == 0

    made = priced(scorer=scorer) if own else priced(expect={"a": 1}, scorer="fields")
    answers = [('{"a": 1}', "stop"), ('{"a": 2}', "stop"), ('{"a": 1}', "stop"), ('{"a": 1}', "length")]
    drawn = [Drawn(replace(completion(output), finish=finish)) for output, finish in answers]
    samples = samples_of(made, drawn)
    assert len(calls) == asked
    assert [sample.score.strict for sample in samples] == ([False, True, False, False] if own else [True, False, True, False])
    assert [sample.number for sample in samples] == [0, 1, 2, 3]
    if not own:
        assert samples == [sample_of(made, number, one) for number, one in enumerate(drawn)]
        assert samples[2].score is samples[0].score
