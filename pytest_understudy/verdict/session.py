"""What a verdict was asked with: the command line, and which versions answered.

In: whatever the front door knows of it. Out: a Session, told at a report's end so that a reader can ask the same again. Nothing
of it enters a figure: two sessions that judged the same samples differ here alone.
"""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("pytest-understudy", "pytest", "pytest-xdist", "llguidance", "xllamacpp", "genai-prices")
"""Packages on whose versions figures may depend."""


@dataclass(frozen=True, slots=True)
class Session:
    """`command` is the command line in one text, "" where it is unknown; `versions` by package, `python` among them."""

    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, command: Iterable[str]) -> Session:
        """This process, started with these arguments."""
        found = {"python": platform.python_version()}
        for package in PACKAGES:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
        return cls(shlex.join(command), found)

    def to_json(self) -> dict[str, Any]:
        return {"command": self.command or None, "versions": dict(self.versions)}
