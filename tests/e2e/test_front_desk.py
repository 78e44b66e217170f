"""Errands of several turns on the real model: an adapter trained on turns does them, and they are replayed bit for bit."""

from __future__ import annotations

import hashlib
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.training.dataset import check_overlaps, examples_from, holdout_tasks

from .test_example import WITHOUT_MODEL

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_workflows"
ROUTES = ["base", "desk", "desk-form"]


def session(folder: Path, *args: str, model: bool = True) -> dict[str, Any]:
    """The report of a session in a copy of the suite."""
    start = [sys.executable, "-m", "pytest"] if model else [sys.executable, "-c", WITHOUT_MODEL]
    done = subprocess.run(
        [*start, "example_workflows/test_desk.py", "-p", "no:cacheprovider", "--understudy-report=report.json", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (folder / "report.json").is_file(), done.stdout + done.stderr
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    (folder / "report.json").unlink()
    return report


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The workflows in a folder of their own, beside the suite whose adapters they name."""
    left_out = shutil.ignore_patterns(".understudy", "__pycache__", "desk.jsonl")
    shutil.copytree(EXAMPLE, tmp_path / "example_workflows", ignore=left_out)
    (tmp_path / "example_suite").symlink_to(ROOT / "example_suite")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_the_adapter_is_the_one_that_its_record_tells_of_and_its_data_hold_nothing_of_the_holdout(tmp_path: Path) -> None:
    record = json.loads((EXAMPLE / "adapters" / "desk.json").read_text())
    assert record["adapter"]["sha256"] == digest((EXAMPLE / "adapters" / "desk.gguf").read_bytes())
    made = runpy.run_path(str(EXAMPLE / "training" / "generate.py"))["examples"]()
    data = tmp_path / "desk.jsonl"
    data.write_text("".join(json.dumps(example, ensure_ascii=False) + "\n" for example in made), encoding="utf-8")
    assert [(file["sha256"], file["examples"]) for file in record["data"]] == [(digest(data.read_bytes()), 396)]
    assert [file["sha256"] for file in record["holdout"]] == [digest((EXAMPLE / "desk.yaml").read_bytes())]
    check_overlaps(examples_from(data), holdout_tasks([EXAMPLE / "desk.yaml"]))


def test_the_recorded_run_is_the_readmes_without_any_model(copied: Path) -> None:
    asked = ["--understudy-samples=3", "--understudy-replay=only", "--understudy-record=none"]
    report = session(copied, f"--understudy-route={','.join(ROUTES)}", *asked, model=False)
    counts = [(route["samples"], route["replayed"], route["errors"], route["partial"]) for route in report["routes"]]
    assert counts == [(27, 27, 0, False)] * 3
    readme = (EXAMPLE / "README.md").read_text()
    for route in report["routes"]:
        row = f"| `{route['name']}` | {round(27 * route['strict_pass']['rate'])} | {route['tokens']['generated']:,} |"
        assert row in readme


def test_an_adapter_that_was_trained_on_turns_does_errands_and_they_are_replayed_bit_for_bit(copied: Path) -> None:
    """What it says differs from draw to draw; that most of four errands are done does not."""
    asked = ["--understudy-route=desk-form", "-k", "room-early or room-noon or parcel-jette or parcel-lotte"]
    first = session(copied, *asked)
    (drawn,) = first["routes"]
    assert (drawn["samples"], drawn["errors"], drawn["replayed"]) == (4, 0, 0)
    assert drawn["strict_pass"]["rate"] >= 0.75
    lines = recorded(copied)
    assert len(lines) == 4
    for line in lines:
        assert [turn["output"] for turn in line["turns"]] == line["output"].split("\n")
        assert sum(turn["requests"] for turn in line["turns"]) == len(line["requests"])
        assert line["tokens"]["generated"] == sum(request["tokens"]["generated"] for request in line["requests"])
    done = [line for line in lines if line["turns"][-1]["message"].endswith((" is booked.", " is handed over."))]
    assert len(done) >= 3
    for line in done:  # what turn 1 found is what turn 2 is about
        looked, acted, *_ = line["turns"]
        assert acted["message"] in acted["output"]
        assert acted["message"] not in looked["message"] + looked["output"]
        assert all(request["tokens"]["cached"] >= 0.9 * request["tokens"]["prompt"] for request in line["requests"][1:])
    again = session(copied, *asked, "--understudy-replay=only", model=False)
    (replayed,) = again["routes"]
    assert replayed.pop("replayed") == 4
    assert replayed == {key: value for key, value in drawn.items() if key != "replayed"}
    assert recorded(copied) == lines


def recorded(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in folder.glob(".understudy/*.jsonl") for line in path.read_text().splitlines()]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
