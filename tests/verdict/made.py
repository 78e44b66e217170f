"""Samples and runs whose figures a test knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.scoring.score import Check, Outcome, Score


def sample(
    credit: float = 1.0,
    *,
    strict: bool | None = None,
    outcome: Outcome | None = None,
    missed: str = "value",
    finish: str = "stop",
    prompt: int | None = 10,
    generated: int | None = 5,
    cached: int | None = None,
    latency: float | None = 1.0,
    waited: float = 0.0,
    price: Price | None = None,
    error: str | None = None,
    replayed: bool = False,
    digest: str = "d",
) -> Sample:
    """One attempt; strict where its credit is 1, silent where it is not, unless a test says otherwise."""
    passes = credit == 1.0 if strict is None else strict
    tokens = Tokens(prompt=prompt, generated=generated, cached=cached)
    return Sample(
        number=0,
        output="",
        value=None,
        finish=finish,
        score=Score(credit, passes, () if passes else (Check(missed, False),), outcome or ("pass" if passes else "silent")),
        tokens=tokens,
        latency=latency,
        waited=waited,
        requests=1,
        cost=price.cost(tokens) if price else None,
        uncached=price.uncached(tokens) if price else None,
        error=error,
        replayed=replayed,
        digest=digest,
    )


START = datetime(2026, 11, 20, tzinfo=UTC).timestamp()


def flight(start: float, end: float, **more: object) -> Sample:
    """A sample that was in flight between these seconds of a day."""
    made = sample(latency=end - start, **more)  # type: ignore[arg-type]  # a test names sample's own fields
    return replace(made, at=ended(end))


def ended(second: float) -> str:
    """A second of that day, as a sample's `at` has it."""
    return datetime.fromtimestamp(START + second, UTC).isoformat(timespec="microseconds")


def error(message: str = "503 after 5 retries") -> Sample:
    return sample(0.0, error=message, prompt=None, generated=None, latency=None)


def run(
    route: str,
    task: str,
    samples: Sequence[Sample],
    *,
    planned: int | None = None,
    category: str = "Mail",
    cluster: str = "",
    confirm: bool = False,
    file: str = "mail.yaml",
) -> Run:
    return Run(
        route=route,
        task=task,
        file=file,
        hash=f"hash-of-{task}",
        category=category,
        cluster=cluster or category,
        split="holdout",
        confirm=confirm,
        planned=len(samples) if planned is None else planned,
        samples=tuple(samples),
    )


def route(name: str = "raw", *, price: Price | None = None, **more: object) -> Route:
    return Route(name=name, endpoint="local", price=price, **more)  # type: ignore[arg-type]  # a test names Route's own fields


def spread_runs(name: str, samples: Sequence[Sample], tasks: int) -> list[Run]:
    """The samples dealt out to tasks, in turn, as evenly as they go."""
    return [run(name, f"task-{task}", samples[task::tasks]) for task in range(tasks)]
