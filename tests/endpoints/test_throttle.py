"""Turns while a server says that requests are too many: halved once a burst, given back slowly, never lost."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.endpoints.endpoint import Completion, Message, Request
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.endpoints.throttle import Throttle

from ..plugin.server import Reply, Server, said

HELLO = Request((Message("user", "hello"),))


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def test_no_more_are_in_flight_than_it_allows() -> None:
    async def work() -> None:
        throttle = Throttle(2)
        await throttle.enter()
        await throttle.enter()
        third = asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        assert not third.done()
        throttle.leave()
        await third

    run(work())


def test_a_burst_of_refusals_halves_once_and_the_next_one_again() -> None:
    async def work() -> None:
        throttle = Throttle(8)
        tickets = [await throttle.enter() for _ in range(8)]
        for ticket in tickets:
            throttle.crowded(ticket)
            throttle.leave()
        assert throttle.limit == 4
        for expected in (2, 1, 1):
            tickets = [await throttle.enter() for _ in range(throttle.limit)]
            for ticket in tickets:
                throttle.crowded(ticket)
                throttle.leave()
            assert throttle.limit == expected

    run(work())


def test_what_is_halved_is_what_was_in_flight() -> None:
    async def work() -> None:
        throttle = Throttle(64)  # of which this process has a share of six
        tickets = [await throttle.enter() for _ in range(6)]
        throttle.crowded(tickets[0])
        assert throttle.limit == 3

    run(work())


def test_it_grows_by_one_after_as_many_answers_as_it_allows_and_never_beyond_its_most() -> None:
    async def work() -> None:
        throttle = Throttle(4)
        throttle.crowded(await throttle.enter())
        limits = []
        for _ in range(12):
            throttle.answered()
            limits.append(throttle.limit)
        assert limits == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]

    run(work())


def test_while_the_server_wants_to_be_left_alone_nobody_enters() -> None:
    async def work() -> None:
        throttle = Throttle(4)
        began = time.monotonic()
        throttle.hold(0.3)
        throttle.hold(0.1)  # a shorter wish takes nothing back
        await asyncio.gather(*(throttle.enter() for _ in range(3)))
        assert time.monotonic() - began >= 0.29

    run(work())


def test_one_who_gives_up_waiting_takes_no_turn_with_him() -> None:
    async def work() -> None:
        throttle = Throttle(1)
        await throttle.enter()
        first, second = asyncio.create_task(throttle.enter()), asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        throttle.leave()  # the turn goes to the first,
        first.cancel()  # who no longer wants it
        await second

    run(work())


def test_a_turn_that_was_never_given_back_does_not_bind_another_loop() -> None:
    throttle = Throttle(1)

    async def work() -> None:
        await throttle.enter()

    run(work())
    run(work())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.integers(1, 9), requests=st.integers(1, 60))
def test_everyone_gets_a_turn_and_no_limit_is_broken_whatever_the_server_says(seed: int, most: int, requests: int) -> None:
    chance = random.Random(seed)
    throttle = Throttle(most)
    inside = 0
    served = 0

    async def one() -> None:
        nonlocal inside, served
        ticket = await throttle.enter()
        inside += 1
        assert inside <= most
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                throttle.crowded(ticket)
            else:
                throttle.answered()
            assert 1 <= throttle.limit <= most
        finally:
            inside -= 1
            served += 1
            throttle.leave()

    async def work() -> None:
        tasks = [asyncio.create_task(one()) for _ in range(requests)]
        for task in tasks:
            if chance.random() < 0.2:
                await asyncio.sleep(0)
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        assert served >= sum(result is None for result in results)
        await throttle.enter()  # no turn was lost

    run(work())


# Through an endpoint, against a server that counts


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(lambda body: said("yes"))
    yield server
    server.close()


def asked(endpoint: OpenAI, times: int) -> list[Completion]:
    async def together() -> list[Completion]:
        try:
            return await asyncio.gather(*(endpoint.complete(HELLO) for _ in range(times)))
        finally:
            await endpoint.close()

    return asyncio.run(together())


def test_a_server_that_takes_four_at_once_is_soon_asked_no_more_than_it_takes(server: Server) -> None:
    lock = threading.Lock()
    state = {"inside": 0, "refused": 0}

    def rule(body: dict[str, Any]) -> Reply:
        with lock:
            state["inside"] += 1
            full = state["inside"] > 4
            state["refused"] += full
        time.sleep(0.01)
        with lock:
            state["inside"] -= 1
        return Reply(b'{"error": {"message": "slow down"}}', status=429) if full else said("yes")

    server.rule = rule
    completions = asked(OpenAI(name="served", base_url=server.url, concurrency=32, retries=50, backoff=0.005), 200)
    assert [completion.output for completion in completions] == ["yes"] * 200
    assert server.peak <= 32
    # Unthrottled, seven in eight of what 32 send at once would be refused, again and again.
    assert state["refused"] <= 100


def test_retry_after_is_waited_for_by_all_and_not_found_out_by_each(server: Server) -> None:
    times: list[float] = []
    lock = threading.Lock()

    def rule(body: dict[str, Any]) -> Reply:
        with lock:
            times.append(time.monotonic())
            first = len(times) == 1
        return Reply(b"{}", status=503, headers={"Retry-After": "1"}) if first else said("yes")

    server.rule = rule
    endpoint = OpenAI(name="served", base_url=server.url, concurrency=1)
    completions = asked(endpoint, 8)
    assert len(times) == 9
    assert min(times[1:]) - times[0] >= 0.9
    assert all(completion.waited >= 0.9 for completion in completions)
    assert all(completion.latency < 0.9 for completion in completions)
