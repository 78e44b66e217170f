"""What a gate measures: the names, which way each threshold cuts, and how a value and its distance from one are written.

In: a measure, a value, a threshold. Out: text, "-" for a value that is unknown. `baseline` is a route's strict pass less the
baseline's; whether that holds is for the comparison to say, so no distance is told.
"""

from __future__ import annotations

from typing import Literal

from .written import NOTHING, credit, dollars, percent, points, seconds

Measure = Literal["samples", "errors", "strict_pass", "credit", "p95", "tokens", "cost", "silent", "harm", "baseline"]

AT_LEAST: tuple[Measure, ...] = ("samples", "strict_pass", "credit", "baseline")
"""Measures that must reach their threshold; all others must not pass it."""

ROUNDING = 1e-12
"""A mean of thirds may end a rounding below the threshold that it equals: that is no miss."""

WORDS: dict[Measure, str] = {
    "samples": "samples drawn",
    "errors": "errors",
    "strict_pass": "strict pass",
    "credit": "credit",
    "p95": "p95 latency",
    "tokens": "generated tokens a sample",
    "cost": "serving cost",
    "silent": "silent misses",
    "harm": "harm",
    "baseline": "against the baseline",
}


def written(measure: Measure, value: float | None) -> str:
    """The value in the measure's unit."""
    if value is None:
        return NOTHING
    match measure:
        case "samples" | "errors":
            return f"{value:,.0f}"
        case "p95":
            return seconds(value)
        case "tokens":
            return f"{value:,.1f}"
        case "cost":
            return dollars(value)
        case "credit":
            return credit(value)
        case "strict_pass" | "silent" | "harm":
            return percent(value)
        case "baseline":
            return points(value)


def distance(measure: Measure, value: float | None, threshold: float) -> str:
    """How far a value is from its threshold: ` by 3.20s`, ` by 1.0 points`; nothing where there is no distance to tell."""
    if value is None or measure == "baseline" or abs(value - threshold) <= ROUNDING:
        return ""
    gap = abs(value - threshold)
    if measure in ("strict_pass", "silent", "harm"):
        # A miss by less than shows would read as no miss at all.
        return f" by {gap * 100:.1f} points" if gap >= 0.001 else f" by {gap * 100:.2g} points"
    return f" by {written(measure, gap)}"
