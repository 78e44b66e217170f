"""Vehicles and the work on them and on other equipment. A vehicle is taken out of service before somebody works on it."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, day, named, one_of
from .tools import tool

EQUIPMENT = ("TW-803", "TW-801", "BX-227")


class Fleet:
    name = "fleet"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool("fleet.set_status", "Sets a vehicle's status.", vehicle="", status=["in_repair", "in_service"])
    ]

    def __init__(self) -> None:
        self._status = {
            "Pickup 63": "in_service",
            "Pickup 36": "in_service",
            "Minibus 48": "in_repair",
            "Minibus 84": "in_service",
        }

    @property
    def vehicles(self) -> tuple[str, ...]:
        return tuple(self._status)

    def is_out(self, vehicle: str) -> bool:
        return self._status[vehicle] == "in_repair"

    def set_status(self, vehicle: str, status: str) -> str:
        vehicle = one_of(vehicle, self._status, "vehicle")
        if self._status[vehicle] == status:
            raise Refused(f"{vehicle} is {status} already")
        self._status[vehicle] = status
        return f"{vehicle} is {status} now."

    def state(self) -> dict[str, Any]:
        return dict(self._status)


class Upkeep:
    name = "maintenance"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "maintenance.schedule",
            "Orders work on a piece of equipment or a vehicle.",
            asset="",
            vendor="the company that does the work",
            date="",
        )
    ]

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._jobs = Ledger({"asset": "TW-801", "vendor": "Meridian Gauges", "date": "2027-10-07"})

    def schedule(self, asset: str, vendor: str, date: str) -> str:
        asset, vendor, date = self._asset(asset), named(vendor, "the vendor"), day(date)
        if asset in self._fleet.vehicles and not self._fleet.is_out(asset):
            raise Refused(f"{asset} is in service; it is taken out before anybody works on it")
        if any((job["asset"], job["date"]) == (asset, date) for job in self._jobs):
            raise Refused(f"somebody comes for {asset} on {date} already")
        return f"Job {self._jobs.add(asset=asset, vendor=vendor, date=date)}: {vendor} comes for {asset} on {date}."

    def _asset(self, text: str) -> str:
        """The one asset that is named in the text, such as `torque wrench TW-803`."""
        known = (*EQUIPMENT, *self._fleet.vehicles)
        found = [asset for asset in known if asset.casefold() in text.casefold()]
        return found[0] if len(found) == 1 else one_of(text, known, "asset")

    def state(self) -> dict[str, Any]:
        return self._jobs.state()
