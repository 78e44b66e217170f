"""Which route to promote, and which ones are worth a choice.

In: RouteFigures in ladder order, the Gate and what it found. Out: a Promotion with its reason as a sentence, and the frontier.
Routes are ranked by a figure that is a mean over tasks, so that two of them can be compared task by task: a lead that noise
explains is a tie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import listed
from ..figures import Interval, mean, paired_interval, shrunk_interval
from .gate import GateCheck, GateVerdict
from .measures import WORDS, distance
from .repair import ClusterRepair
from .route_figures import RouteFigures
from .task_figures import TaskFigures, known_mean
from .thresholds import Gate
from .written import counted, dollars, percent, points, seconds, tokens

Values = Mapping[tuple[str, str], float]
"""A figure for each judged task, by (file, id)."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """The route to promote, None where there is none; the reason is a sentence's second half in either case."""

    route: str | None
    reason: str

    def advised(self, repairs: Sequence[ClusterRepair]) -> Promotion:
        """The same, with what the repair map suggests for the cluster that has the most misses left."""
        left = max(repairs, key=lambda row: row.best.misses, default=None)
        if left is None or not left.best.misses:
            return self
        return replace(self, reason=f"{self.reason}; the repair map suggests for {left.cluster!r}: {left.next}")

    def to_json(self) -> dict[str, str | None]:
        return {"route": self.route, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Rank:
    """What routes are ranked by: the mean of `values`, the less the better; None where a route has no such figure."""

    words: str
    values: Callable[[RouteFigures], Values | None]
    written: Callable[[float], str]
    note: str = ""

    def figure(self, values: Values) -> str:
        return "; ".join(part for part in (self.written(_mean(values)), self.note) if part)


def promote(
    figures: Sequence[RouteFigures],
    gate: Gate | None,
    found: GateVerdict | None,
    *,
    ladder: bool,
    baseline: str | None = None,
) -> Promotion:
    """Among the routes that hold the gate and are not partial, the one with the least expected cost a task.

    E = c + (1 - s) F, c the production cost a sample, s strict pass, F the gate's `failure_cost`, by default the priced
    baseline's cost a task; without one, c / s. Where nothing is priced at all, generated tokens a sample. Ties go to the lower
    p95, then to the earlier rung.
    """
    if gate is None or found is None:
        return Promotion(None, "there is no gate to hold: set [gate], or a threshold such as --understudy-min-strict")
    noun = "rung" if ladder else "route"
    chosen_among = sum(1 for route in figures if route.name in found.judged and route.judged)
    holding = [route for route in figures if route.name in found.held_by]
    if not holding:
        return Promotion(None, f"none of {counted(len(found.judged), noun)} holds the gate: {_missed(found)}")
    whole = [route for route in holding if not route.partial]
    if not whole:
        names = listed(route.name for route in holding)
        return Promotion(None, f"{names}: within the gate, but with errors, and a partial route is never promoted; run it again")
    best, why = _best(whole, _rank_for(whole, cost_of_a_miss(figures, gate, baseline)))
    if best is None:
        return Promotion(None, why)
    among = f"chosen among {counted(chosen_among, noun)}, {len(holding)} of which held the gate"
    return Promotion(best.name, f"{why}; {among}; {_confirmation(best)}")


def _missed(found: GateVerdict) -> str:
    """Of each route the threshold that it missed worst, and how many more."""
    if not found.judged:
        return "nothing was judged"
    told = []
    for name in found.judged:
        checks = [check for check in found.checks if check.route == name and not check.passed and not check.advisory]
        worst, more = max(checks, key=_shortfall), len(checks) - 1
        told.append(f"{name!r} misses {_miss(worst)}{f' (and {more} more)' if more else ''}")
    return ", ".join(told)


def _miss(check: GateCheck) -> str:
    match check.measure:
        case "samples":
            return "samples: it was not drawn whole" if check.value else "all samples: nothing was drawn"
        case "baseline":
            return f"the baseline ({check.note if check.value is None else f'{points(check.value)} seen'})"
        case _ if check.value is None:
            return f"{WORDS[check.measure]}: {check.note}"
        case _:
            return f"{WORDS[check.measure]}{distance(check.measure, check.value, check.threshold)}"


def _shortfall(check: GateCheck) -> float:
    """What share of the larger of value and threshold lies between them: in units that measures share; 1 where it is unknown."""
    if check.value is None or check.measure == "samples":
        return 1.0
    if check.measure == "baseline":
        return abs(check.value - check.threshold)
    low, high = sorted((check.value, check.threshold))
    return (high - low) / high if high else 0.0


def cost_of_a_miss(figures: Sequence[RouteFigures], gate: Gate | None, baseline: str | None) -> float | None:
    """F, in dollars: what a miss costs, by default the price of having the baseline do the task."""
    if gate is not None and gate.failure_cost is not None:
        return gate.failure_cost
    costs = next((_by_task(route, lambda task: task.production_cost) for route in figures if route.name == baseline), None)
    return mean(list(costs.values())) if costs else None


def frontier(figures: Sequence[RouteFigures], failure_cost: float | None) -> dict[str, bool | None]:
    """Which routes no other one dominates; None for a partial route and for one without a cost to compare.

    A dominates B if it is not worse on strict pass and on E, its p95 is no higher, and it is better beyond noise (95 %, paired by
    task) on strict pass or on E. Without a failure cost E is the cost a sample, and generated tokens where nothing is priced.
    """
    whole = [route for route in figures if not route.partial]
    priced = [route for route in whole if _expected_costs(0.0)(route) is not None]
    values = _expected_costs(failure_cost or 0.0) if priced else _generated_tokens
    known = {route.name: ranked for route in whole if (ranked := values(route)) is not None}
    rivals = [route for route in whole if route.name in known]
    undominated = {
        route.name: not any(_dominates(rival, route, known) for rival in rivals if rival is not route) for route in rivals
    }
    return {route.name: undominated.get(route.name) for route in figures}


def _rank_for(routes: Sequence[RouteFigures], failure_cost: float | None) -> Rank:
    if all(_expected_costs(0.0)(route) is None for route in routes):
        return Rank("generated tokens a sample", _generated_tokens, tokens, "none is priced")
    if failure_cost is None:
        return Rank("cost a strict pass", _costs_per_pass, dollars)
    return Rank("expected cost a task", _expected_costs(failure_cost), dollars, f"a miss costs {dollars(failure_cost)}")


def _best(routes: Sequence[RouteFigures], rank: Rank) -> tuple[RouteFigures | None, str]:
    """The route to promote and why; None and why not where none of them has the figure that they are ranked by."""
    known = {route.name: values for route in routes if (values := rank.values(route)) is not None}
    ranked = [route for route in routes if route.name in known]
    if len(routes) == 1:
        figure = f" ({rank.words}: {rank.figure(known[routes[0].name])})" if ranked else ""
        return routes[0], f"it alone can be promoted{figure}"
    if not ranked:
        return None, f"{listed(route.name for route in routes)} hold the gate, but have no {rank.words} to be ranked by"
    least = min(ranked, key=lambda route: _mean(known[route.name]))
    tied = [route for route in ranked if _ties(known[route.name], known[least.name])]
    best = min(tied, key=_p95)
    figure = f"{rank.words} ({rank.figure(known[best.name])})"
    if len(tied) == 1:
        why = f"least {figure}"
    else:
        level = _p95(best) == max(map(_p95, tied))
        decided = "the earlier one" if level else f"the lower p95 ({seconds(best.latency_p95)}) decides"
        why = f"{figure} ties within noise with {listed(route.name for route in tied if route is not best)}, {decided}"
    if unranked := [route.name for route in routes if route.name not in known]:
        why = f"{why}; {listed(unranked)} can't be ranked by it"
    return best, why


def _p95(route: RouteFigures) -> float:
    return math.inf if route.latency_p95 is None else route.latency_p95


def _confirmation(route: RouteFigures) -> str:
    unseen = [task.strict_pass for task in route.by_task if task.confirm]
    if not unseen:
        return "not confirmed on unseen tasks"
    return f"strict pass {percent(known_mean(unseen))} on {counted(len(unseen), 'task')} kept for confirmation"


def _by_task(route: RouteFigures, value: Callable[[TaskFigures], float | None]) -> Values | None:
    """A figure of each judged task; None where that of one is unknown, or nothing was judged."""
    judged = [(task.name, value(task)) for task in route.by_task if task.credit is not None]
    known = {name: figure for name, figure in judged if figure is not None}
    return known if known and len(known) == len(judged) else None


def _generated_tokens(route: RouteFigures) -> Values | None:
    return _by_task(route, lambda task: task.generated_mean)


def _expected_costs(failure_cost: float) -> Callable[[RouteFigures], Values | None]:
    """E of each task: c + (1 - s) F."""

    def cost(task: TaskFigures) -> float | None:
        if task.production_cost is None or task.strict_pass is None:
            return None
        return task.production_cost + (1 - task.strict_pass) * failure_cost

    return lambda route: _by_task(route, cost)


def _costs_per_pass(route: RouteFigures) -> Values | None:
    """The ratio R = c / s, spread over tasks by linearization: R + (c_t - R s_t) / s, of which R is the mean; None where s is 0.

    Source: Cochran, "Sampling Techniques" (1977), chapter 6, the variance of a ratio estimate.
    """
    costs, ratio, strict_pass = _expected_costs(0.0)(route), route.cost.per_pass, route.strict_pass.mean
    if costs is None or ratio is None or not strict_pass:
        return None
    passes = {task.name: task.strict_pass or 0.0 for task in route.by_task}
    return {name: ratio + (cost - ratio * passes[name]) / strict_pass for name, cost in costs.items()}


def _mean(values: Values) -> float:
    return mean(list(values.values()))


def _differences(a: Values, b: Values) -> list[float]:
    """a - b for each task that both have."""
    return [value - b[name] for name, value in a.items() if name in b]


def _ties(a: Values, b: Values) -> bool:
    """Whether the interval of the difference holds 0; with too few tasks for an interval, whether there is no difference."""
    interval = paired_interval(_differences(a, b))
    return _mean(a) == _mean(b) if interval is None else interval[0] <= 0 <= interval[1]


def _dominates(a: RouteFigures, b: RouteFigures, values: Mapping[str, Values]) -> bool:
    if a.latency_p95 is None or b.latency_p95 is None or a.latency_p95 > b.latency_p95:
        return False
    strict_a, strict_b = (_by_task(route, lambda task: task.strict_pass) or {} for route in (a, b))
    costs_a, costs_b = values[a.name], values[b.name]
    if _mean(strict_a) < _mean(strict_b) or _mean(costs_a) > _mean(costs_b):
        return False
    better_strict = shrunk_interval(_differences(strict_a, strict_b))
    better_cost = paired_interval(_differences(costs_b, costs_a))
    return _above_zero(better_strict) or _above_zero(better_cost)


def _above_zero(interval: Interval | None) -> bool:
    return interval is not None and interval[0] > 0
