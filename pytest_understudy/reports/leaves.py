"""Samples side by side with what was expected, leaf by leaf.

In: a task and some of its samples. Out: a table: a row for each leaf that one of them missed, a column for what the task's file
expects, and one for each sample. Matchers stand as they do in a task's file, `{contains: "lamp"}`, and so do values.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from ..sampling.run import Sample
from ..scoring.beside import Beside, beside
from ..suite.task import MISSING, Missing, Task
from .printable import one_line

LONGEST_VALUE = 100
"""Characters of a value."""

MOST_ROWS = 12
"""Leaves that are shown: of a list of thousands the first will do."""

_GAP = 2
_WORD = re.compile(r"[A-Za-z_][\w.-]*")


def side_by_side(task: Task, samples: Sequence[Sample], width: int) -> list[str]:
    """Lines of at most `width` columns; empty where no leaf was missed, or the scorer is the suite's own and has none."""
    found = [{row.place: row for row in beside(task, sample.output, sample.value)} for sample in samples]
    places = sorted({place: None for rows in found for place in rows}, key=_order(found))
    missed = [place for place in places if any(not rows[place].right for rows in found if place in rows)]
    if not missed:
        return []
    header = ["", "expected", *(f"sample {sample.number}" for sample in samples)]
    rows = [_row(place, found) for place in missed[:MOST_ROWS]]
    lines = _table([header, *rows], width)
    if len(missed) > MOST_ROWS:
        lines.append(f"... and {len(missed) - MOST_ROWS:,} more")
    right = [one_line(next(rows[place].name for rows in found if place in rows), 60) for place in places if place not in missed]
    return lines + (textwrap.wrap(f"right in each: {', '.join(right)}", width, subsequent_indent="  ") if right else [])


def as_written(value: Any | Missing) -> str:
    """A value as a task's file may have it, in one line; `nothing` where there is none."""
    if value is MISSING:
        return "nothing"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(key)}: {as_written(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_written, value))}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _key(key: Any) -> str:
    return key if isinstance(key, str) and _WORD.fullmatch(key) else json.dumps(key, ensure_ascii=False, default=str)


def _order(found: Sequence[Mapping[tuple[int, str], Beside]]) -> Any:
    """What is expected in its own order, then what nobody asked for, as the samples bring it."""
    seen = {place: number for number, place in enumerate(dict.fromkeys(place for rows in found for place in rows))}
    expected = {place for rows in found for place, row in rows.items() if row.expected is not MISSING}
    return lambda place: (place not in expected, seen[place])


def _row(place: tuple[int, str], found: Sequence[Mapping[tuple[int, str], Beside]]) -> list[str]:
    one = next(rows[place] for rows in found if place in rows)
    return [one_line(one.name, LONGEST_VALUE), _cell(one.expected), *(_given(rows.get(place)) for rows in found)]


def _given(row: Beside | None) -> str:
    """What a sample gave: `right` where it is (or is rightly absent), so that the eye finds what is not."""
    return "right" if row is None or row.right else _cell(row.given)


def _cell(value: Any | Missing) -> str:
    return one_line(as_written(value), LONGEST_VALUE)


def _table(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    least = [len(header) + _GAP for header in rows[0]]  # tabulate's own
    widths = [max(low, *map(len, column)) for low, column in zip(least, zip(*rows, strict=True), strict=True)]
    while sum(widths) + _GAP * (len(widths) - 1) > width and max(widths) > max(least):
        widths[widths.index(max(widths))] -= 1
    text = tabulate(rows[1:], headers=rows[0], tablefmt="simple", disable_numparse=True, maxcolwidths=list(widths))
    return [line.rstrip() for line in text.splitlines()]
