"""One side of a comparison: what a route came to on each task, from this run or from an earlier JSON report.

In: RouteFigures, or an entry of a report's `routes`. Out: a Side. Only what both have is on it, so that a report written on
another day compares as a route of this run does. What is no such entry raises ValueError, which whoever reads the file words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .route_figures import RouteFigures


@dataclass(frozen=True, slots=True)
class TaskSide:
    """One judged task. Credit and strict pass in [0, 1]; `generated` (tokens), `uncached` and `production_cost` (dollars) are a
    judged sample's. `detectable`, the share of misses that a caller can see, is known of this run alone.
    """

    hash: str
    credit: float
    strict_pass: float
    generated: float | None
    uncached: float | None
    latency_p50: float | None
    production_cost: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A route's judged tasks, and the median latency (seconds) of all its samples. `model` None is the endpoint's own."""

    name: str
    endpoint: str
    model: str | None
    latency_p50: float | None
    tasks: tuple[TaskSide, ...]

    @classmethod
    def of(cls, figures: RouteFigures) -> Side:
        tasks = [
            TaskSide(
                task.hash,
                task.credit,
                task.strict_pass,
                _a_sample(task.generated, task.judged),
                _a_sample(task.uncached, task.judged),
                task.latency_p50,
                task.production_cost,
                task.detectable,
            )
            for task in figures.by_task
            if task.credit is not None and task.strict_pass is not None
        ]
        return cls(figures.name, figures.route.endpoint, figures.route.model, figures.latency_p50, tuple(tasks))

    @classmethod
    def from_json(cls, entry: Any) -> Side:
        """ValueError where a key that a comparison needs is missing or holds something else."""
        tasks = [task for task in map(_task_from_json, _items(_entry(entry), "by_task")) if task is not None]
        latency = _entry(entry.get("latency", {}))
        model = entry.get("model")
        return cls(
            _text(entry, "name"), _text(entry, "endpoint"), model if isinstance(model, str) else None,
            _number(latency, "p50"), tuple(tasks),
        )  # fmt: skip

    @property
    def tokenizer(self) -> tuple[str, str]:
        """Equal where tokens may be compared: one model, or what one endpoint serves by itself."""
        return ("model", self.model) if self.model is not None else ("endpoint", self.endpoint)


Pair = tuple[TaskSide, TaskSide]


def pairs(a: Side, b: Side) -> list[Pair]:
    """The tasks that both sides judged, by equal hashes; of several with one hash the first with the first, and so on."""
    theirs = _keyed(b.tasks)
    return [(task, theirs[key]) for key, task in _keyed(a.tasks).items() if key in theirs]


def _keyed(tasks: Sequence[TaskSide]) -> dict[tuple[str, int], TaskSide]:
    seen: Counter[str] = Counter()
    keyed = {}
    for task in tasks:
        keyed[task.hash, seen[task.hash]] = task
        seen[task.hash] += 1
    return keyed


def _a_sample(total: float | None, judged: int) -> float | None:
    return None if total is None or not judged else total / judged


def _task_from_json(data: Any) -> TaskSide | None:
    """None for a task of which no sample was judged."""
    entry = _entry(data)
    credit, strict_pass = _number(entry, "credit"), _number(entry, "strict_pass")
    if credit is None or strict_pass is None:
        return None
    if not (0 <= credit <= 1 and 0 <= strict_pass <= 1):
        raise ValueError(f"credit and strict_pass of task {entry.get('task')!r} are not both in [0, 1]")
    judged = int((_number(entry, "samples") or 0) - (_number(entry, "errors") or 0))
    uncached = _a_sample(_number(entry, "uncached"), judged)
    return TaskSide(
        _text(entry, "hash"),
        credit,
        strict_pass,
        _a_sample(_number(entry, "generated"), judged),
        uncached,
        _number(entry, "latency_p50"),
        _number(entry, "production_cost") if "production_cost" in entry else uncached,
    )


def _entry(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{type(value).__name__} where an object is expected")
    return value


def _items(entry: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = entry.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key!r} is not a list")
    return value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is not a string")
    return value


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    """A finite number; None for null and for a key that is not there."""
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key!r} is not a number")
    return value
