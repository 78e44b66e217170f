"""What the services have in common: numbered records, and arguments that make sense or are refused.

In: arguments that have the right types. Out: their values, trimmed; or `Refused`, whose text the workplace answers with.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

TODAY = datetime.date(2027, 1, 11)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


class Refused(Exception):
    """An action that can't be done here; the text says why."""


class Service(Protocol):
    """One system of the workplace. Its tools are named `name.verb`, and a method `verb` does each."""

    name: str
    tools: ClassVar[list[dict[str, Any]]]

    def state(self) -> dict[str, Any]:
        """What it holds, as JSON has it."""


class Ledger:
    """Records under running numbers; what is written stays as it is."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self._records = [dict(record) for record in records]

    def add(self, **record: Any) -> int:
        """The new record's number."""
        self._records.append(record)
        return len(self._records)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._records)

    def state(self) -> dict[str, Any]:
        return {str(number): dict(record) for number, record in enumerate(self._records, 1)}


def named(value: str, what: str) -> str:
    """The text, which is not empty."""
    if not value.strip():
        raise Refused(f"{what} is missing")
    return value.strip()


def day(value: str) -> str:
    """A date that is still to come, as YYYY-MM-DD."""
    try:
        date = datetime.date.fromisoformat(value.strip()) if _DATE.fullmatch(value.strip()) else None
    except ValueError:
        date = None
    if date is None:
        raise Refused(f"{value!r} is no date; dates are written YYYY-MM-DD")
    if date < TODAY:
        raise Refused(f"{value.strip()} is over; today is {TODAY}")
    return str(date)


def hour(value: str) -> str:
    """A time of day, as HH:MM."""
    if not _TIME.fullmatch(value.strip()):
        raise Refused(f"{value!r} is no time of day; times are written HH:MM")
    return value.strip()


def address(value: str) -> str:
    if not _ADDRESS.fullmatch(value.strip()):
        raise Refused(f"{value!r} is no mail address")
    return value.strip()


def one_of(value: str, known: Any, what: str) -> str:
    """The known name that `value` is, whatever its case."""
    for name in known:
        if name.casefold() == value.strip().casefold():
            return str(name)
    raise Refused(f"there is no {what} {value.strip()!r}; there are {', '.join(known)}")
