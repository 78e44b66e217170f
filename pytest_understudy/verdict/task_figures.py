"""What one task's samples say about a route.

In: a Run, and the Route that it was drawn on. Out: TaskFigures, the unit that every figure of a route is a mean of. Errors stay
out of `credit` and `strict_pass`; the gate has its own pair, in which an error is worth 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..endpoints.endpoint import Tokens
from ..figures import mean, quantile
from ..routes.route import Route
from ..sampling.run import Run, Sample
from ..scoring.score import Outcome


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task on one route. Rates and credits in [0, 1], None where no sample was judged.

    `generated` is the sum of generated tokens, `cost` the dollars as billed and `uncached` those with cached tokens at the input
    price: all three of all samples, None where unknown or unpriced. `gate_credit` and `gate_strict` are means over all samples
    with errors as 0. `production_cost` (dollars), `generated_mean` (tokens) and `detectable` (the share of misses that a caller
    can see) are means over judged samples. `distinct` is the number of different outputs.
    """

    task: str
    file: str
    hash: str
    category: str
    cluster: str
    confirm: bool
    samples: int
    errors: int
    credit: float | None
    strict_pass: float | None
    gate_credit: float | None
    gate_strict: float | None
    generated: int | None
    generated_mean: float | None
    cost: float | None
    uncached: float | None
    production_cost: float | None
    detectable: float | None
    latency_p50: float | None
    distinct: int | None

    @classmethod
    def of(cls, route: Route, run: Run) -> TaskFigures:
        judged = run.judged
        digests = {sample.digest for sample in judged}
        tokens = summed_tokens(run.samples)
        return cls(
            task=run.task,
            file=run.file,
            hash=run.hash,
            category=run.category,
            cluster=run.cluster,
            confirm=run.confirm,
            samples=len(run.samples),
            errors=len(run.samples) - len(judged),
            credit=known_mean([sample.score.credit for sample in judged]),
            strict_pass=known_mean([float(sample.score.strict) for sample in judged]),
            gate_credit=known_mean([0.0 if sample.error is not None else sample.score.credit for sample in run.samples]),
            gate_strict=known_mean([float(sample.error is None and sample.score.strict) for sample in run.samples]),
            generated=None if tokens is None else tokens.generated,
            generated_mean=known_mean([sample.tokens.generated for sample in judged]),
            cost=summed_cost(run.samples, [sample.cost for sample in run.samples]),
            uncached=summed_cost(run.samples, [sample.uncached for sample in run.samples]),
            production_cost=known_mean([production_cost(route, sample) for sample in judged]),
            detectable=known_mean([float(outcome_of(sample) == "detectable") for sample in judged]),
            latency_p50=known_quantile([sample.latency for sample in judged], 0.5),
            distinct=len(digests) if digests and "" not in digests else None,
        )

    @property
    def name(self) -> tuple[str, str]:
        return (self.file, self.task)

    @property
    def judged(self) -> int:
        """How many samples were judged."""
        return self.samples - self.errors

    @property
    def misses(self) -> int:
        """How many judged samples did not pass strictly."""
        return 0 if self.strict_pass is None else self.judged - round(self.strict_pass * self.judged)

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "file": self.file,
            "hash": self.hash,
            "category": self.category,
            "cluster": self.cluster,
            "confirm": self.confirm,
            "samples": self.samples,
            "errors": self.errors,
            "credit": self.credit,
            "strict_pass": self.strict_pass,
            "gate_credit": self.gate_credit,
            "gate_strict": self.gate_strict,
            "detectable": self.detectable,
            "generated": self.generated,
            "generated_mean": self.generated_mean,
            "cost": self.cost,
            "uncached": self.uncached,
            "production_cost": self.production_cost,
            "latency_p50": self.latency_p50,
            "distinct": self.distinct,
        }


def production_cost(route: Route, sample: Sample) -> float | None:
    """Dollars that a sample would cost in production; None where unpriced or unknown.

    Every cached token is paid for as input, since 25 samples of one task hit a cache as production never will. Where the route
    says what share of the prompt production's cache holds, that share is paid for as cached: uncached - share x prompt x (input
    - cached).
    """
    share, price = route.production_cached_share, route.price
    if sample.uncached is None or not share or price is None or sample.tokens.prompt is None:
        return sample.uncached
    return sample.uncached - price.cached_saving(share * sample.tokens.prompt)


def outcome_of(sample: Sample) -> Outcome:
    """A judged sample's outcome. Where its scorer named none, a miss is detectable if its finish is not `stop`, else silent."""
    if sample.score.outcome is not None:
        return sample.score.outcome
    if sample.score.strict:
        return "pass"
    return "silent" if sample.finish == "stop" else "detectable"


def summed_tokens(samples: Sequence[Sample]) -> Tokens | None:
    """Tokens of all samples, errors included where their usage is known; unknown where that of one judged sample is. None where
    there are none to count.
    """
    counted = [sample.tokens for sample in samples if sample.error is None or sample.tokens.total is not None]
    return Tokens.over(counted) if counted else None


def summed_cost(samples: Sequence[Sample], costs: Sequence[float | None]) -> float | None:
    """Dollars of all samples, errors included where known; None where a judged sample's are unknown, or all are."""
    known = [cost for cost in costs if cost is not None]
    if not known or any(cost is None and sample.error is None for sample, cost in zip(samples, costs, strict=True)):
        return None
    return math.fsum(known)


def known_mean(values: Sequence[float | None]) -> float | None:
    """The mean; None without values or where one of them is unknown."""
    known = [value for value in values if value is not None]
    return mean(known) if known and len(known) == len(values) else None


def known_quantile(values: Sequence[float | None], q: float) -> float | None:
    """The q-quantile; None without values or where one of them is unknown."""
    known = [value for value in values if value is not None]
    return quantile(known, q) if known and len(known) == len(values) else None
