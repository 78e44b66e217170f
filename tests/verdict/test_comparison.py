from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from scipy import stats

from pytest_understudy.errors import UnderstudyError
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.comparison import Comparison, Difference, Earlier, pairs_needed
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .made import error, route, run, sample

CHEAP, DEAR = Price.blended(0.20), Price.blended(18.0)


def passing(passed: int, of: int, **more: Any) -> list[Sample]:
    return [sample(**more)] * passed + [sample(0.5, **more)] * (of - passed)


def drawn(name: str, passes: Sequence[int], of: int = 4, **more: Any) -> list[Run]:
    """A run for each entry of `passes`: how many of its samples pass."""
    return [run(name, f"task-{task}", passing(passed, of, **more)) for task, passed in enumerate(passes)]


def judged(routes: Sequence[Route], runs: Sequence[Run], **more: Any) -> Verdict:
    return judge(routes, runs, **{"gate": None, "ladder": False, **more})


def against(ours: Sequence[int], theirs: Sequence[int], **more: Any) -> Comparison:
    runs = [*drawn("main", theirs), *drawn("new", ours)]
    [comparison] = judged([route("main"), route("new")], runs, baseline="main", **more).comparisons
    return comparison


def report(*names: str, passes: Sequence[int] = (4, 4, 2), gate: Gate | None = None) -> dict[str, Any]:
    """A JSON report that an earlier session wrote."""
    runs = [run for name in names for run in drawn(name, passes)]
    return json.loads(judged([route(name) for name in names], runs, gate=gate).to_text())  # type: ignore[no-any-return]  # a report


def by_hand(differences: Sequence[float], confidence: float) -> tuple[float, float]:
    tasks = len(differences) + 2
    centre = sum(differences) / tasks
    variance = (sum(d * d for d in differences) + 1) / tasks - centre**2
    half = stats.t.ppf(0.5 + confidence / 2, len(differences) - 1) * math.sqrt(variance / tasks)
    return (centre - half, centre + half)


def test_differences_are_paired_by_task_and_their_interval_is_agresti_and_mins() -> None:
    comparison = against([4, 3, 4, 0], [2, 3, 1, 1])
    differences = [0.5, 0.0, 0.75, -0.25]
    assert comparison.strict_pass.difference == pytest.approx(0.25)
    assert (comparison.strict_pass.low, comparison.strict_pass.high) == pytest.approx(by_hand(differences, 0.95), rel=1e-9)
    assert comparison.bound == pytest.approx(by_hand(differences, 0.90)[0], rel=1e-9)
    halves = [difference / 2 for difference in differences]  # a miss is worth half a credit here
    assert comparison.credit.difference == pytest.approx(0.125)
    assert (comparison.credit.low, comparison.credit.high) == pytest.approx(by_hand(halves, 0.95), rel=1e-9)


def test_what_could_have_been_seen_is_28_tenths_of_a_standard_error_of_strict_pass() -> None:
    comparison = against([4] * 8, [4] * 8)
    assert comparison.mde == pytest.approx(2.8 / 10)  # all ties: var = 1 / 10, SE = sqrt(0.1 / 10)


@pytest.mark.parametrize(
    ("differences", "margin", "verdict"),
    [
        ([0.0] * 30, 0.02, "inconclusive"),
        ([0.0] * 100, 0.02, "equivalent"),
        ([0.0] * 30, 0.06, "equivalent"),
        ([0.5] * 30, 0.02, "better"),
        ([-0.5] * 30, 0.02, "worse"),
        ([0.01] * 400, 0.02, "equivalent"),
        ([0.01] * 40_000, 0.02, "equivalent"),
        ([0.03] * 40_000, 0.02, "better"),
        ([0.5, -0.5] * 10, 0.02, "inconclusive"),
        ([1.0], 0.02, "inconclusive"),
        ([], 0.02, "inconclusive"),
    ],
)
def test_verdicts(differences: list[float], margin: float, verdict: str) -> None:
    assert Difference.over(differences, margin).verdict == verdict


def test_a_small_lead_that_is_certain_is_equivalent_all_the_same() -> None:
    seen = Difference.over([0.01] * 40_000, 0.02)
    assert seen.low is not None
    assert seen.low > 0
    assert seen.verdict == "equivalent"


def test_not_worse_asks_that_the_one_sided_bound_be_above_the_margin() -> None:
    comparison = against([4] * 30, [4] * 30)
    assert comparison.bound == pytest.approx(-stats.t.ppf(0.95, 29) / 32)
    assert comparison.not_worse is False
    assert against([4] * 30, [4] * 30, margin=0.06).not_worse is True
    assert comparison.above(0.0532) is True
    assert comparison.above(0.0530) is False


def test_fewer_than_two_pairs_show_nothing() -> None:
    comparison = against([4], [1])
    assert comparison.strict_pass.to_json() == {"difference": 0.75, "low": None, "high": None, "verdict": "inconclusive"}
    assert (comparison.not_worse, comparison.mde, comparison.bound) == (None, None, None)


def test_only_tasks_that_ask_and_expect_the_same_are_paired() -> None:
    changed = [*drawn("new", [4, 4]), Run(**{**_fields(run("new", "task-2", passing(0, 4))), "hash": "another"})]
    [comparison] = judged([route("main"), route("new")], [*drawn("main", [4, 4, 4]), *changed], baseline="main").comparisons
    assert (comparison.tasks, comparison.unpaired, comparison.strict_pass.difference) == (2, 2, 0.0)


def _fields(made: Run) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__slots__}


def test_tasks_that_share_a_hash_are_paired_once_each() -> None:
    twins = [
        Run(**{**_fields(made), "hash": "same"})
        for name, passes in (("main", [4, 0]), ("new", [4, 0]))
        for made in drawn(name, passes)
    ]
    [comparison] = judged([route("main"), route("new")], twins, baseline="main").comparisons
    assert (comparison.tasks, comparison.unpaired, comparison.strict_pass.difference) == (2, 0, 0.0)


def test_a_partial_route_is_compared_on_what_pairs_there_are() -> None:
    runs = [*drawn("main", [4, 4, 4]), *drawn("new", [4, 2]), run("new", "task-2", [error()] * 4)]
    [comparison] = judged([route("main"), route("new")], runs, baseline="main").comparisons
    assert (comparison.tasks, comparison.unpaired) == (2, 1)
    assert comparison.strict_pass.difference == -0.25


def test_a_route_is_not_compared_with_itself_and_one_never_judged_not_at_all() -> None:
    routes = [route("main"), route("new"), route("never")]
    runs = [*drawn("main", [4, 4]), *drawn("new", [4, 4]), run("never", "task-0", [], planned=4)]
    assert [seen.route for seen in judged(routes, runs, baseline="main").comparisons] == ["new"]
    assert judged(routes, runs).comparisons == ()
    assert judged(routes, runs, baseline="not selected").comparisons == ()


def test_ratios_are_the_routes_over_the_baselines() -> None:
    dear, cheap = route("dear", price=DEAR), route("cheap", price=CHEAP)
    runs = [
        *drawn("dear", [4, 4], prompt=0, generated=400, latency=2.0, price=DEAR),
        *drawn("cheap", [4, 4], prompt=0, generated=100, latency=0.5, price=CHEAP),
    ]
    [seen] = judged([dear, cheap], runs, baseline="dear").comparisons
    assert (seen.tokens_ratio, seen.latency_p50_ratio) == (0.25, 0.25)
    assert seen.cost_ratio == pytest.approx(100 * 0.20 / (400 * 18.0))


def test_the_latency_ratio_is_that_of_the_table_where_all_tasks_are_paired() -> None:
    runs = [
        *(run("main", name, [sample(latency=x) for x in (1.0, 2.0, 9.0)]) for name in ("a", "b")),
        *(
            run("new", name, [sample(latency=x) for x in times])
            for name, times in (("a", (1.0, 1.0, 8.0)), ("b", (3.0, 4.0, 9.0)))
        ),
    ]
    verdict = judged([route("main"), route("new")], runs, baseline="main")
    main, new = (figures.latency_p50 for figures in verdict.routes)
    assert main is not None
    assert new is not None
    assert verdict.comparisons[0].latency_p50_ratio == new / main == 3.5 / 2.0


def test_where_tasks_lack_a_partner_ratios_are_of_the_paired_tasks() -> None:
    runs = [
        *drawn("main", [4, 4], generated=10, latency=1.0),
        run("main", "only-here", [sample(generated=1000, latency=99.0)] * 4),
        *drawn("new", [4, 4], generated=5, latency=0.5),
    ]
    [seen] = judged([route("main"), route("new")], runs, baseline="main").comparisons
    assert (seen.tokens_ratio, seen.latency_p50_ratio) == (0.5, 0.5)


def test_cached_tokens_do_not_make_a_route_cheaper_in_comparison() -> None:
    price = Price(input=1.0, cached=0.1, output=4.0)
    runs = [
        *drawn("main", [4, 4], prompt=100, cached=0, generated=0, price=price),
        *drawn("new", [4, 4], prompt=100, cached=100, generated=0, price=price),
    ]
    [seen] = judged([route("main", price=price), route("new", price=price)], runs, baseline="main").comparisons
    assert seen.cost_ratio == 1.0


@pytest.mark.parametrize(
    ("ours", "theirs", "comparable"),
    [
        (route("new"), route("main"), True),
        (route("new", model="qwen3-8b"), route("main", model="qwen3-8b"), True),
        (route("new", model="qwen3-8b"), route("main", model="sonnet"), False),
        (route("new", model="qwen3-8b"), route("main"), False),
        (Route("new", "local"), Route("main", "elsewhere"), False),
        (Route("new", "local", "qwen3-8b"), Route("main", "elsewhere", "qwen3-8b"), True),
    ],
)
def test_tokens_are_compared_between_routes_of_one_model_only(ours: Route, theirs: Route, comparable: bool) -> None:
    [seen] = judged([theirs, ours], [*drawn("main", [4, 4]), *drawn("new", [4, 4])], baseline="main").comparisons
    assert (seen.tokens_ratio is not None) is comparable


def test_what_is_unknown_has_no_ratio() -> None:
    runs = [*drawn("main", [4, 4], generated=None, latency=None), *drawn("new", [4, 4])]
    [seen] = judged([route("main"), route("new")], runs, baseline="main").comparisons
    assert (seen.tokens_ratio, seen.latency_p50_ratio, seen.cost_ratio) == (None, None, None)


def test_an_entry_of_the_report_has_every_key() -> None:
    assert set(against([4, 4], [4, 2]).to_json()) == {
        *("route", "baseline", "tasks", "unpaired", "margin", "credit", "strict_pass", "not_worse", "bound", "mde"),
        *("latency_p50_ratio", "tokens_ratio", "cost_ratio", "break_even"),
    }


# -- an earlier report


def earlier(data: object, name: str = "main.json") -> Earlier:
    return Earlier.from_json(data, name)


def test_an_earlier_report_compares_as_a_route_of_this_run_does() -> None:
    runs = [*drawn("main", [4, 1, 2], price=CHEAP), *drawn("new", [4, 4, 2], generated=9, latency=3.0, price=CHEAP)]
    routes = [route("main", price=CHEAP), route("new", price=CHEAP)]
    then = judged(routes[:1], runs[:3])
    [by_file] = judged(routes[1:], runs[3:], earlier=earlier(json.loads(then.to_text()))).comparisons
    [by_route] = judged(routes, runs, baseline="main").comparisons
    assert by_file.baseline == "main.json: main"
    assert {**by_file.to_json(), "baseline": "main"} == by_route.to_json()


def test_a_route_is_compared_with_its_own_name_first() -> None:
    verdict = judged([route("raw"), route("prefill")], [*drawn("raw", [4, 4, 4]), *drawn("prefill", [4, 4, 4])],
                     earlier=earlier(report("prefill", "raw", gate=Gate(strict_pass=0.5))))  # fmt: skip
    assert [seen.baseline for seen in verdict.comparisons] == ["main.json: raw", "main.json: prefill"]


def test_another_name_is_compared_with_the_promoted_route() -> None:
    data = report("raw", "prefill", gate=Gate(strict_pass=0.5))
    assert data["promotion"]["route"] == "raw"
    assert earlier(data).side_for("nothink").name == "raw"


def test_without_a_promotion_the_only_route_is_the_baseline() -> None:
    assert earlier(report("raw")).side_for("nothink").name == "raw"


def test_a_route_without_a_counterpart_is_told_what_there_is() -> None:
    them = earlier(report("raw", "prefill"))
    them.check(["raw", "prefill"])
    with pytest.raises(UnderstudyError) as caught:
        them.check(["raw", "nothink"])
    expected = "main.json: no route 'nothink' to compare with, and none was promoted; there are 'raw' and 'prefill'"
    assert str(caught.value) == expected


def test_a_promoted_route_that_is_not_in_the_report_is_no_counterpart() -> None:
    data = report("raw", "prefill")
    data["promotion"]["route"] = "gone"
    with pytest.raises(UnderstudyError, match="no route 'nothink'"):
        earlier(data).side_for("nothink")


def test_a_report_with_nothing_but_the_surfaces_keys_can_be_compared_with() -> None:
    data = report("raw")
    for task in data["routes"][0]["by_task"]:
        for added in ("uncached", "distinct", "file"):
            del task[added]
    [seen] = judged([route()], drawn("raw", [4, 4, 4]), earlier=earlier(data)).comparisons
    assert (seen.tasks, seen.tokens_ratio, seen.cost_ratio) == (3, 1.0, None)


@pytest.mark.parametrize("data", [None, [], "text", {}, {"version": 1}, {"routes": [], "promotion": {}}])
def test_what_is_no_report_is_refused(data: object) -> None:
    with pytest.raises(UnderstudyError, match=r"main\.json: no JSON report of pytest-understudy.*--understudy-report"):
        earlier(data)


def test_a_report_of_another_version_is_refused() -> None:
    with pytest.raises(UnderstudyError, match=r"main\.json: a report of version 2, where version 1 can be read"):
        earlier({**report("raw"), "version": 2})


def _broken(change: Any) -> dict[str, Any]:
    data = copy.deepcopy(report("raw"))
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.update(routes=None), "NoneType"),
        (lambda data: data.update(routes=["raw"]), "str where an object is expected"),
        (lambda data: data["routes"][0].pop("by_task"), "'by_task' is not a list"),
        (lambda data: data["routes"][0].update(name=3), "'name' is not a string"),
        (lambda data: data["routes"][0].update(latency=[1]), "list where an object is expected"),
        (lambda data: data["routes"][0]["by_task"].append(7), "int where an object is expected"),
        (lambda data: data["routes"][0]["by_task"][0].pop("hash"), "'hash' is not a string"),
        (lambda data: data["routes"][0]["by_task"][0].update(credit="1"), "'credit' is not a number"),
        (lambda data: data["routes"][0]["by_task"][0].update(credit=True), "'credit' is not a number"),
        (lambda data: data["routes"][0]["by_task"][0].update(generated=float("nan")), "'generated' is not a number"),
        (lambda data: data["routes"][0]["by_task"][0].update(strict_pass=1.5), r"not both in \[0, 1\]"),
        (lambda data: data.update(promotion=None), "NoneType"),
        (lambda data: data.update(promotion={}), "'route'"),
    ],
)
def test_a_broken_report_says_what_is_wrong(change: Any, words: str) -> None:
    with pytest.raises(UnderstudyError, match=rf"main\.json: no whole JSON report of pytest-understudy: .*{words}"):
        earlier(_broken(change))


def test_a_report_without_routes_is_refused() -> None:
    with pytest.raises(UnderstudyError, match="without a route"):
        earlier({**report("raw"), "routes": []})


def test_tasks_that_were_not_judged_then_are_not_paired() -> None:
    runs = [*drawn("raw", [4, 4]), run("raw", "task-2", [error()] * 4)]
    then = json.loads(judged([route()], runs).to_text())
    [seen] = judged([route()], drawn("raw", [4, 4, 4]), earlier=earlier(then)).comparisons
    assert (seen.tasks, seen.unpaired) == (2, 1)


# -- what the gate makes of it


def gated(ours: Sequence[int], theirs: Sequence[int], gate: Gate) -> Verdict:
    runs = [*drawn("main", theirs), *drawn("new", ours)]
    return judged([route("main"), route("new")], runs, gate=gate, baseline="main")


def baseline_row(verdict: Verdict) -> dict[str, Any]:
    assert verdict.gate is not None
    [check] = [check for check in verdict.gate.checks if check.measure == "baseline"]
    return check.to_json()


def test_a_gate_fails_on_a_route_that_is_worse_than_the_baseline() -> None:
    verdict = gated([1] * 20, [4] * 20, Gate())
    row = baseline_row(verdict)
    assert verdict.gate_passed is False
    assert (row["route"], row["threshold"], row["value"], row["passed"]) == ("new", 0.0, -0.75, False)
    assert row["note"].startswith("worse on 20 pairs with 'main'; could see a drop of ")


def test_a_difference_within_noise_holds_the_gate_and_tells_what_could_have_been_seen() -> None:
    verdict = gated([4] * 19 + [3], [4] * 20, Gate())
    row = baseline_row(verdict)
    assert verdict.gate_passed is True
    assert (row["value"], row["passed"]) == (-0.0125, True)
    mde = verdict.comparisons[0].mde
    assert mde is not None
    assert row["note"] == f"inconclusive on 20 pairs with 'main'; could see a drop of {mde * 100:.1f} points"


def test_with_a_margin_it_must_be_shown_that_a_route_is_no_worse() -> None:
    held = gated([4] * 20, [3] * 20, Gate(margin=0.02))
    assert held.gate_passed is True
    assert baseline_row(held)["note"].startswith("shown to be no worse, bound +")
    missed = gated([4] * 20, [4] * 20, Gate(margin=0.02))
    row = baseline_row(missed)
    assert missed.gate_passed is False
    assert (row["threshold"], row["value"], row["passed"]) == (-0.02, 0.0, False)
    assert row["note"].startswith("not shown to be no worse, bound -7.9 points, on 20 pairs with 'main'")
    assert row["note"].endswith(f"; without a lead it takes {pairs_needed(0.02)} pairs to show")
    assert gated([4] * 20, [4] * 20, Gate(margin=0.08)).gate_passed is True


def test_the_gates_margin_is_its_own() -> None:
    verdict = gated([4] * 20, [4] * 20, Gate(margin=0.08))
    assert verdict.comparisons[0].margin == 0.02
    assert verdict.comparisons[0].not_worse is False
    assert baseline_row(verdict)["passed"] is True


def test_the_pairs_needed_are_those_that_all_ties_show_it_with() -> None:
    for margin in (0.02, 0.05, 0.1, 0.5):
        needed = pairs_needed(margin)
        assert against([4] * needed, [4] * needed, margin=margin).not_worse is True
        if needed > 2:
            assert against([4] * (needed - 1), [4] * (needed - 1), margin=margin).not_worse is False


@pytest.mark.parametrize("gate", [Gate(), Gate(margin=0.5)])
def test_without_pairs_a_baseline_never_holds_the_gate(gate: Gate) -> None:
    then = earlier(report("raw"))
    verdict = judged([route()], [run("raw", name, [sample()] * 4) for name in ("new", "newer")], gate=gate, earlier=then)
    row = baseline_row(verdict)
    assert (verdict.gate_passed, row["value"], row["passed"]) == (False, None, False)
    assert row["note"] == "fewer than two tasks are paired with 'main.json: raw': nothing can be shown"


@pytest.mark.parametrize(("margin", "holding"), [(None, ("cheap", "sure")), (0.08, ("sure",))])
def test_on_a_ladder_a_rung_may_be_worse_than_the_baseline_unless_there_is_a_margin(
    margin: float | None, holding: tuple[str, ...]
) -> None:
    runs = [*drawn("main", [4] * 20), *drawn("cheap", [3] * 20), *drawn("sure", [4] * 20)]
    routes = [route(name) for name in ("main", "cheap", "sure")]
    verdict = judged(routes, runs, gate=Gate(strict_pass=0.7, margin=margin), ladder=True, baseline="main")
    assert verdict.gate is not None
    assert verdict.gate.held_by == holding


def test_the_baseline_itself_has_no_row() -> None:
    verdict = judged([route("main")], drawn("main", [4, 4]), gate=Gate(strict_pass=0.5), baseline="main")
    assert verdict.gate is not None
    assert "baseline" not in {check.measure for check in verdict.gate.checks}
