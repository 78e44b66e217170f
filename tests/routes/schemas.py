"""Varied JSON Schemas: some picked by hand for what is odd about each, the others drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

Schema = dict[str, Any]


def of(**properties: Schema) -> Schema:
    """An object with these properties, all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer"}
NODE: Schema = of(value=COUNT, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})

PICKED: list[Schema] = [
    of(intent={"enum": ["refund", "billing", "other"]}, priority={"enum": ["S1", "S2", "S3"]}, summary=TEXT),
    {**of(a=TEXT, b=COUNT, c={"type": "boolean"}), "required": []},
    {**of(a=TEXT, b=COUNT, c={"type": "number"}), "required": ["b"]},
    of(code={"enum": ["S1", "S10", "S100", "SX"]}, state={"enum": ["open", "opened", "op"]}),
    of(quote={"enum": ['say "hi"', 'say "ho"', "say \\ nothing"]}, accent={"enum": ["été", "étai", "ète"]}),
    of(mixed={"enum": ["one", 1, 1.5, True, None, [1], {"a": 1}]}, fixed={"const": {"deep": ["x", 1]}}),
    of(lines={"type": "array", "items": of(sku=TEXT, count={"type": "integer", "minimum": 1, "maximum": 99})}),
    of(grid={"type": "array", "items": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 3}, "minItems": 2}),
    of(pair={"type": "array", "prefixItems": [TEXT, COUNT], "items": False, "minItems": 2}),
    of(flags={"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3}),
    {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    of(either={"anyOf": [of(kind={"const": "mail"}, to=TEXT), of(kind={"const": "call"}, number=COUNT)]}),
    of(one={"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]}),
    of(nothing={"type": "null"}, maybe={"type": ["string", "null"]}, any_scalar={"type": ["integer", "boolean", "string"]}),
    of(
        short={"type": "string", "maxLength": 2},
        long={"type": "string", "minLength": 40},
        exact={"type": "string", "minLength": 3},
    ),
    of(ticket={"type": "string", "pattern": "^[A-Z]{2,4}-[0-9]{1,5}$"}, word={"type": "string", "pattern": "^(yes|no|not yet)$"}),
    of(
        day={"type": "string", "format": "date"},
        at={"type": "string", "format": "date-time"},
        mail={"type": "string", "format": "email"},
    ),
    of(id={"type": "string", "format": "uuid"}, odd={"type": "string", "format": "made-up"}),
    of(
        big={"type": "integer", "minimum": 1000000},
        below={"type": "integer", "maximum": -5},
        third={"type": "integer", "multipleOf": 3},
    ),
    of(
        share={"type": "number", "minimum": 0, "maximum": 1},
        small={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    ),
    {**of(name=TEXT), "additionalProperties": {"type": "integer"}},
    {"type": "object", "additionalProperties": {"type": "string"}},
    {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
    {"allOf": [of(a=TEXT), of(b=COUNT)]},
    {"allOf": [{"$ref": "#/$defs/base"}], "$defs": {"base": of(a=TEXT)}},
    {**of(a=TEXT), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    of(deep=of(deeper=of(deepest=of(at_last=TEXT, number={"type": "number"})))),
    of(**{'key "quoted"': TEXT, "clé": COUNT, "with space": {"type": "boolean"}, "": TEXT}),
    of(enum=TEXT, const=COUNT, properties={"enum": ["type", "items"]}, required={"type": "boolean"}),
    {"type": "array", "items": TEXT, "minItems": 1},
    {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "minItems": 2},
    {"type": "array"},
    {"type": "string"},
    {"type": "integer"},
    {"type": "boolean"},
    {"enum": ["yes", "no"]},
    {"const": "only"},
    {},
    of(anything={}),
    {"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}},
    {**of(a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}},
    {"if": of(a={"const": 1}), "then": of(b=TEXT), "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "type": "object"},
    {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"x": COUNT}, **of(x={"$ref": "#/definitions/x"})},
]


def drawn(seed: int) -> Schema:
    """A schema of an object, up to four levels deep; equal seeds, equal schemas."""
    return _object(random.Random(seed), depth=0)


def _object(draw: random.Random, depth: int) -> Schema:
    names = draw.sample(
        ["id", "name", "note", "state", "state_of", "total", "items", "tags", "é", "owner", "a b"], draw.randint(1, 5)
    )
    schema: Schema = {"type": "object", "properties": {name: _any(draw, depth + 1) for name in names}}
    if draw.random() < 0.8:
        schema["required"] = [name for name in names if draw.random() < 0.7]
    if draw.random() < 0.3:
        schema["additionalProperties"] = False
    return schema


def _any(draw: random.Random, depth: int) -> Schema:
    nested = [_object, _array, _choice] if depth < 4 else []
    kind = draw.choice([_string, _string, _enum, _number, _integer, _word, *nested])
    return kind(draw, depth)


def _array(draw: random.Random, depth: int) -> Schema:
    schema: Schema = {"type": "array", "items": _any(draw, depth + 1)}
    if draw.random() < 0.4:
        schema["minItems"] = draw.randint(0, 2)
    if draw.random() < 0.4:
        schema["maxItems"] = draw.randint(2, 4)
    return schema


def _choice(draw: random.Random, depth: int) -> Schema:
    return {draw.choice(["anyOf", "oneOf"]): [_object(draw, depth + 1), draw.choice([_word, _array, _string])(draw, depth + 1)]}


def _string(draw: random.Random, depth: int) -> Schema:
    limits: Schema = draw.choice(
        [{}, {}, {"maxLength": 8}, {"minLength": 2}, {"pattern": "^[a-z]+(-[a-z]+)?$"}, {"pattern": "\\d{3}"}, {"format": "date"}]
    )
    return {"type": "string", **limits}


def _enum(draw: random.Random, depth: int) -> Schema:
    return {
        "enum": draw.sample(["low", "lower", "lowest", "high", "S1", "S2", 'a "b"', "été", 1, 12, True, None], draw.randint(1, 5))
    }


def _number(draw: random.Random, depth: int) -> Schema:
    return {"type": "number", **draw.choice([{}, {"minimum": 0}, {"minimum": -1, "maximum": 1}, {"maximum": 1e6}])}


def _integer(draw: random.Random, depth: int) -> Schema:
    return {"type": "integer", **draw.choice([{}, {"minimum": 1, "maximum": 12}, {"multipleOf": 5}, {"exclusiveMinimum": 99}])}


def _word(draw: random.Random, depth: int) -> Schema:
    return draw.choice([{"type": "boolean"}, {"type": "null"}, {"type": ["boolean", "null"]}, {"const": 0.5}])
