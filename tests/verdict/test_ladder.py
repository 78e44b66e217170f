from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .made import error, route, run, sample

CHEAP, DEAR = Price.blended(0.20), Price.blended(18.0)
TASKS = 10


def runs_of(
    name: str, passes: Sequence[int], *, of: int = 4, price: Price | None = None, tokens: int = 100, p95: float = 1.0
) -> list[Run]:
    """A run for each entry of `passes`, which says how many of its samples pass."""
    return [
        run(
            name,
            f"task-{task}",
            [
                sample(1.0 if number < count else 0.0, prompt=0, generated=tokens + task, latency=p95, price=price)
                for number in range(of)
            ],
        )
        for task, count in enumerate(passes)
    ]


def judged(
    rungs: Mapping[str, list[Run]],
    *,
    gate: Gate | None = Gate(strict_pass=0.5),  # noqa: B008  # frozen
    prices: Mapping[str, Price] | None = None,
    baseline: str | None = None,
    ladder: bool = True,
) -> Verdict:
    routes: list[Route] = [route(name, price=(prices or {}).get(name)) for name in rungs]
    return judge(routes, [run for runs in rungs.values() for run in runs], gate=gate, ladder=ladder, baseline=baseline)


def test_without_a_gate_nothing_is_promoted_and_the_reason_says_how_to_set_one() -> None:
    verdict = judged({"raw": runs_of("raw", [4] * TASKS)}, gate=None)
    assert verdict.promotion.route is None
    assert "--understudy-min-strict" in verdict.promotion.reason
    assert verdict.gate_passed is None


def test_where_no_rung_holds_the_gate_each_miss_is_told_and_what_the_repair_map_suggests() -> None:
    verdict = judged({"raw": runs_of("raw", [1] * TASKS), "prefill": runs_of("prefill", [0] * TASKS)})
    assert verdict.promotion.to_json() == {
        "route": None,
        "reason": "none of 2 rungs holds the gate: 'raw' misses strict pass by 25.0 points, 'prefill' misses strict pass by 50.0"
        f" points; the repair map suggests for 'Mail': {verdict.repair_map[0].next}",
    }


def test_of_several_thresholds_the_one_missed_worst_is_told() -> None:
    runs = runs_of("raw", [3] * TASKS, tokens=100)  # 75 % of 80 %, and 104.5 tokens where 10 may be
    reason = judged({"raw": runs}, gate=Gate(strict_pass=0.8, tokens=10, credit=0.1)).promotion.reason
    assert "'raw' misses generated tokens a sample by 94.5 (and 1 more);" in reason
    reason = judged({"raw": runs}, gate=Gate(strict_pass=0.99, tokens=103)).promotion.reason
    assert "'raw' misses strict pass by 24.0 points (and 1 more);" in reason


@pytest.mark.parametrize(
    ("runs", "gate", "words"),
    [
        ([run("raw", "a", [sample()], planned=2)], Gate(), "'raw' misses samples: it was not drawn whole"),
        ([run("raw", "a", [], planned=2)], Gate(), "'raw' misses all samples: nothing was drawn"),
        ([run("raw", "a", [sample(), error()])], Gate(), "'raw' misses errors by 1"),
        ([run("raw", "a", [sample(generated=None)])], Gate(tokens=3), "tokens a sample: the server reports no usage"),
        ([run("raw", "a", [sample()])], Gate(cost=1.0), "'raw' misses serving cost: unpriced"),
        ([run("raw", "a", [sample(replayed=True, generated=9)])], Gate(p95=0.1, tokens=5), "generated tokens a sample by 4.0"),
    ],
)
def test_every_kind_of_miss_has_its_words(runs: list[Run], gate: Gate, words: str) -> None:
    reason = judged({"raw": runs}, gate=gate).promotion.reason
    assert reason.startswith("none of 1 rung holds the gate: 'raw' misses ")
    assert reason.endswith(words)


def test_a_rung_that_misses_the_baseline_tells_by_how_much() -> None:
    rungs = {"main": runs_of("main", [4] * TASKS), "raw": runs_of("raw", [2] * TASKS)}
    reason = judged(rungs, gate=Gate(margin=0.02), baseline="main").promotion.reason
    assert "'raw' misses the baseline (-50.0 points seen); the repair map suggests" in reason


def test_the_suggestion_is_for_the_cluster_with_the_most_misses_left() -> None:
    runs = [
        run("raw", "a", [sample(), sample(0.0)], cluster="Few"),
        run("raw", "b", [sample(0.0)] * 2, cluster="Many"),
        run("raw", "c", [sample()] * 2, cluster="None"),
    ]
    assert "; the repair map suggests for 'Many': " in judged({"raw": runs}, gate=Gate(strict_pass=0.9)).promotion.reason


def test_without_a_price_the_fewest_generated_tokens_win_and_the_sentence_says_so() -> None:
    verdict = judged(
        {
            "raw": runs_of("raw", [4] * TASKS, tokens=160),
            "prefill": runs_of("prefill", [4] * TASKS, tokens=60),
            "slots": runs_of("slots", [3] * TASKS, tokens=26),
            "wild": runs_of("wild", [0] * TASKS, tokens=1),
        }
    )
    assert verdict.promotion.route == "slots"
    assert verdict.promotion.reason == (
        "least generated tokens a sample (30.5; none is priced); chosen among 4 rungs, 3 of which held the gate;"
        " not confirmed on unseen tasks"
    )


def test_selected_routes_are_called_routes() -> None:
    verdict = judged({"raw": runs_of("raw", [4] * TASKS)}, ladder=False)
    assert verdict.promotion.route == "raw"
    assert "chosen among 1 route, 1 of which held the gate" in verdict.promotion.reason


def test_with_prices_the_least_cost_of_a_pass_wins_though_it_passes_less() -> None:
    # 0.20 x 104.5 / 1e6 a sample: over 0.75 it is 27.9, and 1.0 x 209 x 0.20 / 1e6 = 41.8 millionths a pass.
    verdict = judged(
        {
            "sure": runs_of("sure", [4] * TASKS, tokens=204, price=CHEAP),
            "lean": runs_of("lean", [3] * TASKS, tokens=100, price=CHEAP),
        },
        prices={"sure": CHEAP, "lean": CHEAP},
    )
    assert verdict.promotion.route == "lean"
    assert "least cost a strict pass ($0.000028)" in verdict.promotion.reason


def test_a_dear_miss_turns_the_choice_to_the_surer_route() -> None:
    rungs = {
        "lean": runs_of("lean", [3] * TASKS, tokens=100, price=CHEAP),
        "sure": runs_of("sure", [4] * TASKS, tokens=204, price=CHEAP),
    }
    verdict = judged(rungs, gate=Gate(strict_pass=0.5, failure_cost=0.04), prices=dict.fromkeys(rungs, CHEAP))
    assert verdict.promotion.route == "sure"
    assert "least expected cost a task ($0.000042; a miss costs $0.0400)" in verdict.promotion.reason


def test_by_default_a_miss_costs_what_the_priced_baseline_takes_for_a_task() -> None:
    rungs = {
        "lean": runs_of("lean", [3] * TASKS, tokens=100, price=CHEAP),
        "sure": runs_of("sure", [4] * TASKS, tokens=204, price=CHEAP),
        "frontier": runs_of("frontier", [4] * TASKS, tokens=100, price=DEAR),
    }
    verdict = judged(rungs, prices={"lean": CHEAP, "sure": CHEAP, "frontier": DEAR}, baseline="frontier")
    assert verdict.promotion.route == "sure"
    assert "a miss costs $0.0019" in verdict.promotion.reason
    assert "chosen among 2 rungs" in verdict.promotion.reason


def test_the_baseline_is_never_promoted() -> None:
    verdict = judged({"frontier": runs_of("frontier", [4] * TASKS), "raw": runs_of("raw", [0] * TASKS)}, baseline="frontier")
    assert verdict.promotion.route is None


def noisy(name: str, seed: int, p95: float) -> list[Run]:
    source = random.Random(seed)
    return runs_of(name, [source.choice([2, 3, 4]) for _ in range(TASKS)], price=CHEAP, p95=p95)


def test_a_tie_within_noise_goes_to_the_lower_p95() -> None:
    verdict = judged({"a": noisy("a", 3, 2.0), "b": noisy("b", 1, 1.0)}, prices={"a": CHEAP, "b": CHEAP})
    a, b = (figures.cost.per_pass for figures in verdict.routes)
    assert a is not None
    assert b is not None
    assert a < b
    assert verdict.promotion.route == "b"
    assert "ties within noise with 'a', the lower p95 (1.00s) decides" in verdict.promotion.reason


def test_a_tie_within_noise_and_in_p95_goes_to_the_earlier_rung() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        seeds = {"a": 1, "b": 2}
        verdict = judged({name: noisy(name, seeds[name], 1.0) for name in (first, second)}, prices={"a": CHEAP, "b": CHEAP})
        assert verdict.promotion.route == first
        assert f"ties within noise with '{second}', the earlier one" in verdict.promotion.reason


def test_an_unpriced_route_is_not_promoted_over_a_priced_one() -> None:
    rungs = {"free": runs_of("free", [4] * TASKS, tokens=1), "priced": runs_of("priced", [4] * TASKS, price=CHEAP)}
    verdict = judged(rungs, prices={"priced": CHEAP})
    assert verdict.promotion.route == "priced"
    assert "'free' can't be ranked by it" in verdict.promotion.reason


def test_where_nothing_can_be_ranked_nothing_is_promoted() -> None:
    def silent_server(name: str) -> list[Run]:
        return [run(name, f"task-{n}", [sample(prompt=None, generated=None)]) for n in range(3)]

    verdict = judged({"a": silent_server("a"), "b": silent_server("b")})
    assert verdict.promotion.route is None
    assert verdict.promotion.reason == "'a' and 'b' hold the gate, but have no generated tokens a sample to be ranked by"


def test_a_route_that_was_not_drawn_whole_is_not_promoted() -> None:
    whole = runs_of("whole", [4] * TASKS, tokens=160)
    cut = [*runs_of("cut", [4] * (TASKS - 1), tokens=10), run("cut", f"task-{TASKS - 1}", [], planned=4)]
    verdict = judged({"cut": cut, "whole": whole})
    assert verdict.promotion.route == "whole"
    assert "chosen among 2 rungs, 1 of which held the gate" in verdict.promotion.reason


def test_a_route_with_errors_that_the_gate_allows_holds_it_and_is_not_promoted() -> None:
    runs = [run("raw", "a", [sample(), sample(), error()]), run("raw", "b", [sample()] * 3)]
    verdict = judged({"raw": runs}, gate=Gate(strict_pass=0.5, errors=1))
    assert verdict.gate_passed is True
    assert verdict.promotion.route is None
    assert "with errors, and a partial route is never promoted" in verdict.promotion.reason


def test_a_promotion_is_confirmed_by_tasks_kept_unseen() -> None:
    runs = [run("raw", "a", [sample()] * 2), run("raw", "b", [sample(), sample(0.0)], confirm=True)]
    assert judged({"raw": runs}).promotion.reason.endswith("strict pass 50.0% on 1 task kept for confirmation")


def frontier_of(verdict: Verdict) -> dict[str, bool | None]:
    return {figures.name: figures.frontier for figures in verdict.routes}


def test_a_route_that_is_worse_in_all_is_off_the_frontier() -> None:
    verdict = judged(
        {
            "raw": runs_of("raw", [4] * TASKS, tokens=1600, p95=9.0),
            "prefill": runs_of("prefill", [4] * TASKS, tokens=60, p95=2.0),
        }
    )
    assert frontier_of(verdict) == {"raw": False, "prefill": True}


def test_a_surer_or_a_faster_route_stays_on_the_frontier() -> None:
    verdict = judged(
        {
            "sure": runs_of("sure", [4] * TASKS, tokens=300, p95=2.0),
            "lean": runs_of("lean", [2] * TASKS, tokens=60, p95=2.0),
            "fast": runs_of("fast", [4] * TASKS, tokens=300, p95=0.1),
            "slow": runs_of("slow", [2] * TASKS, tokens=300, p95=3.0),
        }
    )
    assert frontier_of(verdict) == {"sure": True, "lean": True, "fast": True, "slow": False}


def test_a_cheaper_route_does_not_dominate_a_faster_one() -> None:
    verdict = judged(
        {
            "cheap": runs_of("cheap", [4] * TASKS, tokens=60, p95=2.0),
            "fast": runs_of("fast", [4] * TASKS, tokens=300, p95=0.1),
        }
    )
    assert frontier_of(verdict) == {"cheap": True, "fast": True}


def test_a_lead_within_noise_dominates_nothing() -> None:
    a = runs_of("a", [4, 4, 4, 4, 4, 4, 4, 4, 4, 3])
    b = runs_of("b", [4, 4, 4, 4, 4, 4, 4, 4, 4, 2])
    assert frontier_of(judged({"a": a, "b": b})) == {"a": True, "b": True}


@pytest.mark.parametrize(
    "samples", [[error(), error()], [sample(prompt=None, generated=None)], []], ids=["errors", "no usage", "not drawn"]
)
def test_what_cannot_be_compared_has_no_place_on_the_frontier(samples: list[Sample]) -> None:
    verdict = judged({"raw": runs_of("raw", [4] * TASKS), "odd": [run("odd", "task-0", samples, planned=len(samples) or 2)]})
    assert frontier_of(verdict) == {"raw": True, "odd": None}


def test_the_frontier_needs_no_gate() -> None:
    assert frontier_of(judged({"raw": runs_of("raw", [4] * TASKS)}, gate=None)) == {"raw": True}
