"""A worker's part of a session.

In: what the session's owner has shared out. Out: the same, in the worker. It crosses to the worker as a dict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .allowance import Allowance
from .beacon import Mark
from .permits import Share


@dataclass(frozen=True, slots=True)
class Part:
    """A worker's shares of the limits, the addresses of servers that the session's owner runs, when that began, the folders
    of its lock files and of its record, by what a worker tells whether these are its own too, and what of the session's dollars
    is its own to spend; None without a limit.
    """

    session: Share
    limits: Mapping[str, Share]
    addresses: Mapping[str, Sequence[str]]
    started: str
    locks: str
    record: str
    mark: Mark
    allowance: Allowance | None = None

    def servers(self, name: str) -> Sequence[str]:
        """Where the owner's servers of an endpoint are reached from here; none where its loopback is not ours."""
        addresses = self.addresses.get(name, ())
        local = any(urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1") for address in addresses)
        return addresses if not local or self.mark.on_host() else ()

    def to_json(self) -> dict[str, Any]:
        return {
            "session": self.session.to_json(),
            "limits": {name: limit.to_json() for name, limit in self.limits.items()},
            "addresses": {name: list(urls) for name, urls in self.addresses.items()},
            "started": self.started,
            "locks": self.locks,
            "record": self.record,
            "mark": self.mark.to_json(),
            "allowance": None if self.allowance is None else self.allowance.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Part:
        return cls(
            Share.from_json(data["session"]),
            {name: Share.from_json(limit) for name, limit in data["limits"].items()},
            data["addresses"],
            data["started"],
            data["locks"],
            data["record"],
            Mark(*data["mark"]),
            None if data["allowance"] is None else Allowance.from_json(data["allowance"]),
        )
