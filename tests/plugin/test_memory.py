"""What was drawn is on disk and not in memory: twenty times the samples take hardly more of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
CONFTEST = '''
from pathlib import Path

from pytest_understudy.endpoints.endpoint import Abilities, Completion, Exchange, Tokens

class Talkative:
    """Answers at once, with 500 bytes that no two answers share."""

    kind, concurrency = "talkative", 64
    abilities = Abilities(prefill=False, no_think=False, schema=False)

    def __init__(self, name):
        self.name, self.answers = name, 0

    def identity(self, model, adapter):
        return (self.kind, self.name)

    async def complete(self, request):
        self.answers += 1
        text, tokens = f"{self.answers:>500}", Tokens(prompt=100, generated=100)
        return Completion(text, "stop", tokens, 0.1, requests=(Exchange(text, "stop", tokens, 0.1),))

    async def close(self):
        pass

def pytest_understudy_endpoint(kind, settings):
    return Talkative(settings["name"]) if kind == "talkative" else None

def pytest_unconfigure():
    lines = Path("/proc/self/status").read_text().splitlines()
    Path("peak").write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
'''
TEST = """
import pytest
from pytest_understudy import Task

TASKS = [Task(f"task-{number}", f"Say much about {number}.", scorer="exact", expect="little") for number in range(40)]

@pytest.mark.holdout(*TASKS)
def test_much(run):
    assert not run.errors and len(run.samples[-1].output) == 500
"""
CONFIG = '[endpoints.mouth]\nkind = "talkative"\n\n[routes.loud]\nendpoint = "mouth"\nprice = { blended = 0.2 }\n'


def peak(folder: Path, samples: int, *args: str) -> int:
    """The most memory that a session took, in kilobytes; 40 tasks, each drawn `samples` times."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist"]
    options = ["--understudy-route=loud", f"--understudy-samples={samples}", *args]
    subprocess.run([*command, *options], cwd=folder, check=True, capture_output=True)
    return int((folder / "peak").read_text())  # its own word: what the system says of a child counts its parent's memory too


@pytest.mark.skipif(not STATUS.exists(), reason="what a process took at the most is read in /proc")
def test_twenty_times_the_samples_take_hardly_more_memory_drawn_or_replayed(tmp_path: Path) -> None:
    for name, text in (("conftest.py", CONFTEST), ("test_much.py", TEST), ("understudy.toml", CONFIG)):
        (tmp_path / name).write_text(text)
    small = peak(tmp_path, 25)
    drawn = peak(tmp_path, 500)
    replayed = peak(tmp_path, 500, "--understudy-replay=only")
    record = sum(path.stat().st_size for path in (tmp_path / ".understudy").glob("*.jsonl")) / 1024
    assert record > 0.3 * small  # in memory it would be told by
    assert max(drawn, replayed) < 1.25 * small
