"""The Operations example, live: the stand-in for a thinking model does as it is told, on two of the thirty tasks."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_understudy.scoring.scorers import judged
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import Task

EXAMPLE = Path(__file__).parents[2] / "example_suite"
CATEGORIES = {
    "Scheduling and coordination": 4,
    "Compliance and safety": 6,
    "Facilities and inventory": 7,
    "Legal and document operations": 4,
    "Cross-system workflow execution": 9,
}


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return tasks_from(EXAMPLE / "operations.yaml", name="operations.yaml")


def test_the_holdout_spans_the_five_categories(tasks: list[Task]) -> None:
    counts = {name: sum(task.category == name for task in tasks) for name in CATEGORIES}
    assert counts == CATEGORIES
    assert {len(task.expect["actions"]) for task in tasks} == {1, 2, 3, 4}


def test_what_is_expected_is_a_strict_pass_itself(tasks: list[Task]) -> None:
    for task in [*tasks, *tasks_from(EXAMPLE / "training.yaml", name="training.yaml")]:
        answer = json.dumps({"actions": _plain(task.expect["actions"])})
        assert judged(task, answer, "stop")[1].strict, task.id
        assert not judged(task, json.dumps({"actions": []}), "stop")[1].strict, task.id


def test_the_adapter_is_the_one_that_its_record_tells_of() -> None:
    record = json.loads((EXAMPLE / "adapters" / "thinker.json").read_text())
    assert record["adapter"]["sha256"] == _digest(EXAMPLE / "adapters" / "thinker.gguf")
    assert [data["sha256"] for data in record["data"]] == [_digest(EXAMPLE / "training" / "thinker.jsonl.gz")]
    assert [file["name"] for file in record["holdout"]] == ["operations.yaml"]


def test_the_stand_in_thinks_unless_it_is_told_not_to(tmp_path: Path) -> None:
    suite = tmp_path / "example_suite"
    shutil.copytree(EXAMPLE, suite, ignore=shutil.ignore_patterns("training*", ".understudy", "__pycache__"))
    test = suite / "test_operations.py"
    test.write_text(test.read_text().replace(', "training.yaml"', ""))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "example_suite",
        "-p",
        "no:cacheprovider",
        "--understudy-route=raw,nothink,prefill",
    ]
    done = subprocess.run(
        [*command, "-k", "policy-scooters or parcel-at-desk", "--understudy-report=report.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert all((route["samples"], route["errors"]) == (2, 0) for route in report["routes"]), done.stdout
    lines = [json.loads(line) for path in tmp_path.glob(".understudy/*.jsonl") for line in path.read_text().splitlines()]
    starts = {(line["route"], line["output"].startswith("<think>\n\n</think>\n\n")) for line in lines}
    assert starts == {("raw", False), ("nothink", True), ("prefill", False)}
    assert all(line["output"].startswith("<think>\n") for line in lines if line["route"] == "raw")
    assert all(line["output"].startswith('{"actions": [') for line in lines if line["route"] == "prefill")


def _plain(value: object) -> object:
    """What is expected, with each matcher replaced by a value that it accepts."""
    if isinstance(value, dict):
        return value["contains"] if set(value) == {"contains"} else {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
