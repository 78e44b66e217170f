"""A suite file's text, read into entries that know their lines.

In: JSONL text, or YAML (yaml_entries.py). Out: `Entries`: what the tasks share, and the tasks, each a plain dict with the line of
every key. No meaning yet: that is `files.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import TaskError


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping, the line that it starts on, and the line of each of its keys."""

    values: dict[str, Any]
    line: int
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


@dataclass(frozen=True, slots=True)
class Entries:
    """A task that cannot be read stands as its complaint, so that the others are still looked at."""

    shared: Entry
    tasks: tuple[Entry | TaskError, ...]


def jsonl_entries(text: str, name: str) -> Entries:
    tasks = tuple(_jsonl(text, name))
    if not tasks:
        raise TaskError("the file is empty; a suite in JSONL is one task, an object, a line", at=f"{name}:1")
    return Entries(Entry({}, 1), tasks)


def _jsonl(text: str, name: str) -> Iterator[Entry | TaskError]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as failure:
            yield TaskError(f"not JSON: {failure}", at=f"{name}:{number}")
            continue
        if isinstance(values, dict):
            yield Entry(values, number)
        else:
            yield TaskError("a line is one task, an object", at=f"{name}:{number}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return values
