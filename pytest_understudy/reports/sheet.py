"""A table on the page: its caption, its columns and its rows of cells.

In: texts and the values that they are sorted by. Out: a Sheet, which one template draws for every table, so that all of them
have a caption, scopes and the same manners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..verdict.written import NOTHING


@dataclass(frozen=True, slots=True)
class Interval:
    """A small picture in a cell, all in per cent: an interval, the value in it, and a threshold where there is one."""

    low: float
    value: float
    high: float
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """`text`, a smaller second line `sub`, the value that it is sorted by, a `kind` that tints it, an interval or a bar.

    `bar` is in per cent. `opens` is the number of the run whose samples a press on it shows.
    """

    text: str
    sub: str = ""
    value: float | str | None = None
    kind: str = ""
    interval: Interval | None = None
    bar: float | None = None
    opens: int | None = None

    @property
    def order(self) -> str:
        """What a sort compares; empty sorts last."""
        return "" if self.value is None else str(self.value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header, a smaller second line of it, and whether its cells are figures."""

    header: str
    sub: str = ""
    align: Literal["text", "figure"] = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """Its first cell is its header. `kind` tints it; `words` is what a filter looks in besides; `group` a line above it."""

    cells: tuple[Cell, ...]
    kind: str = ""
    words: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table; `name` is its place on the page, `sortable` gives its headers a press."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    sortable: bool = False


def figure(value: float | None, written: Callable[[float | None], str], *, sub: str = "", kind: str = "") -> Cell:
    """A cell for a figure, which sorts by its value; a dash where it is unknown."""
    return Cell(NOTHING if value is None else written(value), sub=sub, value=value, kind=kind)
