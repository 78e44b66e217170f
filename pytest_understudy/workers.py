"""pytest-xdist: what a session's owner gives to its workers, and what it hears from them.

Down, once: a worker's part of the session, on `workerinput`. Up, on a worker's first report: what it collected, for its
controller has collected nothing. What a worker drew comes as every run does, on its item's report. The items of a worker that
crashed are rebuilt from the record.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .errors import UnderstudyError
from .items import asked_for
from .options import usage_errors

if TYPE_CHECKING:
    from .evaluation import Evaluation


class Worker:
    """Tells the session's owner what this worker collected. Its own `notes` go with that."""

    notes: Sequence[str] = ()

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._names: dict[str, tuple[str, str, str]] = {}  # of plans, by node id
        self._announced = False

    def rebuild(self) -> None:
        """Nothing: only the session's owner knows who crashed."""

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        if (plan := asked_for(item)) is not None:
            self._names[item.nodeid] = plan.name

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        if not self._announced:
            self._announced = True
            report.understudy_plans = [run.to_json() for run in self._evaluation.planned]
            report.understudy_items = {nodeid: list(name) for nodeid, name in self._names.items()}
            report.understudy_notes = self._evaluation.notes
        return report


class Owner:
    """Shares the session out to workers, where there are any, and hears from them. `notes`: what they had to say."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.notes: list[str] = []
        self._evaluation = evaluation
        self._names: dict[str, tuple[str, str, str]] = {}
        self._crashed: list[str] = []
        self._parts: list[Any] | None = None
        self._locks: str | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Down to a worker, once: its share of the limits and the addresses of the servers."""
        if self._parts is None:
            self._locks = tempfile.mkdtemp(prefix="understudy-")
            with usage_errors():
                self._parts = [part.to_json() for part in self._evaluation.parts(node.workerinput["workercount"], self._locks)]
        node.workerinput["understudy"] = self._parts.pop(0)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """The worker that replaces this one takes its share."""
        if self._parts is not None:
            self._parts.append(node.workerinput["understudy"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        self._crashed.append(crashitem)

    @pytest.hookimpl(tryfirst=True)  # before the run on the same report: runs are told in the order in which they were collected
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "understudy_plans"):
            self._hear(report)

    def rebuild(self) -> None:
        """The runs of the items at which workers crashed, from the record."""
        self._evaluation.rebuild(self._names[nodeid] for nodeid in self._crashed if nodeid in self._names)

    def pytest_unconfigure(self) -> None:
        if self._locks:
            shutil.rmtree(self._locks, ignore_errors=True)

    def _hear(self, report: Any) -> None:
        from .sampling.run import Run

        told = report.__dict__  # emptied: the terminal keeps its reports
        self._evaluation.expect([Run.from_json(run) for run in told.pop("understudy_plans")])
        self._names.update({nodeid: tuple(name) for nodeid, name in told.pop("understudy_items").items()})
        self.notes.extend(told.pop("understudy_notes"))
        try:
            self._evaluation.check()
        except UnderstudyError as failure:
            pytest.exit(f"ERROR: {failure}", returncode=pytest.ExitCode.USAGE_ERROR)
