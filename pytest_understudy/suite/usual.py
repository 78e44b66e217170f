"""The JSON Schemas that most forms are, known for valid without the metaschema.

In: a schema as JSON has it. Out: whether it consists of a few keywords, each with a value that it may have. Such a one is valid,
whatever else it is; of any other jsonschema has to tell, which takes 40 ms to import, and is not needed before the first request
leaves.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError


def is_usual(schema: dict[str, Any]) -> bool:
    """Whether it is valid and of these keywords alone."""
    try:
        _Usual.model_validate(schema)
    except ValidationError:
        return False
    return True


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return names


_ABSENT: Any = None
_Count = Annotated[int, Field(ge=0)]
_Several = Annotated[list["_Usual"], Field(min_length=1)]


class _Usual(BaseModel):
    """No default is ever read: what it stands for is that the keyword may be absent, and may not be null."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    title: str = ""
    description: str = ""
    type: Literal["object", "array", "string", "integer", "number", "boolean", "null"] = "object"
    enum: list[Any] = []
    const: Any = _ABSENT
    default: Any = _ABSENT
    properties: dict[str, _Usual] = {}
    required: Annotated[list[str], AfterValidator(_distinct)] = []
    additionalProperties: bool = True
    items: _Usual = _ABSENT
    minItems: _Count = 0
    maxItems: _Count = 0
    minLength: _Count = 0
    maxLength: _Count = 0
    pattern: str = ""
    format: str = ""
    minimum: float = 0
    maximum: float = 0
    exclusiveMinimum: float = 0
    exclusiveMaximum: float = 0
    anyOf: _Several = []
    oneOf: _Several = []
    allOf: _Several = []
