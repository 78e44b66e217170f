"""Whole processes, measured: wall and processor seconds."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

HOUSE = Path(__file__).parent.parent


def seconds(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of a command from its start to its end; SystemExit with its output if it fails."""
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
    return wall, used.ru_utime + used.ru_stime
