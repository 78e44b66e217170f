"""The `state` scorer, and what a trajectory is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.errors import ScorerError, TaskError
from pytest_understudy.scoring.score import Answer, Score
from pytest_understudy.scoring.scorers import judged_trajectory, scorer_for
from pytest_understudy.suite.task import Task, Tool
from pytest_understudy.suite.workflow import Step, Trajectory

BEFORE: dict[str, Any] = {"rooms": {"Heron": {"9": "review"}, "Plover": {}}, "mail": [], "open": 1}


class Still:
    """An environment in which nothing happens: states are made by hand here."""

    tools = ()

    def reset(self, task: Task) -> str:
        return ""

    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return ""

    def state(self) -> dict[str, Any]:
        return {}


def task(expect: Any, scorer: str = "", **others: Any) -> Task:
    tools = tuple(map(Tool, ("book", "mail", "look")))
    return Task("t", "", expect=expect, scorer=scorer, tools=tools, environment=Still, **others)


def after(**changes: Any) -> dict[str, Any]:
    return {**BEFORE, **changes}


def step(tool: str, refused: str = "", **arguments: Any) -> Step:
    return Step({"tool": tool, "arguments": arguments}, refused or "ok", refused)


def score(expect: Any, end: Any, *steps: Step, finish: str = "stop", before: Any = BEFORE, scorer: str = "") -> Score:
    return judged_trajectory(task(expect, scorer), Trajectory("", steps, before, end, "done"), finish)[1]


def failed(scored: Score) -> list[str]:
    return [check.name for check in scored.checks if not check.passed]


BOOKED = after(rooms={"Heron": {"9": "review"}, "Plover": {"9": "desk"}})


@pytest.mark.parametrize(
    "state",
    [
        {"rooms": {"Plover": {"9": "desk"}}},
        {"rooms.Plover.9": "desk"},
        {"rooms.Plover": {"9": {"contains": "des"}}},
        {"rooms": {"Plover": {"any": True}}},
        {"rooms": {"Plover": {"literal": {"9": "desk"}}}},
        {"rooms.Plover": {"9": "desk"}, "open": 1, "mail": []},
    ],
)
def test_the_end_state_is_expected_as_nested_objects_or_as_dotted_paths_with_matchers(state: Any) -> None:
    scored = score({"state": state}, BOOKED)
    assert (scored.credit, scored.strict, scored.outcome, failed(scored)) == (1.0, True, "pass", [])


def test_credit_is_the_share_of_right_leaves() -> None:
    scored = score({"state": {"rooms.Plover.9": "desk", "mail": ["Ana"], "open": 2, "rooms.Heron.9": "review"}}, BOOKED)
    assert (scored.credit, scored.strict, scored.outcome) == (0.5, False, "silent")
    assert failed(scored) == ["mail", "open"]


def test_a_leaf_that_changed_unasked_costs_its_share_and_fails_strict() -> None:
    scored = score({"state": {"rooms.Plover.9": "desk"}}, {**BOOKED, "mail": ["Ana"], "seen": True})
    assert scored.credit == pytest.approx(1 / 3)
    assert not scored.strict
    assert failed(scored) == ["changed: mail", "changed: seen"]
    assert scored.checks[-2].detail == 'not asked for: expected [], given ["Ana"]'


def test_a_leaf_that_went_unasked_is_a_change_too() -> None:
    scored = score({"state": {"rooms.Plover.9": "desk"}}, after(rooms={"Heron": {}, "Plover": {"9": "desk"}}))
    assert (scored.credit, failed(scored)) == (0.5, ["changed: rooms.Heron.9"])


def test_an_object_without_keys_that_came_or_went_is_a_change_and_one_that_was_filled_or_emptied_is_not() -> None:
    came = score({"state": {}}, after(rooms={**BEFORE["rooms"], "Owl": {}}))
    went = score({"state": {}}, after(rooms={"Heron": {"9": "review"}}))
    assert (failed(came), failed(went)) == (["changed: rooms.Owl"], ["changed: rooms.Plover"])
    emptied = score({"state": {}, "gone": ["rooms.Heron.9"]}, after(rooms={"Heron": {}, "Plover": {}}))
    assert (emptied.credit, emptied.strict) == (1.0, True)


def test_where_nothing_is_expected_nothing_may_change() -> None:
    assert score({"state": {}}, BEFORE).strict
    assert score({"state": {}}, BOOKED).credit == 0.0


def test_a_change_of_type_or_of_white_space_is_a_change() -> None:
    assert failed(score({"state": {}}, after(open=True))) == ["changed: open"]
    assert failed(score({"state": {}}, after(open=1.0))) == []
    assert failed(score({"state": {}}, {"a": "x "}, before={"a": "x"})) == ["changed: a"]


def test_the_eleventh_change_and_those_after_it_are_counted_and_not_named() -> None:
    scored = score({"state": {"open": 1}}, after(**{f"k{i:02}": i for i in range(30)}))
    assert scored.credit == pytest.approx(1 / 31)
    assert failed(scored)[-2:] == ["changed: k09", "changed: more"]


def test_a_leaf_can_be_expected_to_be_gone() -> None:
    expect = {"state": {"open": 0}, "gone": ["rooms.Heron"]}
    assert score(expect, after(open=0, rooms={"Plover": {}})).strict
    still = score(expect, after(open=0))
    assert (still.credit, failed(still)) == (0.5, ["gone: rooms.Heron"])


def test_gone_of_what_was_never_there_is_the_suites_mistake() -> None:
    with pytest.raises(ScorerError, match=r"expect\.gone: 'rooms\.Owl' is not in the state at reset"):
        score({"state": {}, "gone": ["rooms.Owl"]}, BEFORE)


def test_a_state_in_which_a_key_with_a_dot_makes_a_path_ambiguous_is_an_error() -> None:
    with pytest.raises(ScorerError, match=r"two places of the state are both 'a\.b'"):
        score({"state": {}}, {"a.b": 1, "a": {"b": 2}})
    assert score({"state": {"mail.ana@house.example": 1}}, {"mail": {"ana@house.example": 1}}, before={"mail": {}}).strict


def test_an_optional_leaf_counts_unless_it_is_absent_or_as_it_was() -> None:
    expect = {"state": {"rooms.Plover.9": "desk", "note": {"optional": "n"}, "open": {"optional": 2}}}
    assert score(expect, BOOKED).strict
    assert score(expect, {**BOOKED, "note": "n", "open": 2}).strict
    assert score(expect, {**BOOKED, "note": "m", "open": 3}).credit == pytest.approx(1 / 3)


def test_a_forbidden_tool_or_action_is_a_harm_whatever_came_of_it() -> None:
    expect = {"state": {"rooms.Plover.9": "desk"}, "forbid": ["mail", {"tool": "book", "arguments": {"room": "Heron"}}]}
    assert score(expect, BOOKED, step("book", room="Plover", hour=9)).strict
    tried = score(expect, BOOKED, step("book", room="Heron", hour=9), step("book", room="Plover", hour=9))
    assert (tried.credit, tried.strict, tried.outcome, tried.missed) == (0.0, False, "harm", 'forbidden: book(room: "Heron")')
    mailed = score(expect, BOOKED, step("mail", refused="Refused: no."))
    assert (mailed.outcome, mailed.missed) == ("harm", "valid")
    assert "forbidden: mail" in failed(mailed)


def test_the_default_is_state_where_one_is_expected_and_actions_else() -> None:
    actions = {"actions": [{"tool": "book", "arguments": {"room": "Plover"}}]}
    right = score(actions, BOOKED, step("book", room="Plover"))
    twice = score(actions, BOOKED, step("book", room="Plover"), step("look"))
    assert (right.strict, twice.credit, twice.missed) == (True, 0.5, "extra: look")


@pytest.mark.parametrize(
    ("finish", "credit", "missed"),
    [("turns", 1.0, "finished"), ("length", 0.0, "finished"), ("unfilled", 0.0, "filled"), ("timeout", 0.0, "finished")],
)
def test_what_did_not_end_by_itself_is_not_strict_and_can_be_seen(finish: str, credit: float, missed: str) -> None:
    scored = score({"state": {"rooms.Plover.9": "desk"}}, BOOKED, finish=finish)
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (credit, False, "detectable", missed)


def test_a_turn_without_an_action_or_with_one_that_the_definitions_do_not_allow_can_be_seen() -> None:
    unread = score({"state": {"rooms.Plover.9": "desk"}}, BOOKED, Step(None, "No action.", "No action."))
    refused = score({"state": {"rooms.Plover.9": "desk"}}, BOOKED, step("book", refused="Refused: no hour."))
    assert (unread.credit, unread.strict, unread.outcome, unread.missed) == (1.0, False, "detectable", "parsed")
    assert (refused.credit, refused.strict, refused.outcome, refused.missed) == (1.0, False, "detectable", "valid")


def test_a_suites_own_scorer_sees_the_trajectory() -> None:
    seen: list[Answer] = []

    def own(task: Task, answer: Answer) -> bool:
        seen.append(answer)
        return True

    trajectory = Trajectory("", (step("look"),), BEFORE, BOOKED, "ok")
    value, scored = judged_trajectory(replace(task({}), scorer=own), trajectory, "stop", "the text")
    assert scored.strict
    assert value == {"actions": [{"tool": "look", "arguments": {}}], "state": BOOKED, "done": "ok"}
    assert seen == [Answer("the text", value, "stop", trajectory)]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"fields": {}}, "the 'state' scorer needs {state: {path: value, ...}, gone:"),
        ({"state": {}, "stat": {}}, "unknown: 'stat'; there are 'state', 'gone' and 'forbid'"),
        ({"state": {"a.b": 1, "a": {"b": 2}}}, "'a.b' is expected twice"),
        ({"state": {"a": 1}, "gone": ["a"]}, "'a' is expected to be there and to be gone"),
        ({"state": {}, "gone": "a"}, "a list of paths stands here"),
        ({"state": {}, "forbid": ["bok"]}, "no tool named 'bok'; there are 'book', 'mail' and 'look'"),
        ({"state": {"a": {"pattern": "("}}}, "t: expect.state.a"),
    ],
)
def test_what_is_wrong_with_an_expected_state_is_said_at_its_place(expect: Any, told: str) -> None:
    with pytest.raises(TaskError) as caught:
        scorer_for(task(expect, "state", source="suite.yaml:4"))
    assert told.removeprefix("t: ") in str(caught.value)
    assert str(caught.value).startswith("suite.yaml:4: expect")


def test_a_scorer_of_one_answer_is_no_scorer_of_turns_and_the_reverse() -> None:
    with pytest.raises(
        TaskError, match="the 'fields' scorer judges one answer, not turns in an environment; there are 'state' and"
    ):
        scorer_for(task({"state": {}}, "fields"))
    with pytest.raises(TaskError, match="the 'state' scorer needs an environment"):
        scorer_for(Task("t", "", expect={"state": {}}, scorer="state"))


leaf_values = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab ", max_size=2) | st.lists(st.integers(0, 1), max_size=2)
)
states = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), leaf_values, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), leaf_values | inner, max_size=3),
    max_leaves=8,
)


@given(states, states, states, st.sampled_from(["stop", "turns", "length"]))
def test_credit_is_in_0_to_1_and_strict_implies_credit_1(expected: Any, before: Any, end: Any, finish: str) -> None:
    scored = score({"state": expected}, end, before=before, finish=finish)
    assert 0.0 <= scored.credit <= 1.0
    assert not scored.strict or (scored.credit == 1.0 and finish == "stop")
    assert (scored.outcome == "pass") == scored.strict


@given(states, states)
def test_what_was_expected_and_nothing_else_is_a_strict_pass(before: Any, end: Any) -> None:
    gone = [path for path in _paths(before) if path not in _paths(end)]
    scored = score({"state": end, "gone": gone}, end, before=before)
    assert (scored.credit, scored.strict) == (1.0, True)


@given(states, states, states, st.sampled_from(["z", "z.y"]), leaf_values)
def test_a_spurious_change_never_raises_credit_and_never_leaves_strict(
    expected: Any, before: Any, end: Any, path: str, value: Any
) -> None:
    scored = score({"state": expected}, end, before=before)
    first, _, rest = path.partition(".")
    spoilt = score({"state": expected}, {**end, first: {rest: value} if rest else value}, before=before)
    assert spoilt.credit <= scored.credit
    assert not spoilt.strict


def _paths(state: Mapping[str, Any], path: str = "") -> list[str]:
    found = []
    for key, value in state.items():
        found += [path + key, *(_paths(value, f"{path}{key}.") if isinstance(value, dict) else ())]
    return found
