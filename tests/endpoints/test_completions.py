"""/completions with the prompt rendered here: the body, the answer, and llama.cpp's server for real."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.endpoints.chat import EMPTY_THINK, NoThink
from pytest_understudy.endpoints.chat_template import Template
from pytest_understudy.endpoints.completions import Completions
from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Completion, Message, Request, Sampling, Tokens
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.endpoints.retries import Retriable
from pytest_understudy.errors import ConfigError

from .plain_server import plain_server
from .scripted import Says, Server

TALK = (Message("system", "Answer in JSON."), Message("user", "Where is my parcel?"))
CHATML = Template.of("chatml", Path())
QWEN3 = Template.of("qwen3", Path())
ASKED = "<|im_start|>system\nAnswer in JSON.<|im_end|>\n<|im_start|>user\nWhere is my parcel?<|im_end|>\n<|im_start|>assistant\n"
SCHEMA = {"type": "object", "properties": {"late": {"type": "boolean"}}, "required": ["late"], "additionalProperties": False}


def prompt(no_think: NoThink = "soft", template: Template = QWEN3, **request: Any) -> str:
    return str(Completions(template, no_think).body(Request(TALK, **request))["prompt"])


def test_a_body_has_a_prompt_and_no_messages() -> None:
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=5, seed=3)
    assert Completions(CHATML, "soft").body(Request(TALK, sampling, stop=("}",), model="small")) == {
        "model": "small",
        "prompt": ASKED,
        "max_tokens": 5,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 3,
        "stop": ["}"],
    }


@pytest.mark.parametrize(
    ("no_think", "question", "begun"),
    [("template", "parcel?", EMPTY_THINK), ("soft", "parcel? /no_think", ""), ("prefill", "parcel?", EMPTY_THINK)],
)
def test_a_model_is_told_not_to_think_in_its_prompt(no_think: NoThink, question: str, begun: str) -> None:
    asked = ASKED.replace("parcel?", question)
    assert prompt(no_think, think=False) == asked + begun
    assert prompt(no_think) == ASKED


@pytest.mark.parametrize("no_think", ["template", "soft", "prefill"])
def test_qwen3s_empty_think_block_stands_before_a_form_once(no_think: NoThink) -> None:
    assert prompt(no_think, prefix='{"a": "') == ASKED + EMPTY_THINK + '{"a": "'
    assert prompt(no_think, prefix='{"a": "', think=False).endswith("assistant\n" + EMPTY_THINK + '{"a": "')


def test_a_schema_is_said_as_the_server_takes_it() -> None:
    request = Request(TALK, schema=SCHEMA)
    assert Completions(CHATML, "soft").body(request)["response_format"]["json_schema"]["schema"] == SCHEMA
    assert Completions(CHATML, "soft", schema="json_schema").body(request)["json_schema"] == SCHEMA


def said(text: Any = "yes", finish: Any = "stop", **more: Any) -> Says:
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    return Says(json.dumps({"choices": [{"text": text, "finish_reason": finish, **more}], "usage": usage}).encode())


PLAIN = Request(TALK)


def ask(server: Server, request: Request = PLAIN, **settings: Any) -> Completion:
    how = {"prefill": "completions", "template": CHATML, "backoff": 0.005, **settings}
    return asyncio.run(OpenAI(name="served", base_url=server.url, **how).complete(request))


def test_an_answer_is_the_continuation_with_its_usage() -> None:
    with Server([said('refund"}')]) as server:
        completion = ask(server, Request(TALK, prefix='{"intent": "'))
        assert server.paths == ["/v1/completions"]
        assert server.asked[0]["prompt"] == ASKED + '{"intent": "'
    assert (completion.output, completion.finish) == ('refund"}', "stop")
    assert completion.tokens == Tokens(prompt=9, generated=2)


def test_an_echoed_prompt_is_no_part_of_the_output() -> None:
    with Server([said(ASKED + '{"a": 1}')]) as server:
        assert ask(server, Request(TALK, prefix='{"a"')).output == ": 1}"
    with Server([said(ASKED + '{"a": 1}')]) as server:
        assert ask(server).output == '{"a": 1}'


def test_an_answer_cut_short_says_so() -> None:
    with Server([said('{"a": 1}', "length")]) as server:
        assert ask(server).finish == "length"


@pytest.mark.parametrize("answer", [None, {}, {"choices": [{"message": {"content": "x"}}]}, {"choices": [{"text": None}]}])
def test_an_answer_without_a_text_can_be_asked_for_again(answer: Any) -> None:
    with pytest.raises(Retriable, match="an answer without choices"):
        Completions(CHATML, "soft").read(answer, Request(TALK))


def test_what_is_recorded_changes_with_the_template_and_holds_no_path(tmp_path: Path) -> None:
    def identity(template: Template | None, **how: Any) -> tuple[str, ...]:
        return OpenAI(name="served", base_url="http://host/v1", template=template, **how).identity("small", None)

    (tmp_path / "mine.jinja").write_text(Template.of("chatml", tmp_path)._source)
    chatml = identity(CHATML, prefill="completions")
    assert chatml != identity(QWEN3, prefill="completions")
    assert chatml == identity(Template.of("mine.jinja", tmp_path), prefill="completions")
    assert identity(None, prefill="assistant") == ("openai", "served", "small", "")
    assert identity(None, no_think="effort") != identity(None)
    assert str(tmp_path) not in repr(chatml)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prefill": "completions"}, "renders prompts here: say the model's template"),
        ({"prefill": "completions", "template": CHATML, "no_think": "effort"}, "is a field of chat completions"),
        ({"prefill": "completions", "template": CHATML, "no_think": "template"}, "chatml does not; use 'soft' or 'prefill'"),
    ],
)
def test_what_cannot_be_rendered_here_is_a_config_error(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        OpenAI(name="served", base_url="http://host/v1", **settings)


def test_a_template_is_tried_before_anything_is_asked() -> None:
    broken = Template("mine.jinja", "{{ raise_exception('no') }}")
    with pytest.raises(ConfigError, match=r"mine\.jinja:1"):
        OpenAI(name="served", base_url="http://host/v1", prefill="completions", template=broken).check()


# Against the real server


def test_the_real_server_completes_keeps_a_schema_and_counts(embedded: Embedded) -> None:
    endpoint = OpenAI(
        name="served", base_url=f"{embedded.start()[0]}/v1", preset="llama.cpp", prefill="completions", template=CHATML
    )

    async def drawn() -> list[Completion]:
        greedy = Sampling(temperature=0.0, max_tokens=12)
        requests = [
            Request(TALK, greedy, prefix='{"intent": "', stop=('"',)),
            Request(TALK, Sampling(temperature=0.0, max_tokens=40), schema=SCHEMA),
            Request(TALK, Sampling(max_tokens=3)),
        ]
        try:
            return [await endpoint.complete(request) for request in requests]
        finally:
            await endpoint.close()

    continued, kept, cut = asyncio.run(drawn())
    assert not continued.output.startswith("{")
    assert json.loads(kept.output)["late"] in (True, False)
    assert (cut.finish, cut.tokens.generated) == ("length", 3)
    assert continued.tokens.prompt is not None
    assert cut.tokens.prompt is not None
    assert continued.tokens.prompt > cut.tokens.prompt  # the prefix is prompt


@pytest.fixture(scope="module")
def thinking_server() -> Iterator[str]:
    with plain_server(QWEN3._source) as url:
        yield url


def applied(url: str, **body: Any) -> str:
    """How the server itself renders a chat."""
    request = urllib.request.Request(f"{url}/apply-template", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(json.loads(answer.read())["prompt"])


def test_the_server_renders_the_template_as_we_do(thinking_server: str) -> None:
    messages = [message.to_json() for message in TALK]
    for talk in (messages, [*messages, {"role": "assistant", "content": "hm"}, {"role": "user", "content": "And now?"}]):
        for think in (True, False):  # said both ways: what the server does unasked differs from template to template
            switch = {"enable_thinking": think}
            assert applied(thinking_server, messages=talk, chat_template_kwargs=switch) == QWEN3.render(talk, think=think)


def test_what_is_rendered_here_before_a_form_is_what_the_server_reads(thinking_server: str) -> None:
    endpoint = OpenAI(name="served", base_url=f"{thinking_server}/v1", prefill="completions", template=QWEN3)
    request = Request(TALK, Sampling(temperature=0.0, max_tokens=4), prefix='{"intent": "')
    completion = asyncio.run(endpoint.complete(request))
    assert completion.tokens.generated == 4
    assert endpoint.rendered(request).endswith(EMPTY_THINK + '{"intent": "')
