"""A JSON Schema read as a tree: its subschemas with their places, and itself with its objects closed.

In: a schema as JSON has it. Out: a walk over it, or a copy. What a newcomer would get wrong: a property may be named like a
keyword, and `const` and `enum` hold data, so a schema is walked by what its keywords mean; and where several schemas describe
one object together (`allOf`, a `$ref` beside `properties`), each sees the other's keys as additional, so none may be closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

# Where schemas hold schemas: one, a list of them, or some by name.
_ONE: Final = (
    *("items", "contains", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
    *("propertyNames", "not", "if", "then", "else"),
)
_LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
# Keywords whose schemas describe the same object as the schema that they stand in.
_TOGETHER: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_SAYS_OF_OTHERS: Final = ("additionalProperties", "unevaluatedProperties", "patternProperties")

Steps = tuple[str | int, ...]


def place(steps: Steps) -> str:
    """`$.properties.lines.items`: where in a schema."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def subschemas(schema: Any, steps: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """The schema itself and every schema in it, each with the steps that lead there."""
    if isinstance(schema, dict):
        yield steps, schema
        for more, inner in _children(schema):
            yield from subschemas(inner, (*steps, *more))


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy in which objects that list their properties and are silent about others take no others.

    Without it `}` is never forced, and a model may go on inventing keys.
    """
    open_ones = frozenset(_described_together(schema))
    result: dict[str, Any] = _closed(schema, (), open_ones, False)
    return result


def _children(schema: dict[str, Any]) -> Iterator[tuple[Steps, Any]]:
    for keyword, value in schema.items():
        if keyword in _NAMED and isinstance(value, dict):
            yield from (((keyword, name), part) for name, part in value.items())
        elif keyword in _LISTED and isinstance(value, list):
            yield from (((keyword, number), part) for number, part in enumerate(value))
        elif keyword in _ONE and isinstance(value, dict):
            yield (keyword,), value


def _closed(schema: Any, steps: Steps, open_ones: frozenset[str], partial: bool) -> Any:
    """`partial`: another schema describes the same object, so this one stays open."""
    if not isinstance(schema, dict):
        return schema
    partial = partial or _pointer(steps) in open_ones or _is_shared(schema)
    result: dict[str, Any] = {
        key: dict(value) if key in _NAMED and isinstance(value, dict) else value for key, value in schema.items()
    }
    alone = ("anyOf", "oneOf", "allOf" if len(schema.get("allOf", ())) == 1 else "")
    for more, part in _children(schema):
        inner = _closed(part, (*steps, *more), open_ones, more[0] in _TOGETHER and (partial or more[0] not in alone))
        keyword, name = str(more[0]), more[-1]
        if len(more) == 1:
            result[keyword] = inner
        elif isinstance(name, int):
            result[keyword] = [*result[keyword][:name], inner, *result[keyword][name + 1 :]]
        else:
            result[keyword][name] = inner
    if "properties" in schema and not partial and not any(keyword in schema for keyword in _SAYS_OF_OTHERS):
        result["additionalProperties"] = False
    return result


def _is_shared(schema: dict[str, Any]) -> bool:
    """It lists properties, and so do other schemas for the same object."""
    others = (part for more, part in _children(schema) if more[0] in _TOGETHER)
    return "properties" in schema and ("$ref" in schema or any("properties" in part or "$ref" in part for part in others))


def _described_together(schema: dict[str, Any]) -> Iterator[str]:
    """Pointers of the definitions that describe an object together with another schema."""
    for _, part in subschemas(schema):
        together = [inner for more, inner in _children(part) if more[0] in _TOGETHER]
        if "properties" in part or len(part.get("allOf") or ()) > 1:
            yield from (inner["$ref"] for inner in [part, *together] if isinstance(inner.get("$ref"), str))


def _pointer(steps: Steps) -> str:
    return "/".join(["#", *(str(step).replace("~", "~0").replace("/", "~1") for step in steps)])
