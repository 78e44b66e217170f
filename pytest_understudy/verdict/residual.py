"""What is left to repair: strict misses, by cluster and by what went wrong.

In: a route's Tallies. Out: Residuals, the most misses first. A sample is one miss, under its first failing check. Tasks marked
`confirm` are left out: what has been looked at to repair a route can no longer confirm it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .tally import Tally


@dataclass(frozen=True, slots=True)
class Residual:
    """`misses` of `tasks` tasks in one cluster that failed the same check first; `share` of the route's misses, summing to 1."""

    cluster: str
    category: str
    check: str
    tasks: int
    misses: int
    share: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def residual_of(tallies: Sequence[Tally]) -> tuple[Residual, ...]:
    """The strict misses of judged samples, most first, then in collection order."""
    misses: Counter[tuple[str, str, str]] = Counter()
    tasks: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for tally in tallies:
        if tally.task.confirm:
            continue
        for check, count in tally.missed.items():
            place = (tally.task.cluster, tally.task.category, check)
            misses[place] += count
            tasks.setdefault(place, set()).add(tally.task.name)
    return tuple(
        Residual(*place, tasks=len(tasks[place]), misses=count, share=count / misses.total())
        for place, count in misses.most_common()
    )
