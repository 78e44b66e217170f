"""A workflow's samples in a failed item: turn by turn, then what differs in the state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_understudy.errors import EnvironmentCrash
from pytest_understudy.reports.failure import WIDTH, worst_samples
from pytest_understudy.routes.ask import ask
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.recalled import crash
from pytest_understudy.sampling.run import Plan, Run
from pytest_understudy.sampling.scored import sample_of
from pytest_understudy.suite.task import Task

from ..fakes import ScriptedEndpoint
from ..routes.test_turns import DONE, HERON, PLOVER, RAW, TASK
from ..suite.desk import Desk

EXPECTING = replace(TASK, expect={"state": {"bookings.Plover.9": "nobody"}}, source="rooms.yaml:3")
LOOK = '{"tool": "look", "arguments": {}}'


def told(*answers: str, task: Task = EXPECTING, shown: Task | None = None) -> list[str]:
    """What is shown of a sample with these answers, of the task as it is by then."""
    plan = Plan(task, RAW, 1)
    done, trajectory = asyncio.run(ask(task, RAW, ScriptedEndpoint(answers), 0))
    run = Run.of(plan, [sample_of(plan, 0, Drawn(done, trajectory=trajectory))])
    return worst_samples(run, shown or task, "pytest x").splitlines()


def test_each_turn_is_what_was_said_and_what_came_of_it_and_the_state_is_compared_with_that_at_reset() -> None:
    lines = told(HERON, f"<think>\nThen Plover.\n</think>\n\n{PLOVER}", DONE)
    assert lines[0].startswith("sample 0: credit 0.0000, finish stop")
    assert lines[lines.index("  turn 1 | " + HERON) :] == [
        "  turn 1 | " + HERON,
        "         > Heron is taken at 9.",
        "  turn 2 | " + PLOVER,
        "         > Plover is yours at 9.",
        "  turn 3 | " + DONE,
        '  state: bookings.Plover.9: nothing -> "desk"',
        "",
        "replay: pytest x",
    ]


def test_where_turns_were_used_up_the_last_answer_is_shown_too() -> None:
    lines = told(HERON, PLOVER, task=replace(EXPECTING, max_turns=2))
    assert lines[-3:-1] == ['  state: bookings.Plover.9: nothing -> "desk"', ""]
    assert lines[-4] == "         > Plover is yours at 9."


def test_a_state_that_is_as_it_was_says_so() -> None:
    assert "  state: as it was at reset" in told(HERON, DONE)


def test_of_many_turns_the_last_are_shown_and_long_texts_are_cut_and_wrapped() -> None:
    many = replace(EXPECTING, max_turns=30)
    lines = told(*[LOOK] * 19, "\x1b[2J" + "x" * 350, DONE, task=many)
    assert "  ... 9 turns before" in lines
    assert [line.split("|")[0] for line in lines if " | " in line] == [f"  turn {number} " for number in range(10, 22)]
    assert any("more characters" in line for line in lines)
    assert all(len(line) <= WIDTH for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_an_environment_that_answers_otherwise_by_now_leaves_the_turns_and_says_why_there_is_no_state() -> None:
    class Other(Desk):
        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            return "No."

    lines = told(HERON, PLOVER, DONE, shown=replace(EXPECTING, environment=Other))
    assert "         > Heron is taken at 9." in lines
    state = next(line for line in lines if line.startswith("  state: "))
    assert state.startswith("  state: unknown, for it can't be worked through again: before turn 2 the model")


def test_an_environment_that_broke_is_an_error_with_its_traceback_line_by_line() -> None:
    failure = EnvironmentCrash("Desk.step('book') raised KeyError: 'Wren'", traceback="Traceback:\n  in step\nKeyError: 'Wren'")
    plan = Plan(EXPECTING, RAW, 1)
    run = Run.of(plan, [sample_of(plan, 0, Drawn(None, crash(failure)))])
    assert worst_samples(run, EXPECTING, "pytest x").splitlines()[:4] == [
        "sample 0: error: Desk.step('book') raised KeyError: 'Wren'",
        "  | Traceback:",
        "  |   in step",
        "  | KeyError: 'Wren'",
    ]


def test_of_the_actions_scorer_the_leaves_stand_beside_what_was_expected() -> None:
    wanted = [{"tool": "book", "arguments": {"room": "Plover", "hour": 10}}]
    lines = told(PLOVER, DONE, task=replace(EXPECTING, expect={"actions": wanted}))
    assert "book.hour  10          9" in lines
