"""The wiki. An incident has an issue before it has a page."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, named
from .tools import tool
from .tracker import Tracker


class Wiki:
    name = "confluence"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool("confluence.create_page", "Starts a page.", space=["Incidents", "Policies", "Releases"], title="")
    ]

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._pages = Ledger(
            {"space": "Policies", "title": "Visitors and badges"},
            {"space": "Incidents", "title": "Power cut of 2026-11-03"},
            {"space": "Releases", "title": "Copper Kettle"},
        )

    def create_page(self, space: str, title: str) -> str:
        title = named(title, "the title")
        if {"space": space, "title": title} in list(self._pages):
            raise Refused(f"{space} has a page {title!r} already")
        if space == "Incidents" and not self._tracker.has_issue_about(title):
            raise Refused("no open issue is about the service in that title; an incident has an issue before it has a page")
        return f"Page {self._pages.add(space=space, title=title)} is in {space}."

    def state(self) -> dict[str, Any]:
        return self._pages.state()
