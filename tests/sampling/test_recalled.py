"""A workflow's sample in the record: it stands in for a new one as long as its environment answers as it did."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.permits import Share
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.run import Plan
from pytest_understudy.sampling.sampler import Sampler
from pytest_understudy.sampling.scored import sample_of
from pytest_understudy.suite.task import Task
from tests.fakes import ScriptedEndpoint

from ..routes.test_turns import DONE, HERON, PLOVER, RAW, TASK
from ..suite.desk import Desk

EXPECTING = replace(TASK, expect={"state": {"bookings.Plover.9": "desk"}}, file="rooms.yaml", source="rooms.yaml:3")


class _Plain(Desk):
    pass


class _Polite(Desk):
    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return f"Dear me: {super().step(tool, arguments)}"


class _Breaking(Desk):
    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        raise LookupError("the wing burnt down")


def task(kind: type[Desk]) -> Task:
    """By one name, whatever the environment has come to do."""
    kind.__qualname__, kind.__module__ = "Desk", "desk"
    return replace(EXPECTING, environment=kind)


def drawn(
    folder: Path, of: Task, *answers: str, replay: Literal["auto", "only", "off"] = "auto", held: int = 1000
) -> tuple[Drawn, int]:
    """What came of a sample in a session of its own, and how often it asked."""
    endpoint = ScriptedEndpoint(answers)
    record = Record(folder, read=replay != "off")
    sampler = Sampler({"scripted": endpoint}, record, session=Share(2), limits={"scripted": Share(2)}, replay=replay, held=held)
    try:
        (one,) = sampler.wait(Plan(of, RAW, 1))
    finally:
        sampler.close()
    return one, len(endpoint.asked)


@pytest.mark.parametrize("replay", ["auto", "only"])
def test_what_holds_is_not_asked_again_and_is_judged_by_what_it_did(tmp_path: Path, replay: Literal["auto", "only"]) -> None:
    first, asked = drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE)
    assert asked == 3
    again, asked = drawn(tmp_path, task(_Plain), replay=replay)
    assert asked == 0
    assert again.replayed
    assert (again.completion, again.trajectory) == (first.completion, first.trajectory)
    plan = Plan(task(_Plain), RAW, 1)
    assert replace(sample_of(plan, 0, again), replayed=False) == sample_of(plan, 0, first)


def test_what_is_stale_is_drawn_anew_and_stands_in_from_then_on(tmp_path: Path) -> None:
    drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE)
    anew, asked = drawn(tmp_path, task(_Polite), PLOVER, DONE)
    assert (asked, anew.replayed) == (2, False)
    again, asked = drawn(tmp_path, task(_Polite))
    assert (asked, again.replayed, again.completion) == (0, True, anew.completion)


def test_where_nothing_may_be_asked_what_is_stale_is_an_error_that_says_why(tmp_path: Path) -> None:
    drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE)
    one, asked = drawn(tmp_path, task(_Polite), replay="only")
    assert asked == 0
    assert one.error == (
        "sample 0 of task 'plover' on route 'raw' is recorded, and its environment answers otherwise now: before turn 2 the model"
        ' was told "Heron is taken at 9.", and now "Dear me: Heron is taken at 9."; run it without --understudy-replay=only to'
        " draw it again"
    )


@pytest.mark.parametrize("replay", ["auto", "only"])
def test_an_environment_that_breaks_on_what_is_recorded_is_an_error_and_nothing_is_paid_for(
    tmp_path: Path, replay: Literal["auto", "only"]
) -> None:
    drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE)
    one, asked = drawn(tmp_path, task(_Breaking), replay=replay)
    assert asked == 0
    assert one.error is not None
    first, *_, last = one.error.splitlines()
    assert first.endswith("raised LookupError: the wing burnt down")
    assert last == "LookupError: the wing burnt down"


def test_with_replay_off_it_is_drawn_afresh(tmp_path: Path) -> None:
    drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE)
    one, asked = drawn(tmp_path, task(_Plain), PLOVER, DONE, replay="off")
    assert (asked, one.replayed) == (2, False)


def test_the_environment_is_asked_on_a_thread_that_is_neither_the_sessions_nor_the_engines(tmp_path: Path) -> None:
    names: list[str] = []

    class Telling(Desk):
        def reset(self, task: Task) -> str:
            names.append(threading.current_thread().name)
            return super().reset(task)

    drawn(tmp_path, task(Telling), PLOVER, DONE)
    drawn(tmp_path, task(Telling))
    assert names == ["understudy-environment"] * 2


def test_what_was_let_go_from_memory_is_judged_by_doing_it_again(tmp_path: Path) -> None:
    one, _ = drawn(tmp_path, task(_Plain), HERON, PLOVER, DONE, held=0)
    assert one.trajectory is None  # read back from the record
    assert sample_of(Plan(task(_Plain), RAW, 1), 0, one).score.strict


def test_an_environment_that_never_answers_the_same_is_told_where_it_is_done_again(tmp_path: Path) -> None:
    rolls = iter(range(100))

    class Rolling(Desk):
        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            return f"{super().step(tool, arguments)} ({next(rolls)})"

    one, _ = drawn(tmp_path, task(Rolling), PLOVER, DONE, held=0)
    error = sample_of(Plan(task(Rolling), RAW, 1), 0, one).error
    assert error is not None
    assert error.startswith("its environment answers otherwise when the same is done again: before turn 2 the model was told")
