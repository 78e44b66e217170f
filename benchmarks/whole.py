"""Whole processes, measured: wall and processor seconds, and peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Whole:
    """`wall` and `processor` seconds, and `peak` megabytes of the largest process. Children that were waited for are in them."""

    wall: float
    processor: float
    peak: float

    @classmethod
    def median(cls, several: Sequence[Whole]) -> Whole:
        """Of each column."""
        columns = zip(*((one.wall, one.processor, one.peak) for one in several), strict=True)
        return cls(*(statistics.median(column) for column in columns))


def measured(command: Sequence[str], folder: Path) -> Whole:
    """A command from its start to its end; SystemExit with its output if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles all that it imports: nobody runs it so
    with (folder / "output.txt").open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{(folder / 'output.txt').read_text()[-3000:]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss: bytes there, KB elsewhere
    return Whole(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)
