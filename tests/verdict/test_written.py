from __future__ import annotations

import pytest

from pytest_understudy.verdict.written import counted, credit, dollars, percent, points, seconds, signed, times, tokens


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1_390_000, "1.39M"),
        (74_000, "74k"),
        (33_111, "33k"),
        (12, "12"),
        (0, "0"),
        (25.7, "25.7"),
        (999, "999"),
        (999.7, "1.0k"),
        (1_234, "1.2k"),
        (9_949, "9.9k"),
        (9_960, "10k"),
        (999_400, "999k"),
        (999_600, "1.00M"),
        (12_345_678, "12.3M"),
        (None, "-"),
    ],
)
def test_tokens_are_written_as_in_the_article(count: float | None, text: str) -> None:
    assert tokens(count) == text


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (0.278, "$0.278"),
        (0.0148, "$0.0148"),
        (0.0079167, "$0.0079"),
        (0.04, "$0.0400"),
        (1.56, "$1.56"),
        (1234.5, "$1,234.50"),
        (0.00066, "$0.00066"),
        (0.0000053, "$0.0000053"),
        (-0.0148, "-$0.0148"),
        (0.0, "$0.00"),
        (None, "-"),
    ],
)
def test_dollars_are_written_as_in_the_article(cost: float | None, text: str) -> None:
    assert dollars(cost) == text


@pytest.mark.parametrize(("latency", "text"), [(32.6, "32.60s"), (0.369, "0.37s"), (0.037, "37ms"), (0.0, "0.00s"), (None, "-")])
def test_seconds_are_written_as_in_the_article(latency: float | None, text: str) -> None:
    assert seconds(latency) == text


def test_rates_credits_and_counts() -> None:
    assert (percent(0.94), percent(0.0), percent(None)) == ("94.0%", "0.0%", "-")
    assert (credit(0.956), credit(None)) == ("0.9560", "-")
    assert (counted(1, "rung"), counted(0, "rung"), counted(1200, "task")) == ("1 rung", "0 rungs", "1,200 tasks")


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (0.0135, "+1.4 points"),
        (-0.5, "-50.0 points"),
        (0.0, "0.0 points"),
        (-0.0001, "0.0 points"),
        (0.0001, "0.0 points"),
        (None, "-"),
    ],
)
def test_a_difference_of_rates_is_in_points_and_signed(difference: float | None, text: str) -> None:
    assert points(difference) == text


def test_a_signed_number_keeps_its_zeros() -> None:
    assert [signed(value, 2) for value in (10.0, -0.1, 100.0, 0.0)] == ["+10.00", "-0.10", "+100.00", "0.00"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.369 / 1.935, "5.2x lower cost"),
        (0.0066 / 0.0400, "6.1x lower cost"),
        (74 / 1390, "18.8x lower cost"),
        (1 / 90, "90.0x lower cost"),
        (1 / 1234, "1,234x lower cost"),
        (1.0, "the same cost"),
        (0.98, "the same cost"),
        (1.04, "the same cost"),
        (1.24, "1.2x higher cost"),
        (150.0, "150x higher cost"),
        (0.0, "no cost"),
        (None, "cost unknown"),
    ],
)
def test_a_ratio_is_told_as_so_many_times_lower_or_higher(value: float | None, text: str) -> None:
    assert times(value, "cost") == text
    assert times(value, "cost", "fewer", "more") == text.replace("lower", "fewer").replace("higher", "more")
