from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from scipy import stats

from pytest_understudy.errors import ConfigError
from pytest_understudy.figures import wilson
from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.gate import GateCheck, GateVerdict, judge_gate
from pytest_understudy.verdict.route_figures import RouteFigures
from pytest_understudy.verdict.thresholds import Gate, check_reachable

from .made import error, route, run, sample, spread_runs


def figures(name: str, samples: Sequence[Sample], tasks: int = 1) -> RouteFigures:
    return RouteFigures.of(route(name), spread_runs(name, samples, tasks))


def passing(passed: int, of: int) -> list[Sample]:
    return [sample()] * passed + [sample(0.5)] * (of - passed)


def alone(gate: Gate, samples: Sequence[Sample], tasks: int = 1) -> GateVerdict:
    return judge_gate(gate, [figures("raw", samples, tasks)], ladder=False)


def row(verdict: GateVerdict, measure: str, name: str = "raw") -> GateCheck:
    [check] = [check for check in verdict.checks if check.measure == measure and check.route == name]
    return check


@pytest.mark.parametrize(
    ("gate", "measure", "value", "passed"),
    [
        (Gate(strict_pass=0.75), "strict_pass", 0.75, True),
        (Gate(strict_pass=0.76), "strict_pass", 0.75, False),
        (Gate(credit=0.875), "credit", 0.875, True),
        (Gate(credit=0.9), "credit", 0.875, False),
        (Gate(p95=1.0), "p95", 1.0, True),
        (Gate(p95=0.99), "p95", 1.0, False),
        (Gate(tokens=5), "tokens", 5.0, True),
        (Gate(tokens=4.9), "tokens", 5.0, False),
        (Gate(silent=0.25), "silent", 0.25, True),
        (Gate(silent=0.2), "silent", 0.25, False),
        (Gate(harm=0.0), "harm", 0.0, True),
    ],
)
def test_each_threshold_is_held_or_missed(gate: Gate, measure: str, value: float, passed: bool) -> None:
    verdict = alone(gate, passing(3, 4))
    assert row(verdict, measure).value == value
    assert row(verdict, measure).passed is verdict.passed is passed


def test_a_forbidden_action_fails_a_gate_on_harm() -> None:
    verdict = alone(Gate(harm=0.0), [sample(), sample(0.0, outcome="harm")])
    assert not verdict.passed
    assert row(verdict, "harm").value == 0.5


def test_the_cost_gated_is_that_of_the_whole_run_as_billed() -> None:
    price = Price.blended(100.0)
    drawn = RouteFigures.of(route(price=price), [run("raw", "a", [sample(price=price)] * 4)])
    assert drawn.cost.serving == pytest.approx(4 * 15 * 100 / 1e6)
    assert judge_gate(Gate(cost=0.0061), [drawn], ladder=False).passed
    assert not judge_gate(Gate(cost=0.0059), [drawn], ladder=False).passed


@pytest.mark.parametrize(
    ("gate", "measure", "note"),
    [(Gate(cost=1.0), "cost", "unpriced"), (Gate(tokens=10), "tokens", "the server reports no usage")],
)
def test_what_is_unknown_never_holds_a_gate(gate: Gate, measure: str, note: str) -> None:
    verdict = alone(gate, [sample(prompt=None, generated=None)])
    assert not verdict.passed
    assert (row(verdict, measure).value, row(verdict, measure).note) == (None, note)


def test_a_rate_that_equals_its_threshold_but_for_rounding_holds_it() -> None:
    drawn = RouteFigures.of(route(), [run("raw", f"t{n}", passing(passed, 5)) for n, passed in enumerate((0, 3, 3))])
    assert drawn.strict_pass.mean is not None
    assert drawn.strict_pass.mean < 0.4  # 6 of 15, as floats have it
    assert judge_gate(Gate(strict_pass=0.4), [drawn], ladder=False).passed


def test_an_error_fails_a_gate_that_allows_none() -> None:
    verdict = alone(Gate(strict_pass=0.5), [sample(), sample(), error()])
    assert not verdict.passed
    assert (row(verdict, "errors").threshold, row(verdict, "errors").value) == (0, 1)


def test_an_allowed_error_counts_as_a_miss() -> None:
    verdict = alone(Gate(strict_pass=0.7, credit=0.7, errors=1), [sample(), sample(), error()])
    assert row(verdict, "errors").passed
    assert row(verdict, "strict_pass").value == pytest.approx(2 / 3)
    assert row(verdict, "credit").value == pytest.approx(2 / 3)
    assert row(verdict, "credit").note == "errors count as 0"
    assert not verdict.passed


def test_an_error_never_helps_whatever_score_it_carries() -> None:
    verdict = alone(Gate(strict_pass=0.7, credit=0.7, errors=1), [sample(), sample(error="the scorer raised")])
    assert (row(verdict, "strict_pass").value, row(verdict, "credit").value) == (0.5, 0.5)


def test_a_gate_may_be_held_with_the_errors_that_it_allows() -> None:
    assert alone(Gate(strict_pass=0.6, errors=1), [sample(), sample(), error()]).passed


def test_a_route_of_errors_alone_is_worth_nothing() -> None:
    verdict = alone(Gate(strict_pass=0.1, silent=1.0, errors=5), [error(), error()])
    assert row(verdict, "strict_pass").value == 0.0
    assert row(verdict, "silent").value is None
    assert not verdict.passed


def test_a_route_that_was_not_drawn_whole_holds_no_gate() -> None:
    runs = [run("raw", "a", [sample()] * 3), run("raw", "b", [], planned=3)]
    verdict = judge_gate(Gate(strict_pass=0.5), [RouteFigures.of(route(), runs)], ladder=False)
    assert row(verdict, "strict_pass").passed
    assert (row(verdict, "samples").threshold, row(verdict, "samples").value) == (6, 3)
    assert "partial" in row(verdict, "samples").note
    assert not verdict.passed


def test_samples_that_were_never_asked_for_are_not_drawn_whatever_errors_are_allowed() -> None:
    runs = [run("raw", "a", [sample()] * 2 + [error("not drawn: the spend limit of $1 was reached")])]
    figures = RouteFigures.of(route(), runs)
    assert (figures.samples, figures.errors, figures.drawn, figures.undrawn) == (3, 1, 2, True)
    verdict = judge_gate(Gate(strict_pass=0.5, errors=9), [figures], ladder=False)
    assert row(verdict, "errors").passed
    assert (row(verdict, "samples").threshold, row(verdict, "samples").value) == (3, 2)
    assert not verdict.passed


def test_a_partial_route_can_still_fail_a_threshold() -> None:
    verdict = judge_gate(
        Gate(strict_pass=0.9), [RouteFigures.of(route(), [run("raw", "a", passing(1, 3), planned=9)])], ladder=False
    )
    assert not row(verdict, "strict_pass").passed


def test_a_route_of_which_nothing_was_drawn_has_one_row_that_says_so() -> None:
    verdict = judge_gate(
        Gate(strict_pass=0.9),
        [RouteFigures.of(route(), [run("raw", "a", [], planned=9)]), RouteFigures.of(route("b"), [])],
        ladder=False,
    )
    assert [(check.route, check.measure, check.value) for check in verdict.checks] == [("raw", "samples", 0), ("b", "samples", 0)]
    assert not verdict.passed


def test_a_gate_over_nothing_does_not_hold() -> None:
    assert not judge_gate(Gate(), [], ladder=True).passed
    assert not judge_gate(Gate(), [], ladder=False).passed


def test_latency_is_advisory_on_replayed_samples() -> None:
    verdict = alone(Gate(p95=0.5), [sample(replayed=True), sample()])
    check = row(verdict, "p95")
    assert (check.passed, check.advisory, check.replayed) == (False, True, 1)
    assert check.note == "advisory: 1 of 2 samples replayed"
    assert verdict.passed


def test_latency_is_advisory_where_the_model_runs_on_this_machine() -> None:
    drawn = [figures("raw", [sample()]), figures("served", [sample()])]
    verdict = judge_gate(Gate(p95=0.5), drawn, ladder=False, advisory_latency={"raw"})
    assert row(verdict, "p95", "raw").note == "advisory: the model runs on this machine"
    assert verdict.held_by == ("raw",)
    assert not verdict.passed


def test_replayed_samples_are_marked_in_every_row_of_their_route() -> None:
    verdict = alone(Gate(strict_pass=0.5), [sample(replayed=True)])
    assert [check.replayed for check in verdict.checks] == [1, 1]


def test_one_rung_is_enough_for_a_ladder_and_every_route_is_needed_without_one() -> None:
    drawn = [figures("raw", passing(1, 4)), figures("prefill", passing(4, 4))]
    assert judge_gate(Gate(strict_pass=0.9), drawn, ladder=True).passed
    assert not judge_gate(Gate(strict_pass=0.9), drawn, ladder=False).passed
    assert judge_gate(Gate(strict_pass=0.9), drawn, ladder=False).held_by == ("prefill",)


def test_the_baseline_need_not_hold_the_gate() -> None:
    drawn = [figures("frontier", passing(1, 4)), figures("prefill", passing(4, 4))]
    verdict = judge_gate(Gate(strict_pass=0.9), drawn, ladder=False, baseline="frontier")
    assert verdict.passed
    assert {check.route for check in verdict.checks} == {"prefill"}


def test_a_baseline_that_stands_alone_is_judged_like_any_route() -> None:
    for passed, held in ((1, ()), (4, ("frontier",))):
        drawn = [figures("frontier", passing(passed, 4))]
        verdict = judge_gate(Gate(strict_pass=0.9), drawn, ladder=False, baseline="frontier")
        assert verdict.judged == ("frontier",)
        assert verdict.held_by == held
        assert verdict.passed is bool(held)


def test_confidence_holds_the_wilson_bound_on_all_samples() -> None:
    verdict = alone(Gate(strict_pass=0.9, confidence=0.95), passing(94, 100), tasks=10)
    bound = stats.binomtest(94, 100).proportion_ci(confidence_level=0.9, method="wilson").low  # two-sided 90 %: one-sided 95 %
    check = row(verdict, "strict_pass")
    assert check.value == pytest.approx(bound, abs=1e-12)
    assert not check.passed
    assert check.note == "lower bound at 95.0% for these tasks, observed 94.0%"
    assert alone(Gate(strict_pass=0.9), passing(94, 100), tasks=10).passed


def test_the_population_bound_counts_tasks_and_not_samples() -> None:
    gate = Gate(strict_pass=0.9, confidence=0.95, estimand="population")
    verdict = alone(gate, [sample()] * 100, tasks=10)
    z = stats.t.ppf(0.95, 9)
    assert row(verdict, "strict_pass").value == pytest.approx(10 / (10 + z**2), abs=1e-12)
    assert "for tasks like these" in row(verdict, "strict_pass").note
    assert not verdict.passed


def test_one_task_says_nothing_about_others() -> None:
    verdict = alone(Gate(strict_pass=0.1, confidence=0.9, estimand="population"), [sample()] * 9)
    assert not verdict.passed
    assert row(verdict, "strict_pass").note == "no bound from fewer than two tasks"


def confidences(gate: Gate, passed: Sequence[int], of: int = 100, *, ladder: bool = True) -> dict[str, float]:
    """At what confidence each rung was held: read back from its bound."""
    drawn = [figures(f"r{n}", passing(count, of), tasks=10) for n, count in enumerate(passed)]
    verdict = judge_gate(gate, drawn, ladder=ladder)
    found = {}
    for n, count in enumerate(passed):
        bound = row(verdict, "strict_pass", f"r{n}").value
        assert bound is not None
        rate = count / of
        found[f"r{n}"] = float(stats.norm.cdf((rate - bound) / math.sqrt(bound * (1 - bound) / of)))
    return found


def test_on_a_ladder_the_most_certain_rung_is_held_the_hardest() -> None:
    assert confidences(Gate(strict_pass=0.5, confidence=0.95), [90, 95, 85]) == pytest.approx(
        {"r1": 1 - 0.05 / 3, "r0": 1 - 0.05 / 2, "r2": 0.95}
    )


def test_after_the_first_rung_that_misses_holm_grants_no_more() -> None:
    # r0 is far above 0.8; r1 and r2 are not above it beyond doubt: both are held at r1's step.
    assert confidences(Gate(strict_pass=0.8, confidence=0.95), [98, 84, 83]) == pytest.approx(
        {"r0": 1 - 0.05 / 3, "r1": 1 - 0.05 / 2, "r2": 1 - 0.05 / 2}
    )


def test_routes_that_were_chosen_beforehand_pay_nothing_for_each_other() -> None:
    assert confidences(Gate(strict_pass=0.5, confidence=0.95), [90, 95, 85], ladder=False) == pytest.approx(
        {"r0": 0.95, "r1": 0.95, "r2": 0.95}
    )


def test_rungs_that_were_never_judged_cost_the_others_nothing() -> None:
    drawn = [figures("raw", passing(95, 100), tasks=10), RouteFigures.of(route("later"), [run("later", "a", [], planned=9)])]
    verdict = judge_gate(Gate(strict_pass=0.9, confidence=0.95), drawn, ladder=True)
    assert row(verdict, "strict_pass").value == pytest.approx(wilson(0.95, 100, stats.norm.ppf(0.95))[0])


def test_a_rung_that_a_plain_bound_would_hold_misses_among_many() -> None:
    gate = Gate(strict_pass=0.8, confidence=0.95)
    assert judge_gate(gate, [figures("r0", passing(87, 100), tasks=10)], ladder=True).passed
    many = [figures(f"r{n}", passing(87 if n == 0 else 50, 100), tasks=10) for n in range(5)]
    assert not judge_gate(gate, many, ladder=True).passed


def test_a_threshold_out_of_reach_names_the_tasks_that_it_needs() -> None:
    gate = Gate(strict_pass=0.95, confidence=0.95, estimand="population")
    with pytest.raises(ConfigError) as caught:
        check_reachable(gate, 30, at="understudy.toml: [gate]")
    needed = next(g for g in range(2, 200) if g / (g + stats.t.ppf(0.95, g - 1) ** 2) >= 0.95)
    assert str(caught.value).startswith("understudy.toml: [gate] strict_pass: 30 tasks can't show 0.95 at confidence 0.95")
    assert "the bound is 0.912" in str(caught.value)
    assert f"it needs {needed} tasks" in str(caught.value)
    check_reachable(gate, needed)
    with pytest.raises(ConfigError):
        check_reachable(gate, needed - 1)


def test_what_is_reachable_is_what_a_flawless_route_holds() -> None:
    for threshold in (0.9, 0.91, 0.92):
        gate = Gate(strict_pass=threshold, confidence=0.95, estimand="population")
        held = alone(gate, [sample()] * 30, tasks=30).passed
        if held:
            check_reachable(gate, 30)
        else:
            with pytest.raises(ConfigError, match="needs"):
                check_reachable(gate, 30)


def test_a_longer_ladder_needs_more_tasks() -> None:
    gate = Gate(credit=0.9, confidence=0.95, estimand="population")
    check_reachable(gate, 30)
    with pytest.raises(ConfigError, match=r"\[gate\] credit: 30 tasks can't show 0.9"):
        check_reachable(gate, 30, rungs=5)


def test_no_number_of_tasks_shows_certainty() -> None:
    with pytest.raises(ConfigError, match="no number of tasks shows it"):
        check_reachable(Gate(strict_pass=1.0, confidence=0.95, estimand="population"), 1000)


@pytest.mark.parametrize("gate", [Gate(strict_pass=0.99), Gate(strict_pass=0.99, confidence=0.95)])
def test_only_the_population_needs_many_tasks(gate: Gate) -> None:
    check_reachable(gate, 3)
    assert alone(gate, [sample()] * 600, tasks=3).passed


def test_a_row_of_json_has_the_surfaces_keys() -> None:
    [errors, strict] = alone(Gate(strict_pass=0.5), passing(3, 4)).to_json()["checks"]
    assert {"route": "raw", "measure": "strict_pass", "threshold": 0.5, "value": 0.75, "passed": True}.items() <= strict.items()
    assert errors["measure"] == "errors"


def test_runs_of_one_task_and_many_samples_hold_the_holdout_bound() -> None:
    drawn: list[Run] = [run("raw", "a", [sample()] * 60)]
    assert judge_gate(Gate(strict_pass=0.95, confidence=0.95), [RouteFigures.of(route(), drawn)], ladder=False).passed
