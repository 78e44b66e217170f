"""What is sent for one sample, overheard between a route and its endpoint.

In: an Endpoint. Out: the same, which also tells a hash of all that it was sent, and where prompts are kept the prompt itself. A
form is filled over one growing text: its messages are kept once, and of each request what was given to be continued. In a
workflow of several turns that is so in each turn.
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
        self._sent = False
        self._turns: list[list[Request]] = []  # where prompts are kept; requests with the same messages are one turn's

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
        if self._sent:
            self._hash.update(b"\0")
        self._sent = True
        self._hash.update(self._rendered(request).encode("utf-8", "surrogatepass"))
        if self._keeps:
            self._notice(request)
        return await self._endpoint.complete(request)

    async def close(self) -> None:
        await self._endpoint.close()

    @property
    def sent(self) -> str | None:
        """The sha256, in hex, of what each request was rendered to, with a zero byte between; None if nothing was sent."""
        return self._hash.hexdigest() if self._sent else None

    @property
    def prompt(self) -> str | dict[str, Any] | None:
        """The prompt of the one request without a prefix; else {"text", "prefixes"}: what is in front of the prefixes, and each
        request's. Of several turns {"turns": [...]}, of such each. None if nothing was sent, or prompts are not kept.
        """
        prompts = [self._prompt_of(turn) for turn in self._turns]
        return {"turns": prompts} if len(prompts) > 1 else next(iter(prompts), None)

    def _notice(self, request: Request) -> None:
        if not self._turns or self._turns[-1][0].messages != request.messages:
            self._turns.append([])
        self._turns[-1].append(request)

    def _prompt_of(self, turn: list[Request]) -> str | dict[str, Any]:
        text = _recordable(self._rendered(replace(turn[0], prefix="")))
        prefixes = [request.prefix for request in turn]
        return text if prefixes == [""] else {"text": text, "prefixes": [_recordable(prefix) for prefix in prefixes]}


def _as_messages(request: Request) -> str:
    messages = [message.to_json() for message in request.messages]
    if request.prefix:
        messages.append({"role": "assistant", "content": request.prefix})
    return json.dumps(messages, ensure_ascii=False)


def _recordable(text: str) -> str:
    """A task's text may hold half a character, which no file can."""
    return text.encode("utf-8", "backslashreplace").decode()
