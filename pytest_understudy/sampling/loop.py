"""The engine's thread: an asyncio loop, and a lane of jobs with its coroutines for each endpoint.

In: batches of jobs, and what is done with each. Out: nothing; whoever gave a job hears of it through `draw`, or through `came`
where that raised. The thread never prints, logs or warns.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from operator import attrgetter
from typing import Any

from ..endpoints.endpoint import Endpoint
from ..errors import EndpointError
from .jobs import Batch, Job
from .permits import Share


class Loop:
    """The thread, its loop, and a lane with its coroutines for each endpoint."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        session: Share,
        limits: Mapping[str, Share],
        permits: Callable[[Share], AbstractAsyncContextManager[Any]],
        draw: Callable[[Job, Endpoint], Any],
        came: Callable[[Job, BaseException], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._endpoints = endpoints
        self._session_share = session
        self._limits = limits
        self._permits = permits
        self._draw = draw
        self._came = came
        self._broken = broken
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._winding_up = False
        self._loop = asyncio.new_event_loop()
        self._session = permits(session)
        self._thread = threading.Thread(target=self._run, name="understudy-sampler", daemon=True)
        self._thread.start()

    def submit(self, batches: list[Batch], *, rounds: bool) -> None:
        """Draw these, one batch after another or, in `rounds`, one sample of each batch a round."""
        try:
            self._loop.call_soon_threadsafe(self._enqueue, batches, rounds)
        except RuntimeError:  # the loop is closed: it died, or close() came first
            self._broken(self._failure or EndpointError("not drawn: the session ended"))

    def begun(self) -> None:
        """Blocks until the first requests leave, a second at most: before that two threads would want the interpreter."""
        begun = threading.Event()
        with suppress(RuntimeError):  # the loop is closed
            # What was submitted makes coroutines in the loop's next round, and these ask in the round after it.
            self._loop.call_soon_threadsafe(self._loop.call_soon, begun.set)
            begun.wait(1.0)

    def close(self) -> None:
        with suppress(RuntimeError):  # it may end by itself just now
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        except BaseException as failure:
            self._failure = failure
        finally:
            self._wind_up()
            self._broken(self._failure or EndpointError("not drawn: the session ended"))

    def _wind_up(self) -> None:
        """Cancel what is in flight, then close the endpoints; bounded, since a session's end must not hang on a server."""
        self._winding_up = True
        for task in self._tasks:
            task.cancel()

        async def close() -> None:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            closing = (endpoint.close() for endpoint in self._endpoints.values())
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), timeout=1.5)

        try:
            self._loop.run_until_complete(close())
        except Exception as failure:
            self._failure = self._failure or failure
        self._loop.close()

    def _enqueue(self, batches: list[Batch], rounds: bool) -> None:
        if self._winding_up:
            return
        for name in dict.fromkeys(batch.plan.route.endpoint for batch in batches):
            here = [batch for batch in batches if batch.plan.route.endpoint == name]
            try:
                if name not in self._lanes:
                    self._open(name)
                self._lanes[name].put(here, rounds=rounds)
            except Exception as failure:  # in a callback nobody would hear of it, and the jobs would be waited for in vain
                for job in (job for batch in here for job in batch):
                    self._came(job, failure)

    def _open(self, name: str) -> None:
        limit = self._permits(self._limits[name])
        self._lanes[name] = _Lane()
        for _ in range(min(self._limits[name].own, self._session_share.own)):
            task = self._loop.create_task(self._work(self._lanes[name], self._endpoints[name], limit))
            self._tasks.add(task)

    async def _work(self, lane: _Lane, endpoint: Endpoint, limit: AbstractAsyncContextManager[Any]) -> None:
        while True:
            job = await lane.get()
            try:
                async with limit, self._session:
                    await self._draw(job, endpoint)
            except BaseException as failure:  # a bug, ours or a plugin's: it reaches the item, and the loop goes on
                if self._winding_up:
                    raise
                cancelled = isinstance(failure, asyncio.CancelledError)  # by whom, if not by us?
                self._came(job, EndpointError("the request was cancelled") if cancelled else failure)


class _Lane:
    """The jobs of one endpoint, made one by one as they are taken: a hundred thousand of them at once would fill the memory."""

    def __init__(self) -> None:
        self._jobs: deque[Iterator[Job]] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()

    def put(self, batches: Sequence[Batch], *, rounds: bool) -> None:
        if rounds:
            self._jobs.append(heapq.merge(*batches, key=attrgetter("number")))
        else:
            self._jobs.extend(iter(batch) for batch in batches)
        for _ in range(min(len(self._idle), sum(len(batch.numbers) for batch in batches))):
            self._idle.popleft().set_result(None)

    async def get(self) -> Job:
        while True:
            while self._jobs:
                if (job := next(self._jobs[0], None)) is not None:
                    return job
                self._jobs.popleft()
            more = asyncio.get_running_loop().create_future()
            self._idle.append(more)
            await more
