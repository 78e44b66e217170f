"""A worker's part of a session.

In: what the session's owner has shared out. Out: the same, in the worker. It crosses to the worker as a dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .allowance import Allowance
from .permits import Share


@dataclass(frozen=True, slots=True)
class Part:
    """A worker's shares of the limits, the addresses of the servers that the session's owner runs, when that began, the folder of
    its lock files, and what of the session's dollars is its own to spend; None without a limit.
    """

    session: Share
    limits: Mapping[str, Share]
    addresses: Mapping[str, str]
    started: str
    locks: str
    allowance: Allowance | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "session": self.session.to_json(),
            "limits": {name: limit.to_json() for name, limit in self.limits.items()},
            "addresses": dict(self.addresses),
            "started": self.started,
            "locks": self.locks,
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
            None if data["allowance"] is None else Allowance.from_json(data["allowance"]),
        )
