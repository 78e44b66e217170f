"""Bodies and answers of /v1/messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.endpoints.endpoint import Message, Request, Sampling, Tokens
from pytest_understudy.endpoints.messages import Messages, usage
from pytest_understudy.endpoints.retries import Retriable

TALK = (Message("system", "Be brief."), Message("user", "first"), Message("assistant", "{}"), Message("user", "second"))
HAIKU = "claude-haiku-4-5"


def sent(dialect: Messages | None = None, **request: Any) -> dict[str, Any]:
    return (dialect or Messages()).body(Request(TALK, **{"model": HAIKU, **request}))


def said(*blocks: Any, stop: Any = "end_turn", prefix: str = "") -> tuple[str, str]:
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    choice = Messages().read({"type": "message", "content": content, "stop_reason": stop}, Request(TALK, prefix=prefix))
    return choice.text, choice.finish


def test_the_system_prompt_stands_apart_and_what_is_open_is_not_sent() -> None:
    messages = [message.to_json() for message in TALK[1:]]
    assert sent() == {"model": HAIKU, "max_tokens": 1024, "system": "Be brief.", "messages": messages}


def test_without_a_system_prompt_there_is_none() -> None:
    assert "system" not in Messages().body(Request(TALK[1:]))


def test_tokens_are_drawn_as_asked_and_no_seed_is_sent() -> None:
    asked = sent(sampling=Sampling(temperature=0.0, top_p=0.9, max_tokens=7, seed=3))
    assert {name: asked[name] for name in ("temperature", "top_p", "max_tokens")} == {
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 7,
    }
    assert "seed" not in asked


def test_a_prefix_is_a_trailing_message_of_the_assistants_without_white_space_at_its_end() -> None:
    assert sent(prefix='{"a": ')["messages"][-1] == {"role": "assistant", "content": '{"a":'}
    assert sent(prefix=" \n")["messages"][-1]["role"] == "user"


def test_stops_of_white_space_alone_are_left_out() -> None:
    assert sent(stop=("}", "\n\n"))["stop_sequences"] == ["}"]
    assert "stop_sequences" not in sent(stop=("\n\n",))


def test_a_schema_is_an_output_format() -> None:
    assert sent(schema={"type": "object"})["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}


def test_a_cached_system_prompt_is_marked() -> None:
    block = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    assert sent(Messages(cache=True))["system"] == [block]


def test_of_a_conversation_the_last_user_message_is_marked_too_and_of_one_question_none() -> None:
    marked = sent(Messages(cache=True), prefix="{")["messages"]
    block = {"type": "text", "text": TALK[-1].content, "cache_control": {"type": "ephemeral"}}
    assert marked == [*(message.to_json() for message in TALK[1:-1]), {"role": "user", "content": [block]}, marked[-1]]
    assert marked[-1] == {"role": "assistant", "content": "{"}
    question = Messages(cache=True).body(Request(TALK[:2], prefix="{"))["messages"]
    assert question == Messages().body(Request(TALK[:2], prefix="{"))["messages"]


@pytest.mark.parametrize(
    ("thinking", "think", "field"),
    [
        (None, True, None),
        (2048, True, {"type": "enabled", "budget_tokens": 2048}),
        ("adaptive", True, {"type": "adaptive"}),
        (2048, False, None),  # Haiku 4.5 does not think unasked
    ],
)
def test_thinking_is_asked_of_requests_that_may_think(thinking: Any, think: bool, field: Any) -> None:
    assert sent(Messages(thinking), think=think).get("thinking") == field


def test_no_think_is_said_by_the_model() -> None:
    assert sent(think=False, model="claude-opus-5")["thinking"] == {"type": "disabled"}
    assert sent(think=False, model="claude-sonnet-5-5")["thinking"] == {"type": "between_tools"}


def test_what_is_rendered_is_what_the_model_reads() -> None:
    shown = json.loads(Messages().rendered(Request(TALK, prefix="{")))
    assert shown["system"] == "Be brief."
    assert [message["content"] for message in shown["messages"]] == ["first", "{}", "second", "{"]


@pytest.mark.parametrize(
    ("stop", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "overflow"),
        ("pause_turn", "stop"),
        ("tool_use", "stop"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_a_stop_reason_is_told_in_our_words(stop: str | None, ours: str) -> None:
    assert said("yes", stop=stop) == ("yes", ours)


def test_thoughts_are_not_part_of_the_text() -> None:
    assert said({"type": "thinking", "thinking": "hm", "signature": "x"}, "ye", "s") == ("yes", "stop")
    assert said({"type": "redacted_thinking", "data": "x"}, stop="max_tokens") == ("", "length")


def test_a_repeated_prefix_is_taken_off_and_nothing_else_is() -> None:
    assert said('{"a": "x"}', prefix='{"a": "')[0] == 'x"}'
    assert said('x"}', prefix='{"a": "')[0] == 'x"}'
    assert said("[[1]]", prefix="[")[0] == "[1]]"


@pytest.mark.parametrize("answer", ['{"a": 1}', '{"a":1}', " 1}", "1}"])
def test_white_space_that_was_not_sent_is_joined_by_looking(answer: str) -> None:
    assert said(answer, prefix='{"a": ')[0] == "1}"


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"content": None}, {"type": "error", "error": {"type": "api_error", "message": "away"}, "content": []}],
)
def test_an_answer_without_content_can_be_asked_for_again(answer: Any) -> None:
    with pytest.raises(Retriable, match=r"an answer without content: (nothing more is said|away)"):
        Messages().read(answer, Request(TALK))


def test_what_was_cached_and_written_is_part_of_the_prompt() -> None:
    counted = {
        "input_tokens": 20,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 40,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    assert usage(counted) == Tokens(prompt=360, cached=300, cache_write=40, generated=9, reasoning=5)


counts = st.integers(-2, 10**6) | st.sampled_from([None, True, False, "12", 1.5])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("input_tokens", "cache_read_input_tokens", "output_tokens"), counts)))
def test_parts_never_exceed_their_whole_and_what_is_unknown_stays_so(counted: dict[str, Any]) -> None:
    tokens = usage(counted)
    if tokens.prompt is not None and tokens.cached is not None:
        assert tokens.cached <= tokens.prompt
    known = counted.get("input_tokens")
    assert (tokens.prompt is None) == (isinstance(known, bool) or not isinstance(known, int) or known < 0)


@pytest.mark.parametrize("counted", [None, [], "none", 3, {"output_tokens_details": []}])
def test_usage_that_makes_no_sense_is_unknown(counted: Any) -> None:
    assert usage(counted) == Tokens()
