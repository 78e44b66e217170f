"""What /chat/completions is asked and what it answers, in the dialects of those who serve it.

In: a Request. Out: the JSON body. In: the JSON answer. Out: a Choice. Two things a newcomer would get wrong: some servers repeat
the prefix in their answer and some don't, so it is looked for; and where usage is absent or makes no sense, tokens are unknown,
never 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .endpoint import Request, Tokens
from .retries import Retriable

Prefill = Literal["none", "assistant", "continue", "prefix"]
NoThink = Literal["soft", "template", "prefill", "effort", "reasoning"]

EMPTY_THINK = "<think>\n\n</think>\n\n"

# Finish reasons that are not in OpenAI's own list, as other servers name them.
FINISHES = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "refusal": "refusal",
}
UNFINISHED = frozenset({"error", "abort", "aborted", "insufficient_system_resource"})  # the server's doing: asked again

OVERFLOW_CODES = frozenset({"exceed_context_size_error", "context_length_exceeded"})
# llama.cpp, vLLM, SGLang, Fireworks and OpenAI, in this order, where no code says so.
OVERFLOW_WORDS = re.compile(
    r"available context size|maximum (context|model) length|model's context length|prompt is too long|context_length_exceeded",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was answered: the text, the finish in our words, the tokens that were billed."""

    text: str
    finish: str
    tokens: Tokens


def sent_prefix(request: Request, no_think: NoThink) -> str:
    """The text that the model is to continue: the request's prefix, behind an empty think block where that is the dialect."""
    return EMPTY_THINK + request.prefix if no_think == "prefill" and not request.think else request.prefix


def body(request: Request, prefill: Prefill, no_think: NoThink) -> dict[str, Any]:
    """The body of a request; what is None in the request is not sent, so that the server's default holds."""
    messages: list[dict[str, Any]] = [message.to_json() for message in request.messages]
    extra: dict[str, Any] = {}
    if not request.think:
        extra |= _without_thinking(messages, no_think)
    if prefix := sent_prefix(request, no_think):
        messages.append({"role": "assistant", "content": prefix})
        if prefill == "prefix":
            messages[-1]["prefix"] = True
        if prefill == "continue":
            extra |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.schema is not None:
        wanted = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        extra["response_format"] = {"type": "json_schema", "json_schema": wanted}
    sampling = request.sampling
    given = {
        "model": request.model,
        "messages": messages,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(request.stop) or None,
    }
    return {name: value for name, value in given.items() if value is not None} | extra


def _without_thinking(messages: list[dict[str, Any]], no_think: NoThink) -> dict[str, Any]:
    """What the body says so that the model does not deliberate; `soft` says it in the last user message instead."""
    if no_think == "soft":
        for message in reversed(messages):
            if message["role"] == "user":
                message["content"] += " /no_think"
                break
        return {}
    dialects: dict[str, dict[str, Any]] = {
        "template": {"chat_template_kwargs": {"enable_thinking": False}},
        "effort": {"reasoning_effort": "none"},
        "reasoning": {"reasoning": {"enabled": False}},
        "prefill": {},
    }
    return dialects[no_think]


def read(answer: Any, prefixes: tuple[str, ...]) -> Choice:
    """The first choice of an answer with status 200, without the first of `prefixes` that it repeats.

    Retriable where it holds none: a gateway may say 200 and mean 502.
    """
    match answer:
        case {"choices": [{"message": {} as message} as choice, *_]} if not choice.get("error"):
            finish = choice.get("finish_reason")
        case _:
            raise Retriable(f"an answer without choices: {complaint(answer) or 'nothing more is said'}")
    if finish in UNFINISHED:
        raise Retriable(f"the server gave up in mid answer: finish_reason {finish!r}")
    text = clean(_text(message.get("content")))
    text = text.removeprefix(next((prefix for prefix in prefixes if text.startswith(prefix)), ""))
    tokens = usage(answer.get("usage"))
    if refusal := message.get("refusal"):
        return Choice(text or clean(_text(refusal)), "refusal", tokens)
    # What we don't know ended by itself: tool_calls, eos, a stop word's own name, or nothing at all.
    return Choice(text, FINISHES.get(finish, "stop") if isinstance(finish, str) else "stop", tokens)


def _text(content: Any) -> str:
    """A message's content: a string, null, or a list of parts of which the texts count (thoughts are parts of their own)."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def clean(text: str) -> str:
    """The text, UTF-8 encodable: surrogate pairs joined, lone ones replaced with U+FFFD. All else stays, NULs included."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def usage(said: Any) -> Tokens:
    """Tokens from `usage`: OpenAI's names, and DeepSeek's for the cache. What is absent or no count is None."""
    if not isinstance(said, Mapping):
        return Tokens()
    prompt = _count(said.get("prompt_tokens"))
    generated = _count(said.get("completion_tokens"))
    of_prompt, of_generated = _parts(said, "prompt_tokens_details"), _parts(said, "completion_tokens_details")
    cached = _count(of_prompt.get("cached_tokens"), prompt)
    return Tokens(
        prompt=prompt,
        cached=_count(said.get("prompt_cache_hit_tokens"), prompt) if cached is None else cached,
        cache_write=_count(of_prompt.get("cache_write_tokens"), prompt),
        generated=generated,
        reasoning=_count(of_generated.get("reasoning_tokens"), generated),
    )


def _parts(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    parts = said.get(name)
    return parts if isinstance(parts, Mapping) else {}


def _count(value: Any, whole: int | None = None) -> int | None:
    """A count of tokens, None if it is none, or if it is a part that is larger than its whole."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return None if whole is not None and value > whole else value


def complaint(answer: Any) -> str:
    """What an answer says went wrong, in one line; empty if it says nothing."""
    match answer:
        case {"choices": [{"error": said}, *_]} | {"error": said} | {"message": said} | {"detail": said}:
            pass
        case _:
            said = answer if isinstance(answer, str) else ""
    while isinstance(said, Mapping):
        said = said.get("message")
    return " ".join(clean(said if isinstance(said, str) else "" if said is None else repr(said)).split())


def overflows(answer: Any) -> bool:
    """Whether an answer to a bad request says that the prompt did not fit the model's context."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if isinstance(error, Mapping) and not OVERFLOW_CODES.isdisjoint(str(error.get(name)) for name in ("type", "code")):
        return True
    return OVERFLOW_WORDS.search(complaint(answer)) is not None
