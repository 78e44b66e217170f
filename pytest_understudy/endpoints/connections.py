"""Connections to one URL, handed out per request.

In: a body. Out: a Reply, whatever its status. Whoever has a request in flight has a client of its own, taken from a stack and put
back. Nothing here knows what the bytes mean.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx2

from ..errors import EndpointError
from .secret import Secret

LARGEST = 64 * 2**20  # bytes of an answer, unpacked
CONNECT = 10.0  # seconds to connect in, where a request may take twice as long


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, bytes, the Retry-After header; latency in seconds, from sending to the last byte received."""

    status: int
    content: bytes
    retry_after: str | None
    latency: float


class Connections:
    """Clients for `url`, as many as there are requests in flight. Used on one event loop at a time."""

    # A pool looks at all its connections for each request. benchmarks/transport.py, whole processes, 7,500 answers of 0.1 s with
    # 256 in flight: one pool 7.6 s, eight clients 4.5, a client a request in flight 4.1, httpx2 over aiohttp 3.6, aiohttp 3.4;
    # 750 with 64 in flight: 1.78, 1.72, 1.75, 1.67, 1.50. A second HTTP library is not worth its place for that.

    def __init__(
        self,
        url: str,
        key: Secret | None,
        timeout: float,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = httpx2.URL(url)
        self._auth = _Key(key, key_header) if key else None
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        # A connection that can't be made is the network's doing, a time-out the model's: so the first is seen before the second.
        self._timeout = httpx2.Timeout(None, connect=min(CONNECT, timeout / 2))
        self._tls = httpx2.create_ssl_context() if self._url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._trust_env = not is_loopback(url)
        self._idle: list[httpx2.AsyncClient] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, body: bytes) -> Reply:
        """One request; raises httpx2.HTTPError where there is no whole answer, EndpointError where it is beyond all bounds."""
        client = self._client()
        try:
            started = time.perf_counter()
            async with client.stream("POST", self._url, content=body, headers=self._headers) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST:
                        raise EndpointError(f"the answer is longer than {LARGEST // 2**20} MB")
            latency = time.perf_counter() - started
            return Reply(response.status_code, bytes(content), response.headers.get("retry-after"), latency)
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        """Closes the idle connections; a later request opens new ones."""
        clients, self._idle = self._idle, []
        if self._loop is asyncio.get_running_loop():
            for client in clients:
                await client.aclose()

    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # connections of another loop can be neither used nor closed from this one
            self._loop = loop
            self._idle = []
        if self._idle:
            return self._idle.pop()
        return httpx2.AsyncClient(auth=self._auth, verify=self._tls, timeout=self._timeout, trust_env=self._trust_env)


class _Key(httpx2.Auth):
    """The key enters the request here and nowhere else, so that no local of ours ever holds the header."""

    def __init__(self, key: Secret, header: str) -> None:
        self._key = key
        self._header = header

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        bearer = "Bearer " if self._header == "Authorization" else ""
        request.headers[self._header] = f"{bearer}{self._key.reveal()}"
        yield request


def unreachable(failure: BaseException) -> Literal["name", "tls"] | None:
    """Why asking again will not help: the host's `name` has no address, or `tls` is not what is spoken there, or not trusted.

    None for all else, a connection that ended in mid handshake included.
    """
    ended = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "name"
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ended):
            return "tls"
        cause = cause.__cause__ or cause.__context__
    return None


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine: a proxy of the environment's could not reach it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
