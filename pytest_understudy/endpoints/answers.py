"""What the dialects' answers have in common.

In: parsed JSON of a server. Out: its text, made safe; its counts of tokens; what it says went wrong, and whether that is the
context's overflow or something that may pass. Where a count is absent or makes no sense it is unknown, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .endpoint import Request, Tokens

OVERFLOW_CODES = frozenset({"exceed_context_size_error", "context_length_exceeded", "request_too_large"})
# llama.cpp, vLLM, SGLang, Fireworks and OpenAI, Anthropic, in this order, where no code says so.
OVERFLOW_WORDS = re.compile(
    r"available context size|maximum (context|model) length|model's context length|prompt is too long|context_length_exceeded"
    r"|exceed context limit",
    re.IGNORECASE,
)
# Anthropic's types of what may pass; a gateway may put them under any status.
PASSING = frozenset({"overloaded_error", "rate_limit_error", "api_error", "timeout_error"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What was answered: the text, the finish in our words, the tokens that were billed."""

    text: str
    finish: str
    tokens: Tokens


class Dialect(Protocol):
    """How a server is asked and what it answers: a Request to a JSON body, a JSON answer to a Choice."""

    @property
    def path(self) -> str:
        """What follows the base URL."""
        ...

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent."""
        ...

    def rendered(self, request: Request) -> str:
        """The prompt that is sent, as text or as JSON."""
        ...

    def read(self, answer: Any, request: Request) -> Choice:
        """The answer, without the request's prefix where it repeats that; Retriable where it holds none."""
        ...


def clean(text: str) -> str:
    """The text, UTF-8 encodable: surrogate pairs joined, lone ones replaced with U+FFFD. All else stays, NULs included."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def content_text(content: Any) -> str:
    """A message's content: a string, null, or a list of parts of which the texts count (thoughts are parts of their own)."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def without_prefix(text: str, prefixes: tuple[str, ...]) -> str:
    """The text without the first of `prefixes` that it repeats: some servers repeat it and some don't, so it is looked for."""
    return text.removeprefix(next((prefix for prefix in prefixes if text.startswith(prefix)), ""))


def count(value: Any, whole: int | None = None) -> int | None:
    """A count of tokens, None if it is none, or if it is a part that is larger than its whole."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return None if whole is not None and value > whole else value


def parts(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in an object; empty where there is none."""
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}


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
    return not OVERFLOW_CODES.isdisjoint(_codes(answer)) or OVERFLOW_WORDS.search(complaint(answer)) is not None


def passes(answer: Any) -> bool:
    """Whether an error says by its type that it may pass, whatever its status says."""
    return not PASSING.isdisjoint(_codes(answer))


def _codes(answer: Any) -> list[str]:
    error = answer.get("error") if isinstance(answer, Mapping) else None
    return [str(error.get(name)) for name in ("type", "code")] if isinstance(error, Mapping) else []
