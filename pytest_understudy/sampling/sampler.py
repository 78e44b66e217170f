"""The engine: one asyncio loop in one background thread, and three verbs on pytest's thread.

`promise(plans)` (twice is once) starts drawing, `wait(plan)` blocks until that plan is drawn, `close()` cancels what nobody
waits for. Every promise is kept: by a completion, by an error that the sample carries, or by an exception that reaches whoever
waits. The thread never prints, logs or warns. What is promised takes a byte a sample, and what was drawn and is not yet waited
for stays in memory up to a bound: the rest is read back from the record.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Literal

from ..endpoints.endpoint import Endpoint
from ..endpoints.retries import retries_heard
from ..errors import EndpointError, EnvironmentCrash, MissingSample, RouteEnded
from ..routes.ask import ask, request_digest
from .draws import Drawn, now
from .jobs import Batch, Draws, Job
from .loop import Loop
from .owner import Owner
from .pace import Pace
from .permits import Share, permits
from .recalled import crash, recalled
from .record import Record
from .run import NOT_DRAWN, Plan, not_drawn
from .sent import Overheard
from .spending import Spending

HELD: Final = 1000  # samples drawn ahead that stay in memory


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
        self._promised: dict[tuple[str, str, str], Draws] = {}
        self._by_digest: dict[str, Draws] = {}  # two routes with equal requests at one endpoint share their samples
        self._news = threading.Condition()  # for what follows, which both threads touch
        self._awaited: tuple[Draws, int] | None = None
        self._broken: BaseException | None = None  # no promise outlives the loop
        self._ended: dict[str, str] = {}  # written and read on the loop's thread
        self._loop: Loop | None = None

    def promise(self, plans: Iterable[Plan]) -> None:
        """Start drawing these plans, in this order, as far as they are not promised already."""
        batches: list[Batch] = []
        try:
            for plan in plans:
                draws = self._draws_of(plan)
                if asked := self._to_ask(plan, draws):
                    batches.append(Batch(plan, draws, asked))
        finally:  # what was promised before a plan that cannot be is drawn all the same
            if batches and self._broken is None:
                if self._loop is None:
                    self._loop = Loop(
                        self._endpoints, self._session, self._limits, self._permits, self._draw, self._came, self._break
                    )
                self._pace.ask(sum(len(batch.numbers) for batch in batches))
                self._loop.submit(batches, rounds=self._spending is not None)

    def begun(self) -> bool:
        """Blocks until what was promised is being asked for; False where nothing is."""
        if self._loop is None:
            return False
        self._loop.begun()
        return True

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
        drawn = self._taken(draws, plan.samples)
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

    def _draws_of(self, plan: Plan) -> Draws:
        if (draws := self._promised.get(plan.name)) is None:
            identity = self._endpoints[plan.route.endpoint].identity(plan.route.model, plan.route.adapter)
            digest = request_digest(plan.task, plan.route, identity)
            draws = self._promised[plan.name] = self._by_digest.setdefault(digest, Draws(digest))
        return draws

    def _to_ask(self, plan: Plan, draws: Draws) -> list[int]:
        """The plan's samples that must be asked for; of the others each is in the record, in flight, or an error."""
        new = range(len(draws.came), plan.samples)
        if not new:
            return []
        numbers = {draws.key(number): number for number in new}
        if self._replay != "off":
            self._record.fetch(numbers)
        with self._news:
            draws.came.extend(bytes(len(new)))
            missing = [numbers[key] for key in self._record.missing(numbers)]
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

    def _taken(self, draws: Draws, samples: int) -> list[Drawn]:
        """What came of the first so many samples: what is held, and all else from the record."""
        drawn: dict[int, Drawn] = {}
        with self._news:
            for number in [number for number in draws.held if number < samples]:
                one = draws.held[number]
                if isinstance(one, BaseException):
                    raise one
                drawn[number] = one
                if one.completion is not None:
                    del draws.held[number]
                    self._room += 1
        recorded = [number for number in range(samples) if number not in drawn]
        if not all(draws.came[number] for number in recorded):
            assert self._broken is not None
            raise self._broken
        for number, found in zip(recorded, self._record.find_all(list(map(draws.key, recorded))), strict=True):
            assert found is not None  # it came, and is not held
            drawn[number] = found
        return [drawn[number] for number in range(samples)]

    def _came(self, job: Job, drawn: Drawn | BaseException) -> None:
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

    async def _draw(self, job: Job, endpoint: Endpoint) -> None:
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

    def _found(self, job: Job) -> Drawn | None:
        """A workflow's sample in the record; any other's would not have become a job."""
        return None if job.plan.task.environment is None else self._record.find(job.key)

    async def _recalled(self, job: Job, found: Drawn | None) -> Drawn | None:
        """What was found in the record, if it still holds; None where it is to be drawn."""
        return None if found is None else await recalled(job.plan, job.number, found, only=self._replay == "only")

    def _over(self, job: Job) -> Drawn | None:
        """What a sample of a route that ended comes to; None while it is open."""
        why = self._ended.get(job.plan.route.name)
        return None if why is None else Drawn(None, not_drawn(why), ended=True)

    async def _kept(self, job: Job, endpoint: Endpoint) -> Drawn:
        drawn = await self._paid(job, endpoint)
        if drawn.sent is not None:
            self._record.keep(job.key, job.plan, job.number, drawn)
        return drawn

    async def _paid(self, job: Job, endpoint: Endpoint) -> Drawn:
        if self._spending is None:
            return await self._drawn(job, endpoint)
        drawn = await self._spending.draw(job.plan, lambda: self._drawn(job, endpoint))
        return drawn or Drawn(None, not_drawn(self._spending.allowance.reached))

    async def _drawn(self, job: Job, endpoint: Endpoint) -> Drawn:
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
