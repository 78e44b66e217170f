"""An environment: a plain class of the suite's, in which a task takes several turns.

In: `module:Class`, as a suite names it. Out: the class, made once and held to its four parts. What a newcomer would get wrong:
what is wrong with the class is found here, while collecting; what it raises later is a crash of that sample (`workflow.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..errors import TaskError
from .imports import imported

if TYPE_CHECKING:
    from .task import Task, Tool


class Environment(Protocol):
    """What a suite's class has. One object lives for one sample; equal actions from a reset must lead to equal answers."""

    @property
    def tools(self) -> Sequence[Mapping[str, Any] | Tool]:
        """Definitions as under `tools:` in a suite: name, description, parameters."""

    def reset(self, task: Task) -> str:
        """Start over for a task; the first observation."""

    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Do one action and tell what came of it. An action that can't be done is answered with a sentence; it does not raise.

        It is only ever called with a tool of `tools` and with arguments that the tool's parameters allow.
        """

    def state(self) -> dict[str, Any]:
        """All that counts, as JSON has it: what the `state` scorer compares."""


EnvironmentKind = Callable[[], Environment]

_PARTS: Final = "an environment has tools, reset(task), step(tool, arguments) and state()"
_CALLED_WITH: Final = {"reset": ("task",), "step": ("tool", "arguments"), "state": ()}


def environment_named(reference: str, folder: str, *, at: str) -> tuple[EnvironmentKind, Sequence[Any]]:
    """The class that `module:Class` names, and its tools as they are, unread; TaskError at `at` where it is no environment."""
    kind = imported(reference, folder, at=at)
    return kind, tools_of(kind, reference, at=at)


def tools_of(kind: Any, reference: str, *, at: str) -> Sequence[Any]:
    """The tools of an environment's class as they are, unread; TaskError at `at` where it is no environment."""
    if not callable(kind):
        raise TaskError(f"{reference!r} is a {type(kind).__name__}, not a class; {_PARTS}", at=at)
    try:
        made = kind()
    except Exception as failure:  # the class is the suite's: whatever it raises is about it
        told = f"{type(failure).__name__}: {failure}"
        raise TaskError(
            f"{reference!r} can't be made without arguments ({told}); what a task needs is for reset(task)", at=at
        ) from failure
    for name, arguments in _CALLED_WITH.items():
        _check_method(made, name, arguments, reference, at)
    return _tools(made, reference, at)


def _check_method(made: object, name: str, arguments: tuple[str, ...], reference: str, at: str) -> None:
    shown = f"{name}({', '.join(arguments)})"
    method = getattr(made, name, None)
    if not callable(method):
        raise TaskError(f"{reference!r} has no {shown}; {_PARTS}", at=at)
    if inspect.iscoroutinefunction(method):
        raise TaskError(f"{name} of {reference!r} is async; an environment's methods are plain functions", at=at)
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError as failure:
        raise TaskError(f"{name} of {reference!r} can't be called as {shown}: {failure}", at=at) from failure
    except ValueError:  # a method without a signature, such as some of C's: the first call will tell
        pass


def _tools(made: object, reference: str, at: str) -> Sequence[Any]:
    try:
        tools = getattr(made, "tools", None)
    except Exception as failure:  # a property of the suite's
        raise TaskError(f"tools of {reference!r} can't be read ({type(failure).__name__}: {failure})", at=at) from failure
    if tools is None:
        raise TaskError(f"{reference!r} has no tools; {_PARTS}", at=at)
    if not isinstance(tools, list | tuple):
        raise TaskError(f"tools of {reference!r} are a list of definitions, not a {type(tools).__name__}", at=at)
    return tools
