"""Which client asks at the least cost: whole processes, in turns, against one server.

    python benchmarks/transport.py [--rounds 3] [--quick]

Each variant draws the same answers in a process of its own, its imports included. Printed: a Markdown table for each load, with
the median over the rounds of wall and processor seconds, and the ratios to bare aiohttp. `endpoint` is our own OpenAI endpoint
as a whole, bodies, usage and retries included; the others only send and read.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from server import Latency, running
from tabulate import tabulate
from whole import Whole, measured

LATENCY = 0.1  # seconds
LOADS = ((750, 64), (7_500, 256))  # requests, in flight
BODY = {"messages": [{"role": "user", "content": "An e-mail from a customer. " * 20}], "max_tokens": 256, "temperature": 0.7}
CONTENT = json.dumps(BODY).encode()
HEADERS = {"Content-Type": "application/json"}

Ask = Callable[[], Awaitable[object]]


async def drawn(ask: Ask, requests: int, in_flight: int) -> None:
    """`requests` answers by `in_flight` coroutines, each with one request at a time."""
    left = itertools.repeat(None, requests)

    async def work() -> None:
        for _ in left:
            await ask()

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())


async def by_aiohttp(url: str, requests: int, in_flight: int) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def ask() -> object:
            async with session.post(url, data=CONTENT, headers=HEADERS) as response:
                return json.loads(await response.read())

        await drawn(ask, requests, in_flight)


async def by_httpx2(url: str, requests: int, in_flight: int, clients: int = 0, over_aiohttp: bool = False) -> None:
    """`clients` clients in turns, each a pool; with 0 one for each request in flight, put back when it is done."""
    import ssl

    import httpx2

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)

    def client() -> httpx2.AsyncClient:
        if over_aiohttp:
            from httpx_aiohttp.httpx2 import AiohttpTransport

            return httpx2.AsyncClient(transport=AiohttpTransport(verify=tls, limits=limits), timeout=None)
        return httpx2.AsyncClient(verify=tls, limits=limits, timeout=None, trust_env=False)

    async with AsyncExitStack() as stack:
        idle = deque([await stack.enter_async_context(client()) for _ in range(clients or in_flight)])

        async def ask() -> object:
            mine = idle.popleft() if clients else idle.pop()
            if clients:
                idle.append(mine)
            response = await mine.post(url, content=CONTENT, headers=HEADERS)
            if not clients:
                idle.append(mine)
            return json.loads(response.content)

        await drawn(ask, requests, in_flight)


async def by_endpoint(url: str, requests: int, in_flight: int) -> None:
    from pytest_understudy.endpoints.endpoint import Message, Request, Sampling
    from pytest_understudy.endpoints.openai import OpenAI

    endpoint = OpenAI(name="benchmark", base_url=url.removesuffix("/chat/completions"), concurrency=in_flight)
    message = Message("user", BODY["messages"][0]["content"])  # type: ignore[index]  # the body's values are of several types
    request = Request((message,), Sampling(temperature=0.7, max_tokens=256))
    await drawn(lambda: endpoint.complete(request), requests, in_flight)
    await endpoint.close()


VARIANTS: dict[str, Callable[[str, int, int], Awaitable[None]]] = {
    "aiohttp": by_aiohttp,
    "httpx2, one pool": partial(by_httpx2, clients=1),
    "httpx2, eight clients": partial(by_httpx2, clients=8),
    "httpx2, a client a request in flight": by_httpx2,
    "httpx2 over aiohttp": partial(by_httpx2, clients=1, over_aiohttp=True),
    "endpoint": by_endpoint,
}


def whole(variant: str, url: str, requests: int, in_flight: int) -> Whole:
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, __file__, "--variant", variant, "--url", url, "--load", str(requests), str(in_flight)]
        return measured(command, Path(name))


def table(requests: int, in_flight: int, rounds: int) -> str:
    found: dict[str, list[Whole]] = {variant: [] for variant in VARIANTS}
    with running(Latency(LATENCY)) as url:
        for _ in range(rounds):
            for variant in VARIANTS:
                found[variant].append(whole(variant, f"{url}/v1/chat/completions", requests, in_flight))
    medians = {variant: Whole.median(several) for variant, several in found.items()}
    bare = medians["aiohttp"]
    rows = [
        [variant, one.wall, one.wall / bare.wall, one.processor, one.processor / bare.processor]
        for variant, one in medians.items()
    ]
    return tabulate(rows, ["client", "wall s", "ratio", "processor s", "ratio"], tablefmt="github", floatfmt=".2f")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of the small load")
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--load", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        asyncio.run(_run(VARIANTS[options.variant], options.url, *options.load))
        return
    rounds, loads = (1, LOADS[:1]) if options.quick else (options.rounds, LOADS)
    for requests, in_flight in loads:
        ideal = -(-requests // in_flight) * LATENCY
        print(f"{requests} answers of {LATENCY:g} s, {in_flight} in flight (ideal {ideal:.1f} s), median of {rounds}:\n")
        print(table(requests, in_flight, rounds), end="\n\n", flush=True)


async def _run(variant: Callable[[str, int, int], Awaitable[None]], url: str, requests: int, in_flight: int) -> None:
    await variant(url, requests, in_flight)


if __name__ == "__main__":
    main()
