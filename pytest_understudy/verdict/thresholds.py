"""The gate's thresholds, and whether a holdout can show them at all.

In: numbers from a config. Out: a Gate; or a ConfigError, before anything is drawn, for one that too few tasks could ever hold.
What is seen is held to it in gate.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..errors import ConfigError
from ..figures import normal_quantile, t_quantile
from .measures import ROUNDING
from .written import counted

Estimand = Literal["holdout", "population"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Thresholds over a whole route, None where there is none.

    `strict_pass` and `credit` at least, `silent` and `harm` at most, all rates in [0, 1]; `p95` seconds, `tokens` mean
    generated tokens a sample, `cost` dollars of the route's whole run, `errors` a count, all at most. `confidence` in (0.5, 1)
    is that of the bound, `estimand` what the bound is about. `margin` is how far strict pass may
    be below the baseline's, and that it is no further must be shown; without it only what is worse beyond noise misses.
    `failure_cost` is what a miss costs, in dollars: it ranks, and holds nothing.
    """

    strict_pass: float | None = None
    credit: float | None = None
    p95: float | None = None
    tokens: float | None = None
    cost: float | None = None
    errors: int = 0
    silent: float | None = None
    harm: float | None = None
    confidence: float | None = None
    estimand: Estimand = "holdout"
    failure_cost: float | None = None
    margin: float | None = None

    @property
    def floors(self) -> Iterator[tuple[Literal["strict_pass", "credit"], float]]:
        """The measures that are held by a bound where there is a confidence, with their thresholds."""
        if self.strict_pass is not None:
            yield "strict_pass", self.strict_pass
        if self.credit is not None:
            yield "credit", self.credit


def check_reachable(gate: Gate, tasks: int, *, rungs: int = 1, at: str = "[gate]") -> None:
    """Raise ConfigError if, with the population estimand, `tasks` tasks can't hold a threshold even when all samples pass.

    All passing, the bound is G / (G + t(G-1)^2). On a ladder of several `rungs` the first of Holm's steps must be taken. `at`
    is the gate's place, to which the key is added.
    """
    if gate.confidence is None or gate.estimand != "population":
        return
    confidence = 1 - (1 - gate.confidence) / rungs
    for measure, threshold in gate.floors:
        best = _best_bound(tasks, confidence)
        if best >= threshold - ROUNDING:
            continue
        needed = "no number of tasks shows it" if threshold >= 1 else f"it needs {_tasks_needed(threshold, confidence):,} tasks"
        raise ConfigError(
            f"{counted(tasks, 'task')} can't show {threshold:g} at confidence {gate.confidence:g} for tasks like these: even"
            f" if all pass, the bound is {best:.3f}; {needed}, or a lower threshold, or estimand = 'holdout'",
            at=f"{at} {measure}",
        )


def _best_bound(tasks: int, confidence: float) -> float:
    return 0.0 if tasks < 2 else tasks / (tasks + t_quantile(confidence, tasks - 1) ** 2)


def _tasks_needed(threshold: float, confidence: float) -> int:
    # The normal quantile is below Student's, so this start is below the answer, and near it.
    tasks = max(2, math.floor(normal_quantile(confidence) ** 2 * threshold / (1 - threshold)))
    while _best_bound(tasks, confidence) < threshold:
        tasks += 1
    return tasks
