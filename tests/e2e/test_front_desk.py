"""The front desk of the workflows' example: its nine errands can be done, in one way, and nothing of them is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.scoring.score import Score
from pytest_understudy.scoring.scorers import judged_trajectory
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.imports import imported
from pytest_understudy.suite.plain import plain
from pytest_understudy.suite.task import Task
from pytest_understudy.suite.workflow import Episode

SUITE = Path(__file__).parents[2] / "example_workflows"
TASKS = tasks_from(SUITE / "desk.yaml", name="desk.yaml")
LOOKS = {"room": "rooms.free", "parcel": "parcels.find", "ticket": "tickets.find"}
DEEDS = {"room": "rooms.book", "parcel": "parcels.hand_over", "ticket": "tickets.close"}


def played(task: Task, *actions: tuple[str, dict[str, str]]) -> Score:
    episode = Episode.of(task)
    for tool, arguments in actions:
        episode.step(tool, arguments)
    return judged_trajectory(task, episode.trajectory("done"), "stop")[1]


def errand(task: Task) -> tuple[tuple[str, dict[str, str]], str, dict[str, str]]:
    """What is looked up, what is found, and what is done with it."""
    kind = task.id.partition("-")[0]
    parameters = next(tool.parameters for tool in task.tools if tool.name == LOOKS[kind])
    (name,) = parameters["properties"]
    known = [
        *imported("workplace.front_desk:PEOPLE", str(SUITE), at=""),
        *imported("workplace.front_desk:SERVICES", str(SUITE), at=""),
    ]
    words = [word.strip("?.,") for word in task.input.split()]
    value = next(word for word in words if word in known or ":" in word)
    found = Episode.of(task).step(LOOKS[kind], {name: value})
    return (LOOKS[kind], {name: value}), found, {"room": found, "start": value} if kind == "room" else {_deed(task): found}


def _deed(task: Task) -> str:
    return "code" if task.id.startswith("parcel") else "ticket"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_an_errand_passes_where_what_was_looked_up_is_used(task: Task) -> None:
    look, found, deed = errand(task)
    tool = DEEDS[task.id.partition("-")[0]]
    assert found not in task.input
    right = played(task, look, (tool, deed))
    assert (right.credit, right.strict) == (1.0, True)
    for wrong in _wrong(look, tool, deed):
        assert not played(task, *wrong).strict, wrong


def _wrong(look: Any, tool: str, deed: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    other = {**deed, next(iter(deed)): "Zebra"}
    yield ()
    yield (look,)
    yield look, (tool, other)
    yield look, ("rooms.free", {"start": "08:00"}), (tool, {**deed, **({"start": "08:00"} if "start" in deed else other)})
    yield look, (tool, deed), ("tickets.close" if tool != "tickets.close" else "parcels.hand_over", {"ticket": "T-1"})
    yield look, (tool, deed), ("tickets.find", {"about": "gate-cam"})


def test_nothing_of_the_errands_is_trained_on() -> None:
    examples = imported("training.generate:examples", str(SUITE), at="")
    lines = list(examples())
    texts = "\n".join(m["content"] for line in lines for m in line["messages"] if m["role"] != "system")
    assert len(lines) == 3 * 3 * 44
    assert lines == list(examples())
    for task in TASKS:
        (_, looked_up), found, _ = errand(task)
        assert task.input not in texts
        assert next(iter(looked_up.values())) not in texts
        assert task.id.startswith("room") or found not in texts


@st.composite
def visits(draw: st.DrawFn) -> list[tuple[str, dict[str, str]]]:
    """Errands of the suite, whole or in part, and calls that make no sense."""
    done = []
    for task in draw(st.lists(st.sampled_from(TASKS), max_size=8)):
        look, _, deed = errand(task)
        done += [look, (DEEDS[task.id.partition("-")[0]], deed)][draw(st.integers(0, 1)) :]
    names = st.sampled_from([*LOOKS.values(), *DEEDS.values()])
    odd = st.dictionaries(
        st.sampled_from(["room", "start", "code", "person", "service", "ticket"]), st.text(max_size=6), max_size=2
    )
    return draw(st.permutations([*done, *draw(st.lists(st.tuples(names, odd), max_size=4))]))


@given(visits())
@settings(max_examples=200, deadline=None)
def test_whatever_is_done_the_front_desk_answers_and_does_each_thing_once(actions: list[tuple[str, dict[str, str]]]) -> None:
    episode, again = Episode.of(TASKS[0]), Episode.of(TASKS[0])
    done = 0
    for tool, arguments in actions:
        before = episode.trajectory().after
        observation = episode.step(tool, arguments)
        after = episode.trajectory().after
        assert observation == again.step(tool, arguments)
        assert observation
        assert all(after[what] | things == after[what] for what, things in before.items())
        done += observation.endswith(("is booked.", "is handed over.", "is closed."))
        assert sum(map(len, after.values())) == done
    assert episode.trajectory().after == plain(episode.trajectory().after) == again.trajectory().after
