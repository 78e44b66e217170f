"""A front desk, small enough to be learnt in minutes: what is asked for has to be looked up before it can be done.

In: one of three things to look up, and what to do with what was found. Out: an observation each. What was found can't be guessed
from the message, so the second turn needs the first one's observation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from zlib import crc32

from .tools import tool

ROOMS = (
    *("Avocet", "Bittern", "Curlew", "Dunlin", "Egret", "Fulmar", "Gannet", "Harrier", "Ibis", "Jackdaw", "Kestrel", "Lapwing"),
    *("Merlin", "Nightjar", "Osprey", "Pipit", "Quail", "Redstart", "Siskin", "Tern", "Wagtail", "Wheatear", "Whimbrel", "Wren"),
)
PEOPLE = (
    *("Adele", "Bruno", "Carla", "Dario", "Edith", "Fabio", "Greta", "Hanno", "Irene", "Jonas", "Karin", "Lukas", "Maren"),
    *("Nadia", "Oscar", "Paula", "Quirin", "Rieke", "Stefan", "Thea", "Ulla", "Viktor", "Wanda", "Xaver", "Yvonne", "Zeno"),
    *("Agnes", "Bastian", "Corinna", "Detlef", "Elise", "Frida", "Gero", "Helga", "Ingo", "Jette", "Konrad", "Lotte"),
)
SERVICES = (
    *("mail-gate", "price-feed", "badge-print", "door-lock", "time-sheet", "web-shop", "stock-view", "pay-run", "map-tile"),
    *("chat-bot", "log-store", "key-vault", "file-sync", "fax-line", "scan-box", "news-page", "bill-desk", "team-wiki"),
    *("car-pool", "lamp-grid", "pump-watch", "tank-level", "gate-cam", "seed-bank", "rail-plan", "dock-crane"),
)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class FrontDesk:
    """At every time one room is free; everybody has one parcel; every service has one open ticket."""

    tools: ClassVar[list[dict[str, Any]]] = [
        tool("rooms.free", "finds a free room", start="HH:MM"),
        tool("rooms.book", "books it", room="", start="HH:MM"),
        tool("parcels.find", "finds the code of somebody's parcel", person=""),
        tool("parcels.hand_over", "hands it over", code=""),
        tool("tickets.find", "finds a service's open ticket", service=""),
        tool("tickets.close", "closes it", ticket=""),
    ]

    def __init__(self) -> None:
        self._done: dict[str, dict[str, Any]] = {}

    def reset(self, task: object) -> str:
        self._done = {"rooms": {}, "parcels": {}, "tickets": {}}
        return ""

    def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
        match tool, *arguments.values():
            case "rooms.free", start:
                return free_room(start) if _TIME.fullmatch(start) else f"{start} is no time."
            case "rooms.book", _, _:
                return self._book(arguments["room"], arguments["start"])
            case "parcels.find", person:
                return parcel(person) if person in PEOPLE else f"There is nothing for {person}."
            case "parcels.hand_over", code:
                return self._do("parcels", code, map(parcel, PEOPLE), "handed over")
            case "tickets.find", service:
                return ticket(service) if service in SERVICES else f"There is no ticket about {service}."
            case "tickets.close", number:
                return self._do("tickets", number, map(ticket, SERVICES), "closed")
        return f"{tool} is not done here."

    def state(self) -> dict[str, Any]:
        return self._done

    def _book(self, room: str, start: str) -> str:
        if not _TIME.fullmatch(start) or room != free_room(start):
            return f"{room} can't be had at {start}."
        return self._do("rooms", f"{room} {start}", [f"{room} {start}"], "booked")

    def _do(self, what: str, name: str, known: Any, how: str) -> str:
        if name not in known:
            return f"There is no {name}."
        if name in self._done[what]:
            return f"{name} is {how} already."
        self._done[what][name] = how
        return f"{name} is {how}."


def free_room(start: str) -> str:
    return ROOMS[crc32(start.encode()) % len(ROOMS)]


def parcel(person: str) -> str:
    return f"RK-{1000 + crc32(person.encode()) % 9000}"


def ticket(service: str) -> str:
    return f"T-{1000 + crc32(service.encode()) % 9000}"
