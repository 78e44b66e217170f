"""The repair map: what each rung did to each cluster's misses, and the next step.

In: RouteFigures in ladder order, and which route is promoted. Out: a ClusterRepair for each cluster, in collection order. It is
about these very tasks (the holdout estimand). Tasks marked `confirm` are left out: what has been looked at to repair a route can
no longer confirm it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..routes.route import Route
from .next_step import next_step
from .route_figures import RouteFigures
from .rung import Rung, state_of
from .task_figures import TaskFigures


@dataclass(frozen=True, slots=True)
class ClusterRepair:
    """A row of the map. `best` is the rung that is looked at for what is left: the promoted one, else the one that passes most.

    `check` is the most frequent first failing check there; where `best` misses nothing, on the first rung that does; None where
    none does. `next` is the next step in words.
    """

    cluster: str
    category: str
    tasks: int
    rungs: tuple[Rung, ...]
    best: Rung
    next: str

    @property
    def check(self) -> str | None:
        missing = [rung for rung in (self.best, *self.rungs) if rung.failing]
        return missing[0].failing[0].check if missing else None

    @property
    def missed(self) -> bool:
        """Whether any rung missed anything."""
        return any(rung.misses for rung in self.rungs)

    def to_json(self) -> dict[str, Any]:
        """An entry of the JSON report's `repair_map`."""
        return {
            "cluster": self.cluster,
            "category": self.category,
            "tasks": self.tasks,
            "check": self.check,
            "rungs": [rung.to_json() for rung in self.rungs],
            "best": self.best.route,
            "next": self.next,
        }


def repair_map(
    figures: Sequence[RouteFigures], *, ladder: bool, promoted: str | None = None, baseline: str | None = None
) -> tuple[ClusterRepair, ...]:
    """Every cluster of which something was judged.

    A rung that was not judged on a cluster is not in its row; the first that was is what the others are compared with. What is
    left is never read off the baseline, where there are other routes.
    """
    rungs = _rungs([route for route in figures if route.judged], baseline, ladder)
    candidates = [route for route in rungs if route.name != baseline] or rungs
    if not candidates:
        return ()
    best = promoted or max(candidates, key=lambda route: (not route.partial, route.strict_pass.mean or 0.0)).name
    clusters = dict.fromkeys(task.cluster for route in rungs for task in _kept(route))
    return tuple(_row(cluster, rungs, best) for cluster in clusters)


def _rungs(judged: Sequence[RouteFigures], baseline: str | None, ladder: bool) -> list[RouteFigures]:
    """The routes to compare. A baseline that is another model is no rung; of routes that are no ladder it is the first."""
    others = [route for route in judged if route.name != baseline]
    beside = [route for route in judged if route.name == baseline]
    if beside and others and _model(beside[0]) != _model(others[0]):
        return others
    return list(judged) if ladder else [*beside, *others]


def _model(route: RouteFigures) -> tuple[str, str | None]:
    return (route.route.endpoint, route.route.model)


def trained(route: Route, first: Route) -> bool:
    """Whether a route's weights are not the first rung's: another adapter, or another model."""
    return route.adapter not in (None, first.adapter) or route.model != first.model


def _row(cluster: str, ladder: Sequence[RouteFigures], best: str) -> ClusterRepair:
    tasks = {route.name: [task for task in _kept(route) if task.cluster == cluster] for route in ladder}
    judged = [route for route in ladder if tasks[route.name]]
    first = judged[0]
    counts = {name: {task.name: (task.misses, task.judged - task.misses) for task in some} for name, some in tasks.items()}
    rungs = tuple(
        Rung(
            route.name,
            sum(misses for misses, _ in counts[route.name].values()),
            sum(map(sum, counts[route.name].values())),
            "first" if route is first else state_of(counts[first.name], counts[route.name]),
            route.route.controls,
            trained(route.route, ladder[0].route),
            tuple(residual for residual in route.residual if residual.cluster == cluster),
        )
        for route in judged
    )
    chosen = next((rung for rung in rungs if rung.route == best), rungs[-1])
    category = tasks[first.name][0].category
    names = {task.name for some in tasks.values() for task in some}
    return ClusterRepair(cluster, category, len(names), rungs, chosen, next_step(rungs, chosen))


def _kept(route: RouteFigures) -> list[TaskFigures]:
    return [task for task in route.by_task if task.judged and not task.confirm]
