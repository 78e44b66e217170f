"""Forms through an `openai` endpoint, over HTTP: a server that answers noise, and the real one."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_understudy.endpoints.anthropic import Anthropic
from pytest_understudy.endpoints.chat_template import Template
from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.routes.fill import REQUESTS, filled
from pytest_understudy.suite.form import Form

from ..fakes import NoiseEndpoint
from ..plugin.server import Reply, Server, said
from .test_fill_embedded import ASKED, EMAIL
from .test_fill_noise import BEYOND_THE_GRAMMAR, SCHEMAS, asked


def noise(body: dict[str, Any]) -> Reply:
    """Pieces of JSON and nonsense, cut at the request's stop strings and at its limit, as a server does."""
    draw = random.Random(f"{body.get('seed')}/{body['messages'][-1]['content']}")
    text = "".join(draw.choice(NoiseEndpoint.pieces) for _ in range(draw.choice((0, 1, 2, 5, 20, 80))))
    text = text[: min([text.index(stop) for stop in body.get("stop", ()) if stop in text], default=len(text))]
    cut = len(text) > body["max_tokens"]
    text = text[: body["max_tokens"]]
    begun = body["messages"][-1]["content"] if draw.random() < 0.5 else ""  # some servers repeat the prefix, some don't
    return said(begun + text, generated=len(text), finish="length" if cut else "stop")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(noise)
    yield server
    server.close()


@pytest.mark.parametrize("fill", ["opening", "slots"])
def test_hundreds_of_forms_are_filled_from_a_server_that_answers_noise(server: Server, fill: Literal["opening", "slots"]) -> None:
    async def outcomes() -> list[tuple[dict[str, Any], list[str]]]:
        endpoint = OpenAI(name="noise", base_url=server.url, prefill="assistant")
        limit = asyncio.Semaphore(8)

        async def one(number: int, schema: Any) -> tuple[dict[str, Any], list[str]]:
            form = Form.from_schema(schema)
            async with limit:
                completion = await filled(endpoint, asked(number), form, fill)
            assert len(completion.requests) <= REQUESTS
            assert completion.finish in ("stop", "unfilled")
            return schema, form.complaints(json.loads(completion.output), completion.output)

        results = await asyncio.gather(*(one(number, schema) for number, schema in enumerate(SCHEMAS)))
        await endpoint.close()
        return list(results)

    results = asyncio.run(outcomes())
    assert len(results) >= 300
    wrong = [schema for schema, complaints in results if complaints]
    assert [schema for schema in wrong if not any(keyword in json.dumps(schema) for keyword in BEYOND_THE_GRAMMAR)] == []
    assert len(wrong) <= 0.01 * len(results)


@pytest.mark.parametrize("fill", ["opening", "slots"])
@pytest.mark.parametrize("dialect", ["assistant", "continue", "prefix", "completions", "messages"])
def test_the_real_server_fills_a_form_in_each_dialect(
    embedded: Embedded,
    dialect: Literal["assistant", "continue", "prefix", "completions", "messages"],
    fill: Literal["opening", "slots"],
) -> None:
    async def drawn() -> Any:
        endpoint: OpenAI | Anthropic
        if dialect == "messages":
            endpoint = Anthropic(name="served", base_url=embedded.start()[0])
        else:
            template = Template.of("chatml", Path()) if dialect == "completions" else None
            endpoint = OpenAI(name="served", base_url=f"{embedded.start()[0]}/v1", prefill=dialect, template=template)
        try:
            return await filled(endpoint, replace(ASKED, sampling=replace(ASKED.sampling, max_tokens=80)), EMAIL, fill)
        finally:
            await endpoint.close()

    completion = asyncio.run(drawn())
    assert EMAIL.complaints(json.loads(completion.output), completion.output) == []
    assert completion.output.startswith('{"intent": "')
    assert completion.tokens.generated is not None
    assert completion.tokens.generated <= 80 + len(completion.requests)
