"""--understudy-baseline: what the selected routes are compared with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import CONFIG, TASKS, Suite, right
from .server import Reply, said

FLOOR = TASKS.replace("scorer: fields", "scorer: fields\nfloor: {strict_pass: 1.0}")
OTHER = '[routes.other]\nextends = "raw"\nsampling = { seed = 1 }\n'


def raw_knows_nothing(body: dict[str, Any]) -> Reply:
    return right(body) if body["messages"][-1]["role"] == "assistant" else said("no idea")


def names(report: dict[str, Any]) -> list[str]:
    return [route["name"] for route in report["routes"]]


def compared(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["route"], one["baseline"]) for one in report["comparisons"]]


def test_a_route_that_is_not_selected_is_drawn_beside_those_that_are(suite: Suite, workers: tuple[str, ...]) -> None:
    args = ("--understudy-route=prefill", "--understudy-baseline=raw", "--understudy-report=r.json")
    result = suite.run(*args, *workers)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["understudy: routes prefill; baseline raw; *"])
    report = json.loads((suite.path / "r.json").read_text())
    assert names(report) == ["prefill", "raw"]
    assert compared(report) == [("prefill", "raw")]


def test_a_baseline_that_misses_fails_nothing(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = raw_knows_nothing
    args = ("--understudy-route=prefill", "--understudy-baseline=raw", "--understudy-min-strict=0.9", "-rx")
    result = suite.with_tasks(FLOOR).run(*args, *workers)
    result.assert_outcomes(passed=3, xfailed=3)
    result.stdout.fnmatch_lines(["gate held by 'prefill', of 1 route"])
    assert sum(line.startswith("XFAIL") and line.endswith("baseline") for line in result.outlines) == 3
    assert result.ret == pytest.ExitCode.OK
    suite.run(*args, "--runxfail", *workers).assert_outcomes(passed=3, failed=3)


def test_a_baseline_that_is_selected_too_fails_as_a_route_does_and_need_not_hold_the_gate(suite: Suite) -> None:
    suite.server.rule = raw_knows_nothing
    args = ("--understudy-route=prefill,raw", "--understudy-baseline=raw", "--understudy-min-strict=0.9")
    result = suite.with_tasks(FLOOR).run(*args)
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["gate held by 'prefill', of 1 route"])


def test_a_control_is_compared_with_the_route_without_it(suite: Suite) -> None:
    report = suite.report("--understudy-route=raw", "--understudy-control=prefill", "--understudy-baseline=raw")
    assert compared(report) == [("raw+prefill", "raw")]


def test_a_selected_baseline_has_the_controls_that_are_added_too(suite: Suite) -> None:
    suite.with_config(OTHER)
    for name in ("other", "other+prefill"):
        args = ("--understudy-route=raw,other", "--understudy-control=prefill", f"--understudy-baseline={name}")
        report = suite.report(*args)
        assert names(report) == ["raw+prefill", "other+prefill"]
        assert compared(report) == [("raw+prefill", "other+prefill")]


def test_beside_a_ladder_the_baseline_is_no_rung(suite: Suite) -> None:
    suite.with_config(OTHER)
    suite.server.rule = lambda body: said("no idea") if body.get("seed") is None else right(body)
    result = suite.run(
        "--understudy-ladder", "--understudy-baseline=other", "--understudy-min-strict=0.9", "--understudy-report=r.json"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate missed by 'raw' and 'prefill', of 2 rungs"])
    report = json.loads((suite.path / "r.json").read_text())
    assert names(report) == ["raw", "prefill", "other"]
    assert compared(report) == [("raw", "other"), ("prefill", "other")]
    # Drawn first, and no rung to stop at: the second row of the ladder is reached.
    result = suite.run("--understudy-ladder", "--understudy-first", "--understudy-baseline=other", "--understudy-min-strict=0.9")
    result.assert_outcomes(passed=9)


def test_the_baseline_of_the_config_is_compared_with_where_it_is_drawn_and_does_not_force_drawing(suite: Suite) -> None:
    suite.with_config(OTHER, base=CONFIG.replace("samples = 2", 'samples = 2\nbaseline = "other"'))
    report = suite.report("--understudy-route=raw")
    assert (names(report), compared(report)) == (["raw"], [])
    assert compared(suite.report("--understudy-route=raw,other")) == [("raw", "other")]
    assert compared(suite.report("--understudy-route=raw,prefill", "--understudy-baseline=prefill")) == [("raw", "prefill")]


def test_an_earlier_report_is_compared_with_and_may_be_written_over(suite: Suite, workers: tuple[str, ...]) -> None:
    before = suite.report("--understudy-route=raw")
    assert before["comparisons"] == []
    suite.server.rule = lambda body: said("no idea")
    args = ("--understudy-replay=off", "--understudy-baseline=report.json", *workers)
    after = suite.report("--understudy-route=raw", *args)
    (comparison,) = after["comparisons"]
    assert comparison["route"] == "raw"
    assert comparison["strict_pass"]["difference"] == -1.0


def test_an_earlier_report_is_found_from_where_pytest_was_started(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.run("--understudy-route=raw", "--understudy-report=main.json")
    (suite.path / "inner").mkdir()
    (suite.path / "main.json").rename(suite.path / "inner" / "last")
    monkeypatch.chdir(suite.path / "inner")
    args = (f"--rootdir={suite.path}", f"{suite.path}/test_emails.py", "--understudy-route=raw")
    assert (
        len(suite.report(*args, "--understudy-baseline=last", f"--understudy-report={suite.path}/report.json")["comparisons"])
        == 1
    )


def test_a_routes_name_goes_before_a_files(suite: Suite) -> None:
    (suite.path / "prefill").write_text("no report")
    assert compared(suite.report("--understudy-route=raw", "--understudy-baseline=prefill")) == [("raw", "prefill")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("prefil", None, "*--understudy-baseline: no route named 'prefil', and no such file; there are 'raw' and 'prefill'*"),
        ("", None, "*--understudy-baseline: no route named '', and no such file*"),
        ("x" * 300, None, "*no route named 'x*', and no such file*"),
        ("old.json", None, "*--understudy-baseline=old.json: cannot be read as a JSON report: *No such file*"),
        ("old.json", "{", "*--understudy-baseline=old.json: cannot be read as a JSON report: *"),
        ("old.json", "[" * 100_000, "*--understudy-baseline=old.json: cannot be read as a JSON report: *"),
        ("old", '{"version": 7}', "*old*"),
        ("old.json", "[1, 2]", "*old.json*"),
    ],
)
def test_a_baseline_that_is_none_is_a_usage_error(suite: Suite, name: str, text: str | None, said: str) -> None:
    if text is not None:
        (suite.path / name).write_text(text)
    result = suite.run("--understudy-route=raw", f"--understudy-baseline={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert suite.server.asked == []


def test_a_baseline_without_its_key_is_a_usage_error_on_a_ladder_too(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAR_KEY", raising=False)
    far = f'[endpoints.far]\nkind = "openai"\nbase_url = "{suite.server.url}"\napi_key_env = "FAR_KEY"\n'
    suite.with_config(f'{far}[routes.frontier]\nendpoint = "far"\n')
    for args in (("--understudy-route=raw",), ("--understudy-ladder",)):
        result = suite.run(*args, "--understudy-baseline=frontier")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*the variable FAR_KEY of endpoint 'far' is not set*"])


def test_a_baseline_alone_is_a_route_like_another(suite: Suite) -> None:
    report = suite.report("--understudy-route=raw", "--understudy-baseline=raw", "--understudy-min-strict=0.9")
    assert (names(report), report["comparisons"], report["gate"]["passed"]) == (["raw"], [], True)


def test_without_a_route_a_baseline_does_nothing(suite: Suite) -> None:
    suite.run("--understudy-baseline=nowhere.json").assert_outcomes(skipped=1)


def test_a_margin_asks_that_a_route_be_not_worse(suite: Suite, workers: tuple[str, ...]) -> None:
    """Twice right on the same three tasks: no drop is seen, and one of two points could not have been."""
    suite.with_config("[gate]\nmargin = 0.02\n")
    result = suite.run("--understudy-route=prefill", "--understudy-baseline=raw", "--understudy-report=r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (check,) = [one for one in json.loads((suite.path / "r.json").read_text())["gate"]["checks"] if one["measure"] == "baseline"]
    assert (check["route"], check["value"], check["passed"]) == ("prefill", 0.0, False)
    result = suite.run("--understudy-route=prefill")
    result.stdout.fnmatch_lines(["note: [[]gate[]] margin holds nothing without a baseline: *"])
    result = suite.run("--understudy-route=raw", "--understudy-baseline=r.json", *workers)
    result.stdout.no_fnmatch_line("note: *margin*")
    suite.with_config("[gate]\nstrict_pass = 0.9\n")
    assert suite.run("--understudy-route=prefill", "--understudy-baseline=raw").ret == pytest.ExitCode.OK
