"""A sample as it is shown: what was asked, what came back, what was checked, what it took.

In: a Task and a Run of it with its outputs. Out: a ShownRun. A task that is kept for confirmation is never shown: what was looked
at can no longer confirm. Texts are as they came; whoever draws them makes them safe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..routes.ask import messages
from ..routes.route import Route
from ..sampling.draws import Drawn, completion_of
from ..sampling.run import Plan, Run, Sample
from ..sampling.scored import sample_of
from ..suite.task import MISSING, Task
from ..verdict.task_figures import outcome_of
from ..verdict.written import dollars, seconds

Lines = Callable[[Run, Iterable[int]], Mapping[int, Mapping[str, Any]]]
"""The record's lines of a run's samples, by number."""

Prompt = tuple[tuple[str, str], ...]
"""(role, text) of each message, or one text as it was sent."""


@dataclass(frozen=True, slots=True)
class ShownSample:
    """One attempt. `outcome` is pass, detectable, silent, harm, or error; `measures` are (name, value) as they are written.

    `prompt` is what was recorded as sent, empty where prompts are not recorded. `turns` are a workflow's, (told, said) each.
    """

    number: int
    outcome: str
    output: str
    error: str | None
    checks: tuple[tuple[str, bool, str], ...]
    measures: tuple[tuple[str, str], ...]
    generated: int | None
    prompt: Prompt = ()
    turns: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """(told, said) of each turn; what is asked in one shot has one, and was told nothing on the way."""
        return self.turns or (("", self.output),)


@dataclass(frozen=True, slots=True)
class ShownRun:
    """The samples of one task on one route; `prompt` is what the task asks, before the endpoint's dialect."""

    route: str
    task: str
    file: str
    about: str
    expected: str
    prompt: Prompt
    samples: tuple[ShownSample, ...]

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.route, self.file, self.task)


def shown_run(task: Task, run: Run, prompts: Mapping[int, Any] | None = None) -> ShownRun | None:
    """The run as it is shown, with the `prompts` that were recorded by sample number; None for a task kept for confirmation."""
    if task.confirm or run.confirm:
        return None
    place = f"{run.category} · {run.cluster}" if run.cluster != run.category else run.category
    return ShownRun(
        route=run.route,
        task=run.task,
        file=run.file,
        about=" · ".join(part for part in (place, run.file) if part),
        expected=_written(task.expect),
        prompt=tuple((message.role, message.content) for message in messages(task)),
        samples=tuple(_shown(sample, (prompts or {}).get(sample.number)) for sample in run.samples),
    )


def shown_runs(
    runs: Iterable[Run], routes: Sequence[Route], task_of: Callable[[str, str], Task | None], lines: Lines
) -> Iterator[ShownRun]:
    """The runs as they are shown, each with what the record has of it. `task_of` (file, id) is None for a task that is not here:
    its samples can't be judged again, and are left out.
    """
    by_name = {route.name: route for route in routes}
    for run in runs:
        task = None if run.confirm or run.route not in by_name else task_of(run.file, run.task)
        if task is None or not run.samples:
            continue
        found = lines(run, [sample.number for sample in run.samples if sample.error is None]) if run.request else {}
        plan = Plan(task, by_name[run.route], run.planned)
        whole = replace(run, samples=tuple(_with_output(plan, sample, found.get(sample.number)) for sample in run.samples))
        if (shown := shown_run(task, whole, {number: line.get("prompt") for number, line in found.items()})) is not None:
            yield shown


def _with_output(plan: Plan, sample: Sample, line: Mapping[str, Any] | None) -> Sample:
    """The sample with its output and all its checks, which do not travel."""
    if sample.error is not None or sample.output or line is None:
        return sample
    drawn = Drawn(completion_of(line), replayed=sample.replayed, at=line["at"])
    return sample_of(plan, sample.number, drawn)


def _shown(sample: Sample, prompt: Any) -> ShownSample:
    return ShownSample(
        number=sample.number,
        outcome="error" if sample.error is not None else outcome_of(sample),
        output=sample.output,
        error=sample.error,
        checks=tuple((check.name, check.passed, check.detail) for check in sample.score.checks),
        measures=_measures(sample),
        generated=sample.tokens.generated,
        prompt=_sent(prompt),
        turns=tuple((turn.message if place else "", turn.output) for place, turn in enumerate(sample.turns)),
    )


def _measures(sample: Sample) -> tuple[tuple[str, str], ...]:
    tokens = sample.tokens

    def count(value: int | None) -> str:
        return "" if value is None else f"{value:,}"

    told = (
        ("credit", "" if sample.error is not None else f"{sample.score.credit:.4f}"),
        ("finish", sample.finish),
        ("latency", "" if sample.latency is None else seconds(sample.latency)),
        ("waited", seconds(sample.waited) if sample.waited >= 0.1 else ""),
        ("generated", count(tokens.generated)),
        ("reasoning", count(tokens.reasoning or None)),
        ("prompt", count(tokens.prompt)),
        ("cached", count(tokens.cached or None)),
        ("requests", count(sample.requests) if sample.requests > 1 else ""),
        ("cost", "" if sample.cost is None else dollars(sample.cost)),
        ("replayed", "yes" if sample.replayed else ""),
    )
    return tuple((name, value) for name, value in told if value)


def _written(expect: Any) -> str:
    if expect is MISSING:
        return ""
    return expect if isinstance(expect, str) else json.dumps(expect, indent=2, ensure_ascii=False, default=str)


def _sent(prompt: Any) -> Prompt:
    """A record's prompt: a text, or one with the prefixes that the model was given to go on from; of turns the last, for it holds
    the others.
    """
    if not prompt:
        return ()
    if isinstance(prompt, Mapping) and prompt.get("turns"):
        return _sent(prompt["turns"][-1])
    if isinstance(prompt, str):
        return (("as it was sent", prompt),)
    prefixes = [str(prefix) for prefix in prompt.get("prefixes", ()) if prefix]
    return (("as it was sent", str(prompt.get("text", ""))), *(("continued from", prefix) for prefix in prefixes[-1:]))
