"""The OpenAI dialect against real sockets: what is sent, what is asked again, what ends at once, and what never leaks."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
import traceback
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Message, Request, Sampling, Tokens
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.errors import ConfigError, EndpointError, RouteEnded

from .scripted import Says, Server, answer, refuses

KEY = "sk-very-secret-0123456789"
HELLO = Request((Message("user", "hello"),), model="small")
BUSY = refuses(429, "slow down")


def ask(server: Server | str, request: Request = HELLO, **settings: Any) -> Completion:
    """One request, from an endpoint and an event loop of its own."""
    url = server if isinstance(server, str) else server.url
    endpoint = OpenAI(**{"name": "served", "base_url": url, "backoff": 0.005, **settings})

    async def once() -> Completion:
        try:
            return await endpoint.complete(request)
        finally:
            await endpoint.close()

    return asyncio.run(once())


# What comes back


def test_an_answer_becomes_text_tokens_and_seconds() -> None:
    usage = {
        "prompt_tokens": 120,
        "completion_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    with Server([answer("yes", usage=usage)]) as server:
        completion = ask(server)
    assert (completion.output, completion.finish) == ("yes", "stop")
    assert completion.tokens == Tokens(prompt=120, cached=100, cache_write=8, generated=12, reasoning=5)
    assert completion.requests == (Exchange("yes", "stop", completion.tokens, completion.latency),)
    assert 0 < completion.latency < 1
    assert 0 <= completion.waited < 2


def test_an_answer_without_usage_has_unknown_tokens() -> None:
    with Server([answer("yes", usage=None)]) as server:
        assert ask(server).tokens == Tokens()


def test_text_that_is_not_utf8_safe_is_made_so() -> None:
    body = '{"choices": [{"message": {"content": "a\\ud800b\\ud83d\\ude00\\u0000c"}, "finish_reason": "stop"}]}'
    with Server([Says(body.encode())]) as server:
        output = ask(server).output
    assert output == "a\ufffdb\U0001f600\0c"
    assert output.encode()


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    with Server([Says(b'{"choices": [{"message": {"content": "caf\xe9"}, "finish_reason": "stop"}]}')]) as server:
        assert ask(server).output == "caf\ufffd"


def test_two_megabytes_come_whole() -> None:
    text = "0123456789abcdef" * 2**17
    with Server([answer(text)]) as server:
        assert ask(server).output == text


def test_an_answer_beyond_all_bounds_is_an_error() -> None:
    with (
        Server([answer("x" * (65 * 2**20))]) as server,
        pytest.raises(EndpointError, match="'served': the answer is longer than 64 MB"),
    ):
        ask(server)


def test_a_lone_surrogate_in_a_task_can_be_sent() -> None:
    with Server([answer()]) as server:
        ask(server, Request((Message("user", "a\ud800"),)))
        assert server.asked[0]["messages"] == [{"role": "user", "content": "a\ud800"}]


@pytest.mark.parametrize("repeats", [True, False], ids=["repeated", "not repeated"])
def test_a_prefix_is_not_part_of_the_output(repeats: bool) -> None:
    with Server([answer('{"intent": "refund"}' if repeats else 'refund"}')]) as server:
        request = Request(HELLO.messages, prefix='{"intent": "')
        assert ask(server, request, prefill="assistant").output == 'refund"}'


# What is asked again


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_status_that_may_pass_is_asked_again(status: int) -> None:
    with Server([refuses(status), answer()]) as server:
        assert ask(server).output == "yes"
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    "broken",
    [
        Says(b"<html><body>Bad gateway</body></html>"),
        Says(b""),
        Says(b'{"choices": []}'),
        Says(b'{"error": {"message": "upstream is away"}}'),
        Says(b'{"choices": [{"error": {"message": "upstream is away"}, "message": {"content": ""}}]}'),
        Says(b'["not", "an", "object"]'),
        answer("yes", finish="insufficient_system_resource"),
        Says(answer().body, closes_after=20),
        Says(answer().body, length=len(answer().body) + 9, closes_after=len(answer().body)),
        Says(answer().body, length=30),
        Says(b"[" * 100_000),
    ],
    ids=[
        "html",
        "empty",
        "no choice",
        "error",
        "error in a choice",
        "list",
        "gave up",
        "closed",
        "too long",
        "too short",
        "deep",
    ],
)
def test_a_broken_answer_with_status_200_is_asked_again(broken: Says) -> None:
    with Server([broken, answer()]) as server:
        assert ask(server).output == "yes"
        assert len(server.asked) == 2


def test_forty_times_429_is_an_error_that_counts_its_attempts() -> None:
    with Server([BUSY] * 40) as server:
        with pytest.raises(EndpointError) as caught:
            ask(server, retries=5)
        assert len(server.asked) == 6
    assert type(caught.value) is EndpointError
    assert str(caught.value) == "endpoint 'served': 429: slow down (asked 6 times)"


def test_an_html_page_to_the_end_is_quoted_in_short() -> None:
    with Server([Says(b"<html>" + b"sorry " * 200)]) as server, pytest.raises(EndpointError) as caught:
        ask(server, retries=1)
    assert "200 with an answer that is no JSON: <html>sorry sorry" in str(caught.value)
    assert "(a page: does a proxy answer, or is base_url a site's?)" in str(caught.value)
    assert len(str(caught.value)) < 450


def test_a_server_that_is_not_there_is_an_error_after_all_retries() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match=r"endpoint 'served': ClientConnectorError.*\(asked 3 times\)"):
            ask(url, retries=2)


def test_a_server_that_hangs_is_a_time_out_and_not_an_error() -> None:
    with Server([Says(hangs=True)]) as server:
        completion = ask(server, timeout=0.2, retries=1)
        assert len(server.asked) == 2
    assert (completion.output, completion.finish, completion.tokens) == ("", "timeout", Tokens())
    assert 0.2 <= completion.latency < 0.4
    assert completion.waited >= 0.2


def test_a_failed_attempt_counts_as_waiting_and_not_as_latency() -> None:
    with Server([Says(hangs=True), answer()]) as server:
        completion = ask(server, timeout=0.3)
    assert completion.output == "yes"
    assert completion.latency < 0.2
    assert completion.waited >= 0.3


def test_retry_after_in_seconds_is_waited_for() -> None:
    with Server([refuses(429, headers={"Retry-After": "0.4"}), answer()]) as server:
        completion = ask(server)
    assert 0.4 <= completion.waited < 1.5
    assert completion.latency < 0.2


def test_retry_after_as_a_date_is_waited_for() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # a date has whole seconds: 1 to 2 are left
    with Server([refuses(503, headers={"Retry-After": date}), answer()]) as server:
        assert 0.8 <= ask(server).waited < 3


# What ends at once


def test_a_wrong_key_ends_the_route_and_names_its_variable() -> None:
    with Server([refuses(401, f"Incorrect API key provided: {KEY}.")]) as server:
        with pytest.raises(RouteEnded) as caught:
            ask(server, api_key=KEY, key_env="SERVED_API_KEY")
        assert len(server.asked) == 1
    said = "endpoint 'served': 401: Incorrect API key provided: ***.; check the key in SERVED_API_KEY"
    assert str(caught.value) == said


def test_no_key_where_one_is_wanted_says_how_to_name_it() -> None:
    with Server([refuses(401)]) as server, pytest.raises(RouteEnded, match="no key was sent: api_key_env names the variable"):
        ask(server)


def test_a_forbidden_model_ends_the_route() -> None:
    with Server([refuses(403)]) as server, pytest.raises(RouteEnded, match="check the key and what it may do with model 'small'"):
        ask(server, api_key=KEY)


def test_an_unknown_model_ends_the_route_and_says_what_to_check() -> None:
    with Server([refuses(404, "The model `small` does not exist.")]) as server:
        with pytest.raises(RouteEnded) as caught:
            ask(server.url + "/")
        assert f"check base_url ({server.url}, up to and including /v1) and the route's model ('small')" in str(caught.value)


@pytest.mark.parametrize("status", [301, 400, 402, 405, 418, 422])
def test_any_other_status_is_an_error_at_once(status: int) -> None:
    with Server([refuses(status, "what is\n top_q?")]) as server:
        with pytest.raises(EndpointError, match=rf"'served': {status}: what is top_q\?") as caught:
            ask(server)
        assert len(server.asked) == 1
    assert not isinstance(caught.value, RouteEnded)


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "request (9000 tokens) exceeds the available context size",
            "type": "exceed_context_size_error",
        },
        {"message": "too long", "code": "context_length_exceeded"},
        {"message": "This model's maximum context length is 4096 tokens. However, you requested 4524 tokens."},
        {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."},
        {"message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."},
    ],
    ids=["llama.cpp", "OpenAI", "vLLM", "vLLM, newer", "SGLang"],
)
def test_a_prompt_that_does_not_fit_is_an_overflow_and_not_an_error(error: dict[str, str]) -> None:
    with Server([Says(json.dumps({"error": error}).encode(), 400)]) as server:
        assert (ask(server).finish, len(server.asked)) == ("overflow", 1)


def test_a_prefix_for_a_server_that_continues_nothing_is_refused_before_it_is_sent() -> None:
    with Server([answer()]) as server:
        with pytest.raises(RouteEnded, match="'served' can't continue a text"):
            ask(server, Request(HELLO.messages, prefix="{"))
        assert server.asked == []


def test_an_adapter_is_refused_and_not_passed_over() -> None:
    with Server([answer()]) as server:
        with pytest.raises(RouteEnded, match="'served' takes no adapter"):
            ask(server, Request(HELLO.messages, adapter="ops"))
        assert server.asked == []


@pytest.mark.parametrize("url", ["", "localhost:8000/v1", "ftp://host/v1", "http:///v1", "http://host:port/v1"])
def test_a_base_url_that_is_none_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="endpoint 'served': base_url must be an http or https URL"):
        OpenAI(name="served", base_url=url)


def test_an_empty_think_block_needs_an_endpoint_that_continues() -> None:
    with pytest.raises(ConfigError, match="no_think = 'prefill' needs a prefill"):
        OpenAI(name="served", base_url="http://host/v1", no_think="prefill")


# What never leaks


def frames(caught: pytest.ExceptionInfo[EndpointError]) -> str:
    """All that a traceback with locals shows below the test's own frame: causes and contexts too, suppressed ones as well."""
    shown: list[str] = []
    error: BaseException | None = caught.value
    trace = caught.tb.tb_next
    while error is not None:
        shown += traceback.TracebackException(type(error), error, trace, capture_locals=True).format(chain=False)
        shown.append(repr(error.args))
        error = error.__cause__ or error.__context__
        trace = error.__traceback__ if error is not None else None
    return "".join(shown)


@pytest.mark.parametrize(
    "says",
    [
        refuses(401, f"Incorrect API key provided: {KEY}"),
        refuses(401, "x" * 290 + KEY),
        refuses(500, f"Bearer {KEY} met a bug"),
        refuses(400, f"unknown header {KEY}"),
        Says(f"<html>{KEY}</html>".encode()),
        Says(b'{"choices": [], "error": "' + KEY.encode() + b'"}'),
        Says(answer().body, closes_after=9),
    ],
    ids=["401", "cut", "500", "400", "html", "no choice", "closed"],
)
def test_the_key_is_in_no_traceback_even_with_locals(says: Says) -> None:
    with Server([says]) as server:
        with pytest.raises(EndpointError) as caught:
            ask_with_the_key(server)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    shown = frames(caught)
    assert "ask_with_the_key" in shown
    assert KEY not in shown
    assert KEY[:12] not in shown


def ask_with_the_key(server: Server | str) -> Completion:
    return ask_endpoint(OpenAI(name="served", base_url=server if isinstance(server, str) else server.url, api_key=KEY, retries=0))


def ask_endpoint(endpoint: OpenAI) -> Completion:
    return asyncio.run(endpoint.complete(HELLO))


def test_the_key_is_in_no_traceback_where_nobody_listens() -> None:
    with pytest.raises(EndpointError) as caught:
        ask_with_the_key("http://127.0.0.1:9/v1")
    assert KEY not in frames(caught)


@pytest.mark.parametrize("key", [f"{KEY}\nX-Other: 1", f"{KEY}…"], ids=["a second line", "no ASCII"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="the key in SERVED_API_KEY holds characters") as caught:
        OpenAI(name="served", base_url="http://host/v1", api_key=key, key_env="SERVED_API_KEY")
    assert caught.tb.tb_next is not None  # this frame holds the key itself; ours must not
    ours = traceback.TracebackException(ConfigError, caught.value, caught.tb.tb_next, capture_locals=True)
    assert KEY not in "".join(ours.format())


def test_a_key_is_sent_without_the_line_break_that_its_file_ended_with() -> None:
    with Server([answer()]) as server:
        ask(server, api_key=f"{KEY}\n")
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_an_endpoint_does_not_show_its_key() -> None:
    endpoint = OpenAI(name="served", base_url="http://user:pass@host/v1", api_key=KEY)
    assert KEY not in f"{endpoint!r} {endpoint} {vars(endpoint)} {endpoint.identity('small', None)}"
    assert endpoint.identity("small", None) == ("openai", "served", "small", "")


def test_a_password_in_the_url_is_not_repeated() -> None:
    with Server([refuses(404)]) as server, pytest.raises(RouteEnded) as caught:
        ask(server.url.replace("//", "//user:hunter2@"))
    assert "hunter2" not in str(caught.value)


def test_requests_and_retries_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Server([BUSY, answer()]) as server:
        ask(server)
        logging.getLogger("stamina").warning("another user of stamina")
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == ["another user of stamina"]


# What it costs


def test_connections_are_used_again_and_none_waits_for_another() -> None:
    with Server([answer()]) as server:
        endpoint = OpenAI(name="served", base_url=server.url, concurrency=20)

        async def twenty_then_twenty() -> None:
            for _ in range(2):
                await asyncio.gather(*(endpoint.complete(HELLO) for _ in range(20)))
            await endpoint.close()

        asyncio.run(twenty_then_twenty())
        assert (len(server.asked), server.connections) == (40, 20)


def test_an_endpoint_can_be_used_on_one_event_loop_after_another() -> None:
    with Server([answer()]) as server:
        endpoint = OpenAI(name="served", base_url=server.url)
        assert [asyncio.run(endpoint.complete(HELLO)).output for _ in range(3)] == ["yes"] * 3


def test_a_cancelled_request_leaves_its_connection_fit_for_the_next() -> None:
    with Server([Says(hangs=True), answer()]) as server:
        endpoint = OpenAI(name="served", base_url=server.url)

        async def cancelled_then_asked() -> Completion:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(endpoint.complete(HELLO), 0.2)
            return await endpoint.complete(HELLO)

        assert asyncio.run(cancelled_then_asked()).output == "yes"


def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer("by proxy")]) as proxy, Server([answer("direct")]) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(server).output == "direct"
        assert ask("http://models.invalid/v1").output == "by proxy"


def test_a_proxys_user_is_told_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer("by proxy")]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ada:pass@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask("http://models.invalid/v1").output == "by proxy"
        assert proxy.headers[0]["proxy-authorization"] == f"Basic {b64encode(b'ada:pass').decode()}"


def test_a_user_in_the_url_gives_way_to_a_key() -> None:
    with Server([answer()]) as server:
        named = server.url.replace("//", "//ada:pass@")
        ask(named)
        ask(named, api_key=KEY)
        assert [headers["authorization"] for headers in server.headers] == [
            f"Basic {b64encode(b'ada:pass').decode()}",
            f"Bearer {KEY}",
        ]


def test_a_users_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login ada password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server([answer()]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        ask("http://models.invalid/v1")
        assert "authorization" not in proxy.headers[0]


def test_importing_the_endpoint_loads_no_client() -> None:
    code = "import sys, pytest_understudy.endpoints.openai, pytest_understudy.endpoints.embedded\n"
    code += "print([name for name in ('aiohttp', 'stamina', 'pytest') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_time_limit_is_for_the_whole_answer_and_not_for_each_byte() -> None:
    body = answer("x" * 4000).body
    started = time.perf_counter()
    with DripFed(body) as server:
        assert ask(server.url, timeout=0.5, retries=0).finish == "timeout"
    assert time.perf_counter() - started < 2


class DripFed(Server):
    """Sends its answer byte by byte."""

    def __init__(self, body: bytes) -> None:
        super().__init__([Says(body)])
        self._body = body

    async def _answered_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._body))
        for byte in self._body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)
        return False


def test_what_is_sent_names_the_model_and_how_tokens_are_drawn() -> None:
    sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=64, seed=7)
    with Server([answer()]) as server:
        ask(server, Request(HELLO.messages, sampling, stop=("}",), model="small"))
        assert json.loads(json.dumps(server.asked[0])) == {
            "model": "small",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 64,
            "temperature": 0.7,
            "top_p": 0.95,
            "seed": 7,
            "stop": ["}"],
        }
