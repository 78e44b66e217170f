"""Parts of an `expect` that several scorers read, and what is said where one is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import TaskError, listed
from ..suite.task import Task
from .texts import shown


def check_keys(spec: Mapping[str, Any], keys: tuple[str, ...], at: str) -> None:
    """TaskError where `spec` has others."""
    if unknown := [key for key in spec if key not in keys]:
        raise TaskError(f"unknown: {listed(map(str, unknown))}; there are {listed(keys)}", at=at)


def list_of(what: str, value: Any, at: str) -> Sequence[Any]:
    """The list; TaskError where it is none."""
    if not isinstance(value, list | tuple):
        raise TaskError(f"a list of {what} stands here, not {shown(value)}", at=at)
    return value


def check_tool(tool: Any, task: Task, *, at: str) -> None:
    """TaskError where it is no name, or the task defines tools and this is none of them."""
    names = [known.name for known in task.tools]
    if not isinstance(tool, str):
        raise TaskError(f"a tool is named by a string, not {shown(tool)}", at=at)
    if names and tool not in names:
        raise TaskError(f"no tool named {tool!r}; there are {listed(names)}", at=at)
