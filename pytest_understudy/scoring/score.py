"""A score: credit, strict pass, and the named checks behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..values import value

if TYPE_CHECKING:
    from ..suite.workflow import Trajectory

Outcome = Literal["pass", "detectable", "silent", "harm"]


@value()
class Check:
    """One thing that was looked at. `detail` says what was expected and what was given, where it failed."""

    name: str
    passed: bool
    detail: str = ""


@value()
class Score:
    """What an output is worth: `credit` in [0, 1], `strict` pass, and its checks in form order.

    `outcome`: pass (strict), detectable (wrong, and the caller can see it), silent (valid and wrong), harm (forbidden).
    A custom scorer may leave it None: it is then derived from the checks that every answer gets.
    """

    credit: float
    strict: bool
    checks: tuple[Check, ...] = ()
    outcome: Outcome | None = None

    @property
    def missed(self) -> str | None:
        """The first failing check's name, under which the repair map files this miss; None on a strict pass."""
        if self.strict:
            return None
        return next((check.name for check in self.checks if not check.passed), "strict")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a custom scorer sees: the whole text, the value parsed from it (None if none), the finish reason.

    Of a task in an environment the value is `{"actions": [...], "state": {...}, "done": ...}`, and the trajectory has the rest.
    """

    output: str
    value: Any
    finish: str
    trajectory: Trajectory | None = None
