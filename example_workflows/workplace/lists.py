"""Mailing lists, and the sheets that are kept by hand. Who is entered as a subscriber is on the list first."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, address, named, one_of
from .tools import tool

AUDIENCES = ("Tidings for Sailors", "Orchard Digest", "Tidings for Farmers")


class MailingLists:
    name = "mailchimp"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool("mailchimp.add_contact", "Adds an address to an audience.", audience="", email="")
    ]

    def __init__(self) -> None:
        self._contacts = Ledger(
            {"audience": "Orchard Digest", "email": "pear@orchard.example"},
            {"audience": "Tidings for Sailors", "email": "skipper@harbour.example"},
        )

    def add_contact(self, audience: str, email: str) -> str:
        audience, email = one_of(audience, AUDIENCES, "audience"), address(email)
        if self.has(audience, email):
            raise Refused(f"{email} gets {audience} already")
        self._contacts.add(audience=audience, email=email)
        return f"{email} gets {audience} from now on."

    def has(self, audience: str, email: str) -> bool:
        return any(
            (contact["audience"].casefold(), contact["email"].casefold()) == (audience.casefold(), email.casefold())
            for contact in self._contacts
        )

    def state(self) -> dict[str, Any]:
        return self._contacts.state()


class Sheets:
    name = "sheets"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "sheets.append_row",
            "Appends a row to a sheet.",
            sheet=["Mail log", "Training roster", "Subscribers", "Budget"],
            item="",
            value="",
        )
    ]

    def __init__(self, lists: MailingLists) -> None:
        self._lists = lists
        self._rows = Ledger(
            {"sheet": "Mail log", "item": "RK77-0418-DN", "value": "ola.nord@lindqvist.example"},
            {"sheet": "Subscribers", "item": "pear@orchard.example", "value": "Orchard Digest"},
            {"sheet": "Budget", "item": "Night logistics", "value": "61000"},
        )

    def append_row(self, sheet: str, item: str, value: str) -> str:
        item, value = named(item, "the item"), named(value, "the value")
        if sheet == "Subscribers" and not self._lists.has(value, item):
            raise Refused(f"{item} is not on the list {value}")
        return f"Row {self._rows.add(sheet=sheet, item=item, value=value)} is in {sheet}."

    def state(self) -> dict[str, Any]:
        return self._rows.state()
