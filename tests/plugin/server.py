"""A loopback server that speaks /chat/completions: answers by rule, and counts what it was asked."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `content` is sent as it is. `resets_after`: bytes of it before the connection is reset; `hangs`: it never
    comes.
    """

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    resets_after: int | None = None
    hangs: bool = False


def said(text: str, *, prompt: int = 50, generated: int = 20, delay: float = 0.0, finish: str = "stop") -> Reply:
    """What a well-behaved server answers."""
    answer = {
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated},
    }
    return Reply(json.dumps(answer).encode(), delay=delay)


class Server:
    """Real HTTP on a free port, in threads of the test's process. `rule` maps a request's body to a Reply."""

    def __init__(self, rule: Callable[[dict[str, Any]], Reply]) -> None:
        self.rule = rule
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.peak = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def inputs(self) -> list[str]:
        """The user messages that were asked, in order."""
        return [next(m["content"] for m in body["messages"] if m["role"] == "user") for body in self.asked]

    def _answer(self, body: dict[str, Any], headers: dict[str, str], connection: socket.socket) -> Reply:
        with self._lock:
            self.asked.append(body)
            self.headers.append(headers)
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
        try:
            reply = self.rule(body)
            time.sleep(reply.delay)
            if reply.hangs:  # in flight until the client gives up
                select.select([connection], [], [], 30)
            return reply
        finally:
            with self._lock:
                self._in_flight -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # an answer in one piece: its second would wait 40 ms for the first one's acknowledgement

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = server._answer(body, dict(self.headers), self.connection)
                if reply.hangs:
                    self.close_connection = True
                    return
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(reply.content)))
                    self.end_headers()
                    self.wfile.write(reply.content[: reply.resets_after])
                    if reply.resets_after is not None:
                        self._reset()
                except OSError:
                    self.close_connection = True  # the client was killed

            def _reset(self) -> None:
                self.wfile.flush()
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())

            def log_message(self, *args: object) -> None:
                pass

        return Handler
