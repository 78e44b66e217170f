"""What changed between two reports: only what noise does not explain, and what could not be compared, with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_understudy.errors import UnderstudyError
from pytest_understudy.reports.changes import changes
from pytest_understudy.sampling.run import Run
from pytest_understudy.verdict.again import verdict_from_json
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.made import route, run, sample

NAMES = ("main.json", "branch.json")
TASKS = 40


def verdict(*runs: Run, **more: Any) -> Verdict:
    """As it is read back from its report."""
    names = list(dict.fromkeys(one.route for one in runs))
    judged = judge([route(name) for name in names], list(runs), **{"gate": None, "ladder": False, **more})
    return verdict_from_json(json.loads(judged.to_text()), "r.json")


def drawn(name: str, missed: int, *, of: int = 5, tasks: int = TASKS) -> list[Run]:
    """Tasks of which the first `missed` miss all their samples and the others pass."""
    return [run(name, f"task-{n}", [sample(float(n >= missed))] * of) for n in range(tasks)]


def told(before: Verdict, after: Verdict) -> list[str]:
    return list(changes(before, after, NAMES).lines)


def test_what_got_worse_beyond_noise_is_said_and_fails() -> None:
    found = changes(verdict(*drawn("raw", 0)), verdict(*drawn("raw", 20)), NAMES)
    assert found.worse
    assert "worse beyond noise: raw in strict pass and credit" in found.lines
    assert "better beyond noise: nothing" in found.lines


def test_what_got_better_fails_nothing() -> None:
    found = changes(verdict(*drawn("raw", 20)), verdict(*drawn("raw", 0)), NAMES)
    assert not found.worse
    assert "better beyond noise: raw in strict pass and credit" in found.lines


def test_what_noise_explains_is_no_change_and_what_could_be_seen_is_told() -> None:
    found = changes(verdict(*drawn("raw", 2, tasks=6)), verdict(*drawn("raw", 3, tasks=6)), NAMES)
    assert not found.worse
    assert [line for line in found.lines if "beyond noise" in line] == [
        "worse beyond noise: nothing",
        "better beyond noise: nothing",
    ]
    header, row = (line.split() for line in found.lines[2:4])
    assert header[-1] == "mde"
    assert float(row[-1]) > 10


def test_routes_are_matched_by_name_and_those_of_one_report_are_named() -> None:
    before = verdict(*drawn("raw", 0), *drawn("old", 0))
    after = verdict(*drawn("new", 0), *drawn("raw", 0))
    lines = told(before, after)
    assert [line.split()[0] for line in lines if " [" in line] == ["raw"]
    assert "  route 'old': in main.json alone" in lines
    assert "  route 'new': in branch.json alone" in lines


def test_tasks_without_a_partner_are_named_with_the_reason() -> None:
    same = drawn("raw", 0, tasks=5)
    changed = run("raw", "lease", [sample()])
    before = verdict(*same, changed, run("raw", "gone", [sample()]), run("raw", "left", [], planned=2))
    after = verdict(*same, replace(changed, hash="another"), run("raw", "new", [sample()]), run("raw", "left", [sample()] * 2))
    assert told(before, after)[-5:] == [
        "not compared:",
        "  raw: 1 task changed: its input, expect, form or scorer is another, and so its hash: 'lease'",
        "  raw: 1 task in main.json alone: 'gone'",
        "  raw: 1 task not judged in main.json: 'left'",
        "  raw: 1 task in branch.json alone: 'new'",
    ]


def test_a_task_that_was_only_renamed_is_compared() -> None:
    before = verdict(*drawn("raw", 0, tasks=3))
    renamed = [replace(one, task=f"{one.task}-renamed") for one in drawn("raw", 0, tasks=3)]
    assert "not compared:" not in told(before, verdict(*renamed))


def test_of_many_tasks_some_are_named_and_the_others_counted() -> None:
    lines = told(verdict(*drawn("raw", 0, tasks=50)), verdict(*drawn("raw", 0, tasks=2)))
    (line,) = [line for line in lines if "in main.json alone" in line]
    assert line.startswith("  raw: 48 tasks in main.json alone: 'task-2', ")
    assert line.endswith("and 28 more")


def test_tasks_that_changed_by_themselves_are_named_with_their_misses() -> None:
    lines = told(verdict(*drawn("raw", 1)), verdict(*drawn("raw", 0)))
    assert "  task-0: better, 5/5 -> 0/5 missed" in lines
    assert not any("task-1:" in line for line in lines)
    lines = told(verdict(*drawn("raw", 0)), verdict(*drawn("raw", 1)))
    assert "  task-0: worse, 0/5 -> 5/5 missed" in lines


def test_a_gate_and_a_promotion_that_are_others_now_are_told() -> None:
    gate = Gate(strict_pass=0.9)
    lines = told(verdict(*drawn("raw", 0), gate=gate), verdict(*drawn("raw", 20), gate=gate))
    assert "gate: held before, missed now" in lines
    assert "promoted: raw before, nothing now" in lines
    same = told(verdict(*drawn("raw", 0), gate=gate), verdict(*drawn("raw", 0), gate=gate))
    assert not any(line.startswith(("gate", "promoted")) for line in same)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (verdict(*drawn("new", 0)), "no route of the same name in both: there are 'raw', and 'new'"),
        (verdict(*[replace(one, hash="x") for one in drawn("raw", 0, tasks=2)]), "no task that both judged: raw: .* changed"),
    ],
)
def test_where_nothing_can_be_compared_it_is_an_error_that_says_why(after: Verdict, why: str) -> None:
    with pytest.raises(UnderstudyError, match=why):
        changes(verdict(*drawn("raw", 0, tasks=2)), after, NAMES)


def test_names_are_shown_and_not_obeyed() -> None:
    odd = "\x1b[31mraw\u202e"
    lines = told(verdict(*drawn(odd, 0, tasks=3)), verdict(*drawn(odd, 3, tasks=3), run(odd, "\x1b[2J", [sample()])))
    assert all(line.isprintable() for line in lines)
