"""What an endpoint is: it takes a Request and gives a Completion.

A Request says what is wanted in our words (`think`, `prefix`, `schema`, `grammar`); each endpoint says it in its own dialect, and
counts tokens and seconds as docs/reference/figures.md has them. Text that leaves an endpoint is UTF-8 encodable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..values import value


@value()
class Tokens:
    """Tokens of one request or a sum of them; `cached` and `cache_write` are parts of `prompt`, `reasoning` of `generated`.

    None where the server did not say.
    """

    prompt: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    generated: int | None = None
    reasoning: int | None = None

    @property
    def total(self) -> int | None:
        """prompt + generated; None where either is unknown."""
        return None if self.prompt is None or self.generated is None else self.prompt + self.generated

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens.over((self, other))

    @classmethod
    def over(cls, several: Collection[Tokens]) -> Tokens:
        """The sum, field by field. An unknown prompt or count of generated tokens makes that unknown; unknown parts are none."""
        return cls(
            prompt=_sum([tokens.prompt for tokens in several]),
            cached=_parts([tokens.cached for tokens in several]),
            cache_write=_parts([tokens.cache_write for tokens in several]),
            generated=_sum([tokens.generated for tokens in several]),
            reasoning=_parts([tokens.reasoning for tokens in several]),
        )

    def to_json(self) -> dict[str, int | None]:
        return {
            "prompt": self.prompt,
            "cached": self.cached,
            "cache_write": self.cache_write,
            "generated": self.generated,
            "reasoning": self.reasoning,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, int | None]) -> Tokens:
        known = data.get  # several times a sample
        return cls(known("prompt"), known("cached"), known("cache_write"), known("generated"), known("reasoning"))


def _sum(counts: Collection[int | None]) -> int | None:
    return None if None in counts else _parts(counts)


def _parts(counts: Collection[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str

    def to_json(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; None is not sent, so that the server's own default holds."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int = 1024
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `prefix` is text that the model is to continue; `stop` strings are not part of the answer.

    `schema` asks for the endpoint's own constrained decoding; `grammar` (GBNF) constrains the continuation where the endpoint
    takes one (`Abilities.grammar`). `think = False` asks the model not to deliberate.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    prefix: str = ""
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    grammar: str | None = None
    think: bool = True
    model: str | None = None
    adapter: str | None = None


@value()
class Exchange:
    """One request and its answer, as the record keeps it. `output` is what came back, without the prefix; latency in seconds."""

    output: str
    finish: str
    tokens: Tokens
    latency: float

    def to_json(self) -> dict[str, Any]:
        return {"tokens": self.tokens.to_json(), "latency": self.latency, "finish": self.finish, "output": self.output}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Exchange:
        return cls(data["output"], data["finish"], Tokens.from_json(data["tokens"]), data["latency"])


@value()
class Turn:
    """One turn of a workflow, as the record keeps it: the user message, and the model's whole text, prefill included.

    `requests`: how many of the completion's were made for it, in their order.
    """

    message: str
    output: str
    finish: str
    requests: int

    def to_json(self) -> dict[str, Any]:
        return {"message": self.message, "output": self.output, "finish": self.finish, "requests": self.requests}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Turn:
        return cls(data["message"] + "", data["output"] + "", data["finish"] + "", data["requests"] + 0)


@value()
class Completion:
    """Text, tokens, seconds: sums over `requests`.

    From an endpoint `output` is the continuation only; from a route (`routes.ask`) it is the whole text, prefix included.
    `finish`: stop, length, refusal, content_filter, timeout, overflow (the context), unfilled (a form could not be filled), or
    turns (a workflow used them up). `latency` is first byte sent to last byte received, `waited` is what our own limits, retries
    and Retry-After took, both in seconds. Of a workflow there are `turns`, and `output` is the texts of all, one after another.
    """

    output: str
    finish: str
    tokens: Tokens
    latency: float
    waited: float = 0.0
    requests: tuple[Exchange, ...] = ()
    turns: tuple[Turn, ...] = ()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The requests; of an endpoint that does not tell them, this one."""
        return self.requests or (Exchange(self.output, self.finish, self.tokens, self.latency),)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an endpoint can do, so that a control that it can't do is an error before anything is asked."""

    prefill: bool
    no_think: bool
    schema: bool
    grammar: bool = False


class Endpoint(Protocol):
    """Where a model is served. Built on any thread, used on one event loop.

    `complete` raises EndpointError where there is nothing to judge, RouteEnded where there never will be (401, 403, 404); a
    time-out after all retries, a refusal, a context overflow are Completions with that finish.

    It may have more, which is looked for: `check()` and `check_route(model, controls, sampling)` raise ConfigError before
    anything is asked, the second for what this route's model would refuse; `rendered(request)` is the prompt as it would be sent,
    in text or JSON, free of keys; `start()`, which returns their addresses, and `stop()` are for servers of its own.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def abilities(self) -> Abilities: ...
    @property
    def concurrency(self) -> int: ...

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        """What of this endpoint tells one recorded sample from another: kind, name, model as written, the adapter's content.

        Nothing of URL, port or path.
        """
        ...

    async def complete(self, request: Request) -> Completion: ...
    async def close(self) -> None: ...
