"""An endpoint that speaks /chat/completions, as most do.

In: a Request. Out: a Completion, or an EndpointError that says what happened last. What may work the next time is asked again
here, so that nobody behind this file knows of statuses. The key is in no message, no repr and no traceback: foreign exceptions
hold frames that hold headers, so what we raise is raised outside their handlers and carries their words alone.
"""

from __future__ import annotations

import json
import time
from asyncio import timeout as time_limit
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ConfigError, EndpointError, RouteEnded
from . import chat
from .endpoint import Abilities, Completion, Exchange, Request, Tokens
from .retries import LONGEST_RETRY_AFTER, RETRIED, Retriable, retried, retry_after
from .secret import Secret
from .silence import silence

if TYPE_CHECKING:
    from .connections import Connections, Reply

MESSAGE = 300  # characters of a server's message that we repeat


class OpenAI:
    """`base_url` goes up to and including /v1; `key_env` is the name of the key's variable, for messages only.

    `timeout` is seconds for one attempt as a whole, `retries` how many follow the first, `backoff` the shortest wait before the
    first of them, in seconds. `prefill` and `no_think` are the server's dialects: how a text is continued there, and how a model
    is told not to deliberate.
    """

    kind = "openai"
    takes_adapters = False

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        key_env: str | None = None,
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 5,
        backoff: float = 0.5,
        prefill: chat.Prefill = "none",
        no_think: chat.NoThink = "soft",
    ) -> None:
        self._key = Secret(api_key or "")
        del api_key  # an exception of ours would show it as a local of this frame
        self.name = name
        self.concurrency = concurrency
        self._url = _checked_url(name, base_url)
        self._key_env = key_env
        self._timeout = timeout
        self._retries = retries
        self._backoff = backoff
        self._prefill: chat.Prefill = prefill
        self._no_think: chat.NoThink = no_think
        self._opened: Connections | None = None
        if not self._key.sendable:
            raise ConfigError(f"{self}: {self._key_source} holds characters that no header can: a line break, or no ASCII")
        if no_think == "prefill" and prefill == "none":
            raise ConfigError(f"{self}: no_think = 'prefill' needs a prefill: 'assistant', 'continue' or 'prefix'")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __str__(self) -> str:
        return f"endpoint {self.name!r}"

    @property
    def abilities(self) -> Abilities:
        return Abilities(prefill=self._prefill != "none", no_think=True, schema=True)

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        """What the record's key holds of this endpoint: never its URL."""
        return (self.kind, self.name, model or "", adapter or "")

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent, as JSON."""
        return chat.body(request, self._prefill, self._no_think)

    async def complete(self, request: Request) -> Completion:
        """One request's answer, with `waited` holding all the seconds that were not the answering attempt's."""
        if request.prefix and self._prefill == "none":
            raise RouteEnded(f"{self} can't continue a text; `prefill` in its config says how, where its server can")
        if request.adapter is not None and not self.takes_adapters:
            raise RouteEnded(f"{self} takes no adapter; a tuned model that is served under its own name is a route's `model`")
        content = json.dumps(self.body(request)).encode()
        # A server that takes thoughts out of the content may repeat the prefix without the think block that we put before it.
        prefixes = (chat.sent_prefix(request, self._no_think), request.prefix)
        attempts = 0

        async def attempt() -> Completion:
            nonlocal attempts
            attempts += 1
            return await self._attempt(content, prefixes, request.model)

        started = time.perf_counter()
        with silence():
            try:
                completion = await retried(attempt, retries=self._retries, backoff=self._backoff)
            except Retriable as failure:
                last = failure
                completion = None
        if completion is None:
            if last.timed_out is None:
                raise EndpointError(f"{self}: {last.message} ({_counted(attempts)})")
            completion = _completion("", "timeout", Tokens(), last.timed_out)
        return replace(completion, waited=max(0.0, time.perf_counter() - started - completion.latency))

    async def close(self) -> None:
        """Closes the connections that are idle."""
        if self._opened is not None:
            with silence():
                await self._opened.close()

    async def _attempt(self, content: bytes, prefixes: tuple[str, ...], model: str | None) -> Completion:
        outcome = self._outcome(await self._reply(content), prefixes, model)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _outcome(self, reply: Reply, prefixes: tuple[str, ...], model: str | None) -> Completion | Retriable | EndpointError:
        """What a reply comes to. An error is returned, since a frame that raised would show the server's words, key and all."""
        answer = _parsed(reply.content)
        if reply.status == 200:
            if isinstance(answer, str):
                return Retriable(self._said("200 with an answer that is no JSON", answer or "it is empty"))
            try:
                choice = chat.read(answer, prefixes)
            except Retriable as failure:
                return Retriable(self._said("200", failure.message))
            return _completion(self._key.redacted_from_output(choice.text), choice.finish, choice.tokens, reply.latency)
        said = self._said(str(reply.status), chat.complaint(answer))
        if reply.status in RETRIED:
            wish = retry_after(reply.retry_after)
            if wish is not None and wish > LONGEST_RETRY_AFTER:
                said += f"; it asks to wait {wish:,.0f} s, and {LONGEST_RETRY_AFTER:g} s is the longest that we do"
            return Retriable(said, retry_after=wish)
        if reply.status in (400, 413, 422) and chat.overflows(answer):
            return _completion("", "overflow", Tokens(), reply.latency)
        if reply.status in (401, 403, 404):
            return RouteEnded(f"{self}: {said}; {self._way_out(reply.status, model)}")
        return EndpointError(f"{self}: {said}")

    async def _reply(self, content: bytes) -> Reply:
        """What the server answered within the time-out; Retriable if it did not, raised where no foreign frame hangs on to it."""
        import httpx2

        connections = self._connections()
        started = time.perf_counter()
        failure: Retriable | EndpointError
        try:
            async with time_limit(self._timeout):
                return await connections.post(content)
        except TimeoutError:
            elapsed = max(self._timeout, time.perf_counter() - started)
            failure = Retriable(f"no answer within {self._timeout:g} s", timed_out=elapsed)
        except httpx2.HTTPError as error:
            failure = Retriable(self._said(type(error).__name__, str(error)))
        except EndpointError as error:
            failure = EndpointError(f"{self}: {error}")
        if isinstance(failure, Retriable):
            await self._look_after(failure)
        raise failure

    async def _look_after(self, failure: Retriable) -> None:
        """Raises where a connection that failed will never come back; here nobody knows."""

    def _connections(self) -> Connections:
        if self._opened is None:
            from .connections import Connections

            self._opened = Connections(f"{self._url}/chat/completions", self._key, self._timeout)
        return self._opened

    def _said(self, what: str, message: str) -> str:
        """What happened and what the server says of it; the key is taken out before the message is cut, or half of it stayed."""
        message = self._key.redacted(" ".join(message.split()))
        return f"{what}: {message[:MESSAGE]}{'…' if len(message) > MESSAGE else ''}" if message else what

    @property
    def _key_source(self) -> str:
        return f"the key in {self._key_env}" if self._key_env else "the key"

    def _way_out(self, status: int, model: str | None) -> str:
        if status == 404:
            return f"check base_url ({self._shown_url}, up to and including /v1) and the route's model ({model!r})"
        if not self._key:
            return "no key was sent: api_key_env names the variable that holds it"
        return f"check {self._key_source}" + (f" and what it may do with model {model!r}" if status == 403 else "")

    @property
    def _shown_url(self) -> str:
        """The URL without a user's name and password."""
        parts = urlsplit(self._url)
        return self._key.redacted(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def _checked_url(name: str, url: str) -> str:
    """The URL without a slash at its end; ConfigError if it is none."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"endpoint {name!r}: base_url must be an http or https URL, such as https://host/v1")
    return url.rstrip("/")


def _parsed(content: bytes) -> Any:
    """The JSON in a body; where there is none, the body as text."""
    text = content.decode("utf-8-sig", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return repr(parsed) if isinstance(parsed, str) else parsed


def _completion(output: str, finish: str, tokens: Tokens, latency: float) -> Completion:
    return Completion(output, finish, tokens, latency, requests=(Exchange(output, finish, tokens, latency),))


def _counted(attempts: int) -> str:
    return f"asked {attempts} times" if attempts > 1 else "asked once"
