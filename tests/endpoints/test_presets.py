"""The table of servers: what each row sends, what its usage is read from, and that the docs show the same."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from pytest_understudy.config.shapes import OpenAITable
from pytest_understudy.endpoints.chat import usage
from pytest_understudy.endpoints.chat_template import Template
from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Message, Request, Sampling
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.endpoints.presets import PRESETS, READ, Preset
from pytest_understudy.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "endpoints.md"
HELLO = Request((Message("user", "hello"),), Sampling(max_tokens=7, seed=3))
QWEN3 = Template.of("qwen3", Path())


def endpoint(preset: str, **settings: Any) -> OpenAI:
    return OpenAI(name=preset, preset=preset, **{"base_url": "http://host/v1", **settings})


def test_the_config_knows_the_presets_that_there_are() -> None:
    literal, _ = get_args(OpenAITable.model_fields["preset"].annotation)
    assert list(get_args(literal)) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_row_says_where_it_is_from_and_whether_it_was_tried(name: str) -> None:
    row = PRESETS[name]
    assert row.source.startswith("https://")
    assert row.tried == READ or re.match(r"\d{4}-\d\d-\d\d, .+", row.tried)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_do_what_its_row_says(name: str) -> None:
    row = PRESETS[name]
    plain = endpoint(name)
    assert plain.abilities.prefill == (row.prefill not in ("none", "completions"))
    if row.prefill == "completions":
        assert endpoint(name, template=QWEN3).abilities.prefill
    told = plain.body(Request(HELLO.messages, think=False))
    assert told != plain.body(Request(HELLO.messages))
    if plain.abilities.prefill:
        continued = plain.body(Request(HELLO.messages, prefix="{"))["messages"][-1]
        assert (continued["role"], continued["content"]) == ("assistant", "{")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("sglang", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("llama.cpp", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("fireworks", {"reasoning_effort": "none"}),
        ("together", {"reasoning": {"enabled": False}}),
        ("openrouter", {"reasoning": {"enabled": False}}),
        ("deepseek", {"thinking": {"type": "disabled"}}),
        ("mistral", {"reasoning_effort": "none"}),
        ("openai", {"reasoning_effort": "none"}),
        ("ollama", {"reasoning_effort": "none"}),
    ],
)
def test_a_model_is_told_not_to_think_in_the_servers_words(name: str, field: dict[str, Any]) -> None:
    told = endpoint(name).body(Request(HELLO.messages, think=False))
    assert told == endpoint(name).body(Request(HELLO.messages)) | field


def test_fields_are_called_what_the_server_calls_them() -> None:
    assert endpoint("openai").body(HELLO)["max_completion_tokens"] == 7
    assert "max_tokens" not in endpoint("openai").body(HELLO)
    assert endpoint("mistral").body(HELLO)["random_seed"] == 3
    assert "seed" not in endpoint("mistral").body(HELLO)
    assert endpoint("vllm").body(HELLO) | {"max_tokens": 7, "seed": 3} == endpoint("vllm").body(HELLO)


def test_explicit_settings_win_over_a_presets() -> None:
    told = endpoint("deepseek", no_think="soft").body(Request(HELLO.messages, think=False))
    assert "thinking" not in told
    assert told["messages"][-1]["content"] == "hello /no_think"
    assert not endpoint("vllm", prefill="none").abilities.prefill


def test_where_prompts_are_rendered_here_a_field_of_chats_becomes_the_templates_switch() -> None:
    told = endpoint("fireworks", template=QWEN3).body(Request(HELLO.messages, think=False))
    assert "reasoning_effort" not in told
    assert told["prompt"].endswith("<think>\n\n</think>\n\n")
    plain = endpoint("fireworks", template=Template.of("chatml", Path())).body(Request(HELLO.messages, think=False))
    assert plain["prompt"].count("/no_think") == 1


def test_a_public_server_needs_no_base_url() -> None:
    assert OpenAI(name="far", preset="fireworks")._url == "https://api.fireworks.ai/inference/v1"


def counted(place: str, value: int) -> dict[str, Any]:
    *outer, last = place.split(".")
    found: dict[str, Any] = {last: value}
    for name in reversed(outer):
        found = {name: found}
    return {"prompt_tokens": 90, "completion_tokens": 50, **found}


@pytest.mark.parametrize("name", PRESETS)
def test_cached_and_reasoning_tokens_are_read_where_the_row_says_that_they_are(name: str) -> None:
    row = PRESETS[name]
    if row.cached:
        assert usage(counted(row.cached, 40)).cached == 40
    if row.reasoning:
        assert usage(counted(row.reasoning, 30)).reasoning == 30


def shown(name: str, row: Preset) -> str:
    """The row as the docs have it."""
    names = ", ".join(f"`{ours}` is `{its}`" for ours, its in row.names.items())
    cells = [
        f"`{name}`",
        f"`{row.base_url}`" if row.base_url else "",
        f"`{row.prefill}`",
        f"`{row.no_think}`",
        f"`{row.cached}`" if row.cached else "not documented",
        f"`{row.reasoning}`" if row.reasoning else "not documented",
        "; ".join(part for part in (names, row.note) if part),
        f"[{row.tried}]({row.source})",
    ]
    return f"| {' | '.join(cells)} |"


def test_the_docs_show_the_table() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")][: len(PRESETS)]
    assert rows == [shown(name, row) for name, row in PRESETS.items()]


def test_a_model_that_refuses_a_prefill_refuses_it_behind_a_router_too() -> None:
    router = OpenAI(name="router", preset="openrouter")
    with pytest.raises(ConfigError, match=r"'anthropic/claude-opus-4\.6' refuses a prefilled answer, whoever serves it"):
        router.check_route("anthropic/claude-opus-4.6", ["prefill"], Sampling())
    router.check_route("anthropic/claude-opus-4.6", ["schema"], Sampling(temperature=0.0))
    router.check_route("qwen/qwen3-8b", ["prefill"], Sampling())


# The one that can be tried here


def test_llama_cpp_is_as_its_row_says(embedded: Embedded) -> None:
    served = OpenAI(name="served", preset="llama.cpp", base_url=f"{embedded.start()[0]}/v1")
    mail = (Message("system", "Answer in JSON."), Message("user", "Where is my parcel?"))
    greedy = Sampling(temperature=0.0, max_tokens=6)

    async def drawn() -> tuple[Any, ...]:
        try:
            first = await served.complete(Request(mail, greedy, prefix='{"intent": "', think=False))
            again = await served.complete(Request(mail, greedy, prefix='{"intent": "', think=False))
            return first, again
        finally:
            await served.close()

    first, again = asyncio.run(drawn())
    assert not first.output.startswith("{")
    assert first.tokens.generated == 6
    assert again.tokens.cached > 0
