"""What was sent: always as a hash, in full where prompts are kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_understudy.endpoints.endpoint import Message, Request
from pytest_understudy.errors import EndpointError
from pytest_understudy.sampling.permits import Share
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.run import Plan
from pytest_understudy.sampling.sampler import Sampler
from pytest_understudy.sampling.sent import Overheard
from pytest_understudy.suite.form import Form
from tests.fakes import ScriptedEndpoint

from .made import plan

HELLO = Request((Message("system", "Greet."), Message("user", "Hello, Zoë")))
AS_MESSAGES = '[{"role": "system", "content": "Greet."}, {"role": "user", "content": "Hello, Zoë"}]'


class Rendering(ScriptedEndpoint):
    """An endpoint that renders prompts itself."""

    def rendered(self, request: Request) -> str:
        return f"<user>{request.messages[-1].content}<assistant>{request.prefix}"


def overheard(endpoint: ScriptedEndpoint, *requests: Request, prompts: bool = True) -> Overheard:
    heard = Overheard(endpoint, prompts=prompts)
    for request in requests:
        asyncio.run(heard.complete(request))
    return heard


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_one_requests_hash_is_that_of_its_prompt() -> None:
    heard = overheard(ScriptedEndpoint(["Hi"]), HELLO)
    assert heard.prompt == AS_MESSAGES
    assert heard.sent == sha256(AS_MESSAGES)


def test_an_endpoint_that_renders_prompts_says_what_was_sent() -> None:
    heard = overheard(Rendering(["Hi"]), HELLO)
    assert heard.prompt == "<user>Hello, Zoë<assistant>"
    assert heard.sent == sha256("<user>Hello, Zoë<assistant>")


def test_of_a_text_that_grows_the_messages_are_kept_once_and_each_requests_prefix() -> None:
    requests = [replace(HELLO, prefix=prefix) for prefix in ('{"a": ', '{"a": 1, "b": ')]
    heard = overheard(Rendering(["1", "2"]), *requests)
    assert heard.prompt == {"text": "<user>Hello, Zoë<assistant>", "prefixes": ['{"a": ', '{"a": 1, "b": ']}
    whole = [f"{heard.prompt['text']}{prefix}" for prefix in heard.prompt["prefixes"]]
    assert heard.sent == sha256("\0".join(whole))


def test_a_prefix_is_sent_as_the_assistants_message() -> None:
    (one, other) = (overheard(ScriptedEndpoint(["1"]), replace(HELLO, prefix=prefix)) for prefix in ("{", "["))
    begun = [*json.loads(AS_MESSAGES), {"role": "assistant", "content": "{"}]
    assert one.sent == sha256(json.dumps(begun, ensure_ascii=False))
    assert one.sent != other.sent
    assert one.prompt == {"text": AS_MESSAGES, "prefixes": ["{"]}


def test_of_several_turns_the_prompt_of_each_is_kept() -> None:
    goes_on = Request((*HELLO.messages, Message("assistant", '{"a": 1}'), Message("user", "And now?")))
    requests = [replace(HELLO, prefix='{"a": '), replace(HELLO, prefix='{"a": 1, "b": '), goes_on]
    heard = overheard(Rendering(["1", "2", "3"]), *requests)
    assert heard.prompt == {
        "turns": [
            {"text": "<user>Hello, Zoë<assistant>", "prefixes": ['{"a": ', '{"a": 1, "b": ']},
            "<user>And now?<assistant>",
        ]
    }
    assert overheard(Rendering(["1", "2", "3"]), *requests, prompts=False).sent == heard.sent


def test_where_prompts_are_not_kept_there_is_the_hash_alone_and_where_nothing_was_sent_none() -> None:
    heard = overheard(ScriptedEndpoint(["Hi"]), HELLO, prompts=False)
    assert (heard.sent, heard.prompt) == (sha256(AS_MESSAGES), None)
    unheard = overheard(ScriptedEndpoint([]))
    assert (unheard.sent, unheard.prompt) == (None, None)


def test_half_a_character_in_a_task_breaks_no_record() -> None:
    heard = overheard(ScriptedEndpoint(["Hi"]), Request((Message("user", "\ud83d"),)))
    assert heard.prompt == '[{"role": "user", "content": "\\ud83d"}]'


def test_it_is_the_endpoint_that_it_stands_for() -> None:
    endpoint = ScriptedEndpoint(["Hi"])
    heard = Overheard(endpoint)
    assert (heard.name, heard.kind, heard.abilities, heard.concurrency) == (
        endpoint.name,
        endpoint.kind,
        endpoint.abilities,
        endpoint.concurrency,
    )
    assert heard.identity("m", None) == endpoint.identity("m", None)
    asyncio.run(heard.close())
    assert endpoint.closed


def formed(properties: str) -> Plan:
    made = plan("a")
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in properties}, "required": [*properties]}
    task = replace(made.task, form=Form.from_schema(schema))
    return replace(made, task=task, route=replace(made.route, controls=("prefill",), fill="slots"))


@pytest.mark.parametrize("prompts", [True, False])
def test_the_record_holds_what_was_sent_for_a_filled_form_and_for_an_error(tmp_path: Path, prompts: bool) -> None:
    endpoint = ScriptedEndpoint(["1", "2", EndpointError("the server hung up")])
    limits = {"local": Share(1)}
    sampler = Sampler({"local": endpoint}, Record(tmp_path), session=Share(1), limits=limits, prompts=prompts)
    sampler.wait(formed("ab"))
    sampler.wait(plan("b"))
    sampler.close()
    (path,) = tmp_path.glob("*.jsonl")
    filled, failed = (json.loads(line) for line in path.read_text().splitlines())
    assert failed["error"] == "the server hung up"
    assert failed["sent"] == sha256('[{"role": "user", "content": "b"}]')
    assert len(filled["sent"]) == 64
    if prompts:
        assert filled["prompt"]["prefixes"] == endpoint.prefixes[:2]
        assert filled["prompt"]["text"] == '[{"role": "user", "content": "a"}]'
        assert failed["prompt"] == '[{"role": "user", "content": "b"}]'
    else:
        assert "prompt" not in filled
        assert "prompt" not in failed
