"""A server for benchmarks, in a process of its own: /v1/chat/completions after a set latency, and /stats.

    python benchmarks/server.py --latency 0.1 [--tail 0.8]

It prints one line of JSON with its URL and ends when its stdin does. `--tail` is the sigma of a log-normal latency with the
median `--latency`; without it every answer takes the same time. Latencies come from a fixed seed, in the order of the requests.
/stats: {"requests", "in_flight", "peak"}: all that were received, those that wait now, the most that ever waited at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web

ANSWER = {
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": '{"intent": "refund_request"}'}}],
    "usage": {"prompt_tokens": 120, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 100}},
}


@dataclass
class Stats:
    requests: int = 0
    in_flight: int = 0
    peak: int = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.requests += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


def application(latency: float, tail: float) -> web.Application:
    stats, chance, answer = Stats(), random.Random(0), json.dumps(ANSWER).encode()

    async def complete(request: web.Request) -> web.Response:
        with stats.counted():
            await request.read()
            await asyncio.sleep(latency * chance.lognormvariate(0, tail))
            return web.Response(body=answer, content_type="application/json")

    async def told(request: web.Request) -> web.Response:
        return web.json_response(asdict(stats))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/stats", told)
    return app


async def serve(latency: float, tail: float) -> None:
    # A cancelled handler (a client that was killed) leaves `in_flight` right, since `counted` is left as well.
    runner = web.AppRunner(application(latency, tail), access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
    await asyncio.Event().wait()


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


@contextmanager
def running(latency: float, tail: float = 0.0) -> Iterator[str]:
    """The URL of a server in a process of its own, which ends with the block."""
    command = [sys.executable, str(Path(__file__)), "--latency", str(latency), "--tail", str(tail)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until an answer")
    parser.add_argument("--tail", type=float, default=0.0, help="sigma of a log-normal latency; 0: all alike")
    options = parser.parse_args()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(options.latency, options.tail))


if __name__ == "__main__":
    main()
