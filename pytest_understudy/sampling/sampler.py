"""The engine: one asyncio loop in one background thread, and three verbs on pytest's thread.

`promise(plans)` (twice is once) starts drawing, `wait(plan)` blocks until that plan is drawn, `close()` cancels what nobody
waits for. Every promise is kept: by a completion, by an error that the sample carries, or by an exception that reaches whoever
waits. The thread never prints, logs or warns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..endpoints.endpoint import Endpoint
from ..errors import EndpointError, EnvironmentCrash, MissingSample, RouteEnded
from ..routes.ask import ask, request_digest, sample_key
from .draws import Drawn, now
from .permits import Share, permits
from .recalled import crash, recalled
from .record import Record
from .run import NOT_DRAWN, Plan, not_drawn
from .sent import Overheard
from .spending import Spending


@dataclass(slots=True)
class _Job:
    """One sample to be drawn; `result` is kept on the loop's thread and waited for on pytest's.

    `found`: a workflow's, from the record, whose environment is still to be asked whether it holds.
    """

    plan: Plan
    number: int
    key: str
    result: Future[Drawn] = field(default_factory=Future)
    found: Drawn | None = None


class Sampler:
    """Draws what is promised, `session` requests at once over all endpoints and `limits[name]` at each.

    `lock_of` (a plan, a sample's key) names the lock file of a sample that another process may be drawing just now. With
    `spending` nothing is drawn past its allowance, and of what is promised together one sample of every task a round. `prompts`:
    the record keeps them in full.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        record: Record,
        *,
        session: Share,
        limits: Mapping[str, Share],
        replay: Literal["auto", "only", "off"] = "auto",
        lock_of: Callable[[Plan, str], str | None] = lambda plan, key: None,
        spending: Spending | None = None,
        prompts: bool = False,
    ) -> None:
        self._endpoints = endpoints
        self._record = record
        self._session = session
        self._limits = limits
        self._replay = replay
        self._lock_of = lock_of
        self._spending = spending
        self._prompts = prompts
        self._results: dict[tuple[str, str, str, int], Future[Drawn]] = {}
        self._by_key: dict[str, Future[Drawn]] = {}
        self._ended: dict[str, str] = {}  # written and read on the loop's thread
        self._loop: _Loop | None = None

    def promise(self, plans: Iterable[Plan]) -> None:
        """Start drawing these plans, in this order, as far as they are not promised already."""
        jobs: list[_Job] = []
        try:
            for plan in plans:
                if (*plan.name, plan.samples - 1) not in self._results:
                    jobs.extend(self._promised(plan))
        finally:  # what was promised before a plan that cannot be is drawn all the same
            if jobs:
                if self._loop is None:
                    self._loop = _Loop(self._endpoints, self._session, self._limits, self._draw)
                if self._spending is not None:
                    jobs.sort(key=lambda job: job.number)
                self._loop.submit(jobs)

    def request(self, plan: Plan) -> str:
        """The digest of what the plan asks, by which its samples stand in the record."""
        return request_digest(plan.task, plan.route, _identity(self._endpoints[plan.route.endpoint], plan))

    def ended(self, plan: Plan) -> str | None:
        """Why nothing more is asked on the plan's route, once a sample of it was refused; None while it is open. After `wait`."""
        drawn = [self._results[(*plan.name, number)].result() for number in range(plan.samples)]
        return next((one.error.removeprefix(NOT_DRAWN) for one in drawn if one.ended and one.error), None)

    def wait(self, plan: Plan) -> list[Drawn]:
        """What came of each sample of the plan, by number. Blocks; an exception of ours reaches the caller."""
        self.promise([plan])
        return [self._results[(*plan.name, number)].result() for number in range(plan.samples)]

    def close(self) -> None:
        """Cancel what is still in flight, close the endpoints' connections and the record. Twice is once."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        for result in self._results.values():
            if not result.done():
                result.set_exception(EndpointError("not drawn: the session ended"))
        self._record.close()

    def _promised(self, plan: Plan) -> Iterable[_Job]:
        """The plan's samples that must be asked for; the others are kept from the record, or from an equal request in flight."""
        digest = self.request(plan)
        for number in range(plan.samples):
            if (*plan.name, number) in self._results:
                continue
            job = _Job(plan, number, sample_key(digest, number))
            # Two routes with equal requests at one endpoint share their samples, also while they are being drawn.
            twin = self._by_key.get(job.key)
            self._results[(*plan.name, number)] = twin or job.result
            if twin is not None:
                continue
            self._by_key[job.key] = job.result
            found = None if self._replay == "off" else self._record.find(job.key)
            if found is not None and plan.task.environment is not None:
                job.found = found
                yield job
            elif found is not None:
                job.result.set_result(found)
            elif self._replay == "only":
                missing = MissingSample(
                    f"not in the record: sample {number} of task {plan.task.id!r} on route {plan.route.name!r}"
                )
                job.result.set_result(Drawn(None, str(missing)))
            else:
                yield job

    async def _draw(self, job: _Job, endpoint: Endpoint) -> None:
        """Keep one promise, on the loop's thread: in the record first, then to whoever waits."""
        if (known := await self._recalled(job, job.found) or self._over(job)) is not None:
            job.result.set_result(known)
            return
        if (lock := self._lock_of(job.plan, job.key)) is None:
            job.result.set_result(await self._kept(job, endpoint))
            return
        async with permits(Share(1, lock)):
            found = self._record.find_new(job.key)
            job.result.set_result(await self._recalled(job, found) or await self._kept(job, endpoint))

    async def _recalled(self, job: _Job, found: Drawn | None) -> Drawn | None:
        """What was found in the record, if it still holds; None where it is to be drawn."""
        return None if found is None else await recalled(job.plan, job.number, found, only=self._replay == "only")

    def _over(self, job: _Job) -> Drawn | None:
        """What a sample of a route that ended comes to; None while it is open."""
        why = self._ended.get(job.plan.route.name)
        return None if why is None else Drawn(None, not_drawn(why), ended=True)

    async def _kept(self, job: _Job, endpoint: Endpoint) -> Drawn:
        drawn = await self._paid(job, endpoint)
        if drawn.sent is not None:
            self._record.keep(job.key, job.plan, job.number, drawn)
        return drawn

    async def _paid(self, job: _Job, endpoint: Endpoint) -> Drawn:
        if self._spending is None:
            return await self._drawn(job, endpoint)
        drawn = await self._spending.draw(job.plan, lambda: self._drawn(job, endpoint))
        return drawn or Drawn(None, not_drawn(self._spending.allowance.reached))

    async def _drawn(self, job: _Job, endpoint: Endpoint) -> Drawn:
        if (over := self._over(job)) is not None:  # it ended while this one waited for its share of the dollars
            return over
        heard = Overheard(endpoint, prompts=self._prompts)
        try:
            done, trajectory = await ask(job.plan.task, job.plan.route, heard, job.number)
            drawn = Drawn(done, trajectory=trajectory)
        except EnvironmentCrash as failure:
            drawn = Drawn(None, crash(failure), answered=failure.answered)
        except EndpointError as failure:
            ended = isinstance(failure, RouteEnded)
            if ended:
                self._ended.setdefault(job.plan.route.name, str(failure))
            drawn = Drawn(None, str(failure), answered=failure.answered, ended=ended)
        return replace(drawn, sent=heard.sent, prompt=heard.prompt, at=now())


def _identity(endpoint: Endpoint, plan: Plan) -> tuple[str, ...]:
    return endpoint.identity(plan.route.model, plan.route.adapter)


class _Loop:
    """The thread, its loop, and a queue with its coroutines for each endpoint."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        session: Share,
        limits: Mapping[str, Share],
        draw: Callable[[_Job, Endpoint], Any],
    ) -> None:
        self._endpoints = endpoints
        self._session_share = session
        self._limits = limits
        self._draw = draw
        self._jobs: list[_Job] = []
        self._queues: dict[str, asyncio.Queue[_Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._winding_up = False
        self._loop = asyncio.new_event_loop()
        self._session: AbstractAsyncContextManager[Any] = permits(session)
        self._thread = threading.Thread(target=self._run, name="understudy-sampler", daemon=True)
        self._thread.start()

    def submit(self, jobs: list[_Job]) -> None:
        self._jobs.extend(jobs)
        try:
            self._loop.call_soon_threadsafe(self._enqueue, jobs)
        except RuntimeError:  # the loop is closed: it died, or close() came first
            self._break(self._failure or EndpointError("not drawn: the session ended"))

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
            self._break(self._failure or EndpointError("not drawn: the session ended"))

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

    def _break(self, failure: BaseException) -> None:
        """No promise outlives the loop."""
        for job in self._jobs:
            if not job.result.done():
                job.result.set_exception(failure)

    def _enqueue(self, jobs: list[_Job]) -> None:
        if self._winding_up:
            return
        for job in jobs:
            name = job.plan.route.endpoint
            try:
                if name not in self._queues:
                    self._open(name)
                self._queues[name].put_nowait(job)
            except Exception as failure:  # in a callback nobody would hear of it, and the job would be waited for in vain
                job.result.set_exception(failure)

    def _open(self, name: str) -> None:
        self._queues[name] = asyncio.Queue()
        limit = permits(self._limits[name])
        for _ in range(min(self._limits[name].own, self._session_share.own)):
            task = self._loop.create_task(self._work(self._queues[name], self._endpoints[name], limit))
            self._tasks.add(task)

    async def _work(self, queue: asyncio.Queue[_Job], endpoint: Endpoint, limit: AbstractAsyncContextManager[Any]) -> None:
        while True:
            job = await queue.get()
            try:
                async with limit, self._session:
                    await self._draw(job, endpoint)
            except BaseException as failure:  # a bug, ours or a plugin's: it reaches the item, and the loop goes on
                if self._winding_up:
                    raise
                cancelled = isinstance(failure, asyncio.CancelledError)  # by whom, if not by us?
                job.result.set_exception(EndpointError("the request was cancelled") if cancelled else failure)
