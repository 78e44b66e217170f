"""--understudy-first: a ladder that is climbed no further than it must be."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import CONFIG, Suite, right
from .server import Reply, said

LADDER = CONFIG.replace('["raw", "prefill"]', '["raw", "prefill", "last"]')
LAST = '[routes.last]\nextends = "raw"\nsampling = { seed = 1 }\n'
FIRST = ("--understudy-ladder", "--understudy-first", "--understudy-min-strict=0.9")


def rung(body: dict[str, Any]) -> str:
    if body.get("seed") is not None:
        return "last"
    return "prefill" if body["messages"][-1]["role"] == "assistant" else "raw"


def right_from_prefill_on(body: dict[str, Any]) -> Reply:
    return said("no idea") if rung(body) == "raw" else right(body)


@pytest.fixture
def ladder(suite: Suite) -> Suite:
    """Three rungs, of which the second is the first that answers."""
    suite.server.rule = right_from_prefill_on
    return suite.with_config(LAST, base=LADDER)


def asked(suite: Suite) -> list[str]:
    return [rung(body) for body in suite.server.asked]


def test_climbing_stops_at_the_first_rung_that_holds_the_gate(ladder: Suite) -> None:
    result = ladder.run(*FIRST, "-rs", "--understudy-report=r.json")
    result.assert_outcomes(passed=6, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "gate held by 'prefill', of 2 rungs",
            "promote prefill: *chosen among 2 rungs, 1 of which held the gate*",
            "note: 'last' not climbed: 'prefill' holds the gate",
            "SKIPPED*rung 'prefill' holds the gate: not climbed further",
        ]
    )
    assert result.ret == pytest.ExitCode.OK
    assert asked(ladder) == ["raw"] * 6 + ["prefill"] * 6
    report = json.loads((ladder.path / "r.json").read_text())
    assert [(route["name"], route["partial"]) for route in report["routes"]] == [("raw", False), ("prefill", False)]


def test_nothing_is_drawn_beyond_the_rung_that_is_being_climbed(ladder: Suite) -> None:
    answered: list[str] = []
    before_prefill: list[int] = []

    def rule(body: dict[str, Any]) -> Reply:
        if rung(body) == "raw":
            time.sleep(0.05)
            answered.append("raw")
        else:
            before_prefill.append(len(answered))
        return right_from_prefill_on(body)

    ladder.server.rule = rule
    ladder.run(*FIRST)
    assert set(before_prefill) == {6}
    assert ladder.server.peak > 1  # within a rung all is drawn ahead


def test_rungs_are_climbed_together_by_all_tests_and_files(ladder: Suite) -> None:
    (ladder.path / "test_more.py").write_text(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml', samples=1)\ndef test_more(run): pass\n\n"
        "@pytest.mark.holdout('emails.yaml')\ndef test_task(task): pass\n\ndef test_plain(): pass\n"
    )
    result = ladder.run(*FIRST, "-v", "-k", "parcel or plain or lamp or hours")
    result.assert_outcomes(passed=19, skipped=9)
    items = [line.split()[0] for line in result.outlines if "::" in line and ("PASSED" in line or "SKIPPED" in line)]
    rungs = [name.partition("[")[2].partition("-")[0] for name in items]
    assert rungs == [""] + ["raw"] * 9 + ["prefill"] * 9 + ["last"] * 9
    assert set(asked(ladder)) == {"raw", "prefill"}


def test_where_no_rung_holds_all_are_climbed(ladder: Suite) -> None:
    ladder.server.rule = lambda body: said("no idea")
    result = ladder.run(*FIRST)
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["gate missed by 'raw', 'prefill' and 'last', of 3 rungs", "promote nothing: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_where_a_session_may_stop_early_the_next_rung_is_not_drawn_either(ladder: Suite) -> None:
    ladder.server.rule = right
    ladder.run(*FIRST, "-x").assert_outcomes(passed=3, skipped=6)
    assert set(asked(ladder)) == {"raw"}


def test_a_rung_that_was_drawn_in_part_does_not_stop_the_climbing(ladder: Suite) -> None:
    ladder.server.rule = right
    result = ladder.run(*FIRST, "-k", "lamp")
    result.assert_outcomes(passed=3, deselected=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_file_that_could_not_be_collected_does_not_let_a_rung_hold(ladder: Suite) -> None:
    ladder.server.rule = right
    (ladder.path / "test_other.py").write_text(
        "import pytest\n\n@pytest.mark.holdout('nowhere.yaml')\ndef test_other(run): pass\n"
    )
    ladder.run(*FIRST, "--continue-on-collection-errors").assert_outcomes(passed=9, errors=1)


def test_a_confidence_is_held_over_the_rungs_that_were_climbed(ladder: Suite) -> None:
    """Six of six: the lower bound at 95 % is 0.69 for one rung, and 0.61 for the better of two."""
    ladder.server.rule = right
    ladder.with_config(f"{LAST}[gate]\nstrict_pass = 0.65\nconfidence = 0.95\n", base=LADDER)
    first = ladder.report("--understudy-ladder", "--understudy-first")
    assert first["gate"]["passed"] is True
    assert [route["name"] for route in first["routes"]] == ["raw"]
    assert ladder.report("--understudy-ladder")["gate"]["passed"] is False


def test_a_population_threshold_is_checked_for_the_one_rung_that_may_hold_it(ladder: Suite) -> None:
    """Three tasks show at most 0.26 at 95 %, and 0.07 where three rungs are judged together."""
    ladder.server.rule = right
    ladder.with_config(f'{LAST}[gate]\nstrict_pass = 0.2\nconfidence = 0.95\nestimand = "population"\n', base=LADDER)
    assert ladder.run("--understudy-ladder").ret == pytest.ExitCode.USAGE_ERROR
    assert ladder.run("--understudy-ladder", "--understudy-first").ret == pytest.ExitCode.OK


def test_the_baseline_is_drawn_first_and_does_not_stop_the_climbing(ladder: Suite) -> None:
    ladder.with_config(LAST, base=LADDER.replace("samples = 2", 'samples = 2\nbaseline = "last"'))
    result = ladder.run(*FIRST, "--understudy-report=r.json", "-rs")
    result.assert_outcomes(passed=9)
    assert asked(ladder) == ["last"] * 6 + ["raw"] * 6 + ["prefill"] * 6
    ladder.server.rule = right
    ladder.server.asked.clear()
    ladder.run(*FIRST, "--understudy-replay=off").assert_outcomes(passed=6, skipped=3)
    assert asked(ladder) == ["last"] * 6 + ["raw"] * 6


def test_a_climb_is_replayed_as_it_was(ladder: Suite) -> None:
    ladder.run(*FIRST)
    before = len(ladder.server.asked)
    ladder.run(*FIRST, "--understudy-replay=only").assert_outcomes(passed=6, skipped=3)
    assert len(ladder.server.asked) == before


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--understudy-route=raw", *FIRST[1:]), "*stops climbing a ladder: say --understudy-ladder as well*"),
        (FIRST[:2], "*climbs to a rung that holds the gate, and there is none: set *gate*, or a threshold*"),
        ((*FIRST, "-n2"), "*draws the rungs one by one, and workers draw them together: leave -n out*"),
    ],
)
def test_where_there_is_nothing_to_stop_at_it_is_a_usage_error(ladder: Suite, args: tuple[str, ...], said: str) -> None:
    result = ladder.run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert ladder.server.asked == []


def test_no_workers_at_all_are_no_obstacle(ladder: Suite) -> None:
    ladder.run(*FIRST, "-n0").assert_outcomes(passed=6, skipped=3)
