"""One evaluation from plans to verdict: promise, wait, collect, judge.

In: a config, the selected routes, and what the session is (alone, a worker, or the owner of workers). Out: a Run for each plan,
and at the end one Verdict. It knows nothing of pytest; whoever drives it calls its verbs on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .config import Config, EndpointSettings, missing_key
from .endpoints.endpoint import Endpoint
from .errors import ConfigError, RouteEnded, TaskError, listed
from .routes.ask import check_abilities, check_controls
from .routes.route import Route
from .sampling.permits import Share, share
from .sampling.record import Drawn, Record
from .sampling.run import Plan, Run, Sample
from .sampling.sampler import Sampler
from .sampling.scored import sample_of, sample_of_error
from .scoring.scorers import scorer_for
from .suite.files import check_unique, tasks_from
from .suite.task import Task
from .verdict.gate import check_reachable
from .verdict.verdict import Verdict, judge

MakeEndpoint = Callable[[EndpointSettings, Path, str | None], Endpoint]


@dataclass(frozen=True, slots=True)
class Part:
    """A worker's part of a session: its shares of the limits, and the addresses of the servers that the session's owner runs."""

    session: Share
    limits: Mapping[str, Share]
    addresses: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "session": self.session.to_json(),
            "limits": {name: limit.to_json() for name, limit in self.limits.items()},
            "addresses": dict(self.addresses),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Part:
        return cls(
            Share.from_json(data["session"]),
            {name: Share.from_json(limit) for name, limit in data["limits"].items()},
            data["addresses"],
        )


class Evaluation:
    """One session's evaluation. `routes` are those that can run; `skipped` says of a rung why it cannot."""

    def __init__(
        self,
        config: Config,
        names: Sequence[str],
        *,
        root: Path,
        record: Path,
        make_endpoint: MakeEndpoint,
        controls: Sequence[str] = (),
        ladder: bool = False,
        split: Literal["holdout", "train"] = "holdout",
        replay: Literal["auto", "only", "off"] = "auto",
        part: Part | None = None,
        on_sample: Callable[[Sample], object] = lambda sample: None,
    ) -> None:
        self.config = config
        self.ladder = ladder
        self.split = split
        self.replay: Literal["auto", "only", "off"] = replay
        self.root = root
        self._record_folder = record
        self._on_sample = on_sample
        self._part = part
        self.skipped: dict[str, str] = {}
        self.routes = self._open(config.selected(names, controls))
        self.endpoints = {name: self._endpoint(name, make_endpoint) for name in dict.fromkeys(r.endpoint for r in self.routes)}
        for route in self.routes:
            check_abilities(route, self.endpoints[route.endpoint])
        if replay != "only" and part is None:
            self._check_endpoints()
        self._tasks: dict[Path, list[Task]] = {}
        self._planned: dict[tuple[str, str, str], Run] = {}
        self._runs: dict[tuple[str, str, str], Run] = {}
        self._record: Record | None = None
        self._sampler: Sampler | None = None

    # -- before the session's items run

    def tasks(self, named: Iterable[str | Task], folder: Path) -> list[Task]:
        """The tasks that a mark names, of this session's split; TaskError for what is wrong with them."""
        tasks: list[Task] = []
        for name in named:
            tasks.extend([name] if isinstance(name, Task) else self._tasks_in(folder / name))
        for task in tasks:
            if not task.source:
                scorer_for(task)  # made in Python: the files' tasks were checked on reading
            for route in self.routes:
                check_controls(route, task)
        check_unique(tasks)
        chosen = [task for task in tasks if task.split == self.split]
        if not chosen:
            raise TaskError(f"none of {len(tasks)} tasks has the split {self.split!r}", at=", ".join(str(name) for name in named))
        return chosen

    def expect(self, planned: Iterable[Run]) -> None:
        """Runs, still empty, that the verdict is to be given on: one never drawn makes its route partial. Of two the longer."""
        for run in planned:
            before = self._planned.get(run.name)
            if before is None or before.planned < run.planned:
                self._planned[run.name] = run

    @property
    def planned(self) -> list[Run]:
        return list(self._planned.values())

    def parts(self, workers: int, folder: str) -> list[Part]:
        """The session's limits, shared out to this many workers. Starts the embedded servers, which they share."""
        addresses = {} if self.replay == "only" else dict(self._started())
        return [
            Part(
                share(self._session_limit, index, workers, folder, "session"),
                {name: share(endpoint.concurrency, index, workers, folder, name) for name, endpoint in self.endpoints.items()},
                addresses,
            )
            for index in range(workers)
        ]

    def check_gate(self) -> None:
        """ConfigError where the gate's confidence asks for more tasks than there are, before anything is drawn."""
        if self.config.gate is not None and self._planned:
            tasks = len({(run.file, run.task) for run in self._planned.values()})
            check_reachable(self.config.gate, tasks, rungs=len(self.routes) if self.ladder else 1)

    # -- while they run

    def promise(self, plans: Iterable[Plan]) -> None:
        """Start drawing these plans in the background."""
        self._engine.promise(plans)

    def run(self, plan: Plan) -> Run:
        """Wait for the plan's samples and score them. An exception of the engine's reaches the caller."""
        run = self._runs.get(plan.name)
        if run is None or len(run.samples) < plan.samples:
            drawn = self._engine.wait(plan)
            run = Run.of(plan, [self._sample(plan, number, one) for number, one in enumerate(drawn)])
            self.collect(run)
        return (
            run if len(run.samples) == plan.samples else replace(run, planned=plan.samples, samples=run.samples[: plan.samples])
        )

    def ended(self, plan: Plan) -> RouteEnded | None:
        """Why nothing more is asked on the plan's route; None while it is open."""
        return self._engine.ended(plan.route.name)

    def collect(self, run: Run) -> None:
        """A run that was drawn, here or by a worker; of two the longer, of equals the one drawn here, which has its outputs."""
        before = self._runs.get(run.name)
        if before is None or len(before.samples) < len(run.samples):
            self._runs[run.name] = run

    def rebuild(self, name: tuple[str, str, str]) -> None:
        """Take a run from the record, since the worker that drew it is gone. What it did not record is an error."""
        skeleton = self._planned[name]
        route = next(route for route in self.routes if route.name == skeleton.route)
        record = Record(self._record_folder)
        try:
            task = next(task for task in self._tasks_in(self.root / skeleton.file) if task.id == skeleton.task)
            plan = Plan(task, route, skeleton.planned)
            engine = self._new_sampler(record, "only")
            self.collect(Run.of(plan, [self._sample(plan, number, one) for number, one in enumerate(engine.wait(plan))]))
        except (TaskError, StopIteration):
            lost = [sample_of_error(number, "lost: the worker crashed") for number in range(skeleton.planned)]
            self.collect(replace(skeleton, samples=tuple(lost)))

    # -- after they ran

    def judge(self) -> Verdict | None:
        """The verdict on all that was planned, in collection order; None where nothing was."""
        if not self._planned:
            return None
        embedded = frozenset(route.name for route in self.routes if self.endpoints[route.endpoint].kind == "embedded")
        return judge(
            self.routes,
            [self._runs.get(name, empty) for name, empty in self._planned.items()],
            gate=self.config.gate,
            ladder=self.ladder,
            advisory_latency=embedded,
            baseline=self.config.baseline,
        )

    @property
    def notes(self) -> list[str]:
        """What a reader of the table should know besides: torn lines, skipped rungs."""
        torn = self._record.notes if self._record else []
        return [*torn, *(f"{name} was skipped: {why}" for name, why in self.skipped.items())]

    def close(self) -> None:
        """Cancel what is in flight, close connections and the record, stop the servers that this process owns."""
        if self._sampler is not None:
            self._sampler.close()
        for endpoint in self.endpoints.values():
            stop = getattr(endpoint, "stop", None)
            if stop is not None:
                stop()

    # -- behind the verbs

    def _open(self, selected: Sequence[Route]) -> tuple[Route, ...]:
        """The routes whose keys are there. A rung without one is skipped; a named route without one is an error."""
        if self.replay == "only":
            return tuple(selected)
        for route in selected:
            settings = self.config.endpoints[route.endpoint]
            if (variable := missing_key(settings)) is None:
                continue
            if not self.ladder:
                raise ConfigError(f"route {route.name!r}: the variable {variable} of endpoint {settings.name!r} is not set")
            self.skipped[route.name] = f"the variable {variable} is not set"
        open_ = tuple(route for route in selected if route.name not in self.skipped)
        if not open_:
            variables = listed(dict.fromkeys(why.split()[2] for why in self.skipped.values()))
            raise ConfigError(f"no rung of the ladder can run: set {variables}")
        return open_

    def _endpoint(self, name: str, make: MakeEndpoint) -> Endpoint:
        return make(self.config.endpoints[name], self.config.folder, self._part.addresses.get(name) if self._part else None)

    def _check_endpoints(self) -> None:
        """What an endpoint can tell of itself before it is asked: a missing package, a missing file."""
        for endpoint in self.endpoints.values():
            if check := getattr(endpoint, "check", None):
                check()

    def _tasks_in(self, path: Path) -> list[Task]:
        path = path.resolve()
        if path not in self._tasks:
            self._tasks[path] = tasks_from(path, name=_shown(path, self.root), check=scorer_for)
        return self._tasks[path]

    def _started(self) -> Iterable[tuple[str, str]]:
        for name, endpoint in self.endpoints.items():
            start = getattr(endpoint, "start", None)
            if start is not None:
                yield name, start()

    @property
    def _session_limit(self) -> int:
        return self.config.concurrency or sum(endpoint.concurrency for endpoint in self.endpoints.values())

    @property
    def _engine(self) -> Sampler:
        if self._sampler is None:
            recorded = [self.config.folder / path for path in self.config.recorded] if self.replay == "only" else []
            self._record = Record(self._record_folder, recorded=recorded, read=self.replay != "off")
            self._sampler = self._new_sampler(self._record, self.replay)
        return self._sampler

    def _new_sampler(self, record: Record, replay: Literal["auto", "only", "off"]) -> Sampler:
        limits = {name: Share(endpoint.concurrency) for name, endpoint in self.endpoints.items()}
        return Sampler(
            self.endpoints,
            record,
            session=self._part.session if self._part else Share(self._session_limit),
            limits=self._part.limits if self._part else limits,
            replay=replay,
        )

    def _sample(self, plan: Plan, number: int, drawn: Drawn) -> Sample:
        sample = sample_of(plan, number, drawn)
        self._on_sample(sample)
        return sample


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
