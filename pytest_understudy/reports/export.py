"""Training examples, from what passed.

In: plans and their samples. Out: chat-format JSONL, a line for each strict pass: {"messages": [system?, user, assistant],
"metadata": {"route", "task", "sample"}}. Of a workflow it is a line for each turn, with all that was said before it and with its
number, from 1, as "turn" in the metadata: of each line the last message is learnt. The scorer is the judge of what is worth
learning: a stronger route, exported, teaches a weaker one (rejection sampling). What a newcomer would get wrong: the messages are
those that were *sent*. On a route that says ` /no_think` in them, they end so, or training would teach the model to answer at
once where it was asked to deliberate.

Holdout samples are left out unless asked for aloud, and tasks kept for confirmation always: docs/reference/figures.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..endpoints.answers import clean
from ..endpoints.chat import body
from ..endpoints.endpoint import Message, Request
from ..errors import ConfigError, listed
from ..routes.ask import messages, system
from ..routes.turns import talk
from ..sampling.run import Plan, Run, Sample
from .whole import write_whole


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported, and to which file. `clusters` keeps tasks of these alone; with `holdout` those of the holdout too."""

    path: Path
    clusters: tuple[str, ...] = ()
    holdout: bool = False

    def takes(self, run: Run) -> bool:
        """Whether the run's samples may be learnt from."""
        return self._may(run) and (not self.clusters or run.cluster in self.clusters)

    def check(self, runs: Iterable[Run]) -> None:
        """ConfigError where a cluster is named that none of these runs, drawn or not, could be exported under."""
        there = dict.fromkeys(run.cluster for run in runs if self._may(run))
        if unknown := [name for name in self.clusters if name not in there]:
            raise ConfigError(
                f"no task that may be exported has the cluster {unknown[0]!r}; there are {listed(there)}",
                at="--understudy-export-clusters",
            )

    def _may(self, run: Run) -> bool:
        return not run.confirm and (self.holdout or run.split == "train")


@dataclass(frozen=True, slots=True)
class Example:
    """One strict pass, or a turn of one, as a chat: what was sent, and the whole text of the answer. It crosses a process as a
    dict. `turn` is counted from 1; 0 where the sample is one answer.
    """

    messages: tuple[Message, ...]
    route: str
    task: str
    sample: int
    split: str
    turn: int = 0

    def to_json(self) -> dict[str, Any]:
        turn = {"turn": self.turn} if self.turn else {}
        return {
            "messages": [message.to_json() for message in self.messages],
            "metadata": {"route": self.route, "task": self.task, "sample": self.sample, **turn},
            "split": self.split,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Example:
        chat = tuple(Message(**message) for message in data["messages"])
        return cls(messages=chat, **data["metadata"], split=data["split"])

    @property
    def line(self) -> str:
        """Its line in the file."""
        data = self.to_json()
        return json.dumps({"messages": data["messages"], "metadata": data["metadata"]}, ensure_ascii=False)


def examples_of(plan: Plan, run: Run, *, soft: bool) -> list[Example]:
    """The run's strict passes. `soft`: the endpoint says no_think in the user messages."""
    think = not (soft and "no_think" in plan.route.controls)
    return [
        Example(_sent(chat, think), run.route, run.task, sample.number, run.split, turn)
        for sample in run.judged
        if sample.score.strict
        for turn, chat in _chats(plan, sample)
    ]


def _chats(plan: Plan, sample: Sample) -> Iterator[tuple[int, tuple[Message, ...]]]:
    if not sample.turns:
        yield 0, (*messages(plan.task), Message("assistant", sample.output))
    for number in range(1, len(sample.turns) + 1):
        yield number, (*system(plan.task), *talk(sample.turns[:number]))


def _sent(chat: tuple[Message, ...], think: bool) -> tuple[Message, ...]:
    said = body(Request(messages=chat, think=think), "none", "soft")["messages"]
    return tuple(Message(one["role"], clean(one["content"])) for one in said)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the examples; how many there were before equal ones were put together, and of how many strict passes."""

    path: Path
    examples: tuple[Example, ...]
    given: int
    passes: int

    @classmethod
    def written(cls, path: Path, examples: Sequence[Example]) -> Exported:
        """Writes the file whole or not at all, so that no reader ever sees half of it; of equal chats the first. OSError."""
        kept: dict[tuple[Message, ...], Example] = {}
        for example in examples:
            kept.setdefault(example.messages, example)
        write_whole(path, "".join(f"{example.line}\n" for example in kept.values()))
        return cls(path, tuple(kept.values()), len(examples), sum(example.turn <= 1 for example in examples))

    @property
    def holdout(self) -> int:
        """How many examples are of the holdout split."""
        return sum(example.split == "holdout" for example in self.examples)

    def told(self, shown: str) -> Iterator[str]:
        """What was exported, in words; `shown` is what the file is called."""
        count = len(self.examples)
        equal = self.given - count
        turns = f" in {self.given:,} turns" if self.given > self.passes else ""
        yield (
            f"{count:,} training example{'' if count == 1 else 's'} written to {shown}"
            f" ({self.passes:,} strict pass{'' if self.passes == 1 else 'es'}{turns}"
            f"{f', {equal:,} of them repeated' if equal else ''})"
        )
        if self.holdout:
            yield (
                f"WARNING: {self.holdout:,} of the examples in {shown} {'is' if self.holdout == 1 else 'are'} of the HOLDOUT:"
                " whatever is trained on them can't be judged on these tasks any more"
            )
