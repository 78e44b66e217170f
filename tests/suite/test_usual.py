"""What is taken for valid without the metaschema is valid by it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator, validator_for

from pytest_understudy.suite.usual import is_usual

TEXT = {"type": "string"}
KEYWORDS = [
    *("title", "description", "type", "enum", "const", "default", "properties", "required", "additionalProperties", "items"),
    *("minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "anyOf", "oneOf", "allOf", "$ref", "uniqueItems", "multipleOf"),
]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["object", "string", "number", "x", "", 0, 1, -1, 2.0, 0.5, True, False, None, [], {}]),
    st.lists(st.sampled_from(["a", "b", 1, None, {}, TEXT]), max_size=3),
)
SCHEMAS = st.recursive(
    st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(KEYWORDS),
        st.one_of(VALUES, inner, st.lists(inner, max_size=2), st.dictionaries(st.text(), inner)),
        max_size=3,
    ),
    max_leaves=4,
)


@given(SCHEMAS)
def test_what_is_taken_for_valid_is_valid(schema: dict[str, Any]) -> None:
    if is_usual(schema):
        assert validator_for(schema, default=Draft202012Validator) is Draft202012Validator
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        TEXT,
        {
            "type": "object",
            "properties": {"a": {"enum": ["x", 1, None]}, "n": {"type": "integer", "minimum": 0}},
            "required": ["a"],
        },
        {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
        {"anyOf": [{"const": "b"}, {"type": "null"}], "description": "either"},
    ],
)
def test_plain_schemas_are_known(schema: dict[str, Any]) -> None:
    assert is_usual(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": None},
        {"items": None},
        {"required": ["a", "a"]},
        {"maxLength": -1},
        {"maxLength": True},
        {"minimum": "0"},
        {"minimum": True},
        {"properties": {"a": {"type": "strin"}}},
        {"anyOf": []},
        {"additionalProperties": None},
        {"unknown": 1},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"},
    ],
)
def test_of_others_the_metaschema_has_to_tell(schema: dict[str, Any]) -> None:
    assert not is_usual(schema)


def test_a_schema_nested_beyond_all_measure_is_none_of_them() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100_000):
        schema = {"items": schema}
    assert not is_usual(schema)
