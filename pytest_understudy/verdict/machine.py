"""What a machine that is paid by the hour costs, beside the tokens that it serves.

In: the Machine behind an endpoint, when a route's samples were in flight, and when those of all routes there were. Out:
MachineTime, the seconds that the route needs the machine for, and the loaded cost in dollars. Times are those at which samples
ended, so that a replayed run costs what it cost; nothing is measured here.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..sampling.draws import moment
from ..sampling.run import Sample

LONGEST_IDLE = 3600.0
"""Seconds: a longer gap lies between two sessions. The machine is taken to have been off meanwhile, and to have started again."""

MONTH = 730.0
"""Hours."""

Span = tuple[float, float]
"""From first byte sent to last byte received, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What serves an endpoint: `machines` of them at `hourly` dollars each. `utilisation`: the share of its time, in (0, 1], that
    a machine in production is busy. `cold_start`: seconds until it serves, None where neither the endpoint nor the config says.
    """

    hourly: float
    machines: int = 1
    utilisation: float = 0.5
    cold_start: float | None = None

    @property
    def month(self) -> float:
        """Dollars a month for all of them."""
        return self.hourly * MONTH * self.machines


class Flights:
    """When samples were in flight, as far as it is known. `judged`: how many were; `unknown`: of these, without a time."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._starts, self._ends = array("d"), array("d")
        self.judged = self.unknown = 0
        self.extend(samples)

    def extend(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            span = _span(sample)
            self.judged += sample.error is None
            self.unknown += sample.error is None and span is None
            if span is not None:
                self._starts.append(span[0])
                self._ends.append(span[1])

    @property
    def spans(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)


@dataclass(frozen=True, slots=True)
class MachineTime:
    """For how long a route needs its machine, in seconds. Each of `starts` has a cold start.

    As if the route had the machine to itself: a second in which samples of two routes are in flight is busy for both, and each
    has its cold starts, so that loaded costs of routes that share a machine are not to be added up. A second in which only
    others are in flight is neither busy nor idle for it.
    """

    machine: Machine
    busy: float
    idle: float
    starts: int

    @classmethod
    def of(cls, machine: Machine, own: Flights, there: Iterable[Flights]) -> MachineTime | None:
        """`own` are the route's samples, `there` those of all routes at its endpoint, its own included.

        Busy: the union of the intervals in which a sample of its own was in flight. Idle: between its first byte sent and its
        last received, the gaps in which nothing at all was in flight at the endpoint; one above LONGEST_IDLE is no idle time but
        another start. None where it is unknown when a judged sample was in flight, and where none was judged. Errors have no
        latency, and count as nothing. Source: docs/reference/figures.md, "Tokens, cost, latency".
        """
        if not own.judged or own.unknown:
            return None
        mine = _union([own])
        first, last = mine[0][0], mine[-1][1]
        within = [(max(start, first), min(end, last)) for start, end in _union(there) if end > first and start < last]
        gaps = [after[0] - before[1] for before, after in pairwise(within)]
        return cls(
            machine=machine,
            busy=math.fsum(end - start for start, end in mine),
            idle=math.fsum(gap for gap in gaps if gap <= LONGEST_IDLE),
            starts=1 + sum(gap > LONGEST_IDLE for gap in gaps),
        )

    @property
    def cold(self) -> float:
        """Seconds; 0 where it is unknown, which is to be said."""
        return self.starts * (self.machine.cold_start or 0.0)

    @property
    def dollars(self) -> float:
        """The loaded cost: hourly / 3600 x (cold start + busy + idle) x machines."""
        return self.machine.hourly / 3600 * math.fsum((self.cold, self.busy, self.idle)) * self.machine.machines

    def capacity(self, samples: int) -> float | None:
        """Tasks a month: measured throughput (`samples` in the busy seconds) x utilisation. None where nothing took any time.

        The throughput is that of this run's concurrency; a machine that other routes kept busy as well could have done more.
        """
        return samples / self.busy * 3600 * MONTH * self.machine.utilisation if self.busy else None

    def to_json(self) -> dict[str, Any]:
        return {
            "hourly": self.machine.hourly,
            "machines": self.machine.machines,
            "utilisation": self.machine.utilisation,
            "cold_start": None if self.machine.cold_start is None else self.cold,
            "busy": self.busy,
            "idle": self.idle,
            "starts": self.starts,
        }


def _union(flights: Iterable[Flights]) -> list[Span]:
    """The intervals in which at least one sample was in flight, in order and apart."""
    merged: list[Span] = []
    for start, end in sorted(span for some in flights for span in some.spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _span(sample: Sample) -> Span | None:
    """[at - latency, at]. What our own limits and retries took in between is not known by when, and left out at its start."""
    if sample.at is None or sample.latency is None:
        return None
    seconds = moment(sample.at).timestamp()
    return (seconds - sample.latency, seconds)
