"""All figures of one route.

In: a Route and its Runs, in collection order. Out: RouteFigures, an entry of the JSON report's `routes`. Credit and rates are
means of task means, so that a task drawn more often does not weigh more; `sd` and percentiles are over samples. low and high
are the 95 % interval of the *population* estimand (tasks like these); the gate's bound is another one, see gate.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..endpoints.endpoint import Tokens
from ..figures import mean, pass_hat, population_interval, quantile, sd
from ..routes.route import Route
from ..sampling.run import Run
from ..scoring.score import Outcome
from .machine import Flights, Machine, MachineTime
from .residual import Residual, residual_of
from .tally import Tally
from .task_figures import TaskFigures, known_mean


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean of task means in [0, 1] with its population interval; `sd` is over samples. None where too little was judged."""

    mean: float | None
    low: float | None
    high: float | None
    sd: float | None = None

    @classmethod
    def over(cls, task_means: Sequence[float], samples: Sequence[float] = ()) -> Rate:
        if not task_means:
            return cls(None, None, None)
        low, high = population_interval(task_means) or (None, None)
        return cls(mean(task_means), low, high, sd(samples))


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars, None where unpriced. `serving` (as billed) and `uncached` (cached tokens at the input price) are of the whole run.

    `per_score_point` = serving / mean credit, the article's column: it grows with the number of samples, so nothing is ranked by
    it. `per_pass` = mean production cost a sample / strict pass: dollars for a task done right. `loaded`: what the machine costs
    that is paid for by the hour, and serving cost is then notional; without one, loaded = serving.
    """

    serving: float | None
    uncached: float | None
    per_score_point: float | None
    per_pass: float | None
    loaded: float | None

    def to_json(self) -> dict[str, float | None]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """A category's tasks: credit and strict pass are means of task means."""

    name: str
    tasks: int
    samples: int
    credit: float | None
    strict_pass: float | None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """One route on one holdout.

    `tasks` counts those of which a sample was drawn, `samples` includes `errors`; `planned` is how many samples there would be,
    `drawn` how many were asked for. `undrawn`: some never were. `partial`: not all tasks were judged with all their samples.
    `waited` is the sum, in seconds, of what our own limits, retries and Retry-After took. `cut` is the share of judged samples
    with finish reason length. `frontier` is None until the route has been compared with others, and where there is nothing to
    compare. `hourly`: its machine is paid for by the hour; `machine` is for how long it was needed, None where that is unknown.
    """

    route: Route
    by_task: tuple[TaskFigures, ...]
    tasks: int
    samples: int
    planned: int
    drawn: int
    undrawn: bool
    errors: int
    replayed: int
    credit: Rate
    strict_pass: Rate
    pass_hat: dict[int, float | None]
    outcomes: dict[Outcome, float | None]
    cut: float | None
    latency_p50: float | None
    latency_p95: float | None
    waited: float
    tokens: Tokens
    generated_mean: float | None
    requests: int
    cost: Cost
    categories: tuple[CategoryFigures, ...]
    residual: tuple[Residual, ...]
    frontier: bool | None = None
    hourly: bool = False
    machine: MachineTime | None = None

    @classmethod
    def of(cls, route: Route, runs: Sequence[Run]) -> RouteFigures:
        """The figures of `runs`, which are all of this route and none of them twice."""
        return cls.over(Tally(route, runs))

    @classmethod
    def over(cls, tally: Tally) -> RouteFigures:
        """The same, of runs that were tallied one by one."""
        by_task = tuple(tally.by_task)
        credit = Rate.over([task.credit for task in by_task if task.credit is not None], tally.credits.known)
        strict_pass = Rate.over([task.strict_pass for task in by_task if task.strict_pass is not None])
        samples, errors = tally.samples, tally.errors
        return cls(
            route=tally.route,
            by_task=by_task,
            tasks=tally.tasks,
            samples=samples,
            planned=tally.planned,
            drawn=tally.drawn,
            undrawn=tally.undrawn or not by_task,
            errors=errors,
            replayed=tally.replayed,
            credit=credit,
            strict_pass=strict_pass,
            pass_hat=_pass_hats(by_task, tally.most),
            outcomes={outcome: column.all(mean) for outcome, column in tally.outcomes.items()},
            cut=tally.cut / (samples - errors) if samples > errors else None,
            latency_p50=tally.latencies.all(lambda values: quantile(values, 0.5)),
            latency_p95=tally.latencies.all(lambda values: quantile(values, 0.95)),
            waited=math.fsum(tally.waited.known),
            tokens=tally.tokens or Tokens(),
            generated_mean=tally.generated.all(mean),
            requests=tally.requests,
            cost=_cost(tally, credit.mean, strict_pass.mean),
            categories=_categories(by_task),
            residual=residual_of(tally),
        )

    @property
    def name(self) -> str:
        return self.route.name

    @property
    def partial(self) -> bool:
        return self.undrawn or self.errors > 0

    @property
    def judged(self) -> int:
        """How many samples were judged."""
        return self.samples - self.errors

    def to_json(self) -> dict[str, Any]:
        """An entry of the JSON report's `routes`: every key is there, null where there is nothing to say."""
        price = self.route.price
        return {
            "name": self.name,
            "endpoint": self.route.endpoint,
            "model": self.route.model,
            "controls": list(self.route.controls),
            "adapter": self.route.adapter,
            "fill": self.route.fill if "prefill" in self.route.controls else None,
            "sampling": {
                "temperature": self.route.sampling.temperature,
                "top_p": self.route.sampling.top_p,
                "max_tokens": self.route.sampling.max_tokens,
                "seed": self.route.sampling.seed,
            },
            "label": self.route.label or None,
            "tasks": self.tasks,
            "samples": self.samples,
            "errors": self.errors,
            "replayed": self.replayed,
            "partial": self.partial,
            "planned": self.planned,
            "drawn": self.drawn,
            "undrawn": self.undrawn,
            "frontier": self.frontier,
            "credit": {
                "mean": self.credit.mean,
                "sd": self.credit.sd,
                "low": self.credit.low,
                "high": self.credit.high,
            },
            "strict_pass": {"rate": self.strict_pass.mean, "low": self.strict_pass.low, "high": self.strict_pass.high},
            "pass_hat": {str(k): value for k, value in self.pass_hat.items()},
            "outcomes": dict(self.outcomes),
            "cut": self.cut,
            "latency": {"p50": self.latency_p50, "p95": self.latency_p95},
            "waited": self.waited,
            "tokens": {
                "prompt": self.tokens.prompt,
                "cached": self.tokens.cached,
                "generated": self.tokens.generated,
                "reasoning": self.tokens.reasoning,
                "total": self.tokens.total,
            },
            "generated_mean": self.generated_mean,
            "requests": self.requests,
            "price": {
                "source": price.source if price else None,
                "date": price.date if price else None,
                "words": price.words if price else None,
                "rates": price.rates if price else None,
                "as_input": list(price.as_input(self.tokens)) if price else [],
            },
            "unpriced": self.route.unpriced or None,
            "training_cost": self.route.training_cost,
            "production_cached_share": self.route.production_cached_share,
            "hourly": self.hourly,
            "cost": self.cost.to_json(),
            "machine": None if self.machine is None else self.machine.to_json(),
            "categories": [category.to_json() for category in self.categories],
            "residual": [residual.to_json() for residual in self.residual],
            "by_task": [task.to_json() for task in self.by_task],
        }


def loaded(
    figures: Sequence[RouteFigures], flights: Mapping[str, Flights], machines: Mapping[str, Machine]
) -> list[RouteFigures]:
    """The figures, with the loaded cost of each route whose endpoint stands on a machine of these. `flights`: by route."""

    def one(route: RouteFigures) -> RouteFigures:
        place = route.route.endpoint
        if place not in machines:
            return route
        there = [flights[other.name] for other in figures if other.route.endpoint == place]
        time = MachineTime.of(machines[place], flights[route.name], there)
        return replace(route, hourly=True, machine=time, cost=replace(route.cost, loaded=None if time is None else time.dollars))

    return [one(route) for route in figures]


def _pass_hats(by_task: Sequence[TaskFigures], most: int) -> dict[int, float | None]:
    """pass^k for k = 2 and k = samples a task: the mean over tasks of C(c, k) / C(n, k); None where a task has n < k."""
    return {
        k: known_mean([pass_hat(task.judged - task.misses, task.judged, k) for task in by_task]) for k in sorted({2, most} - {0})
    }


def _cost(tally: Tally, credit: float | None, strict_pass: float | None) -> Cost:
    serving = tally.cost.all(math.fsum)
    production = known_mean([task.production_cost for task in tally.by_task if task.credit is not None])
    return Cost(
        serving=serving,
        uncached=tally.uncached.all(math.fsum),
        per_score_point=serving / credit if serving is not None and credit else None,
        per_pass=production / strict_pass if production is not None and strict_pass else None,
        loaded=serving,
    )


def _categories(by_task: Sequence[TaskFigures]) -> tuple[CategoryFigures, ...]:
    """In the order in which the categories are first met."""
    return tuple(
        CategoryFigures(
            name=name,
            tasks=sum(1 for task in tasks if task.samples),
            samples=sum(task.samples for task in tasks),
            credit=known_mean([task.credit for task in tasks if task.credit is not None]),
            strict_pass=known_mean([task.strict_pass for task in tasks if task.strict_pass is not None]),
        )
        for name in dict.fromkeys(task.category for task in by_task)
        for tasks in [[task for task in by_task if task.category == name]]
    )
