"""Meeting rooms: a booking lasts an hour, and no room has two at once."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, day, hour, one_of
from .tools import tool

ROOMS = ("Saltmarsh", "Kingfisher", "Plover", "Sandpiper")
_MINUTES = 60


class Rooms:
    name = "rooms"
    tools: ClassVar[list[dict[str, Any]]] = [tool("rooms.book", "Books a meeting room.", room="", date="", start="")]

    def __init__(self) -> None:
        self._bookings = Ledger(
            {"room": "Kingfisher", "date": "2027-03-04", "start": "10:35"},
            {"room": "Sandpiper", "date": "2027-02-11", "start": "13:15"},
            {"room": "Saltmarsh", "date": "2027-02-09", "start": "13:40"},
        )

    def book(self, room: str, date: str, start: str) -> str:
        room, date, start = one_of(room, ROOMS, "room"), day(date), hour(start)
        for held in self._bookings:
            if (held["room"], held["date"]) == (room, date) and abs(minutes(held["start"]) - minutes(start)) < _MINUTES:
                raise Refused(f"{room} is taken on {date} from {held['start']}, for an hour")
        number = self._bookings.add(room=room, date=date, start=start)
        return f"Booking {number}: {room} is yours on {date} from {start}."

    def state(self) -> dict[str, Any]:
        return {"bookings": self._bookings.state()}


def minutes(start: str) -> int:
    """Since midnight."""
    return int(start[:2]) * 60 + int(start[3:])
