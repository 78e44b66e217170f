"""What a workflow did, turn by turn, and what came of it, in lines that fit a terminal.

In: a task and a sample with turns. Out: what the model said in each turn without its thoughts, what it was told in answer, and
how the state differs in the end from what it was at reset. All of that is somebody else's text: what a terminal would obey is
shown.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import EnvironmentCrash, ScorerError, StaleSample
from ..routes.turns import retraced
from ..sampling.run import Sample
from ..scoring.leaves import changed, nodes
from ..scoring.parsing import without_thinking
from ..suite.task import MISSING, Task
from ..suite.workflow import Trajectory
from .leaves import as_written
from .printable import one_line

MOST_TURNS = 12
"""Turns that are shown: the last ones, for there it ended."""

MOST_CHANGES = 12
"""Leaves of the state."""

LONGEST_TEXT = 300
"""Characters of what was said or told in one turn."""


def turn_lines(task: Task, sample: Sample, width: int) -> list[str]:
    """The turns, then the state's changes; of an environment that no longer answers as it did why the state is unknown."""
    try:
        trajectory = retraced(task, sample.turns, sample.finish)
        last, state = trajectory.observations[-1], list(_changes(trajectory))
    except (EnvironmentCrash, StaleSample, ScorerError) as failure:
        last, state = "", [f"unknown, for it can't be worked through again: {failure}"]
    lines: list[str] = []
    shown = sample.turns[-MOST_TURNS:]
    if left := len(sample.turns) - len(shown):
        lines.append(f"  ... {left} turn{'' if left == 1 else 's'} before")
    for number, turn in enumerate(shown, left + 1):
        said = without_thinking(turn.output)
        lines += _wrapped(f"  turn {number} | ", said.strip() if said is not None else turn.output, width)
        told = sample.turns[number].message if number < len(sample.turns) else last if sample.finish == "turns" else ""
        lines += _wrapped(" " * len(f"  turn {number} ") + "> ", told, width) if told else []
    return lines + [line for change in state for line in _wrapped("  state: ", change, width)]


def _changes(trajectory: Trajectory) -> Iterator[str]:
    before, after = nodes(trajectory.before), nodes(trajectory.after)
    paths = changed(before, after)
    for path in paths[:MOST_CHANGES]:
        yield f"{path}: {_value(before, path)} -> {_value(after, path)}"
    if len(paths) > MOST_CHANGES:
        yield f"... and {len(paths) - MOST_CHANGES:,} more leaves"
    if not paths:
        yield "as it was at reset"


def _value(state: Mapping[str, Any], path: str) -> str:
    return one_line(as_written(state.get(path, MISSING)), LONGEST_TEXT)


def _wrapped(first: str, text: str, width: int) -> list[str]:
    shown = one_line(text, LONGEST_TEXT) or json.dumps("")
    return textwrap.wrap(shown, width, initial_indent=first, subsequent_indent=" " * len(first)) or [first]
