"""The `fields` scorer, sentence by sentence of the definitions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.errors import TaskError
from pytest_understudy.scoring.score import Score
from pytest_understudy.scoring.scorers import judged, scorer_for
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task

EMAIL = {"intent": "refund", "priority": "high", "address": {"city": "Bonn", "zip": "53111"}}


def score(expect: Any, value: Any, **task: Any) -> Score:
    return judged(Task("t", "input", expect=expect, scorer="fields", **task), json.dumps(value), "stop")[1]


def failed(scored: Score) -> list[str]:
    return [check.name for check in scored.checks if not check.passed]


def names(scored: Score) -> list[str]:
    return [check.name for check in scored.checks]


def test_everything_right_is_a_strict_pass_with_its_checks_in_the_order_of_expect() -> None:
    scored = score(EMAIL, EMAIL)
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (1.0, True, "pass", None)
    assert names(scored) == ["finished", "parsed", "intent", "priority", "address.city", "address.zip"]


def test_credit_is_the_share_of_right_leaves_recursively() -> None:
    scored = score(EMAIL, {"intent": "refund", "priority": "low", "address": {"city": "Bonn", "zip": 53111}})
    assert scored.credit == 0.5
    assert failed(scored) == ["priority", "address.zip"]
    assert scored.missed == "priority"
    assert scored.outcome == "silent"
    assert next(check.detail for check in scored.checks if check.name == "priority") == 'expected "high", given "low"'


def test_an_absent_leaf_is_wrong_and_null_is_not_absent() -> None:
    assert score({"a": None}, {}).credit == 0.0
    assert score({"a": None}, {"a": None}).strict
    assert score({"a": {"any": True}}, {}).credit == 0.0
    assert score({"a": {"any": True}}, {"a": None}).strict
    assert score({"a": 1}, {}).checks[-1].detail == "expected 1, given nothing"


def test_a_list_is_one_leaf() -> None:
    scored = score({"tags": ["a", {"pattern": "b+"}], "n": 1}, {"tags": ["a", "c"], "n": 1})
    assert scored.credit == 0.5
    assert failed(scored) == ["tags"]
    assert score({"tags": ["a", {"pattern": "b+"}], "n": 1}, {"tags": ["a", "bb"], "n": 1}).strict


def test_extra_keys_cost_no_credit_and_fail_strict_wherever_they_are() -> None:
    for extra in ({**EMAIL, "note": "x"}, {**EMAIL, "address": {"city": "Bonn", "zip": "53111", "street": "y"}}):
        scored = score(EMAIL, extra)
        assert (scored.credit, scored.strict, scored.outcome) == (1.0, False, "silent")
        assert scored.missed == "extra"
    assert score(EMAIL, extra).checks[-1].detail == "not expected: address.street"


def test_an_optional_key_counts_only_when_it_is_given() -> None:
    expect = {"a": 1, "note": {"optional": "x"}}
    assert score(expect, {"a": 1}).strict
    assert score(expect, {"a": 1, "note": "x"}).strict
    assert score(expect, {"a": 1, "note": "y"}).credit == 0.5
    assert score(expect, {"a": 2}).credit == 0.0
    assert score(expect, {"a": 2, "note": "x"}).credit == 0.5


def test_an_optional_object_counts_leaf_by_leaf_when_it_is_given() -> None:
    expect = {"a": 1, "address": {"optional": {"city": "Bonn", "zip": {"optional": "53111"}}}}
    assert score(expect, {"a": 1}).strict
    assert score(expect, {"a": 1, "address": {"city": "Bonn"}}).strict
    assert score(expect, {"a": 1, "address": {"city": "Ulm", "zip": "53111"}}).credit == pytest.approx(2 / 3)
    assert score(expect, {"a": 1, "address": "Bonn"}).credit == 0.5


@pytest.mark.parametrize("given", ["Bonn", None, ["Bonn"]])
def test_where_an_object_is_expected_and_something_else_is_given_its_leaves_are_wrong(given: Any) -> None:
    assert failed(score({"a": 1, "address": {"city": "Bonn"}}, {"a": 1, "address": given})) == ["address.city"]
    assert failed(score({"a": 1, "address": {"city": {"optional": "Bonn"}}}, {"a": 1, "address": given})) == ["address"]


def test_an_object_in_which_nothing_is_expected_is_a_leaf() -> None:
    assert score({"a": {}}, {"a": {}}).strict
    assert failed(score({"a": {}}, {"a": {"x": 1}})) == ["extra"]
    assert failed(score({"a": {}}, {})) == ["a"]
    assert score({}, {}).strict
    assert failed(score({}, {"x": 1})) == ["extra"]


def test_all_optional_and_nothing_given_is_right() -> None:
    scored = score({"a": {"optional": 1}}, {})
    assert (scored.credit, scored.strict) == (1.0, True)


@pytest.mark.parametrize("value", [[EMAIL], "refund", 3, None])
def test_a_value_that_is_no_object_is_a_detectable_miss(value: Any) -> None:
    scored = score(EMAIL, value)
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (0.0, False, "detectable", "shape")


def test_no_value_parsed_is_credit_0_even_where_nothing_is_expected() -> None:
    value, scored = judged(Task("t", "", expect={}, scorer="fields"), "no idea", "stop")
    assert value is None
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (0.0, False, "detectable", "parsed")
    assert "no idea" in scored.checks[-1].detail


def test_a_matcher_for_the_whole_value_is_one_leaf() -> None:
    expect = {"any_of": [{"a": 1}, {"b": 2}]}
    assert score(expect, {"b": 2}).strict
    assert failed(score(expect, {"c": 2})) == ["value"]


def test_details_and_names_stay_short_and_can_be_encoded() -> None:
    scored = score({"a": "x" * 5000}, {"a": "y" * 5000, "\ud800" + "z" * 5000: 1})
    assert all(len(check.detail) <= 200 and len(check.name) <= 80 for check in scored.checks)
    assert all(check.detail == check.detail.encode().decode() for check in scored.checks)
    assert "expected" in scored.checks[-2].detail
    assert "given" in scored.checks[-2].detail


def test_a_wrong_form_fails_strict_and_can_be_seen() -> None:
    form = Form.from_schema({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
    task = Task("t", "", expect={"a": {"any": True}}, form=form)
    assert judged(task, '{"a": 1}', "stop")[1].strict
    scored = judged(task, '{"a": "one"}', "stop")[1]
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (1.0, False, "detectable", "valid")


@pytest.mark.parametrize("expect", ["refund", ["a"], 3, None])
def test_fields_need_an_object(expect: Any) -> None:
    with pytest.raises(TaskError, match=r"^operations\.yaml:7: expect: the 'fields' scorer needs an object"):
        scorer_for(Task("t", "", expect=expect, scorer="fields", source="operations.yaml:7"))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from("xyz"), values, max_size=3)


@given(objects, values)
@settings(max_examples=200, deadline=None)
def test_credit_is_a_share_and_strict_implies_all_of_it(expect: dict[str, Any], value: Any) -> None:
    scored = score(expect, value)
    assert 0.0 <= scored.credit <= 1.0
    assert not scored.strict or scored.credit == 1.0
    assert scored.strict == (scored.outcome == "pass") == (scored.missed is None)
    assert score(expect, expect).strict


@given(objects, objects)
@settings(max_examples=100, deadline=None)
def test_an_extra_key_changes_no_credit_and_never_passes(expect: dict[str, Any], value: dict[str, Any]) -> None:
    extra = score(expect, {**value, "other": 1})
    assert extra.credit == score(expect, value).credit
    assert not extra.strict
