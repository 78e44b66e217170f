"""What is in the store, what is wrong on the site: inventory and safety reports."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, named, one_of
from .tools import tool


class Inventory:
    """Nothing can be taken out that is not there."""

    name = "inventory"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool("inventory.remove", "Takes spoiled goods out of stock.", item="", quantity={"type": "integer"})
    ]

    def __init__(self) -> None:
        self._stock = {"halloumi": 52, "cranberries": 30, "dried figs": 12, "flour": 40, "vinegar": 9}

    def remove(self, item: str, quantity: int) -> str:
        item = one_of(item, self._stock, "item")
        if quantity < 1:
            raise Refused(f"{quantity} is no quantity that can be taken out")
        if quantity > self._stock[item]:
            raise Refused(f"there are only {self._stock[item]} of {item}")
        self._stock[item] -= int(quantity)
        return f"{self._stock[item]} of {item} are left."

    def state(self) -> dict[str, Any]:
        return dict(self._stock)


class Safety:
    name = "safety"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "safety.report",
            "Files a safety report.",
            kind=["hazmat", "injury"],
            location="",
            severity={
                "enum": ["low", "high"],
                "description": "high: somebody needs a doctor, or people had to leave; else low",
            },
        )
    ]

    def __init__(self) -> None:
        self._reports = Ledger({"kind": "injury", "location": "Hall Mistral", "severity": "low"})

    def report(self, kind: str, location: str, severity: str) -> str:
        number = self._reports.add(kind=kind, location=named(location, "the location"), severity=severity)
        return f"Report {number} is filed, {severity}."

    def state(self) -> dict[str, Any]:
        return self._reports.state()
