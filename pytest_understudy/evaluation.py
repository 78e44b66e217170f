"""One evaluation from plans to verdict: promise, wait, collect, judge.

In: a config, the selected routes, and what the session is (alone, a worker, or the owner of workers). Out: a Run for each plan,
and at the end one Verdict. It knows nothing of pytest; whoever drives it calls its verbs on one thread.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .config.config import Config
from .config.endpoints import EndpointSettings
from .drawing import Drawing
from .endpoints.endpoint import Endpoint
from .errors import listed
from .holdout import Holdout
from .routes.route import Route
from .sampling.owner import Owner
from .sampling.part import Part
from .sampling.record import count_verdict
from .sampling.run import Plan, Run, Sample
from .sampling.runs import Runs
from .sampling.sampler import Sampler
from .sampling.scored import sample_of_error, samples_of
from .selection import Selection
from .suite.task import Task
from .verdict.machine import Machine
from .verdict.thresholds import check_reachable
from .verdict.written import counted

if TYPE_CHECKING:
    from .reports.export import Example, Export, Exported
    from .reports.shown import ShownRun
    from .verdict.verdict import Verdict

MakeEndpoint = Callable[[EndpointSettings, Path, Sequence[str]], Endpoint]


class Evaluation:
    """One session's evaluation; `routes` are those that can run, `skipped` says of each rung that can't why, and `beside` is the
    route that is drawn for comparison alone.
    """

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
        first: bool = False,
        baseline: str | None = None,
        baseline_file: Path | None = None,
        export: Export | None = None,
        split: Literal["holdout", "train"] = "holdout",
        replay: Literal["auto", "only", "off"] = "auto",
        spend_limit: float | None = None,
        record_prompts: bool = False,
        part: Part | None = None,
        owner: Owner | None = None,
        on_samples: Callable[[Sequence[Sample]], object] = lambda samples: None,
    ) -> None:
        self.config = config
        self.ladder = ladder
        self.first = first
        self.export = export
        self.split = split
        self.replay: Literal["auto", "only", "off"] = replay
        self._record_folder = record
        self._on_samples = on_samples
        self._part = part
        self._wanted: Counter[tuple[str, str, str]] = Counter()  # by how many tests
        self._tasks: dict[tuple[str, str], Task] = {}  # by (file, id), as far as tests of this process want them
        chosen = Selection(
            config,
            names,
            controls,
            ladder=ladder,
            baseline=baseline,
            baseline_file=baseline_file,
            replay=replay,
            worker=part is not None,
        )
        self.routes = chosen.routes
        self.skipped = chosen.skipped
        self.beside = chosen.beside
        self._baseline = chosen.baseline
        self._earlier = chosen.earlier
        made = {name: self._endpoint(name, make_endpoint) for name in dict.fromkeys(route.endpoint for route in chosen.named)}
        self.drawing = Drawing(
            config,
            self.routes,
            {route.endpoint: made[route.endpoint] for route in self.routes},
            record=record,
            replay=replay,
            spend_limit=spend_limit,
            prompts=record_prompts,
            part=part,
            owner=owner,
            shared=lambda plan: self._wanted[plan.name] > 1,
        )
        self._holdout = Holdout(root, self.routes, split)
        self._runs = Runs()
        self._examples: dict[tuple[str, str, str], dict[tuple[int, int], Example]] = {}  # by run; by sample and turn
        self._climbed: list[str] = []
        self._held: str | None = None  # with `first`: the rung at which climbing stopped

    # -- before the session's items run

    def tasks(self, named: Iterable[str | Task], module: Path) -> list[Task]:
        """The tasks that a mark in `module` names, of this session's split; TaskError for what is wrong with them."""
        return self._holdout.tasks(named, module)

    def want(self, plan: Plan) -> None:
        """A test wants this plan."""
        self._wanted[plan.name] += 1
        self._tasks[plan.task.name] = plan.task
        self.expect([Run.of(plan, ())])

    def expect(self, planned: Iterable[Run]) -> None:
        """Runs, still empty, that the verdict is to be given on: one never drawn makes its route partial. Of two the longer."""
        self._runs.plan(planned)

    def expect_uncollected(self, places: Iterable[str]) -> None:
        """What could not be collected may hold tasks: every route with others is partial without it."""
        others = {run.route: run for run in self.planned}
        for place in places:
            self.expect([replace(run, task="(not collected)", file=place, hash="", planned=1) for run in others.values()])

    @property
    def planned(self) -> list[Run]:
        return self._runs.planned

    def check(self) -> None:
        """ConfigError, before anything is drawn, for what the tasks cannot give: more of them for the gate's confidence than
        there are, or a cluster to be exported that none of them has.
        """
        if self.config.gate is not None and self._runs:
            tasks = len({(run.file, run.task) for run in self.planned})
            rungs = [route for route in self.routes if route.name != self._baseline]
            together = self.ladder and not self.first  # the first rung is judged alone
            check_reachable(self.config.gate, tasks, rungs=max(1, len(rungs)) if together else 1)
        if self.export is not None and self._runs:
            self.export.check(self.planned)

    # -- while they run

    def promise(self, plans: Iterable[Plan]) -> None:
        """Start drawing these plans in the background."""
        self.drawing.engine.promise(plans)

    def run(self, plan: Plan) -> Run:
        """Wait for the plan's samples and score them. An exception of the engine's reaches the caller."""
        known, request = self._runs.drawn(plan.name), self.drawing.engine.request(plan)
        samples = samples_of(plan, self.drawing.engine.wait(plan))
        self._on_samples(samples[known:])  # the others were told when another test asked for them
        run = Run.of(plan, samples, request)
        self.collect(run)
        return run

    def ended(self, plan: Plan) -> str | None:
        """Why nothing more is asked on the plan's route, which was run; None while it is open."""
        return self.drawing.engine.ended(plan)

    def unpaid(self, run: Run) -> str | None:
        """Why samples of the run were not drawn, where the spend limit kept them from it."""
        if self.drawing.allowance is None or not (left := self.drawing.allowance.unpaid(run)):
            return None
        return f"{self.drawing.allowance.reached}: {left:,} of {counted(run.planned, 'sample')} of this item not drawn"

    def collect(self, run: Run) -> None:
        """A run that was drawn, here or by a worker; of two the longer. Its outputs are let go: they are in the record."""
        self._runs.keep(run)

    def place(self, route: Route) -> int:
        """When a rung is drawn, where rungs are drawn one by one: the baseline before all others, which are compared with it."""
        names = [one.name for one in self.routes]
        return -1 if route.name == self._baseline else names.index(route.name)

    def climb(self, route: Route) -> str | None:
        """Onto a route's rung, unless one of those climbed before holds the gate: then that one's name.

        To be asked in the order of `place`, when the rungs before are drawn. Each time the gate is judged on all that were
        climbed, so that a `confidence` is Holm's over these, as in the verdict at the end.
        """
        if route.name in self._climbed:
            return None
        if self._held is None:
            self._held = self._holding()
        if self._held is None:
            self._climbed.append(route.name)
        return self._held

    def examples(self, plan: Plan, run: Run) -> list[Example]:
        """What the run gives to be trained on; nothing where nothing is exported, or the route was not selected."""
        if self.export is None or run.route == self.beside or not self.export.takes(run):
            return []
        from .reports.export import examples_of

        # Of our own kinds the config always says how; what a plugin's endpoint sends, where it says nothing, we can't know.
        soft = self.config.endpoints[plan.route.endpoint].settings.get("no_think") == "soft"
        return examples_of(plan, run, soft=soft)

    def learn(self, name: tuple[str, str, str], examples: Iterable[Example]) -> None:
        """Examples of a run, from here or from a worker; those of two tests of one task are the same."""
        self._examples.setdefault(name, {}).update({(example.sample, example.turn): example for example in examples})

    def rebuild(self, names: Iterable[tuple[str, str, str]]) -> None:
        """Take runs from the record, since the workers that drew them are gone. What they did not record is an error."""
        lost = [self._runs.of(name) for name in names if not self._runs.drawn(name)]
        if not lost:
            return
        with self.drawing.from_record() as engine:
            for skeleton in lost:
                self.collect(self._rebuilt(skeleton, engine))

    # -- after they ran

    def judge(self) -> Verdict | None:
        """The verdict on all that was planned, in collection order; None where nothing was."""
        stopped = self._held is not None
        return self._judged([route for route in self.routes if not stopped or route.name in self._climbed])

    def count_verdict(self, verdict: Verdict) -> int | None:
        """How many verdicts were given on these very holdout tasks, this one included: each is a chance to choose what they like.

        None where it tells nothing new (all of it was replayed), or is about training tasks. Raises OSError.
        """
        if self.split != "holdout" or all(route.judged == 0 or route.replayed == route.samples for route in verdict.routes):
            return None
        hashes = sorted({run.hash for run in self.planned})
        return count_verdict(self._record_folder, hashlib.sha256("".join(hashes).encode()).hexdigest()[:16])

    def shown(self) -> list[ShownRun]:
        """The samples behind the verdict, as reports show them: outputs and prompts from the record."""
        from .reports.shown import shown_runs

        return list(shown_runs(self.runs, self.routes, self._task, self.drawing.lines))

    def exported(self) -> Exported | None:
        """Writes the export, in collection order; None where there is none. Raises OSError."""
        if self.export is None:
            return None
        from .reports.export import Exported

        by_run = [self._examples.get(run.name, {}) for run in self.planned]
        return Exported.written(self.export.path, [found[number] for found in by_run for number in sorted(found)])

    @property
    def runs(self) -> Runs:
        """All that was planned, as far as it is drawn, in collection order."""
        return self._runs

    @property
    def notes(self) -> list[str]:
        """What a reader of the table should know besides: torn lines, skipped rungs, those not climbed, a margin to nothing."""
        notes = [*self.drawing.notes, *(f"{name} was skipped: {why}" for name, why in self.skipped.items())]
        if self._held is not None:
            left = listed(route.name for route in self.routes if route.name not in self._climbed)
            notes.append(f"{left} not climbed: {self._held!r} holds the gate")
        margin = self.config.gate is not None and self.config.gate.margin is not None
        compared = self._earlier is not None or any(route.name == self._baseline for route in self.routes)
        if margin and not compared and self._part is None:  # a worker reads no earlier report
            notes.append("[gate] margin holds nothing without a baseline: say --understudy-baseline=ROUTE or =FILE")
        return notes

    def close(self) -> None:
        """Cancel what is in flight, close connections and the record, stop the servers that this process owns."""
        self.drawing.close()

    # -- behind the verbs

    def _endpoint(self, name: str, make: MakeEndpoint) -> Endpoint:
        return make(self.config.endpoints[name], self.config.folder, self._part.servers(name) if self._part else ())

    def _judged(self, routes: Sequence[Route]) -> Verdict | None:
        """The verdict on these routes, as far as they are drawn; None where nothing was planned."""
        if not self._runs:
            return None
        from .verdict.verdict import judge

        endpoints = self.drawing.endpoints
        return judge(
            routes,
            self.runs,
            gate=self.config.gate,
            ladder=self.ladder,
            advisory_latency=frozenset(
                route.name for route in routes if self.drawing.endpoints[route.endpoint].kind == "embedded"
            ),
            baseline=self._baseline,
            margin=self.config.margin,
            earlier=self._earlier,
            machines={name: machine for name in endpoints if (machine := self._machine(name)) is not None},
        )

    def _machine(self, name: str) -> Machine | None:
        """What an endpoint stands on, by the hour: with the cold start that it measured, else the one that the config says."""
        machine = self.config.endpoints[name].machine
        measured = getattr(self.drawing.endpoints[name], "cold_start", None)
        return machine if machine is None or measured is None else replace(machine, cold_start=measured)

    def _holding(self) -> str | None:
        """The first rung that holds the gate, of those climbed so far. The baseline is none: it is what they are measured by."""
        climbed = [route for route in self.routes if route.name in self._climbed]
        if all(route.name == self._baseline for route in climbed):
            return None
        verdict = self._judged(climbed)
        return next(iter(verdict.gate.held_by), None) if verdict and verdict.gate else None

    def _task(self, file: str, id: str) -> Task | None:
        """The task that runs are named by; None if it was made in Python in another process."""
        return self._tasks.get((file, id)) or self._holdout.find(file, id)

    def _rebuilt(self, skeleton: Run, engine: Sampler) -> Run:
        route = next(route for route in self.routes if route.name == skeleton.route)
        if (task := self._holdout.find(skeleton.file, skeleton.task)) is None:
            samples = [sample_of_error(number, "lost: the worker crashed") for number in range(skeleton.planned)]
            return replace(skeleton, samples=tuple(samples))
        plan = Plan(task, route, skeleton.planned)
        request = engine.request(plan)
        run = Run.of(plan, samples_of(plan, engine.wait(plan)), request)
        self.learn(run.name, self.examples(plan, run))
        return run
