"""Workers that run in another folder, into which xdist copies the suite: each has a record of its own there."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Suite

# Another disk, for real: in its own view of the file system the worker sees nothing of where the controller keeps its locks.
ANOTHER_DISK = """#!/bin/sh
exec env --unset={without} unshare --map-root-user --mount {more} sh -c \\
    'mount -t tmpfs tmpfs {hidden} && {first} exec "$@"' sh {python} "$@"
"""


class Elsewhere:
    """`disk`: whether the workers see the controller's temporary files; `network`: whether its loopback addresses are theirs.
    `through`: the way to them, as `--tx` has it. `without`: a variable of the environment that is not set there.
    """

    def __init__(
        self,
        suite: Suite,
        folder: Path,
        *,
        workers: int = 2,
        disk: bool = True,
        network: bool = True,
        through: str = "popen",
        without: str = "NOTHING",
    ) -> None:
        self.suite = suite
        self.record = folder / "work" / suite.path.name / ".understudy"
        (folder / "work").mkdir()
        (folder / "temporary").mkdir()
        (suite.path / "pytest.ini").write_text("[pytest]\n")
        python = sys.executable
        if not (disk and network):
            script = folder / "python"
            script.write_text(
                ANOTHER_DISK.format(
                    more="" if network else "--net",
                    first="" if network else "ip link set lo up &&",
                    without=without,
                    hidden=shlex.quote(str(folder / "temporary")),
                    python=shlex.quote(sys.executable),
                )
            )
            script.chmod(0o755)
            tried = subprocess.run([script, "-c", ""], capture_output=True, text=True, check=False)
            if tried.returncode:
                pytest.skip(f"no file system of its own can be had for a process here: {tried.stderr.strip()}")
            python = str(script)
        gateway = f"--tx={workers}*{through}//python={python}//chdir={folder / 'work'}"
        self.args = ("--dist=load", gateway, f"--rsyncdir={suite.path}", str(suite.path))
        self._temporary = folder / "temporary"

    def run(self, *args: str) -> pytest.RunResult:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TMPDIR", str(self._temporary))
            environment.setenv("PYTEST_DEBUG_TEMPROOT", str(self._temporary.parent))
            return self.suite.run(*args, *self.args, apart=True)

    def drawn(self) -> list[str]:
        """The keys in the workers' records."""
        return [line["key"] for path in self.record.glob("*.jsonl") for line in map(json.loads, path.open())]
