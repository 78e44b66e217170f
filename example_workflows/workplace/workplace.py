"""The workplace: the systems of an operations desk, in memory.

In: one action after another. Out: an observation each, the same for the same actions. What a newcomer would get wrong: the
systems know of each other, so that some things are refused until others are done; what is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .appointments import Calendar
from .files import Drive, Signature
from .fleet import Fleet, Upkeep
from .lists import MailingLists, Sheets
from .messages import Chat, Mail
from .pages import Pages
from .parts import TODAY, Refused, Service
from .pipeline import Pipeline
from .rooms import Rooms
from .stock import Inventory, Safety
from .tracker import Sensors, Tracker
from .wiki import Wiki

_KINDS = (
    *(Calendar, Rooms, Chat, Mail, Tracker, Wiki, Pipeline, Pages, MailingLists, Sheets, Drive, Signature),
    *(Upkeep, Safety, Inventory, Fleet),
)


class Workplace:
    """One world for all tasks: what a message is about is there, and a few things that are easily taken for it."""

    tools: ClassVar[list[dict[str, Any]]] = [definition for kind in _KINDS for definition in kind.tools]

    def __init__(self) -> None:
        self._open()

    def reset(self, task: object) -> str:
        self._open()
        return f"Today is {TODAY}. All systems answer."

    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        service, _, verb = tool.partition(".")
        try:
            observation: str = getattr(self._services[service], verb)(**arguments)
        except Refused as refusal:
            return f"Not done: {refusal}."
        return observation

    def state(self) -> dict[str, Any]:
        """Of each system what it holds, under its name."""
        held = {name: service.state() for name, service in self._services.items()}
        return {**held, "sensors": self._sensors.state()}

    def _open(self) -> None:
        self._sensors = Sensors()
        tracker, calendar, pipeline, drive, signature = Tracker(self._sensors), Calendar(), Pipeline(), Drive(), Signature()
        lists, fleet = MailingLists(), Fleet()
        services: list[Service] = [
            *(calendar, Rooms(), Chat(), Mail(), tracker, Wiki(tracker), pipeline),
            *(Pages(drive, signature, pipeline, calendar), lists, Sheets(lists), drive, signature),
            *(Upkeep(fleet), Safety(), Inventory(), fleet),
        ]
        self._services = {service.name: service for service in services}
