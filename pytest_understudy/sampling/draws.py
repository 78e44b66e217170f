"""What came of one sample, and its line in the record.

In: a Drawn. Out: a line as a dict; and back. A line of an earlier version, which lacks a key of today's, is read all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from ..endpoints.endpoint import Completion, Exchange, Tokens, Turn
from ..suite.workflow import Trajectory
from ..values import value
from .run import Plan


@value()
class Drawn:
    """What came of one sample: a completion, or the error that stood in its way.

    `answered`: of an error, the requests that were answered before it. `ended`: the error ended its route. `sent` and `prompt`:
    what was sent, as a hash and in full (sent.py); not read back from a record. `at`: when it came. `trajectory`: what a workflow
    did; not in the record, since it is found again from the turns (recalled.py).
    """

    completion: Completion | None
    error: str | None = None
    replayed: bool = False
    answered: tuple[Exchange, ...] = ()
    ended: bool = False
    sent: str | None = None
    prompt: str | dict[str, Any] | None = None
    at: str | None = field(default=None, compare=False)
    trajectory: Trajectory | None = field(default=None, compare=False, repr=False)


def line_of(key: str, plan: Plan, number: int, drawn: Drawn) -> dict[str, Any]:
    """The line of a sample, an error's too."""
    done = drawn.completion
    requests = done.requests if done else drawn.answered
    return {
        "key": key,
        "route": plan.route.name,
        "task": plan.task.id,
        "sample": number,
        "output": done.output if done else None,
        "finish": done.finish if done else None,
        "error": drawn.error,
        "tokens": (done.tokens if done else summed(requests)).to_json(),
        "latency": done.latency if done else None,
        "waited": done.waited if done else None,
        "requests": [request.to_json() for request in requests],
        **({"turns": [turn.to_json() for turn in done.turns]} if done and done.turns else {}),
        "sent": drawn.sent,
        **({} if drawn.prompt is None else {"prompt": drawn.prompt}),
        "at": drawn.at or now(),
    }


def completion_of(line: Mapping[str, Any]) -> Completion:
    """The completion that a line tells of. Raises one of many errors where it is none of ours."""
    return Completion(
        output=line["output"] + "",
        finish=line["finish"] + "",
        tokens=Tokens.from_json(line["tokens"]),
        latency=float(line["latency"]),
        waited=float(line["waited"]),
        requests=tuple(Exchange.from_json(request) for request in line["requests"]),
        turns=tuple(Turn.from_json(turn) for turn in line.get("turns", ())),
    )


def summed(requests: Sequence[Exchange]) -> Tokens:
    """The tokens of all of them; unknown where there are none."""
    return Tokens.over([request.tokens for request in requests])


def now() -> str:
    """The time as `at` has it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def moment(at: str) -> datetime:
    """The time that `at` tells; one without a zone is UTC."""
    told = datetime.fromisoformat(at)
    return told if told.tzinfo else told.replace(tzinfo=UTC)
