"""The embedded model through the plugin, against llama.cpp driven by a bare loop with the very same requests.

    python benchmarks/embedded.py [--tasks 15] [--quick]

For each way of asking (raw, a form filled from its opening, a form filled slot by slot) and one and two slots of the server: a
whole pytest process draws every task twice, greedily, from servers of its own. What it asks is asked once before, through a
proxy that notes every body; the bare loop (asyncio and aiohttp, as many coroutines as slots) sends these bodies to fresh
servers of the same settings, a sample's one after another to the same one; and where there are two slots also to one llama.cpp
server that has both. Printed: a Markdown table with samples and generated tokens a second, over the time from the first request
to the last answer, and one of the goals. A busy machine disturbs llama.cpp more than anything else here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from goals import Goal, goals_table
from tabulate import tabulate
from whole import measured
from workload import ALONE

from pytest_understudy.config.config import load_config
from pytest_understudy.endpoints import embedded
from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Endpoint
from pytest_understudy.routes.ask import ask
from pytest_understudy.routes.route import Route
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import Task

WAYS, SLOTS, SAMPLES = ("raw", "opening", "slots"), (1, 2), 2
CONFIG = """
[endpoints.local]
kind = "embedded"
concurrency = {slots}

[routes.raw]
endpoint = "local"
sampling = {{ temperature = 0, max_tokens = 64 }}

[routes.opening]
extends = "raw"
controls = ["prefill"]

[routes.slots]
extends = "opening"
fill = "slots"
"""
TEST = """
import pytest

@pytest.mark.holdout("tasks.jsonl", samples={samples})
def test_tasks(run):
    assert not run.errors
"""
FORM = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["refund_request", "complaint", "question", "praise"]},
        "customer": {"type": "string"},
        "order": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "reply": {"type": "string", "maxLength": 60},
    },
    "required": ["intent", "customer", "order", "urgent", "reply"],
}

Bodies = list[list[bytes]]  # of each sample the requests, in their order


@dataclass(frozen=True)
class Drawn:
    samples: int
    tokens: int  # generated
    seconds: float


def write(folder: Path, tasks: int, slots: int) -> None:
    folder.mkdir()
    (folder / "form.json").write_text(json.dumps(FORM))
    (folder / "tasks.jsonl").write_text("".join(task_line(number) for number in range(tasks)))
    (folder / "test_tasks.py").write_text(TEST.format(samples=SAMPLES))
    (folder / "understudy.toml").write_text(CONFIG.format(slots=slots))


def task_line(number: int) -> str:
    name = ("Ada", "Grace", "Edsger", "Barbara", "Alan")[number % 5]
    mail = f"This is {name}. Order {1000 + number} came broken, for the {number + 1}. time. I want my money back today!"
    instructions = "You sort e-mails of customers. Answer with one JSON object: intent, customer, order, urgent, reply."
    expect = {"intent": "refund_request", "customer": name, "order": 1000 + number, "urgent": True, "reply": {"any": True}}
    return (
        json.dumps({"id": f"mail-{number}", "instructions": instructions, "input": mail, "form": "form.json", "expect": expect})
        + "\n"
    )


def by_plugin(folder: Path, way: str) -> Drawn:
    """Whole processes; the time is the record's, since the child's start and pytest's are not llama.cpp's."""
    record = folder / f"record-{way}"
    measured([*ALONE, f"--understudy-route={way}", f"--understudy-record={record}"], folder)
    lines = [json.loads(line) for path in record.glob("*.jsonl") for line in path.read_text().splitlines()]
    ends = [datetime.fromisoformat(line["at"]).timestamp() for line in lines]
    first = min(end - line["latency"] - line["waited"] for end, line in zip(ends, lines, strict=True))
    return Drawn(len(lines), sum(line["tokens"]["generated"] for line in lines), max(ends) - first)


async def noted(url: str, route: Route, tasks: list[Task], slots: int) -> Bodies:
    """What the plugin's route asks for each sample, noted on its way to the server at `url`."""
    found: Bodies = []
    async with proxied(url) as (proxy, bodies):
        endpoint: Endpoint = Embedded(name="local", concurrency=slots, addresses=[proxy])
        for task in tasks:
            for number in range(SAMPLES):
                await ask(task, route, endpoint, number)
                found.append(bodies.copy())
                bodies.clear()
        await endpoint.close()
    return found


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []

    async def passed_on(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        async with session.post(f"{url}{request.path}", data=bodies[-1], headers={"Content-Type": "application/json"}) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

    application = web.Application()
    application.router.add_post("/{path:.*}", passed_on)
    runner = web.AppRunner(application, access_log=None)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}", bodies
        finally:
            await runner.cleanup()


async def by_bare_loop(urls: Sequence[str], bodies: Bodies, slots: int) -> Drawn:
    """The same requests, a sample's one after another, `slots` samples at once, shared out to the servers."""
    left, tokens = iter(bodies), 0
    async with aiohttp.ClientSession() as session:

        async def work(url: str) -> None:
            nonlocal tokens
            for sample in left:
                for body in sample:
                    answer = await posted(session, url, body)
                    tokens += answer["usage"]["completion_tokens"]

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for slot in range(slots):
                group.create_task(work(urls[slot % len(urls)]))
    return Drawn(len(bodies), tokens, time.perf_counter() - started)


async def posted(session: aiohttp.ClientSession, url: str, body: bytes) -> Any:
    headers = {"Content-Type": "application/json"}
    async with session.post(f"{url}/v1/chat/completions", data=body, headers=headers) as answer:
        return json.loads(await answer.read())


def compared(folder: Path, way: str, slots: int) -> tuple[Drawn, Drawn, Drawn]:
    """By the plugin, by the bare loop, and by the bare loop from one server that has all the slots."""
    route = load_config(folder / "understudy.toml").routes[way]
    tasks = tasks_from(folder / "tasks.jsonl")
    server = Embedded(name="local", concurrency=slots)
    bodies = asyncio.run(noted(server.start()[0], route, tasks, slots))
    server.stop()
    plugin = by_plugin(folder, way)
    bare = from_afresh(bodies, slots, embedded.SMALL)
    return plugin, bare, from_afresh(bodies, slots, 0) if slots > 1 else bare


def from_afresh(bodies: Bodies, slots: int, small: int) -> Drawn:
    """By the bare loop, from servers that have read nothing yet; from one alone where no model is `small` (bytes)."""
    before, embedded.SMALL = embedded.SMALL, small
    server = Embedded(name="local", concurrency=slots)
    try:
        return asyncio.run(by_bare_loop(server.start(), bodies, slots))
    finally:
        embedded.SMALL = before
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="three tasks, filled slot by slot alone")
    options = parser.parse_args()
    tasks, ways = (3, WAYS[-1:]) if options.quick else (options.tasks, WAYS)
    found: dict[tuple[str, int], tuple[Drawn, Drawn, Drawn]] = {}
    with tempfile.TemporaryDirectory() as name:
        for slots in SLOTS:
            write(Path(name, str(slots)), tasks, slots)
            for way in ways:
                found[way, slots] = compared(Path(name, str(slots)), way, slots)
    rates = {key: [one.samples / one.seconds for one in three] for key, three in found.items()}
    rows = [
        [way, slots, *rates[way, slots], *(one.tokens / one.seconds for one in found[way, slots]), found[way, slots][0].tokens]
        for way, slots in found
    ]
    columns = ["asked", "slots", "samples/s", "bare loop", "one server", "tokens/s", "bare loop", "one server", "tokens"]
    print(tabulate(rows, columns, tablefmt="github", floatfmt=".2f"), end="\n\n")
    goals = [
        Goal(
            f"slot by slot, {slots} in flight: samples a second / the bare loop's",
            rates["slots", slots][0] / rates["slots", slots][1],
            ">=",
            0.95,
        )
        for slots in SLOTS
    ]
    goals.append(Goal("two slots / one slot, the plugin", rates["slots", 2][0] / rates["slots", 1][0], ">=", 1.15))
    goals.append(Goal("two slots of one llama.cpp server / one slot, the bare loop", rates["slots", 2][2] / rates["slots", 1][2]))
    print(goals_table(goals))


if __name__ == "__main__":
    main()
