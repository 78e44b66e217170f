"""An axis of a picture: from a figure to a place on it.

In: the values that are to be seen. Out: an Axis, whose places are shares of its length in per cent, so that one drawing fits a
phone as well as a page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

STEPS = (1, 2, 5)
MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """`low` and `high` are its ends, `ticks` the values that are written at it; `log`: equal ratios are equally long."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    @classmethod
    def linear(cls, values: Iterable[float], *, zero: bool = True) -> Axis:
        """From 0, or with `zero` false from the least, to the greatest, both ends round numbers."""
        known = list(values)
        low, high = (0.0 if zero else min(known)), max(known)
        step = _step((high - low) or abs(high) or 1.0)
        first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
        return cls(first * step, last * step, tuple(_rounded(tick * step) for tick in range(first, last + 1)))

    @classmethod
    def of_rates(cls, values: Iterable[float]) -> Axis:
        """Near the values, within 0 and 1."""
        known = list(values)
        spread = known if max(known) > min(known) else [*known, max(min(known) - 0.1, 0.0), min(max(known) + 0.1, 1.0)]
        axis = cls.linear(spread, zero=False)
        return cls(max(axis.low, 0.0), min(axis.high, 1.0), tuple(tick for tick in axis.ticks if 0 <= tick <= 1))

    @classmethod
    def logarithmic(cls, values: Iterable[float]) -> Axis:
        """From below the least to the greatest; values must be above 0."""
        known = list(values)
        marks = list(_round_numbers(min(known), max(known)))
        ticks = marks
        if len(ticks) > MOST_TICKS:  # powers of ten alone, and the ends
            ticks = [mark for mark in marks if math.isclose(math.log10(mark), round(math.log10(mark)))]
        while len(ticks) > MOST_TICKS:
            ticks = ticks[::2]
        return cls(marks[0], marks[-1], tuple(ticks), log=True)

    def place(self, value: float) -> float:
        """Where a value is, in per cent of the length; what lies beyond an end is at it."""
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return round(100 * (here - low) / (high - low), 2)


def _step(span: float) -> float:
    """A round step of which three or four make the span."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(step * power for step in (*STEPS, 10) if step * power >= span / 4)


def _round_numbers(low: float, high: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from the last that is well below `low` to the first that is not below `high`."""
    numbers = [
        step * 10.0**power for power in range(math.floor(math.log10(low)) - 2, math.ceil(math.log10(high)) + 2) for step in STEPS
    ]
    first = max(place for place, number in enumerate(numbers) if number <= low * 0.8)
    for number in numbers[first:]:
        yield _rounded(number)
        if number >= high:
            return


def _rounded(number: float) -> float:
    """Without the dust of a float's last digits."""
    return float(f"{number:.12g}")
