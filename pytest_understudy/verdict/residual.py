"""What is left to repair: strict misses, by cluster and by what went wrong.

In: a route's Tally. Out: Residuals, the most misses first. A sample is one miss, under its first failing check. Tasks marked
`confirm` are left out: what has been looked at to repair a route can no longer confirm it.
"""

from __future__ import annotations

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


def residual_of(tally: Tally) -> tuple[Residual, ...]:
    """The strict misses of judged samples, most first, then in collection order."""
    return tuple(
        Residual(*place, tasks=len(tally.missing[place]), misses=count, share=count / tally.misses.total())
        for place, count in tally.misses.most_common()
    )
