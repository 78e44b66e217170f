"""How many requests an endpoint has in flight in this process, while its server says that they are too many.

In: what the server answered. Out: a turn, when there is one. It starts at the endpoint's concurrency, halves when the server says
429 (once for all the requests that were in flight then), grows by one after as many answers as it allows, and is never more than
that concurrency or less than one. While the server wants to be left alone (Retry-After), all wait together instead of each
finding out.

The session's and the endpoint's shares are kept by the sampler: what it lets through is what is in flight, and what is halved.
"""

from __future__ import annotations

import asyncio
from collections import deque

CROWDED = frozenset({429, 529})  # too many requests; Anthropic's overloaded


class Throttle:
    """Turns for the requests of one endpoint. Used on one event loop at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = most
        self._in_flight = 0
        self._cuts = 0
        self._answered = 0  # since the limit last changed
        self._resumes = 0.0  # on the loop's clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<Throttle {self._in_flight} of {self._limit}, at most {self._most}>"

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return self._limit

    async def enter(self) -> int:
        """Waits for a turn; the ticket is for `crowded`, so that a burst's refusals count once."""
        loop = self._here()
        while True:
            if (pause := self._resumes - loop.time()) > 0:
                await asyncio.sleep(pause)
            elif self._in_flight >= self._limit:
                await self._turn(loop)
            else:
                self._in_flight += 1
                return self._cuts

    def leave(self) -> None:
        """Gives a turn back."""
        self._in_flight -= 1
        self._wake()

    def crowded(self, ticket: int) -> None:
        """The server refused a request of this ticket as one too many. To be said before its turn is given back."""
        if ticket == self._cuts:  # else it was sent before the last cut, and belongs to the burst that caused it
            self._cuts += 1
            self._answered = 0
            self._limit = max(1, min(self._limit, self._in_flight) // 2)

    def hold(self, seconds: float) -> None:
        """The server wants no request for so long."""
        self._resumes = max(self._resumes, self._here().time() + seconds)

    def answered(self) -> None:
        """The server answered a request."""
        self._answered += 1
        if self._answered >= self._limit:
            self._answered = 0
            self._limit = min(self._most, self._limit + 1)

    def _here(self) -> asyncio.AbstractEventLoop:
        """The running loop. Turns of an earlier one were never given back, and nobody waits for them any more."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._in_flight, self._resumes = loop, 0, 0.0
            self._waiting.clear()
        return loop

    async def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = loop.create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()  # the turn was this one's, which does not take it
            raise

    def _wake(self) -> None:
        free = self._limit - self._in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
