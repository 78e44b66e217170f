"""pytest-xdist: what a session's owner gives to its workers, and what it hears from them.

Down, once: a worker's part of the session, on `workerinput`, and with it a channel of its own, by which one that does not share
our disk reaches our record and lock files (sampling/owner.py). Up, on a worker's first report: what it collected, for its
controller has collected nothing; and on each item's last report its run. The items of a worker that crashed are rebuilt from the
record.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import UnderstudyError
from .items import asked_for
from .options import usage_errors

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .sampling.beacon import Beacon


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


class Controller:
    """Shares the session out to workers, where there are any, and hears from them. `notes`: what they had to say."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.notes: list[str] = []
        self._evaluation = evaluation
        self._names: dict[str, tuple[str, str, str]] = {}
        self._crashed: list[str] = []
        self._parts: list[Any] | None = None
        self._locks: Path | None = None
        self._beacon: Beacon | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Down to a worker, once: its share of the limits and the addresses of the servers."""
        if self._parts is None:
            with usage_errors():
                self._parts = self._shared_out(node.workerinput["workercount"])
        node.workerinput["understudy"] = self._parts.pop(0)
        node.workerinput["understudy_owner"] = self._wired(node.gateway.newchannel())

    def _shared_out(self, workers: int) -> list[Any]:
        from .sampling.beacon import Beacon

        self._locks = Path(tempfile.mkdtemp(prefix="understudy-"))
        addresses = self._evaluation.drawing.servers()
        self._beacon = Beacon(self._locks, loud=bool(addresses))
        parts = self._evaluation.drawing.parts(workers, str(self._locks), addresses, self._beacon.mark)
        return [part.to_json() for part in parts]

    def _wired(self, channel: Any) -> Any:
        """The channel, answered on execnet's thread. What goes wrong there is told to the worker by execnet."""
        assert self._locks is not None
        desk = self._evaluation.drawing.desk(self._locks)
        channel.setcallback(lambda said: desk.close() if said is None else desk.answer(said, channel.send), endmarker=None)
        return channel

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """The worker that replaces this one takes its share. One that could not start for a reason will not start again either:
        a key that is not set on its host, a file that is not there.
        """
        if self._parts is not None:
            self._parts.append(node.workerinput["understudy"])
        last = str(error).rstrip().rpartition("\n")[2]
        if not hasattr(node, "workerinfo") and "UsageError: " in last:
            why = last.partition("UsageError: ")[2]
            pytest.exit(f"ERROR: worker {node.gateway.id} cannot start: {why}", returncode=pytest.ExitCode.USAGE_ERROR)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        self._crashed.append(crashitem)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Plans before the run on the same report: runs are told in the order in which they were collected."""
        told = report.__dict__  # emptied: the terminal keeps its reports
        if "understudy_plans" in told:
            self._hear_of_plans(told)
        if "understudy" in told:
            self._hear_of_run(told)

    def rebuild(self) -> None:
        """The runs of the items at which workers crashed, from the record."""
        self._evaluation.rebuild(self._names[nodeid] for nodeid in self._crashed if nodeid in self._names)

    def pytest_unconfigure(self) -> None:
        if self._beacon is not None:
            self._beacon.close()
        if self._locks is not None:
            shutil.rmtree(self._locks, ignore_errors=True)

    def _hear_of_run(self, told: dict[str, Any]) -> None:
        from .sampling.run import Run

        run, examples = Run.from_json(told.pop("understudy")), told.pop("understudy_examples")
        self._evaluation.collect(run)
        if examples:
            from .reports.export import Example

            self._evaluation.learn(run.name, map(Example.from_json, examples))

    def _hear_of_plans(self, told: dict[str, Any]) -> None:
        from .sampling.run import Run

        self._evaluation.expect([Run.from_json(run) for run in told.pop("understudy_plans")])
        self._names.update({nodeid: tuple(name) for nodeid, name in told.pop("understudy_items").items()})
        self.notes.extend(told.pop("understudy_notes"))
        try:
            self._evaluation.check()
        except UnderstudyError as failure:
            pytest.exit(f"ERROR: {failure}", returncode=pytest.ExitCode.USAGE_ERROR)
