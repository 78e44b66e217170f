from __future__ import annotations

import pytest

from pytest_understudy.reports.axes import Axis


def test_a_linear_axis_begins_at_0_and_ends_at_a_round_number() -> None:
    axis = Axis.linear([32.6, 5.34, 0.37])
    assert axis.low == 0.0
    assert axis.high == 40.0
    assert list(axis.ticks) == [0, 10, 20, 30, 40]
    assert [axis.place(value) for value in (0, 10, 40)] == [0, 25, 100]


def test_a_logarithmic_axis_gives_equal_ratios_equal_lengths() -> None:
    axis = Axis.logarithmic([38_000, 74_000, 1_390_000])
    assert axis.low <= 38_000 * 0.8
    assert axis.high >= 1_390_000
    assert axis.place(100_000) - axis.place(50_000) == pytest.approx(axis.place(1_000_000) - axis.place(500_000), abs=0.02)
    assert len(axis.ticks) <= 6


def test_one_value_has_an_axis_too() -> None:
    for axis in (Axis.linear([0.5]), Axis.logarithmic([7]), Axis.linear([0.0]), Axis.linear([0.9, 0.9], zero=False)):
        assert axis.low < axis.high
        assert 0 <= axis.place(0.5) <= 100


def test_an_axis_that_need_not_begin_at_0_is_near_its_values() -> None:
    axis = Axis.linear([0.956, 0.9733], zero=False)
    assert 0.9 < axis.low <= 0.956
    assert axis.high >= 0.9733


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0], [0.5, 0.5], [0.97, 1.0], [0.0, 1.0]])
def test_rates_have_an_axis_within_0_and_1(values: list[float]) -> None:
    axis = Axis.of_rates(values)
    assert 0 <= axis.low < axis.high <= 1
    assert all(axis.low <= value <= axis.high for value in values)
    assert len(axis.ticks) >= 2


def test_what_lies_beyond_an_end_is_at_it() -> None:
    axis = Axis.linear([1.0])
    assert (axis.place(-5), axis.place(9)) == (0, 100)
