"""What is replayed instead of asked, and how long collecting takes.

    python benchmarks/replay.py [--rounds 5] [--quick]

7,500 samples are drawn once, then replayed from the record by whole pytest processes that send no request, in turns with the same
command under `--collect-only`: once it imports what a replay imports, collects, and stops there; once it imports only what it
needs. Beside it, the collection of 3,000 tasks in one JSONL file: the whole `--collect-only` process less the same with one task.
Printed: a Markdown table, and one of the goals.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from goals import Goal, goals_table
from server import Latency, running, stats
from tabulate import tabulate
from whole import Whole, measured
from workload import Workload

COLLECTS = "--collect-only"
REPLAYS = "--understudy-replay=only"
NOTES = """
import sys
from pathlib import Path

def pytest_unconfigure():
    Path("imported.txt").write_text("\\n".join(sys.modules))
"""
IMPORTS = """
from contextlib import suppress
from importlib import import_module
from pathlib import Path

def pytest_collection_finish():
    for name in Path("imported.txt").read_text().splitlines():
        with suppress(ImportError):  # the test's own module, and what goes by another name than its file
            import_module(name)
"""


def in_turns(commands: dict[str, tuple[list[str], Path]], rounds: int) -> dict[str, Whole]:
    found: dict[str, list[Whole]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, folder) in commands.items():
            found[name].append(measured(command, folder))
    return {name: Whole.median(several) for name, several in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, a tenth of the samples and tasks")
    options = parser.parse_args()
    rounds, part = (1, 10) if options.quick else (options.rounds, 1)
    load, many, one = Workload(300 // part, 25, 64), Workload(3_000 // part, 1, 64), Workload(1, 1, 64)
    with running(Latency(0.01)) as url, tempfile.TemporaryDirectory() as name:
        folders = {load: Path(name, "load"), many: Path(name, "many"), one: Path(name, "one")}
        for what, folder in folders.items():
            folder.mkdir()
            what.write(folder, url)
        measured(load.drawn("--understudy-replay=auto"), folders[load])
        asked = stats(url)["requests"]
        (folders[load] / "notes.py").write_text(NOTES)
        (folders[load] / "imports.py").write_text(IMPORTS)
        measured(load.drawn(REPLAYS, "-p", "notes"), folders[load])
        replayed, imported = f"replay of {load.total:,} samples", "the same, importing and collecting alone"
        collected = "the same, collecting alone"
        of_many, of_one = f"collecting {many.tasks:,} tasks", "collecting one task"
        commands = {
            replayed: (load.drawn(REPLAYS), folders[load]),
            imported: (load.drawn(REPLAYS, COLLECTS, "-p", "imports"), folders[load]),
            collected: (load.drawn(REPLAYS, COLLECTS), folders[load]),
            of_one: (one.drawn(REPLAYS, COLLECTS), folders[one]),
            of_many: (many.drawn(REPLAYS, COLLECTS), folders[many]),
        }
        medians = in_turns(commands, rounds)
        if asked != load.total or stats(url)["requests"] != asked:
            raise SystemExit(f"{asked} requests were to be {load.total}, and none should follow")
    rows = [[what, whole.wall, whole.processor, whole.peak] for what, whole in medians.items()]
    print(tabulate(rows, ["whole process", "wall s", "processor s", "peak MB"], tablefmt="github", floatfmt=".2f"), end="\n\n")
    goals = [
        Goal("replay: whole process / importing and collecting alone", medians[replayed].wall / medians[imported].wall, "<", 2),
        Goal("the same in processor seconds", medians[replayed].processor / medians[imported].processor),
        Goal("replay: whole process / collecting alone", medians[replayed].wall / medians[collected].wall),
        Goal(f"{many.tasks:,} tasks in one JSONL file: collection", medians[of_many].wall - medians[of_one].wall, "<", 1, " s"),
        Goal("the same in processor seconds", medians[of_many].processor - medians[of_one].processor, unit=" s"),
    ]
    print(goals_table(goals))


if __name__ == "__main__":
    main()
