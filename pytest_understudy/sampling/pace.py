"""How far the drawing is, as it goes on.

In: what is asked for and what comes, told by the engine on its own thread. Out: a Seen, whenever somebody looks, on whichever
thread. What a newcomer would get wrong: samples that are in the record are not counted, since nobody waits for them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .draws import Drawn, moment
from .run import Plan

WINDOW: Final = 64  # samples over which the rate is taken: a cold start is soon forgotten


@dataclass(frozen=True, slots=True)
class Seen:
    """`asked` samples were asked for so far and `drawn` came, errors included; `retries` were made on the way.

    `rate` is in samples a second, None before there is one. `dollars` is what those came to that have a price; `unpriced`: some
    have none, or tell no usage.
    """

    asked: int = 0
    drawn: int = 0
    rate: float | None = None
    dollars: float = 0.0
    unpriced: bool = False
    retries: int = 0

    @property
    def left(self) -> float | None:
        """Seconds until all that was asked for is there, at this rate; None where there is none."""
        return (self.asked - self.drawn) / self.rate if self.rate else None


class Pace:
    """Counts. `clock` gives seconds, from whenever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = self._drawn = self._retries = 0
        self._dollars = 0.0
        self._unpriced = False
        self._came: deque[float] = deque(maxlen=WINDOW + 1)

    def ask(self, samples: int) -> None:
        """So many more are asked for."""
        with self._lock:
            self._asked += samples
            if not self._came:
                self._came.append(self._clock())

    def draw(self, plan: Plan, drawn: Drawn) -> None:
        """One of them came."""
        cost = _cost(plan, drawn)
        with self._lock:
            self._drawn += 1
            self._came.append(self._clock())
            self._dollars += cost or 0.0
            self._unpriced = self._unpriced or cost is None

    def retry(self) -> None:
        """A request is made again."""
        with self._lock:
            self._retries += 1

    @property
    def seen(self) -> Seen:
        with self._lock:
            first, number = (self._came[0], len(self._came) - 1) if self._came else (0.0, 0)
            passed = self._clock() - first
            rate = number / passed if number and passed > 0 else None
            return Seen(self._asked, self._drawn, rate, self._dollars, self._unpriced, self._retries)


def _cost(plan: Plan, drawn: Drawn) -> float | None:
    """Dollars as billed, nothing where nothing was asked now; None where a part of it is unknown."""
    exchanges = drawn.answered if drawn.completion is None else drawn.completion.exchanges
    if not exchanges or drawn.replayed:
        return 0.0
    price, at = plan.route.price, moment(drawn.at) if drawn.at else None
    costs = [None if price is None else price.cost(exchange.tokens, at) for exchange in exchanges]
    return None if None in costs else math.fsum(cost for cost in costs if cost is not None)
