"""The shared calendar."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, day, hour, named
from .tools import tool


class Calendar:
    """Events may overlap, as they do."""

    name = "calendar"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "calendar.create_event",
            "Puts an event into the shared calendar.",
            title="the name of the project, course or system that it is about",
            date="YYYY-MM-DD",
            start="HH:MM",
        )
    ]

    def __init__(self) -> None:
        self._events = Ledger(
            {"title": "Fire drill", "date": "2027-01-28", "start": "11:00"},
            {"title": "Summer party", "date": "2027-06-18", "start": "16:00"},
        )

    def create_event(self, title: str, date: str, start: str) -> str:
        number = self._events.add(title=named(title, "the title"), date=day(date), start=hour(start))
        return f"Event {number} is in the calendar on {day(date)} at {hour(start)}."

    def mentions(self, words: str) -> bool:
        """Whether an event's title has these words."""
        return any(words.casefold() in event["title"].casefold() for event in self._events)

    def state(self) -> dict[str, Any]:
        return self._events.state()
