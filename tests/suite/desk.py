"""A small environment: a desk where rooms are booked; and others that are wrong in one way each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pytest_understudy.suite.task import Task

BOOK = {
    "name": "book",
    "description": "Books a room.",
    "parameters": {"properties": {"room": {"type": "string"}, "hour": {"type": "integer"}}, "required": ["room", "hour"]},
}
LOOK = {"name": "look", "parameters": {}}


class Desk:
    """Two rooms; whoever comes first has the room."""

    tools: ClassVar[list[dict[str, Any]]] = [BOOK, LOOK]

    def __init__(self) -> None:
        self.bookings: dict[str, dict[str, str]] = {}

    def reset(self, task: Task) -> str:
        self.bookings = {"Plover": {}, "Heron": {"9": "review"}}
        return "Heron is taken at 9."

    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        if tool == "look":
            return str(self.bookings)
        room, hour = arguments["room"], str(arguments["hour"])
        if room not in self.bookings:
            return f"There is no room {room}."
        if hour in self.bookings[room]:
            return f"{room} is taken at {hour}."
        self.bookings[room][hour] = "desk"
        return f"{room} is yours at {hour}."

    def state(self) -> dict[str, Any]:
        return {"bookings": self.bookings}
