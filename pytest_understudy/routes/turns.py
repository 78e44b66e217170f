"""A workflow, worked through turn by turn.

In: a task with an environment, and whoever answers a conversation. Out: a Completion with its turns, and the Trajectory that they
made. Each turn is one form: the model's whole text is the next assistant message, and what came of its action the next user
message. What a newcomer would get wrong: a text is kept as the model gave it, its thoughts too, though they are worth nothing to
later turns: a prompt that only grows is read from the cache, and what the model sees is what it is trained on. (A server's own
chat template may still drop the thoughts of earlier turns; then the cache holds up to the last of them.)

What a model said can be worked through again without asking it: that is how a recorded sample is judged, and found stale where
its environment has since come to answer otherwise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from ..endpoints.answers import clean
from ..endpoints.endpoint import Completion, Exchange, Message, Tokens, Turn
from ..errors import EndpointError, EnvironmentCrash, StaleSample
from ..scoring.parsing import parsed
from ..suite.task import Task
from ..suite.workflow import Episode, Trajectory
from .own_thread import OwnThread

SHAPE: Final = (
    'Answer each message with one JSON object and nothing else: {"tool": "<name>", "arguments": {...}} to act, and '
    '{"done": "<a short report>"} when the work is done.'
)
OUT_OF_TURNS: Final = "turns"  # the finish of a workflow that used up its turns
_SHOWN: Final = 120  # characters of a message in an error

Answering = Callable[[tuple[Message, ...]], Awaitable[Completion]]


async def worked(task: Task, system: Sequence[Message], answering: Answering) -> tuple[Completion, Trajectory]:
    """One sample: sums over its turns, and what it did. All calls of its environment are made on one thread of their own.

    `finish`: stop where the model said that it is done, `turns` where it used them up; or that of a turn that was cut short,
    refused, timed out, unfilled ..., after which there is none. EndpointError and EnvironmentCrash tell what was `answered`.
    """
    answers: list[Completion] = []
    turns: list[Turn] = []
    async with OwnThread() as thread:
        try:
            stage = await thread.call(Stage, task)
            while stage.finish is None:
                message = stage.message
                answer = await answering((*system, *talk(turns), Message("user", message)))
                answers.append(answer)
                turns.append(Turn(message, answer.output, answer.finish, len(answer.exchanges)))
                await thread.call(stage.take, answer.output, answer.finish)
            return _summed(answers, turns, stage.finish), await thread.call(stage.trajectory)
        except (EndpointError, EnvironmentCrash) as failure:
            failure.answered = (*_exchanges(answers), *failure.answered)
            raise


def retraced(task: Task, turns: Sequence[Turn], finish: str) -> Trajectory:
    """What a recorded sample did, found by doing it again in a fresh environment. Blocks as long as the environment takes.

    StaleSample where the environment answers otherwise than it did; EnvironmentCrash where it breaks.
    """
    stage = Stage(task)
    for number, turn in enumerate(turns, 1):
        if stage.finish is not None:
            raise StaleSample(f"it would end before turn {number} now")
        if stage.message != turn.message:
            raise StaleSample(f"before turn {number} the model was told {_shown(turn.message)}, and now {_shown(stage.message)}")
        stage.take(turn.output, turn.finish)
    if stage.finish != finish:
        raise StaleSample(f"it ended after turn {len(turns)} with {finish!r}, and now {stage.finish or 'would go on'!r}")
    return stage.trajectory()


def talk(turns: Iterable[Turn]) -> tuple[Message, ...]:
    """The conversation that these turns were."""
    return tuple(
        message for turn in turns for message in (Message("user", turn.message), Message("assistant", clean(turn.output)))
    )


class Stage:
    """Where a workflow stands: `message` is what the model is told next; `finish` is how it ended, None while it goes on."""

    def __init__(self, task: Task) -> None:
        self._episode = Episode.of(task)
        self._strictly = task.parse == "strict"
        self._left = task.max_turns
        self._done: str | None = None
        self.message = clean(self._episode.opening)
        self.finish: str | None = None

    def take(self, output: str, finish: str) -> None:
        """What the model said, and how that ended; its action is done, unless it ended in another way than by itself."""
        self._left -= 1
        if finish != "stop":
            self.finish = finish
            return
        match self._read(output):
            case {"done": str(word), **others} if not others:
                self._done, self.finish = word, "stop"
                return
            case {"tool": str(tool), "arguments": arguments, **others} if not others:
                self.message = self._episode.step(tool, arguments)
            case _:
                self.message = self._episode.unread()
        if self._left <= 0:
            self.finish = OUT_OF_TURNS

    def _read(self, output: str) -> object:
        """The value in a text; with `parse: strict` in one that is nothing else."""
        found = parsed(output)
        return found.value if found.clean or not self._strictly else None

    def trajectory(self) -> Trajectory:
        return self._episode.trajectory(self._done)


def _summed(answers: Sequence[Completion], turns: Sequence[Turn], finish: str) -> Completion:
    return Completion(
        output="\n".join(turn.output for turn in turns),
        finish=finish,
        tokens=Tokens.over([answer.tokens for answer in answers]),
        latency=math.fsum(answer.latency for answer in answers),
        waited=math.fsum(answer.waited for answer in answers),
        requests=_exchanges(answers),
        turns=tuple(turns),
    )


def _exchanges(answers: Iterable[Completion]) -> tuple[Exchange, ...]:
    return tuple(exchange for answer in answers for exchange in answer.exchanges)


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...", ensure_ascii=False)
