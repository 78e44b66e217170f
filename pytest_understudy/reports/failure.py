"""A failed item's worst samples, as text.

In: a run and its task. Out: what a person needs to see why it failed, in lines that fit a terminal of 80 columns: output, or the
turns of a workflow, failed checks, the leaves beside what was expected, and the command that replays it. An output is somebody
else's text: what a terminal would obey is shown.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence

from ..sampling.run import Run, Sample
from ..suite.task import Task
from .leaves import side_by_side
from .printable import cut_lines, note, one_line
from .trajectory import turn_lines

WIDTH = 80
"""Columns that all but errors and the command keep to: those are to be searched for and copied."""

_MOST_LINES = 40  # of an output
_MOST_CHECKS = 10


def worst_samples(run: Run, task: Task, command: str, limit: int = 3) -> str:
    """Up to `limit` samples, errors and least credit first, then the command. Of a confirmation task only errors are shown."""
    missed = sorted((sample for sample in run.samples if not sample.score.strict), key=_worst_first)
    shown = missed or sorted(run.samples, key=_worst_first)
    if task.confirm:
        told = [_told(task, sample) for sample in shown if sample.error is not None][:limit]
        kept = "a confirmation task: its samples are not shown, so that it can still confirm what they would teach"
        return "\n\n".join([*told, kept]) + "\n"
    told = [_told(task, sample) for sample in shown[:limit]]
    if leaves := side_by_side(task, [sample for sample in shown[:limit] if sample.error is None], WIDTH):
        told.append("\n".join(leaves))
    if len(missed) > limit:
        told.append(f"... and {len(missed) - limit} more that missed")
    return "\n\n".join([*told, f"replay: {command}"]) + "\n"


def replay_command(nodeid: str, route: str, given: Sequence[str]) -> str:
    """The command that runs this one item again from the record, with the options that were `given` and say what was asked."""
    return shlex.join(["pytest", nodeid, f"--understudy-route={route.split('+')[0]}", *given, "--understudy-replay=only"])


def _worst_first(sample: Sample) -> tuple[bool, float, int]:
    return (sample.error is None, sample.score.credit, sample.number)


def _told(task: Task, sample: Sample) -> str:
    if sample.error is not None:
        error, _, trace = sample.error.partition("\n")
        told = f"sample {sample.number}: error: {one_line(error)}"  # in one line, so that it is found
        return "\n".join([told, *(_quoted(trace) if trace else [])])
    tokens = "unknown" if sample.tokens.generated is None else f"{sample.tokens.generated:,}"
    seconds = "" if sample.latency is None else f", {sample.latency:.2f}s"
    lines = [f"sample {sample.number}: credit {sample.score.credit:.4f}, finish {sample.finish}, {tokens} tokens{seconds}"]
    failed = [check for check in sample.score.checks if not check.passed]
    for check in failed[:_MOST_CHECKS]:
        detail = f": {one_line(check.detail, 300)}" if check.detail else ""
        lines += _wrapped("  failed ", "    ", f"{one_line(check.name, 100)}{detail}")
    if len(failed) > _MOST_CHECKS:
        lines.append(f"  ... and {len(failed) - _MOST_CHECKS:,} more failed checks")
    lines += turn_lines(task, sample, WIDTH) if sample.turns else _quoted(sample.output)
    return "\n".join(lines)


def _quoted(text: str) -> list[str]:
    lines: list[str] = []
    for line, left in cut_lines(text, lines=_MOST_LINES):
        parts = [*_parts(line.expandtabs(4), WIDTH - 4), *([note(left)] if left else [])]
        lines += [f"  | {part}".rstrip() for part in parts]
    return lines


def _wrapped(first: str, rest: str, text: str) -> list[str]:
    """Broken between words; a text that has none is broken where the line ends."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest) or [first]


def _parts(line: str, width: int) -> list[str]:
    """Broken where the line ends and nowhere else: white space is a part of an output."""
    return [line[start : start + width] for start in range(0, len(line), width)] or [""]
