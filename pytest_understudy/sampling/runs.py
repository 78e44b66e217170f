"""The runs of a session, kept small.

In: runs as they are planned and drawn. Out: the same in the order in which they were first planned, without the outputs, which
are in the record. Where they are many a run is kept as compressed JSON, which takes some 50 bytes a sample where its objects take
500, and made anew each time it is asked for.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from .run import Run

Name = tuple[str, str, str]

FEW = 8_192  # samples in all, which may stay as they are


class Runs(Collection[Run]):
    """All that was planned, as far as it is drawn: whoever iterates over many has one of them in memory at a time."""

    def __init__(self) -> None:
        self._planned: dict[Name, Run] = {}
        self._drawn: dict[Name, int] = {}  # how many samples of each
        self._samples = 0  # of all
        self._few: dict[Name, Run] = {}
        self._packed: dict[Name, bytes] = {}

    @property
    def planned(self) -> list[Run]:
        """Each without samples."""
        return list(self._planned.values())

    def plan(self, planned: Iterable[Run]) -> None:
        """Runs that are to be drawn; of two the longer."""
        for run in planned:
            before = self._planned.get(run.name)
            if before is None or before.planned < run.planned:
                self._planned[run.name] = replace(run, samples=())

    def drawn(self, name: Name) -> int:
        """How many samples of a run there are."""
        return self._drawn.get(name, 0)

    def keep(self, run: Run) -> None:
        """A run that was drawn; of two the longer, of equals the first."""
        self.plan([run])
        name = run.name
        if name not in self._drawn or self.drawn(name) < len(run.samples):
            self._samples += len(run.samples) - self.drawn(name)
            self._drawn[name] = len(run.samples)
            self._few[name] = run.without_outputs()
            self._packed.pop(name, None)
            if self._samples > FEW:
                self._packed |= {name: _packed(few) for name, few in self._few.items()}
                self._few.clear()

    def of(self, name: Name) -> Run:
        """The run of this name, without its outputs; KeyError where none was planned."""
        if name in self._packed:
            return _unpacked(self._packed[name])
        return self._few.get(name) or self._planned[name]

    def __contains__(self, run: object) -> bool:
        """Whether it was planned."""
        return isinstance(run, Run) and run.name in self._planned

    def __len__(self) -> int:
        return len(self._planned)

    def __iter__(self) -> Iterator[Run]:
        return map(self.of, self._planned)


def _packed(run: Run) -> bytes:
    """A column for each key of a sample: it is smaller than a dict for each sample, and sooner read."""
    told = run.to_json()
    samples = told["samples"]
    told["samples"] = {key: [sample[key] for sample in samples] for key in samples[0]} if samples else {}
    return zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 1)


def _unpacked(packed: bytes) -> Run:
    told = json.loads(zlib.decompress(packed))
    columns = told["samples"]
    told["samples"] = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return Run.from_json(told)
