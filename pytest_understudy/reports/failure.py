"""A failed item's worst samples, as text.

In: a run and its task. Out: what a person needs to see why it failed: output, failed checks, and the command that replays it. An
output is somebody else's text: control characters are shown, not obeyed.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ..sampling.run import Run, Sample
from ..suite.task import Task
from .printable import printable


def worst_samples(run: Run, task: Task, command: str, limit: int = 3) -> str:
    """Up to `limit` samples, errors and least credit first, then the command. Of a confirmation task only errors are shown."""
    missed = sorted((sample for sample in run.samples if not sample.score.strict), key=_worst_first)
    shown = missed or sorted(run.samples, key=_worst_first)
    if task.confirm:
        told = [_told(sample) for sample in shown if sample.error is not None][:limit]
        kept = "a confirmation task: its samples are not shown, so that it can still confirm what they would teach"
        return "\n\n".join([*told, kept]) + "\n"
    told = [_told(sample) for sample in shown[:limit]]
    if len(missed) > limit:
        told.append(f"... and {len(missed) - limit} more that missed")
    return "\n\n".join([*told, f"replay: {command}"]) + "\n"


def replay_command(nodeid: str, route: str, given: Sequence[str]) -> str:
    """The command that runs this one item again from the record, with the options that were `given` and say what was asked."""
    return shlex.join(["pytest", nodeid, f"--understudy-route={route.split('+')[0]}", *given, "--understudy-replay=only"])


def _worst_first(sample: Sample) -> tuple[bool, float, int]:
    return (sample.error is None, sample.score.credit, sample.number)


def _told(sample: Sample) -> str:
    if sample.error is not None:
        return f"sample {sample.number}: error: {printable(sample.error)}"
    tokens = "unknown" if sample.tokens.generated is None else f"{sample.tokens.generated:,}"
    seconds = "" if sample.latency is None else f", {sample.latency:.2f}s"
    head = f"sample {sample.number}: credit {sample.score.credit:.4f}, finish {sample.finish}, {tokens} tokens{seconds}"
    failed = [check for check in sample.score.checks if not check.passed]
    checks = [
        f"  failed {printable(check.name, 100)}" + (f": {printable(check.detail, 300)}" if check.detail else "")
        for check in failed
    ]
    return "\n".join([head, *checks, *("  | " + line for line in printable(sample.output).splitlines())])
