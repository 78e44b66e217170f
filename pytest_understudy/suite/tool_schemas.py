"""The schemas that tools make: of one action, of a list of them, of a workflow's turn.

In: tool definitions. Out: JSON Schemas whose objects are closed. A tool's parameters stay as they were written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .task import Tool


def parameters_of(tool: Tool) -> dict[str, Any]:
    return {"type": "object", "properties": {}, **tool.parameters}


def actions_of(tools: Sequence[Tool]) -> dict[str, Any]:
    """The schema of a list of actions."""
    choices, definitions = _choices(tools)
    choice = choices[0] if len(choices) == 1 else {"anyOf": choices}
    schema = _closed_object(actions={"type": "array", "items": choice})
    return {**schema, "$defs": definitions} if definitions else schema


def turn_of(tools: Sequence[Tool]) -> dict[str, Any]:
    """The schema of one action, or of the end."""
    choices, definitions = _choices(tools)
    schema: dict[str, Any] = {"anyOf": [*choices, _closed_object(done={"type": "string"})]}
    return {**schema, "$defs": definitions} if definitions else schema


def _choices(tools: Sequence[Tool]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The schema of each tool's action. Parameters with pointers move under `$defs`, and their pointers with them."""
    choices: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for tool in tools:
        arguments: Any = json.loads(json.dumps(parameters_of(tool)))
        if "$ref" in json.dumps(arguments):
            pointer = "#/$defs/" + tool.name.replace("~", "~0").replace("/", "~1")
            definitions[tool.name] = _repointed(arguments, pointer)
            arguments = {"$ref": pointer}
        choices.append(_closed_object(tool={"const": tool.name}, arguments=arguments))
    return choices, definitions


def _closed_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _repointed(schema: Any, pointer: str) -> Any:
    if isinstance(schema, list):
        return [_repointed(part, pointer) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: pointer + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _repointed(value, pointer)
        for key, value in schema.items()
    }
