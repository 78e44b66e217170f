"""The whole pytest process against a bare loop that asks the same, in turns, in one run.

    python benchmarks/throughput.py [--rounds 5] [--tasks 30] [--samples 25] [--in-flight 64] [--latency 0.1]

The bare script is asyncio and aiohttp: it sends the same bodies, reads the answers as JSON, and keeps nothing. The plugin also
scores, records, judges and prints. hypothesis's own plugin, which only the tests need, is left out: it takes half a second.
Printed: a Markdown table with medians over the rounds, and the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from server import running
from tabulate import tabulate
from whole import seconds

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

[routes.raw]
endpoint = "far"
"""
BARE = """
import asyncio, itertools, json, sys
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


def prepare(folder: Path, url: str, tasks: int, in_flight: int) -> None:
    """A suite of tasks that the server answers rightly, its config, and the bare script."""
    lines = [
        json.dumps(
            {
                "id": f"task-{number}",
                "instructions": "Fill in the form. " * 20,
                "input": f"E-mail number {number}. " * 10,
                "scorer": "fields",
                "expect": {"intent": "refund_request"},
            }
        )
        for number in range(tasks)
    ]
    (folder / "tasks.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "test_tasks.py").write_text(TEST)
    (folder / "understudy.toml").write_text(CONFIG.format(url=url, in_flight=in_flight))
    (folder / "bare.py").write_text(BARE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=30)
    parser.add_argument("--samples", type=int, default=25)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds")
    options = parser.parse_args()
    measured: dict[str, list[tuple[float, float]]] = {"bare asyncio + aiohttp": [], "pytest with the plugin": []}
    with running(options.latency) as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, url, options.tasks, options.in_flight)
        bare = [sys.executable, "bare.py", url, str(options.in_flight), str(options.samples)]
        plugin = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        plugin += ["--understudy-route=raw", "--understudy-replay=off", f"--understudy-samples={options.samples}"]
        seconds(plugin, folder)  # once unmeasured: it leaves the bytecode that later ones load
        for _ in range(options.rounds):
            measured["bare asyncio + aiohttp"].append(seconds(bare, folder))
            measured["pytest with the plugin"].append(seconds(plugin, folder))
    medians = {name: [statistics.median(column) for column in zip(*pairs, strict=True)] for name, pairs in measured.items()}
    base = medians["bare asyncio + aiohttp"]
    rows = [[name, wall, wall / base[0], used, used / base[1]] for name, (wall, used) in medians.items()]
    total = options.tasks * options.samples
    load = f"{total} samples of {options.latency * 1000:g} ms, {options.in_flight} in flight, {options.tasks} items"
    print(f"{load}; never idle: {total / options.in_flight * options.latency:.2f} s\n")
    print(tabulate(rows, ["whole process", "wall s", "ratio", "processor s", "ratio"], tablefmt="github", floatfmt=".2f"))


if __name__ == "__main__":
    main()
