"""An answer beside what was expected of it, leaf by leaf.

In: a task and a value that was parsed from an answer. Out: a row for each leaf: its name, what the task's file says of it,
what was given, and whether that is right. It tells what a score's checks tell, with both sides whole and unchanged, so that a
person can be shown them. What a newcomer would get wrong: only the house's own scorers say what a leaf is; of an answer that
another judges there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from ..suite.task import MISSING, Missing, Task
from . import parsing
from .actions import Action, Actions, Given
from .fields import Branch, Fields, Leaf
from .matchers import unwrapped
from .scorers import Exact, scorer_for

MOST_EXTRA: Final = 10  # leaves that nobody asked for; a model may write thousands


@dataclass(frozen=True, slots=True)
class Beside:
    """One leaf. `expected` as the task's file has it, matchers included, `given` as it was parsed; MISSING where there is none.

    `place` is the same for the same leaf of every answer to one task.
    """

    place: tuple[int, str]
    name: str
    expected: Any | Missing
    given: Any | Missing
    right: bool


def beside(task: Task, output: str, value: Any) -> list[Beside]:
    """The leaves in the order of what is expected, then those that nobody asked for; none where a suite's own scorer judges."""
    scorer = scorer_for(task)
    if isinstance(scorer, Fields):
        return [*_leaves(scorer.root, task.expect, value), *islice(_extra(scorer.root, value), MOST_EXTRA)]
    if isinstance(scorer, Actions):
        return list(_actions(scorer, task.expect["actions"], value))
    if isinstance(scorer, Exact):
        text = parsing.without_thinking(output)
        right = scorer.matcher.accepts((text or "").strip()) or scorer.matcher.accepts(value)
        return [Beside((0, ""), "answer", task.expect, MISSING if text is None else text.strip(), right)]
    return []


def _leaves(node: Leaf | Branch, spec: Any, given: Any | Missing) -> Iterator[Beside]:
    """The spec is the node's own, and still in its `optional`."""
    if isinstance(node, Branch) and node.keys:
        if given is MISSING and node.optional:
            return
        inside = given if isinstance(given, Mapping) else {}
        for key, inner in node.keys.items():
            yield from _leaves(inner, unwrapped(spec)[0][key], inside.get(key, MISSING))
        return
    if given is MISSING:
        right = node.optional
    else:
        right = node.matcher.accepts(given) if isinstance(node, Leaf) else isinstance(given, Mapping)
    yield Beside((0, node.name), node.name or "value", spec, given, right)


def _extra(node: Leaf | Branch, given: Any | Missing, path: str = "") -> Iterator[Beside]:
    if isinstance(node, Leaf) or not isinstance(given, Mapping):
        return
    for key, value in given.items():
        name = f"{path}.{key}" if path else key
        if key in node.keys:
            yield from _extra(node.keys[key], value, name)
        else:
            yield Beside((1, name), name, MISSING, value, False)


def _actions(scorer: Actions, specs: Any, value: Any) -> Iterator[Beside]:
    """A leaf for each argument. Tools that are called more than once are numbered from 1 in the order of what is expected."""
    pairs, spurious = scorer.beside(value)
    for number, (action, given) in enumerate(pairs):
        if given is None and action.optional:
            continue
        same = [one for one, _ in pairs if one.tool == action.tool]
        tool = action.tool if len(same) == 1 else f"{action.tool} {[one is action for one in same].index(True) + 1}"
        yield from _arguments(number, tool, action, specs[number].get("arguments") or {}, given)
    for number, one in enumerate(spurious[:MOST_EXTRA]):
        yield Beside((len(pairs) + number, ""), one.tool, MISSING, dict(one.arguments), False)


def _arguments(number: int, tool: str, action: Action, spec: Mapping[str, Any], given: Given | None) -> Iterator[Beside]:
    if not action.arguments and (given is None or not given.arguments):
        yield Beside((number, ""), tool, {}, MISSING if given is None else {}, given is not None)
    for name, wanted in action.arguments.items():
        there = MISSING if given is None else given.arguments.get(name, MISSING)
        yield Beside((number, name), f"{tool}.{name}", spec[name], there, given is not None and wanted.accepts(there))
    extra = [name for name in sorted(given.arguments) if name not in action.arguments] if given else []
    for name in extra[:MOST_EXTRA]:
        yield Beside((number, name), f"{tool}.{name}", MISSING, given.arguments[name] if given else MISSING, False)
