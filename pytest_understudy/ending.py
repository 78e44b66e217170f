"""The end of a session: the verdict, the reports, the export, and what the terminal is told of it.

In: an Evaluation that was drawn, as far as it was: also one that was interrupted, or stopped at its first failure. Out: files, a
line or more on the terminal, and whether the session has failed by its verdict. What a newcomer would get wrong: whatever one
part of it raises, the reports are written, since what they tell of was paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UnderstudyError

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .reports.export import Exported
    from .reports.summary import Terminal
    from .verdict.verdict import Verdict


class Ending:
    """Ends one evaluation.

    `shown` is what a path is called on the terminal; `command` the command line that began it; `heard` are others' notes,
    complete when it ends; `step` is the summary of a step in GitHub Actions, to which a Markdown report is appended.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        reports: Iterable[Path],
        shown: Callable[[Path], str],
        command: Iterable[str] = (),
        heard: Sequence[str] = (),
        step: Path | None = None,
    ) -> None:
        self.verdict: Verdict | None = None
        self._evaluation = evaluation
        self._reports = tuple(reports)
        self._shown = shown
        self._command = tuple(command)
        self._heard = heard
        self._step = step
        self._notes: list[str] = []
        self._written: list[Path] = []
        self._exported: Exported | None = None
        self._verdicts: int | None = None  # given on this holdout, this one included

    def conclude(self, tell: Callable[[Verdict], object]) -> bool:
        """Judges, tells others of it, writes what was asked for. True where that fails a session which has not failed.

        Nothing where nothing was planned: an earlier report is not overwritten with an empty one.
        """
        from .verdict.session import Session

        judged = self._evaluation.judge()
        if judged is None:
            return False
        self.verdict = replace(judged, session=Session.here(self._command))
        try:
            tell(self.verdict)
        finally:
            failed = self._concluded(self.verdict)
        return failed

    def tell(self, terminal: Terminal) -> None:
        """Writes the summary under the session's last line."""
        if self.verdict is None:
            return
        from .reports.summary import write_summary

        written = [f"report written to {self._shown(path)}" for path in self._written]
        if self._exported is not None:
            written += self._exported.told(self._shown(self._exported.path))
        write_summary(
            terminal,
            self.verdict,
            spent=self._spending(),
            verdicts=self._verdicts,
            notes=self._told,
            written=written,
        )

    def _concluded(self, verdict: Verdict) -> bool:
        with suppress(OSError):  # where no sample could be recorded either, which is told
            self._verdicts = self._evaluation.count_verdict(verdict)
        # A session that judged nothing has shown nothing, gate or no gate.
        nothing = not any(route.judged for route in verdict.routes)
        if nothing:
            self._notes.append("nothing was judged: every sample is an error, or none was drawn")
        exported = self._export()
        unwritten = [path for path in self._reports if not self._write(path, verdict)]
        return bool(unwritten) or not exported or nothing or verdict.gate_passed is False

    def _write(self, path: Path, verdict: Verdict) -> bool:
        from .reports.drawn import report_text
        from .reports.whole import write_whole

        try:
            text = report_text(path, verdict, self._evaluation.shown, self._lines)
            write_whole(path, text)
        except (OSError, UnderstudyError) as failure:
            self._notes.append(f"{path.name} could not be written: {failure}")
            return False
        self._written.append(path)
        if path.suffix == ".md" and self._step is not None:
            self._append(self._step, text)
        return True

    def _append(self, step: Path, text: str) -> None:
        """To what else the step says. Once, however many Markdown reports there are; what can't be is told, and fails nothing."""
        self._step = None
        try:
            with step.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except OSError as failure:
            self._notes.append(f"the step's summary could not be written: {failure}")

    @property
    def _lines(self) -> list[str]:
        """What stands under a Markdown report's table, as it does under the terminal's."""
        spent = self._spending()
        return [*([spent] if spent else []), *(f"note: {note}" for note in self._told)]

    @property
    def _told(self) -> list[str]:
        return [*self._heard, *self._notes, *self._evaluation.notes]

    def _export(self) -> bool:
        try:
            self._exported = self._evaluation.exported()
        except OSError as failure:
            self._notes.append(f"the training examples could not be written: {failure}")
            return False
        return True

    def _spending(self) -> str | None:
        from .reports.summary import spending_line

        allowance = self._evaluation.drawing.allowance
        return None if allowance is None else spending_line(allowance, self._evaluation.drawing.spent, self._evaluation.runs)


def step_summary(environment: Mapping[str, str]) -> Path | None:
    """Where a step of GitHub Actions keeps its summary, for the outermost session alone: one that a test starts inherits the
    variables, and has nothing to say to whoever reads the step.
    """
    if environment.get("GITHUB_ACTIONS") != "true" or "PYTEST_CURRENT_TEST" in environment:
        return None
    named = environment.get("GITHUB_STEP_SUMMARY")
    return Path(named) if named else None
