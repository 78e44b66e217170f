"""One session's evaluation, as pytest drives it: hooks of a session in which a route is selected.

In: pytest's config and our options. Out: items for tasks, runs for items, and at the end a verdict. With pytest-xdist the
controller starts the servers, shares out the limits, hears of the runs (workers.py) and judges; workers draw, and each run goes
up as a dict on its item's teardown report.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .ending import Ending, step_summary
from .errors import TaskError, UnderstudyError
from .items import PLAN, ahead, header, holdout_marks, params, plan_of, properties
from .options import Options, usage_errors
from .prepared import prepared
from .workers import Controller, Worker

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .reports.live import Live
    from .sampling.run import Plan, Run


class Understudy:
    """One session's evaluation, as pytest drives it."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.config = config
        self.options = options
        self.evaluation: Evaluation = prepared(config, options)
        self._worker = hasattr(config, "workerinput")
        self.others: Controller | Worker = (Worker if self._worker else Controller)(self.evaluation)
        self.ending = Ending(
            self.evaluation,
            options.reports,
            lambda path: _relative(path, config),
            ("pytest", *map(str, config.invocation_params.args)),
            self.others.notes,
            step_summary(os.environ),
        )
        self._running = False
        self._drawn: dict[pytest.Item, tuple[Run, Plan]] = {}  # of items that are not done: their outputs are in memory
        self._live: Live | None = None
        self._ended: set[str | None] = set()
        self._promised: set[str] = set()  # rungs, where they are drawn one by one
        self._uncollected: list[str] = []
        # What is imported by now stays: to look for garbage there again and again took 0.03 s of 1.9. A session in a test leaves
        # that test's garbage alone.
        self._outermost = "PYTEST_CURRENT_TEST" not in os.environ
        if self._outermost:
            gc.freeze()

    # -- collecting

    def pytest_report_header(self) -> str:
        return header(self.evaluation, self.options, _relative(self.options.record, self.config))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        marks = holdout_marks(metafunc.definition)
        if not marks:
            return
        try:
            found = params(self.evaluation, self.options, metafunc.definition, marks)
        except TaskError as failure:
            raise pytest.Collector.CollectError(str(failure)) from None
        if PLAN not in metafunc.fixturenames:
            metafunc.fixturenames.append(PLAN)
        metafunc.parametrize(PLAN, found, indirect=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self._worker:
            self._uncollected.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Rung by rung over all tests and files, where climbing may stop; each keeps its order, and other tests stay in front."""
        if self.options.first:
            items.sort(key=self._rung)

    def _rung(self, item: pytest.Item) -> int:
        plan = plan_of(item)
        return -2 if plan is None else self.evaluation.place(plan.route)

    # -- drawing

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Alone, everything that will run is drawn ahead. A worker, and a session that may stop early, draws item by item."""
        option = session.config.option
        failed = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or getattr(option, "setupplan", False) or failed:
            return
        if not self._worker:
            with usage_errors():
                self.evaluation.check()
        self._running = True
        if not self._worker:
            from .terminal import live_on

            self._live = live_on(self.config, self.evaluation.drawing.pace, whole=not self._one_by_one and not self.options.first)
        self.evaluation.expect_uncollected(self._uncollected)
        if not self._one_by_one and not self.options.first:
            with usage_errors():
                self.evaluation.promise([plan for item in session.items if (plan := ahead(item)) is not None])
            self._prepare()

    def _prepare(self) -> None:
        """Imports what it takes to judge and to tell, once the first requests have left: it takes as long as answers do."""
        if self.evaluation.drawing.engine.begun():
            for name in ("jsonschema.validators", f"{__package__}.verdict.session", f"{__package__}.reports.summary"):
                import_module(name)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if getattr(item.config.option, "setupplan", False):
            return
        coming: list[pytest.Item] = []
        if self._one_by_one:
            coming = [item] if nextitem is None else [item, nextitem]
        if self.options.first:
            coming = self._on_this_rung(item, coming)
        with suppress(UnderstudyError):  # the item that wants it will hear of it
            self.evaluation.promise([plan for one in coming if (plan := ahead(one)) is not None])

    def _on_this_rung(self, item: pytest.Item, coming: list[pytest.Item]) -> list[pytest.Item]:
        """The items of this one's rung: those that are coming, or at its first item all. A rung not climbed is skipped."""
        if (plan := plan_of(item)) is None:
            return []
        if (held := self.evaluation.climb(plan.route)) is not None:
            item.add_marker(pytest.mark.skip(reason=f"rung {held!r} holds the gate: not climbed further"))
            return []
        if not coming and plan.route.name not in self._promised:
            self._promised.add(plan.route.name)
            coming = item.session.items
        return [one for one in coming if self._rung(one) == self._rung(item)]

    @property
    def _one_by_one(self) -> bool:
        """The item and the next: all that a worker knows of, and all that -x or --maxfail may still want."""
        controller = self.config.pluginmanager.has_plugin("dsession")
        return self._worker or controller or bool(self.config.getoption("maxfail"))

    def run(self, item: pytest.Item, plan: Plan) -> Run:
        """The item's run, drawn; errors where nobody can draw it."""
        from .reports.printable import printable

        try:
            with self._live.shown() if self._live else nullcontext():
                run = self.evaluation.run(plan)
        except UnderstudyError as failure:
            pytest.fail(printable(str(failure)), pytrace=False)
        self._drawn[item] = run, plan
        item.user_properties.extend(properties(run))
        if (ended := self.evaluation.ended(plan)) is not None:
            name = plan.route.name
            self._stop(name, f"route {name!r} ended: {printable(ended)}")
        if (unpaid := self.evaluation.unpaid(run)) is not None:
            self._stop(None, unpaid)
        return run

    def _stop(self, what: str | None, why: str) -> None:
        """What ended (a route, or None: all drawing) fails its first item and skips the others: one failure, and not hundreds."""
        if what in self._ended:
            pytest.skip(why)
        self._ended.add(what)
        pytest.fail(why, pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        report = yield
        if (drawn := self._drawn.get(item)) is None:
            return report
        run, plan = drawn
        if call.when == "call" and report.failed:
            missed = call.excinfo is not None and call.excinfo.errisinstance(AssertionError)
            explored = "baseline" if run.route == self.evaluation.beside else "rung missed" if self.options.ladder else ""
            if explored and missed and not self.config.getoption("runxfail"):
                report.outcome, report.wasxfail = "skipped", explored
            else:
                report.sections.append(("understudy: worst samples", self._worst(item, run, plan)))
        if call.when == "teardown":
            self._tell(report, run, plan)
            del self._drawn[item]
        return report

    def _tell(self, report: Any, run: Run, plan: Plan) -> None:
        """A worker's run goes up to the session's owner with its report, and so does what is to be learnt from it."""
        examples = self.evaluation.examples(plan, run)
        if self._worker:
            report.understudy = run.to_json()
            report.understudy_examples = [one.to_json() for one in examples]
        elif examples:
            self.evaluation.learn(run.name, examples)

    def _worst(self, item: pytest.Item, run: Run, plan: Plan) -> str:
        from .reports.failure import replay_command, worst_samples

        path, _, rest = item.nodeid.partition("::")
        here = os.path.relpath(self.config.rootpath / path, self.config.invocation_params.dir)
        return worst_samples(
            run, plan.task, replay_command(f"{here}::{rest}", plan.route.name, self.options.shaping(plan.samples))
        )

    # -- ending

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        try:
            if self._running and not self._worker:
                self.others.rebuild()
                self.evaluation.expect_uncollected(self._uncollected)
                failed = self.ending.conclude(lambda verdict: self.config.hook.pytest_understudy_verdict(verdict=verdict))
                if failed and session.exitstatus == pytest.ExitCode.OK:
                    session.exitstatus = pytest.ExitCode.TESTS_FAILED
        finally:
            self.evaluation.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.ending.tell(terminalreporter)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Last, since pytest has then looked for garbage. It would look once more, and so would Python at its end, which takes
        all of the memory with it anyhow.
        """
        self.evaluation.close()
        if self._outermost:
            gc.freeze()


def _relative(path: Path, config: pytest.Config) -> str:
    return str(path.relative_to(config.rootpath)) if path.is_relative_to(config.rootpath) else str(path)
