"""Bodies and answers of /chat/completions, dialect by dialect."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_understudy.endpoints.answers import clean, complaint, overflows
from pytest_understudy.endpoints.chat import EMPTY_THINK, NoThink, Prefill, body, read, usage
from pytest_understudy.endpoints.endpoint import Message, Request, Sampling, Tokens
from pytest_understudy.endpoints.retries import Retriable

TALK = (Message("system", "Be brief."), Message("user", "first"), Message("assistant", "{}"), Message("user", "second"))


def sent(prefill: Prefill = "assistant", no_think: NoThink = "soft", **request: Any) -> dict[str, Any]:
    return body(Request(TALK, **request), prefill, no_think)


def said(content: Any, finish: str | None = "stop", prefix: str = "", **message: Any) -> tuple[str, str]:
    choice = read({"choices": [{"message": {"content": content, **message}, "finish_reason": finish}]}, (prefix,))
    return choice.text, choice.finish


def test_what_the_request_leaves_open_is_not_sent() -> None:
    assert sent() == {"messages": [message.to_json() for message in TALK], "max_tokens": 1024}


def test_no_seed_is_sent_unless_given_and_zero_is_one() -> None:
    assert "seed" not in sent()
    assert sent(sampling=Sampling(seed=0, temperature=0.0))["seed"] == 0
    assert sent(sampling=Sampling(seed=0, temperature=0.0))["temperature"] == 0.0


@pytest.mark.parametrize(
    ("prefill", "last", "flags"),
    [
        ("assistant", {}, {}),
        ("prefix", {"prefix": True}, {}),
        ("continue", {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ],
)
def test_a_prefix_is_sent_in_the_servers_dialect(prefill: Prefill, last: dict[str, Any], flags: dict[str, Any]) -> None:
    asked = sent(prefill, prefix='{"a": "')
    assert asked["messages"][-1] == {"role": "assistant", "content": '{"a": "', **last}
    assert {name: value for name, value in asked.items() if name not in ("messages", "max_tokens")} == flags


def test_without_a_prefix_nothing_is_continued() -> None:
    assert "continue_final_message" not in sent("continue")
    assert sent("prefix")["messages"][-1] == {"role": "user", "content": "second"}


def test_no_think_ends_every_user_message_and_no_other() -> None:
    contents = [message["content"] for message in sent(think=False)["messages"]]
    assert contents == ["Be brief.", "first /no_think", "{}", "second /no_think"]


@pytest.mark.parametrize("no_think", ["soft", "prefill"])
@pytest.mark.parametrize("prefix", ["", "{"])
def test_a_conversation_that_goes_on_only_adds_to_what_was_sent(no_think: NoThink, prefix: str) -> None:
    before = body(Request(TALK[:2], think=False, prefix=prefix), "assistant", no_think)["messages"]
    answered = [*TALK[:2], Message("assistant", "{}"), TALK[3]]
    after = body(Request(tuple(answered), think=False, prefix=prefix), "assistant", no_think)["messages"]
    assert after[:2] == before[:2]
    begun = before[2]["content"] if before[2:] else ""
    assert after[2]["content"].startswith(begun)


def test_no_think_stays_in_the_user_message_when_a_prefix_follows() -> None:
    contents = [message["content"] for message in sent(think=False, prefix="{")["messages"]]
    assert contents[-2:] == ["second /no_think", "{"]


@pytest.mark.parametrize(
    ("no_think", "flags"),
    [
        ("template", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("effort", {"reasoning_effort": "none"}),
        ("reasoning", {"reasoning": {"enabled": False}}),
        ("thinking", {"thinking": {"type": "disabled"}}),
        ("think", {"think": False}),
    ],
)
def test_no_think_as_a_field_leaves_the_messages_alone(no_think: NoThink, flags: dict[str, Any]) -> None:
    assert sent(no_think=no_think, think=False) == sent() | flags
    assert sent(no_think=no_think) == sent()


def test_no_think_as_a_prefill_puts_an_empty_think_block_before_the_prefix() -> None:
    assert sent(no_think="prefill", think=False)["messages"][-1] == {"role": "assistant", "content": EMPTY_THINK}
    assert sent(no_think="prefill", think=False, prefix="{")["messages"][-1]["content"] == EMPTY_THINK + "{"
    assert sent(no_think="prefill", prefix="{")["messages"][-1]["content"] == "{"


def test_no_think_as_a_prefill_stands_before_what_the_model_said_before() -> None:
    contents = [message["content"] for message in sent(no_think="prefill", think=False)["messages"]]
    assert contents == ["Be brief.", "first", EMPTY_THINK + "{}", "second", EMPTY_THINK]


def test_a_schema_is_sent_as_a_strict_response_format() -> None:
    schema = {"type": "object"}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    assert sent(schema=schema)["response_format"] == wanted


def test_a_body_does_not_change_the_request() -> None:
    request = Request(TALK, think=False, prefix="{")
    assert body(request, "prefix", "soft") == body(request, "prefix", "soft")
    assert request == Request(TALK, think=False, prefix="{")


@pytest.mark.parametrize(
    ("finish", "ours"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("eos", "stop"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_a_finish_reason_is_told_in_our_words(finish: str | None, ours: str) -> None:
    assert said("yes", finish) == ("yes", ours)


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_the_server_gave_up_is_none(finish: str) -> None:
    with pytest.raises(Retriable, match=f"gave up in mid answer: finish_reason '{finish}'"):
        said("ye", finish)


def test_a_refusal_is_a_finish_of_its_own() -> None:
    assert said(None, "stop", refusal="I can't help with that.") == ("I can't help with that.", "refusal")


def test_reasoning_is_not_part_of_the_text() -> None:
    assert said("yes", reasoning_content="well, let me think", reasoning="hm") == ("yes", "stop")
    assert said([{"type": "thinking", "thinking": []}, {"type": "text", "text": "ye"}, {"type": "text", "text": "s"}])[0] == "yes"
    assert said(None, "length", reasoning_content="it never ended") == ("", "length")


def test_tool_calls_without_content_are_an_empty_text() -> None:
    assert said(None, "tool_calls", tool_calls=[{"function": {"name": "book"}}]) == ("", "stop")


def test_a_repeated_prefix_is_taken_off_once_and_nothing_else_is() -> None:
    assert said('{"a": "x"}', prefix='{"a": "')[0] == 'x"}'
    assert said("[[1]]", prefix="[")[0] == "[1]]"
    assert said('  x"}\n', prefix='{"a": "')[0] == '  x"}\n'


def test_a_prefix_repeated_without_the_think_block_is_taken_off_too() -> None:
    answer = {"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}
    assert read(answer, (EMPTY_THINK + "{", "{")).text == "}"


@pytest.mark.parametrize("answer", [None, 1, [], {}, {"choices": None}, {"choices": [1]}, {"choices": [{"message": None}]}])
def test_an_answer_without_a_message_can_be_asked_for_again(answer: Any) -> None:
    with pytest.raises(Retriable, match="an answer without choices: nothing more is said"):
        read(answer, ("",))


def test_deepseeks_count_of_cached_tokens_is_read() -> None:
    counted = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1}
    assert usage(counted) == Tokens(prompt=9, cached=8, generated=2)


def test_counts_that_servers_keep_in_places_of_their_own_are_read() -> None:
    counted = {"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 7, "reasoning_tokens": 3}
    assert usage(counted) == Tokens(prompt=9, cached=7, generated=4, reasoning=3)


def test_openais_own_place_comes_first() -> None:
    counted = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 7}
    assert usage(counted).cached == 0


def test_no_cached_tokens_are_a_known_zero() -> None:
    assert usage({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}).cached == 0


@pytest.mark.parametrize("value", [None, -1, "12", 1.5, True, [], {}, float("nan")])
def test_a_count_that_is_none_is_unknown_and_not_zero(value: Any) -> None:
    assert usage({"prompt_tokens": value, "completion_tokens": value, "prompt_tokens_details": value}) == Tokens()


@pytest.mark.parametrize("said", [None, [], "none", 3, {"completion_tokens_details": []}])
def test_usage_that_makes_no_sense_is_unknown(said: Any) -> None:
    assert usage(said) == Tokens()


def test_a_part_that_is_larger_than_its_whole_is_unknown() -> None:
    assert usage({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}) == Tokens(prompt=3)


def test_a_clean_text_stays_as_it_is() -> None:
    assert clean("naïve \0 😀\r\n") == "naïve \0 😀\r\n"


def test_surrogates_are_joined_or_replaced() -> None:
    assert clean("\ud83d\ude00 \ude00 \ud83d") == "😀 \ufffd \ufffd"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"message": "bad\n thing"}}, "bad thing"),
        ({"error": "bad thing"}, "bad thing"),
        ({"message": "bad thing"}, "bad thing"),
        ({"detail": [{"msg": "bad"}]}, "[{'msg': 'bad'}]"),
        ({"object": "error", "message": "bad thing"}, "bad thing"),
        ("a page", "a page"),
        ({"error": {"message": None}}, ""),
        ({"error": {"code": 3}}, ""),
        (None, ""),
    ],
)
def test_a_complaint_is_found_wherever_servers_put_it(answer: Any, words: str) -> None:
    assert complaint(answer) == words


def test_a_limit_on_what_is_generated_is_no_overflow() -> None:
    assert not overflows({"error": {"message": "max_tokens is too large: this model supports at most 16384 completion tokens"}})
