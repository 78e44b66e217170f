"""Connections that fail: no such host, no TLS, a reset in the middle of a body; in both dialects."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.endpoints.anthropic import Anthropic
from pytest_understudy.endpoints.endpoint import Completion, Message, Request
from pytest_understudy.endpoints.openai import OpenAI
from pytest_understudy.errors import EndpointError, RouteEnded

from .scripted import Says, Server, answer, message

HELLO = Request((Message("user", "hello"),), model="small")
KINDS = pytest.mark.parametrize("kind", [OpenAI, Anthropic], ids=["openai", "anthropic"])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment's would look names up, and speak TLS, itself."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def ask(kind: type[OpenAI] | type[Anthropic], url: str, *, retries: int = 5) -> Completion:
    endpoint = kind(name="served", base_url=url, retries=retries, backoff=0.005)
    return asyncio.run(endpoint.complete(HELLO))


@KINDS
def test_a_host_that_has_no_address_ends_the_route_after_two_looks(kind: type[OpenAI] | type[Anthropic]) -> None:
    looked: list[str] = []
    own = socket.getaddrinfo

    def counted(host: Any, *rest: Any, **more: Any) -> Any:
        looked.append(str(host))
        return own(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", counted)
        with pytest.raises(RouteEnded) as caught:
            ask(kind, "https://understudy-test.invalid/v1", retries=40)
    said = str(caught.value)
    assert said.startswith("endpoint 'served': no address is known of the host 'understudy-test.invalid'")
    assert "check base_url (https://understudy-test.invalid" in said
    assert len(looked) == 2


@KINDS
def test_a_server_that_speaks_no_tls_ends_the_route_at_once(kind: type[OpenAI] | type[Anthropic]) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (port, met):
        with pytest.raises(RouteEnded, match=r"no TLS connection to '127\.0\.0\.1': .*; check that base_url says https"):
            ask(kind, f"https://127.0.0.1:{port}/v1")
        assert met == [1]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_that_nobody_signed_ends_the_route_at_once(tmp_path: Path) -> None:
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def greet(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pass

    with listening(greet) as (port, met):
        with pytest.raises(
            RouteEnded, match=r"no TLS connection to '127\.0\.0\.1': .*(?i:certificate).*that this machine trusts"
        ):
            ask(OpenAI, f"https://127.0.0.1:{port}/v1")
        assert met == [1]


def test_of_a_server_that_answered_before_a_lost_name_is_an_error_and_no_end() -> None:
    with Server([answer()]) as server:
        endpoint = OpenAI(name="served", base_url=server.url, backoff=0.005)

        async def answered_then_lost() -> None:
            await endpoint.complete(HELLO)
            endpoint._opened = None
            endpoint._url = "http://understudy-test.invalid/v1"
            await endpoint.complete(HELLO)

        with pytest.raises(EndpointError, match="no address is known") as caught:
            asyncio.run(answered_then_lost())
    assert not isinstance(caught.value, RouteEnded)


@KINDS
def test_a_reset_in_the_middle_of_a_body_is_asked_again(kind: type[OpenAI] | type[Anthropic]) -> None:
    body = (answer("yes") if kind is OpenAI else message("yes")).body
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    def reset_first(connection: socket.socket) -> None:
        connection.recv(65536)
        if len(met) == 1:
            connection.sendall(head + body[:20])
            time.sleep(0.05)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing is a reset
        else:
            connection.sendall(head + body)

    with listening(reset_first) as (port, met):
        completion = ask(kind, f"http://127.0.0.1:{port}/v1")
        assert completion.output == "yes"
        assert len(met) == 2


@KINDS
def test_a_page_with_status_200_is_told_as_one(kind: type[OpenAI] | type[Anthropic]) -> None:
    said = r"no JSON: <!doctype html>.*\(a page: does a proxy answer.*\(asked 2 times\)"
    with Server([Says(b"<!doctype html><title>Sign in</title>")]) as server, pytest.raises(EndpointError, match=said):
        ask(kind, server.url, retries=1)


@KINDS
@pytest.mark.parametrize("wish", ["0.3", "date"])
def test_a_servers_wish_to_wait_is_no_latency(kind: type[OpenAI] | type[Anthropic], wish: str) -> None:
    header = wish if wish != "date" else time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
    right = answer("yes") if kind is OpenAI else message("yes")
    with Server([Says(b"{}", 503, {"Retry-After": header}), right]) as server:
        completion = ask(kind, server.url)
    assert completion.waited >= 0.3
    assert completion.latency < 0.3


@contextmanager
def listening(talk: object) -> Iterator[tuple[int, list[int]]]:
    """A bare socket that does `talk` with each connection, one after another; counts them."""
    assert callable(talk)
    met: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                met.append(1)
                with connection, suppress(OSError):  # the client may have gone
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], met
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
