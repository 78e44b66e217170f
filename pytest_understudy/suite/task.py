"""A task: one unit of work, frozen, and knowing the line that it came from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from .environment import EnvironmentKind
    from .form import Form


class Missing(Enum):
    """Absent, where `None` would be JSON's null."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
MAX_TURNS: Final = 8


@dataclass(frozen=True, slots=True)
class Floor:
    """What a run of this task must reach: strict-pass rate and mean credit, both in [0, 1]."""

    strict_pass: float = 0.0
    credit: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What a sample of this task may take: generated tokens and seconds."""

    tokens: float = math.inf
    seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's definition: its parameters are a JSON Schema of an object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True, repr=False)
class Task:
    """One unit of work: an input, a form, what is expected, a category.

    `(file, id)` names it. `scorer` is a scorer's name, a `module:function`, or a function of (task, answer); left empty it is
    `state` where there is an environment and a state is expected, `actions` where there are tools, `fields` where an object is
    expected, else `exact`. `source` is the place for complaints. With an `environment` the task takes up to `max_turns` turns in
    it: `tools` are the environment's, and `form` is that of one turn. `hash`: sixteen hex digits over input, expect, form, scorer
    and environment, equal where a comparison may pair two tasks.
    """

    id: str
    input: str
    expect: Any = MISSING
    instructions: str = ""
    form: Form | None = None
    tools: tuple[Tool, ...] = ()
    environment: EnvironmentKind | None = None
    max_turns: int = MAX_TURNS
    scorer: str | Callable[..., Any] = ""
    floor: Floor = Floor()
    budget: Budget = Budget()
    category: str = ""
    cluster: str = ""
    split: Literal["holdout", "train"] = "holdout"
    known_miss: str | None = None
    confirm: bool = False
    compare: Literal["exact", "loose"] = "exact"
    parse: Literal["lenient", "strict"] = "lenient"
    file: str = ""
    source: str = ""
    folder: str = ""  # where the suite's own modules (scorers) are imported from
    hash: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", _hash(self))

    def __repr__(self) -> str:
        """Short: pytest prints it under every failed assertion, also of tasks whose text is kept for confirmation."""
        return f"<Task {self.id} of {self.file}>" if self.file else f"<Task {self.id}>"

    @property
    def name(self) -> tuple[str, str]:
        """(file, id): what a task is known by; a Task with a dict in it has no hash of Python's."""
        return (self.file, self.id)

    @property
    def environment_name(self) -> str:
        """`module:Class`, where there is an environment."""
        return "" if self.environment is None else _named(self.environment)


def _hash(task: Task) -> str:
    scorer = task.scorer if isinstance(task.scorer, str) else _named(task.scorer)
    expect = None if task.expect is MISSING else task.expect
    judged = [task.input, expect, task.form.key if task.form else None, scorer]
    if task.environment is not None:
        judged += [task.environment_name, task.max_turns]
    return hashlib.sha256(json.dumps(judged, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _named(what: Callable[..., Any]) -> str:
    """module:function or module:Class; of an object that can be called, its type's."""
    named = what if hasattr(what, "__qualname__") else type(what)
    return f"{named.__module__}:{named.__qualname__}"
