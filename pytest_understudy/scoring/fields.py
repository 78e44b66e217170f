"""The `fields` scorer: an object, leaf by leaf.

In: the object in `expect`, and a parsed value. Out: a Score of the content alone; form, parsing and finish are judged in
`scorers.py`. What a newcomer would get wrong: a list is one leaf, and so is an object in which nothing is expected; a key that
nobody asked for costs no credit and fails strict all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from ..errors import TaskError
from ..suite.task import MISSING, Missing, Task
from .matchers import Matcher, is_matcher, matcher, named, unwrapped
from .score import Answer, Check, Score
from .texts import LONGEST_NAME, Reading, clipped, difference, reading, shown


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. `name` is its path, "address.city"."""

    name: str
    matcher: Matcher
    optional: bool = False

    def checks(self, given: Any | Missing) -> list[Check]:
        """One check, or none for an optional leaf that is absent: it doesn't count."""
        if given is MISSING and self.optional:
            return []
        if given is not MISSING and self.matcher.accepts(given):
            return [Check(self.name, True)]
        return [_wrong(self.name, str(self.matcher), given)]

    def extra(self, given: Any | Missing) -> Iterator[str]:
        """Nothing: a leaf is compared whole."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Branch:
    """An object, of which each key is a leaf or a branch."""

    name: str
    keys: Mapping[str, Leaf | Branch]
    optional: bool = False

    def checks(self, given: Any | Missing) -> list[Check]:
        """The checks of its counted leaves. Where something else than an object is given, its leaves are absent.

        It is a leaf itself where it expects nothing inside, or where all that it expects may be absent and no object is given.
        """
        if given is MISSING and self.optional:
            return []
        inside = given if isinstance(given, dict) else {}
        found = [check for key, node in self.keys.items() for check in node.checks(inside.get(key, MISSING))]
        if found or (self.keys and (given is MISSING or given is inside)):
            return found
        return [Check(self.name or "value", True) if given is inside else _wrong(self.name, "an object", given)]

    def extra(self, given: Any | Missing) -> Iterator[str]:
        """The paths of the keys that nobody asked for."""
        for key, value in given.items() if isinstance(given, dict) else ():
            if key in self.keys:
                yield from self.keys[key].extra(value)
            else:
                yield _path(self.name, key)


@dataclass(frozen=True, slots=True)
class Fields:
    """Credit = right leaves / counted leaves; 1 where nothing is counted. Source: docs/reference/figures.md, "Scores", fields.

    Checks: each counted leaf under its path, or `shape` where no object is given; then `extra`, only where there are extra keys.
    """

    root: Leaf | Branch

    @classmethod
    def expecting(cls, task: Task, *, at: str) -> Fields:
        """TaskError at `at` where the task's `expect` is no object."""
        if not isinstance(task.expect, Mapping):
            raise TaskError(f"the 'fields' scorer needs an object here, {{key: value, ...}}, not {shown(task.expect)}", at=at)
        return cls(_node("", task.expect, reading(task), at=at))

    def __call__(self, task: Task, answer: Answer) -> Score:
        if isinstance(self.root, Branch) and not isinstance(answer.value, dict):
            wrong = _wrong("shape", "an object", answer.value)
            return Score(0.0, False, (wrong,), "detectable")
        checks = self.root.checks(answer.value)
        credit = Fraction(sum(check.passed for check in checks), len(checks)) if checks else Fraction(1)
        if extra := list(islice(self.root.extra(answer.value), 10)):
            checks.append(Check("extra", False, clipped(f"not expected: {', '.join(extra)}")))
        return Score(float(credit), all(check.passed for check in checks), tuple(checks))


def _node(name: str, spec: Any, read: Reading, *, at: str) -> Leaf | Branch:
    inner, optional = unwrapped(spec) if name else (spec, False)
    if not isinstance(inner, Mapping) or is_matcher(inner):
        return Leaf(name or "value", matcher(inner, read, at=at), optional)
    keys = {key: _node(_path(name, key), value, read, at=f"{at}.{key}") for key, value in named(inner, at).items()}
    return Branch(name, keys, optional)


def _path(name: str, key: str) -> str:
    return clipped(f"{name}.{key}" if name else key, LONGEST_NAME)


def _wrong(name: str, wanted: str, given: Any | Missing) -> Check:
    return Check(name or "value", False, difference(wanted, "nothing" if given is MISSING else shown(given)))
