"""What value is found in an output, and that no output takes long."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.scoring.parsing import DEEPEST, parsed, without_thinking
from pytest_understudy.suite.task import MISSING

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "output", ['{"a": 1}', '  {"a": 1}\n', '<think>\n\n</think>\n\n{"a": 1}', '<think>{"a": 2}</think>{"a": 1}']
)
def test_a_whole_text_that_is_json_is_clean(output: str) -> None:
    found = parsed(output)
    assert found.value == {"a": 1}
    assert found.clean


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ('Here you are:\n```json\n{"a": 1}\n```\nDone.', {"a": 1}),
        ("```\n[1, 2]\n```", [1, 2]),
        ('```json\n{"a": 1}\n```\nor rather\n```json\n{"a": 2}\n```', {"a": 2}),
        ('```json\n{"a": 1}\n```\n```python\nprint(1)\n```', {"a": 1}),
        ('```json\n{"a": 1}\n```\nsee also {"a": 2}', {"a": 1}),  # a fence goes before what stands in prose
        ('```json\n{"a": \n```json\n{"a": 2}\n```', {"a": 2}),  # the first was never closed
        ('```json\n{"a": 1}', {"a": 1}),  # never closed: the value in it is complete all the same
        ('{"a": 1} and {"a": 2}, I think.', {"a": 2}),
        ('The set [0, 1) is not {"a": 1}', {"a": 1}),
        ('I saw {braces} and then {"a": {"b": 1}}.', {"a": {"b": 1}}),
        ('{"a": "}] \\" {"} trailing', {"a": '}] " {'}),
        ('{"a": 1} {"a": 2', {"a": 1}),
        ('{"a": 1} {"b": 1, "b": 2}', {"a": 1}),
        ("Answer: {} or [] ", []),
    ],
)
def test_in_a_longer_text_the_last_fence_or_the_last_top_level_value_counts(output: str, value: Any) -> None:
    found = parsed(output)
    assert found.value == value
    assert not found.clean


@pytest.mark.parametrize(
    "output",
    [
        "",
        "no value at all",
        "the priority is 3",
        'it is "refund"',
        '{"a": 1',
        '{"a": {"b": 1}',
        '{"a": {"b": 1}, "c": tru',
        '[{"a": 1}, {"a": 2}',
        '{"a": {"b": 1}, c: 2}',
        '{c: {"b": 1}}',
        '{{"b": 1}}',
        '[see {"b": 1}]',
        "{'a': {\"b\": 1}}",
        '{"a": 1, "a": {"b": 2}}',
        '{"x": {"a": 1, "a": 2}}',
        '{"a": NaN}',
        "[Infinity]",
        "-Infinity",
        '{"a": 1e999}',
        "[" + "1" * 5000 + "]",
        '{"a": 1,}',
        '{"a": 01}',
        '{"a": "\n"}',
        '{"a": 1] }',
    ],
)
def test_nothing_broken_cut_or_said_twice_is_a_value(output: str) -> None:
    assert parsed(output).value is MISSING
    assert not parsed(output).clean


def test_an_unclosed_think_block_leaves_no_value() -> None:
    found = parsed('{"a": 1} <think> but wait, {"a": 2}')
    assert found.value is MISSING
    assert found.text is None


def test_think_blocks_end_at_the_first_close_and_a_lone_close_ends_one_that_the_prompt_opened() -> None:
    assert parsed('<think>\n\n<think>\n\n</think>{"a": 1}').value == {"a": 1}
    assert parsed('so {"a": 2} it is\n</think>\n{"a": 1}').value == {"a": 1}
    assert parsed('<think>a<think>b</think>c</think>{"a": 1}').value == {"a": 1}
    assert without_thinking("a<think>b</think>c<think>d</think>e") == "ace"


def test_a_think_tag_inside_a_json_string_is_text() -> None:
    assert parsed('{"summary": "asks what <think> means"}').value == {"summary": "asks what <think> means"}


def test_null_is_a_value_and_no_value_is_not_null() -> None:
    assert parsed("null").value is None
    assert parsed("nothing").value is MISSING


def test_brackets_deeper_than_the_limit_are_no_value() -> None:
    assert parsed("[" * DEEPEST + "]" * DEEPEST).value is not MISSING
    deeper = "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)
    assert parsed(deeper).value is MISSING
    assert parsed(f"so: {deeper}").value is MISSING
    assert parsed('{"a":' * 5000 + "1" + "}" * 5000).value is MISSING


SIZE = 2_000_000


@pytest.mark.parametrize("piece", ["[", "{", '{"a":', '["', "[1 ", "[]", '{"a":1,"a":2} ', "```\n", '["\\n', "1"])
def test_two_megabytes_of_anything_take_seconds_at_most(piece: str) -> None:
    output = "x" + piece * (SIZE // len(piece))
    before = time.process_time()
    parsed(output)
    assert time.process_time() - before < 15  # about 1 on a quiet core; quadratic would be hours


@given(json_values)
@settings(max_examples=60, deadline=None)
def test_what_is_written_as_json_is_read_back_clean(value: Any) -> None:
    found = parsed(json.dumps(value))
    assert found.value == value
    assert found.clean


@given(st.dictionaries(st.text(), json_values, max_size=3), st.text(alphabet="abc .,;:'!?\n", max_size=30))
@settings(max_examples=60, deadline=None)
def test_an_object_is_found_in_prose(value: dict[str, Any], prose: str) -> None:
    assert parsed(f"{prose} {json.dumps(value)} {prose}").value == value


@given(st.text(alphabet='{}[]",:a1 \\\n`', max_size=60))
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_json_that_the_text_holds(output: str) -> None:
    found = parsed(output)
    if found.value is not MISSING:
        assert json.loads(json.dumps(found.value)) == found.value
    if found.clean:
        assert json.loads(output) == found.value


@pytest.mark.parametrize(
    "text",
    ['{"": "[]"', '{"a": "see {} and', '[1, {"b": "[[0]]", "c\\u12', '{"": {"[]', '{"a": "of [1, 2] or {}', '{"a": 1, "[]\\'],
)
def test_brackets_in_a_string_of_a_cut_object_are_no_value(text: str) -> None:
    assert parsed(text).value is MISSING


@given(st.dictionaries(st.text(max_size=5), json_values, min_size=1, max_size=3), st.integers(min_value=1, max_value=30))
@settings(max_examples=60, deadline=None)
def test_a_cut_object_is_no_value(value: dict[str, Any], cut: int) -> None:
    text = json.dumps(value)
    assert parsed(text[: max(1, len(text) - cut)]).value is MISSING
