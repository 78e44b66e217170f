"""What /v1/messages is asked and what it answers: Anthropic's dialect, which llama.cpp and others speak too.

In: a Request. Out: the JSON body. In: the JSON answer. Out: a Choice. What a newcomer would get wrong: its input_tokens leave out
what was read from and written to the cache, where OpenAI's prompt_tokens include it; and some servers repeat the prefix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .answers import Choice, clean, complaint, content_text, count, parts, without_prefix
from .claude import no_thinking
from .endpoint import Request, Tokens
from .retries import Retriable

Thinking = int | Literal["adaptive"]

FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "refusal": "refusal",
    "model_context_window_exceeded": "overflow",
}


@dataclass(frozen=True, slots=True)
class Messages:
    """`thinking` is asked of requests that may think: a budget of tokens, or `adaptive`. `cache` marks the system prompt, and in
    a conversation the last user message: what comes next begins with all that was said up to there.
    """

    thinking: Thinking | None = None
    cache: bool = False
    path: ClassVar[str] = "/v1/messages"

    def body(self, request: Request) -> dict[str, Any]:
        """What is None in the request is not sent. There is no seed there; a stop of white space alone is refused, not sent."""
        sampling = request.sampling
        given = {
            "model": request.model,
            "max_tokens": sampling.max_tokens,
            "system": self._system(request),
            "messages": self._messages(request),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop_sequences": [stop for stop in request.stop if stop.strip()] or None,
            "thinking": self._thinking(request),
            "output_config": _output(request),
        }
        return {name: value for name, value in given.items() if value is not None}

    def rendered(self, request: Request) -> str:
        body = self.body(request)
        return json.dumps({name: body[name] for name in ("system", "messages") if name in body}, ensure_ascii=False)

    def read(self, answer: Any, request: Request) -> Choice:
        match answer:
            case {"content": list(blocks)} if answer.get("type") != "error":
                pass
            case _:
                raise Retriable(f"an answer without content: {complaint(answer) or 'nothing more is said'}")
        begun = request.prefix.rstrip()
        text = without_prefix(clean(content_text(blocks)), (request.prefix, begun) if begun else ())
        text = text.removeprefix(request.prefix[len(begun) :])  # the white space that was not sent, if the model writes it
        reason = answer.get("stop_reason")
        # What we don't know ended by itself: pause_turn, tool_use, or nothing at all.
        finish = FINISHES.get(reason, "stop") if isinstance(reason, str) else "stop"
        return Choice(text, finish, usage(answer.get("usage")))

    def _system(self, request: Request) -> str | list[dict[str, Any]] | None:
        text = "\n\n".join(message.content for message in request.messages if message.role == "system")
        if not text or not self.cache:
            return text or None
        return _marked(text)

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = [message.to_json() for message in request.messages if message.role != "system"]
        if self.cache and len(messages) > 1 and messages[-1]["role"] == "user":
            messages[-1]["content"] = _marked(messages[-1]["content"])
        if begun := request.prefix.rstrip():  # white space at its end is refused
            messages.append({"role": "assistant", "content": begun})
        return messages

    def _thinking(self, request: Request) -> dict[str, Any] | None:
        if not request.think:
            return no_thinking(request.model)
        if isinstance(self.thinking, int):
            return {"type": "enabled", "budget_tokens": self.thinking}
        return {"type": self.thinking} if self.thinking else None


def _marked(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _output(request: Request) -> dict[str, Any] | None:
    return None if request.schema is None else {"format": {"type": "json_schema", "schema": dict(request.schema)}}


def usage(said: Any) -> Tokens:
    """Tokens from `usage`, normalised: prompt = input_tokens + cache_read_input_tokens + cache_creation_input_tokens.

    Source: docs/reference/figures.md, "Tokens, cost, latency". What is absent or no count is None.
    """
    if not isinstance(said, Mapping):
        return Tokens()
    fresh = count(said.get("input_tokens"))
    cached, written = count(said.get("cache_read_input_tokens")), count(said.get("cache_creation_input_tokens"))
    generated = count(said.get("output_tokens"))
    return Tokens(
        prompt=None if fresh is None else fresh + (cached or 0) + (written or 0),
        cached=cached,
        cache_write=written,
        generated=generated,
        reasoning=count(parts(said, "output_tokens_details").get("thinking_tokens"), generated),
    )
