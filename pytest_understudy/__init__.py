"""The face of pytest-understudy: the names that a suite's author imports.

Light: a name is loaded from its room when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sampling.run import Run, Sample
    from .scoring.score import Answer, Check, Score
    from .suite.task import Task

__all__ = ["Answer", "Check", "Run", "Sample", "Score", "Task"]

_ROOMS = {
    "Answer": "scoring.score",
    "Check": "scoring.score",
    "Run": "sampling.run",
    "Sample": "sampling.run",
    "Score": "scoring.score",
    "Task": "suite.task",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_ROOMS[name]}", __name__), name)
