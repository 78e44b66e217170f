"""A server on a real socket that does what it is told, and what none should: hang, lie about lengths, close in mid answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Says:
    """One answer. `closes_after`: bytes of the body before the connection is closed; `hangs`: it never comes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    closes_after: int | None = None
    hangs: bool = False


def answer(content: Any = "yes", finish: str | None = "stop", usage: Any = None, **message: Any) -> Says:
    """A well-formed chat completion."""
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return Says(json.dumps({"choices": [choice], "usage": usage}).encode())


def message(*blocks: Any, stop: str | None = "end_turn", usage: Any = None, **more: Any) -> Says:
    """A well-formed message in Anthropic's dialect; a text is a block of text."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    said = {"type": "message", "role": "assistant", "content": content, "stop_reason": stop, "usage": usage, **more}
    return Says(json.dumps(said).encode())


def errs(status: int, kind: str, words: str = "no", headers: Mapping[str, str] | None = None) -> Says:
    """An error as Anthropic words it."""
    return Says(json.dumps({"type": "error", "error": {"type": kind, "message": words}}).encode(), status, headers or {})


def refuses(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: Any) -> Says:
    """An error as most servers word it."""
    return Says(json.dumps({"error": {"message": message, **error}}).encode(), status, headers or {})


class Server:
    """Answers from a list, and goes on with the last of it; remembers what it was asked."""

    def __init__(self, answers: Sequence[Says]) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}/v1"

    def __enter__(self) -> Server:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._talk, "127.0.0.1", 0), self._loop)
        self._server = starting.result(5)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answered_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    async def _answered_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        self.paths.append(first.split(" ")[1])
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.headers.append(headers)
        self.asked.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
        says = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if says.hangs:
            await asyncio.sleep(3600)
        length = len(says.body) if says.length is None else says.length
        head = [f"HTTP/1.1 {says.status} X", f"Content-Length: {length}", *(f"{k}: {v}" for k, v in says.headers.items())]
        writer.write("\r\n".join([*head, "", ""]).encode() + says.body[: says.closes_after])
        await writer.drain()
        return says.closes_after is None and length == len(says.body)
