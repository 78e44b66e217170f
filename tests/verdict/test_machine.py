"""The seconds that a route needs a machine for, and what they cost."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.run import Sample
from pytest_understudy.verdict.machine import LONGEST_IDLE, Flights, Machine, MachineTime
from pytest_understudy.verdict.verdict import judge

from .article import ROWS
from .made import ended, error, flight, route, run, sample


def time(machine: Machine, own: list[Sample], others: list[Sample] | None = None) -> MachineTime:
    found = MachineTime.of(machine, Flights(own), [Flights(own), Flights(others or [])])
    assert found is not None
    return found


def test_busy_is_the_union_and_idle_the_gaps_in_which_nobody_asked() -> None:
    """[0, 2] and [1, 3] are 3 seconds, [5, 6] one; of the gap of two seconds another route had the first."""
    own = [flight(0, 2), flight(1, 3), flight(5, 6)]
    seen = time(Machine(3.6, machines=2, cold_start=10), own, [flight(3, 4)])
    assert (seen.busy, seen.idle, seen.starts, seen.cold) == pytest.approx((4, 1, 1, 10))
    assert seen.dollars == pytest.approx(3.6 / 3600 * (10 + 4 + 1) * 2)


def test_what_others_did_before_and_after_is_nothing_to_a_route() -> None:
    seen = time(Machine(1), [flight(10, 11), flight(12, 13)], [flight(0, 1), flight(5, 10.5), flight(12.5, 40), flight(50, 60)])
    assert (seen.busy, seen.idle) == pytest.approx((2, 1))


def test_seconds_in_which_only_others_are_in_flight_are_neither_busy_nor_idle() -> None:
    seen = time(Machine(1), [flight(0, 1), flight(9, 10)], [flight(0.5, 9.5)])
    assert (seen.busy, seen.idle) == pytest.approx((2, 0))


def test_a_gap_of_more_than_an_hour_is_another_session_with_another_cold_start() -> None:
    hour = time(Machine(1, cold_start=100), [flight(0, 1), flight(1 + LONGEST_IDLE, 2 + LONGEST_IDLE)])
    assert (hour.busy, hour.idle, hour.starts) == pytest.approx((2, LONGEST_IDLE, 1))
    week = time(Machine(1, cold_start=100), [flight(0, 1), flight(7 * 86400, 7 * 86400 + 1)])
    assert (week.busy, week.idle, week.starts, week.cold) == pytest.approx((2, 0, 2, 200))


def test_an_unknown_cold_start_is_not_counted_and_null() -> None:
    seen = time(Machine(3.6), [flight(0, 10)])
    assert seen.dollars == pytest.approx(0.01)
    assert seen.to_json()["cold_start"] is None
    assert time(Machine(3.6, cold_start=0.0), [flight(0, 10)]).to_json()["cold_start"] == 0


def test_errors_count_as_nothing_and_an_unknown_time_makes_the_whole_unknown() -> None:
    assert time(Machine(1), [flight(0, 1), error()]).busy == pytest.approx(1)
    assert MachineTime.of(Machine(1), Flights([flight(0, 1), sample()]), []) is None
    assert MachineTime.of(Machine(1), Flights([error()]), []) is None
    assert MachineTime.of(Machine(1), Flights([]), [Flights([flight(0, 1)])]) is None


def test_capacity_is_throughput_times_utilisation_in_a_month_of_730_hours() -> None:
    seen = time(Machine(1, utilisation=0.25), [flight(0, 2)] * 4)
    assert seen.capacity(4) == pytest.approx(2 * 0.25 * 3600 * 730)
    assert time(Machine(1), [flight(3, 3)]).capacity(1) is None


Spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=12)


@given(Spans, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=12), st.randoms(use_true_random=False))
def test_every_second_is_counted_as_it_was(
    own: list[tuple[int, int]], others: list[tuple[int, int]], chance: random.Random
) -> None:
    """Second by second: a route's own are busy, and between its first and last those of nobody are idle."""
    mine = {second for start, length in own for second in range(start, start + length)}
    taken = mine | {second for start, length in others for second in range(start, start + length)}
    seen = time(Machine(1), [flight(start, start + n) for start, n in own], [flight(start, start + n) for start, n in others])
    assert seen.busy == pytest.approx(len(mine), abs=1e-5)
    assert seen.idle == pytest.approx(len(set(range(min(mine), max(mine) + 1)) - taken), abs=1e-5)
    shuffled = [flight(start, start + n) for start, n in own]
    chance.shuffle(shuffled)
    assert MachineTime.of(Machine(1), Flights(shuffled), [Flights(shuffled)]) == time(
        Machine(1), [flight(start, start + n) for start, n in own]
    )


def test_the_articles_served_route_costs_1_56_loaded_beside_0_0066() -> None:
    """90 answers, one after another, and a GPU at $2.90 an hour that took half an hour and more to serve."""
    served = ROWS[5]
    clock, runs = 0.0, []
    for number, drawn in enumerate(drawn for one in served.runs for drawn in one.samples):
        clock += drawn.latency or 0
        runs.append(run("served", f"t{number}", [replace(drawn, at=ended(clock))]))
    verdict = judge([served.route], runs, gate=None, ladder=False, machines={"local": Machine(2.90, cold_start=1901.6)})
    figures = verdict.routes[0]
    assert figures.cost.serving == pytest.approx(0.0066, abs=5e-5)
    assert figures.cost.loaded == pytest.approx(1.56, abs=5e-3)
    entry = verdict.to_json()["routes"][0]
    assert entry["cost"]["loaded"] == figures.cost.loaded
    assert entry["machine"]["busy"] == pytest.approx(81 * 0.37 + 9 * 0.54)
    assert entry["machine"]["idle"] == pytest.approx(0, abs=1e-4)


def test_each_route_of_a_shared_machine_is_charged_as_if_it_had_it_alone() -> None:
    routes = [route("a"), route("b"), replace(route("c", price=Price.blended(1)), endpoint="far")]
    runs = [
        run("a", "t", [flight(0, 10)]),
        run("b", "t", [flight(5, 15)]),
        run("c", "t", [flight(0, 100, price=Price.blended(1))]),
    ]
    a, b, c = judge(routes, runs, gate=None, ladder=True, machines={"local": Machine(3.6, cold_start=1)}).routes
    assert a.cost.loaded == b.cost.loaded == pytest.approx(0.011)
    assert (a.cost.serving, c.machine, c.hourly) == (None, None, False)
    assert c.cost.loaded == c.cost.serving == pytest.approx(15e-6)
