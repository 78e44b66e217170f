"""How a route compares with the baseline, task by task.

In: RouteFigures, and the baseline: a route among them, or an Earlier report. Out: a Comparison for each other route. Tasks are
paired where they ask and expect the same (equal hashes); what has no partner is left out and counted. That no difference was seen
is not that there is none: `equivalent` and `not_worse` must be shown, and `mde` says what could have been.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import UnderstudyError, listed
from ..figures import mean, normal_quantile, quantile, shrunk_error, shrunk_interval, t_quantile
from .break_even import BreakEven
from .route_figures import RouteFigures
from .side import Pair, Side, TaskSide, pairs

Finding = Literal["equivalent", "better", "worse", "inconclusive"]

POWER = 2.8
"""Standard errors that a difference must span to be seen at 95 % four times in five: 1.96 + 0.84."""

VERSION = 1
"""The version of the JSON report that can be read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Route less baseline: the observed mean over pairs, the 95 % interval (shrunk, so not centred on it) and its verdict."""

    difference: float | None
    low: float | None
    high: float | None
    verdict: Finding

    @classmethod
    def over(cls, differences: Sequence[float], margin: float) -> Difference:
        """`equivalent`: the 90 % interval lies within +-margin; else `better` or `worse`: the 95 % interval excludes 0.

        Source: docs/reference/figures.md, "Verdicts"; the interval is `figures.shrunk_interval`. Under two pairs there is none.
        """
        wide, narrow = shrunk_interval(differences, 0.95), shrunk_interval(differences, 0.90)
        if wide is None or narrow is None:
            return cls(mean(differences) if differences else None, None, None, "inconclusive")
        verdict: Finding = "inconclusive"
        if -margin <= narrow[0] and narrow[1] <= margin:
            verdict = "equivalent"
        elif wide[0] > 0:
            verdict = "better"
        elif wide[1] < 0:
            verdict = "worse"
        return cls(mean(differences), *wide, verdict)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One route against the baseline on `tasks` pairs; `unpaired` counts judged tasks of either without a partner.

    `bound` is the one-sided 95 % lower bound of the difference in strict pass, `not_worse` whether it is above -margin, `mde` the
    difference in strict pass that would be seen four times in five (2.8 standard errors): None under two pairs. Ratios are
    route / baseline, None where one side is unknown. `break_even` is None for a route that does not hold the gate.
    """

    route: str
    baseline: str
    tasks: int
    unpaired: int
    margin: float
    credit: Difference
    strict_pass: Difference
    bound: float | None
    mde: float | None
    latency_p50_ratio: float | None
    tokens_ratio: float | None
    cost_ratio: float | None
    break_even: BreakEven | None = None

    @property
    def not_worse(self) -> bool | None:
        return self.above(self.margin)

    def above(self, margin: float) -> bool | None:
        """Whether strict pass is shown to be less than `margin` worse; None where nothing can be shown."""
        return None if self.bound is None else self.bound > -margin

    def to_json(self) -> dict[str, Any]:
        """An entry of the JSON report's `comparisons`."""
        return {
            "route": self.route,
            "baseline": self.baseline,
            "tasks": self.tasks,
            "unpaired": self.unpaired,
            "margin": self.margin,
            "credit": self.credit.to_json(),
            "strict_pass": self.strict_pass.to_json(),
            "not_worse": self.not_worse,
            "bound": self.bound,
            "mde": self.mde,
            "latency_p50_ratio": self.latency_p50_ratio,
            "tokens_ratio": self.tokens_ratio,
            "cost_ratio": self.cost_ratio,
            "break_even": None if self.break_even is None else self.break_even.to_json(),
        }


def report_in(data: object, name: str) -> Mapping[str, Any]:
    """The JSON report that `data` is; UnderstudyError (`name` is its place) where it is none that this version can read."""
    if not isinstance(data, Mapping) or not {"version", "routes", "promotion"} <= set(data):
        raise UnderstudyError("no JSON report of pytest-understudy; one is written with --understudy-report=FILE.json", at=name)
    if data["version"] != VERSION:
        raise UnderstudyError(f"a report of version {data['version']!r}, where version {VERSION} can be read", at=name)
    return data


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier JSON report as a baseline; `name` is how it is told of, such as its file's name."""

    name: str
    sides: Mapping[str, Side]
    promoted: str | None

    @classmethod
    def from_json(cls, data: object, name: str) -> Earlier:
        """UnderstudyError where `data` is no JSON report that this version can read."""
        report = report_in(data, name)
        try:
            sides = [Side.from_json(entry) for entry in report["routes"]]
            promoted = report["promotion"]["route"]
        except (ValueError, TypeError, KeyError) as failure:
            raise UnderstudyError(f"no whole JSON report of pytest-understudy: {failure}", at=name) from failure
        if not sides:
            raise UnderstudyError("a report without a route to compare with", at=name)
        return cls(name, {side.name: side for side in sides}, promoted if promoted in [side.name for side in sides] else None)

    def side_for(self, route: str) -> Side:
        """What a route is compared with: the same name, else the promoted route, else the only one; else UnderstudyError."""
        if route in self.sides:
            return self.sides[route]
        if self.promoted is not None:
            return self.sides[self.promoted]
        if len(self.sides) == 1:
            return next(iter(self.sides.values()))
        raise UnderstudyError(
            f"no route {route!r} to compare with, and none was promoted; there are {listed(self.sides)}", at=self.name
        )

    def check(self, routes: Iterable[str]) -> None:
        """UnderstudyError for the first route without a counterpart: to be called before anything is drawn."""
        for route in routes:
            self.side_for(route)


def compare(
    figures: Sequence[RouteFigures], *, baseline: str | None, earlier: Earlier | None, margin: float
) -> tuple[Comparison, ...]:
    """Every judged route against the baseline; against the earlier report where there is one. Empty without a baseline.

    A route is never compared with itself, and a route of which nothing was judged not at all.
    """
    judged = [route for route in figures if route.judged]
    if earlier is not None:
        others = {route.name: earlier.side_for(route.name) for route in judged}
        return tuple(
            compare_sides(Side.of(route), others[route.name], f"{earlier.name}: {others[route.name].name}", margin)
            for route in judged
        )
    side = next((Side.of(route) for route in figures if route.name == baseline), None)
    if side is None:
        return ()
    return tuple(compare_sides(Side.of(route), side, side.name, margin) for route in judged if route.name != baseline)


def with_break_even(
    comparisons: Iterable[Comparison],
    figures: Sequence[RouteFigures],
    held_by: Collection[str],
    *,
    baseline: str | None,
    earlier: Earlier | None,
    failure_cost: float | None,
) -> tuple[Comparison, ...]:
    """The comparisons, with what each route that holds the gate saves.

    A route's evaluation cost is its loaded cost: where a machine is paid for by the hour, its tokens were not.
    """
    by_name = {route.name: route for route in figures}

    def one(comparison: Comparison) -> Comparison:
        route = by_name[comparison.route]
        if route.name not in held_by:
            return comparison
        other = Side.of(by_name[baseline or ""]) if earlier is None else earlier.side_for(route.name)
        time = route.machine
        found = BreakEven.over(
            pairs(Side.of(route), other),
            failure_cost=failure_cost,
            training_cost=route.route.training_cost,
            evaluation_cost=route.cost.loaded,
            machine=None if time is None else time.machine,
            capacity=None if time is None else time.capacity(route.judged),
        )
        return replace(comparison, break_even=found)

    return tuple(map(one, comparisons))


def pairs_needed(margin: float) -> int:
    """How many pairs without any difference show a route to be no worse by `margin`: their bound is -t(G-1) / (G + 2)."""
    needed = max(2, math.floor(normal_quantile(0.95) / margin) - 2)
    while t_quantile(0.95, needed - 1) / (needed + 2) >= margin:
        needed += 1
    return needed


def compare_sides(route: Side, baseline: Side, named: str, margin: float) -> Comparison:
    """A route against a baseline, which is told of as `named`; within +-`margin` they are equivalent."""
    paired = pairs(route, baseline)
    strict = [ours.strict_pass - theirs.strict_pass for ours, theirs in paired]
    narrow, error = shrunk_interval(strict, 0.90), shrunk_error(strict)
    same_tokens = route.tokenizer == baseline.tokenizer
    return Comparison(
        route=route.name,
        baseline=named,
        tasks=len(paired),
        unpaired=len(route.tasks) + len(baseline.tasks) - 2 * len(paired),
        margin=margin,
        credit=Difference.over([ours.credit - theirs.credit for ours, theirs in paired], margin),
        strict_pass=Difference.over(strict, margin),
        bound=None if narrow is None else narrow[0],
        mde=None if error is None else POWER * error,
        latency_p50_ratio=_latency_ratio(route, baseline, paired),
        tokens_ratio=_ratio([(ours.generated, theirs.generated) for ours, theirs in paired]) if same_tokens else None,
        cost_ratio=_ratio([(ours.uncached, theirs.uncached) for ours, theirs in paired]),
    )


def _latency_ratio(route: Side, baseline: Side, paired: Sequence[Pair]) -> float | None:
    """Of the median latency of all samples, as in the table; where tasks lack a partner, of the median of the paired tasks'."""
    if len(route.tasks) == len(paired) == len(baseline.tasks):
        return _quotient(route.latency_p50, baseline.latency_p50)
    return _quotient(_median([ours for ours, _ in paired]), _median([theirs for _, theirs in paired]))


def _median(tasks: Sequence[TaskSide]) -> float | None:
    known = [task.latency_p50 for task in tasks if task.latency_p50 is not None]
    return quantile(known, 0.5) if known and len(known) == len(tasks) else None


def _ratio(paired: Sequence[tuple[float | None, float | None]]) -> float | None:
    """Of two means over pairs; None where one of their figures is unknown."""
    known = [(ours, theirs) for ours, theirs in paired if ours is not None and theirs is not None]
    if not known or len(known) < len(paired):
        return None
    return _quotient(mean([ours for ours, _ in known]), mean([theirs for _, theirs in known]))


def _quotient(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs
