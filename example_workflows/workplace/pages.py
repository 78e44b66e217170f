"""Leases, contracts, vendors and products, each with a status. It tells what was done elsewhere, so that is done first."""

from __future__ import annotations

from typing import Any, ClassVar

from .appointments import Calendar
from .files import Drive, Signature
from .parts import Refused, one_of
from .pipeline import Pipeline
from .tools import tool

LEASES = {"Ottoline Vance": "vance-flat-31.pdf", "Pettersen Boatworks": "quay-unit-9.docx"}  # each with its file
_ENDED = ("Tenancies/Ended", "Vault/Expired")


class Pages:
    name = "notion"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "notion.update_record",
            "Sets the status of a record in a database.",
            database=["Leases", "Contracts", "Vendors", "Products"],
            record="",
            status=["archived", "sent", "onboarding", "launched"],
        )
    ]

    def __init__(self, drive: Drive, signature: Signature, pipeline: Pipeline, calendar: Calendar) -> None:
        self._drive, self._signature, self._pipeline, self._calendar = drive, signature, pipeline, calendar
        self._records = {
            "Leases": {"Ottoline Vance": "current", "Pettersen Boatworks": "current", "Otto Vancetti": "current"},
            "Contracts": {"Snow clearing agreement": "draft", "Window cleaning agreement": "sent"},
            "Vendors": {"Fjellvask Linen": "agreed", "Cuchilla Mate Imports": "agreed", "Hansen Forklifts": "agreed"},
            "Products": {"Lumen Kettle": "planned", "Copper Kettle": "launched"},
        }

    def update_record(self, database: str, record: str, status: str) -> str:
        records = self._records[database]
        record = one_of(record, records, f"record in {database} for")
        if records[record] == status:
            raise Refused(f"{record} is {status} already")
        if reason := self._not_yet(record, status):
            raise Refused(reason)
        records[record] = status
        return f"{record} is {status} now."

    def _not_yet(self, record: str, status: str) -> str:
        """Why a record can't have a status yet; empty where it can."""
        match status:
            case "archived" if record in LEASES and self._drive.folder_of(LEASES[record]) not in _ENDED:
                return f"the file of that lease, {LEASES[record]}, is still in {self._drive.folder_of(LEASES[record])}"
            case "sent" if not self._signature.has_sent(record):
                return f"nothing named {record} has gone out for signature"
            case "onboarding" if not self._pipeline.onboards(record):
                return f"there is no card for {record} in Vendor onboarding"
            case "launched" if not self._calendar.mentions(record):
                return f"the launch of {record} is not in the calendar"
        return ""

    def state(self) -> dict[str, Any]:
        return {database: dict(records) for database, records in self._records.items()}
