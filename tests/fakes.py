"""Endpoints that need no server: real classes behind the Endpoint protocol.

ScriptedEndpoint answers from a list and remembers what it was asked; NoiseEndpoint answers seeded noise. Both keep to a request's
stop strings and its max_tokens, as servers do; a token is a character here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_understudy.endpoints.endpoint import Abilities, Completion, Exchange, Request, Tokens
from pytest_understudy.errors import EndpointError

ABLE = Abilities(prefill=True, no_think=True, schema=True)


@dataclass
class ScriptedEndpoint:
    """Answers in order: a text, a whole Completion, or an exception to raise. More requests than answers is an error.

    `obeys = False`: stop strings are not looked at, as a server may that knows none.
    """

    answers: Sequence[str | Completion | Exception]
    abilities: Abilities = ABLE
    name: str = "scripted"
    kind: str = "scripted"
    concurrency: int = 8
    obeys: bool = True
    asked: list[Request] = field(default_factory=list)
    closed: bool = False

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        if len(self.asked) > len(self.answers):
            raise EndpointError(f"asked {len(self.asked)} times, and there are {len(self.answers)} answers", at=self.name)
        answer = self.answers[len(self.asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Completion) else completion(request, answer, obeys=self.obeys)

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        return (self.kind, self.name, model or "", adapter or "")

    async def close(self) -> None:
        self.closed = True

    @property
    def prefixes(self) -> list[str]:
        return [request.prefix for request in self.asked]


@dataclass
class NoiseEndpoint:
    """Answers pieces of JSON and of nonsense, drawn by its seed, the request's seed and what it was asked."""

    seed: int = 0
    pieces: Sequence[str] = (
        *('"', '"', '"', '", "', ": ", ",", "{", "}", "[", "]", '"}', "]}", "\\", '\\"', "\\u00e9", "\n", "  ", "\t"),
        *(
            "true",
            "false",
            "null",
            " 1",
            "0",
            "-",
            ".5",
            "12",
            "e3",
            "a",
            "refund",
            "S1",
            "é",
            "漢",
            "\U0001f600",
            "\ufffd",
            "\x00",
        ),
        *("```json\n", "<think>", "Sure! ", "'", "name", "id", "x" * 30),
    )
    abilities: Abilities = ABLE
    name: str = "noise"
    kind: str = "noise"
    concurrency: int = 8
    asked: int = 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        draw = random.Random(f"{self.seed}/{request.sampling.seed}/{request.prefix}/{self.asked}")
        text = "".join(draw.choice(self.pieces) for _ in range(draw.choice((0, 1, 2, 5, 20, 80))))
        return completion(request, text)

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        return (self.kind, self.name, model or "", adapter or "")

    async def close(self) -> None:
        return None


def completion(request: Request, text: str, *, obeys: bool = True) -> Completion:
    """What a server would make of `text`: cut at the first stop string, then at max_tokens characters."""
    stops = [text.index(stop) for stop in request.stop if stop in text] if obeys else []
    text = text[: min(stops)] if stops else text
    finish = "length" if len(text) > request.sampling.max_tokens else "stop"
    text = text[: request.sampling.max_tokens]
    tokens = Tokens(prompt=sum(len(message.content) for message in request.messages) + len(request.prefix), generated=len(text))
    return Completion(text, finish, tokens, 0.01, requests=(Exchange(text, finish, tokens, 0.01),))
