"""One environment's life for one sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.errors import EnvironmentCrash
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.plain import NotJson, plain
from pytest_understudy.suite.task import Task, Tool
from pytest_understudy.suite.workflow import NO_ACTION, Episode

from .desk import Desk


def task_in(environment: type[Any] = Desk, text: str = "Book a room at 9.") -> Task:
    tools = tuple(Tool(spec["name"], spec.get("description", ""), spec["parameters"]) for spec in Desk.tools)
    return Task("t", text, tools=tools, form=Form.of_a_turn(tools), environment=environment)


def test_a_trajectory_holds_the_actions_the_observations_and_the_state_before_and_after() -> None:
    episode = Episode.of(task_in())
    seen = [episode.step("book", {"room": "Heron", "hour": 9}), episode.step("book", {"room": "Plover", "hour": 9})]
    trajectory = episode.trajectory("booked")
    assert seen == ["Heron is taken at 9.", "Plover is yours at 9."]
    assert trajectory.observations == ("Heron is taken at 9.", *seen)
    assert trajectory.before == {"bookings": {"Plover": {}, "Heron": {"9": "review"}}}
    assert trajectory.after == {"bookings": {"Plover": {"9": "desk"}, "Heron": {"9": "review"}}}
    assert trajectory.to_json() == {
        "actions": [
            {"tool": "book", "arguments": {"room": "Heron", "hour": 9}},
            {"tool": "book", "arguments": {"room": "Plover", "hour": 9}},
        ],
        "state": trajectory.after,
        "done": "booked",
    }


def test_what_is_done_after_a_trajectory_was_taken_is_not_in_it() -> None:
    episode = Episode.of(task_in())
    early = episode.trajectory()
    episode.step("book", {"room": "Plover", "hour": 9})
    assert early.after == early.before
    assert early.actions == []
    assert early.done is None


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("bok", {}, "Refused: there is no tool 'bok'; there are 'book' and 'look'."),
        ("book", {"room": "Plover"}, "Refused: the arguments of book are wrong: $: 'hour' is a required property"),
        ("book", {"room": "Plover", "hour": "9"}, "$.hour: '9' is not of type 'integer'"),
        ("look", {"where": "there"}, "'where' was unexpected"),
        ("look", [], "[] is not of type 'object'"),
        ("book", {"room": "\ud800", "hour": 9}, "can't be written as UTF-8"),
        ("book", {"room": "Plover", "hour": float("nan")}, "no number of JSON's"),
    ],
)
def test_an_action_that_the_definitions_do_not_allow_is_answered_and_never_reaches_the_environment(
    tool: str, arguments: Any, told: str
) -> None:
    episode = Episode.of(task_in())
    observation = episode.step(tool, arguments)
    trajectory = episode.trajectory()
    assert told in observation
    assert trajectory.after == trajectory.before
    assert trajectory.steps[0].refused == observation


def test_a_refused_action_is_in_the_log_and_a_text_without_one_is_a_step_without_an_action() -> None:
    episode = Episode.of(task_in())
    episode.step("book", {"room": "Plover"})
    assert episode.unread() == NO_ACTION
    trajectory = episode.trajectory()
    assert trajectory.actions == [{"tool": "book", "arguments": {"room": "Plover"}}]
    assert [step.action is None for step in trajectory.steps] == [False, True]


def test_the_first_message_is_the_input_and_the_first_observation_or_that_alone_where_it_holds_the_input() -> None:
    assert Episode.of(task_in(text="Book at 9.\n")).opening == "Book at 9.\n\nHeron is taken at 9."
    assert Episode.of(task_in(text="Heron is taken")).opening == "Heron is taken at 9."


def test_what_an_environment_does_to_its_arguments_or_its_state_does_not_change_the_log() -> None:
    class Careless(Desk):
        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            assert isinstance(arguments, dict)
            arguments.clear()
            return "gone"

    arguments = {"room": "Plover", "hour": 9}
    episode = Episode.of(task_in(Careless))
    episode.step("book", arguments)
    assert arguments == {"room": "Plover", "hour": 9}
    assert episode.trajectory().actions == [{"tool": "book", "arguments": arguments}]


NOTHING: dict[str, str] = {}


class Raising(Desk):
    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return NOTHING[tool]


class Ending(Desk):
    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        raise SystemExit(3)


class Mute(Desk):
    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return None  # type: ignore[return-value]  # what is tested


def test_what_an_environment_raises_is_a_crash_with_the_traceback_of_its_own_code() -> None:
    with pytest.raises(EnvironmentCrash, match=r"test_workflow:Raising\.step\('look'\) raised KeyError: 'look'") as caught:
        Episode.of(task_in(Raising)).step("look", {})
    assert "return NOTHING[tool]" in caught.value.traceback
    assert "workflow.py" not in caught.value.traceback.replace("test_workflow.py", "")


@pytest.mark.parametrize(("environment", "told"), [(Ending, "SystemExit: 3"), (Mute, "returned a NoneType")])
def test_an_exit_and_an_observation_that_is_no_text_are_crashes(environment: type[Any], told: str) -> None:
    with pytest.raises(EnvironmentCrash, match=told):
        Episode.of(task_in(environment)).step("look", {})


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ([], "returned a list; a state is an object"),
        ({"rooms": {"R1": {1, 2}}}, r"not JSON: \$\.rooms\.R1: a set"),
        ({"rooms": [0.5, float("inf")]}, r"\$\.rooms\[1\]: inf"),
        ({"rooms": {1: "x"}}, r"\$\.rooms: the key 1 is no string"),
    ],
)
def test_a_state_that_json_has_not_is_a_crash_that_says_where(state: Any, told: str) -> None:
    class Odd(Desk):
        def state(self) -> dict[str, Any]:
            return state  # type: ignore[no-any-return]  # what is tested

    with pytest.raises(EnvironmentCrash, match=told):
        Episode.of(task_in(Odd))


def test_a_value_that_holds_itself_is_not_json() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotJson, match="nested too deep"):
        plain(loop)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text().filter(lambda text: text.isprintable()),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    )
)
def test_what_json_has_comes_back_equal_and_as_a_copy(value: Any) -> None:
    copy = plain(value)
    assert json.loads(json.dumps(copy)) == copy == value
    assert copy is not value or not isinstance(value, list | dict)
