"""What is drawn of one request, and the jobs that draw it.

In: a plan. Out: Draws, which two plans with equal requests at one endpoint share, and a Job for each sample that is to be asked
for. A hundred thousand samples are promised at once: what is promised takes a byte a sample, and jobs are made as they are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..routes.ask import sample_key
from ..values import value
from .draws import Drawn
from .run import Plan


@dataclass(slots=True, eq=False)
class Draws:
    """What is drawn of one request: `came` has a byte for each promised sample. `held`: those that are not read from the record:
    errors, exceptions of ours, and what was drawn just now.
    """

    digest: str
    came: bytearray = field(default_factory=bytearray)
    held: dict[int, Drawn | BaseException] = field(default_factory=dict)

    def key(self, number: int) -> str:
        return sample_key(self.digest, number)

    def complete(self, samples: int) -> bool:
        return self.came.find(0, 0, samples) < 0


@value()
class Job:
    """One sample to be drawn."""

    plan: Plan
    draws: Draws
    number: int

    @property
    def key(self) -> str:
        return self.draws.key(self.number)


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one plan to be drawn, which become jobs one by one."""

    plan: Plan
    draws: Draws
    numbers: Sequence[int]

    def __iter__(self) -> Iterator[Job]:
        return (Job(self.plan, self.draws, number) for number in self.numbers)
