"""What the installed plugin adds to a session of a project that has no holdout, in turns, in one run.

    python benchmarks/startup.py [--rounds 40]

Printed: a Markdown table with the medians over the rounds of whole `pytest` processes that run one empty test, with the plugin
and with `-p no:understudy`, and the difference. hypothesis's own plugin is left out: it takes half a second, and its noise.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate
from whole import seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    variants = {"with -p no:understudy": [*pytest, "-p", "no:understudy"], "with the plugin": pytest}
    walls: dict[str, list[float]] = {name: [] for name in variants}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
        seconds(pytest, folder)  # once unmeasured: it leaves the bytecode that later ones load
        for _ in range(options.rounds):
            for variant, command in variants.items():
                walls[variant].append(seconds(command, folder)[0] * 1000)
    rows = [[name, statistics.median(times), min(times)] for name, times in walls.items()]
    rows.append(["difference", *(after - before for before, after in zip(rows[0][1:], rows[1][1:], strict=True))])
    print(f"{options.rounds} rounds, milliseconds\n")
    print(tabulate(rows, ["one empty test", "median", "least"], tablefmt="github", floatfmt=".1f"))


if __name__ == "__main__":
    main()
