"""A workflow turn by turn: what is asked, how it ends, what it sums up to; and worked through again from its turns."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Message, Sampling, Tokens, Turn
from pytest_understudy.errors import EndpointError, EnvironmentCrash, StaleSample
from pytest_understudy.routes.ask import ask, request_digest, system
from pytest_understudy.routes.route import Route
from pytest_understudy.routes.turns import OUT_OF_TURNS, retraced, talk
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task, Tool
from pytest_understudy.suite.workflow import NO_ACTION, Trajectory

from ..fakes import ScriptedEndpoint
from ..suite.desk import Desk

TOOLS = tuple(Tool(**definition) for definition in Desk.tools)
TASK = Task("plover", "Book Plover at 9.", tools=TOOLS, environment=Desk, form=Form.of_a_turn(TOOLS), instructions="You book.")
RAW = Route("raw", "scripted", sampling=Sampling(max_tokens=400, seed=5))
PREFILL = replace(RAW, name="prefill", controls=("prefill",))
HERON = '{"tool": "book", "arguments": {"room": "Heron", "hour": 9}}'
PLOVER = '{"tool": "book", "arguments": {"room": "Plover", "hour": 9}}'
DONE = '{"done": "Plover is booked."}'


def worked(
    *answers: str | Completion | Exception, task: Task = TASK, route: Route = RAW
) -> tuple[Completion, Trajectory, ScriptedEndpoint]:
    """What came of a sample, and the endpoint that was asked: exactly as often as there are answers."""
    endpoint = ScriptedEndpoint(answers)
    completion, trajectory = asyncio.run(ask(task, route, endpoint, 0))
    assert trajectory is not None
    assert len(endpoint.asked) == len(answers)
    return completion, trajectory, endpoint


def contents(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def test_each_turn_is_an_assistant_message_and_what_came_of_it_the_next_users() -> None:
    _, _, endpoint = worked(HERON, PLOVER, DONE)
    assert contents(endpoint.asked[-1].messages)[1:] == [
        ("user", "Book Plover at 9.\n\nHeron is taken at 9."),
        ("assistant", HERON),
        ("user", "Heron is taken at 9."),
        ("assistant", PLOVER),
        ("user", "Plover is yours at 9."),
    ]
    for before, after in zip(endpoint.asked, endpoint.asked[1:], strict=False):
        assert after.messages[: len(before.messages)] == before.messages


def test_the_system_message_shows_the_tools_and_a_turns_shape() -> None:
    _, _, endpoint = worked(DONE)
    (shown,) = system(TASK)
    assert endpoint.asked[0].messages[0] == shown
    instructions, tools, shape = shown.content.split("\n\n")
    assert instructions == "You book."
    assert [tool["name"] for tool in json.loads(tools)] == ["book", "look"]
    assert '{"tool": "<name>", "arguments": {...}}' in shape
    assert '{"done": ' in shape


def test_an_observation_that_holds_the_input_is_not_told_twice() -> None:
    class Repeating(Desk):
        def reset(self, task: Task) -> str:
            return f"{super().reset(task)} The note says: {task.input}"

    _, _, endpoint = worked(DONE, task=replace(TASK, environment=Repeating))
    assert endpoint.asked[0].messages[-1].content == "Heron is taken at 9. The note says: Book Plover at 9."


def test_a_sample_is_the_sum_of_its_turns() -> None:
    tokens = [Tokens(prompt=100, cached=0, generated=20, reasoning=5), Tokens(prompt=140, cached=96, generated=10)]
    answers = [
        Completion(text, "stop", count, 0.25 * (1 + number), 0.5, (Exchange(text, "stop", count, 0.25 * (1 + number)),))
        for number, (text, count) in enumerate(zip((PLOVER, DONE), tokens, strict=True))
    ]
    completion, _, _ = worked(*answers)
    assert completion.tokens == Tokens(prompt=240, cached=96, generated=30, reasoning=5)
    assert (completion.latency, completion.waited) == (0.75, 1.0)
    assert [exchange.output for exchange in completion.requests] == [PLOVER, DONE]
    assert completion.output == f"{PLOVER}\n{DONE}"
    assert completion.turns == (
        Turn("Book Plover at 9.\n\nHeron is taken at 9.", PLOVER, "stop", 1),
        Turn("Plover is yours at 9.", DONE, "stop", 1),
    )


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    silent = Completion(PLOVER, "stop", Tokens(), 0.1)
    completion, _, _ = worked(silent, DONE)
    assert completion.tokens.total is None


def test_what_was_done_is_kept_with_the_state_before_and_after() -> None:
    completion, trajectory, _ = worked(HERON, PLOVER, DONE)
    assert completion.finish == "stop"
    assert [action["arguments"]["room"] for action in trajectory.actions] == ["Heron", "Plover"]
    assert trajectory.done == "Plover is booked."
    assert trajectory.before["bookings"]["Plover"] == {}
    assert trajectory.after["bookings"]["Plover"] == {"9": "desk"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would book Plover.",
        '{"tool": "book"',
        '{"tool": "book"}',
        '{"done": true}',
        '{"done": "yes", "tool": "book", "arguments": {}}',
        '{"thought": "hm", "tool": "book", "arguments": {"room": "Plover", "hour": 9}}',
        "[]",
        "<think>Plover, then. " + PLOVER,
    ],
)
def test_a_text_without_an_action_is_answered_with_a_sentence_and_costs_a_turn(text: str) -> None:
    completion, trajectory, endpoint = worked(text, PLOVER, task=replace(TASK, max_turns=2))
    assert endpoint.asked[1].messages[-1] == Message("user", NO_ACTION)
    assert completion.finish == OUT_OF_TURNS
    assert len(trajectory.actions) == 1


@pytest.mark.parametrize("text", [f"<think>\nPlover is free.\n</think>\n\n{PLOVER}", f"Let me see.\n```json\n{PLOVER}\n```"])
def test_an_action_is_found_behind_thoughts_and_in_a_fence_and_the_text_is_kept_whole(text: str) -> None:
    completion, trajectory, endpoint = worked(text, DONE)
    assert trajectory.after["bookings"]["Plover"] == {"9": "desk"}
    assert endpoint.asked[1].messages[-2] == Message("assistant", text)
    assert completion.turns[0].output == text


def test_where_parsing_is_strict_an_action_stands_alone_or_there_is_none() -> None:
    strictly = replace(TASK, parse="strict")
    _, trajectory, endpoint = worked(f"Let me see. {PLOVER}", f"<think>Alone.</think>\n{PLOVER}", DONE, task=strictly)
    assert endpoint.asked[1].messages[-1] == Message("user", NO_ACTION)
    assert [action["tool"] for action in trajectory.actions] == ["book"]


def test_turns_that_are_used_up_end_the_work_after_the_last_action() -> None:
    completion, trajectory, _ = worked(HERON, PLOVER, task=replace(TASK, max_turns=2))
    assert completion.finish == OUT_OF_TURNS
    assert trajectory.after["bookings"]["Plover"] == {"9": "desk"}
    assert trajectory.done is None


@pytest.mark.parametrize("finish", ["length", "refusal", "content_filter", "timeout", "overflow"])
def test_an_answer_that_does_not_end_by_itself_ends_the_work_and_its_action_is_not_done(finish: str) -> None:
    cut = Completion(PLOVER, finish, Tokens(prompt=1, generated=1), 0.1)
    completion, trajectory, _ = worked(HERON, cut)
    assert completion.finish == finish
    assert [turn.finish for turn in completion.turns] == ["stop", finish]
    assert trajectory.after["bookings"]["Plover"] == {}


def test_prefill_begins_every_turn() -> None:
    completion, _, endpoint = worked('tool": "book", "arguments": {"room": "Plover", "hour": 9}}', 'done": "ok"}', route=PREFILL)
    assert endpoint.prefixes == ['{"', '{"']
    assert [turn.output for turn in completion.turns] == [PLOVER, '{"done": "ok"}']
    assert endpoint.asked[1].messages[-2].content == PLOVER


def test_slots_are_filled_turn_by_turn_and_each_turn_tells_its_requests() -> None:
    answers = ['tool"', 'book"', 'Plover"', " 9}", 'done"', 'ok"']
    completion, trajectory, endpoint = worked(*answers, route=replace(PREFILL, fill="slots"))
    assert [turn.output for turn in completion.turns] == [PLOVER, '{"done": "ok"}']
    assert sum(turn.requests for turn in completion.turns) == len(completion.requests) == len(endpoint.asked)
    assert [turn.requests for turn in completion.turns] == [4, 2]
    assert trajectory.after["bookings"]["Plover"] == {"9": "desk"}


def test_no_think_is_asked_for_in_every_turn() -> None:
    _, _, endpoint = worked(PLOVER, DONE, route=replace(RAW, controls=("no_think",)))
    assert [request.think for request in endpoint.asked] == [False, False]


def test_a_schema_is_that_of_one_turn() -> None:
    _, _, endpoint = worked(PLOVER, DONE, route=replace(RAW, controls=("schema",)))
    assert TASK.form is not None
    assert [request.schema for request in endpoint.asked] == [TASK.form.schema] * 2


def test_every_turn_has_the_samples_seed() -> None:
    endpoint = ScriptedEndpoint([PLOVER, DONE])
    asyncio.run(ask(TASK, RAW, endpoint, 3))
    assert [request.sampling.seed for request in endpoint.asked] == [8, 8]


def test_an_environment_that_breaks_tells_what_was_paid_for() -> None:
    class Breaking(Desk):
        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            if arguments.get("room") == "Plover":
                raise LookupError("the wing burnt down")
            return super().step(tool, arguments)

    with pytest.raises(EnvironmentCrash, match="the wing burnt down") as caught:
        worked(HERON, PLOVER, task=replace(TASK, environment=Breaking))
    assert [exchange.output for exchange in caught.value.answered] == [HERON, PLOVER]
    assert "in step" in caught.value.traceback


def test_an_endpoint_that_fails_in_a_later_turn_tells_what_was_paid_for() -> None:
    with pytest.raises(EndpointError, match="hung up") as caught:
        worked(HERON, EndpointError("the server hung up"))
    assert [exchange.output for exchange in caught.value.answered] == [HERON]


def test_an_environment_may_hold_what_belongs_to_one_thread() -> None:
    class Stored(Desk):
        def __init__(self) -> None:
            super().__init__()
            self.store = sqlite3.connect(":memory:")  # raises where another thread asks it
            self.store.execute("create table seen (tool text)")

        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            self.store.execute("insert into seen values (?)", (tool,))
            return super().step(tool, arguments)

        def state(self) -> dict[str, Any]:
            return {"seen": [tool for (tool,) in self.store.execute("select tool from seen")]}

    _, trajectory, _ = worked(HERON, PLOVER, DONE, task=replace(TASK, environment=Stored))
    assert trajectory.after == {"seen": ["book", "book"]}


def test_a_slow_environment_does_not_hold_up_the_others() -> None:
    class Waiting(Desk):
        """Answers once another one is asked, too."""

        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            barrier.wait()
            return super().step(tool, arguments)

    barrier = threading.Barrier(2, timeout=30)
    task = replace(TASK, environment=Waiting)

    async def two() -> list[tuple[Completion, Trajectory | None]]:
        return await asyncio.gather(*(ask(task, RAW, ScriptedEndpoint([PLOVER, DONE]), number) for number in range(2)))

    assert [completion.finish for completion, _ in asyncio.run(two())] == ["stop", "stop"]


def test_what_is_worked_through_again_is_what_was_done() -> None:
    for answers in ((HERON, PLOVER, DONE), ("What?", PLOVER, DONE), (HERON,) * 8):
        completion, trajectory, _ = worked(*answers)
        assert retraced(TASK, completion.turns, completion.finish) == trajectory


def test_an_environment_that_answers_otherwise_makes_a_sample_stale() -> None:
    completion, _, _ = worked(HERON, PLOVER, DONE)

    class Polite(Desk):
        def step(self, tool: str, arguments: Mapping[str, Any]) -> str:
            return super().step(tool, arguments).replace("is yours", "is yours, dear,")

    class Later(Desk):
        def reset(self, task: Task) -> str:
            return super().reset(task).replace("9", "10")

    with pytest.raises(StaleSample) as caught:
        retraced(replace(TASK, environment=Polite), completion.turns, completion.finish)
    assert str(caught.value) == (
        'before turn 3 the model was told "Plover is yours at 9.", and now "Plover is yours, dear, at 9."'
    )
    with pytest.raises(StaleSample, match="before turn 1 "):
        retraced(replace(TASK, environment=Later), completion.turns, completion.finish)


def test_a_sample_that_would_end_earlier_or_later_now_is_stale() -> None:
    completion, _, _ = worked(HERON, PLOVER, DONE)
    with pytest.raises(StaleSample, match="it would end before turn 3 now"):
        retraced(replace(TASK, max_turns=2), completion.turns, completion.finish)
    with pytest.raises(StaleSample, match="it ended after turn 2 with 'turns', and now 'would go on'"):
        retraced(TASK, completion.turns[:2], OUT_OF_TURNS)


def test_what_an_environment_changes_but_does_not_tell_makes_nothing_stale() -> None:
    completion, _, _ = worked(PLOVER, DONE)

    class Counting(Desk):
        def state(self) -> dict[str, Any]:
            return {"booked": sum(map(len, self.bookings.values()))}

    assert retraced(replace(TASK, environment=Counting), completion.turns, "stop").after == {"booked": 2}


def test_the_talk_of_some_turns_is_what_the_next_was_asked_with() -> None:
    completion, _, endpoint = worked(HERON, PLOVER, DONE)
    for number, request in enumerate(endpoint.asked):
        before = (*system(TASK), *talk(completion.turns[:number]), Message("user", completion.turns[number].message))
        assert request.messages == before


def test_a_requests_digest_tells_environments_and_their_turns_apart() -> None:
    class Other(Desk):
        pass

    tasks = [TASK, replace(TASK, environment=Other), replace(TASK, max_turns=3), replace(TASK, environment=None)]
    assert len({request_digest(task, RAW, ("scripted",)) for task in tasks}) == 4
