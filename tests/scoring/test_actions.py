"""The `actions` scorer, sentence by sentence of the definitions."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.errors import TaskError
from pytest_understudy.scoring.score import Score
from pytest_understudy.scoring.scorers import judged, scorer_for
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task, Tool


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


def score_value(expect: Any, value: Any, **task: Any) -> Score:
    return judged(Task("t", "", expect=expect, scorer="actions", **task), json.dumps(value), "stop")[1]


def score(expected: list[Any], given: list[Any], **expect: Any) -> Score:
    return score_value({"actions": expected, **expect}, {"actions": given})


def failed(scored: Score) -> list[str]:
    return [check.name for check in scored.checks if not check.passed]


def test_all_actions_right_is_a_strict_pass_with_a_check_for_each_argument() -> None:
    actions = [call("jira.create_issue", project="OPS", title="Down"), call("slack.post", channel="#ops")]
    scored = score(actions, list(reversed(actions)))
    assert (scored.credit, scored.strict, scored.outcome) == (1.0, True, "pass")
    assert [check.name for check in scored.checks] == [
        "finished", "parsed", "jira.create_issue.project", "jira.create_issue.title", "slack.post.channel",
    ]  # fmt: skip


def test_a_pair_is_worth_its_right_arguments_and_nothing_if_the_tool_is_wrong() -> None:
    expected = [call("a", x=1, y=2, z=3, w=4)]
    assert score(expected, [call("a", x=1, y=2, z=3, w=0)]).credit == 0.75
    assert score(expected, [call("b", x=1, y=2, z=3, w=4)]).credit == 0.0
    assert failed(score(expected, [call("b", x=1)])) == ["a", "extra: b"]
    assert failed(score(expected, [call("a", y=2, z=3, w=5)])) == ["a.x", "a.w"]


def test_a_pair_is_worth_1_where_no_argument_is_expected() -> None:
    assert score([call("a")], [call("a")]).strict
    extra = score([{"tool": "a"}], [call("a", x=1)])
    assert (extra.credit, extra.strict, extra.missed) == (1.0, False, "extra")


def test_an_optional_argument_counts_only_when_it_is_given() -> None:
    expected = [call("a", x=1, note={"optional": "n"})]
    assert score(expected, [call("a", x=1)]).strict
    assert score(expected, [call("a", x=1, note="n")]).strict
    assert score(expected, [call("a", x=1, note="m")]).credit == 0.5


def test_an_argument_is_right_as_a_whole() -> None:
    expected = [call("a", at={"city": "Bonn", "zip": "1"}, x=1)]
    assert score(expected, [call("a", at={"city": "Bonn", "zip": "2"}, x=1)]).credit == 0.5


def test_a_parameter_named_like_a_matcher_is_a_parameter() -> None:
    assert score([call("grep", pattern="TODO.*")], [call("grep", pattern="TODO.*")]).strict
    assert score([call("grep", pattern={"pattern": "TODO.*"})], [call("grep", pattern="TODO now")]).strict


def test_credit_is_shared_over_what_is_expected_or_given_whichever_is_more() -> None:
    a, b = call("a", x=1), call("b", x=1)
    assert score([a, b], [a]).credit == 0.5
    assert score([a], [a, b]).credit == 0.5
    assert score([a], [a, b, b, b]).credit == 0.25


def test_nothing_expected_and_nothing_given_is_1_and_something_given_is_0() -> None:
    assert score([], []).strict
    assert score([], [call("a")]).credit == 0.0
    assert failed(score([], [call("a"), call("a")])) == ["extra: a"]


def test_an_optional_action_counts_only_where_it_is_matched() -> None:
    a, maybe = call("a", x=1), {**call("b", x=1), "optional": True}
    assert score([a, maybe], [a]).strict
    assert score([a, maybe], [a, call("b", x=1)]).strict
    assert score([a, maybe], [call("b", x=1)]).credit == 0.5  # one right of: a, and the matched b
    assert score([maybe], []).strict
    half = score([a, {**call("b", x=1, y=2), "optional": True}], [a, call("b", x=1, y=3)])
    assert (half.credit, failed(half)) == (0.75, ["b.y"])


def test_an_optional_action_is_not_matched_by_one_of_which_nothing_is_right() -> None:
    scored = score([call("a"), call("c"), {**call("b", x=1), "optional": True}], [call("a"), call("b", x=2)])
    assert (scored.credit, failed(scored)) == (0.5, ["c", "extra: b"])


def test_a_required_action_goes_before_an_equal_optional_one() -> None:
    assert score([{**call("a", x=1), "optional": True}, call("a", x=1)], [call("a", x=1)]).strict


def test_any_order_takes_the_pairing_worth_the_most_and_not_the_first_that_fits() -> None:
    expected = [call("a", x=1, y=1), call("a", x=1, y=2)]
    scored = score(expected, [call("a", x=1, y=2), call("a", x=1, y=1)])
    assert scored.strict
    assert score(expected, [call("a", x=1, y=2)]).credit == 0.5


def test_of_pairings_worth_the_same_the_one_with_more_wholly_right_pairs_is_taken() -> None:
    expected = [call("a", p=1, q=1), call("a", p=2, q=2)]
    # 1 + 0 as it stands, 1/2 + 1/2 crosswise.
    scored = score(expected, [call("a", p=1, q=1), call("a", p=3, q=3)])
    assert failed(scored) == ["a.p", "a.q"]
    crossed = [call("a", p=1, q=2), call("a", p=2, q=1)]
    assert score(expected, crossed).credit == 0.5


def test_listed_keeps_the_order_and_any_does_not_mind() -> None:
    a, b = call("a", x=1), call("b", x=1)
    assert score([a, b], [a, b], order="listed").strict
    assert score([a, b], [b, a]).strict
    turned = score([a, b], [b, a], order="listed")
    assert (turned.credit, turned.strict, failed(turned)) == (0.5, False, ["b", "extra: b"])


def test_listed_takes_the_alignment_worth_the_most() -> None:
    a, b, c = call("a", x=1), call("b", x=1, y=2), call("c", x=1)
    scored = score([a, b, c], [c, a, call("b", x=1, y=3), c], order="listed")
    assert scored.credit == pytest.approx(2.5 / 4)
    assert failed(scored) == ["b.y", "extra: c"]


def test_a_forbidden_tool_is_credit_0_and_harm_in_whatever_shape() -> None:
    a, drop = call("a", x=1), call("drop_table")
    expect = {"actions": [a], "forbid": ["drop_table", "rm"]}
    scored = score_value(expect, {"actions": [a, drop]})
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (0.0, False, "harm", "forbidden: drop_table")
    assert failed(scored) == ["forbidden: drop_table"]
    for value in ([drop], drop, {"actions": drop}, {"actions": [{"tool": "rm"}]}):
        assert score_value(expect, value).outcome == "harm"
    assert score_value(expect, {"actions": [a]}).strict


def test_a_forbidden_tool_is_harm_in_a_cut_answer_too() -> None:
    task = Task("t", "", expect={"actions": [], "forbid": ["rm"]}, scorer="actions")
    assert judged(task, json.dumps({"actions": [call("rm")]}), "length")[1].outcome == "harm"
    assert judged(task, json.dumps({"actions": []}), "length")[1].outcome == "detectable"


@pytest.mark.parametrize(
    "value",
    [
        [call("a")],
        call("a"),
        {},
        {"actions": call("a")},
        {"actions": ["a"]},
        {"actions": [{"tool": "a"}]},
        {"actions": [{"arguments": {}}]},
        {"actions": [{"tool": 1, "arguments": {}}]},
        {"actions": [call("a"), {"tool": "a", "arguments": []}]},
        "a",
        None,
    ],
)
def test_only_the_documented_shape_gives_credit(value: Any) -> None:
    scored = score_value({"actions": [call("a")]}, value)
    assert (scored.credit, scored.strict, scored.outcome, scored.missed) == (0.0, False, "detectable", "shape")
    assert '{"actions": [{"tool": ..., "arguments": {...}}, ...]}' in scored.checks[-1].detail


def test_keys_that_nobody_asked_for_fail_strict_and_cost_nothing() -> None:
    for value in ({"actions": [{**call("a"), "id": 7}]}, {"actions": [call("a")], "reason": "x"}):
        scored = score_value({"actions": [{"tool": "a"}]}, value)
        assert (scored.credit, scored.strict, scored.missed) == (1.0, False, "extra")


def test_tools_that_do_not_exist_are_named_up_to_ten() -> None:
    scored = score([], [call(f"made_up_{n:04}" + "x" * 500) for n in range(500)])
    assert len([name for name in failed(scored) if name.startswith("extra: ")]) == 11
    assert scored.checks[-1].detail == "and 490 more tools that were not expected"
    assert all(len(check.name) <= 80 and len(check.detail) <= 200 for check in scored.checks)


def test_an_answer_of_200_actions_is_scored_in_a_moment() -> None:
    actions = [call("a", x=n, y=n % 7, z=n % 3) for n in range(40)]
    many = [call("a", x=n % 50, y=n % 5, z=n % 4) for n in range(200)]
    before = time.process_time()
    for order in ("any", "listed"):
        assert 0.0 < score(actions, many, order=order).credit < 1.0
    assert time.process_time() - before < 10


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("a", "needs {actions:"),
        ({"order": "any"}, "`actions` is missing"),
        ({"actions": [], "ordre": "any", "x": 1}, "unknown: 'ordre' and 'x'; there are 'actions', 'order' and 'forbid'"),
        ({"actions": [], "order": "sorted"}, "expect.order: no order 'sorted'; there are 'any' and 'listed'"),
        ({"actions": {}}, "expect.actions: a list of actions"),
        ({"actions": ["a"]}, "expect.actions[0]: an action is"),
        ({"actions": [{"tool": "a", "args": {}}]}, "unknown: 'args'; there are 'tool', 'arguments' and 'optional'"),
        ({"actions": [{"tool": "a", "arguments": []}]}, "expect.actions[0].arguments: arguments are an object"),
        ({"actions": [{"tool": "a", "optional": "yes"}]}, "is true or false"),
        ({"actions": [call("a", x={"pattern": "["})]}, "expect.actions[0].arguments.x: the pattern"),
        ({"actions": [call("b")]}, "expect.actions[0].tool: no tool named 'b'; there are 'a' and 'c'"),
        ({"actions": [], "forbid": ["b"]}, "expect.forbid[0]: no tool named 'b'; there are 'a' and 'c'"),
        ({"actions": [], "forbid": "a"}, "expect.forbid: a list of names"),
        ({"actions": [], "forbid": [1]}, "named by a string"),
        ({"actions": [call("a")], "forbid": ["a"]}, "both expected and forbidden"),
    ],
)
def test_a_wrong_expect_is_refused_with_its_place(expect: Any, words: str) -> None:
    task = Task("t", "", expect=expect, tools=(Tool("a"), Tool("c")), source="operations.yaml:7")
    with pytest.raises(TaskError) as raised:
        scorer_for(task)
    assert str(raised.value).startswith("operations.yaml:7: expect")
    assert words in str(raised.value)


def test_tools_make_actions_the_scorer_and_their_form_is_held() -> None:
    tools = (Tool("a", parameters={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}),)
    task = Task("t", "", expect={"actions": [call("a", x=1)]}, tools=tools, form=Form.from_tools(tools))
    assert judged(task, json.dumps({"actions": [call("a", x=1)]}), "stop")[1].strict
    wrong = judged(task, json.dumps({"actions": [call("a", x="1")]}), "stop")[1]
    assert (wrong.credit, wrong.outcome, wrong.missed) == (0.0, "detectable", "valid")


calls = st.builds(
    lambda tool, arguments: {"tool": tool, "arguments": arguments},
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 1), max_size=3),
)
answers = st.lists(calls, max_size=4)
expectations = st.lists(st.builds(lambda action, optional: {**action, "optional": optional}, calls, st.booleans()), max_size=4)
orders = st.sampled_from(["any", "listed"])


@given(expectations, answers, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_permuting_the_given_actions_changes_nothing_under_any(
    expected: list[Any], actions: list[Any], chance: random.Random
) -> None:  # fmt: skip
    permuted = list(actions)
    chance.shuffle(permuted)
    assert score(expected, permuted) == score(expected, actions)


@given(expectations, answers, orders, st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_a_spurious_action_never_raises_credit(expected: list[Any], actions: list[Any], order: str, place: int) -> None:
    more = [*actions[:place], call("spurious", x=1), *actions[place:]]
    assert score(expected, more, order=order).credit <= score(expected, actions, order=order).credit


@given(expectations, answers, orders)
@settings(max_examples=150, deadline=None)
def test_credit_is_a_share_and_strict_implies_all_of_it(expected: list[Any], actions: list[Any], order: str) -> None:
    scored = score(expected, actions, order=order)
    assert 0.0 <= scored.credit <= 1.0
    assert not scored.strict or scored.credit == 1.0
    assert score(expected, actions, order="listed").credit <= score(expected, actions).credit or any(
        action["optional"] for action in expected
    )
    asked = [{"tool": action["tool"], "arguments": action["arguments"]} for action in expected]
    assert score(expected, asked, order=order).credit == 1.0
