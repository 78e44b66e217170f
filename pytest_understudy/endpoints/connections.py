"""Connections to one URL.

In: a body. Out: a Reply, whatever its status. How many there are at once is for others to say: here nothing waits for another's
connection. Nothing here knows what the bytes mean.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from ..errors import EndpointError
from .secret import Secret

LARGEST = 64 * 2**20  # bytes of an answer, unpacked
LARGEST_HEADER = 2**16  # bytes
CONNECT = 10.0  # seconds to connect in, where a request may take twice as long
IDLE = 5.0  # seconds that a connection is kept: servers drop theirs after that, and one in use then is lost


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, bytes, the Retry-After header; latency in seconds, from sending to the last byte received."""

    status: int
    content: bytes
    retry_after: str | None
    latency: float


class Connections:
    """Connections to `url`, as many as there are requests in flight. Used on one event loop at a time."""

    # The client took more of a sample's processor time than all the rest together. benchmarks/transport.py, whole processes,
    # milliseconds a request: aiohttp 0.15, httpx2 over aiohttp 0.29, httpx2 with a client for each request in flight 0.52; one
    # pool of httpx2 looks at all its connections for each request.

    def __init__(
        self,
        url: str,
        key: Secret | None,
        timeout: float,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._key = key or Secret("")
        self._key_header = key_header
        self._url = URL(url).with_user(None) if self._key else URL(url)  # a user in the URL is for who has no key
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        # A connection that can't be made is the network's doing, a time-out the model's: so the first is seen before the second.
        self._timeout = aiohttp.ClientTimeout(connect=min(CONNECT, timeout / 2))
        self._tls = _trusted() if self._url.scheme == "https" else None
        self._proxy = None if is_loopback(url) else _proxy_to(self._url)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, body: bytes) -> Reply:
        """One request; raises aiohttp.ClientError where there is no whole answer, EndpointError where it is beyond all bounds."""
        session = await self._opened()
        started = time.perf_counter()
        async with session.post(self._url, data=body, allow_redirects=False) as response:
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > LARGEST:
                    raise EndpointError(f"the answer is longer than {LARGEST // 2**20} MB")
        latency = time.perf_counter() - started
        return Reply(response.status, bytes(content), response.headers.get("Retry-After"), latency)

    async def close(self) -> None:
        """Closes all connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._loop is asyncio.get_running_loop() or (self._loop is not None and self._loop.is_closed()):
            await session.close()
        else:  # connections of another loop can be neither used nor closed from this one
            session.detach()

    async def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self.close()
            self._loop = loop
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE, ssl=self._tls or True),
                headers=self._headers | self._keyed(),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                proxy=self._proxy,
                max_line_size=LARGEST_HEADER,
                max_field_size=LARGEST_HEADER,
            )
        return self._session

    def _keyed(self) -> dict[str, str]:
        """The key leaves its Secret here and nowhere else, so that no local of ours ever holds the header."""
        bearer = "Bearer " if self._key_header == "Authorization" else ""
        return {self._key_header: f"{bearer}{self._key.reveal()}"} if self._key else {}


def _trusted() -> ssl.SSLContext:
    """Whom the environment's SSL_CERT_FILE and SSL_CERT_DIR name, else whom the system trusts."""
    if sys.platform in ("darwin", "win32") and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()


def _proxy_to(url: URL) -> URL | None:
    """The environment's proxy for this URL, its user included. Not aiohttp's own way to it, which also reads ~/.netrc."""
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or proxy_bypass(url.host or ""):
        return None
    return URL(named if "://" in named else f"http://{named}")


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
