"""`pytest-understudy report`, over the recorded ladder that the example ships."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.cli import main
from pytest_understudy.verdict.again import verdict_from_json
from pytest_understudy.verdict.verdict import judge
from tests.verdict.made import route, run, sample

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "example_suite" / "record"
SUITE = ROOT / "example_suite" / "operations.yaml"


def drawn(tmp_path: Path, *args: str) -> dict[str, Any]:
    """The JSON report of a run of the command."""
    out = tmp_path / "drawn.json"
    assert main(["report", *args, "--out", str(out)]) == 0
    report: dict[str, Any] = json.loads(out.read_text())
    return report


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(judge([route()], [run("raw", "a", [sample(), sample(0.5)])], gate=None, ladder=False).to_text())
    return path


def test_a_record_is_judged_as_a_session_that_replays_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    session = tmp_path / "session.json"
    command = [sys.executable, "-m", "pytest", "example_suite", "--understudy-ladder", "--understudy-replay=only", "-q"]
    options = ["--understudy-samples=3", f"--understudy-report={session}", f"--understudy-record={tmp_path}"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    theirs = json.loads(session.read_text())
    ours = drawn(tmp_path, "example_suite/record", "--suite", "example_suite/operations.yaml")
    told = ours.pop("session"), theirs.pop("session")
    assert ours == theirs
    assert [one["command"].split()[0] for one in told] == ["pytest-understudy", "pytest"]


def test_it_neither_loads_pytest_nor_a_model_and_needs_no_network(tmp_path: Path) -> None:
    arguments = ["report", str(RECORD), "--suite", str(SUITE), "--route", "sft-nothink", "--out", "page.html"]
    heavy = ["pytest", "_pytest", "xllamacpp", "httpx2", "aiohttp"]
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('a connection')\n"
        "socket.socket.connect = refuse\n"
        "from pytest_understudy.cli import main\n"
        f"assert main({arguments}) == 0\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "report written to page.html"
    assert done.stdout.strip() == "[]"
    assert "RK77-0419-DN" in (tmp_path / "page.html").read_text()


def test_rungs_of_which_nothing_is_recorded_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "some.jsonl"
    with gzip.open(RECORD / "ladder.jsonl.gz", "rt") as file:
        lines.write_text("".join(line for line in file if json.loads(line)["route"] != "raw"))
    report = drawn(tmp_path, str(lines), "--suite", str(SUITE))
    assert [one["name"] for one in report["routes"]] == ["prefill", "nothink", "sft-prefill", "sft-nothink"]
    assert "raw is left out: nothing of it is recorded" in capsys.readouterr().err


def test_where_nothing_of_the_ladder_is_recorded_the_other_routes_that_are_are_drawn(tmp_path: Path) -> None:
    folder = ROOT / "example_workflows"
    report = drawn(tmp_path, str(folder / "record"), "--suite", str(folder / "desk.yaml"))
    assert [one["name"] for one in report["routes"]] == ["base", "desk", "desk-form"]
    assert not report["ladder"]


def test_fewer_samples_can_be_asked_for(tmp_path: Path) -> None:
    report = drawn(tmp_path, str(RECORD), "--suite", str(SUITE), "--route", "sft-nothink", "--samples", "2")
    assert [(one["name"], one["samples"], one["errors"]) for one in report["routes"]] == [("sft-nothink", 60, 0)]


def test_more_samples_than_are_recorded_are_errors(tmp_path: Path) -> None:
    report = drawn(tmp_path, str(RECORD), "--suite", str(SUITE), "--route", "sft-nothink", "--samples", "4")
    assert [(one["samples"], one["errors"], one["partial"]) for one in report["routes"]] == [(120, 30, True)]


def test_without_a_file_the_tables_are_printed(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(report)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("route")
    assert out.rstrip().endswith("there is no gate to hold: set [gate], or a threshold such as --understudy-min-strict")


def test_a_json_report_gives_any_other(report: Path, tmp_path: Path) -> None:
    out = [tmp_path / "again.json", tmp_path / "again.html"]
    assert main(["report", str(report), *(f"--out={path}" for path in out)]) == 0
    assert out[0].read_text() == report.read_text()
    assert "this page has no samples" in out[1].read_text()
    assert verdict_from_json(json.loads(out[0].read_text()), "again").routes[0].name == "raw"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["missing.json"], "missing.json: cannot be read as a JSON report"),
        (["missing"], "missing: no such file or folder"),
        ([str(SUITE)], "neither a record (a folder, .jsonl, .jsonl.gz) nor a JSON report (.json)"),
        ([str(RECORD)], "a record holds no tasks: name the files that it was drawn from, --suite FILE"),
        ([str(RECORD), "--suite", "missing.yaml"], "missing.yaml: no such file"),
        ([str(RECORD), "--suite", str(SUITE), "--route", "rwa"], "no route named 'rwa'; did you mean 'raw'?"),
        ([str(RECORD), "--suite", str(SUITE), "--samples", "0"], "--samples: a whole number from 1 up"),
        ([str(RECORD), "--suite", str(SUITE), "--route", "base"], "nothing of these tasks is recorded for 'base'"),
        (["REPORT", "--out", "page.pdf"], "--out page.pdf: a report's name ends in"),
        (["REPORT", "--out", "no/such/page.html"], "--out no/such/page.html: no report can be written there"),
        (["REPORT", "REPORT"], "one report is drawn at a time"),
        (["REPORT", "--suite", str(SUITE)], "the suite is for a record"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(
    args: list[str],
    complaint: str,
    report: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *(str(report) if arg == "REPORT" else arg for arg in args)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("pytest-understudy: error: ")
    assert complaint in told
