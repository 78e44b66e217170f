"""--understudy-spend-limit: nothing is drawn past it, and what was not drawn is told."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from .conftest import Suite, right
from .server import Reply, said

A_SAMPLE = 70 * 0.20 / 1e6  # dollars: the server's 50 and 20 tokens at the suite's price


def spent(result: pytest.RunResult) -> float:
    (line,) = [line for line in result.outlines if line.startswith("spent $")]
    found = re.match(r"spent \$([\d.]+) of ", line)
    assert found is not None
    return float(found[1])


def test_a_session_stops_at_its_limit_and_says_what_was_not_drawn(suite: Suite) -> None:
    result = suite.run(
        "--understudy-route=raw",
        "--understudy-samples=10",
        f"--understudy-spend-limit={20.5 * A_SAMPLE:.7f}",
        "--understudy-min-strict=0.5",
        "--understudy-report=report.json",
        "-rs",
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1, skipped=2)
    assert len(suite.server.asked) == len(suite.recorded()) == 20
    assert Counter(Counter(suite.server.inputs).values()) == {7: 2, 6: 1}  # one sample of every task a round
    result.stdout.fnmatch_lines(
        [
            "understudy: routes raw; spend limit $0.000287; *",
            "*the spend limit of $0.000287 was reached: ? of 10 samples of this item not drawn",
            "raw (partial)*",
            "raw: partial: 3 of 3 tasks, 20 of 30 samples drawn",
            "raw: 10 errors among 30 samples*",
            "*errors*at most 0*10*missed*",
            "spent $0.00028 of $0.000287; 10 of 30 samples not drawn",
            "SKIPPED*the spend limit of $0.000287 was reached: * samples of this item not drawn",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    route = json.loads((suite.path / "report.json").read_text())["routes"][0]
    assert (route["samples"], route["errors"], route["partial"]) == (30, 10, True)
    assert route["cost"]["serving"] == pytest.approx(20 * A_SAMPLE)


def test_a_route_that_the_limit_cut_short_holds_no_gate_whatever_errors_are_allowed(suite: Suite) -> None:
    limit = f"--understudy-spend-limit={4.5 * A_SAMPLE:.7f}"
    result = suite.run("--understudy-ladder", limit, "--understudy-min-credit=0.1", "--understudy-max-errors=99")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    undrawn = "*samples*at least 6 *?*missed*partial: a route that was not drawn whole holds no gate"
    result.stdout.fnmatch_lines(["gate missed by 'raw' and 'prefill'*", undrawn])


def test_without_a_gate_a_session_whose_samples_were_not_drawn_fails_too(suite: Suite) -> None:
    result = suite.run("--understudy-route=raw", f"--understudy-spend-limit={3 * A_SAMPLE:.7f}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(suite.server.asked) == 3


def test_a_limit_that_is_not_reached_changes_nothing_but_says_what_was_spent(suite: Suite, workers: tuple[str, ...]) -> None:
    result = suite.run("--understudy-route=raw,prefill", "--understudy-spend-limit=1", *workers)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=6)
    assert spent(result) == pytest.approx(12 * A_SAMPLE, rel=0.02)
    result.stdout.no_fnmatch_line("*not drawn*")


def test_what_is_replayed_costs_nothing_now_and_of_no_dollars_nothing_is_drawn(suite: Suite) -> None:
    suite.run("--understudy-route=raw", "--understudy-samples=2")
    args = ("--understudy-route=raw", "--understudy-spend-limit=0")
    result = suite.run(*args, "--understudy-samples=2")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["spent $0 of $0"])
    result = suite.run(*args, "--understudy-samples=3")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["spent $0 of $0; 3 of 9 samples not drawn"])
    assert len(suite.server.asked) == 6


def test_what_was_not_drawn_is_drawn_the_next_time(suite: Suite) -> None:
    limited = suite.report("--understudy-route=raw", f"--understudy-spend-limit={4.5 * A_SAMPLE:.7f}")
    assert limited["routes"][0]["errors"] == 2
    whole = suite.report("--understudy-route=raw", "--understudy-spend-limit=1")
    assert (whole["routes"][0]["errors"], whole["routes"][0]["replayed"]) == (0, 4)
    assert len(suite.server.asked) == 6


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("--understudy-route=raw,dear",), "dear"),
        (("--understudy-route=raw", "--understudy-baseline=dear"), "dear"),
        (("--understudy-route=dear", "--understudy-control=prefill"), "dear[+]prefill"),
    ],
)
def test_a_selected_route_without_a_price_is_a_usage_error_that_names_it(suite: Suite, args: tuple[str, ...], name: str) -> None:
    suite.with_config('[routes.dear]\nendpoint = "local"\n')
    result = suite.run(*args, "--understudy-spend-limit=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([f".*--understudy-spend-limit: route '{name}' has no price.*price = "])
    assert suite.server.asked == []


def test_where_nothing_is_asked_the_limit_does_nothing(suite: Suite) -> None:
    suite.with_config('[routes.dear]\nendpoint = "local"\n')
    suite.run("--understudy-route=dear")
    result = suite.run("--understudy-route=dear", "--understudy-spend-limit=0", "--understudy-replay=only")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*spent $*")


def test_a_server_that_tells_no_usage_does_not_let_the_limit_run_unseen(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(json.dumps({"choices": json.loads(right(body).content)["choices"]}).encode())
    result = suite.run("--understudy-route=raw", "--understudy-samples=20", "--understudy-spend-limit=0.001")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert 1 <= len(suite.server.asked) <= 4  # each may have cost 1024 tokens and its prompt: some $0.00027
    untold = r"and up to \$0\.\d+ for answers whose cost nobody told"
    result.stdout.re_match_lines([rf"spent \$0 of \$0\.001, {untold}; 5\d of 60 samples not drawn"])


def test_several_routes_are_told_apart_in_what_was_not_drawn(suite: Suite) -> None:
    result = suite.run("--understudy-ladder", "--understudy-samples=4", f"--understudy-spend-limit={12.5 * A_SAMPLE:.7f}")
    result.stdout.fnmatch_lines(["spent * of $0.000175; 12 of 24 samples not drawn (raw 6, prefill 6)"])


def test_workers_share_the_dollars_out(suite: Suite) -> None:
    result = suite.run(
        "--understudy-route=raw",
        "--understudy-samples=20",
        f"--understudy-spend-limit={21 * A_SAMPLE:.7f}",
        "-n2",
        "--understudy-report=report.json",
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    asked = len(suite.server.asked)
    assert 10 <= asked <= 20  # ten each; one of them may have had no item to draw
    assert spent(result) == pytest.approx(asked * A_SAMPLE, rel=0.02)
    result.stdout.fnmatch_lines([f"spent * of $0.000294; {60 - asked} of 60 samples not drawn"])
    route = json.loads((suite.path / "report.json").read_text())["routes"][0]
    assert (route["samples"], route["errors"]) == (60, 60 - asked)


CRASHING = """
import os, pathlib, pytest, time

@pytest.mark.holdout("emails.yaml")
def test_emails(task, run):
    if not os.path.exists("crashed"):
        while sum(len(path.read_text().splitlines()) for path in pathlib.Path(".understudy").glob("*.jsonl")) < 20:
            time.sleep(0.01)  # until the next item is drawn too, so that nothing is in flight
        open("crashed", "w").close()
        os._exit(13)
"""


def test_the_worker_that_replaces_a_crashed_one_has_what_it_left(suite: Suite) -> None:
    suite.with_test(CRASHING)
    result = suite.run(
        "--understudy-route=raw", "--understudy-samples=10", f"--understudy-spend-limit={22 * A_SAMPLE:.7f}", "-n1"
    )
    assert len(suite.server.asked) == len(suite.recorded()) == 22
    result.stdout.fnmatch_lines(["spent $0.000308 of $0.000308; 8 of 30 samples not drawn"])


def test_an_error_costs_what_was_answered_before_it(suite: Suite) -> None:
    """A form is filled in two requests, and the second fails."""

    def rule(body: dict[str, Any]) -> Reply:
        begun = body["messages"][-1]["content"]
        return Reply(b"no", status=500) if '"priority"' in begun else said("question")

    suite.server.rule = rule
    suite.with_config('[routes.slots]\nextends = "prefill"\nfill = "slots"\n')
    result = suite.run("--understudy-route=slots", "--understudy-samples=1", "--understudy-spend-limit=1")
    result.stdout.fnmatch_lines(["*3 errors among 3 samples*", "spent $0.000042 of $1"])


@pytest.mark.parametrize("controls", ["raw", "prefill"])
def test_prompts_are_recorded_in_full_where_that_is_asked_for(suite: Suite, controls: str) -> None:
    suite.run(f"--understudy-route={controls}", "--understudy-samples=1")
    assert all("prompt" not in line and len(line["sent"]) == 64 for line in suite.recorded())
    hashes = {line["key"]: line["sent"] for line in suite.recorded()}
    suite.run(
        f"--understudy-route={controls}", "--understudy-samples=1", "--understudy-record-prompts", "--understudy-record=full"
    )
    (path,) = (suite.path / "full").glob("*.jsonl")
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    assert {line["key"]: line["sent"] for line in lines} == hashes
    for line in lines:
        asked = next(text for text in suite.server.inputs if text in json.dumps(line["prompt"]))
        assert asked
        if controls == "prefill":
            assert line["prompt"]["prefixes"] == ['{"intent": "']
