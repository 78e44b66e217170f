"""However a session ends, its reports are there, whole; what can't be written is told before anything is asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import INTERRUPTIBLE, Suite, right
from .server import Reply
from .test_faults import start, wait_for

STOPS = {
    "pytest.exit": "import pytest\n\ndef pytest_runtest_teardown(item):\n    pytest.exit('enough')\n",
    "an error": (
        "import pytest\n\n@pytest.fixture(autouse=True)\ndef broken(request):\n"
        "    yield\n    if 'lamp' in request.node.name: raise RuntimeError('broken')\n"
    ),
    "a hook that raises": "def pytest_understudy_verdict(verdict): raise RuntimeError('broken')\n",
}


def report_of(suite: Suite, name: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((suite.path / name).read_text())
    return found


@pytest.mark.parametrize(
    ("stop", "status", "judged"),
    [
        ("pytest.exit", pytest.ExitCode.INTERRUPTED, 2),
        ("an error", pytest.ExitCode.TESTS_FAILED, 6),
        ("a hook that raises", 1, 6),
    ],
)
def test_whatever_ends_a_session_its_report_is_written(suite: Suite, stop: str, status: int, judged: int) -> None:
    (suite.path / "conftest.py").write_text(STOPS[stop])
    assert suite.run("--understudy-route=raw", "--understudy-report=r.json", apart=True).ret == status
    (route,) = report_of(suite)["routes"]
    assert (route["samples"] - route["errors"], route["partial"]) == (judged, judged < 6)


def test_a_session_that_stops_at_its_first_failure_reports_what_it_drew(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert run.credit > 1\n")
    result = suite.run("--understudy-route=raw", "-x", "--understudy-report=r.json", *workers)
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)  # the latter with workers
    (route,) = report_of(suite)["routes"]
    assert route["samples"] >= 2
    assert route["partial"] or workers


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_ctrl_c_leaves_a_whole_report_beside_the_record(suite: Suite, workers: tuple[str, ...]) -> None:
    asked = suite.server.asked
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.05 if len(asked) < 90 else 30)
    session = start(suite, "--understudy-route=raw", "--understudy-samples=40", "--understudy-report=r.json", *workers)
    wait_for(lambda: len(asked) >= 91)
    time.sleep(0.3)
    os.killpg(session.pid, signal.SIGINT)  # as a terminal sends it
    output, _ = session.communicate(timeout=30)
    assert session.returncode == pytest.ExitCode.INTERRUPTED, output
    (route,) = report_of(suite)["routes"]
    assert route["partial"] is True
    assert route["samples"] >= 40
    assert not list(suite.path.glob(".r.json*"))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere/r.json", "there is no folder *nowhere"),
        ("folder.json", "it is a folder"),
        ("pipe.json", "it is no ordinary file"),
        ("/proc/r.json", "*"),
        ("r.pdf", "*a report's name ends in .json*"),
    ],
)
def test_a_report_that_cannot_be_written_is_told_before_anything_is_asked(suite: Suite, path: str, why: str) -> None:
    (suite.path / "folder.json").mkdir()
    os.mkfifo(suite.path / "pipe.json")
    result = suite.run("--understudy-route=raw", f"--understudy-report={path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--understudy-report={path if path.startswith('/') else '*' + path}: *{why}"])
    assert suite.server.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_told_too(suite: Suite) -> None:
    (suite.path / "shut").mkdir(mode=0o555)
    result = suite.run("--understudy-route=raw", "--understudy-report=shut/r.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_an_earlier_report_stays_until_the_new_one_is_whole(suite: Suite) -> None:
    (suite.path / "r.json").write_text("before")
    seen = suite.path / "seen"
    (suite.path / "conftest.py").write_text(
        f"def pytest_understudy_verdict(verdict): open({str(seen)!r}, 'w').write(open('r.json').read())\n"
    )
    suite.run("--understudy-route=raw", "--understudy-report=r.json").assert_outcomes(passed=3)
    assert seen.read_text() == "before"
    assert report_of(suite)["version"] == 1
    assert sorted(path.name for path in Path(suite.path).iterdir() if "r.json" in path.name) == ["r.json"]


# -- report.md, and the step's summary


def in_actions(suite: Suite, *args: str, **more: str) -> str:
    """The step's summary after a session in GitHub Actions, started by nobody's test."""
    summary = suite.path / "summary"
    summary.write_text("before\n")
    given = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), **more}
    command = [*INTERRUPTIBLE, "-p", "no:cacheprovider", "--understudy-route=raw", *args]
    subprocess.run(command, cwd=suite.path, env={**given, **actions}, capture_output=True, timeout=60, check=False)
    return summary.read_text()


def test_a_markdown_report_tells_the_verdict_and_the_notes(suite: Suite, workers: tuple[str, ...]) -> None:
    result = suite.run(
        "--understudy-ladder", "--understudy-min-strict=0.9", "--understudy-baseline=raw", "--understudy-report=r.md", *workers
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["report written to r.md"])
    text = (suite.path / "r.md").read_text()
    for part in ("**promote prefill: ", "| prefill | 1.0000", "**gate held by", "### Against the baseline", "- price: $0.20"):
        assert part in text


def test_in_github_actions_it_is_appended_to_the_steps_summary_once(suite: Suite, workers: tuple[str, ...]) -> None:
    text = in_actions(suite, "--understudy-report=r.md", "--understudy-report=other.md", *workers)
    assert text.startswith("before\n## Understudy\n")
    assert text.count("## Understudy") == 1
    assert text.removeprefix("before\n").strip() == (suite.path / "r.md").read_text().strip()


@pytest.mark.parametrize(
    ("args", "variables"),
    [
        (("--understudy-report=r.json",), {}),
        (("--understudy-report=r.md",), {"GITHUB_ACTIONS": "false"}),
        (("--understudy-report=r.md",), {"PYTEST_CURRENT_TEST": "test_outer.py::test_it (call)"}),
    ],
    ids=["not asked for", "elsewhere", "in another session's test"],
)
def test_the_summary_is_left_alone(suite: Suite, args: tuple[str, ...], variables: dict[str, str]) -> None:
    assert in_actions(suite, *args, **variables) == "before\n"


def test_a_summary_that_cannot_be_written_fails_nothing(suite: Suite) -> None:
    in_actions(suite, "--understudy-report=r.md", GITHUB_STEP_SUMMARY=str(suite.path / "nowhere" / "summary"))
    assert (suite.path / "r.md").is_file()
