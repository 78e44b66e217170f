"""The drive, where each file is in one folder, and the envelopes in which documents go out for signature."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, Refused, address, named, one_of
from .tools import tool

FOLDERS = ("Tenancies/Current", "Tenancies/Ended", "Vault/Active", "Vault/Expired", "Inbox")


class Drive:
    name = "drive"
    tools: ClassVar[list[dict[str, Any]]] = [tool("drive.move_file", "Moves a file to a folder.", file="", folder="")]

    def __init__(self) -> None:
        self._folders = {
            "vance-flat-31.pdf": "Tenancies/Current",
            "vance-flat-13.pdf": "Tenancies/Current",
            "quay-unit-9.docx": "Vault/Active",
            "quay-unit-6.docx": "Vault/Active",
            "snow-clearing.pdf": "Inbox",
        }

    def move_file(self, file: str, folder: str) -> str:
        file, folder = one_of(file, self._folders, "file"), one_of(folder, FOLDERS, "folder")
        if self._folders[file] == folder:
            raise Refused(f"{file} is in {folder} already")
        self._folders[file] = folder
        return f"{file} is in {folder} now."

    def folder_of(self, file: str) -> str:
        return self._folders[file]

    def state(self) -> dict[str, Any]:
        return dict(self._folders)


class Signature:
    name = "docusign"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool("docusign.send_envelope", "Sends a document out for signature.", document="", signer="an address from the message")
    ]

    def __init__(self) -> None:
        self._envelopes = Ledger({"document": "Window cleaning agreement", "signer": "office@spotless.example"})

    def send_envelope(self, document: str, signer: str) -> str:
        number = self._envelopes.add(document=named(document, "the document"), signer=address(signer))
        return f"Envelope {number} is on its way to {signer.strip()}."

    def has_sent(self, document: str) -> bool:
        return any(document.casefold() in envelope["document"].casefold() for envelope in self._envelopes)

    def state(self) -> dict[str, Any]:
        return self._envelopes.state()
