"""What one run says, in numbers: so that a route can be judged without all its samples in memory.

In: a Run. Out: a Tally, some 80 bytes a sample where the samples take 1,000. What the figures of a route are made of is kept
number by number, since a sum of sums is not bit for bit the sum.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import get_args

from ..endpoints.endpoint import Tokens
from ..figures import mean
from ..routes.route import Route
from ..sampling.run import Run, Sample
from ..scoring.score import Outcome
from .machine import Flights
from .task_figures import TaskFigures, outcome_of, summed_tokens

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers, and how many more there would be that nobody knows."""

    known: Sequence[float] = ()
    unknown: int = 0

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Column:
        told = list(values)
        known = array("d", [value for value in told if value is not None])
        return cls(known, len(told) - len(known))

    @classmethod
    def joined(cls, columns: Sequence[Column]) -> Column:
        known = array("d", chain.from_iterable(column.known for column in columns))
        return cls(known, sum(column.unknown for column in columns))

    def all(self, figure: Callable[[Sequence[float]], float]) -> float | None:
        """A figure of all the values; None without values or where one of them is unknown."""
        return figure(self.known) if self.known and not self.unknown else None


@dataclass(frozen=True, slots=True)
class Tally:
    """One run. Of judged samples `credits`, `latencies` (seconds), `generated` (tokens), `cut` (finish reason length), `strict`
    (passes), `missed` (by the first failing check) and `outcomes` (shares); of all samples `waited` (seconds) and `tokens`, of
    those whose usage counts. `cost` and `uncached` in dollars: of all samples, an error's where it is known.
    """

    route: str
    task: TaskFigures
    planned: int
    drawn: int
    replayed: int
    requests: int
    strict: int
    cut: int
    credits: Column
    latencies: Column
    generated: Column
    waited: Column
    cost: Column
    uncached: Column
    tokens: Tokens | None
    missed: Mapping[str, int]
    outcomes: Mapping[Outcome, float]
    flights: Flights

    @classmethod
    def of(cls, route: Route, run: Run) -> Tally:
        judged = run.judged
        outcomes = [outcome_of(sample) for sample in judged]
        return cls(
            route=run.route,
            task=TaskFigures.of(route, run),
            planned=run.planned,
            drawn=run.drawn,
            replayed=sum(sample.replayed for sample in run.samples),
            requests=sum(sample.requests for sample in run.samples),
            strict=sum(sample.score.strict for sample in judged),
            cut=sum(sample.finish == "length" for sample in judged),
            credits=Column.of(sample.score.credit for sample in judged),
            latencies=Column.of(sample.latency for sample in judged),
            generated=Column.of(sample.tokens.generated for sample in judged),
            waited=Column.of(sample.waited for sample in run.samples),
            cost=_billed(run.samples, [sample.cost for sample in run.samples]),
            uncached=_billed(run.samples, [sample.uncached for sample in run.samples]),
            tokens=summed_tokens(run.samples),
            missed=Counter(check for sample in judged if (check := sample.score.missed) is not None),
            outcomes={name: mean([float(one == name) for one in outcomes]) for name in OUTCOMES} if outcomes else {},
            flights=Flights.of(run.samples),
        )

    @property
    def judged(self) -> int:
        return self.task.judged


def joined_tokens(tallies: Iterable[Tally]) -> Tokens:
    """Tokens of all samples that count; unknown where those of one judged sample are."""
    known = [tally.tokens for tally in tallies if tally.tokens is not None]
    return sum(known[1:], start=known[0]) if known else Tokens()


def _billed(samples: Sequence[Sample], costs: Sequence[float | None]) -> Column:
    return Column.of(cost for sample, cost in zip(samples, costs, strict=True) if cost is not None or sample.error is None)
