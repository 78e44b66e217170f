"""What the documents promise is what there is: options, the JSON report's keys, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_understudy.cli import main
from pytest_understudy.options import add_options
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import judge
from tests.verdict.made import route, run, sample

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FREE = {"session.versions", "routes[].pass_hat", "routes[].price.rates", "routes[].sampling"}  # their keys are the session's


def keys(value: Any, place: str = "") -> Iterator[str]:
    """Every key of a report, `routes[].credit.mean`."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield f"{place}{key}"
        if f"{place}{key}" not in FREE:
            yield from keys(inner, f"{place}{key}.")
    for inner in value if isinstance(value, list) else ():
        yield from keys(inner, f"{place[:-1]}[].")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_option_that_a_document_names_is_one(path: Path) -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    known = {name for option in parser.getgroup("understudy").options for name in option.names()}
    assert set(re.findall(r"--understudy-[a-z0-9-]+", path.read_text())) - known == set()


def test_the_reference_names_every_key_of_the_json_report() -> None:
    runs = [
        run(name, f"task-{n}", [sample(float(n > missed))] * 3) for name, missed in (("raw", 3), ("new", 0)) for n in range(9)
    ]
    verdict = judge([route("raw"), route("new")], runs, gate=Gate(strict_pass=0.5), ladder=True, baseline="raw")
    named = set(re.findall(r"`([a-z0-9_^]+)(?:\[\])?`", (ROOT / "docs" / "reference" / "reports.md").read_text()))
    inside_break_even = {key for key in keys(verdict.to_json()) if ".break_even." in key}
    found = {key.rpartition(".")[2] for key in set(keys(verdict.to_json())) - inside_break_even}
    assert found - named == set()


def test_the_workflow_for_pull_requests_is_yaml_and_asks_for_reports() -> None:
    text = (ROOT / "docs" / "how-to" / "pull-requests.md").read_text()
    workflow = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[0])
    commands = " ".join(step.get("run", "") for step in workflow["jobs"]["holdout"]["steps"])
    assert "--understudy-report=report.md" in commands
    assert "pull-requests" in workflow["permissions"]


@pytest.mark.parametrize("command", ["train", "report", "compare"])
def test_every_command_tells_how_it_is_used(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: pytest-understudy {command} ")
