"""A tool's definition, in a line."""

from __future__ import annotations

from typing import Any


def tool(name: str, description: str, **parameters: Any) -> dict[str, Any]:
    """A parameter is a string with that description, a list of allowed values, or a schema. All are required."""
    properties = {key: _schema(value) for key, value in parameters.items()}
    return {"name": name, "description": description, "parameters": {"properties": properties, "required": list(properties)}}


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"enum": value}
    if isinstance(value, dict):
        return value
    return {"type": "string", "description": value} if value else {"type": "string"}
