"""What is sent for one sample, overheard between a route and its endpoint.

In: an Endpoint. Out: the same, which also tells a hash of all that it was sent, and where prompts are kept the prompt itself. A
form is filled over one growing text: its messages are kept once, and of each request what was given to be continued.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..endpoints.endpoint import Abilities, Completion, Endpoint, Request


class Overheard:
    """An endpoint for the length of one sample. `prompts`: whether the prompt is kept, or its hash alone.

    An endpoint that has a method `rendered(request)` says by it what exactly the model is given: a prompt's text, or JSON; of
    another the messages are taken.
    """

    def __init__(self, endpoint: Endpoint, *, prompts: bool = False) -> None:
        self._endpoint = endpoint
        self._keeps = prompts
        self._rendered: Callable[[Request], str] = getattr(endpoint, "rendered", None) or _as_messages
        self._hash = hashlib.sha256()
        self._first: Request | None = None
        self._prefixes: list[str] = []

    @property
    def name(self) -> str:
        return self._endpoint.name

    @property
    def kind(self) -> str:
        return self._endpoint.kind

    @property
    def abilities(self) -> Abilities:
        return self._endpoint.abilities

    @property
    def concurrency(self) -> int:
        return self._endpoint.concurrency

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        return self._endpoint.identity(model, adapter)

    async def complete(self, request: Request) -> Completion:
        if self._first is not None:
            self._hash.update(b"\0")
        self._hash.update(self._rendered(request).encode("utf-8", "surrogatepass"))
        self._first = self._first or request
        self._prefixes.append(request.prefix)
        return await self._endpoint.complete(request)

    async def close(self) -> None:
        await self._endpoint.close()

    @property
    def sent(self) -> str | None:
        """The sha256, in hex, of what each request was rendered to, with a zero byte between; None if nothing was sent."""
        return None if self._first is None else self._hash.hexdigest()

    @property
    def prompt(self) -> str | dict[str, Any] | None:
        """The prompt of the one request without a prefix; else {"text", "prefixes"}: what is in front of the prefixes, and each
        request's. None if nothing was sent, or prompts are not kept.
        """
        if self._first is None or not self._keeps:
            return None
        text = _recordable(self._rendered(replace(self._first, prefix="")))
        if self._prefixes == [""]:
            return text
        return {"text": text, "prefixes": [_recordable(prefix) for prefix in self._prefixes]}


def _as_messages(request: Request) -> str:
    messages = [message.to_json() for message in request.messages]
    if request.prefix:
        messages.append({"role": "assistant", "content": request.prefix})
    return json.dumps(messages, ensure_ascii=False)


def _recordable(text: str) -> str:
    """A task's text may hold half a character, which no file can."""
    return text.encode("utf-8", "backslashreplace").decode()
