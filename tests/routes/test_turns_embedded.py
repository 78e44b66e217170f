"""A workflow on the real model: its prompt only grows, so that the server reads it from its cache."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Completion, Message, Sampling
from pytest_understudy.routes.ask import ask, system
from pytest_understudy.routes.route import Route
from pytest_understudy.routes.turns import talk

from .test_turns import TASK

ROUTE = Route("raw", "local", fill="slots", sampling=Sampling(temperature=0.0, max_tokens=60, seed=1))
LONG = replace(TASK, instructions="You book rooms at the front desk. " * 20, max_turns=3)


@pytest.fixture
def alone() -> Iterator[Embedded]:
    """A server with one slot, so that no other prompt is between two turns."""
    endpoint = Embedded(name="local", model="smollm2", concurrency=1)
    yield endpoint
    endpoint.stop()


def rendered(endpoint: Embedded, messages: tuple[Message, ...]) -> str:
    """The prompt that the server itself makes of the messages."""
    body = json.dumps({"messages": [message.to_json() for message in messages]}).encode()
    asked = urllib.request.Request(f"{endpoint.start()[0]}/apply-template", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        prompt: str = json.load(answer)["prompt"]
    return prompt


@pytest.mark.parametrize("controls", [(), ("no_think",), ("prefill", "no_think")])
def test_a_prompt_only_grows_and_what_it_grew_from_is_cached(alone: Embedded, controls: tuple[str, ...]) -> None:
    async def one() -> Completion:
        done, _ = await ask(LONG, replace(ROUTE, controls=controls), alone, 0)
        await alone.close()
        return done

    done = asyncio.run(one())
    turns, requests = done.turns, done.requests
    assert len(turns) > 1
    firsts = [requests[sum(turn.requests for turn in turns[:number])] for number in range(len(turns))]
    for number in range(1, len(turns)):
        before = rendered(alone, (*system(LONG), *talk(turns[: number - 1]), Message("user", turns[number - 1].message)))
        after = rendered(alone, (*system(LONG), *talk(turns[:number]), Message("user", turns[number].message)))
        assert after.startswith(before + turns[number - 1].output)
        cached, grown_from = firsts[number].tokens.cached, firsts[number - 1].tokens.prompt
        assert cached is not None
        assert grown_from is not None
        assert cached >= 0.95 * grown_from
