"""Where a session could end in a traceback, in silence, or in a figure that is not so."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Suite, right
from .server import Reply, said


def dead(body: dict[str, Any]) -> Reply:
    return Reply(b'{"error": {"message": "down"}}', status=400)


def test_a_session_that_judged_nothing_fails_without_a_gate_too(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = dead
    for args in (("--understudy-route=raw",), ("--understudy-ladder",)):
        result = suite.run(*args, *workers)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["note: nothing was judged: every sample is an error*"])


def test_tasks_made_in_python_belong_to_their_module(suite: Suite) -> None:
    for name in ("one", "two"):
        (suite.path / f"test_{name}.py").write_text(
            "import pytest\nfrom pytest_understudy import Task\n\n"
            f"@pytest.mark.holdout(Task(id='x', input='{name}', expect='{name}', scorer='exact'))\n"
            "def test_it(run): assert run.credit == 1\n"
        )
    suite.server.rule = lambda body: said(body["messages"][-1]["content"])
    suite.run("--understudy-route=raw", "test_one.py", "test_two.py").assert_outcomes(passed=2)


def test_two_tasks_of_one_name_that_ask_different_things_are_refused(suite: Suite) -> None:
    suite.with_test(
        "import pytest\nfrom pytest_understudy import Task\n\n"
        "@pytest.mark.holdout(Task(id='x', input='a', expect='a'))\ndef test_a(run): pass\n\n"
        "@pytest.mark.holdout(Task(id='x', input='b', expect='b'))\ndef test_b(run): pass\n"
    )
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*another task is named 'x' too, and asks something else*"])


def test_routes_with_equal_requests_end_together(suite: Suite) -> None:
    suite.with_config('[routes.twin]\nextends = "raw"\nprice = { blended = 9.0 }\n')
    suite.server.rule = lambda body: Reply(b'{"error": {"message": "no"}}', status=401)
    result = suite.run("--understudy-route=raw,twin")
    result.assert_outcomes(errors=2, skipped=4)


@pytest.mark.parametrize("name", ["session", "far"])
def test_fewer_requests_in_flight_than_workers_are_taken_in_turns_whatever_the_endpoint_is_called(
    suite: Suite, name: str
) -> None:
    text = (suite.path / "understudy.toml").read_text().replace("concurrency = 4", "concurrency = 1")
    (suite.path / "understudy.toml").write_text(
        text.replace("[endpoints.local]", f"[endpoints.{name}]").replace('"local"', f'"{name}"')
    )
    result = suite.run("--understudy-route=raw", "-n2")
    result.assert_outcomes(passed=3)
    assert suite.server.peak == 1


def test_a_key_in_an_endpoint_of_a_misspelt_kind_is_not_printed(suite: Suite) -> None:
    (suite.path / "understudy.toml").write_text(
        '[endpoints.far]\nkind = "openia"\napi_key_env = "sk-live-abcdef"\n[routes.raw]\nendpoint = "far"\n'
    )
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "sk-live" not in result.stderr.str()


def test_a_key_that_the_server_puts_into_its_answer_is_in_no_file_and_on_no_terminal(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_KEY", "sk-Zq8Zq8Zq8Zq8")
    text = (suite.path / "understudy.toml").read_text().replace("retries = 1", 'retries = 0\napi_key_env = "LOCAL_KEY"')
    (suite.path / "understudy.toml").write_text(text)
    suite.server.rule = lambda body: said("your key is Bearer sk-Zq8Zq8Zq8Zq8")
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert False\n")
    result = suite.run("--understudy-route=raw", "-l", "-vv")
    result.stdout.fnmatch_lines(["*your key is Bearer [*][*][*]*"])
    assert "sk-Zq8" not in result.stdout.str()
    assert not any("sk-Zq8" in json.dumps(line) for line in suite.recorded())


def test_items_that_never_run_are_not_drawn(suite: Suite) -> None:
    suite.with_test(
        "import pytest\n\n@pytest.mark.xfail(run=False)\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): pass\n"
    )
    suite.run("--understudy-route=raw").assert_outcomes(xfailed=3)
    suite.run("--understudy-route=raw", "--setup-plan")
    assert suite.server.asked == []


@pytest.mark.parametrize(
    "extra", ["[gate]\np95 = inf\n", "[routes.odd]\nextends = ['raw']\n", "[routes.odd]\nextends = 'raw'\nprice = 'free'\n"]
)
def test_a_config_of_odd_types_is_a_usage_error(suite: Suite, extra: str) -> None:
    result = suite.with_config(extra).run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*understudy.toml: [[]*"])


def test_a_shipped_record_that_is_not_there_is_a_usage_error(suite: Suite) -> None:
    text = (suite.path / "understudy.toml").read_text().replace("samples = 2", 'samples = 2\nrecorded = ["nope/"]')
    (suite.path / "understudy.toml").write_text(text)
    result = suite.run("--understudy-route=raw", "--understudy-replay=only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*recorded: no such file or folder*nope*"])


def test_a_run_that_is_asked_for_by_name_is_counted_and_told_like_another(suite: Suite) -> None:
    suite.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml')\n"
        "def test_emails(request):\n    assert request.getfixturevalue('run').credit > 1\n"
    )
    result = suite.run("--understudy-route=raw", "--understudy-report=r.json")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*understudy: worst samples*"])
    assert json.loads((suite.path / "r.json").read_text())["routes"][0]["samples"] == 6


def test_a_torn_line_is_told_with_workers_too(suite: Suite) -> None:
    suite.run("--understudy-route=raw")
    (path,) = (suite.path / ".understudy").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20] + b'\n{"key": "k", "at": 3, "error": null}\n')
    result = suite.run("--understudy-route=raw", "-n2")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["note: *.jsonl:6: a torn line*", "note: *.jsonl:7: a torn line*"])


def test_the_command_that_replays_an_item_replays_it(suite: Suite) -> None:
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert run.credit > 1\n")
    args = ("--understudy-route=raw", "--understudy-control=prefill", "--understudy-samples=1", "--understudy-record=rec")
    result = suite.run(*args, "-k", "lamp")
    command = next(line for line in result.outlines if line.startswith("replay: pytest "))
    asked = len(suite.server.asked)
    os.chdir(suite.path)
    again = suite.run(*[word.strip("'") for word in command.removeprefix("replay: pytest ").split()])
    again.assert_outcomes(failed=1)
    again.stdout.no_fnmatch_line("*not in the record*")
    assert len(suite.server.asked) == asked


def test_the_baseline_is_the_baseline_with_controls_too(suite: Suite) -> None:
    text = (suite.path / "understudy.toml").read_text().replace("samples = 2", 'samples = 2\nbaseline = "other"')
    (suite.path / "understudy.toml").write_text(text + '[routes.other]\nextends = "raw"\nsampling = { seed = 1 }\n')
    suite.server.rule = lambda body: said("no idea") if body.get("seed") is not None else right(body)
    args = ("--understudy-route=raw,other", "--understudy-control=no_think", "--understudy-min-strict=0.9")
    assert suite.run(*args).ret == pytest.ExitCode.OK


def test_a_file_with_tasks_of_the_other_split_only_is_one_skipped_item(suite: Suite) -> None:
    suite.with_tasks("scorer: exact\nexpect: x\nsplit: train\ntasks:\n  - {id: a, input: one}\n")
    result = suite.run("--understudy-route=raw", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*none of its tasks has the split 'holdout'*"])


def test_after_a_collection_error_an_earlier_report_stands(suite: Suite) -> None:
    suite.run("--understudy-route=raw", "--understudy-report=r.json")
    before = (suite.path / "r.json").read_text()
    suite.with_tasks("tasks: [")
    assert suite.run("--understudy-route=raw", "--understudy-report=r.json").ret == pytest.ExitCode.INTERRUPTED
    assert (suite.path / "r.json").read_text() == before


def test_a_report_that_cannot_be_written_at_the_end_costs_no_verdict(suite: Suite) -> None:
    (suite.path / "conftest.py").write_text("def pytest_understudy_verdict(verdict):\n    import os; os.mkdir('r.json')\n")
    result = suite.run("--understudy-route=raw", "--understudy-report=r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*raw*1.0000*100.0%*", "note: r.json could not be written: *"])
    result.stdout.no_fnmatch_line("report written to*")


def test_with_workers_a_threshold_that_so_few_tasks_can_never_show_is_a_usage_error_too(suite: Suite) -> None:
    suite.with_config('[gate]\nstrict_pass = 0.9\nconfidence = 0.95\nestimand = "population"\n')
    result = suite.run("--understudy-route=raw", "-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*strict_pass: 3 tasks can't show 0.9*"])


@pytest.mark.parametrize("tail", ["", "\x1b[31mred"])
def test_what_a_server_or_a_model_names_is_printed_and_not_obeyed(suite: Suite, tail: str) -> None:
    tool = json.dumps("spurious" + tail)
    suite.with_tasks(
        "tools: [{name: book}]\nfloor: {credit: 1.0}\ntasks:\n"
        "  - {id: a, input: hi, expect: {actions: [{tool: book, arguments: {}}]}}\n"
    )
    suite.server.rule = lambda body: said(f'{{"actions": [{{"tool": {tool}, "arguments": {{}}}}]}}')
    result = suite.run("--understudy-route=raw", "--color=no")
    result.stdout.fnmatch_lines(["*failed extra: spurious*"])
    assert "\x1b[31m" not in result.stdout.str()
    suite.server.rule = lambda body: Reply(json.dumps({"error": {"message": f"go away{tail}"}}).encode(), status=403)
    result = suite.run("--understudy-route=raw", "--color=no", "--understudy-replay=off")
    result.stdout.fnmatch_lines(["*go away*"])
    assert "\x1b[31m" not in result.stdout.str()


def test_a_scorer_that_skips_or_exits_makes_errors(suite: Suite) -> None:
    for what in ("import pytest; pytest.skip('no')", "raise SystemExit(3)"):
        (suite.path / "scorers.py").write_text(f"def odd(task, answer):\n    {what}\n")
        suite.with_tasks((suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: scorers:odd"))
        route = suite.report("--understudy-route=raw", apart=True)["routes"][0]
        assert (route["samples"], route["errors"]) == (6, 6)


def test_the_closest_mark_wins(suite: Suite) -> None:
    suite.with_tasks("scorer: exact\nexpect: x\ntasks:\n  - {id: other, input: one}\n", "other.yaml")
    suite.with_test(
        "import pytest\npytestmark = pytest.mark.holdout('emails.yaml')\n\n"
        "@pytest.mark.holdout('other.yaml')\ndef test_own(run): pass\n\ndef test_shared(run): pass\n"
    )
    suite.run("--understudy-route=raw").assert_outcomes(passed=4)


def test_repeated_routes_add_up(suite: Suite) -> None:
    suite.run("--understudy-route=raw", "--understudy-route=prefill,raw").assert_outcomes(passed=6)


def test_a_suite_behind_a_link_finds_the_config_beside_it(suite: Suite, tmp_path: Path) -> None:
    inner = suite.path / "real" / "inner"
    inner.mkdir(parents=True)
    for name in ("test_emails.py", "emails.yaml"):
        (suite.path / name).rename(inner / name)
    (suite.path / "understudy.toml").rename(suite.path / "real" / "understudy.toml")
    link = suite.path / "link"
    link.symlink_to(suite.path / "real")
    (suite.path / "real" / "pytest.ini").write_text("[pytest]\n")
    suite.run("--understudy-route=raw", f"{link}/inner").assert_outcomes(passed=3)


def test_a_crashed_item_is_not_rebuilt_from_earlier_sessions_where_all_is_asked_afresh(suite: Suite) -> None:
    suite.run("--understudy-route=raw")
    suite.with_test(
        "import os, pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(task, run):\n"
        "    if task.id == 'opening-hours':\n        os._exit(13)\n"
    )
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.5)
    suite.run("--understudy-route=raw", "-n1", "--understudy-replay=off", "--understudy-report=r.json")
    route = json.loads((suite.path / "r.json").read_text())["routes"][0]
    assert route["replayed"] == 0
    assert all(task["latency_p50"] is None or task["latency_p50"] > 0.4 for task in route["by_task"])


def test_what_could_not_be_collected_leaves_every_route_partial(suite: Suite, workers: tuple[str, ...]) -> None:
    (suite.path / "test_other.py").write_text(
        "import pytest\n\n@pytest.mark.holdout('nowhere.yaml')\ndef test_other(run): pass\n"
    )
    args = (
        "--continue-on-collection-errors",
        "--understudy-route=raw",
        "--understudy-min-strict=0.5",
        "--understudy-report=r.json",
    )
    result = suite.run(*args, *workers)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["raw: partial: 3 of 4 tasks*", "gate missed by 'raw'*", "promote nothing*"])
    assert json.loads((suite.path / "r.json").read_text())["routes"][0]["partial"] is True


def test_workers_ask_equal_requests_once(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.05)
    suite.with_config('[routes.twin]\nextends = "raw"\nprice = { blended = 9.0 }\n')
    suite.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_one(run): assert not run.errors\n\n"
        "@pytest.mark.holdout('emails.yaml')\ndef test_two(run): assert not run.errors\n"
    )
    args = ("--understudy-route=raw,twin", "--understudy-samples=4", "--understudy-report=r.json")
    for more in ((), ("--understudy-replay=off",)):
        suite.server.asked.clear()
        suite.run(*args, *more, "-n3").assert_outcomes(passed=12)
        assert len(suite.server.asked) == 12
        routes = json.loads((suite.path / "r.json").read_text())["routes"]
        assert [route["replayed"] for route in routes] == [0, 0]
        assert routes[0]["latency"] == routes[1]["latency"]
