"""What a session draws with: its endpoints and their limits, the engine, and the record.

In: a config, the routes, and what the session is (alone, a worker, or the owner of workers). Out: samples that were drawn, or are
in the record, and for workers their parts of it. What a newcomer would get wrong: an owner of workers draws nothing itself, and
is asked for its record all the same, on threads of its workers' wires.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from .config.config import Config
from .endpoints.endpoint import Endpoint
from .errors import ConfigError, EndpointError
from .routes.ask import check_abilities, request_digest, sample_key
from .routes.route import Route, asks_alike
from .sampling.allowance import Allowance, Spent, spent_by
from .sampling.beacon import Mark
from .sampling.draws import now
from .sampling.owner import Desk, Owner
from .sampling.pace import Pace
from .sampling.part import Part
from .sampling.permits import Share, dealt, share
from .sampling.record import Record, recorded_files
from .sampling.run import Plan, Run
from .sampling.sampler import Sampler
from .sampling.spending import Spending, check_priced
from .suite.task import Task


class Drawing:
    """`endpoints` are those of the routes, by name; `part` is a worker's, and `owner` its way to the session's owner. `shared`
    (a plan) says whether several tests want it, so that another worker may be drawing it just now.
    """

    def __init__(
        self,
        config: Config,
        routes: Sequence[Route],
        endpoints: Mapping[str, Endpoint],
        *,
        record: Path,
        replay: Literal["auto", "only", "off"],
        spend_limit: float | None,
        prompts: bool,
        part: Part | None,
        owner: Owner | None,
        shared: Callable[[Plan], bool],
    ) -> None:
        self._config = config
        self._routes = routes
        self.endpoints = endpoints
        self._folder = record
        self._replay: Literal["auto", "only", "off"] = replay
        self._prompts = prompts
        self._part = part
        self._shared = shared
        self._started = part.started if part else now()
        here = part is None or part.mark.on_disk(part.locks)  # whether the disk of the session's owner is ours too
        same = part is None or (here and Path(part.record).resolve() == record.resolve())
        self._disk_owner = None if here else owner
        self._record_owner = None if same else owner
        self._check()
        self.allowance = self._allowed(None if replay == "only" else spend_limit)
        self._allowances: list[Allowance] = []  # the workers'
        locking = part is not None and (self._disk_owner is not None or (here and find_spec("filelock") is not None))
        self._locks = part.locks if part is not None and locking else None
        self._alike = {a.name for a in routes for b in routes if a is not b and asks_alike(a, b)}
        self._record: Record | None = None
        self._opening = threading.Lock()
        self._sampler: Sampler | None = None
        self._spending: Spending | None = None
        self.pace = Pace()

    @property
    def engine(self) -> Sampler:
        """Draws, from the first time it is asked for."""
        if self._sampler is None:
            off = self._replay == "off"
            self._record = self._opened(read=not off, fresh=off)
            self._spending = Spending(self.allowance, self._disk_owner) if self.allowance else None
            self._sampler = self._new_sampler(self._record, self._replay)
        return self._sampler

    @property
    def record(self) -> Record:
        """All that was drawn, here or by workers."""
        with self._opening:
            if self._record is None:
                self._record = self._opened(fresh=self._replay == "off")
            return self._record

    @contextmanager
    def from_record(self) -> Iterator[Sampler]:
        """An engine that asks nothing, over what workers have recorded by now."""
        record = self.record
        record.refresh()
        engine = self._new_sampler(record, "only")
        try:
            yield engine
        finally:
            engine.close()

    def recorded(self, task: Task, route: Route) -> int:
        """How many samples of the task on this route are in the record, from number 0 on."""
        digest = request_digest(task, route, self.endpoints[route.endpoint].identity(route.model, route.adapter))
        record, number = self.record, 0
        while sample_key(digest, number) in record:
            number += 1
        return number

    def lines(self, run: Run, samples: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The record's lines of a run's samples, by their numbers: outputs, and prompts where they are kept. None for errors."""
        return self.record.lines(run.request, samples)

    @property
    def spent(self) -> Spent:
        """What this session has paid for new samples so far, its workers included. Nothing is counted without a limit."""
        here = self._spending.spent if self._spending is not None else Spent()
        return here + spent_by(self._allowances)

    @property
    def notes(self) -> list[str]:
        """What was found in the record that is no line of it."""
        return [*self._record.notes] if self._record else []

    def close(self) -> None:
        """Cancel what is in flight, close connections and the record, stop the servers that this process owns."""
        if self._sampler is not None:
            self._sampler.close()
        if self._record is not None:
            self._record.close()
        for endpoint in self.endpoints.values():
            stop = getattr(endpoint, "stop", None)
            if stop is not None:
                stop()

    # -- for workers

    def servers(self) -> dict[str, Sequence[str]]:
        """The addresses of the embedded servers, which workers share out: starts them."""
        return {} if self._replay == "only" else dict(self._started_servers())

    def desk(self, folder: Path) -> Desk:
        """Answers one worker that does not share our disk."""
        return Desk(lambda: self.record, folder, self._folder)

    def parts(self, workers: int, folder: str, addresses: Mapping[str, Sequence[str]], mark: Mark) -> list[Part]:
        """The session's limits, shared out to this many workers."""
        self._allowances = self.allowance.shared(workers, folder) if self.allowance else []
        return [
            Part(
                share(self._limit, index, workers, folder, "session"),
                {
                    name: share(endpoint.concurrency, index, workers, folder, f"endpoint-{name}")
                    for name, endpoint in self.endpoints.items()
                },
                {name: self._dealt(urls, self.endpoints[name], index, workers) for name, urls in addresses.items()},
                self._started,
                folder,
                str(self._folder.absolute()),
                mark,
                self._allowances[index] if self._allowances else None,
            )
            for index in range(workers)
        ]

    # -- behind these

    def _check(self) -> None:
        """What can be told before anything is asked: a control that it cannot do, a missing package, a missing file."""
        for route in self._routes:
            endpoint = self.endpoints[route.endpoint]
            check_abilities(route, endpoint)
            endpoint.identity(route.model, route.adapter)  # reads the adapter's file
        for endpoint in self.endpoints.values() if self._replay != "only" and self._part is None else ():
            if check := getattr(endpoint, "check", None):
                check()
        if self._replay == "only":
            recorded_files(self._recorded)
        elif self._folder.resolve() in [path.resolve() for path in self._recorded]:
            raise ConfigError(
                f"{self._folder.name} is one of the config's recorded, which are only read: draw into another folder",
                at="--understudy-record",
            )

    def _allowed(self, limit: float | None) -> Allowance | None:
        if limit is None:
            return None
        check_priced(self._routes)
        return Allowance(limit, limit) if self._part is None else self._part.allowance

    def _started_servers(self) -> Iterable[tuple[str, Sequence[str]]]:
        """Names and addresses. Of a server that cannot start a worker hears by itself, and ends the route."""
        for name, endpoint in self.endpoints.items():
            if (start := getattr(endpoint, "start", None)) is not None:
                with suppress(EndpointError):
                    yield name, start() or ()

    @staticmethod
    def _dealt(urls: Sequence[str], endpoint: Endpoint, index: int, workers: int) -> list[str]:
        """The servers that one worker asks: its permits are dealt out among all, so that none waits where another is idle."""
        return sorted({urls[number % len(urls)] for number in dealt(endpoint.concurrency, index, workers)}) if urls else []

    @property
    def _limit(self) -> int:
        return self._config.concurrency or sum(endpoint.concurrency for endpoint in self.endpoints.values())

    def _opened(self, **how: Any) -> Record:
        recorded = self._recorded if self._replay == "only" else ()
        return Record(self._folder, recorded=recorded, since=self._started, owner=self._record_owner, **how)

    @property
    def _recorded(self) -> list[Path]:
        return [self._config.folder / path for path in self._config.recorded]

    def _new_sampler(self, record: Record, replay: Literal["auto", "only", "off"]) -> Sampler:
        limits = {name: Share(endpoint.concurrency) for name, endpoint in self.endpoints.items()}
        return Sampler(
            self.endpoints,
            record,
            session=self._part.session if self._part else Share(self._limit),
            limits=self._part.limits if self._part else limits,
            replay=replay,
            lock_of=self._lock_of,
            spending=self._spending,
            prompts=self._prompts,
            owner=self._disk_owner,
            pace=self.pace,
        )

    def _lock_of(self, plan: Plan, key: str) -> str | None:
        """A lock where another worker may draw the same: for two tests of one task, and for two routes that ask alike."""
        contested = self._locks is not None and (plan.route.name in self._alike or self._shared(plan))
        return f"{self._locks}/sample-{key}.lock" if contested else None
