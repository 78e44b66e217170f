"""What /chat/completions is asked and what it answers, in the dialects of those who serve it.

In: a Request. Out: the JSON body. In: the JSON answer. Out: a Choice. Two things a newcomer would get wrong: some servers repeat
the prefix in their answer and some don't, so it is looked for; and where usage is absent or makes no sense, tokens are unknown,
never 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .answers import Choice, clean, complaint, content_text, count, parts, without_prefix
from .endpoint import Request, Tokens
from .retries import Retriable

Prefill = Literal["none", "assistant", "continue", "prefix", "completions"]
NoThink = Literal["soft", "template", "prefill", "effort", "reasoning", "thinking", "think"]

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

# What the body says so that the model does not deliberate; `soft` and `prefill` are said in the messages.
NOT_THINKING: Mapping[NoThink, Mapping[str, Any]] = {
    "template": {"chat_template_kwargs": {"enable_thinking": False}},
    "effort": {"reasoning_effort": "none"},
    "reasoning": {"reasoning": {"enabled": False}},
    "thinking": {"thinking": {"type": "disabled"}},
    "think": {"think": False},
}


@dataclass(frozen=True, slots=True)
class Chat:
    """The dialect of one server. `names` are the body's fields that it calls otherwise: OpenAI's name to its own."""

    prefill: Prefill = "none"
    no_think: NoThink = "soft"
    names: Mapping[str, str] | None = None
    path: ClassVar[str] = "/chat/completions"

    def body(self, request: Request) -> dict[str, Any]:
        said = body(request, self.prefill, self.no_think)
        names = self.names or {}
        return {names.get(name, name): value for name, value in said.items()}

    def rendered(self, request: Request) -> str:
        return json.dumps(self.body(request)["messages"], ensure_ascii=False)

    def read(self, answer: Any, request: Request) -> Choice:
        # A server that takes thoughts out of the content may repeat the prefix without the think block that we put before it.
        return read(answer, (sent_prefix(request, self.no_think), request.prefix))


def sent_prefix(request: Request, no_think: NoThink) -> str:
    """The text that the model is to continue: the request's prefix, behind an empty think block where that is the dialect."""
    return EMPTY_THINK + request.prefix if no_think == "prefill" and not request.think else request.prefix


def body(request: Request, prefill: Prefill, no_think: NoThink) -> dict[str, Any]:
    """The body of a request; what is None in the request is not sent, so that the server's default holds."""
    messages = messages_of(request, no_think)
    extra: dict[str, Any] = {} if request.think else dict(NOT_THINKING.get(no_think, {}))
    if prefix := sent_prefix(request, no_think):
        messages.append({"role": "assistant", "content": prefix})
        if prefill == "prefix":
            messages[-1]["prefix"] = True
        if prefill == "continue":
            extra |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.schema is not None:
        extra["response_format"] = response_format(request.schema)
    given = {"model": request.model, "messages": messages} | drawing(request)
    return {name: value for name, value in given.items() if value is not None} | extra


def messages_of(request: Request, no_think: NoThink) -> list[dict[str, Any]]:
    """The request's messages; where the model is told in them not to deliberate, each of the user's says so.

    Each, and not the last alone: of a conversation the next request then only adds to what was sent, so that a cached prompt
    pays. So does the empty think block, which stands before all that the model has said as it stands before what it is to say.
    """
    messages: list[dict[str, Any]] = [message.to_json() for message in request.messages]
    if request.think:
        return messages
    for message in messages:
        if no_think == "soft" and message["role"] == "user":
            message["content"] += " /no_think"
        elif no_think == "prefill" and message["role"] == "assistant":
            message["content"] = EMPTY_THINK + message["content"]
    return messages


def drawing(request: Request) -> dict[str, Any]:
    """How tokens are drawn, by OpenAI's names; None where the server's default is to hold."""
    sampling = request.sampling
    return {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(request.stop) or None,
    }


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as OpenAI's structured output."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}


def read(answer: Any, prefixes: tuple[str, ...]) -> Choice:
    """The first choice of an answer with status 200, without the first of `prefixes` that it repeats.

    Retriable where it holds none: a gateway may say 200 and mean 502.
    """
    match answer:
        case {"choices": [{"message": {} as message} as choice, *_]} if not choice.get("error"):
            finish = finished(choice)
        case _:
            raise Retriable(f"an answer without choices: {complaint(answer) or 'nothing more is said'}")
    text = without_prefix(clean(content_text(message.get("content"))), prefixes)
    tokens = usage(answer.get("usage"))
    if refusal := message.get("refusal"):
        return Choice(text or clean(content_text(refusal)), "refusal", tokens)
    return Choice(text, finish, tokens)


def finished(choice: Mapping[str, Any]) -> str:
    """A choice's finish in our words; Retriable where the server gave up."""
    finish = choice.get("finish_reason")
    if finish in UNFINISHED:
        raise Retriable(f"the server gave up in mid answer: finish_reason {finish!r}")
    # What we don't know ended by itself: tool_calls, eos, a stop word's own name, or nothing at all.
    return FINISHES.get(finish, "stop") if isinstance(finish, str) else "stop"


def usage(said: Any) -> Tokens:
    """Tokens from `usage`. What is absent or no count is None.

    Parts are looked for in OpenAI's places, then in those that servers of their own have (presets.py names whose): the prompt's
    cached tokens in `prompt_cache_hit_tokens` or `cached_tokens`, the reasoning's in `reasoning_tokens`.
    """
    if not isinstance(said, Mapping):
        return Tokens()
    prompt = count(said.get("prompt_tokens"))
    generated = count(said.get("completion_tokens"))
    of_prompt, of_generated = parts(said, "prompt_tokens_details"), parts(said, "completion_tokens_details")
    cached = (of_prompt.get("cached_tokens"), said.get("prompt_cache_hit_tokens"), said.get("cached_tokens"))
    reasoning = (of_generated.get("reasoning_tokens"), said.get("reasoning_tokens"))
    return Tokens(
        prompt=prompt,
        cached=_first(cached, prompt),
        cache_write=count(of_prompt.get("cache_write_tokens"), prompt),
        generated=generated,
        reasoning=_first(reasoning, generated),
    )


def _first(values: tuple[Any, ...], whole: int | None) -> int | None:
    return next((found for value in values if (found := count(value, whole)) is not None), None)
