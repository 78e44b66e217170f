"""What a route's runs say, in numbers: so that it can be judged without all its samples in memory.

In: runs, one after another. Out: a Tally, some 60 bytes a sample where the samples take 1,000. What is summed is kept number by
number, since a sum of sums is not bit for bit the sum.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from ..endpoints.endpoint import Tokens
from ..routes.route import Route
from ..sampling.run import Run
from ..scoring.score import Outcome
from .machine import Flights
from .task_figures import TaskFigures, outcome_of, summed_tokens

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Place = tuple[str, str, str]


class Column:
    """Numbers, and whether there would be more that nobody knows."""

    def __init__(self) -> None:
        self.known = array("d")
        self._complete = True

    def extend(self, values: Iterable[float | None]) -> None:
        for value in values:
            if value is None:
                self._complete = False
            else:
                self.known.append(value)

    def all(self, figure: Callable[[Sequence[float]], float]) -> float | None:
        """A figure of all the values; None without values or where one of them is unknown."""
        return figure(self.known) if self.known and self._complete else None


class Tally:
    """The runs of one route, none of them twice. `most`: the most samples that are planned of a task.

    Of judged samples: `credits`, `latencies` (seconds), `generated` (tokens), `cut` (finish reason length), and `misses` with
    their tasks, by cluster, category and first failing check, those of confirmation tasks left out. Of all samples: `waited`
    (seconds), `tokens` of those whose usage counts, `cost` and `uncached` (dollars, an error's where it is known). `outcomes`:
    shares, task by task. `flights` are kept where it is `timed`: its machine is paid for by the hour.
    """

    def __init__(self, route: Route, runs: Iterable[Run] = (), *, timed: bool = False) -> None:
        self._timed = timed
        self.route = route
        self.by_task: list[TaskFigures] = []
        self.tasks = self.planned = self.most = self.drawn = self.replayed = self.requests = self.cut = 0
        self.undrawn = False
        self.credits, self.latencies, self.generated = Column(), Column(), Column()
        self.waited, self.cost, self.uncached = Column(), Column(), Column()
        self.tokens: Tokens | None = None
        self.outcomes: dict[Outcome, Column] = {outcome: Column() for outcome in OUTCOMES}
        self.misses: Counter[Place] = Counter()
        self.missing: dict[Place, set[tuple[str, str]]] = {}
        self.flights = Flights()
        for run in runs:
            self.add(run)

    def add(self, run: Run) -> None:
        samples, judged, drawn = run.samples, run.judged, run.drawn
        self.by_task.append(TaskFigures.of(self.route, run))
        self.tasks += drawn > 0
        self.planned += run.planned
        self.most = max(self.most, run.planned)
        self.drawn += drawn
        self.undrawn = self.undrawn or drawn < run.planned
        self.replayed += sum(sample.replayed for sample in samples)
        self.requests += sum(sample.requests for sample in samples)
        self.cut += sum(sample.finish == "length" for sample in judged)
        self.credits.extend(sample.score.credit for sample in judged)
        self.latencies.extend(sample.latency for sample in judged)
        self.generated.extend(sample.tokens.generated for sample in judged)
        self.waited.extend(sample.waited for sample in samples if sample.waited)  # most have not, and add nothing
        self.cost.extend(sample.cost for sample in samples if sample.error is None or sample.cost is not None)
        self.uncached.extend(sample.uncached for sample in samples if sample.error is None or sample.uncached is not None)
        if (tokens := summed_tokens(samples)) is not None:
            self.tokens = tokens if self.tokens is None else self.tokens + tokens
        found = [outcome_of(sample) for sample in judged]
        for outcome, column in self.outcomes.items() if found else ():
            column.extend([found.count(outcome) / len(found)])
        self._add_misses(run)
        if self._timed:
            self.flights.extend(samples)

    @property
    def samples(self) -> int:
        """How many there are, errors included."""
        return sum(task.samples for task in self.by_task)

    @property
    def errors(self) -> int:
        return sum(task.errors for task in self.by_task)

    def _add_misses(self, run: Run) -> None:
        for sample in () if run.confirm else run.judged:
            if (check := sample.score.missed) is not None:
                place = (run.cluster, run.category, check)
                self.misses[place] += 1
                self.missing.setdefault(place, set()).add((run.file, run.task))
