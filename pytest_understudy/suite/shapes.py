"""What may stand in a suite file: a task's keys, their values, and what is said of one that does not fit.

In: an entry as it was read. Out: the same, checked, with defaults; or complaints. No meaning yet: that is `files.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import TaskError, listed
from .entries import Entry
from .task import MAX_TURNS, MISSING

Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0)]


class _FloorInFile(BaseModel, extra="forbid", strict=True):
    strict_pass: Share = 0.0
    credit: Share = 0.0


class _BudgetInFile(BaseModel, extra="forbid", strict=True):
    tokens: Limit = math.inf
    seconds: Limit = math.inf


class ToolInFile(BaseModel, extra="forbid", strict=True):
    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    parameters: dict[str, Any] = {}


class SharedInFile(BaseModel):
    """What may stand above `tasks`: any key of a task. Nothing is required here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    instructions: str = ""
    form: str | dict[str, Any] | None = None
    tools: str | list[ToolInFile] | None = None
    environment: str | None = None
    max_turns: Annotated[int, Field(ge=1)] = MAX_TURNS
    scorer: str = ""
    floor: _FloorInFile = _FloorInFile()
    budget: _BudgetInFile = _BudgetInFile()
    category: str = ""
    cluster: str = ""
    split: Literal["holdout", "train"] = "holdout"
    expect: Any = MISSING
    known_miss: str | None = None
    confirm: bool = False
    compare: Literal["exact", "loose"] = "exact"
    parse: Literal["lenient", "strict"] = "lenient"


class TaskInFile(SharedInFile):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    input: str


def complaints_of(failure: ValidationError, entry: Entry, name: str, model: type[BaseModel]) -> list[TaskError]:
    """What does not fit, in the order of the file's lines, each with file, line and key."""
    problems = sorted(_without_other_branches(failure), key=lambda problem: entry.line_of(str(problem["loc"][0])))
    return [_complaint(problem, entry, name, model) for problem in problems]


def _without_other_branches(failure: ValidationError) -> list[Mapping[str, Any]]:
    """One problem a key: of a union pydantic tells every branch."""
    first: dict[Any, Mapping[str, Any]] = {}
    for problem in failure.errors(include_url=False):
        first.setdefault((problem["loc"][0], problem["type"] == "extra_forbidden" and problem["loc"]), problem)
    return list(first.values())


def _complaint(problem: Mapping[str, Any], entry: Entry, name: str, model: type[BaseModel]) -> TaskError:
    loc = [str(part) for part in problem["loc"]]
    key = loc[0]
    line = entry.line_of(key)
    at = f"{name}:{line}: {'.'.join(loc)}" if entry.line else f"{name}: {'.'.join(loc)}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(model, loc)
        near = get_close_matches(loc[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {listed(sorted(known))}"
        return TaskError(f"unknown key {loc[-1]!r}; {hint}", at=at)
    if problem["type"] == "missing":
        return TaskError(f"a {'tool' if model is ToolInFile else 'task'} needs {loc[-1]!r}", at=at)
    if key == "id":
        return TaskError(f"{problem['input']!r} is no id; an id has letters, digits, - _ and . only", at=at)
    return TaskError(f"{problem['msg'].lower()}, not {short(problem['input'])}", at=at)


def _known_keys(model: type[BaseModel], loc: list[str]) -> list[str]:
    nested: dict[str, type[BaseModel]] = {"floor": _FloorInFile, "budget": _BudgetInFile, "tools": ToolInFile}
    return list((nested[loc[0]] if len(loc) > 1 and loc[0] in nested else model).model_fields)


def short(value: Any) -> str:
    """A value as a complaint shows it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
