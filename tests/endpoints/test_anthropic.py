"""The Anthropic dialect over real sockets: headers, addresses, errors by their shapes, and the key that never leaks."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from pytest_understudy.endpoints.anthropic import Anthropic
from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Completion, Message, Request, Sampling, Tokens
from pytest_understudy.errors import ConfigError, EndpointError, RouteEnded

from .scripted import Says, Server, errs, message

KEY = "sk-ant-very-secret-0123456789"
HELLO = Request((Message("system", "Be brief."), Message("user", "hello")), model="claude-haiku-4-5")


def endpoint_at(server: Server | str, **settings: Any) -> Anthropic:
    url = server if isinstance(server, str) else server.url
    return Anthropic(**{"name": "frontier", "base_url": url, "backoff": 0.005, **settings})


def ask(server: Server | str, request: Request = HELLO, **settings: Any) -> Completion:
    return asyncio.run(endpoint_at(server, **settings).complete(request))


def test_a_request_has_its_version_its_key_and_its_address_and_no_bearer() -> None:
    with Server([message("yes")]) as server:
        ask(server, api_key=KEY)
        [headers] = server.headers
        assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
        assert "authorization" not in headers
        assert server.asked[0]["system"] == "Be brief."


@pytest.mark.parametrize("written", ["", "/", "/v1", "/v1/"])
def test_the_base_url_is_the_host_with_or_without_v1(written: str) -> None:
    with Server([message("yes")]) as server:
        ask(server.url.removesuffix("/v1") + written)
        assert server.paths == ["/v1/messages"]


def test_an_answer_becomes_text_and_normalised_tokens() -> None:
    counted = {"input_tokens": 20, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 40, "output_tokens": 9}
    with Server([message("yes", usage=counted)]) as server:
        completion = ask(server)
    assert (completion.output, completion.finish) == ("yes", "stop")
    assert completion.tokens == Tokens(prompt=360, cached=300, cache_write=40, generated=9)
    assert [exchange.tokens for exchange in completion.requests] == [completion.tokens]


@pytest.mark.parametrize("repeats", [True, False], ids=["repeated", "not repeated"])
def test_a_prefix_is_not_part_of_the_output(repeats: bool) -> None:
    with Server([message('{"intent": "refund"}' if repeats else 'refund"}')]) as server:
        assert ask(server, Request(HELLO.messages, prefix='{"intent": "')).output == 'refund"}'
        assert server.asked[0]["messages"][-1] == {"role": "assistant", "content": '{"intent": "'}


@pytest.mark.parametrize(
    "says",
    [
        errs(529, "overloaded_error", "Overloaded"),
        errs(429, "rate_limit_error"),
        errs(500, "api_error"),
        errs(504, "timeout_error"),
        errs(400, "overloaded_error"),
        errs(200, "overloaded_error"),
        Says(b"<html>Bad gateway</html>", 502),
        Says(message("yes").body, closes_after=25),
    ],
    ids=["529", "429", "500", "504", "overloaded as a 400", "overloaded as a 200", "page", "cut"],
)
def test_what_may_pass_is_asked_again(says: Says) -> None:
    with Server([says, message("yes")]) as server:
        assert ask(server).output == "yes"
        assert len(server.asked) == 2


def test_overload_to_the_end_is_an_error_with_the_servers_words() -> None:
    with Server([errs(529, "overloaded_error", "Overloaded")]) as server:
        with pytest.raises(EndpointError) as caught:
            ask(server, retries=3)
        assert len(server.asked) == 4
    assert str(caught.value) == "endpoint 'frontier': 529: Overloaded (asked 4 times)"
    assert not isinstance(caught.value, RouteEnded)


@pytest.mark.parametrize(
    "says",
    [
        errs(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        errs(400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000"),
        errs(413, "request_too_large", "Request exceeds the maximum size"),
    ],
    ids=["too long", "too long with its answer", "too large"],
)
def test_a_prompt_that_does_not_fit_is_an_overflow_and_not_an_error(says: Says) -> None:
    with Server([says]) as server:
        assert (ask(server).finish, len(server.asked)) == ("overflow", 1)


@pytest.mark.parametrize(
    ("stop", "finish"), [("max_tokens", "length"), ("refusal", "refusal"), ("model_context_window_exceeded", "overflow")]
)
def test_an_answer_that_ended_badly_says_how(stop: str, finish: str) -> None:
    with Server([message("ye", stop=stop)]) as server:
        assert ask(server).finish == finish


def test_a_prefill_that_a_model_refuses_after_all_is_an_error_at_once() -> None:
    with Server([errs(400, "invalid_request_error", "This model does not support assistant message prefill.")]) as server:
        with pytest.raises(EndpointError, match="400: This model does not support assistant message prefill"):
            ask(server)
        assert len(server.asked) == 1


def test_a_wrong_key_ends_the_route_and_names_its_variable() -> None:
    says = errs(401, "authentication_error", f"invalid x-api-key {KEY}")
    with Server([says]) as server, pytest.raises(RouteEnded) as caught:
        ask(server, api_key=KEY, key_env="ANTHROPIC_API_KEY")
    assert str(caught.value) == "endpoint 'frontier': 401: invalid x-api-key ***; check the key in ANTHROPIC_API_KEY"


def test_an_unknown_model_ends_the_route_and_says_what_to_check() -> None:
    with Server([errs(404, "not_found_error", "model: claude-haiku-4-5")]) as server, pytest.raises(RouteEnded) as caught:
        ask(server)
    assert "the host, with or without /v1) and the route's model ('claude-haiku-4-5')" in str(caught.value)


def test_a_cache_that_is_asked_for_is_marked_on_the_wire() -> None:
    with Server([message("yes")]) as server:
        ask(server, cache=True)
        assert server.asked[0]["system"][0]["cache_control"] == {"type": "ephemeral"}


# llama.cpp speaks it too


def test_the_real_server_continues_counts_its_cache_and_says_what_was_cut(embedded: Embedded) -> None:
    endpoint = Anthropic(name="served", base_url=f"{embedded.start()[0]}/v1")
    talk = (Message("system", "Answer in JSON, please do."), Message("user", "Where is my parcel? It is a week late."))
    greedy = Sampling(temperature=0.0, max_tokens=8)

    async def drawn() -> list[Completion]:
        requests = [
            Request(talk, greedy, prefix='{"intent": "', stop=('"',), model="any"),
            Request(talk, greedy, prefix='{"intent": "', stop=('"',), model="any", think=False),
            Request(talk, Sampling(max_tokens=3), model="any"),
            Request((Message("user", "parcel " * 3000),), greedy, model="any"),
        ]
        try:
            return [await endpoint.complete(request) for request in requests]
        finally:
            await endpoint.close()

    first, again, cut, large = asyncio.run(drawn())
    assert not first.output.startswith("{")
    assert '"' not in first.output
    assert first.tokens.prompt == again.tokens.prompt
    assert again.tokens.cached is not None
    assert again.tokens.cached > 0
    assert (cut.finish, cut.tokens.generated) == ("length", 3)
    assert (large.finish, large.output) == ("overflow", "")


# What is told before anything is asked


def check(model: str | None, *controls: str, sampling: Sampling | None = None, **settings: Any) -> None:
    Anthropic(name="frontier", **settings).check_route(model, controls, sampling or Sampling())


def test_a_route_without_a_model_is_an_error() -> None:
    with pytest.raises(ConfigError, match="say which in the route's model"):
        check(None)


def test_a_control_that_the_model_refuses_is_an_error_that_names_one_that_works() -> None:
    with pytest.raises(ConfigError, match="'claude-opus-4-6' refuses a prefilled answer; the control schema works there"):
        check("claude-opus-4-6", "prefill")
    check("claude-opus-4-6", "schema", "no_think")
    check("claude-haiku-4-5", "prefill")


def test_a_temperature_that_the_model_refuses_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'claude-sonnet-5-5' refuses temperature"):
        check("claude-sonnet-5-5", sampling=Sampling(temperature=0.0))
    check("claude-sonnet-5-5", sampling=Sampling(seed=1))


def test_a_budget_of_thinking_needs_room_for_an_answer() -> None:
    with pytest.raises(ConfigError, match=r"max_tokens \(1024\) must be more than the thinking budget \(1024\)"):
        check("claude-haiku-4-5", thinking=1024)
    check("claude-haiku-4-5", sampling=Sampling(max_tokens=1025), thinking=1024)
    check("claude-haiku-4-5", "no_think", thinking=1024)
    with pytest.raises(ConfigError, match="a budget of 1024 tokens or more"):
        check("claude-haiku-4-5", thinking=100)


def test_what_thinks_is_recorded_apart_from_what_does_not() -> None:
    plain, thinks = Anthropic(name="frontier"), Anthropic(name="frontier", thinking="adaptive")
    assert plain.identity("claude-opus-4-6", None) == ("anthropic", "frontier", "claude-opus-4-6", "")
    assert thinks.identity("claude-opus-4-6", None) != plain.identity("claude-opus-4-6", None)
    assert Anthropic(name="frontier", cache=True).identity("a", None) == plain.identity("a", None)


# What never leaks


@pytest.mark.parametrize(
    "says",
    [
        errs(401, "authentication_error", f"invalid x-api-key: {KEY}"),
        errs(500, "api_error", f"{KEY} met a bug"),
        errs(400, "invalid_request_error", "x" * 290 + KEY),
        Says(f"<html>{KEY}</html>".encode()),
        Says(b'{"type": "error", "error": {"message": "' + KEY.encode() + b'"}}'),
        Says(message("yes").body, closes_after=9),
    ],
    ids=["401", "500", "cut", "html", "error", "closed"],
)
def test_the_key_is_in_no_traceback_even_with_locals(says: Says) -> None:
    with Server([says]) as server:
        with pytest.raises(EndpointError) as caught:
            ask_with_the_key(server)
        assert server.headers[0]["x-api-key"] == KEY
    shown: list[str] = []
    error: BaseException | None = caught.value
    trace = caught.tb.tb_next
    while error is not None:
        shown += traceback.TracebackException(type(error), error, trace, capture_locals=True).format(chain=False)
        shown.append(repr(error.args))
        error = error.__cause__ or error.__context__
        trace = error.__traceback__ if error is not None else None
    assert "ask_with_the_key" in "".join(shown)
    assert KEY not in "".join(shown)


def ask_with_the_key(server: Server) -> Completion:
    return ask_endpoint(Anthropic(name="frontier", base_url=server.url, api_key=KEY, retries=0))


def ask_endpoint(endpoint: Anthropic) -> Completion:
    return asyncio.run(endpoint.complete(HELLO))


def test_a_key_that_a_model_repeats_is_not_in_the_output() -> None:
    with Server([message(f"the key is {KEY}")]) as server:
        assert ask(server, api_key=KEY).output == "the key is ***"


def test_an_endpoint_does_not_show_its_key() -> None:
    endpoint = Anthropic(name="frontier", base_url="http://user:pass@host", api_key=KEY)
    request = Request((Message("user", f"what is {KEY}?"),))
    assert KEY not in f"{endpoint!r} {endpoint} {vars(endpoint)} {endpoint.identity('a', None)} {endpoint.rendered(request)}"


def test_a_key_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="the key in SOME_KEY holds characters") as caught:
        Anthropic(name="frontier", api_key=f"{KEY}\n{KEY}", key_env="SOME_KEY")
    assert caught.tb.tb_next is not None
    ours = traceback.TracebackException(ConfigError, caught.value, caught.tb.tb_next, capture_locals=True)
    assert KEY not in "".join(ours.format())
