"""`pytest-understudy compare`: real reports of real sessions, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_understudy.cli import main
from pytest_understudy.verdict.verdict import judge
from tests.verdict.made import route, run, sample


def report(path: Path, missed: int) -> Path:
    runs = [run("raw", f"task-{n}", [sample(float(n >= missed))] * 5) for n in range(40)]
    path.write_text(judge([route("raw")], runs, gate=None, ladder=False).to_text())
    return path


@pytest.mark.parametrize(("before", "after", "status"), [(0, 0, 0), (20, 0, 0), (0, 20, 1)])
def test_the_exit_status_says_whether_anything_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: int, after: int, status: int
) -> None:
    files = [report(tmp_path / "a.json", before), report(tmp_path / "b.json", after)]
    assert main(["compare", *map(str, files)]) == status
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("b.json against a.json, route by route")
    assert any(line.startswith("  raw  ") for line in told)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read as a JSON report: "),
        ("{", "cannot be read as a JSON report: "),
        ("[1]", "no JSON report of pytest-understudy"),
        (json.dumps({"version": 2, "routes": [], "promotion": {}}), "a report of version 2"),
        (json.dumps({"version": 1, "routes": [{}], "promotion": {}}), "no whole JSON report"),
        (json.dumps({"version": 1, "routes": [], "promotion": {"route": None, "reason": ""}}), "no route of the same name"),
    ],
)
def test_what_cannot_be_compared_is_told_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, complaint: str
) -> None:
    if text is not None:
        (tmp_path / "b.json").write_text(text)
    assert main(["compare", str(report(tmp_path / "a.json", 0)), str(tmp_path / "b.json")]) == 2
    error = capsys.readouterr().err
    assert "b.json: " in error
    assert complaint in error
    assert "Traceback" not in error


def test_a_wider_margin_makes_more_equivalent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(report(tmp_path / "a.json", 0)), str(report(tmp_path / "b.json", 1))]
    main(["compare", *files])
    assert capsys.readouterr().out.count("] inconclusive ") == 2
    main(["compare", *files, "--margin=0.3"])
    assert capsys.readouterr().out.count("] equivalent ") == 2


def test_a_margin_that_is_none_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["compare", "a.json", "b.json", "--margin=nan"])
    assert left.value.code == 2
    assert "'nan' is not a number between 0 and 1" in capsys.readouterr().err
