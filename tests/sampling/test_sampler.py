"""The engine: every promise is kept, by a sample, by an error that it carries, or by an exception."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from pytest_understudy.endpoints.endpoint import Abilities, Completion, Request
from pytest_understudy.errors import EndpointError, RouteEnded
from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.allowance import Allowance
from pytest_understudy.sampling.permits import Share
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.sampler import Sampler
from pytest_understudy.sampling.scored import sample_of
from pytest_understudy.sampling.spending import Spending
from pytest_understudy.suite.form import Form

from .made import completion, plan


class Answering:
    """An endpoint that answers by a function, and counts."""

    name, kind, concurrency = "local", "test", 4
    abilities = Abilities(prefill=False, no_think=True, schema=False)

    def __init__(self, answer: Callable[[Request], Completion], delay: float = 0.0) -> None:
        self.answer = answer
        self.delay = delay
        self.asked: list[Request] = []
        self.in_flight = self.peak = 0
        self.closed = self.cancelled = False

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        return (self.kind, self.name, model or "", adapter or "")

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.delay)
            return self.answer(request)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        self.closed = True


Make = Callable[..., Sampler]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Sampler] = []

    def make(
        endpoint: Answering, *, own: int = 4, replay: Literal["auto", "only", "off"] = "auto", folder: str = "record"
    ) -> Sampler:
        record = Record(tmp_path / folder, read=replay != "off")
        made.append(Sampler({"local": endpoint}, record, session=Share(own), limits={"local": Share(4)}, replay=replay))
        return made[-1]

    yield make
    for sampler in made:
        sampler.close()


def outputs(sampler: Sampler, *args: object, **kwargs: object) -> list[str | None]:
    return [drawn.completion.output if drawn.completion else drawn.error for drawn in sampler.wait(plan(*args, **kwargs))]  # type: ignore[arg-type]


def echo(request: Request) -> Completion:
    return completion(request.messages[-1].content)


def test_promised_twice_is_drawn_once_and_waiting_promises(make: Make) -> None:
    endpoint = Answering(echo)
    sampler = make(endpoint)
    sampler.promise([plan("a", samples=3), plan("b")])
    sampler.promise([plan("a", samples=3)])
    assert outputs(sampler, "a", samples=3) == ["a", "a", "a"]
    assert outputs(sampler, "b") == ["b"]
    assert outputs(sampler, "c") == ["c"]
    assert len(endpoint.asked) == 5


def test_once_it_has_begun_as_many_were_asked_as_may_be_in_flight(make: Make) -> None:
    endpoint = Answering(echo, delay=0.2)
    sampler = make(endpoint)
    assert not sampler.begun()
    sampler.promise([plan("a", samples=9)])
    assert sampler.begun()
    assert len(endpoint.asked) == 4
    sampler.wait(plan("a", samples=9))
    again = make(endpoint, replay="only")
    again.promise([plan("a", samples=9)])
    assert not again.begun()


def test_more_samples_of_a_task_reuse_those_that_were_drawn(make: Make) -> None:
    endpoint = Answering(echo)
    sampler = make(endpoint)
    sampler.wait(plan("a", samples=2))
    sampler.wait(plan("a", samples=5))
    assert len(endpoint.asked) == 5


def test_the_seed_is_the_routes_and_the_samples_number(make: Make) -> None:
    endpoint = Answering(echo)
    make(endpoint, own=1).wait(plan("a", samples=3, seed=2**31 - 2))
    assert [request.sampling.seed for request in endpoint.asked] == [2**31 - 2, 2**31 - 1, 0]


def test_tasks_are_drawn_one_after_another_and_ahead(make: Make) -> None:
    endpoint = Answering(echo, delay=0.005)
    sampler = make(endpoint, own=2)
    sampler.promise([plan(name, samples=2) for name in "abc"])
    sampler.wait(plan("c", samples=2))
    assert [request.messages[-1].content for request in endpoint.asked] == ["a", "a", "b", "b", "c", "c"]


@pytest.mark.parametrize(("own", "peak"), [(1, 1), (3, 3), (64, 4)])
def test_the_smaller_of_session_and_endpoint_holds(make: Make, own: int, peak: int) -> None:
    endpoint = Answering(echo, delay=0.01)
    make(endpoint, own=own).wait(plan("a", samples=20))
    assert endpoint.peak == peak


def test_what_is_recorded_is_not_asked_again(make: Make) -> None:
    endpoint = Answering(echo)
    make(endpoint).wait(plan("a", samples=2))
    again = make(endpoint).wait(plan("a", samples=3, route="renamed"))
    assert [drawn.replayed for drawn in again] == [True, True, False]
    assert len(endpoint.asked) == 3


def test_off_asks_afresh_and_only_asks_nothing(make: Make) -> None:
    endpoint = Answering(echo)
    make(endpoint).wait(plan("a"))
    assert [drawn.replayed for drawn in make(endpoint, replay="off").wait(plan("a"))] == [False]
    assert outputs(make(endpoint, replay="only"), "a", samples=2) == [
        "a",
        "not in the record: sample 1 of task 'a' on route 'raw'",
    ]
    assert len(endpoint.asked) == 2


def test_two_routes_with_equal_requests_share_their_samples(make: Make) -> None:
    endpoint = Answering(echo, delay=0.01)
    sampler = make(endpoint)
    sampler.promise([plan("a", route="raw", samples=2), plan("a", route="twin", samples=2)])
    assert outputs(sampler, "a", route="twin", samples=2) == ["a", "a"]
    assert len(endpoint.asked) == 2


def test_a_sample_may_fail_and_the_run_goes_on(make: Make) -> None:
    def answer(request: Request) -> Completion:
        if len(endpoint.asked) == 2:
            raise EndpointError("the server hung up")
        return completion()

    endpoint = Answering(answer)
    sampler = make(endpoint, own=1)
    assert outputs(sampler, "a", samples=3) == ["yes", "the server hung up", "yes"]
    assert sampler.ended(plan("a", samples=3)) is None


def test_a_route_that_ended_asks_nothing_more_and_others_go_on(make: Make) -> None:
    def answer(request: Request) -> Completion:
        if request.messages[-1].content != "good":
            raise RouteEnded("401: no such key")
        return completion()

    endpoint = Answering(answer)
    sampler = make(endpoint, own=1)
    sampler.promise([plan("a", samples=50), plan("b", samples=50)])
    assert outputs(sampler, "b", samples=50) == ["not drawn: 401: no such key"] * 50
    assert outputs(sampler, "a", samples=50)[0] == "401: no such key"
    assert sampler.ended(plan("a", samples=50)) == sampler.ended(plan("b", samples=50)) == "401: no such key"
    assert len(endpoint.asked) == 1
    assert outputs(sampler, "a", text="good", route="other") == ["yes"]


def test_a_bug_reaches_who_waits_and_the_engine_goes_on(make: Make) -> None:
    def answer(request: Request) -> Completion:
        if request.messages[-1].content == "bad":
            raise ZeroDivisionError("a bug")
        return completion()

    sampler = make(Answering(answer), own=1)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        sampler.wait(plan("bad"))
    assert outputs(sampler, "good") == ["yes"]


def test_a_record_that_cannot_be_written_reaches_who_waits(make: Make, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="blocked"):
        make(Answering(echo), folder="blocked").wait(plan("a"))


def test_if_the_loop_dies_all_open_promises_die_with_it(make: Make) -> None:
    endpoint = Answering(echo, delay=60)
    sampler = make(endpoint)
    sampler.promise([plan("a")])
    while not endpoint.asked:
        time.sleep(0.005)
    loop = sampler._loop
    assert loop is not None

    def die() -> None:
        raise KeyboardInterrupt

    loop._loop.call_soon_threadsafe(die)
    with pytest.raises(KeyboardInterrupt):
        sampler.wait(plan("a"))
    with pytest.raises(KeyboardInterrupt):
        sampler.wait(plan("b"))


def test_close_cancels_what_is_in_flight_at_once_and_leaves_no_thread(make: Make) -> None:
    endpoint = Answering(echo, delay=60)
    sampler = make(endpoint)
    sampler.promise([plan("a", samples=8)])
    while len(endpoint.asked) < 4:
        time.sleep(0.005)
    started = time.monotonic()
    sampler.close()
    sampler.close()
    assert time.monotonic() - started < 2
    assert endpoint.cancelled
    assert endpoint.closed
    assert not any(thread.name == "understudy-sampler" for thread in threading.enumerate())
    with pytest.raises(EndpointError, match="the session ended"):
        sampler.wait(plan("a"))


def test_the_thread_starts_only_where_something_is_to_be_drawn(make: Make) -> None:
    make(Answering(echo)).wait(plan("a"))
    before = threading.active_count()
    make(Answering(echo)).wait(plan("a"))
    assert threading.active_count() == before


def test_a_request_that_somebody_else_cancels_is_an_error_and_the_engine_goes_on(make: Make) -> None:
    def answer(request: Request) -> Completion:
        if request.messages[-1].content == "bad":
            raise asyncio.CancelledError
        return completion()

    sampler = make(Answering(answer), own=1)
    with pytest.raises(EndpointError, match="cancelled"):
        sampler.wait(plan("bad"))
    assert outputs(sampler, "good") == ["yes"]


def test_what_goes_wrong_in_opening_an_endpoints_queue_reaches_who_waits(tmp_path: Path) -> None:
    limits = {"local": Share(1, str(tmp_path / "nowhere" / "x" / "\0.lock"))}
    sampler = Sampler({"local": Answering(echo)}, Record(tmp_path), session=Share(1), limits=limits)
    with pytest.raises((OSError, ValueError)):
        sampler.wait(plan("a"))
    sampler.close()


def test_of_an_error_in_a_form_the_requests_that_were_answered_are_kept(make: Make, tmp_path: Path) -> None:
    def answer(request: Request) -> Completion:
        if len(endpoint.asked) == 2:
            raise EndpointError("the server hung up")
        return completion("1")

    endpoint = Answering(answer)
    endpoint.abilities = Abilities(prefill=True, no_think=True, schema=True)
    properties = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    form = Form.from_schema({"type": "object", "properties": properties, "required": ["a", "b"]})
    made = plan("a")
    asked = replace(made, task=replace(made.task, form=form), route=replace(made.route, controls=("prefill",), fill="slots"))
    (drawn,) = make(endpoint, own=1).wait(asked)
    assert (drawn.error, len(drawn.answered)) == ("the server hung up", 1)
    sample = sample_of(replace(asked, route=replace(asked.route, price=Price.blended(1.0))), 0, drawn)
    assert (sample.tokens.total, sample.requests) == (12, 1)
    assert sample.cost == pytest.approx(12 / 1e6)
    (line,) = next((tmp_path / "record").glob("*.jsonl")).read_text().splitlines()
    assert '"generated": 2' in line


def test_what_is_drawn_ahead_past_the_bound_is_read_back_and_is_no_replay(tmp_path: Path) -> None:
    endpoint = Answering(echo)
    limits = {"local": Share(4)}
    sampler = Sampler({"local": endpoint}, Record(tmp_path), session=Share(4), limits=limits, held=3)
    plans = [plan(name, samples=4) for name in "abc"]
    sampler.promise(plans)
    sampler.wait(plans[2])
    held = [one for draws in sampler._promised.values() for one in draws.held.values()]
    assert 0 < len(held) <= 3
    drawn = [one for each in plans for one in sampler.wait(each)]
    assert [one.completion and one.completion.output for one in drawn] == [*"aaaabbbbcccc"]
    assert {(one.replayed, one.error, one.at is None) for one in drawn} == {(False, None, False)}
    assert len(endpoint.asked) == 12
    sampler.close()


def test_what_was_waited_for_is_let_go_and_read_back_where_it_is_waited_for_again(make: Make) -> None:
    def answer(request: Request) -> Completion:
        if len(endpoint.asked) == 2:
            raise EndpointError("the server hung up")
        return completion()

    endpoint = Answering(answer)
    sampler = make(endpoint, own=1)
    first = sampler.wait(plan("a", samples=3))
    assert [list(draws.held) for draws in sampler._promised.values()] == [[1]]
    again = sampler.wait(plan("a", samples=3))
    assert [(one.completion, one.error, one.replayed, one.at) for one in again] == [
        (one.completion, one.error, one.replayed, one.at) for one in first
    ]
    assert len(endpoint.asked) == 3


def test_of_what_was_waited_for_and_is_recorded_nothing_stays_in_memory(make: Make) -> None:
    endpoint = Answering(echo)
    sampler = make(endpoint)
    sampler.promise([plan("a", route="raw", samples=2), plan("a", route="twin", samples=2), plan("b")])
    sampler.wait(plan("b"))
    sampler.wait(plan("a", route="raw", samples=2))
    assert [name for name, *_ in sampler._promised] == ["twin"]
    assert outputs(sampler, "a", route="raw", samples=3) == outputs(sampler, "a", route="twin", samples=3) == ["a"] * 3
    assert (sampler._promised, sampler._by_digest) == ({}, {})
    assert sampler.ended(plan("b")) is None
    assert len(endpoint.asked) == 4


def test_with_a_spend_limit_one_sample_of_every_task_is_drawn_a_round(tmp_path: Path) -> None:
    endpoint = Answering(echo)
    plans = [
        replace(one, route=replace(one.route, price=Price(0.0, 0.0))) for one in (plan("a", samples=3), plan("b", samples=2))
    ]
    spending = Spending(Allowance(1.0, 1.0))
    sampler = Sampler({"local": endpoint}, Record(tmp_path), session=Share(1), limits={"local": Share(1)}, spending=spending)
    sampler.promise(plans)
    for one in plans:
        sampler.wait(one)
    assert "".join(request.messages[-1].content for request in endpoint.asked) == "ababa"
    sampler.close()
