"""Cards in pipes: what is under way with a vendor."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, named
from .tools import tool


class Pipeline:
    name = "pipefy"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "pipefy.create_card",
            "Opens a card in a pipe.",
            pipe=["Vendor onboarding", "Purchase requests"],
            title="the vendor's name",
            country="",
        )
    ]

    def __init__(self) -> None:
        self._cards = Ledger({"pipe": "Purchase requests", "title": "Hansen Forklifts", "country": "Norway"})

    def create_card(self, pipe: str, title: str, country: str) -> str:
        number = self._cards.add(pipe=pipe, title=named(title, "the title"), country=named(country, "the country"))
        return f"Card {number} is open in {pipe}."

    def onboards(self, vendor: str) -> bool:
        return any(card["pipe"] == "Vendor onboarding" and vendor.casefold() in card["title"].casefold() for card in self._cards)

    def state(self) -> dict[str, Any]:
        return self._cards.state()
