"""Who serves OpenAI's dialect, and how each of them speaks it.

One table, a row a server: how a text is continued there, how a model is told not to deliberate, what its fields are called where
that is not OpenAI's name, where its usage holds cached and reasoning tokens, where all that is written, and whether it was tried.
docs/reference/endpoints.md shows the same rows; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .chat import NoThink, Prefill
from .chat_template import Template

READ = "from its documentation, 2026-11-25"

IN_DETAILS = "prompt_tokens_details.cached_tokens"
REASONING_IN_DETAILS = "completion_tokens_details.reasoning_tokens"


@dataclass(frozen=True, slots=True)
class Preset:
    """A server. `names` are the fields that it calls otherwise than OpenAI did first: our name to its own."""

    prefill: Prefill
    no_think: NoThink
    base_url: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    completions_schema: Literal["response_format", "json_schema"] = "response_format"
    cached: str | None = IN_DETAILS
    reasoning: str | None = REASONING_IN_DETAILS
    source: str = ""
    tried: str = READ
    note: str = ""


PLAIN = Preset(prefill="none", no_think="soft")  # without a preset: OpenAI's own names, and no control but /no_think

PRESETS: Mapping[str, Preset] = {
    "vllm": Preset(
        prefill="continue",
        no_think="template",
        reasoning=None,
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        note="cached tokens only with --enable-prompt-tokens-details; thoughts apart only with a reasoning parser",
    ),
    "sglang": Preset(
        prefill="continue",
        no_think="template",
        reasoning="reasoning_tokens",
        source="https://docs.sglang.io/docs/advanced_features/thinking_budget",
        note="cached tokens only with --enable-cache-report; some versions count reasoning tokens as 0 always",
    ),
    "llama.cpp": Preset(
        prefill="assistant",
        no_think="template",
        completions_schema="json_schema",
        reasoning=None,
        source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        tried="2026-11-25, llama.cpp build 11549",
        note="repeats the prefix; what a thinking template would put before it is not always put there: with completions it is",
    ),
    "fireworks": Preset(
        prefill="completions",
        no_think="effort",
        base_url="https://api.fireworks.ai/inference/v1",
        reasoning=None,
        source="https://docs.fireworks.ai/api-reference/post-chatcompletions",
        note="which words of effort are taken differs by model",
    ),
    "together": Preset(
        prefill="completions",
        no_think="reasoning",
        base_url="https://api.together.ai/v1",
        cached="cached_tokens",
        reasoning=None,
        source="https://docs.together.ai/docs/inference/chat/reasoning",
        note="an effort of none is no value there, and hybrid models only obey the switch",
    ),
    "openrouter": Preset(
        prefill="assistant",
        no_think="reasoning",
        base_url="https://openrouter.ai/api/v1",
        source="https://openrouter.ai/docs/api/reference/overview",
        note="whether a text is continued is up to the provider behind it: pin one in the model's settings there",
    ),
    "deepseek": Preset(
        prefill="prefix",
        no_think="thinking",
        base_url="https://api.deepseek.com/beta",
        cached="prompt_cache_hit_tokens",
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        note="a text is continued under /beta only; while it thinks, temperature is ignored",
    ),
    "mistral": Preset(
        prefill="prefix",
        no_think="effort",
        base_url="https://api.mistral.ai/v1",
        names={"seed": "random_seed"},
        reasoning=None,
        source="https://docs.mistral.ai/api/",
    ),
    "openai": Preset(
        prefill="none",
        no_think="effort",
        base_url="https://api.openai.com/v1",
        names={"max_tokens": "max_completion_tokens"},
        source="https://platform.openai.com/docs/api-reference/chat/create",
        note="reasoning models take no temperature, and an effort of none only from gpt-5.1",
    ),
    "ollama": Preset(
        prefill="assistant",
        no_think="effort",
        base_url="http://localhost:11434/v1",
        cached=None,
        reasoning=None,
        source="https://docs.ollama.com/api/openai-compatibility",
        note="its own API's `think` is ignored under /v1, where an effort of none does it",
    ),
    "tinker": Preset(
        prefill="completions",
        no_think="soft",
        base_url="https://tinker.thinkingmachines.dev/services/tinker-prod/oai/api/v1",
        cached=None,
        reasoning=None,
        source="https://tinker-docs.thinkingmachines.ai/inference/openai/overview/",
        note="how a model is told not to think is not documented: with a template it is the template's switch",
    ),
}


def dialect_of(
    row: Preset, prefill: Prefill | None, no_think: NoThink | None, template: Template | None
) -> tuple[Prefill, NoThink]:
    """How a text is continued and how thinking is switched off: what is said explicitly, else the row's.

    A row that continues by completions does so where the model's template is known, and not at all elsewhere; what is a field of
    chat completions is the template's switch there, where it has one.
    """
    if prefill is None:
        prefill = "none" if row.prefill == "completions" and template is None else row.prefill
    if no_think is None:
        no_think = row.no_think
        if prefill == "completions" and template is not None and row is not PLAIN:
            no_think = "template" if template.switches_thinking else "soft"
    return prefill, no_think
