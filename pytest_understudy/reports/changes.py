"""What changed from one JSON report to another, beyond noise.

In: two Verdicts, the earlier first. Out: lines for a terminal, and whether anything is worse. Routes are matched by name and
tasks by what they ask and expect; what has no partner is named, and why it has none. What a newcomer would get wrong: a
difference that noise explains is no change, and that none was seen is not that there is none: `mde` says what could have been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import UnderstudyError, listed
from ..verdict.comparison import Comparison, compare_sides
from ..verdict.route_figures import RouteFigures
from ..verdict.rung import state_of
from ..verdict.side import Side
from ..verdict.task_figures import TaskFigures
from ..verdict.verdict import Verdict
from ..verdict.written import counted
from .printable import one_line
from .table import COMPARISON, comparison_notes, comparison_rows, spaced

MOST_NAMED = 20
"""Tasks that are named one by one, of a route and for each reason."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`lines` to be read; `worse`: a route is worse in strict pass or credit, beyond noise."""

    lines: tuple[str, ...]
    worse: bool


def changes(before: Verdict, after: Verdict, names: tuple[str, str], *, margin: float = 0.02) -> Changes:
    """`names` are what the two are called, the earlier first; within +-`margin` routes are equivalent.

    UnderstudyError where there is nothing to compare: no route of one name, or no task that both judged.
    """
    earlier = {route.name: route for route in before.routes}
    shared = [(earlier[route.name], route) for route in after.routes if route.name in earlier]
    if not shared:
        raise UnderstudyError(
            f"no route of the same name in both: there are {listed(earlier)}, and {listed(route.name for route in after.routes)}",
            at=names[1],
        )
    compared = tuple(compare_sides(Side.of(now), Side.of(was), was.name, margin) for was, now in shared)
    if not any(one.tasks for one in compared):
        why = [line for was, now in shared for line in _unpaired(was, now, names)]
        raise UnderstudyError(f"no task that both judged: {'; '.join(why) or 'neither judged any'}", at=names[1])
    left_out = [*_alone(before, after, names), *(line for was, now in shared for line in _unpaired(was, now, names))]
    lines = [
        *_table(replace(after, comparisons=compared), names),
        *_beyond_noise(compared),
        *_moved(shared),
        *_came_to(before, after),
        *(["not compared:"] if left_out else []),
        *(f"  {line}" for line in left_out),
    ]
    return Changes(tuple(lines), any("worse" in (one.strict_pass.verdict, one.credit.verdict) for one in compared))


def _table(verdict: Verdict, names: tuple[str, str]) -> list[str]:
    margin = verdict.comparisons[0].margin * 100
    title = f"{one_line(names[1])} against {one_line(names[0])}, route by route, paired by task: 95% intervals, in points;"
    rows = [COMPARISON, *comparison_rows(verdict)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    served = [line for line in comparison_notes(verdict) if "without a partner" not in line]  # told below, by name
    return [
        title,
        f"within ±{margin:g} is equivalent; mde: what could be seen",
        *(f"  {spaced(row, widths).rstrip()}" for row in rows),
        *(f"  {line}" for line in served),
    ]


def _beyond_noise(compared: Sequence[Comparison]) -> Iterator[str]:
    for verdict in ("worse", "better"):
        found = [
            f"{one_line(one.route)} in {' and '.join(what)}"
            for one in compared
            if (
                what := [
                    name for name, seen in (("strict pass", one.strict_pass), ("credit", one.credit)) if seen.verdict == verdict
                ]
            )
        ]
        yield f"{verdict} beyond noise: {', '.join(found) or 'nothing'}"


def _moved(shared: Sequence[tuple[RouteFigures, RouteFigures]]) -> Iterator[str]:
    """Tasks whose misses changed, each judged by itself as a cluster of the repair map is."""
    for was, now in shared:
        told = []
        for before, after in _pairs(was, now):
            counts = ({"": (before.misses, before.judged - before.misses)}, {"": (after.misses, after.judged - after.misses)})
            state = state_of(*counts)
            if state in ("repaired", "partly", "regressed"):
                misses = f"{before.misses:,}/{before.judged:,} -> {after.misses:,}/{after.judged:,} missed"
                told.append(f"  {one_line(after.task, 60)}: {'worse' if state == 'regressed' else 'better'}, {misses}")
        if told:
            yield f"tasks of {one_line(now.name)} that changed, each by itself at 95% (of twenty that did not, one may show):"
            yield from _cut(told)


def _came_to(before: Verdict, after: Verdict) -> Iterator[str]:
    words = {True: "held", False: "missed", None: "none"}
    if before.gate_passed is not after.gate_passed:
        yield f"gate: {words[before.gate_passed]} before, {words[after.gate_passed]} now"
    if before.promotion.route != after.promotion.route:
        was, now = (one_line(one.promotion.route or "nothing") for one in (before, after))
        yield f"promoted: {was} before, {now} now"


def _alone(before: Verdict, after: Verdict, names: tuple[str, str]) -> Iterator[str]:
    ours, theirs = ([route.name for route in verdict.routes] for verdict in (after, before))
    for some, others, name in ((theirs, ours, names[0]), (ours, theirs, names[1])):
        if alone := [one for one in some if one not in others]:
            yield f"{'route' if len(alone) == 1 else 'routes'} {one_line(listed(alone))}: in {one_line(name)} alone"


def _pairs(was: RouteFigures, now: RouteFigures) -> list[tuple[TaskFigures, TaskFigures]]:
    """Tasks that both judged, by equal hashes, of several with one hash by their order."""
    left: dict[str, deque[TaskFigures]] = {}
    for task in was.by_task:
        if task.judged:
            left.setdefault(task.hash, deque()).append(task)
    return [(left[task.hash].popleft(), task) for task in now.by_task if task.judged and left.get(task.hash)]


def _unpaired(was: RouteFigures, now: RouteFigures, names: tuple[str, str]) -> Iterator[str]:
    """Why a task of one has no partner in the other, the reasons one after another."""
    pairs = _pairs(was, now)
    before = {task.name: task for task in was.by_task}
    after = {task.name: task for task in now.by_task}
    paired = ({task.name for task, _ in pairs}, {task.name for _, task in pairs})
    reasons: dict[str, list[str]] = {}
    for name, task in before.items():
        if name not in paired[0]:
            reasons.setdefault(_reason(task, after.get(name), names), []).append(task.task)
    for name, task in after.items():
        if name not in paired[1] and name not in before:
            reasons.setdefault(_reason(task, None, names[::-1]), []).append(task.task)
    for reason, tasks in reasons.items():
        named = one_line(listed(tasks[:MOST_NAMED]), 2000)
        more = f" and {len(tasks) - MOST_NAMED:,} more" if len(tasks) > MOST_NAMED else ""
        yield f"{one_line(now.name)}: {counted(len(tasks), 'task')} {reason}: {named}{more}"


def _reason(task: TaskFigures, other: TaskFigures | None, names: tuple[str, str]) -> str:
    here, there = (one_line(name) for name in names)
    if not task.judged:
        return f"not judged in {here}"
    if other is None:
        return f"in {here} alone"
    if not other.judged:
        return f"not judged in {there}"
    return "changed: its input, expect, form or scorer is another, and so its hash"


def _cut(lines: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(lines) - MOST_NAMED:,} more"] if len(lines) > MOST_NAMED else []
    return [*lines[:MOST_NAMED], *more]
