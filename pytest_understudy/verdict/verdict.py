"""The verdict of one evaluation: the tree that is the JSON report.

In: the routes in ladder order, their Runs in collection order, the Gate, and what to compare with. Out: a Verdict, from which
every report is told. A Run without samples is one that was planned and not drawn, so that a route knows what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..routes.route import Route
from ..sampling.run import Run
from ..sampling.runs import Runs
from .comparison import Comparison, Earlier, compare, with_break_even
from .gate import GateVerdict, judge_gate
from .ladder import Promotion, cost_of_a_miss, frontier, promote
from .machine import Machine
from .repair import ClusterRepair, repair_map
from .route_figures import RouteFigures, loaded
from .session import Session
from .tally import Tally
from .thresholds import Gate


@dataclass(frozen=True, slots=True)
class Verdict:
    """All figures and what they come to. `gate` is None where there was none; `ladder` tells rungs from selected routes, and
    `session` how it all was asked for.
    """

    routes: tuple[RouteFigures, ...]
    gate: GateVerdict | None
    promotion: Promotion
    ladder: bool = False
    comparisons: tuple[Comparison, ...] = ()
    repair_map: tuple[ClusterRepair, ...] = ()
    session: Session = field(default_factory=Session)

    @property
    def gate_passed(self) -> bool | None:
        """Whether the gate holds; None without one."""
        return None if self.gate is None else self.gate.passed

    def to_json(self) -> dict[str, Any]:
        """The JSON report, version 1: every key is there, null where there is nothing to say."""
        return {
            "version": 1,
            "routes": [route.to_json() for route in self.routes],
            "gate": {"passed": None, "checks": [], "judged": [], "held_by": []} if self.gate is None else self.gate.to_json(),
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "repair_map": [row.to_json() for row in self.repair_map],
            "promotion": self.promotion.to_json(),
            "ladder": self.ladder,
            "session": self.session.to_json(),
        }

    def to_text(self) -> str:
        """The JSON report as text. NaN and infinity are no JSON: they raise ValueError rather than being written."""
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def judge(
    routes: Sequence[Route],
    runs: Iterable[Run],
    *,
    gate: Gate | None,
    ladder: bool,
    advisory_latency: Collection[str] = frozenset(),
    baseline: str | None = None,
    margin: float = 0.02,
    earlier: Earlier | None = None,
    machines: Mapping[str, Machine] | None = None,
) -> Verdict:
    """Judge what was drawn.

    `advisory_latency` names the routes whose latency says nothing about production (an embedded model); `baseline` the route that
    need not hold the gate, and that the others are compared with unless there is an `earlier` report; within +-`margin` of it
    they are equivalent. UnderstudyError where a route has no counterpart in the earlier report; `Earlier.check` tells it before.
    `machines`: by endpoint, those that are paid for by the hour.
    Of two runs with one name, as when two tests share a task, the one with more samples counts.
    """
    tallies = {route.name: Tally(route, timed=route.endpoint in (machines or {})) for route in routes}
    for run in runs if isinstance(runs, Runs) else _once(runs):  # of Runs one is in memory at a time, and each is there once
        if run.route in tallies:
            tallies[run.route].add(run)
    figures = [RouteFigures.over(tally) for tally in tallies.values()]
    figures = loaded(figures, {name: tally.flights for name, tally in tallies.items()}, machines or {})
    undominated = frontier(figures, cost_of_a_miss(figures, gate, baseline))
    figures = [replace(route, frontier=undominated[route.name]) for route in figures]
    comparisons = compare(figures, baseline=baseline, earlier=earlier, margin=margin)
    found = None
    if gate is not None:
        found = judge_gate(
            gate, figures, ladder=ladder, advisory_latency=advisory_latency, baseline=baseline, comparisons=comparisons
        )
        comparisons = with_break_even(
            comparisons, figures, found.held_by, baseline=baseline, earlier=earlier, failure_cost=gate.failure_cost
        )
    promotion = promote(figures, gate, found, ladder=ladder, baseline=baseline)
    repairs = repair_map(figures, ladder=ladder, promoted=promotion.route, baseline=baseline)
    if found is not None and not found.held_by:
        promotion = promotion.advised(repairs)
    return Verdict(tuple(figures), found, promotion, ladder, comparisons, repairs)


def _once(runs: Iterable[Run]) -> list[Run]:
    """Each (route, file, task) once, in the order in which it first came."""
    kept: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        other = kept.get(run.name, run)
        fuller = run if len(run.samples) > len(other.samples) else other
        kept[run.name] = replace(fuller, planned=max(run.planned, other.planned))
    return list(kept.values())
