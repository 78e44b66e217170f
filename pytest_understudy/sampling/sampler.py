"""The engine: one asyncio loop in one background thread, and three verbs on pytest's thread.

`promise(plans)` (twice is once) starts drawing, `wait(plan)` blocks until that plan is drawn, `close()` cancels what nobody
waits for. Every promise is kept: by a completion, by an error that the sample carries, or by an exception that reaches whoever
waits. The thread never prints, logs or warns. What is promised takes a byte a sample, and what was drawn and is not yet waited
for stays in memory up to a bound: the rest is read back from the record.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final, Literal

from ..endpoints.endpoint import Endpoint
from ..endpoints.retries import retries_heard
from ..errors import EndpointError, EnvironmentCrash, MissingSample, RouteEnded
from ..routes.ask import ask, request_digest, sample_key
from .draws import Drawn, now
from .owner import Owner
from .pace import Pace
from .permits import Share, permits
from .recalled import crash, recalled
from .record import Record
from .run import NOT_DRAWN, Plan, not_drawn
from .sent import Overheard
from .spending import Spending

HELD: Final = 1000  # samples drawn ahead that stay in memory


@dataclass(slots=True, eq=False)
class _Draws:
    """What is drawn of one request: `came` has a byte for each promised sample. `held`: those that are not read from the record:
    errors, exceptions of ours, and what was drawn just now.
    """

    digest: str
    came: bytearray = field(default_factory=bytearray)
    held: dict[int, Drawn | BaseException] = field(default_factory=dict)

    def key(self, number: int) -> str:
        return sample_key(self.digest, number)

    def complete(self, samples: int) -> bool:
        return self.came.find(0, 0, samples) < 0


@dataclass(frozen=True, slots=True)
class _Job:
    """One sample to be drawn."""

    plan: Plan
    draws: _Draws
    number: int

    @property
    def key(self) -> str:
        return self.draws.key(self.number)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Samples of one plan to be drawn, which become jobs one by one."""

    plan: Plan
    draws: _Draws
    numbers: Sequence[int]

    def __iter__(self) -> Iterator[_Job]:
        return (_Job(self.plan, self.draws, number) for number in self.numbers)


class Sampler:
    """Draws what is promised, `session` requests at once over all endpoints and `limits[name]` at each.

    `lock_of` (a plan, a sample's key) names the lock file of a sample that another process may be drawing just now. With
    `spending` nothing is drawn past its allowance, and of what is promised together one sample of every task a round. `prompts`:
    the record keeps them in full. `owner`: of the session, whose lock files are on a disk of its own. `held`: how many samples
    that were drawn ahead stay in memory. `pace` hears of what is asked for and what comes.
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
        owner: Owner | None = None,
        held: int = HELD,
        pace: Pace | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._endpoints = endpoints
        self._record = record
        self._session = session
        self._limits = limits
        self._replay = replay
        self._lock_of = lock_of
        self._spending = spending
        self._prompts = prompts
        self._permits = partial(permits, owner=owner)
        self._far = record.far
        self._room = held
        self._promised: dict[tuple[str, str, str], _Draws] = {}
        self._by_digest: dict[str, _Draws] = {}  # two routes with equal requests at one endpoint share their samples
        self._news = threading.Condition()  # for what follows, which both threads touch
        self._awaited: tuple[_Draws, int] | None = None
        self._broken: BaseException | None = None  # no promise outlives the loop
        self._ended: dict[str, str] = {}  # written and read on the loop's thread
        self._loop: _Loop | None = None

    def promise(self, plans: Iterable[Plan]) -> None:
        """Start drawing these plans, in this order, as far as they are not promised already."""
        batches: list[_Batch] = []
        try:
            for plan in plans:
                draws = self._draws_of(plan)
                if asked := self._to_ask(plan, draws):
                    batches.append(_Batch(plan, draws, asked))
        finally:  # what was promised before a plan that cannot be is drawn all the same
            if batches and self._broken is None:
                if self._loop is None:
                    self._loop = _Loop(
                        self._endpoints, self._session, self._limits, self._permits, self._draw, self._came, self._break
                    )
                self._pace.ask(sum(len(batch.numbers) for batch in batches))
                self._loop.submit(batches, rounds=self._spending is not None)

    def request(self, plan: Plan) -> str:
        """The digest of what the plan asks, by which its samples stand in the record."""
        return self._draws_of(plan).digest

    def ended(self, plan: Plan) -> str | None:
        """Why nothing more is asked on the plan's route, once a sample of it was refused; None while it is open. After `wait`."""
        if (draws := self._promised.get(plan.name)) is None:  # all went well, and was let go
            return None
        held = draws.held
        drawn = [one for number in range(plan.samples) if isinstance(one := held.get(number), Drawn)]
        return next((one.error.removeprefix(NOT_DRAWN) for one in drawn if one.ended and one.error), None)

    def wait(self, plan: Plan) -> list[Drawn]:
        """What came of each sample of the plan, by number. Blocks; an exception of ours reaches the caller.

        What was drawn is in the record, and let go here: waited for again it is read back.
        """
        self.promise([plan])
        draws = self._draws_of(plan)
        with self._news:
            self._awaited = draws, plan.samples
            self._news.wait_for(lambda: draws.complete(plan.samples) or self._broken is not None)
            self._awaited = None
        drawn = [self._taken(draws, number) for number in range(plan.samples)]
        if not draws.held and draws.complete(len(draws.came)):  # all of it is in the record
            self._by_digest.pop(draws.digest, None)
            self._promised.pop(plan.name)
        return drawn

    def close(self) -> None:
        """Cancel what is still in flight, close the endpoints' connections and the record. Twice is once."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        self._break(EndpointError("not drawn: the session ended"))
        self._record.close()

    def _draws_of(self, plan: Plan) -> _Draws:
        if (draws := self._promised.get(plan.name)) is None:
            identity = self._endpoints[plan.route.endpoint].identity(plan.route.model, plan.route.adapter)
            digest = request_digest(plan.task, plan.route, identity)
            draws = self._promised[plan.name] = self._by_digest.setdefault(digest, _Draws(digest))
        return draws

    def _to_ask(self, plan: Plan, draws: _Draws) -> list[int]:
        """The plan's samples that must be asked for; of the others each is in the record, in flight, or an error."""
        new = range(len(draws.came), plan.samples)
        if self._replay != "off":
            self._record.fetch(map(draws.key, new))
        with self._news:
            draws.came.extend(bytes(len(new)))
            missing = [number for number in new if draws.key(number) not in self._record]
            found = sorted(set(new) - set(missing))
            if plan.task.environment is None:  # else it is still to be held to what its environment answers now
                for number in found:
                    draws.came[number] = 1
                found = []
            if self._replay != "only":
                return sorted([*found, *missing])
            for number in missing:
                why = f"not in the record: sample {number} of task {plan.task.id!r} on route {plan.route.name!r}"
                draws.held[number] = Drawn(None, str(MissingSample(why)))
                draws.came[number] = 1
            return found

    def _taken(self, draws: _Draws, number: int) -> Drawn:
        with self._news:
            drawn = draws.held.get(number)
            if isinstance(drawn, Drawn) and drawn.completion is not None:
                del draws.held[number]
                self._room += 1
        if drawn is None and draws.came[number]:
            drawn = self._record.find(draws.key(number))
            assert drawn is not None  # it came, and is not held
        if drawn is None:
            assert self._broken is not None
            raise self._broken
        if isinstance(drawn, BaseException):
            raise drawn
        return drawn

    def _came(self, job: _Job, drawn: Drawn | BaseException) -> None:
        """A promise is kept, on the loop's thread."""
        if isinstance(drawn, Drawn):
            self._pace.draw(job.plan, drawn)
        with self._news:
            if isinstance(drawn, BaseException) or drawn.completion is None:
                job.draws.held[job.number] = drawn
            elif self._room > 0 or job.key not in self._record:
                job.draws.held[job.number] = drawn
                self._room -= 1
            job.draws.came[job.number] = 1
            if self._awaited is not None and self._awaited[0] is job.draws and job.draws.complete(self._awaited[1]):
                self._news.notify_all()

    def _break(self, failure: BaseException) -> None:
        with self._news:
            self._broken = self._broken or failure
            self._news.notify_all()

    async def _draw(self, job: _Job, endpoint: Endpoint) -> None:
        """Keep one promise, on the loop's thread: in the record first, then to whoever waits."""
        if (known := await self._recalled(job, self._found(job)) or self._over(job)) is not None:
            self._came(job, known)
            return
        if (lock := self._lock_of(job.plan, job.key)) is None:
            self._came(job, await self._kept(job, endpoint))
            return
        async with self._permits(Share(1, lock)):
            found = await asyncio.to_thread(self._record.find_new, job.key) if self._far else self._record.find_new(job.key)
            self._came(job, await self._recalled(job, found) or await self._kept(job, endpoint))

    def _found(self, job: _Job) -> Drawn | None:
        """A workflow's sample in the record; any other's would not have become a job."""
        return None if job.plan.task.environment is None else self._record.find(job.key)

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
            with retries_heard(self._pace.retry):
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


class _Loop:
    """The thread, its loop, and a lane with its coroutines for each endpoint."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        session: Share,
        limits: Mapping[str, Share],
        permits: Callable[[Share], AbstractAsyncContextManager[Any]],
        draw: Callable[[_Job, Endpoint], Any],
        came: Callable[[_Job, BaseException], None],
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

    def submit(self, batches: list[_Batch], *, rounds: bool) -> None:
        """Draw these, one batch after another or, in `rounds`, one sample of each batch a round."""
        try:
            self._loop.call_soon_threadsafe(self._enqueue, batches, rounds)
        except RuntimeError:  # the loop is closed: it died, or close() came first
            self._broken(self._failure or EndpointError("not drawn: the session ended"))

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

    def _enqueue(self, batches: list[_Batch], rounds: bool) -> None:
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
        self._jobs: deque[Iterator[_Job]] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()

    def put(self, batches: Sequence[_Batch], *, rounds: bool) -> None:
        if rounds:
            self._jobs.append(heapq.merge(*batches, key=attrgetter("number")))
        else:
            self._jobs.extend(iter(batch) for batch in batches)
        for _ in range(min(len(self._idle), sum(len(batch.numbers) for batch in batches))):
            self._idle.popleft().set_result(None)

    async def get(self) -> _Job:
        while True:
            while self._jobs:
                if (job := next(self._jobs[0], None)) is not None:
                    return job
                self._jobs.popleft()
            more = asyncio.get_running_loop().create_future()
            self._idle.append(more)
            await more
