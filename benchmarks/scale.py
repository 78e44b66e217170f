"""How cost and memory grow with the samples.

    python benchmarks/scale.py [--quick]

Whole pytest processes, each with a record of its own: 1,000, 7,500 and 100,000 samples whose outputs are 500 bytes long, 25
a task, drawn from a server that takes 10 ms, 64 in flight; the 100,000 also as 2,500 of each of as many tasks as the 1,000
have, since pytest keeps its items and their reports: what it takes for as many tests that draw nothing is measured too. The
7,500 are drawn a second time through a filled form. Printed: a Markdown table with wall and processor seconds, processor
milliseconds a sample (all of the process, and what each sample beyond the first 1,000 adds, which leaves imports and start-up
out), and peak memory; and one of the goals.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from goals import Goal, goals_table
from server import Latency, running
from tabulate import tabulate
from whole import Whole, measured
from workload import ALONE, Workload

SAMPLES, IN_FLIGHT, BYTES = 25, 64, 500
DRAWS_NOTHING = """
import pytest

@pytest.fixture
def number(request):
    return request.param

@pytest.mark.parametrize("number", range({tests}), indirect=True)
def test_number(number):
    assert number >= 0
"""


def drawn(load: Workload, url: str, route: str) -> Whole:
    with tempfile.TemporaryDirectory() as name:
        load.write(Path(name), url)
        return measured(load.drawn(route=route), Path(name))


def undrawn(tests: int) -> Whole:
    with tempfile.TemporaryDirectory() as name:
        Path(name, "test_numbers.py").write_text(DRAWS_NOTHING.format(tests=tests))
        return measured(ALONE, Path(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 instead of 100,000")
    options = parser.parse_args()
    sizes = [40, 300, 200 if options.quick else 4_000]
    loads = [Workload(tasks, SAMPLES, IN_FLIGHT) for tasks in sizes]
    dense = Workload(sizes[0], loads[-1].total // sizes[0], IN_FLIGHT)  # the items of the smallest: pytest keeps 5 kB of each
    with running(Latency(0.01), BYTES) as url:
        drawn(loads[0], url, "raw")  # once unmeasured: it leaves the bytecode that later ones load
        small, middle, large = (drawn(load, url, "raw") for load in loads)
        large_dense = drawn(dense, url, "raw")
        small_form, middle_form = (drawn(load, url, "prefill") for load in loads[:2])
    few, many = undrawn(sizes[0]), undrawn(sizes[-1])

    def row(what: str, load: Workload, whole: Whole, first: Whole) -> list[object]:
        return [f"{load.total:,}{what}", whole.wall, whole.processor, each(load, whole), added(load, whole, first), whole.peak]

    def each(load: Workload, whole: Whole) -> float:
        return whole.processor / load.total * 1000

    def added(load: Workload, whole: Whole, first: Whole) -> float | None:
        more = load.total - loads[0].total
        return (whole.processor - first.processor) / more * 1000 if more else None

    rows = [row("", load, whole, small) for load, whole in zip(loads, (small, middle, large), strict=True)]
    rows.append(row(f", of {dense.tasks} tasks", dense, large_dense, small))
    rows += [row(", prefilled", load, whole, small_form) for load, whole in zip(loads, (small_form, middle_form), strict=False)]
    for tests, whole in ((sizes[0], few), (sizes[-1], many)):
        rows.append([f"none: {tests:,} tests that draw nothing", whole.wall, whole.processor, None, None, whole.peak])
    columns = ["samples", "wall s", "processor s", "ms a sample", "ms a further one", "peak MB"]
    print(tabulate(rows, columns, tablefmt="github", floatfmt=".2f", missingval=""), end="\n\n")
    goals = [
        Goal("processor time a sample, all in, of 7,500", each(loads[1], middle), "<", 1.0, " ms"),
        Goal("the same through a filled form", each(loads[1], middle_form), "<", 1.0, " ms"),
        Goal(
            f"peak memory at {dense.total:,} samples of {BYTES} bytes / at {loads[0].total:,}, of the same {dense.tasks} tasks",
            large_dense.peak / small.peak,
            "<=",
            1.5,
        ),
        Goal(f"the same, of {loads[-1].tasks:,} tasks / of {loads[0].tasks}", large.peak / small.peak),
        Goal("of which pytest's own, for tests that draw nothing", (many.peak - few.peak) / small.peak),
    ]
    print(goals_table(goals))


if __name__ == "__main__":
    main()
