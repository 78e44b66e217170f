"""How many dollars a session and each of its workers may spend, and a ledger of what a worker has spent.

In: the session's limit. Out: an Allowance for each process. A worker writes what it reserves and what it settles to the file of
its share before it goes on: so the worker that replaces a crashed one goes on with the rest, and the session's owner knows what
all of them have spent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from .owner import Owner, append, content
from .run import Run, not_drawn


@dataclass(frozen=True, slots=True)
class Allowance:
    """`limit` is the session's and `own` this process's share of it, in dollars. `ledger`: the file that the share's spending is
    written to, so that the worker that replaces a crashed one goes on with the rest.
    """

    limit: float
    own: float
    ledger: str | None = None

    @property
    def written(self) -> str:
        """The session's limit as it was given: $0.02, and neither $0.0200 nor $2e-2."""
        return f"${Decimal(repr(self.limit)).normalize():f}"

    @property
    def reached(self) -> str:
        return f"the spend limit of {self.written} was reached"

    def shared(self, workers: int, folder: str) -> list[Allowance]:
        """Equal shares. What a worker leaves of its own nobody else gets: they know nothing of each other while they draw."""
        return [Allowance(self.limit, self.limit / workers, f"{folder}/spent-{index}") for index in range(workers)]

    def unpaid(self, run: Run) -> int:
        """How many samples of a run the limit kept from being drawn."""
        return sum(sample.error == not_drawn(self.reached) for sample in run.samples)

    def to_json(self) -> list[Any]:
        return [self.limit, self.own, self.ledger]

    @classmethod
    def from_json(cls, data: list[Any]) -> Allowance:
        return cls(*data)


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars: `known` as billed, `assumed` for samples whose cost nobody told."""

    known: float = 0.0
    assumed: float = 0.0

    @property
    def total(self) -> float:
        return self.known + self.assumed

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.known + other.known, self.assumed + other.assumed)


class Ledger:
    """A file that only grows: a line for each reservation and each settlement. What is not settled counts as spent.

    `owner`: of the session, where the file is on a disk of its own.
    """

    def __init__(self, path: Path, owner: Owner | None = None) -> None:
        self._path = path
        self._content = content if owner is None else owner.content
        self._add = append if owner is None else owner.append

    def reserve(self, number: int, dollars: float) -> None:
        self._append({"number": number, "reserved": dollars})

    def settle(self, number: int, spent: Spent) -> None:
        self._append({"number": number, "known": spent.known, "assumed": spent.assumed})

    def read(self) -> tuple[Spent, int]:
        """What was spent by whoever had this share before, and the last number that was given."""
        lines: dict[int, Mapping[str, float]] = {}
        for text in self._content(self._path).splitlines():
            with suppress(ValueError):  # torn: its writer was killed
                line = json.loads(text)
                lines[line["number"]] = line
        settled = [Spent(line["known"], line["assumed"]) for line in lines.values() if "known" in line]
        open_ = [Spent(assumed=line["reserved"]) for line in lines.values() if "reserved" in line]
        return sum([*settled, *open_], start=Spent()), max(lines, default=0)

    def _append(self, line: Mapping[str, float]) -> None:
        self._add(self._path, b"\n" + json.dumps(line).encode() + b"\n")  # the line before may be torn


def spent_by(allowances: Sequence[Allowance]) -> Spent:
    """What all the workers have spent, also those that are gone."""
    return sum((Ledger(Path(one.ledger)).read()[0] for one in allowances if one.ledger), start=Spent())
