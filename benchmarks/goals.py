"""What was measured, beside its goal."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tabulate import tabulate

HOLDS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Goal:
    """A figure, and the bound that it should hold; without a bound it stands there for comparison."""

    what: str
    measured: float
    sign: Literal["<", "<=", ">="] = "<="
    bound: float | None = None
    unit: str = ""

    def row(self) -> list[str]:
        if self.bound is None:
            return [self.what, f"{self.measured:.2f}{self.unit}", "", ""]
        held = HOLDS[self.sign](self.measured, self.bound)
        return [
            self.what,
            f"{self.measured:.2f}{self.unit}",
            f"{self.sign} {self.bound:g}{self.unit}",
            "held" if held else "missed",
        ]


def goals_table(goals: Sequence[Goal]) -> str:
    rows = [goal.row() for goal in goals]
    return tabulate(rows, ["what", "measured", "goal", ""], tablefmt="github", disable_numparse=True)
