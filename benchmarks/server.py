"""A server for benchmarks, in a process of its own: /v1/chat/completions after a set latency, and /stats.

    python benchmarks/server.py --latency 0.1 [--tail 0.8] [--cut 2] [--bytes 500]     # serves
    python benchmarks/server.py --measure [--quick]                                    # how many requests it can serve a second

It prints one line of JSON with its URL and ends when its stdin does. `--tail` is the sigma of a log-normal latency with the
median `--latency`, none longer than `--cut`; without it every answer takes the same time. Latencies come from a seed, in the
order of the requests. `--bytes`: how long an answer's content is.

/stats: {"requests", "in_flight", "peak", "seconds", "span"}: all that were received, those that wait now, the most that ever
waited at once, the sum of their latencies, and the seconds from the first request to the last answer. POST /reset?seed=N begins
anew. It speaks as much HTTP/1.1 as two well-behaved clients need (kept connections, Content-Length), so that on few cores most of
the time is the client's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

GOAL = 1_500  # requests a second


@dataclass
class Stats:
    requests: int = 0
    in_flight: int = 0
    peak: int = 0
    seconds: float = 0.0
    span: float = 0.0
    first: float = field(default=0.0, repr=False)

    def came(self, latency: float) -> None:
        self.first = self.first or time.perf_counter()
        self.requests += 1
        self.seconds += latency
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def went(self) -> None:
        self.in_flight -= 1
        self.span = time.perf_counter() - self.first


@dataclass(frozen=True)
class Latency:
    """Seconds: `median` for all, or log-normal with the sigma `tail`, none longer than `cut`."""

    median: float
    tail: float = 0.0
    cut: float = 2.0

    def drawn(self, chance: random.Random) -> float:
        return min(self.cut, self.median * chance.lognormvariate(0, self.tail)) if self.tail else self.median


def answer(size: int) -> bytes:
    """A chat completion whose content is a JSON object of about `size` bytes."""
    content = '{"intent": "refund_request", "note": "'
    content += "x" * (size - len(content) - 2) + '"}'
    usage = {"prompt_tokens": 120, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 100}}
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


class Served:
    """What all connections share."""

    def __init__(self, latency: Latency, size: int) -> None:
        self.latency = latency
        self.answer = _response(answer(size))
        self.reset(0)

    def reset(self, seed: int) -> None:
        self.stats = Stats()
        self.chance = random.Random(seed)


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.data = bytearray()
        self.waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, failure: Exception | None) -> None:
        if self.waiting is not None:  # a client that was killed waits no more
            self.waiting.cancel()
            self.served.stats.went()

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        wanted = int(length.partition(b"\r\n")[0] or 0)
        if len(rest) >= wanted:
            self.data = rest[wanted:]
            self.asked(head.split(b" ", 2)[1].decode())

    def asked(self, path: str) -> None:
        served = self.served
        if path == "/v1/chat/completions":
            latency = served.latency.drawn(served.chance)
            served.stats.came(latency)
            self.waiting = asyncio.get_running_loop().call_later(latency, self.complete, served.stats)
            return
        if path.startswith("/reset"):
            served.reset(int(parse_qs(urlsplit(path).query)["seed"][0]))
        told = asdict(served.stats)
        del told["first"]
        self.transport.write(_response(json.dumps(told).encode()))

    def complete(self, stats: Stats) -> None:
        self.waiting = None
        stats.went()
        self.transport.write(self.served.answer)


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(latency: Latency, size: int) -> None:
    served = Served(latency, size)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(served), "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()[:2]
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
    await server.serve_forever()


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


@contextmanager
def running(latency: Latency, size: int = 80) -> Iterator[str]:
    """The URL of a server in a process of its own, which ends with the block."""
    command = [sys.executable, str(Path(__file__)), "--bytes", str(size)]
    command += ["--latency", str(latency.median), "--tail", str(latency.tail), "--cut", str(latency.cut)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.stdin.close()


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/stats") as response:
        told: dict[str, Any] = json.load(response)
        return told


def reset(url: str, seed: int = 0) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{url}/reset?seed={seed}", method="POST")).close()


def measure(requests: int, rounds: int) -> str:
    """How many a second the bare loop gets of it, without a latency; client and server share the machine."""
    from tabulate import tabulate
    from whole import measured
    from workload import Workload

    with running(Latency(0.0)) as url, tempfile.TemporaryDirectory() as name:
        load = Workload(tasks=1, samples=requests, in_flight=64)
        load.write(Path(name), url)
        spans = []
        for _ in range(rounds):
            reset(url)
            measured(load.bare(url), Path(name))
            spans.append(stats(url)["span"])
    rows = [["served by the loopback server, 64 in flight, no latency", f"{requests / min(spans):,.0f} a second", f">= {GOAL:,}"]]
    return tabulate(rows, ["what", f"best of {rounds}", "goal"], tablefmt="github")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until an answer")
    parser.add_argument("--tail", type=float, default=0.0, help="sigma of a log-normal latency; 0: all alike")
    parser.add_argument("--cut", type=float, default=2.0, help="seconds: no latency is longer")
    parser.add_argument("--bytes", type=int, default=80, help="of an answer's content")
    parser.add_argument("--measure", action="store_true", help="how many requests a second it serves")
    parser.add_argument("--quick", action="store_true", help="with --measure: a small run")
    options = parser.parse_args()
    if options.measure:
        print(measure(2_000 if options.quick else 20_000, 1 if options.quick else 3))
        return
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(Latency(options.latency, options.tail, options.cut), options.bytes))


if __name__ == "__main__":
    main()
