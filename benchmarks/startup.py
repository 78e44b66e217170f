"""What the installed plugin adds to a session of a project that has no holdout, in turns, in one run.

    python benchmarks/startup.py [--rounds 40] [--quick]

Printed: a Markdown table with the medians over the rounds of whole `pytest` processes that run one empty test, with the plugin
and with `-p no:understudy`, and the difference: of wall seconds, and of processor seconds, which a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from goals import Goal, goals_table
from tabulate import tabulate
from whole import Whole, measured
from workload import ALONE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="five rounds")
    options = parser.parse_args()
    rounds = 5 if options.quick else options.rounds
    variants = {"with -p no:understudy": [*ALONE, "-p", "no:understudy"], "with the plugin": ALONE}
    found: dict[str, list[Whole]] = {name: [] for name in variants}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
        measured(ALONE, folder)  # once unmeasured: it leaves the bytecode that later ones load
        for _ in range(rounds):
            for variant, command in variants.items():
                found[variant].append(measured(command, folder))
    rows = [[variant, *figures(several)] for variant, several in found.items()]
    rows.append(["difference", *(after - before for before, after in zip(rows[0][1:], rows[1][1:], strict=True))])
    print(f"{rounds} rounds, milliseconds\n")
    columns = ["one empty test", "wall, median", "wall, least", "processor, median", "processor, least"]
    print(tabulate(rows, columns, tablefmt="github", floatfmt=".1f"), end="\n\n")
    print(goals_table([Goal("added start-up without a holdout", rows[-1][1], "<", 5, " ms")]))


def figures(several: list[Whole]) -> list[float]:
    walls, processors = [one.wall * 1000 for one in several], [one.processor * 1000 for one in several]
    return [statistics.median(walls), min(walls), statistics.median(processors), min(processors)]


if __name__ == "__main__":
    main()
