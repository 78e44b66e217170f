"""From how many tasks on a route pays, against the baseline.

In: the tasks that both were judged on, what a miss costs, what the route's weights and this evaluation cost, and the machine that
serves it. Out: a BreakEven. What cannot be known, since a side is unpriced, is None; what is known not to happen is "never".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..figures import mean
from .fallback import Fallback
from .machine import Machine
from .side import Pair
from .task_figures import known_mean

Tasks = int | Literal["never"]

ROUNDING = 1e-9
"""A quotient that is a whole number but for the last digits of a float is that whole number."""

MOST_FLEETS = 1000
"""So many times the machines are tried; where they do not pay then, they are said never to."""


@dataclass(frozen=True, slots=True)
class MachineBreakEven:
    """From how many tasks a month the machines pay; `capacity` is what they do a month (tasks), None where not measured."""

    machine: Machine
    capacity: float | None
    tasks: Tasks | None

    def to_json(self) -> dict[str, Any]:
        return {
            "hourly": self.machine.hourly,
            "machines": self.machine.machines,
            "utilisation": self.machine.utilisation,
            "capacity_a_month": self.capacity,
            "tasks_a_month": self.tasks,
        }


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Dollars a task: `baseline_cost` and `route_cost` are expected costs E = c + (1 - s) F, with c the production cost a sample,
    s strict pass and F `failure_cost`. `training_cost` and `evaluation_cost` in dollars, the former None where it was not said.
    """

    baseline_cost: float | None
    route_cost: float | None
    failure_cost: float | None
    training_cost: float | None
    evaluation_cost: float | None
    machine: MachineBreakEven | None
    fallback: Fallback | None

    @classmethod
    def over(
        cls,
        paired: Sequence[Pair],
        *,
        failure_cost: float | None,
        training_cost: float | None = None,
        evaluation_cost: float | None = None,
        machine: Machine | None = None,
        capacity: float | None = None,
    ) -> BreakEven | None:
        """Over the tasks that both were judged on; None without any. Without a `failure_cost`, F is the baseline's cost a task.

        Source: docs/reference/figures.md, "Verdicts".
        """
        if not paired:
            return None
        cost, base_cost = (known_mean([side.production_cost for side in sides]) for sides in zip(*paired, strict=True))
        strict_pass, base_strict_pass = (mean([side.strict_pass for side in sides]) for sides in zip(*paired, strict=True))
        miss = base_cost if failure_cost is None else failure_cost
        b, r = _expected(base_cost, base_strict_pass, miss), _expected(cost, strict_pass, miss)
        detectable = known_mean([ours.detectable for ours, _ in paired])
        saved = _less(b, r)
        return cls(
            baseline_cost=b,
            route_cost=r,
            failure_cost=miss,
            training_cost=training_cost,
            evaluation_cost=evaluation_cost,
            machine=None
            if machine is None
            else MachineBreakEven(machine, capacity, machine_tasks(saved, machine.month, capacity)),
            fallback=None
            if detectable is None
            else Fallback.of(
                detectable=detectable,
                cost=cost,
                strict_pass=strict_pass,
                base_cost=base_cost,
                base_strict_pass=base_strict_pass,
            ),
        )

    @property
    def saved(self) -> float | None:
        """b - r: dollars a task that the route costs less than the baseline."""
        return _less(self.baseline_cost, self.route_cost)

    @property
    def saved_per_1000(self) -> float | None:
        """1000 (b - r): dollars per 1,000 tasks."""
        return None if self.saved is None else 1000 * self.saved

    @property
    def payback_tasks(self) -> Tasks | None:
        """After how many tasks (training + teacher data + evaluation cost) / (b - r) is paid back; "never" where b <= r.

        None where a side or the evaluation is unpriced. Weights whose cost was not said cost nothing.
        """
        if self.saved is None or self.evaluation_cost is None:
            return None
        return _tasks(math.fsum((self.training_cost or 0.0, self.evaluation_cost)), self.saved)

    def to_json(self) -> dict[str, Any]:
        return {
            "baseline_cost": self.baseline_cost,
            "route_cost": self.route_cost,
            "failure_cost": self.failure_cost,
            "saved_per_1000": self.saved_per_1000,
            "training_cost": self.training_cost,
            "evaluation_cost": self.evaluation_cost,
            "payback_tasks": self.payback_tasks,
            "machine": None if self.machine is None else self.machine.to_json(),
            "fallback": None if self.fallback is None else self.fallback.to_json(),
        }


def machine_tasks(saved: float | None, month: float, capacity: float | None) -> Tasks | None:
    """The least V, whole, with V (b - r) >= ceil(V / capacity) x month, `month` the dollars that machines cost by the hour.

    "never" where b <= r, and where even full machines cost more than they save: then more of them do too. None where `saved`
    (b - r) or the capacity (tasks a month) is unknown. Source: docs/reference/figures.md, "Verdicts".
    """
    if saved is None:
        return None
    if saved <= 0:
        return "never"
    if capacity is None:
        return None
    for fleets in range(1, MOST_FLEETS + 1):
        needed = _tasks(fleets * month, saved)
        least = max(int(needed), math.floor((fleets - 1) * capacity) + 1)
        if least <= fleets * capacity * (1 + ROUNDING):
            return least
        if month / saved > capacity * (1 + ROUNDING):
            break
    return "never"


def _tasks(dollars: float, saved: float) -> Tasks:
    """How many tasks save so much."""
    return math.ceil(dollars / saved * (1 - ROUNDING)) if saved > 0 else "never"


def _less(b: float | None, r: float | None) -> float | None:
    """b - r, and 0 where they differ by the rounding of a float: nothing is paid back out of that."""
    if b is None or r is None:
        return None
    return 0.0 if math.isclose(b, r, rel_tol=ROUNDING) else b - r


def _expected(cost: float | None, strict_pass: float, miss: float | None) -> float | None:
    """E = c + (1 - s) F."""
    return None if cost is None or miss is None else cost + (1 - strict_pass) * miss
