"""The whole pytest process against a bare loop that asks the same, in turns, in one run.

    python benchmarks/throughput.py [--rounds 5] [--quick]

Printed: a Markdown table for each load, with the medians over the rounds and the ratios to the bare loop, and one of the goals.
The long-tailed load is drawn with another seed in each round, the same for both; `never idle` is what its very latencies take, in
the order of the requests, where each of the requests in flight is followed by the next at once. The time of the drawing alone,
from the first request to the last answer, is the server's.
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import tempfile
from pathlib import Path

from goals import Goal, goals_table
from server import Latency, reset, running, stats
from tabulate import tabulate
from whole import Whole, measured
from workload import PYTEST, Workload

BARE, PLUGIN, WORKERS = "bare asyncio + aiohttp", "pytest with the plugin", "pytest -n 2 with the plugin"
LONG = Latency(0.08, tail=0.8, cut=2.0)


def never_idle(latency: Latency, requests: int, in_flight: int, seed: int) -> float:
    """Seconds for the latencies of this seed, in their order, on slots that are never idle while there is a request left."""
    chance, free = random.Random(seed), [0.0] * in_flight
    for _ in range(requests):
        heapq.heapreplace(free, free[0] + latency.drawn(chance))
    return max(free)


def in_turns(
    commands: dict[str, list[str]], folder: Path, url: str, rounds: int
) -> tuple[dict[str, Whole], dict[str, list[float]]]:
    """Of each command its medians, and its drawing's seconds in each round."""
    found: dict[str, list[Whole]] = {name: [] for name in commands}
    spans: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():  # once unmeasured: it leaves the bytecode that later ones load
        measured(command, folder)
    for seed in range(rounds):
        for name, command in commands.items():
            reset(url, seed)
            found[name].append(measured(command, folder))
            spans[name].append(stats(url)["span"])
    return {name: Whole.median(several) for name, several in found.items()}, spans


def table(medians: dict[str, Whole], spans: dict[str, list[float]]) -> str:
    bare = medians[BARE]
    rows = [
        [name, one.wall, one.wall / bare.wall, statistics.median(spans[name]), one.processor, one.processor / bare.processor]
        for name, one in medians.items()
    ]
    return tabulate(
        rows, ["whole process", "wall s", "ratio", "drawing s", "processor s", "ratio"], tablefmt="github", floatfmt=".2f"
    )


def drawn(
    load: Workload, latency: Latency, rounds: int, *, workers: bool = False
) -> tuple[dict[str, Whole], dict[str, list[float]]]:
    with running(latency) as url, tempfile.TemporaryDirectory() as name:
        load.write(Path(name), url)
        commands = {BARE: load.bare(url), PLUGIN: load.drawn()}
        if workers:
            commands[WORKERS] = load.drawn("-n2", "--understudy-replay=off", pytest=PYTEST)
        medians, spans = in_turns(commands, Path(name), url, rounds)
    words = f"median {latency.median * 1000:g} ms, sigma {latency.tail:g}" if latency.tail else f"{latency.median * 1000:g} ms"
    print(f"{load.total:,} samples of {words}, {load.in_flight} in flight, {load.tasks} items, {rounds} rounds\n")
    print(table(medians, spans), end="\n\n", flush=True)
    return medians, spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, and a fifth of the samples")
    options = parser.parse_args()
    rounds, samples = (1, 5) if options.quick else (options.rounds, 25)
    small, large = Workload(30, samples, 64), Workload(300, samples, 256)

    medians, _ = drawn(small, Latency(0.1), rounds, workers=True)
    goals = [
        Goal(
            f"{small.total:,} x 100 ms, 64 in flight: plugin / bare loop", medians[PLUGIN].wall / medians[BARE].wall, "<=", 1.25
        ),
        Goal("the same under xdist -n 2 / one process", medians[WORKERS].wall / medians[PLUGIN].wall, "<=", 1.5),
    ]
    medians, _ = drawn(large, Latency(0.1), rounds)
    goals.append(
        Goal(f"{large.total:,} x 100 ms, 256 in flight: plugin / bare loop", medians[PLUGIN].wall / medians[BARE].wall, "<=", 1.5)
    )
    _, spans = drawn(small, LONG, rounds)
    ideal = [never_idle(LONG, small.total, small.in_flight, seed) for seed in range(rounds)]
    ratios = {name: statistics.median(map(float.__truediv__, seconds, ideal)) for name, seconds in spans.items()}
    goals += [
        Goal("long-tailed, 64 in flight: the plugin's drawing / never idle", ratios[PLUGIN], "<=", 1.2),
        Goal("long-tailed: the bare loop's drawing / never idle", ratios[BARE]),
    ]
    print(goals_table(goals))


if __name__ == "__main__":
    main()
