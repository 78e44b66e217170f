"""The tutorial's suite as a user runs it: whole sessions, the real model, real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_understudy.endpoints.embedded import usable_cores

from ..plugin.conftest import INTERRUPTIBLE

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
TASKS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The suite with its first three tasks, without its gate: what a live model says is nothing to assert."""
    for name in ("test_emails.py", "understudy.toml"):
        shutil.copy(TUTORIAL / name, tmp_path)
    suite = yaml.safe_load((TUTORIAL / "emails.yaml").read_text())
    suite["tasks"] = suite["tasks"][:TASKS]
    (tmp_path / "emails.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    config = (tmp_path / "understudy.toml").read_text()
    (tmp_path / "understudy.toml").write_text(config[: config.index("[gate]")])
    return tmp_path


def command(*args: str) -> list[str]:
    return [*INTERRUPTIBLE, "-p", "no:cacheprovider", "--understudy-samples=1", *args]


def run(folder: Path, *args: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    done = subprocess.run(
        command("--understudy-report=report.json", *args), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return done, json.loads((folder / "report.json").read_text())


def servers(folder: Path) -> list[int]:
    """The llama.cpp servers that sessions in this folder started and that still live, by the folder they run in."""
    found = []
    for process in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        try:
            ours = process.name.isdigit() and b"llama_server.py" in (process / "cmdline").read_bytes()
            if ours and (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue  # it ended while we looked
    return found


@pytest.fixture(autouse=True)
def nothing_left(folder: Path) -> Iterator[None]:
    yield
    end = time.monotonic() + 5
    while servers(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert servers(folder) == []


def test_the_ladder_is_drawn_on_the_real_model_and_drawn_once(folder: Path) -> None:
    done, report = run(folder, "--understudy-ladder")
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    by_name = {route["name"]: route for route in report["routes"]}
    assert list(by_name) == ["raw", "prefill", "slots"]
    assert all((route["samples"], route["errors"], route["partial"]) == (TASKS, 0, False) for route in by_name.values())
    # A filled form is valid whatever the model says, and of the form's text only the values are the model's.
    assert by_name["slots"]["outcomes"]["detectable"] == 0
    lines = [json.loads(line) for path in folder.glob(".understudy/*.jsonl") for line in path.read_text().splitlines()]
    filled = [line for line in lines if line["route"] == "slots"]
    assert len(filled) == TASKS
    assert all(len(line["requests"]) >= 3 for line in filled)
    for line in filled:
        written = sum(len(request["output"]) for request in line["requests"])
        assert written < len(line["output"]) or len(line["requests"]) > 3
    assert "serving" in done.stdout
    assert "promote nothing" in done.stdout
    again, replayed = run(folder, "--understudy-ladder", "--understudy-replay=only", "-p", "no:xdist")
    assert again.returncode == pytest.ExitCode.OK
    assert [route["replayed"] for route in replayed["routes"]] == [TASKS] * 3
    assert [route["credit"] for route in replayed["routes"]] == [route["credit"] for route in report["routes"]]


def test_workers_share_the_servers_out(folder: Path) -> None:
    (folder / "conftest.py").write_text(
        "def pytest_runtest_teardown(item):\n"
        "    endpoint = item.config.pluginmanager.get_plugin('understudy-evaluation').evaluation.drawing.endpoints['local']\n"
        "    with open('addresses', 'a') as file:\n"
        "        print(item.config.workerinput['workerid'], *endpoint.start(), file=file)\n"
    )
    done, report = run(folder, "--understudy-route=slots", "-n2")
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert report["routes"][0]["samples"] == TASKS
    lines = {tuple(line.split()) for line in (folder / "addresses").read_text().splitlines()}
    assert sorted(worker for worker, _ in lines) == ["gw0", "gw1"]
    assert len({address for _, address in lines}) == min(2, usable_cores())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_the_server_dies_with_its_session(folder: Path, how: signal.Signals, workers: tuple[str, ...]) -> None:
    session = subprocess.Popen(
        command("--understudy-route=raw", *workers), cwd=folder, stdout=subprocess.PIPE, start_new_session=True
    )
    end = time.monotonic() + 60
    while not list(folder.glob(".understudy/*.jsonl")) and time.monotonic() < end:
        time.sleep(0.02)
    assert len(servers(folder)) == 1
    if how == signal.SIGKILL:
        os.killpg(session.pid, how)
    else:
        os.kill(session.pid, how)
    started = time.monotonic()
    session.communicate(timeout=30)
    if how == signal.SIGINT and not workers:
        assert time.monotonic() - started < 10
    assert session.returncode != 0


def test_a_model_that_is_not_there_is_a_usage_error(folder: Path) -> None:
    config = (folder / "understudy.toml").read_text()
    (folder / "understudy.toml").write_text(config.replace('"smollm2"', '"nowhere.gguf"'))
    done = subprocess.run(command("--understudy-route=raw"), cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the file of its model does not exist" in done.stderr
