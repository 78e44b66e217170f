"""What was expected and what was given, leaf by leaf, say what the score says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_understudy.scoring.beside import beside
from pytest_understudy.scoring.scorers import judged
from pytest_understudy.suite.task import MISSING, Task


def rows(expect: Any, value: Any, **task: Any) -> list[tuple[str, Any, Any, bool]]:
    """(name, expected, given, right) of an answer that is this value."""
    asked = Task("t", "", expect=expect, **task)
    output = json.dumps(value)
    return [(row.name, row.expected, row.given, row.right) for row in beside(asked, output, judged(asked, output, "stop")[0])]


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


def test_fields_are_told_leaf_by_leaf_with_matchers_as_the_file_has_them() -> None:
    expect = {"intent": "refund", "who": {"name": {"contains": "Ann"}, "age": {"optional": 3}}, "tags": ["a", "b"]}
    assert rows(expect, {"intent": "refund", "who": {"name": "Bob"}, "tags": ["a"]}) == [
        ("intent", "refund", "refund", True),
        ("who.name", {"contains": "Ann"}, "Bob", False),
        ("who.age", {"optional": 3}, MISSING, True),
        ("tags", ["a", "b"], ["a"], False),
    ]


def test_keys_that_nobody_asked_for_come_last() -> None:
    assert rows({"a": {"b": 1}}, {"x": 2, "a": {"b": 1, "c": 3}})[1:] == [("x", MISSING, 2, False), ("a.c", MISSING, 3, False)]


def test_where_no_object_is_given_every_leaf_is_missing() -> None:
    assert rows({"a": 1, "b": {"optional": 2}}, [1]) == [("a", 1, MISSING, False), ("b", {"optional": 2}, MISSING, True)]


def test_an_optional_object_that_is_absent_has_no_leaves() -> None:
    assert rows({"a": 1, "b": {"optional": {"c": 2}}}, {"a": 1}) == [("a", 1, 1, True)]


def test_actions_are_told_by_the_pairs_that_the_score_is_made_of() -> None:
    expect = {"actions": [call("mail", to="Ann", text={"contains": "hi"}), call("mail", to="Bob"), call("log")]}
    given = {"actions": [call("mail", to="Bob"), call("mail", to="Ann", text="no", copy=True), call("ring", who="Eve")]}
    assert rows(expect, given, scorer="actions") == [
        ("mail 1.to", "Ann", "Ann", True),
        ("mail 1.text", {"contains": "hi"}, "no", False),
        ("mail 1.copy", MISSING, True, False),
        ("mail 2.to", "Bob", "Bob", True),
        ("log", {}, MISSING, False),
        ("ring", MISSING, {"who": "Eve"}, False),
    ]


def test_an_answer_of_another_shape_has_called_nothing() -> None:
    assert rows({"actions": [call("a", x=1)]}, {"acts": []}, scorer="actions") == [("a.x", 1, MISSING, False)]


def test_an_exact_answer_is_one_leaf() -> None:
    assert rows("yes", "no", scorer="exact") == [("answer", "yes", '"no"', False)]
    assert rows({"any_of": ["yes", "no"]}, "no", scorer="exact")[0][3] is True


def test_a_suites_own_scorer_has_no_leaves() -> None:
    assert rows({"a": 1}, {"a": 2}, scorer=lambda task, answer: 0.5) == []


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": "x"},
        {"a": 1},
        {"a": True, "b": "x", "c": {}},
        {"a": 1, "b": "X", "o": 4},
        {"a": 1, "b": "x", "o": 3},
    ],
)
def test_all_is_right_where_the_sample_passes_strictly_and_only_there(value: Any) -> None:
    expect = {"a": 1, "b": "x", "o": {"optional": 3}}
    strict = judged(Task("t", "", expect=expect), json.dumps(value), "stop")[1].strict
    assert all(row[3] for row in rows(expect, value)) is strict


def test_the_same_leaf_of_two_answers_has_one_place() -> None:
    task = Task("t", "", expect={"actions": [call("a", x=1, y=2)]}, scorer="actions")
    one = beside(task, "", {"actions": [call("a", x=1, y=3)]})
    other = beside(task, "", {"actions": []})
    assert [row.place for row in one] == [row.place for row in other]
