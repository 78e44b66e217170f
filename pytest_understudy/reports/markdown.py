"""The verdict as Markdown: for a pull request, and for a step's summary in GitHub Actions.

In: a Verdict and the session's own lines. Out: a document of at most 60,000 characters, of which GitHub takes 65,536: the
sentence first, then the table, the gate, what changed against the baseline, the worst clusters, and folded, all that backs it.
The rows are the terminal's. What a newcomer would get wrong: names are a suite's or a model's, and none of them may mark up,
link, load a picture or call a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ..verdict.repair import ClusterRepair
from ..verdict.verdict import Verdict
from ..verdict.written import NOTHING, counted, credit, percent
from . import table
from .money import break_evens
from .printable import one_line

LONGEST: Final = 60_000
"""Characters of a document."""

MOST_CLUSTERS: Final = 10
"""Clusters of the repair map that are not folded: the worst."""

_LONGEST_CELL = 250  # characters, before they are escaped
_LONGEST_TEXT = 4_000
_MOST_ROWS = 40  # of a table that is not folded
_MOST_ROUTES = 12  # columns of the table of tasks
_RESERVE = 200  # characters, for what says that something was left out

_MARKS = re.compile(r"[\\|*_`<>~&]|\](?=[(\[:])|^#")
# What GitHub makes of plain text: mentions, numbers of issues, addresses. A comment in between keeps it plain text.
_LINKS = re.compile(r"@(?=\w)|#(?=\d)|(?<=\bGH)-(?=\d)|(?<=[A-Za-z]):(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown(verdict: Verdict, *, told: Iterable[str] = (), longest: int = LONGEST) -> str:
    """The document; `told` are the session's own lines (notes, what was spent). What does not fit is left out and said to be."""
    document = _Document(longest)
    document.say("## Understudy")
    document.say(f"**{escaped(table.promotion_line(verdict), _LONGEST_TEXT)}**")
    _figures(document, verdict)
    _gate(document, verdict)
    _comparisons(document, verdict)
    worst = sorted((row for row in verdict.repair_map if row.missed), key=_worst_first)
    _clusters(document, verdict, worst[:MOST_CLUSTERS])
    with document.folded("Notes"):
        document.list([*table.notes(verdict), *told])
    if len(worst) > MOST_CLUSTERS:
        with document.folded(f"Repair map: {len(worst) - MOST_CLUSTERS:,} more clusters"):
            _repairs(document, verdict, worst[MOST_CLUSTERS:])
    if any(len(route.categories) > 1 for route in verdict.routes):
        with document.folded("Categories"):
            _categories(document, verdict)
    if missed := _missed_tasks(verdict):
        with document.folded(f"Tasks that some sample missed: {len(missed):,}"):
            _tasks(document, verdict, missed)
    return document.text


def escaped(text: str, longest: int = _LONGEST_CELL) -> str:
    """A text on one line that reads as it is: nothing in it is markup, a link, a mention or a cell's end."""
    marked = _MARKS.sub(lambda match: f"\\{match.group()}", one_line(text, longest))
    return _LINKS.sub(lambda match: f"{match.group()}<!-- -->", marked)


class _Document:
    """Paragraphs, lists and tables as far as there is room for them."""

    def __init__(self, longest: int) -> None:
        self._parts: list[str] = []
        self._room = longest - _RESERVE
        self._left_out = False

    @property
    def text(self) -> str:
        rest = ["_More did not fit here: the JSON report has it all._"] if self._left_out else []
        return "\n\n".join([*self._parts, *rest]) + "\n"

    def say(self, text: str) -> bool:
        """Whether there was room for it."""
        fits = len(text) + 2 <= self._room
        if fits:
            self._parts.append(text)
            self._room -= len(text) + 2
        self._left_out = self._left_out or not fits
        return fits

    def list(self, lines: Iterable[str]) -> None:
        self.say(self._lines([f"- {escaped(line, _LONGEST_TEXT)}" for line in dict.fromkeys(lines)]))

    def table(self, headers: Sequence[str], align: Sequence[str], rows: Sequence[Sequence[str]], most: int | None = None) -> None:
        """Cells as they are to be read; `most` rows at most, and a line that says how many more there are."""
        head = [_row(headers), f"|{'|'.join(':--' if side == 'left' else '--:' for side in align)}|"]
        if sum(map(len, head)) + _RESERVE > self._room:
            self._left_out = True
            return
        lines = self._lines([*head, *map(_row, rows[:most])])
        shown = max(0, lines.count("\n") - 1)
        self.say(lines)
        if shown < len(rows):
            self.say(f"_... and {len(rows) - shown:,} more rows_")

    @contextmanager
    def folded(self, summary: str) -> Iterator[None]:
        """What is said inside is folded; nothing is there where there is no room for any of it."""
        before = len(self._parts)
        tail = "</details>"
        self._room -= len(tail) + 2
        opened = self.say(f"<details><summary>{summary}</summary>")
        yield
        self._room += len(tail) + 2
        if len(self._parts) == before + 1:
            self._room += len(self._parts.pop()) + 2
        elif opened:
            self.say(tail)

    def _lines(self, lines: Sequence[str]) -> str:
        """As many of the lines as fit, with room left to say that there were more."""
        room, kept = self._room - _RESERVE, 0
        while kept < len(lines) and (room := room - len(lines[kept]) - 1) > 0:
            kept += 1
        self._left_out = self._left_out or kept < len(lines)
        return "\n".join(lines[:kept])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def _figures(document: _Document, verdict: Verdict) -> None:
    if not verdict.routes:
        return
    columns = table.columns(verdict)
    rows = [[column.cell(route) for column in columns] for route in verdict.routes]
    headers = [column.header.replace("\n", " ") for column in columns]
    document.table(headers, [column.align for column in columns], rows, _MOST_ROWS)


def _gate(document: _Document, verdict: Verdict) -> None:
    if verdict.gate is None:
        return
    document.say(f"### Gate\n\n**{escaped(table.gate_line(verdict.gate, verdict.ladder), _LONGEST_TEXT)}**")
    headers = ["route", "measure", "threshold", "value", "result", "note"]
    rows = sorted(table.gate_rows(verdict.gate), key=lambda row: not row[4].startswith("missed"))
    document.table(headers, ["left"] * len(headers), rows, _MOST_ROWS)


def _comparisons(document: _Document, verdict: Verdict) -> None:
    if not verdict.comparisons:
        return
    document.say(f"### Against the baseline\n\n{escaped(table.comparison_title(verdict), _LONGEST_TEXT)}")
    document.table(table.COMPARISON, ["left"] * len(table.COMPARISON), table.comparison_rows(verdict), _MOST_ROWS)
    document.list([*table.comparison_notes(verdict), *("; ".join(lines) for lines in break_evens(verdict))])


def _clusters(document: _Document, verdict: Verdict, worst: Sequence[ClusterRepair]) -> None:
    if not worst:
        return
    document.say("### Repair map\n\nStrict misses of judged samples and the state against the first rung, the worst first.")
    _repairs(document, verdict, worst)
    for line in table.unmissed(verdict):
        document.say(escaped(line.strip()))


def _repairs(document: _Document, verdict: Verdict, rows: Sequence[ClusterRepair]) -> None:
    names = table.rungs(verdict)
    headers = ["cluster", "first failed check", *names, "next step"]
    cells = [
        [row.cluster, row.check or "", *(" ".join(cell).strip() for cell in table.repair_cells(row, names)), row.next]
        for row in rows
    ]
    document.table(headers, ["left"] * len(headers), cells)


def _worst_first(row: ClusterRepair) -> float:
    """By the share of samples that are still missed on the rung that is looked at; of equals in their order."""
    return -row.best.misses / row.best.samples if row.best.samples else 0.0


def _categories(document: _Document, verdict: Verdict) -> None:
    rows = [
        [
            route.name,
            category.name,
            f"{category.tasks:,}",
            f"{category.samples:,}",
            credit(category.credit),
            percent(category.strict_pass),
        ]
        for route in verdict.routes
        for category in route.categories
    ]
    document.table(["route", "category", "tasks", "samples", "credit", "strict"], ["left", "left", *["right"] * 4], rows)


def _missed_tasks(verdict: Verdict) -> dict[tuple[str, str], dict[str, float]]:
    """(file, id) of each task that was not passed by all samples of all routes, and its strict pass by route; the worst first."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for route in verdict.routes:
        for task in route.by_task:
            if task.strict_pass is not None:
                found.setdefault(task.name, {})[route.name] = task.strict_pass
    missed = {name: rates for name, rates in found.items() if min(rates.values()) < 1}
    return dict(sorted(missed.items(), key=lambda one: sum(one[1].values()) / len(one[1])))


def _tasks(document: _Document, verdict: Verdict, missed: dict[tuple[str, str], dict[str, float]]) -> None:
    names = [route.name for route in verdict.routes if route.judged][-_MOST_ROUTES:]  # the last rungs are the best bets
    rows = [
        [task, *(percent(rates[name], 0) if name in rates else NOTHING for name in names)] for (_, task), rates in missed.items()
    ]
    if left := sum(1 for route in verdict.routes if route.judged) - len(names):
        document.say(f"Strict pass; of the routes the last {len(names)}, without {counted(left, 'more')}.")
    document.table(["task", *names], ["left", *["right"] * len(names)], rows)
