"""llama.cpp's server in a child process: a model without a key or a network.

In: a Request. Out: a Completion, by way of the OpenAI dialect that the server speaks. The process that owns the session starts
the child; others are given its `addresses` and never stop it. On a server with adapters every request names the scale of each of
them, 0 included: an absent list means all of them on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ConfigError, RouteEnded, listed
from . import chat
from .child import Child
from .endpoint import Abilities, Completion, Message, Request
from .openai import OpenAI
from .retries import Retriable
from .weights import BUNDLED, EXTRA, existing, weights_of

HINT = "check the files of its model and adapters, and that there is memory for them"
START = 300.0  # seconds to load a model in: a large one from a slow disk takes minutes
SMALL = 512 * 2**20  # bytes of a model's file: so much of it may be held again by each server


class Embedded:
    """`model` is `smollm2` or the path of a .gguf file; `adapters` are LoRA adapters in GGUF, by the names that routes use.

    There are `concurrency` slots of `context` tokens each (about 45 MB a slot of 2048 with the bundled model). They are slots of
    one server, or where the model is small of as many servers as there are cores (25 MB each): two threads that make one
    token together wait for each other, two that make one each do not. `timeout` is seconds for one request. With `addresses`,
    servers that another process owns are used. `cold_start` is the seconds that the child took from its start until it served;
    None before that, and where it is another's.
    """

    kind = "embedded"

    def __init__(
        self,
        *,
        name: str,
        model: str = "smollm2",
        adapters: Mapping[str, Path] | None = None,
        concurrency: int = 2,
        context: int = 2048,
        timeout: float = 120.0,
        retries: int = 2,
        no_think: chat.NoThink = "soft",
        addresses: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self._model = model
        self._adapters = dict(sorted((adapters or {}).items()))
        self._context = context
        self._timeout = timeout
        self._retries = retries
        self._no_think: chat.NoThink = no_think
        self._addresses = tuple(addresses)
        self._digests: dict[str, str] = {}
        self._spawning = threading.Lock()
        self._child: Child | None = None
        self._servers: tuple[_LlamaServer, ...] = ()

    def __repr__(self) -> str:
        return f"<Embedded {self.name!r}>"

    def __str__(self) -> str:
        return f"endpoint {self.name!r}"

    @property
    def abilities(self) -> Abilities:
        return Abilities(prefill=True, no_think=True, schema=True, grammar=True)

    def identity(self, model: str | None, adapter: str | None) -> tuple[str, ...]:
        """What the record's key holds of this endpoint: a model file's name and never its path, an adapter's content."""
        served = self._model if self._model in BUNDLED else Path(self._model).name
        spoken = () if self._no_think == "soft" else (f"no_think={self._no_think}",)
        return (self.kind, self.name, served, self.adapter_digest(adapter) if adapter else "", *spoken)

    @property
    def cold_start(self) -> float | None:
        child = self._child
        return None if child is None else child.cold_start

    def check(self) -> None:
        """ConfigError where this could never start: a package, the model's file or an adapter's file is missing."""
        if find_spec("xllamacpp") is None:
            raise ConfigError(f"{self} needs xllamacpp, which is not installed; {EXTRA}")
        weights_of(self._model, of=str(self))
        for adapter in self._adapters:
            self._adapter_file(adapter)

    def adapter_digest(self, adapter: str) -> str:
        """The sha256 of an adapter file's content, in hex; ConfigError for a name or a file that does not exist."""
        if adapter not in self._digests:
            with self._adapter_file(adapter).open("rb") as file:
                self._digests[adapter] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[adapter]

    def start(self) -> tuple[str, ...]:
        """The servers' URLs; starts the child if there is none yet, and blocks until it serves. Twice is once, on any thread."""
        if self._addresses:
            return self._addresses
        with self._spawning:
            if self._child is None:
                self.check()
                self._child = Child(f"server of {self}", self._command(), hint=HINT)
            child = self._child
        return child.urls(START)

    def stop(self) -> None:
        """Ends the child, also one that is still starting; a server that another process owns is left alone."""
        with self._spawning:
            child, self._child, self._servers = self._child, None, ()
        if child is not None:
            child.end()

    def rendered(self, request: Request) -> str:
        """The messages as they are sent, as JSON; the server renders them by the model's own template."""
        return chat.Chat("assistant", self._no_think).rendered(request)

    async def complete(self, request: Request) -> Completion:
        """One request's answer; the first of them starts the child. RouteEnded with its last lines where the child is dead."""
        if request.adapter is not None:
            self._adapter_file(request.adapter)
        servers = await self._connected()
        return await min(servers, key=lambda server: server.burden(request)).complete(request)

    async def close(self) -> None:
        """Closes the connections; the child goes on until `stop`."""
        for server in self._servers:
            await server.close()

    async def _connected(self) -> tuple[_LlamaServer, ...]:
        child = self._child
        waits = not self._addresses and (child is None or not child.serves)
        urls = await asyncio.to_thread(self.start) if waits else self.start()
        if not self._servers:
            self._servers = tuple(self._server(url) for url in urls)
        return self._servers

    def _server(self, url: str) -> _LlamaServer:
        return _LlamaServer(
            name=self.name,
            base_url=f"{url}/v1",
            concurrency=self.concurrency,
            timeout=self._timeout,
            retries=self._retries,
            prefill="assistant",
            no_think=self._no_think,
            adapters=tuple(self._adapters),
            child=self._child,
        )

    def _command(self) -> list[str]:
        model, cores = weights_of(self._model, of=str(self)), usable_cores()
        servers = min(self.concurrency, cores) if model.stat().st_size <= SMALL else 1
        settings = {
            "owner": os.getpid(),
            "model": str(model),
            "adapters": [str(path) for path in self._adapters.values()],
            "servers": servers,
            "parallel": -(-self.concurrency // servers),  # slots of each
            "context": self._context,
            "cores": cores,
        }
        # -P: this folder must not be searched for modules, or our openai.py hides the package of that name.
        return [sys.executable, "-P", str(Path(__file__).with_name("llama_server.py")), json.dumps(settings)]

    def _adapter_file(self, adapter: str) -> Path:
        if adapter not in self._adapters:
            raise ConfigError(f"{self} has no adapter named {adapter!r}; there is {listed(self._adapters)}")
        return existing(self._adapters[adapter], f"adapter {adapter!r}", of=str(self))


class _LlamaServer(OpenAI):
    """OpenAI's dialect with llama.cpp's additions, asked of a child that may die."""

    kind = "embedded"
    takes_adapters = True

    def __init__(self, *, adapters: tuple[str, ...], child: Child | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._adapters = adapters
        self._child = child
        self._in_flight = 0
        self._last: tuple[Message, ...] | None = None

    def burden(self, request: Request) -> tuple[int, bool]:
        """Less is better: how many requests are in flight here, and whether the last prompt read was another than this one's."""
        return self._in_flight, request.messages[: len(self._last or ())] != self._last

    async def complete(self, request: Request) -> Completion:
        self._in_flight, self._last = self._in_flight + 1, request.messages
        try:
            return await super().complete(request)
        finally:
            self._in_flight -= 1

    def body(self, request: Request) -> dict[str, Any]:
        body = super().body(request) | {"cache_prompt": True}
        if request.grammar is not None:
            body["grammar"] = request.grammar
        if self._adapters:
            scales = {adapter: float(adapter == request.adapter) for adapter in self._adapters}
            body["lora"] = [{"id": number, "scale": scale} for number, scale in enumerate(scales.values())]
        return body

    async def _look_after(self, failure: Retriable) -> None:
        if self._child is None or failure.timed_out is not None:
            return
        if exit := await asyncio.to_thread(self._child.exit):
            raise RouteEnded(f"the embedded server of {self} died ({exit}){self._child.last_lines()}")


def usable_cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
