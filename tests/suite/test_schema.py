from __future__ import annotations

from typing import Any

import pytest

from pytest_understudy.suite.schema import closed, place, subschemas

TEXT = {"type": "string"}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_every_schema_in_a_schema_is_walked_with_its_place() -> None:
    schema = of(lines={"type": "array", "items": {"anyOf": [TEXT, of(enum=TEXT)]}}, data={"const": {"type": "x"}})
    assert [place(steps) for steps, _ in subschemas(schema)] == [
        "$",
        "$.properties.lines",
        "$.properties.lines.items",
        "$.properties.lines.items.anyOf[0]",
        "$.properties.lines.items.anyOf[1]",
        "$.properties.lines.items.anyOf[1].properties.enum",
        "$.properties.data",
    ]


def test_objects_are_closed_at_every_depth_and_the_schema_is_left_as_it_was() -> None:
    schema = of(inner=of(a=TEXT), listed={"type": "array", "items": of(b=TEXT)})
    shut = closed(schema)
    assert [part.get("additionalProperties") for _, part in subschemas(shut) if "properties" in part] == [False] * 3
    assert "additionalProperties" not in str(schema)


def test_alternatives_are_closed_each() -> None:
    shut = closed({"anyOf": [of(a=TEXT), of(b=TEXT)]})
    assert [part["additionalProperties"] for part in shut["anyOf"]] == [False, False]


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [of(a=TEXT), of(b=TEXT)]},
        {**of(a=TEXT), "anyOf": [of(b=TEXT), of(c=TEXT)]},
        {**of(a=TEXT), "$ref": "#/$defs/base", "$defs": {"base": of(b=TEXT)}},
        {"allOf": [{"$ref": "#/$defs/base"}, of(a=TEXT)], "$defs": {"base": of(b=TEXT)}},
        {**of(a=TEXT), "additionalProperties": TEXT},
        {**of(a=TEXT), "patternProperties": {"^x-": TEXT}},
        {"type": "object"},
    ],
)
def test_what_several_schemas_describe_together_or_what_says_more_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert closed(schema) == schema


def test_one_schema_behind_all_of_is_closed() -> None:
    shut = closed({"allOf": [{"$ref": "#/$defs/base"}], "$defs": {"base": of(a=TEXT)}})
    assert shut["$defs"]["base"]["additionalProperties"] is False


def test_a_property_named_like_a_keyword_is_closed_like_any_other() -> None:
    shut = closed(of(properties=of(allOf=of(a=TEXT))))
    inner = shut["properties"]["properties"]
    assert inner["additionalProperties"] is False
    assert inner["properties"]["allOf"]["additionalProperties"] is False
