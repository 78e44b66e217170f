"""A state's leaves: each value that is no object, under its path.

In: a state as JSON has it. Out: values by path, keys joined by dots. What a newcomer would get wrong: a list is one leaf; an
object without keys is one too, but one that is filled or emptied has not changed itself: what came or went in it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ScorerError
from ..suite.task import MISSING, Missing
from .matchers import same


def nodes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Every value in the state, objects too, under its path. ScorerError where a key with a dot makes two paths the same."""
    found: dict[str, Any] = {}
    for path, value in _walk(state, ""):
        if path in found:
            raise ScorerError(f"two places of the state are both {path!r}: a key with a dot in it stands beside an object")
        found[path] = value
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths of the leaves that differ between two results of `nodes`, one way or the other, sorted."""
    return sorted(path for path in before.keys() | after.keys() if _differ(before.get(path, MISSING), after.get(path, MISSING)))


def _walk(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        here = f"{path}.{key}" if path else key
        yield here, inner
        if isinstance(inner, Mapping):
            yield from _walk(inner, here)


def _differ(before: Any | Missing, after: Any | Missing) -> bool:
    """An object itself differs only where it came or went without keys: else what is in it is looked at."""
    if isinstance(after, Mapping):
        return not after and not isinstance(before, Mapping)
    if isinstance(before, Mapping):
        return not before or after is not MISSING
    return not same(before, after, str)
