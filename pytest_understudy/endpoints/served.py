"""An endpoint that is asked over HTTP, whatever its dialect.

In: a Request and a Dialect. Out: a Completion, or an EndpointError that says what happened last. What may work the next time is
asked again here, so that nobody behind this file knows of statuses. The key is in no message, no repr and no traceback: foreign
exceptions hold frames that hold headers, so what we raise is raised outside their handlers and carries their words alone.
"""

from __future__ import annotations

import json
import time
from asyncio import timeout as time_limit
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ..errors import ConfigError, EndpointError, RouteEnded
from .answers import Dialect, complaint, overflows, passes
from .endpoint import Completion, Exchange, Request, Tokens
from .retries import LONGEST_RETRY_AFTER, RETRIED, Retriable, retried, retry_after
from .secret import Secret
from .silence import silence
from .throttle import CROWDED, Throttle

if TYPE_CHECKING:
    from .connections import Connections, Reply

MESSAGE = 300  # characters of a server's message that we repeat
LOOK_UPS = 2  # attempts, where a host's name is not known: it will not be a minute later either


class Served:
    """`base_url` is what the dialect's path follows; `key_env` is the name of the key's variable, for messages only.

    `timeout` is seconds for one attempt as a whole, `retries` how many follow the first, `backoff` the shortest wait before the
    first of them, in seconds. Subclasses say which header holds the key, which others are sent, and what a base URL goes up to.
    """

    kind: ClassVar[str]
    key_header: ClassVar[str] = "Authorization"
    headers: ClassVar[Mapping[str, str]] = {}
    url_hint: ClassVar[str] = "up to and including /v1"
    takes_adapters: ClassVar[bool] = False

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        dialect: Dialect,
        continues: bool,
        key: Secret,
        key_env: str | None,
        concurrency: int,
        timeout: float,
        retries: int,
        backoff: float,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self._url = _checked_url(name, base_url)
        self._dialect = dialect
        self._continues = continues
        self._key = key
        self._key_env = key_env
        self._timeout = timeout
        self._retries = retries
        self._backoff = backoff
        self._throttle = Throttle(concurrency)
        self._opened: Connections | None = None
        self._was_answered = False
        if not key.sendable:
            raise ConfigError(f"{self}: {self._key_source} holds characters that no header can: a line break, or no ASCII")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __str__(self) -> str:
        return f"endpoint {self.name!r}"

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        """What the record's key holds of this endpoint: never its URL."""
        return (self.kind, self.name, model or "", adapter or "", *self._spoken)

    @property
    def _spoken(self) -> tuple[str, ...]:
        """What of the dialect changes a request, where it is not the kind's default."""
        return ()

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent, as JSON."""
        return self._dialect.body(request)

    def rendered(self, request: Request) -> str:
        """The prompt as it is sent: its text where it is rendered here, else its messages as JSON. No key is in it."""
        return self._key.redacted_from_output(self._dialect.rendered(request))

    async def complete(self, request: Request) -> Completion:
        """One request's answer, with `waited` holding all the seconds that were not the answering attempt's."""
        if request.prefix and not self._continues:
            raise RouteEnded(f"{self} can't continue a text; `prefill` in its config says how, where its server can")
        if request.adapter is not None and not self.takes_adapters:
            raise RouteEnded(f"{self} takes no adapter; a tuned model that is served under its own name is a route's `model`")
        content = json.dumps(self.body(request)).encode()
        attempts = 0

        async def attempt() -> Completion:
            nonlocal attempts
            attempts += 1
            outcome = await self._asked(content, request, attempts)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

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

    async def _asked(self, content: bytes, request: Request, attempt: int) -> Completion | Retriable | EndpointError:
        """One attempt, once it has its turn. An error is returned, since a frame that raised would show what the server said."""
        ticket = await self._throttle.enter()
        try:
            reply = await self._reply(content, attempt)
            if isinstance(reply, Exception):
                return reply
            self._tell_throttle(reply, ticket)
            return self._outcome(reply, request)
        finally:
            self._throttle.leave()

    def _tell_throttle(self, reply: Reply, ticket: int) -> None:
        if reply.status == 200:
            self._throttle.answered()
        elif reply.status in CROWDED:
            self._throttle.crowded(ticket)
        wish = retry_after(reply.retry_after)
        if reply.status in RETRIED and wish is not None and wish <= LONGEST_RETRY_AFTER:
            self._throttle.hold(wish)

    def _outcome(self, reply: Reply, request: Request) -> Completion | Retriable | EndpointError:
        """What a reply comes to."""
        self._was_answered = True
        answer = _parsed(reply.content)
        if reply.status == 200:
            if isinstance(answer, str):
                return Retriable(self._said("200 with an answer that is no JSON", answer or "it is empty") + _page(answer))
            try:
                choice = self._dialect.read(answer, request)
            except Retriable as failure:
                return Retriable(self._said("200", failure.message))
            return _completion(self._key.redacted_from_output(choice.text), choice.finish, choice.tokens, reply.latency)
        said = self._said(str(reply.status), complaint(answer))
        if reply.status in RETRIED or passes(answer):
            wish = retry_after(reply.retry_after)
            if wish is not None and wish > LONGEST_RETRY_AFTER:
                said += f"; it asks to wait {wish:,.0f} s, and {LONGEST_RETRY_AFTER:g} s is the longest that we do"
            return Retriable(said, retry_after=wish)
        if reply.status in (400, 413, 422) and overflows(answer):
            return _completion("", "overflow", Tokens(), reply.latency)
        if reply.status in (401, 403, 404):
            return RouteEnded(f"{self}: {said}; {self._way_out(reply.status, request.model)}")
        return EndpointError(f"{self}: {said}")

    async def _reply(self, content: bytes, attempt: int) -> Reply | Retriable | EndpointError:
        """What the server answered within the time-out, or why there is no answer."""
        import aiohttp

        from .connections import unreachable

        connections = self._connections()
        started = time.perf_counter()
        failure: Retriable | EndpointError
        try:
            async with time_limit(self._timeout):
                return await connections.post(content)
        except aiohttp.ClientError as error:  # first: one that could not be made in time is a TimeoutError too
            if (cause := unreachable(error)) is None:
                failure = Retriable(self._said(type(error).__name__, str(error)))
            elif cause == "name" and attempt < LOOK_UPS:
                failure = Retriable(self._said("its host is not known", str(error)))
            else:
                failure = self._never_reached(cause, str(error))
        except TimeoutError:
            elapsed = max(self._timeout, time.perf_counter() - started)
            failure = Retriable(f"no answer within {self._timeout:g} s", timed_out=elapsed)
        except EndpointError as error:
            failure = EndpointError(f"{self}: {error}")
        if isinstance(failure, Retriable):
            await self._look_after(failure)
        return failure

    def _never_reached(self, cause: str, words: str) -> EndpointError:
        """Of a server that never answered nothing will be answered; one that did may be back."""
        host = self._key.redacted(urlsplit(self._url).hostname or "")
        if cause == "name":
            said = self._said(f"no address is known of the host {host!r}", words)
            way_out = f"check base_url ({self._shown_url}) and this machine's name server"
        else:
            said = self._said(f"no TLS connection to {host!r}", words)
            way_out = "check that base_url says https where the server does, and the certificates that this machine trusts"
        kind = EndpointError if self._was_answered else RouteEnded
        return kind(f"{self}: {said}; {way_out}")

    async def _look_after(self, failure: Retriable) -> None:
        """Raises where a connection that failed will never come back; here nobody knows."""

    def _connections(self) -> Connections:
        if self._opened is None:
            from .connections import Connections

            url = f"{self._url}{self._dialect.path}"
            self._opened = Connections(url, self._key, self._timeout, key_header=self.key_header, headers=self.headers)
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
            return f"check base_url ({self._shown_url}, {self.url_hint}) and the route's model ({model!r})"
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


def _page(text: str) -> str:
    """A hint where a page for people came instead of an answer."""
    return " (a page: does a proxy answer, or is base_url a site's?)" if text.lstrip()[:1] == "<" else ""


def _completion(output: str, finish: str, tokens: Tokens, latency: float) -> Completion:
    return Completion(output, finish, tokens, latency, requests=(Exchange(output, finish, tokens, latency),))


def _counted(attempts: int) -> str:
    return f"asked {attempts} times" if attempts > 1 else "asked once"
