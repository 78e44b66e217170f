"""The gate: whether a route holds the thresholds that it must hold to be promoted or merged.

In: a Gate and RouteFigures. Out: GateChecks, a row for each route and measure, and whether the gate holds. An error never
helps: it is worth 0 in strict pass and credit. What was not drawn never helps either: a route with samples missing can fail the
gate, not hold it. With `confidence` strict pass and credit are held by a one-sided lower bound, not by what was observed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..figures import effective_tasks, mean, normal_quantile, normal_tail, t_quantile, t_tail, wilson
from .comparison import Comparison, pairs_needed
from .measures import AT_LEAST, ROUNDING, Measure
from .route_figures import RouteFigures
from .thresholds import Estimand, Gate
from .written import counted, percent, points


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One measure of one route against its threshold; `value` None where it is unknown, which never passes.

    `passed` says what was seen; a check that is `advisory` (latency, of replayed samples or of a model on this machine) does
    not count in the gate. `replayed` is how many of the route's samples were not drawn afresh, and `note` what else there is to
    know.
    """

    route: str
    measure: Measure
    threshold: float
    value: float | None
    passed: bool
    advisory: bool = False
    replayed: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether the gate holds, the checks behind it, the routes that were judged and those of them that hold it."""

    passed: bool
    checks: tuple[GateCheck, ...]
    judged: tuple[str, ...]
    held_by: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "checks": [check.to_json() for check in self.checks],
            "judged": list(self.judged),
            "held_by": list(self.held_by),
        }


def judge_gate(
    gate: Gate,
    figures: Sequence[RouteFigures],
    *,
    ladder: bool,
    advisory_latency: Collection[str] = (),
    baseline: str | None = None,
    comparisons: Collection[Comparison] = (),
) -> GateVerdict:
    """On a ladder one rung must hold it, else every route but the baseline; a route that stands alone is judged, baseline or not.

    A comparison is one more check of its route: it holds with `margin` where the route is shown to be no worse, else where it is
    not shown to be worse. On a ladder it is one with `margin` alone: a cheap rung may be worth having and below the frontier.
    """
    judged = [route for route in figures if route.name != baseline]
    if not judged and not ladder:
        judged = list(figures)
    confidences = _held_by_holm(gate, judged) if ladder else {}
    merging = not ladder or gate.margin is not None
    compared = {comparison.route: comparison for comparison in comparisons if merging}
    checks = tuple(
        check
        for route in judged
        for check in [
            *_checks(gate, route, confidences.get(route.name, gate.confidence), route.name in advisory_latency),
            *([_baseline_check(gate, route, compared[route.name])] if route.name in compared else []),
        ]
    )
    missed = {check.route for check in checks if not check.passed and not check.advisory}
    held_by = tuple(route.name for route in judged if route.name not in missed)
    passed = bool(held_by) and (ladder or len(held_by) == len(judged))
    return GateVerdict(passed, checks, tuple(route.name for route in judged), held_by)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A rate over `n` draws, with errors as 0; `df` degrees of freedom, None where the normal distribution is meant."""

    rate: float
    n: float
    df: int | None

    @classmethod
    def of(cls, measure: Literal["strict_pass", "credit"], route: RouteFigures, estimand: Estimand) -> _Evidence | None:
        """Holdout: Wilson on all samples. Population: Wilson on the effective tasks, Student's quantiles; None under two."""
        values = [task.gate_strict if measure == "strict_pass" else task.gate_credit for task in route.by_task]
        task_means = [value for value in values if value is not None]
        if estimand == "holdout":
            return cls(mean(task_means), route.samples, None) if task_means else None
        return cls(mean(task_means), effective_tasks(task_means), len(task_means) - 1) if len(task_means) > 1 else None

    def bound(self, confidence: float) -> float:
        """The one-sided lower bound."""
        z = normal_quantile(confidence) if self.df is None else t_quantile(confidence, self.df)
        return wilson(self.rate, self.n, z)[0]

    def p_value(self, threshold: float) -> float:
        """Of the score test of a rate at most `threshold`: the level at which `bound` falls to it."""
        if not 0 < threshold < 1:
            return 0.0 if threshold <= 0 else 1.0
        z = (self.rate - threshold) / math.sqrt(threshold * (1 - threshold) / self.n)
        return normal_tail(z) if self.df is None else t_tail(z, self.df)


def _held_by_holm(gate: Gate, routes: Sequence[RouteFigures]) -> dict[str, float]:
    """The confidence of each rung's bound, so that the chance that any rung holds by luck stays under 1 - `confidence`.

    The most certain of m rungs is held at 1 - alpha / m, the next at 1 - alpha / (m - 1), and so on to the first that misses;
    the rest are held at that one's. A rung's p-value is the largest of its thresholds', since it must hold them all. Source:
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    if gate.confidence is None:
        return {}
    p_values = {route.name: _p_value(gate, route) for route in routes if route.judged}
    alpha = 1 - gate.confidence
    confidences: dict[str, float] = {}
    left, missed = len(p_values), False
    for name in sorted(p_values, key=lambda name: p_values[name]):
        confidences[name] = 1 - alpha / left
        missed = missed or p_values[name] > alpha / left
        left -= not missed
    return confidences


def _p_value(gate: Gate, route: RouteFigures) -> float:
    evidence = [(_Evidence.of(measure, route, gate.estimand), threshold) for measure, threshold in gate.floors]
    return max((1.0 if seen is None else seen.p_value(threshold) for seen, threshold in evidence), default=0.0)


def _checks(gate: Gate, route: RouteFigures, confidence: float | None, advisory: bool) -> Iterator[GateCheck]:
    """The rows of one route; that it was not drawn is one too, and the only one where nothing was."""
    if route.undrawn:
        note = "partial: a route that was not drawn whole holds no gate"
        yield _check(route, "samples", max(route.planned, 1), route.drawn, note=note)
    if not route.samples:
        return
    yield _check(route, "errors", gate.errors, route.errors)
    for measure, threshold in gate.floors:
        yield _floor_check(route, measure, threshold, confidence, gate.estimand)
    if gate.p95 is not None:
        yield _latency_check(route, gate.p95, advisory)
    if gate.tokens is not None:
        yield _check(route, "tokens", gate.tokens, route.generated_mean, unknown="the server reports no usage")
    if gate.cost is not None:
        yield _check(route, "cost", gate.cost, route.cost.serving, unknown="unpriced")
    if gate.silent is not None:
        yield _check(route, "silent", gate.silent, route.outcomes["silent"])
    if gate.harm is not None:
        yield _check(route, "harm", gate.harm, route.outcomes["harm"])


def _floor_check(
    route: RouteFigures,
    measure: Literal["strict_pass", "credit"],
    threshold: float,
    confidence: float | None,
    estimand: Estimand,
) -> GateCheck:
    notes = ["errors count as 0"] if route.errors else []
    if confidence is None:
        observed = _Evidence.of(measure, route, "holdout")
        return _check(route, measure, threshold, None if observed is None else observed.rate, note=", ".join(notes))
    seen = _Evidence.of(measure, route, estimand)
    if seen is None:
        return _check(route, measure, threshold, None, unknown="no bound from fewer than two tasks")
    about = "these tasks" if estimand == "holdout" else "tasks like these"
    notes.insert(0, f"lower bound at {percent(confidence)} for {about}, observed {percent(seen.rate)}")
    return _check(route, measure, threshold, seen.bound(confidence), note=", ".join(notes))


def _latency_check(route: RouteFigures, threshold: float, advisory: bool) -> GateCheck:
    reasons = ["the model runs on this machine"] if advisory else []
    if route.replayed:
        reasons.append(f"{route.replayed:,} of {counted(route.samples, 'sample')} replayed")
    note = f"advisory: {', '.join(reasons)}" if reasons else ""
    return _check(route, "p95", threshold, route.latency_p95, note=note, advisory=bool(reasons))


def _baseline_check(gate: Gate, route: RouteFigures, seen: Comparison) -> GateCheck:
    """Against a threshold of -margin, or of 0; what was shown decides, not on which side of it the difference fell."""
    threshold = 0.0 if gate.margin is None else -gate.margin
    if seen.bound is None or seen.mde is None:
        note = f"fewer than two tasks are paired with {seen.baseline!r}: nothing can be shown"
        return GateCheck(route.name, "baseline", threshold, None, False, False, route.replayed, note)
    passed = seen.strict_pass.verdict != "worse" if gate.margin is None else bool(seen.above(gate.margin))
    shown: str = seen.strict_pass.verdict
    more = ""
    if gate.margin is not None:
        shown = f"{'shown' if passed else 'not shown'} to be no worse, bound {points(seen.bound)},"
        if not passed and seen.tasks < (needed := pairs_needed(gate.margin)):
            more = f"; without a lead it takes {needed:,} pairs to show"
    note = (
        f"{shown} on {counted(seen.tasks, 'pair')} with {seen.baseline!r}; could see a drop of {seen.mde * 100:.1f} points{more}"
    )
    return GateCheck(route.name, "baseline", threshold, seen.strict_pass.difference, passed, False, route.replayed, note)


def _check(
    route: RouteFigures,
    measure: Measure,
    threshold: float,
    value: float | None,
    *,
    note: str = "",
    unknown: str = "no sample was judged",
    advisory: bool = False,
) -> GateCheck:
    if value is None:
        return GateCheck(route.name, measure, threshold, None, False, advisory, route.replayed, note or unknown)
    gap = value - threshold if measure in AT_LEAST else threshold - value
    return GateCheck(route.name, measure, threshold, value, gap >= -ROUNDING, advisory, route.replayed, note)
