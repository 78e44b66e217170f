"""From when on a route pays, and what sending its detectable misses on comes to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.break_even import BreakEven, machine_tasks
from pytest_understudy.verdict.comparison import Earlier
from pytest_understudy.verdict.fallback import Fallback
from pytest_understudy.verdict.machine import Machine
from pytest_understudy.verdict.side import Pair, TaskSide
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .made import flight, route, run

DOLLAR = Price.blended(1_000_000.0)
"""A dollar a token, so that a sample's cost is its tokens."""


def pair(cost: float | None, strict: float, base: float | None, base_strict: float = 1.0, detectable: float = 0.0) -> Pair:
    return (
        TaskSide("h", strict, strict, None, cost, 1.0, cost, detectable),
        TaskSide("h", base_strict, base_strict, None, base, 1.0, base),
    )


def over(paired: Sequence[Pair], **more: Any) -> BreakEven:
    found = BreakEven.over(paired, **{"failure_cost": None, **more})
    assert found is not None
    return found


def test_what_1000_tasks_save_and_after_how_many_the_training_is_paid_back() -> None:
    """b = 0.010, c = 0.001, s = 0.9, so r = 0.001 + 0.1 x 0.010 = 0.002; (12 + 0.4) / 0.008 = 1,550 tasks."""
    found = over([pair(0.001, 0.9, 0.010)], training_cost=12.0, evaluation_cost=0.4)
    assert (found.baseline_cost, found.route_cost, found.failure_cost) == pytest.approx((0.010, 0.002, 0.010))
    assert found.saved_per_1000 == pytest.approx(8.0)
    assert found.payback_tasks == 1550


def test_a_miss_costs_what_the_gate_says_and_the_baselines_misses_cost_it_too() -> None:
    """b = 0.01 + 0.2 x 0.5 = 0.11, r = 0.001 + 0.1 x 0.5 = 0.051."""
    found = over([pair(0.001, 0.9, 0.010, 0.8)], failure_cost=0.5)
    assert (found.baseline_cost, found.route_cost) == pytest.approx((0.11, 0.051))
    assert found.saved_per_1000 == pytest.approx(59)


def test_costs_and_rates_are_means_over_the_paired_tasks() -> None:
    found = over([pair(0.001, 1.0, 0.01), pair(0.003, 0.5, 0.03)], failure_cost=0.0)
    assert (found.baseline_cost, found.route_cost) == pytest.approx((0.02, 0.002))
    assert BreakEven.over([], failure_cost=None) is None


def test_what_is_dearer_never_pays() -> None:
    found = over([pair(0.02, 1.0, 0.01)], training_cost=1.0, evaluation_cost=0.1, machine=Machine(1.0), capacity=1e9)
    assert found.saved_per_1000 == pytest.approx(-10)
    assert found.payback_tasks == "never"
    assert found.machine is not None
    assert found.machine.tasks == "never"
    assert over([pair(0.01, 1.0, 0.01)], evaluation_cost=0.0).payback_tasks == "never"


def test_what_differs_by_a_rounding_saves_nothing() -> None:
    found = over([pair(0.3, 1.0, 0.1 + 0.2)], training_cost=1.0, evaluation_cost=0.1)
    assert 0.1 + 0.2 > 0.3
    assert (found.saved, found.payback_tasks) == (0.0, "never")


def test_a_training_that_was_not_priced_costs_nothing_and_the_evaluation_still_does() -> None:
    assert over([pair(0.001, 1.0, 0.011)], evaluation_cost=0.05).payback_tasks == 5
    assert over([pair(0.001, 1.0, 0.011)], evaluation_cost=0.0).payback_tasks == 0
    assert over([pair(0.001, 1.0, 0.011)], training_cost=3.0).payback_tasks is None


@pytest.mark.parametrize(("cost", "base"), [(None, 0.01), (0.001, None), (None, None)])
def test_where_a_side_is_unpriced_nothing_is_said(cost: float | None, base: float | None) -> None:
    paired = [pair(cost, 0.9, base, detectable=0.05), pair(0.001, 1.0, 0.01)]
    found = over(paired, training_cost=1.0, evaluation_cost=1.0, machine=Machine(1.0), capacity=10.0)
    assert found.saved_per_1000 is found.payback_tasks is None
    assert found.machine is not None
    assert found.fallback is not None
    assert found.machine.tasks is found.fallback.cost is None
    assert found.fallback.strict_pass == pytest.approx(0.95 + 0.025)


def test_a_machine_pays_from_the_least_month_that_covers_it() -> None:
    """A dollar an hour is 730 a month; at 0.008 saved a task, 91,250 tasks, if the machine can do them."""
    assert machine_tasks(0.008, 730.0, 100_000.0) == 91_250
    assert machine_tasks(0.008, 730.0, 91_250.0) == 91_250
    assert machine_tasks(0.008, 730.0, 91_249.0) == "never"
    found = over([pair(0.001, 0.9, 0.010)], machine=Machine(1.0, machines=2), capacity=200_000.0)
    assert found.machine is not None
    assert found.machine.tasks == 182_500


def test_what_was_not_measured_is_unknown_and_not_never() -> None:
    assert machine_tasks(0.008, 730.0, None) is None
    assert machine_tasks(None, 730.0, 1e6) is None
    assert machine_tasks(-0.008, 730.0, None) == "never"


@given(st.integers(1, 20), st.integers(1, 60), st.integers(1, 30))
def test_it_is_the_least_whole_month_for_which_the_definition_holds(saved: int, month: int, halves: int) -> None:
    """Tried out task by task, in fractions: V (b - r) >= ceil(V / capacity) x month."""
    capacity = Fraction(halves, 2)
    tried = (v for v in range(1, 2000) if v * saved >= -(-v // capacity) * month)
    assert machine_tasks(float(saved), float(month), float(capacity)) == next(tried, "never")


def test_detectable_misses_sent_to_the_baseline_cost_and_reach_what_they_do() -> None:
    """0.001 + 0.05 x 0.01 = 0.0015 dollars; 0.9 + 0.05 x 0.98 = 0.949."""
    found = over([pair(0.001, 0.9, 0.010, 0.98, detectable=0.05)]).fallback
    assert found is not None
    assert (found.detectable, found.cost, found.strict_pass) == pytest.approx((0.05, 0.0015, 0.949))


@given(*[st.floats(0, 1)] * 3, st.floats(0, 1), st.floats(0, 1))
def test_a_fallback_never_reaches_less_nor_costs_less(detectable: float, s: float, base: float, c: float, dear: float) -> None:
    found = Fallback.of(detectable=min(detectable, 1 - s), cost=c, strict_pass=s, base_cost=dear, base_strict_pass=base)
    assert s <= found.strict_pass <= 1 + 1e-12
    assert found.cost is not None
    assert found.cost >= c


# -- in the verdict


def drawn(name: str, dollars: int, misses: int = 0, *, seen: bool = True) -> list[Run]:
    """Ten tasks of one sample, in a row of a second each, of which the first few are missed."""

    def one(number: int) -> Sample:
        missed = number < misses
        made = flight(number, number + 1, credit=0.0 if missed else 1.0, prompt=dollars, generated=0, price=DOLLAR)
        return replace(made, score=replace(made.score, outcome="detectable")) if missed and seen else made

    return [run(name, f"t{number}", [one(number)]) for number in range(10)]


def judged(routes: Sequence[Route], runs: Sequence[Run], **more: Any) -> Verdict:
    return judge(routes, runs, **{"gate": Gate(strict_pass=0.8), "ladder": True, "baseline": "frontier", **more})


ROUTES = [route("small", price=DOLLAR, training_cost=70.0), route("frontier", price=DOLLAR)]


def test_a_rung_that_holds_the_gate_has_a_break_even_and_one_that_misses_it_has_none() -> None:
    """b = 10, r = 1 + 0.1 x 10 = 2; (70 + 10) / 8 = 10 tasks; 1 + 0.1 x 10 dollars and a strict pass of 1 with the fallback."""
    routes = [*ROUTES, route("weak", price=DOLLAR)]
    runs = [*drawn("small", 1, misses=1), *drawn("frontier", 10), *drawn("weak", 1, misses=5)]
    small, weak = judged(routes, runs).to_json()["comparisons"]
    assert small["break_even"] == {
        "baseline_cost": 10.0,
        "route_cost": pytest.approx(2.0),
        "failure_cost": 10.0,
        "saved_per_1000": pytest.approx(8000.0),
        "training_cost": 70.0,
        "evaluation_cost": 10.0,
        "payback_tasks": 10,
        "machine": None,
        "fallback": {"detectable": 0.1, "cost": pytest.approx(2.0), "strict_pass": pytest.approx(1.0)},
    }
    assert weak["break_even"] is None


def test_without_a_gate_nothing_holds_it() -> None:
    runs = [*drawn("small", 1), *drawn("frontier", 10)]
    assert [one.break_even for one in judged(ROUTES, runs, gate=None).comparisons] == [None]


def test_silent_misses_are_sent_nowhere() -> None:
    runs = [*drawn("small", 1, misses=1, seen=False), *drawn("frontier", 10)]
    found = judged(ROUTES, runs).comparisons[0].break_even
    assert found is not None
    assert found.fallback == Fallback(0.0, 1.0, 0.9)


def test_a_machine_by_the_hour_is_weighed_with_what_it_was_seen_to_do() -> None:
    """A task a second at half use is 1,314,000 a month; 8 dollars saved a task pay 730 dollars from 92 tasks on. The evaluation
    is paid with the machine's time, not with tokens: 10 seconds at a dollar an hour."""
    runs = [*drawn("small", 1, misses=1), *drawn("frontier", 10)]
    routes = [ROUTES[0], replace(ROUTES[1], endpoint="far")]
    found = judged(routes, runs, machines={"local": Machine(1.0)}).comparisons[0].break_even
    assert found is not None
    assert found.machine is not None
    assert found.machine.capacity == pytest.approx(1_314_000)
    assert found.machine.tasks == 92
    assert found.evaluation_cost == pytest.approx(10 / 3600)


def test_an_earlier_report_is_a_baseline_too_as_far_as_it_has_the_figures() -> None:
    before = judged([ROUTES[1]], drawn("frontier", 10), baseline=None).to_json()
    now = drawn("small", 1, misses=1)

    def against(report: dict[str, Any]) -> BreakEven | None:
        earlier = Earlier.from_json(json.loads(json.dumps(report)), "main.json")
        return judged([ROUTES[0]], now, baseline=None, earlier=earlier).comparisons[0].break_even

    found = against(before)
    assert found is not None
    assert (found.baseline_cost, found.route_cost, found.payback_tasks) == pytest.approx((10.0, 2.0, 10))
    for task in before["routes"][0]["by_task"]:
        del task["production_cost"]  # as versions before this one wrote it
    assert against(before) == found
    for task in before["routes"][0]["by_task"]:
        del task["uncached"]
    unpriced = against(before)
    assert unpriced is not None
    assert (unpriced.baseline_cost, unpriced.saved_per_1000) == (None, None)
