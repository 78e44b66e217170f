"""What an item is, what it shows, and what the session says at its end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.scoring.score import Score

from .conftest import Suite
from .server import Reply, said


def wrong_priority(body: dict[str, Any]) -> Reply:
    """Right about intents, and everything is of high priority."""
    text = body["messages"][1]["content"]
    return said(json.dumps({"intent": "refund" if "money" in text else "question", "priority": "high"}))


def test_an_item_is_drawn_on_each_route_and_the_table_tells(suite: Suite, workers: tuple[str, ...]) -> None:
    result = suite.run("--understudy-ladder", *workers)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        ["*understudy*", "*route*avg*strict*p50 / p95*", "*raw*1.0000*100.0%*", "*prefill*1.0000*100.0%*"]
    )
    assert len(suite.server.asked) == 12


def test_a_failed_item_shows_its_worst_samples_and_how_to_replay_them(suite: Suite) -> None:
    suite.server.rule = wrong_priority
    suite.with_tasks(
        (suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: fields\nfloor: {strict_pass: 1.0}")
    )
    result = suite.run("--understudy-route=raw")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*understudy: worst samples*",
            "sample 0: credit 0.5000, finish stop, 20 tokens*",
            "*failed priority*low*high*",
            '*"priority": "high"*',
            (
                "replay: pytest 'test_emails.py::test_emails[[]raw-opening-hours[]]' --understudy-route=raw "
                "--understudy-samples=2 --understudy-replay=only"
            ),
        ]
    )


def test_on_a_ladder_a_missed_assertion_is_a_rung_missed(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = wrong_priority
    suite.with_tasks(
        (suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: fields\nfloor: {strict_pass: 1.0}")
    )
    result = suite.run("--understudy-ladder", "-rx", *workers)
    result.assert_outcomes(passed=4, xfailed=2)
    result.stdout.fnmatch_lines(["XFAIL *raw-opening-hours*rung missed*"])
    assert result.ret == pytest.ExitCode.OK


def test_a_known_miss_is_an_xfail_and_its_samples_count(suite: Suite) -> None:
    suite.server.rule = wrong_priority
    tasks = (suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: fields\nfloor: {strict_pass: 1.0}")
    suite.with_tasks(tasks.replace("id: opening-hours", "id: opening-hours\n    known_miss: it thinks all is urgent"))
    suite.run("--understudy-route=raw").assert_outcomes(passed=2, xfailed=1)
    assert suite.report("--understudy-route=raw")["routes"][0]["strict_pass"]["rate"] == pytest.approx(2 / 3)


def test_a_confirmation_task_shows_no_samples(suite: Suite) -> None:
    suite.server.rule = wrong_priority
    tasks = (
        (suite.path / "emails.yaml")
        .read_text()
        .replace("scorer: fields", "scorer: fields\nconfirm: true\nfloor: {strict_pass: 1.0}")
    )
    result = suite.with_tasks(tasks).run("--understudy-route=raw")
    result.stdout.fnmatch_lines(["a confirmation task: its samples are not shown*"])
    result.stdout.no_fnmatch_line("*failed priority*")


def test_the_gate_that_does_not_hold_fails_a_session_that_passed(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = wrong_priority
    result = suite.run("--understudy-route=raw", "--understudy-min-strict=0.99", *workers)
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate missed by 'raw'*", "*strict pass*at least 99.0%*66.7%*missed by 32.3 points*"])


def test_on_a_ladder_one_rung_that_holds_is_enough(suite: Suite) -> None:
    def rule(body: dict[str, Any]) -> Reply:
        begun = body["messages"][-1]["role"] == "assistant"
        return original(body) if begun else said("no idea")

    original = suite.server.rule
    suite.server.rule = rule
    result = suite.run("--understudy-ladder", "--understudy-min-strict=0.9")
    assert result.ret == pytest.ExitCode.OK
    report = suite.report("--understudy-ladder", "--understudy-min-strict=0.9")
    assert report["gate"]["passed"] is True
    assert report["promotion"]["route"] == "prefill"
    assert suite.run("--understudy-route=raw,prefill", "--understudy-min-strict=0.9").ret == pytest.ExitCode.TESTS_FAILED


def test_figures_table_and_exit_status_are_the_same_with_workers(suite: Suite) -> None:
    suite.server.rule = wrong_priority
    alone = suite.report("--understudy-ladder", "--understudy-min-strict=0.99", "--understudy-record=a")
    shared = suite.report(
        "--understudy-ladder", "--understudy-min-strict=0.99", "--understudy-record=a", "--understudy-replay=only", "-n4"
    )
    again = suite.report(
        "--understudy-ladder", "--understudy-min-strict=0.99", "--understudy-record=a", "--understudy-replay=only"
    )
    assert shared.pop("session") != again.pop("session")  # the command line, and nothing else
    assert shared == again
    assert [route["credit"] for route in shared["routes"]] == [route["credit"] for route in alone["routes"]]
    one = suite.run("--understudy-ladder", "--understudy-min-strict=0.99", "--understudy-record=a", "--understudy-replay=only")
    four = suite.run(
        "--understudy-ladder", "--understudy-min-strict=0.99", "--understudy-record=a", "--understudy-replay=only", "-n4"
    )
    assert _section(one.outlines) == _section(four.outlines) != []
    assert one.ret == four.ret == pytest.ExitCode.TESTS_FAILED


def _section(lines: list[str]) -> list[str]:
    start = next(number for number, line in enumerate(lines) if re.fullmatch("=+ understudy =+", line))
    return [line for line in lines[start:] if not line.startswith("=")]


def test_junit_has_the_figures_of_each_item(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.run("--understudy-route=raw", "--junitxml=junit.xml", *workers)
    cases = ElementTree.parse(suite.path / "junit.xml").getroot().iter("testcase")
    for case in cases:
        found = {item.get("name"): item.get("value") for item in case.iter("property")}
        assert found["understudy_credit"] == found["understudy_strict_pass"] == "1.0"
        assert found["understudy_tokens_p95"] == "20"
        assert float(found["understudy_latency_p95"] or 0) > 0
        assert float(found["understudy_cost"] or 0) == pytest.approx(2 * 70 * 0.20 / 1e6)


def test_a_part_of_the_holdout_holds_no_gate(suite: Suite) -> None:
    result = suite.run("--understudy-route=raw", "--understudy-min-strict=0.5", "-k", "lamp")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*partial*"])
    nodeid = "test_emails.py::test_emails[raw-broken-lamp]"
    assert suite.report(nodeid, "--understudy-route=raw")["routes"][0]["partial"] is True


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_the_verdicts_on_a_holdout_are_counted(suite: Suite, workers: tuple[str, ...]) -> None:
    for number in (1, 2):
        result = suite.run("--understudy-route=raw", "--understudy-replay=off", *workers)
        result.stdout.fnmatch_lines([f"verdict {number} on this holdout, by this record"])
    replayed = suite.run("--understudy-route=raw", "--understudy-replay=only", *workers)
    replayed.stdout.no_fnmatch_line("verdict * on this holdout*")


def test_a_test_that_asks_for_no_run_draws_nothing(suite: Suite) -> None:
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(task): assert task.id\n")
    suite.run("--understudy-route=raw").assert_outcomes(passed=3)
    assert suite.server.asked == []


def test_the_same_task_in_two_tests_is_drawn_and_counted_once(suite: Suite) -> None:
    suite.with_test(
        """
        import pytest

        @pytest.mark.holdout("emails.yaml")
        def test_strict(run):
            assert run.strict_pass == 1

        @pytest.mark.holdout("emails.yaml", samples=1)
        def test_credit(run):
            assert run.credit == 1 and len(run.samples) == 1
        """
    )
    report = suite.report("--understudy-route=raw")
    assert report["routes"][0]["samples"] == len(suite.server.asked) == 6


def test_skipped_items_are_not_drawn(suite: Suite) -> None:
    suite.with_test("import pytest\n\n@pytest.mark.skip\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): pass\n")
    suite.run("--understudy-route=raw").assert_outcomes(skipped=3)
    assert suite.server.asked == []


def test_with_exitfirst_only_the_item_and_the_next_are_drawn(suite: Suite) -> None:
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert False\n")
    suite.run("--understudy-route=raw", "-x").assert_outcomes(failed=1)
    assert set(suite.server.inputs) <= {"My lamp came broken, I want my money back today!", "When do you open?"}


def test_hooks_see_every_sample_and_the_verdict(suite: Suite) -> None:
    (suite.path / "conftest.py").write_text(
        "def pytest_understudy_sample(sample):\n    print('SAMPLE', sample.number, sample.score.credit)\n"
        "def pytest_understudy_verdict(verdict):\n    print('VERDICT', verdict.gate_passed)\n"
    )
    result = suite.run("--understudy-route=raw", "-s", "--understudy-min-credit=1")
    assert sum("SAMPLE" in line for line in result.outlines) == 6
    result.stdout.fnmatch_lines(["*VERDICT True*"])


def test_a_conftest_that_is_found_while_collecting_sees_every_sample_too(suite: Suite) -> None:
    folder = suite.path / "below"
    folder.mkdir()
    for name in ("emails.yaml", "test_emails.py"):
        (suite.path / name).rename(folder / name)
    (folder / "conftest.py").write_text("def pytest_understudy_sample(sample):\n    print('SAMPLE', sample.number)\n")
    result = suite.run("--understudy-route=raw", "-s")
    assert sum("SAMPLE" in line for line in result.outlines) == 6


def test_a_scorer_that_raises_makes_errors_and_not_misses(suite: Suite) -> None:
    (suite.path / "scorers.py").write_text("def broken(task, answer):\n    raise KeyError('oops')\n")
    suite.with_tasks((suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: scorers:broken"))
    route = suite.report("--understudy-route=raw")["routes"][0]
    assert (route["samples"], route["errors"]) == (6, 6)
    result = suite.run("--understudy-route=raw", "--understudy-min-credit=0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*errors*"])


def test_a_report_that_crosses_a_process_is_unchanged() -> None:
    """What a run leaves on a report survives pytest's own serializing, as xdist does it."""
    sample = Sample(
        0, "text", {"a": 1}, "stop", Score(1.0, True, (), "pass"), Tokens(5, generated=2), 0.25, cost=0.1, uncached=0.1
    )
    run = Run("raw", "lamp", "emails.yaml", "0" * 16, "Returns", "Returns", "holdout", False, 1, (sample,))
    report = pytest.TestReport("a::b", ("a", 0, "b"), {}, "passed", None, "teardown")
    report.__dict__["understudy"] = run.to_json()
    sent = json.loads(json.dumps(report._to_json()))
    back = Run.from_json(pytest.TestReport._from_json(sent).__dict__["understudy"])
    assert back.to_json() == run.to_json()
    assert (back.credit, back.strict_pass, back.cost, back.tokens, back.latency) == (
        run.credit,
        run.strict_pass,
        run.cost,
        run.tokens,
        run.latency,
    )


def test_a_hostile_output_breaks_no_terminal_and_no_worker(suite: Suite, workers: tuple[str, ...]) -> None:
    hostile = "\x1b[2J\x00\u202e" + "x" * 10_000
    suite.server.rule = lambda body: Reply(said(hostile).content.replace(b"xxxx", b"\\ud83d", 1))
    suite.with_tasks(
        (suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: fields\nfloor: {strict_pass: 1.0}")
    )
    result = suite.run("--understudy-route=raw", *workers)
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert "\x1b[2J" not in text
    assert "\\x1b[2J" in text
    assert "more characters" in text
    assert Path(suite.path / ".understudy").is_dir()


def test_a_threshold_that_so_few_tasks_can_never_show_is_a_usage_error_before_anything_is_asked(suite: Suite) -> None:
    suite.with_config('[gate]\nstrict_pass = 0.9\nconfidence = 0.95\nestimand = "population"\n')
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*[[]gate[]] strict_pass: 3 tasks can't show 0.9 at confidence 0.95*it needs * tasks*"])
    assert suite.server.asked == []
    assert suite.run("--understudy-route=raw", "--collect-only").ret == pytest.ExitCode.OK


def test_an_assertion_shows_no_word_of_an_output_or_a_task(suite: Suite) -> None:
    suite.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(task, run):\n    assert run.credit > 1\n"
    )
    suite.with_tasks((suite.path / "emails.yaml").read_text().replace("scorer: fields", "scorer: fields\nconfirm: true"))
    result = suite.run("--understudy-route=raw", "-l", "-vv")
    result.stdout.fnmatch_lines(
        ["*<Run broken-lamp on raw: 2 samples>.credit*", "*a confirmation task: its samples are not shown*"]
    )
    result.stdout.no_fnmatch_line("*My lamp came broken*")
    result.stdout.no_fnmatch_line('*"intent"*')


def test_a_second_test_of_a_task_sees_its_outputs_too(suite: Suite) -> None:
    suite.with_test(
        """
        import pytest

        @pytest.mark.holdout("emails.yaml")
        class TestEmails:
            def test_first(self, run):
                assert run.samples[0].output.startswith("{")

            def test_second(self, run):
                assert run.samples[0].value["intent"] in ("refund", "question")

            def test_that_asks_for_nothing(self):
                pass
        """
    )
    result = suite.run("--understudy-route=raw")
    result.assert_outcomes(passed=9)
    assert len(suite.server.asked) == 6


@pytest.mark.parametrize("outermost", [True, False])
def test_only_what_was_imported_before_any_test_is_no_garbage(
    suite: Suite, outermost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that only where no test of another session is under way, whose garbage it may be."""
    suite.with_test(f"""
        import gc

        class Leaks:
            def __del__(self):
                raise ValueError("never let go")

        def test_leaks():
            gc.disable()  # it is for the session's end to find it
            leaks = Leaks()
            leaks.itself = leaks
            assert (gc.get_freeze_count() > 0) is {outermost}
        """)
    if outermost:
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
    result = suite.run("--understudy-route=raw", apart=True)
    result.assert_outcomes(passed=1)
    result.stderr.fnmatch_lines(["*ValueError: never let go*"])
