"""A plan, its samples, and the run that they make.

`Plan` is a run not yet drawn. `Run` is what one item drew: plain data that crosses a process as a dict (`to_json`, `from_json`)
and holds all that the verdict needs, so that whoever judges never sees a Task. Outputs stay behind: they are in the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..endpoints.endpoint import Tokens, Turn
from ..figures import mean, pass_hat, quantile
from ..routes.route import Route
from ..scoring.score import Check, Score
from ..suite.task import Task
from ..values import value

NOT_DRAWN: Final = "not drawn: "


def not_drawn(why: str) -> str:
    """The error of a sample that was never asked for."""
    return NOT_DRAWN + why


@dataclass(frozen=True, slots=True)
class Plan:
    """A run not yet drawn: `samples` attempts at `task` on `route`, numbered from 0."""

    task: Task
    route: Route
    samples: int

    @property
    def name(self) -> tuple[str, str, str]:
        """(route, file, id): what promises are keyed by."""
        return (self.route.name, *self.task.name)


@value(repr=False)
class Sample:
    """One attempt. `error` is None where it was judged; an error's score is 0 and not strict, and stays out of means.

    `latency` and `waited` in seconds; `cost` (as billed) and `uncached` (every cached token paid for as input) in dollars, None
    where unpriced or unknown. `output` is the whole text, prefill included; `value`
    is what was parsed from it, None if nothing was. Of a workflow `output` is the texts of its `turns`, one after another, and
    `value` what was done: {"actions", "state", "done"}. `at` is when it ended (ISO, UTC), None where nothing was asked: it was in
    flight from `latency` before that.
    """

    number: int
    output: str
    value: Any
    finish: str
    score: Score
    tokens: Tokens
    latency: float | None
    waited: float = 0.0
    requests: int = 0
    cost: float | None = None
    uncached: float | None = None
    error: str | None = None
    replayed: bool = False
    at: str | None = None
    digest: str = ""  # of the output: tells distinct outputs apart where the text stayed behind
    turns: tuple[Turn, ...] = ()  # they stay behind as the output does

    def __repr__(self) -> str:
        return f"<Sample {self.number}: {'error' if self.error else f'credit {self.score.credit:.4f}, finish {self.finish}'}>"

    def without_output(self) -> Sample:
        """The same without the output, the value, the turns, and all checks but the one that says what was missed."""
        score, missed = self.score, self.score.missed
        return Sample(  # not dataclasses.replace, which takes four times as long: this is for every sample
            number=self.number,
            output="",
            value=None,
            finish=self.finish,
            score=Score(score.credit, score.strict, () if missed is None else (Check(missed, False),), score.outcome),
            tokens=self.tokens,
            latency=self.latency,
            waited=self.waited,
            requests=self.requests,
            cost=self.cost,
            uncached=self.uncached,
            error=self.error,
            replayed=self.replayed,
            at=self.at,
            digest=self.digest,
        )

    def to_json(self) -> dict[str, Any]:
        """Basic types only, of the sample without its output."""
        return {
            "number": self.number,
            "finish": self.finish,
            "credit": self.score.credit,
            "strict": self.score.strict,
            "outcome": self.score.outcome,
            "missed": self.score.missed,
            "tokens": self.tokens.to_json(),
            "latency": self.latency,
            "waited": self.waited,
            "requests": self.requests,
            "cost": self.cost,
            "uncached": self.uncached,
            "error": self.error,
            "replayed": self.replayed,
            "at": self.at,
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sample:
        checks = () if data["missed"] is None else (Check(data["missed"], False),)
        return cls(
            number=data["number"],
            output="",
            value=None,
            finish=data["finish"],
            score=Score(data["credit"], data["strict"], checks, data["outcome"]),
            tokens=Tokens.from_json(data["tokens"]),
            latency=data["latency"],
            waited=data["waited"],
            requests=data["requests"],
            cost=data["cost"],
            uncached=data["uncached"],
            error=data["error"],
            replayed=data["replayed"],
            at=data["at"],
            digest=data["digest"],
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and percentiles (linear, type 7) over judged samples.

    Infinite where nothing is known (no judged sample, a server that reports no usage): what is unknown holds no finite budget.
    """

    mean: float
    p50: float
    p95: float
    max: float

    @classmethod
    def over(cls, values: Sequence[float | None]) -> Spread:
        known = [value for value in values if value is not None]
        if not known or len(known) < len(values):
            return cls(math.inf, math.inf, math.inf, math.inf)
        # Under 20 samples the 95th percentile is the maximum: interpolated, it would be a figure that no sample supports.
        p95 = max(known) if len(known) < 20 else quantile(known, 0.95)
        return cls(mean(known), quantile(known, 0.5), p95, max(known))


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """All the samples of one task on one route: what one pytest item draws.

    `request` is the digest of what was asked (routes.ask), by which its samples are found in the record; empty where unknown.
    """

    route: str
    task: str
    file: str
    hash: str
    category: str
    cluster: str
    split: str
    confirm: bool
    planned: int
    samples: tuple[Sample, ...] = field(default=())
    request: str = ""

    def __repr__(self) -> str:
        """Short, and without a word of any output: pytest prints it under every failed assertion."""
        return f"<Run {self.task} on {self.route}: {len(self.samples)} samples>"

    @classmethod
    def of(cls, plan: Plan, samples: Sequence[Sample], request: str = "") -> Run:
        task = plan.task
        return cls(
            route=plan.route.name,
            task=task.id,
            file=task.file,
            hash=task.hash,
            category=task.category,
            cluster=task.cluster or task.category,
            split=task.split,
            confirm=task.confirm,
            planned=plan.samples,
            samples=tuple(samples),
            request=request,
        )

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.route, self.file, self.task)

    @property
    def judged(self) -> tuple[Sample, ...]:
        return tuple([sample for sample in self.samples if sample.error is None])

    @property
    def drawn(self) -> int:
        """How many of the samples were asked for; errors that say why they were not are no draws."""
        return len([1 for sample in self.samples if sample.error is None or not sample.error.startswith(NOT_DRAWN)])

    @property
    def errors(self) -> int:
        return len([1 for sample in self.samples if sample.error is not None])

    @property
    def credit(self) -> float:
        """Mean credit over judged samples, in [0, 1]; 0 if none was judged."""
        judged = self.judged
        return mean([sample.score.credit for sample in judged]) if judged else 0.0

    @property
    def strict_pass(self) -> float:
        """Share of judged samples that pass strictly, in [0, 1]; 0 if none was judged."""
        judged = self.judged
        return mean([float(sample.score.strict) for sample in judged]) if judged else 0.0

    def pass_hat(self, k: int) -> float | None:
        """The chance that k independent samples all pass: C(c, k) / C(n, k); None where fewer than k were judged."""
        return pass_hat(sum(sample.score.strict for sample in self.judged), len(self.judged), k)

    @property
    def cost(self) -> float | None:
        """Dollars as billed, errors included where their usage is known; None where the route is unpriced."""
        judged = [sample.cost for sample in self.judged]
        if not judged or None in judged:
            return None
        return math.fsum([sample.cost for sample in self.samples if sample.cost is not None])

    @property
    def tokens(self) -> Spread:
        """Generated tokens a sample."""
        return Spread.over([sample.tokens.generated for sample in self.judged])

    @property
    def latency(self) -> Spread:
        """Seconds a sample."""
        return Spread.over([sample.latency for sample in self.judged])

    def without_outputs(self) -> Run:
        """The same with each sample without its output: what is told of it to whoever judges."""
        return replace(self, samples=tuple(sample.without_output() for sample in self.samples))

    def to_json(self) -> dict[str, Any]:
        return {
            "route": self.route,
            "task": self.task,
            "file": self.file,
            "hash": self.hash,
            "category": self.category,
            "cluster": self.cluster,
            "split": self.split,
            "confirm": self.confirm,
            "planned": self.planned,
            "request": self.request,
            "samples": [sample.to_json() for sample in self.samples],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Run:
        return cls(**{**data, "samples": tuple(Sample.from_json(sample) for sample in data["samples"])})
