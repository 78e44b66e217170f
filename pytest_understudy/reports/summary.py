"""What stands under a session's last line: the tables, the gate, the promotion, then what else there is to tell.

In: a Verdict and the session's own lines. Out: lines on a terminal, coloured. Whoever drives this gives the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from ..sampling.allowance import Allowance, Spent
from ..sampling.run import Run
from ..verdict.verdict import Verdict
from ..verdict.written import counted
from .printable import one_line
from .table import comparison_lines, gate_lines, promotion_line, repair_lines, table_lines


class Terminal(Protocol):
    """As much of pytest's TerminalReporter as is written to."""

    def write_sep(self, sep: str, title: str | None = None) -> None: ...
    def write_line(self, line: str, **markup: bool) -> None: ...


def write_summary(
    terminal: Terminal,
    verdict: Verdict,
    *,
    spent: str | None,
    verdicts: int | None,
    notes: Iterable[str],
    written: Iterable[str],
) -> None:
    """`spent`: the line on a spend limit; `verdicts`: how many were given on this holdout; both None where there is nothing to
    tell. `written`: lines on files written.
    """
    terminal.write_sep("=", "understudy")
    for lines in (table_lines(verdict), repair_lines(verdict), comparison_lines(verdict)):
        for line in [*lines, ""] if lines else []:
            terminal.write_line(line)
    held = verdict.gate_passed
    for line in gate_lines(verdict):
        terminal.write_line(line, green=held is True, red=held is False)
    terminal.write_line(promotion_line(verdict), bold=True)
    if spent is not None:
        terminal.write_line(spent, yellow="not drawn" in spent)
    if verdicts is not None:
        terminal.write_line(f"verdict {verdicts:,} on this holdout, by this record")
    for note in dict.fromkeys(notes):
        terminal.write_line(f"note: {note}", yellow=True)
    for line in written:
        terminal.write_line(line, red=line.startswith("WARNING"), bold=line.startswith("WARNING"))


def spending_line(allowance: Allowance, spent: Spent, runs: Iterable[Run]) -> str:
    """`spent $0.0123 of $0.02; 41 of 90 samples not drawn`, and with several routes how many of each."""
    line = f"spent {_dollars(spent.known)} of {allowance.written}"
    if spent.assumed:
        line += f", and up to {_dollars(spent.assumed)} for answers whose cost nobody told"
    left = dict.fromkeys((run.route for run in runs), 0)
    for run in runs:
        left[run.route] += allowance.unpaid(run)
    if not (total := sum(left.values())):
        return line
    line += f"; {total:,} of {counted(sum(run.planned for run in runs), 'sample')} not drawn"
    return line if len(left) == 1 else f"{line} ({', '.join(f'{one_line(route)} {count:,}' for route, count in left.items())})"


def _dollars(amount: float) -> str:
    """To four figures: more than a table's, since rounded to two, $0.000308 of $0.000308 would look like more than the limit."""
    return f"${Decimal(f'{amount:.4g}'):f}"
