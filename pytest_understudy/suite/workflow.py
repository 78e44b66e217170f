"""A workflow: one environment's life for one sample, and what is kept of it.

In: a task with an environment, then a model's actions, turn by turn. Out: an observation a turn, at the end a Trajectory. What a
newcomer would get wrong: only one of the things that go wrong in a turn is the environment's fault. A text without an action and
an action that the tools' definitions don't allow never reach it: they are answered with a sentence. An action that it refuses is
answered by it. What it raises is an EnvironmentCrash, the sample's error.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from ..errors import EnvironmentCrash, listed
from .environment import Environment
from .form import complaints_about_arguments
from .plain import NotJson, plain
from .task import Task

NO_ACTION: Final = (
    'There was no action in that. Answer with {"tool": ..., "arguments": {...}}, or with {"done": "..."} at the end.'
)
_LONGEST_REFUSAL: Final = 600  # characters: it becomes a part of the prompt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One turn but the last. `refused`: why the environment never saw it; empty where it did."""

    action: Mapping[str, Any] | None  # {"tool": ..., "arguments": {...}}; None where the model's text held no action
    observation: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What was done in one sample, and what came of it: all of it as JSON has it."""

    first: str  # the observation at reset
    steps: tuple[Step, ...]
    before: Mapping[str, Any]  # the state at reset
    after: Mapping[str, Any]  # the state at the end
    done: str | None = None  # the model's last word; None where it never said that it was done

    @property
    def actions(self) -> list[Mapping[str, Any]]:
        """The log: every action in its order, refused ones too."""
        return [step.action for step in self.steps if step.action is not None]

    @property
    def observations(self) -> tuple[str, ...]:
        """The first one, then one a step."""
        return (self.first, *(step.observation for step in self.steps))

    def to_json(self) -> dict[str, Any]:
        """What a sample's value is: the log, the end state and the last word."""
        return {"actions": [dict(action) for action in self.actions], "state": dict(self.after), "done": self.done}


class Episode:
    """One environment object. Not for two threads at once.

    EnvironmentCrash from every method in which the environment raises, or answers with what it may not answer.
    """

    __slots__ = ("_before", "_environment", "_name", "_steps", "_task", "first")

    def __init__(self, task: Task, environment: Environment, name: str) -> None:
        self._task = task
        self._environment = environment
        self._name = name
        self._steps: list[Step] = []
        self.first = self._observation("reset", partial(environment.reset, task))
        self._before = self._state()

    @classmethod
    def of(cls, task: Task) -> Episode:
        """A fresh environment, reset for the task."""
        kind = task.environment
        if kind is None:
            raise ValueError(f"{task!r} has no environment")
        name = task.environment_name
        return cls(task, _guarded(f"{name}()", kind), name)

    @property
    def opening(self) -> str:
        """The first user message: the task's input and the first observation, or that alone where it holds the input."""
        parts = (self._task.input.strip(), self.first.strip())
        return parts[1] if parts[0] in parts[1] else "\n\n".join(part for part in parts if part)

    def step(self, tool: str, arguments: Any) -> str:
        """Do one action; its observation. Nothing that a model may say raises."""
        try:
            action = plain({"tool": tool, "arguments": arguments})
        except NotJson as failure:
            return self._refused(None, f"Refused: {failure}")
        if refusal := self._refusal(tool, arguments):
            return self._refused(action, refusal)
        given = plain(action["arguments"])  # the environment may do with them as it likes
        seen = self._observation(f"step({tool!r})", partial(self._environment.step, tool, given))
        self._steps.append(Step(action, seen))
        return seen

    def unread(self, sentence: str = NO_ACTION) -> str:
        """A turn whose text held no action: it is answered with the sentence, and counts."""
        return self._refused(None, sentence)

    def trajectory(self, done: str | None = None) -> Trajectory:
        """What was done so far, with the state as it is now; `done` is the model's last word."""
        return Trajectory(self.first, tuple(self._steps), self._before, self._state(), done)

    def _refusal(self, tool: str, arguments: Any) -> str:
        known = {known.name: known for known in self._task.tools}
        if tool not in known:
            return f"Refused: there is no tool {tool[:100]!r}; there are {listed(known)}."
        complaints = complaints_about_arguments(known[tool], arguments)
        return f"Refused: the arguments of {tool} are wrong: {'; '.join(complaints)}" if complaints else ""

    def _refused(self, action: Mapping[str, Any] | None, sentence: str) -> str:
        sentence = sentence[:_LONGEST_REFUSAL]
        self._steps.append(Step(action, sentence, sentence))
        return sentence

    def _observation(self, call: str, ask: Callable[[], str]) -> str:
        seen: Any = _guarded(f"{self._name}.{call}", ask)
        if not isinstance(seen, str):
            raise EnvironmentCrash(f"{self._name}.{call} returned a {type(seen).__name__}; an observation is a text")
        try:
            return str(plain(seen))
        except NotJson as failure:
            raise EnvironmentCrash(f"{self._name}.{call} returned a text that is none: {failure}") from failure

    def _state(self) -> Mapping[str, Any]:
        state: Any = _guarded(f"{self._name}.state()", self._environment.state)
        if not isinstance(state, dict):
            raise EnvironmentCrash(f"{self._name}.state() returned a {type(state).__name__}; a state is an object")
        try:
            copy: dict[str, Any] = plain(state)
        except NotJson as failure:
            raise EnvironmentCrash(f"{self._name}.state() is not JSON: {failure}") from failure
        return copy


def _guarded(call: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except BaseException as failure:  # the environment is the suite's: whatever it raises is about it, an exit too
        if isinstance(failure, KeyboardInterrupt) or type(failure).__name__ == "Exit":  # pytest.exit: the session is to end
            raise
        raise EnvironmentCrash(f"{call} raised {_told(failure)}", traceback=_traceback(failure)) from failure


def _told(failure: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(failure)).split())[:300]


def _traceback(failure: BaseException) -> str:
    """Without the first frame, which is ours."""
    frames = failure.__traceback__
    return "".join(traceback.format_exception(type(failure), failure, frames.tb_next if frames else None)).rstrip()
