"""What one rung did to a cluster's misses.

In: what was counted of each of its tasks, on the first rung and on this one. Out: a State. Sampling noise is all that is asked
about (the holdout estimand): whether these tasks are missed less often, not whether tasks like them are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..figures import mean
from .chance import Count, chance_of_fewer
from .residual import Residual

State = Literal["first", "repaired", "partly", "unclear", "unchanged", "regressed"]

SURE = 0.95
"""From what chance on a change is one."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What one route did to a cluster: its strict `misses` among judged `samples`, and how that compares with the first rung.

    `trained`: its weights are not the first rung's. `failing`: what its misses are, the most frequent check first.
    """

    route: str
    misses: int
    samples: int
    state: State
    controls: tuple[str, ...] = ()
    trained: bool = False
    failing: tuple[Residual, ...] = ()

    @property
    def rate(self) -> float:
        return self.misses / self.samples

    def to_json(self) -> dict[str, Any]:
        return {"route": self.route, "misses": self.misses, "samples": self.samples, "state": self.state}


def state_of(before: Mapping[Any, Count], after: Mapping[Any, Count]) -> State:
    """How the misses of a cluster's tasks changed, over the tasks that both rungs were judged on.

    D = P(after < before), of the mean rate of misses: `repaired`: D >= 0.95 and no miss left; `partly`: D >= 0.95; `regressed`:
    P(after > before) >= 0.95; `unchanged`: the same misses, task by task; else `unclear`. A change that was not seen is none,
    however unequal the numbers of samples. Source: docs/reference/figures.md, "Verdicts".
    """
    shared = [(before[task], after[task]) for task in before if task in after]
    if not shared:
        return "unclear"
    if all(was[0] * sum(now) == now[0] * sum(was) for was, now in shared):
        return "unchanged"
    fewer = chance_of_fewer(tuple(now for _, now in shared), tuple(was for was, _ in shared))
    change = mean([now[0] / sum(now) for _, now in shared]) - mean([was[0] / sum(was) for was, _ in shared])
    if change < 0 and fewer >= SURE:
        return "partly" if any(misses for misses, _ in after.values()) else "repaired"
    return "regressed" if change > 0 and 1 - fewer >= SURE else "unclear"
