"""What a failed item shows: its worst samples, beside what was expected, in 80 columns."""

from __future__ import annotations

import json
from typing import Any

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.reports.failure import WIDTH, worst_samples
from pytest_understudy.reports.leaves import as_written, side_by_side
from pytest_understudy.sampling.run import Plan, Run, Sample
from pytest_understudy.sampling.scored import sample_of_error
from pytest_understudy.scoring.scorers import judged
from pytest_understudy.suite.task import MISSING, Task
from tests.sampling.made import plan

EXPECT = {"intent": "refund", "priority": "normal", "summary": {"contains": "lamp"}}


def task(expect: Any = EXPECT, **more: Any) -> Task:
    return Task("t", "", expect=expect, **more)


def sample(asked: Task, number: int, output: str, finish: str = "stop") -> Sample:
    value, score = judged(asked, output, finish)
    return Sample(number, output, value, finish, score, Tokens(generated=20), 1.5)


def told(asked: Task, *outputs: str) -> list[str]:
    samples = [sample(asked, number, output) for number, output in enumerate(outputs)]
    return worst_samples(run(asked, samples), asked, "pytest x").splitlines()


def run(asked: Task, samples: list[Sample]) -> Run:
    return Run.of(Plan(asked, plan("t").route, len(samples)), samples)


def answer(**values: Any) -> str:
    return json.dumps({"intent": "refund", "priority": "normal", "summary": "a lamp", **values})


def test_the_worst_three_stand_side_by_side_with_what_was_expected() -> None:
    lines = told(
        task(),
        answer(),
        answer(priority="high"),
        answer(priority="low", summary="no"),
        "nonsense",
        answer(priority="high", summary="a chair"),
    )
    at = next(number for number, line in enumerate(lines) if "expected  " in line)
    assert lines[at].split() == ["expected", "sample", "3", "sample", "2", "sample", "4"]
    assert [line.split() for line in lines[at + 2 : at + 5]] == [
        ["intent", '"refund"', "nothing", "right", "right"],
        ["priority", '"normal"', "nothing", '"low"', '"high"'],
        ["summary", "{contains:", '"lamp"}', "nothing", '"no"', '"a', 'chair"'],
    ]
    assert "... and 1 more that missed" in lines


def test_a_leaf_that_all_have_right_is_named_and_takes_no_row() -> None:
    lines = told(task(), answer(priority="high"))
    assert [line.split()[0] for line in lines if '"normal"' in line and not line.startswith("  ")] == ["priority"]
    assert "right in each: intent, summary" in lines


def test_failed_checks_and_the_output_stand_under_each_sample() -> None:
    assert told(task(), answer(priority="high"))[:4] == [
        "sample 0: credit 0.6667, finish stop, 20 tokens, 1.50s",
        '  failed priority: expected "normal", given "high"',
        '  | {"intent": "refund", "priority": "high", "summary": "a lamp"}',
        "",
    ]


def test_whatever_the_output_is_no_line_but_the_command_is_wider_than_80_columns() -> None:
    expect = {f"a-very-long-name-of-a-field-{n}": {"any_of": ["one value " * 9, "another"]} for n in range(30)}
    outputs = ["x" * 2_000_000, json.dumps(dict.fromkeys(expect, "wrong " * 40)), "\n" * 5_000 + "\x1b[31m\u202e\x00\ud800"]
    lines = told(task(expect), *outputs)
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 250
    assert all(line.isprintable() for line in lines)  # no lone surrogate either
    assert [line for line in lines if "... and" in line] == ["  ... and 20 more failed checks", "... and 18 more"]


def test_of_an_output_that_is_cut_it_is_told_how_much_is_left_out() -> None:
    assert "... (1,999,500 more characters)" in [line[4:] for line in told(task(), "x" * 2_000_000)]


def test_an_error_is_told_first_and_has_no_column() -> None:
    samples = [sample(task(), 0, answer(priority="high")), sample_of_error(1, "the server said 500\x1b[2J")]
    lines = worst_samples(run(task(), samples), task(), "pytest x").splitlines()
    assert lines[0] == r"sample 1: error: the server said 500\x1b[2J"
    assert not any("sample 1" in line for line in lines[1:])


def test_of_a_confirmation_task_neither_samples_nor_what_was_expected_is_shown() -> None:
    samples = [sample(task(confirm=True), 0, answer(priority="high"))]
    text = worst_samples(run(task(), samples), task(confirm=True), "pytest x")
    assert "priority" not in text
    assert "lamp" not in text


def test_a_suites_own_scorer_has_checks_and_no_table() -> None:
    own = task(scorer=lambda task, answer: 0.25)
    assert side_by_side(own, [sample(own, 0, answer())], WIDTH) == []


def test_actions_are_paired_as_the_scorer_pairs_them() -> None:
    asked = task({"actions": [{"tool": "mail", "arguments": {"to": "Ann"}}]}, scorer="actions")
    given = {"actions": [{"tool": "ring", "arguments": {"who": "Eve"}}, {"tool": "mail", "arguments": {"to": "Bob"}}]}
    lines = side_by_side(asked, [sample(asked, 0, json.dumps(given)), sample(asked, 1, '{"actions": []}')], WIDTH)
    assert [line.split() for line in lines[2:]] == [
        ["mail.to", '"Ann"', '"Bob"', "nothing"],
        ["ring", "nothing", "{who:", '"Eve"}', "right"],
    ]


def test_values_and_matchers_are_written_as_in_a_tasks_file() -> None:
    assert as_written({"optional": {"any_of": ["a", 1, None, True]}}) == '{optional: {any_of: ["a", 1, null, true]}}'
    assert as_written({"a key": {"close_to": 3, "within": 0.5}, "b": []}) == '{"a key": {close_to: 3, within: 0.5}, b: []}'
    assert as_written(MISSING) == "nothing"
