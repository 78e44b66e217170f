from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_understudy.suite.cursor import Cursor
from pytest_understudy.suite.form import Form


def walk(*texts: str, **properties: dict[str, Any]) -> Cursor:
    """At the end of these texts, all of which fit, in an object of these properties, all required."""
    cursor = Form.from_schema({"type": "object", "properties": properties, "required": list(properties)}).start()
    for text in texts:
        assert cursor.take(text) == ""
    return cursor


TEXT = {"type": "string"}
COUNT = {"type": "integer"}


@pytest.mark.parametrize(
    "written",
    ['{"a":1,"b":"x y"}', '{"a": 1, "b": "x y"}', '{\n  "a": 1,\n  "b": "x y"\n}\n', ' { "a" :1 , "b" :"x y" } '],
)
def test_json_is_taken_with_any_white_space_and_written_with_its_own(written: str) -> None:
    assert walk(written, a=COUNT, b=TEXT).text == '{"a": 1, "b": "x y"}'


def test_white_space_inside_a_string_is_the_models_own() -> None:
    assert walk('{"b": "  x   y ', b=TEXT).text == '{"b": "  x   y '
    assert walk(b=TEXT).take('{"b": "x\ny"}') == '\ny"}'


def test_what_does_not_fit_is_given_back() -> None:
    cursor = walk(a=COUNT, b=TEXT)
    assert cursor.take('{"a": 12 apples, "b": "x"}') == 'apples, "b": "x"}'
    assert cursor.text == '{"a": 12'


def test_a_character_is_taken_whole_or_not_at_all() -> None:
    cursor = walk(b={"enum": ["é!", "è!"]})
    assert cursor.take('{"b": "ê!"}') == 'ê!"}'
    assert cursor.text == '{"b": "'
    cursor.put_literal(whole=True)
    assert cursor.text == '{"b": "'


def test_an_escape_that_breaks_off_is_taken_back() -> None:
    cursor = walk(b=TEXT)
    assert cursor.take('{"b": "x\\q') == "q"
    assert cursor.text == '{"b": "x'
    ended = walk('{"b": "x\\', b=TEXT)
    assert ended.in_escape
    assert ended.end_value()
    assert ended.text == '{"b": "x"'


def test_escaped_quotes_and_unicode_escapes_do_not_end_a_string() -> None:
    cursor = walk('{"b": "say \\"hi\\" ', b=TEXT)
    assert cursor.in_string
    assert cursor.take('\\\\"') == ""
    assert not cursor.in_string


def test_where_a_string_stands_is_the_same_whether_its_text_comes_whole_or_byte_by_byte() -> None:
    text = json.dumps({"b": 'say "hi" \\ or "\u2028\u00e9" and \n', "a": 1})
    for cut in range(len(text)):
        whole, pieces = walk(text[:cut], b=TEXT, a=COUNT), walk(*text[:cut], b=TEXT, a=COUNT)
        assert (whole.text, whole.in_string, whole.in_escape) == (pieces.text, pieces.in_string, pieces.in_escape)
        assert whole.copy().end_value() == pieces.copy().end_value()


def test_a_value_begun_by_the_model_is_ended_by_the_form() -> None:
    cursor = walk('{"intent": "refu', intent={"enum": ["refund_request", "billing"]}, n=COUNT)
    cursor.put_literal()
    assert cursor.text == '{"intent": "refund_request", "n":'


def test_a_value_not_begun_is_the_models_until_it_has_failed() -> None:
    cursor = walk(state={"enum": ["S1", "S2"]})
    cursor.put_literal()
    assert cursor.text == '{"state": "'
    cursor.put_literal(whole=True)
    assert cursor.text == '{"state": "S'


def test_a_number_is_ended_only_where_one_thing_can_follow() -> None:
    last = walk('{"a": 12', a=COUNT)
    assert last.end_value()
    assert last.text == '{"a": 12}'
    listed = walk('{"a": [12', a={"type": "array", "items": COUNT})
    assert listed.ends == b",]"
    assert not listed.end_value()
    unfinished = walk('{"a": -', a=COUNT)
    assert not unfinished.end_value()


def test_nothing_is_ended_before_a_value_is_there() -> None:
    assert not walk('{"a": [', a={"type": "array", "items": COUNT}).end_value()
    assert walk("{", a=COUNT).ends == b""


def test_white_space_at_the_end_is_taken_back_and_may_be_said_again() -> None:
    cursor = walk('{"b": "two words ', b=TEXT)
    cursor.drop_white_end()
    assert cursor.text == '{"b": "two words'
    assert cursor.take(' more"}') == ""
    assert json.loads(cursor.text) == {"b": "two words more"}


def test_a_walk_is_done_where_nothing_can_follow() -> None:
    assert walk('{"a": 1}', a=COUNT).done
    number = Form.from_schema(COUNT).start()
    number.take("12")
    assert number.accepting
    assert not number.done


def test_after_the_end_everything_is_given_back() -> None:
    cursor = walk('{"a": 1}', a=COUNT)
    assert cursor.take(" That is all.") == "That is all."


def test_what_would_fit_is_told_and_not_written() -> None:
    cursor = walk('{"b": "', b={"type": "string", "maxLength": 3})
    assert [cursor.fitting(data) for data in (b"", b"ab", b"abc", b"abcd", b'a"}b', b"\n")] == [0, 2, 3, 3, 3, 0]
    assert cursor.text == '{"b": "'
    assert walk('{"b": "x"}', b=TEXT).fitting(b"a") == 0


def test_a_copy_goes_its_own_way() -> None:
    cursor = walk('{"b": "x', b=TEXT)
    other = cursor.copy()
    other.take('"}')
    assert cursor.text == '{"b": "x'
    assert cursor.in_string
    assert not other.in_string


def test_a_megabyte_is_taken() -> None:
    cursor = walk(b=TEXT)
    assert cursor.take('{"b":' + " " * 50_000 + '"' + "é" * 500_000) == ""
    assert len(cursor) == len('{"b": "') + 1_000_000


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (r'{"x": "caf\u00e9", "y": 1}', r'{"x": "caf\u00e9", "y": 1}'),
        (r'{"x": "\ud83d\ude00", "y": 1}', r'{"x": "\ud83d\ude00", "y": 1}'),
        (r'{"x": "a\/b", "y": 1}', '{"x": "a/b", "y": 1}'),
    ],
)
def test_all_of_jsons_escapes_are_taken(said: str, written: str) -> None:
    properties = {"x": {"type": "string"}, "y": {"type": "integer"}}
    cursor = Form.from_schema({"type": "object", "properties": properties, "required": ["x", "y"]}).start()
    assert (cursor.take(said), cursor.text, cursor.done) == ("", written, True)
