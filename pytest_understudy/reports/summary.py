"""What stands under a session's last line: the tables, the gate, the promotion, then what else there is to tell.

In: a Verdict and the session's own lines. Out: lines on a terminal, coloured. Whoever drives this gives the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..verdict.verdict import Verdict
from .table import comparison_lines, gate_lines, promotion_line, repair_lines, table_lines


class Terminal(Protocol):
    """As much of pytest's TerminalReporter as is written to."""

    def write_sep(self, sep: str, title: str | None = None) -> None: ...
    def write_line(self, line: str, **markup: bool) -> None: ...


def write_summary(
    terminal: Terminal, verdict: Verdict, *, verdicts: int | None, notes: Iterable[str], written: Iterable[str]
) -> None:
    """`verdicts`: how many were given on this holdout, None where that tells nothing new; `written`: lines on files written."""
    terminal.write_sep("=", "understudy")
    for lines in (table_lines(verdict), repair_lines(verdict), comparison_lines(verdict)):
        for line in [*lines, ""] if lines else []:
            terminal.write_line(line)
    held = verdict.gate_passed
    for line in gate_lines(verdict):
        terminal.write_line(line, green=held is True, red=held is False)
    terminal.write_line(promotion_line(verdict), bold=True)
    if verdicts is not None:
        terminal.write_line(f"verdict {verdicts:,} on this holdout, by this record")
    for note in dict.fromkeys(notes):
        terminal.write_line(f"note: {note}", yellow=True)
    for line in written:
        terminal.write_line(line, red=line.startswith("WARNING"), bold=line.startswith("WARNING"))
