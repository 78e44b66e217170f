"""What a session may spend: the limit holds, and is used up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Request, Sampling, Tokens
from pytest_understudy.errors import ConfigError, EndpointError
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.allowance import Allowance, Ledger, Spent, spent_by
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.owner import Desk
from pytest_understudy.sampling.permits import Share
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.run import Plan, Run
from pytest_understudy.sampling.sampler import Sampler
from pytest_understudy.sampling.scored import sample_of_error
from pytest_understudy.sampling.spending import TEMPLATE, Spending, check_priced
from tests.fakes import ScriptedEndpoint

from ..suite import desk
from .made import plan
from .wired import wired

OUTPUT = Price(input=0.0, output=1e6)  # a dollar a generated token, so that dollars are easy to read


def priced(max_tokens: int, price: Price = OUTPUT, task: str = "lamp", samples: int = 1) -> Plan:
    made = plan(task, samples=samples)
    return replace(made, route=replace(made.route, price=price, sampling=Sampling(max_tokens=max_tokens)))


def answered(*generated: int | None, error: str | None = None) -> Drawn:
    """What a sample of so many requests came to, by their generated tokens."""
    exchanges = tuple(Exchange("yes", "stop", Tokens(None if count is None else 10, generated=count), 0.1) for count in generated)
    if error is not None:
        return Drawn(None, error, answered=exchanges)
    return Drawn(Completion("yes", "stop", Tokens(), 0.1, requests=exchanges))


class Drawing:
    """Draws samples of these costs, `at_once` of them in flight, and looks at what is reserved meanwhile."""

    def __init__(self, spending: Spending, one: Plan) -> None:
        self.spending = spending
        self.plan = one
        self.drawn: list[int] = []
        self.refused = 0
        self.in_flight = self.peak = 0
        self.most_at_risk = 0.0

    def run(self, costs: Sequence[int], at_once: int) -> Drawing:
        asyncio.run(self._run(iter(costs), at_once))
        return self

    async def _run(self, costs: Iterator[int], at_once: int) -> None:
        await asyncio.gather(*(self._work(costs) for _ in range(at_once)))

    async def _work(self, costs: Iterator[int]) -> None:
        for cost in costs:
            if await self.spending.draw(self.plan, lambda cost=cost: self._draw(cost)) is None:  # type: ignore[misc]
                self.refused += 1

    async def _draw(self, cost: int) -> Drawn:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if self.in_flight > 1:
            at_risk = self.spending.spent.total + self.in_flight * self.plan.route.sampling.max_tokens
            self.most_at_risk = max(self.most_at_risk, at_risk)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.in_flight -= 1
        self.drawn.append(cost)
        return answered(cost)


def test_of_no_dollars_nothing_is_drawn() -> None:
    drawing = Drawing(Spending(Allowance(0.0, 0.0)), priced(5)).run([1, 1, 1], 2)
    assert (drawing.drawn, drawing.refused) == ([], 3)


def test_what_is_free_is_drawn_below_any_limit_but_none() -> None:
    free = priced(5, Price.blended(0.0))
    assert len(Drawing(Spending(Allowance(1.0, 1.0)), free).run([1] * 9, 3).drawn) == 9


@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_a_limit_is_used_up_to_the_last_sample_that_fits_and_not_passed(at_once: int) -> None:
    drawing = Drawing(Spending(Allowance(100.0, 100.0)), priced(30)).run([10] * 25, at_once)
    assert drawing.drawn == [10] * 10
    assert drawing.refused == 15
    assert drawing.spending.spent == Spent(100.0)
    assert drawing.peak == min(3, at_once)  # 3 x 30 are reserved of the 100


def test_shares_that_no_float_can_hold_are_used_up_too() -> None:
    dime = priced(3, Price(input=0.0, output=0.1e6))
    assert len(Drawing(Spending(Allowance(1.0, 1.0)), dime).run([1] * 20, 4).drawn) == 10


@settings(deadline=None, max_examples=200)
@given(
    costs=st.lists(st.integers(1, 50), max_size=40),
    limit=st.integers(1, 400),
    at_once=st.integers(1, 8),
)
def test_the_limit_is_passed_by_one_sample_at_most_which_is_dearer_than_all_before_it(
    costs: list[int], limit: int, at_once: int
) -> None:
    drawing = Drawing(Spending(Allowance(limit, limit)), priced(50)).run(costs, at_once)
    assert len(drawing.drawn) + drawing.refused == len(costs)
    assert drawing.spending.spent.known == sum(drawing.drawn)
    assert drawing.most_at_risk <= limit
    if (over := sum(drawing.drawn) - limit) > 0:
        *before, last = drawing.drawn
        assert over <= last - max(before, default=0)
    if drawing.refused:  # not before one as dear as the dearest no longer fitted
        assert sum(drawing.drawn) + max(drawing.drawn) > limit


def test_before_any_answer_a_prompt_is_taken_for_as_many_tokens_as_it_has_bytes() -> None:
    on_input = Price(input=1e6, output=0.0)
    size = len("häuser".encode()) + TEMPLATE
    for dollars, peak in ((2 * size, 2), (2 * size - 1, 1)):
        spending = Spending(Allowance(dollars, dollars))
        assert Drawing(spending, priced(1, on_input, task="häuser")).run([0, 0], 2).peak == peak


def test_a_cache_write_may_be_dearer_than_the_prompt() -> None:
    writing = Price(input=1e6, output=0.0, cache_write=2e6)
    size = 2 * (len("lamp") + TEMPLATE)
    assert Drawing(Spending(Allowance(2 * size - 1, 2 * size - 1)), priced(1, writing)).run([0, 0], 2).peak == 1


def test_of_a_sample_whose_usage_nobody_tells_what_was_reserved_is_spent() -> None:
    spending = Spending(Allowance(100.0, 100.0))

    async def untold() -> Drawn:
        return answered(4, None)

    async def run() -> list[Drawn | None]:
        return [await spending.draw(priced(30), untold) for _ in range(5)]

    assert [one is not None for one in asyncio.run(run())] == [True, True, True, False, False]
    assert spending.spent == Spent(12.0, 78.0)


def test_an_error_costs_what_was_answered_before_it_and_an_overflow_nothing() -> None:
    spending = Spending(Allowance(100.0, 100.0))

    async def failing() -> Drawn:
        return answered(4, 3, error="the server hung up")

    async def refused() -> Drawn:
        exchange = Exchange("", "overflow", Tokens(), 0.1)
        return Drawn(Completion("", "overflow", Tokens(), 0.1, requests=(exchange,)))

    asyncio.run(spending.draw(priced(30), failing))
    asyncio.run(spending.draw(priced(30), refused))
    assert spending.spent == Spent(7.0)


def test_a_request_that_breaks_off_may_have_been_billed_and_frees_its_place() -> None:
    spending = Spending(Allowance(60.0, 60.0))

    async def broken() -> Drawn:
        raise ZeroDivisionError

    async def one() -> Drawn:
        return answered(1)

    async def run() -> list[Drawn | None]:
        with pytest.raises(ZeroDivisionError):
            await spending.draw(priced(30), broken)
        return [await spending.draw(priced(30), one) for _ in range(2)]

    first, second = asyncio.run(run())
    assert first is not None
    assert second is None  # one as dear as what broke off may have been does not fit into the 29 that are left
    assert spending.spent == Spent(1.0, 30.0)


def test_of_a_form_filled_slot_by_slot_the_first_sample_tells_what_the_others_cost() -> None:
    filled = priced(2)
    filled = replace(filled, route=replace(filled.route, controls=("prefill",), fill="slots", price=Price.blended(1e6)))
    spending = Spending(Allowance(10_000.0, 10_000.0))
    drawing = Drawing(spending, filled)
    peaks: list[int] = []

    async def one() -> Drawn:
        drawing.in_flight += 1
        peaks.append(drawing.in_flight)
        await asyncio.sleep(0)
        drawing.in_flight -= 1
        return answered(90, 90, 90)

    async def run() -> None:
        await asyncio.gather(*(spending.draw(filled, one) for _ in range(6)))

    asyncio.run(run())
    assert peaks[:2] == [1, 1]  # a hundred requests did not fit twice
    assert max(peaks) > 1


@pytest.mark.parametrize(("turns", "in_flight"), [(4, 2), (2, 3)])
def test_before_any_workflow_of_a_route_is_drawn_all_its_turns_are_reserved(turns: int, in_flight: int) -> None:
    """What is generated has a bound; what an environment says has none, and the prompt is free here."""
    one = priced(30)
    one = replace(one, task=replace(one.task, environment=desk.Desk, max_turns=turns))
    drawing = Drawing(Spending(Allowance(250.0, 250.0)), one).run([20, 20, 20], 3)
    assert (drawing.peak, drawing.drawn) == (in_flight, [20, 20, 20])


def test_the_worker_that_replaces_another_goes_on_with_the_rest(tmp_path: Path) -> None:
    share, other = Allowance(200.0, 200.0).shared(2, str(tmp_path))
    assert (share.limit, share.own) == (200.0, 100.0)
    first = Drawing(Spending(share), priced(30)).run([10, 20], 1)
    Ledger(Path(str(share.ledger))).reserve(3, 30.0)  # in flight when it was killed
    with Path(str(share.ledger)).open("ab") as file:
        file.write(b'{"number": 4, "rese')
    second = Drawing(Spending(Allowance.from_json(share.to_json())), priced(30)).run([10] * 9, 1)
    assert (first.drawn, second.drawn) == ([10, 20], [10] * 4)
    assert spent_by([share, other]) == Spent(70.0, 30.0)


def test_the_ledger_of_a_worker_elsewhere_is_kept_at_the_owners(tmp_path: Path) -> None:
    (share,) = Allowance(100.0, 100.0).shared(1, "/no/such/folder/here")
    with wired(Desk(lambda: Record(tmp_path), tmp_path, tmp_path)) as owner:
        assert Drawing(Spending(share, owner), priced(30)).run([10, 20], 1).drawn == [10, 20]
        assert Drawing(Spending(share, owner), priced(30)).run([10] * 9, 1).drawn == [10] * 7
    assert spent_by([replace(share, ledger=str(tmp_path / "spent-0"))]) == Spent(100.0)


@pytest.mark.parametrize("limit", ["0.02", "2", "0.00001", "1250", "0"])
def test_the_limit_is_told_as_it_was_given(limit: str) -> None:
    allowance = Allowance(float(limit), 0.0)
    assert allowance.reached == f"the spend limit of ${limit} was reached"
    samples = (sample_of_error(0, f"not drawn: {allowance.reached}"), sample_of_error(1, "the server hung up"))
    assert allowance.unpaid(replace(Run.of(plan(), ()), samples=samples)) == 1


def test_a_route_without_a_price_is_named() -> None:
    with pytest.raises(ConfigError, match="--understudy-spend-limit: route 'raw' has no price"):
        check_priced([priced(1).route, Route("raw", "local")])


def test_with_a_limit_one_sample_of_every_task_is_drawn_a_round_and_the_rest_is_an_error(tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        return Completion("yes", "stop", Tokens(0, generated=10), 0.1)

    endpoint = ScriptedEndpoint([answer(Request(())) for _ in range(20)])
    spending = Spending(Allowance(75.0, 75.0))
    limits = {"local": Share(1)}
    sampler = Sampler({"local": endpoint}, Record(tmp_path), session=Share(1), limits=limits, spending=spending)
    plans = [priced(30, task=task, samples=4) for task in ("a", "b", "c")]
    sampler.promise(plans)
    errors = {one.task.id: [drawn.error for drawn in sampler.wait(one)] for one in plans}
    sampler.close()
    assert [request.messages[-1].content for request in endpoint.asked] == ["a", "b", "c", "a", "b", "c", "a"]
    left = "not drawn: the spend limit of $75 was reached"
    assert errors == {"a": [None] * 3 + [left], "b": [None] * 2 + [left] * 2, "c": [None] * 2 + [left] * 2}
    assert sum(len(path.read_text().splitlines()) for path in tmp_path.glob("*.jsonl")) == 7


def test_what_is_recorded_costs_nothing_now(tmp_path: Path) -> None:
    def sampler(limit: float) -> Sampler:
        spending = Spending(Allowance(limit, limit))
        endpoint = ScriptedEndpoint([Completion("yes", "stop", Tokens(0, generated=10), 0.1)] * 2)
        limits = {"local": Share(1)}
        return Sampler({"local": endpoint}, Record(tmp_path), session=Share(1), limits=limits, spending=spending)

    first, again = sampler(100.0), None
    first.wait(priced(30, samples=2))
    first.close()
    again = sampler(0.0)
    assert [(drawn.error, drawn.replayed) for drawn in again.wait(priced(30, samples=2))] == [(None, True)] * 2
    assert again.wait(priced(30, samples=3))[2].error == "not drawn: the spend limit of $0 was reached"
    again.close()


def test_a_route_that_ends_while_its_samples_wait_for_dollars_asks_nothing_more(tmp_path: Path) -> None:
    from pytest_understudy.errors import RouteEnded

    endpoint = ScriptedEndpoint([RouteEnded("401: no such key")] + [EndpointError("asked again")] * 5)
    spending = Spending(Allowance(40.0, 40.0))
    sampler = Sampler({"local": endpoint}, Record(tmp_path), session=Share(4), limits={"local": Share(4)}, spending=spending)
    errors = [drawn.error for drawn in sampler.wait(priced(30, samples=4))]
    sampler.close()
    assert errors == ["401: no such key"] + ["not drawn: 401: no such key"] * 3
    assert len(endpoint.asked) == 1
