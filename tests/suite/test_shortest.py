from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_understudy.suite.form import Form
from pytest_understudy.suite.shortest import complete


def end_of(schema: dict[str, Any], begun: str = "") -> str:
    form = Form.from_schema(schema)
    cursor = form.start()
    assert cursor.take(begun) == ""
    assert complete(cursor)
    assert form.complaints(json.loads(cursor.text), cursor.text) == []
    return cursor.text


@pytest.mark.parametrize(
    ("schema", "shortest"),
    [
        ({"type": "string"}, '""'),
        ({"type": "string", "minLength": 700}, '"' + "a" * 700 + '"'),
        ({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{6}$"}, '"AAA-000000"'),
        ({"type": "integer"}, "0"),
        ({"type": "integer", "minimum": 10, "multipleOf": 7}, "14"),
        ({"type": "integer", "maximum": -5}, "-5"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, "[true, true]"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "{}"),
        ({"type": "object", "properties": {"a": {"type": ["null", "object"]}}, "required": ["a"]}, '{"a": {}}'),
        ({"enum": ["refund", "billing"]}, '"refund"'),
        ({"anyOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"type": "array"}]}, "[]"),
    ],
)
def test_the_shortest_end_is_near_the_shortest(schema: dict[str, Any], shortest: str) -> None:
    assert len(end_of(schema)) <= len(shortest)


def test_what_the_model_has_said_is_kept() -> None:
    lines = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
    schema = {"type": "object", "properties": {"lines": lines, "note": {"type": "string"}}, "required": ["lines", "note"]}
    assert end_of(schema, '{"lines": [{"n": 4') == '{"lines": [{"n": 4}], "note": ""}'
    assert end_of(schema, '{"lines": [], "note": "half a wor') == '{"lines": [], "note": "half a wor"}'
    assert end_of(schema, '{"lines": [], "note": "a\\') == '{"lines": [], "note": "a\\""}'


def test_a_form_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}}, "required": ["next"]}
    assert end_of({"$ref": "#/$defs/n", "$defs": {"n": node}}, '{"next": {"next"') == '{"next": {"next": null}}'


def test_dates_are_found() -> None:
    at = {"type": "string", "format": "date-time"}
    assert len(end_of({"type": "object", "properties": {"at": at}, "required": ["at"]})) <= len(
        '{"at": "0000-01-01T00:00:00+00:00"}'
    )


def test_a_form_without_an_end_is_given_up() -> None:
    brackets = Form.from_lark('start: "(" start ")" | "(" /[^)]{5000}/ ")"').start()
    assert not complete(brackets)


def test_a_long_word_is_preferred_to_going_deeper_for_ever() -> None:
    node = {
        "type": "object",
        "properties": {"v": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/n"}, {"const": "x" * 30}]}},
    }
    schema = {"$ref": "#/$defs/n", "$defs": {"n": {**node, "required": ["v", "next"]}}}
    assert end_of(schema) == '{"v": "", "next": "' + "x" * 30 + '"}'
