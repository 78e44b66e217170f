"""The page that a session writes, from what its samples said."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import TASKS, Suite, right
from .server import Reply, said

HOSTILE = "</script><img src=x onerror=alert(1)> \x1b[31m \u202e \x00 " + "y" * 2_000_000


def island_of(suite: Suite, *args: str) -> tuple[str, dict[str, Any]]:
    """The page's text, and the data in it."""
    suite.run(*args, "--understudy-report=report.html")
    text = (suite.path / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="island">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return text, json.loads(found[1])


def outputs(data: dict[str, Any], route: str = "raw") -> dict[str, list[str]]:
    return {
        run["task"]: [
            "".join(before + "".join(form) + after for before, form, after in map(data["turns"].__getitem__, sample["turns"]))
            for sample in run["samples"]
        ]
        for run in data["runs"]
        if run["route"] == route
    }


def test_the_page_has_every_sample_with_what_it_said(suite: Suite, workers: tuple[str, ...]) -> None:
    _, data = island_of(suite, "--understudy-ladder", *workers)
    said = outputs(data, "prefill")
    assert list(said) == ["broken-lamp", "opening-hours", "late-parcel"]
    assert said["broken-lamp"] == ['{"intent": "refund", "priority": "high"}'] * 2
    assert {run["route"] for run in data["runs"]} == {"raw", "prefill"}


def test_hostile_outputs_are_escaped_and_cut(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = lambda body: said(HOSTILE)
    text, data = island_of(suite, "--understudy-route=raw", "--understudy-samples=1", *workers)
    assert "<img" not in text
    assert "\x1b" not in text
    assert len(text) < 200_000
    [one] = outputs(data)["broken-lamp"]
    assert one.startswith("</script><img src=x onerror=alert(1)> \\x1b[31m \\u202e \\x00 yyy")


def test_tasks_kept_for_confirmation_have_figures_and_no_texts(suite: Suite) -> None:
    suite.with_tasks(TASKS.replace("- id: late-parcel", "- id: late-parcel\n    confirm: true"))
    suite.server.rule = lambda body: right(body) if "parcel" not in str(body) else said("secret answer")
    text, data = island_of(suite, "--understudy-route=raw")
    assert "late-parcel" in text
    assert "secret answer" not in text
    assert "Where is my parcel?" not in text
    assert list(outputs(data)) == ["broken-lamp", "opening-hours"]


def test_recorded_prompts_are_shown_as_they_were_sent(suite: Suite) -> None:
    _, data = island_of(suite, "--understudy-route=raw", "--understudy-record-prompts")
    role, place = data["runs"][0]["samples"][0]["prompt"][0]
    assert role == "as it was sent"
    assert "My lamp came broken" in data["texts"][place]


def test_an_error_is_shown_as_one(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(b'{"error": {"message": "no <b>such</b> thing"}}', status=400)
    _, data = island_of(suite, "--understudy-route=raw", "--understudy-samples=1")
    [sample] = data["runs"][0]["samples"]
    assert sample["outcome"] == "error"
    assert "no <b>such</b> thing" in sample["error"]


def test_the_command_line_stands_on_the_page(suite: Suite) -> None:
    text, _ = island_of(suite, "--understudy-route=raw")
    assert "--understudy-route=raw --understudy-report=report.html</pre>" in text


@pytest.mark.parametrize("name", ["report.htm", "report", "report.pdf"])
def test_another_suffix_is_refused_at_the_start(suite: Suite, name: str) -> None:
    result = suite.run("--understudy-route=raw", f"--understudy-report={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{name}: a report's name ends in .json, .html or .md"])
