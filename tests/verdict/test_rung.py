from __future__ import annotations

import pytest

from pytest_understudy.verdict.chance import Count, chance_of_fewer
from pytest_understudy.verdict.rung import Rung, State, state_of


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ([(3, 0)], [(0, 3)], "repaired"),
        ([(3, 0)], [(1, 2)], "partly"),
        ([(3, 0)], [(2, 1)], "unclear"),
        ([(1, 2)], [(0, 3)], "unclear"),
        ([(1, 0)], [(0, 1)], "unclear"),
        ([(3, 0)], [(3, 0)], "unchanged"),
        ([(0, 3)], [(0, 3)], "unchanged"),
        ([(0, 3)], [(3, 0)], "regressed"),
        ([(0, 3)], [(2, 1)], "regressed"),
        ([(0, 3)], [(1, 2)], "unclear"),
        ([(3, 0), (0, 3)], [(0, 3), (3, 0)], "unclear"),
        ([(3, 0), (3, 0)], [(0, 3), (0, 3)], "repaired"),
        ([(3, 0), (3, 0)], [(0, 3), (3, 0)], "partly"),
        ([(3, 0), (3, 0), (0, 3)], [(0, 3), (1, 2), (0, 3)], "partly"),
        ([(25, 0)], [(24, 1)], "unclear"),
        ([(25, 0)], [(20, 5)], "partly"),
    ],
)
def test_states(before: list[Count], after: list[Count], state: State) -> None:
    assert state_of(dict(enumerate(before)), dict(enumerate(after))) == state


def test_the_same_misses_at_another_number_of_samples_are_unchanged() -> None:
    assert state_of({"a": (2, 0)}, {"a": (25, 0)}) == "unchanged"
    assert state_of({"a": (0, 1)}, {"a": (0, 1000)}) == "unchanged"  # though the posterior alone would call it a repair


def test_a_rise_is_never_a_repair_however_few_the_samples_before() -> None:
    # Beta(1/2, 3/2) lies mostly above Beta(3/2, 999.5): but no miss was seen before, and one was after.
    assert chance_of_fewer(((1, 999),), ((0, 1),)) > 0.95
    assert state_of({"a": (0, 1)}, {"a": (1, 999)}) == "unclear"


def test_only_tasks_that_both_were_judged_on_are_compared() -> None:
    before, after = {"a": (3, 0), "b": (3, 0)}, {"a": (0, 3), "c": (0, 3)}
    assert state_of(before, after) == "repaired"
    assert state_of({"b": (3, 0)}, {"c": (0, 3)}) == "unclear"


def test_a_miss_on_a_task_that_was_not_compared_is_still_left() -> None:
    assert state_of({"a": (3, 0)}, {"a": (0, 3), "c": (1, 2)}) == "partly"


def test_a_rung_as_json_has_the_reports_keys() -> None:
    assert Rung("raw", 1, 3, "first", ("prefill",), True).to_json() == {
        "route": "raw",
        "misses": 1,
        "samples": 3,
        "state": "first",
    }
