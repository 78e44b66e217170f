"""What is drawn: a suite that the server answers rightly, and a bare loop that asks the same.

In: how many tasks, samples and requests in flight. Out: a folder, and the commands that draw it. The bare loop is asyncio and
aiohttp: it sends the same bodies, reads the answers as JSON, and keeps nothing. The tasks have a form, a JSON Schema, as real
ones have: the plugin holds every answer to it, scores, prices, records, judges and prints.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

TEST = """
import pytest

@pytest.mark.holdout("tasks.jsonl")
def test_tasks(run):
    assert run.credit == 1 and not run.errors
"""
CONFIG = """
[endpoints.far]
kind = "openai"
base_url = "{url}/v1"
concurrency = {in_flight}
prefill = "assistant"

[routes.raw]
endpoint = "far"
price = {{ blended = 0.20 }}

[routes.prefill]
extends = "raw"
controls = ["prefill"]

[gate]
strict_pass = 0.9
"""
BARE = """
import asyncio, json, sys
import aiohttp

url, in_flight, samples = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tasks = [json.loads(line) for line in open("tasks.jsonl")]

async def main():
    jobs = iter([task for task in tasks for _ in range(samples)])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        async def work():
            for task in jobs:
                messages = [{"role": "system", "content": task["instructions"]}, {"role": "user", "content": task["input"]}]
                body = {"messages": messages, "max_tokens": 1024}
                async with session.post(url + "/v1/chat/completions", json=body) as response:
                    json.loads(await response.read())["choices"][0]["message"]["content"]
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())

asyncio.run(main())
"""
FORM = {
    "type": "object",
    "properties": {"intent": {"enum": ["refund_request", "complaint", "question"]}, "note": {"type": "string"}},
    "required": ["intent", "note"],
}
# Left out: the plugins of what only our tests and transport.py need; and xdist, where it is not measured.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio"]
ALONE = [*PYTEST, "-p", "no:xdist", "-p", "no:xdist.looponfail"]


@dataclass(frozen=True)
class Workload:
    """`tasks` x `samples` answers, `in_flight` requests at once."""

    tasks: int
    samples: int
    in_flight: int

    @property
    def total(self) -> int:
        return self.tasks * self.samples

    def write(self, folder: Path, url: str) -> None:
        """The suite, its config, and the bare script."""
        (folder / "form.json").write_text(json.dumps(FORM))
        (folder / "tasks.jsonl").write_text("".join(_task(number) for number in range(self.tasks)))
        (folder / "test_tasks.py").write_text(TEST)
        (folder / "understudy.toml").write_text(CONFIG.format(url=url, in_flight=self.in_flight))
        (folder / "bare.py").write_text(BARE)

    def bare(self, url: str) -> list[str]:
        return [sys.executable, "bare.py", url, str(self.in_flight), str(self.samples)]

    def drawn(self, *more: str, route: str = "raw", pytest: list[str] = ALONE) -> list[str]:
        """The pytest command that draws it afresh, or as `more` says."""
        return [
            *pytest,
            f"--understudy-route={route}",
            f"--understudy-samples={self.samples}",
            *(more or ("--understudy-replay=off",)),
        ]


def _task(number: int) -> str:
    task = {
        "id": f"task-{number}",
        "instructions": "Fill in the form. " * 20,
        "input": f"E-mail number {number}. " * 10,
        "form": "form.json",
        "scorer": "fields",
        "expect": {"intent": "refund_request", "note": {"any": True}},
    }
    return json.dumps(task) + "\n"
