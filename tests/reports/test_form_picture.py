from __future__ import annotations

import pytest

from pytest_understudy.reports.form_picture import Pieces, form_picture, pieces
from pytest_understudy.reports.shown import ShownRun, ShownSample
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.made import route, run, sample

ANSWER = '{"intent": "refund", "count": 2, "tags": ["a", null], "of": {"key: x": true}}'


def test_literals_and_values_stand_in_turn_and_make_up_the_output() -> None:
    found = pieces(ANSWER)
    assert found.form[1::2] == ("refund", "2", "a", "null", "true")
    assert found.form[0] == '{"intent": "'
    assert "".join(found.form) == ANSWER
    assert (found.before, found.after) == ("", "")


@pytest.mark.parametrize(
    ("output", "before", "after"),
    [
        (f"<think>\nno {{}} here\n</think>\n{ANSWER}", "<think>\nno {} here\n</think>\n", ""),
        (f"Here it is:\n```json\n{ANSWER}\n```\nBye", "Here it is:\n```json\n", "\n```\nBye"),
        (f"It is {ANSWER}, I think.", "It is ", ", I think."),
    ],
)
def test_the_form_is_the_json_that_was_judged(output: str, before: str, after: str) -> None:
    found = pieces(output)
    assert (found.before, found.after) == (before, after)
    assert "".join(found.form) == ANSWER


@pytest.mark.parametrize("output", ["", "refund", '{"intent": "ref', "<think> " + ANSWER, "[" * 300])
def test_what_holds_no_value_is_text(output: str) -> None:
    assert pieces(output) == Pieces(output, (), "")


def test_a_quote_that_is_escaped_belongs_to_its_value() -> None:
    assert pieces('{"a": "say \\"no\\": 1", "b": -1.5e3}').form[1::2] == ('say \\"no\\": 1', "-1.5e3")


def test_a_cut_keeps_the_form_first_and_counts_what_it_left_out() -> None:
    whole = pieces("x" * 5000 + ANSWER + "y" * 5000)
    kept = whole.cut(1000)
    assert kept.form == whole.form
    assert len(kept.before) + len(kept.after) == 1000 - len(ANSWER)
    assert kept.left == 9000 + len(ANSWER)
    assert pieces(ANSWER).cut(20).left == len(ANSWER) - 20


def shown(name: str, output: str, outcome: str, generated: int) -> ShownRun:
    one = ShownSample(0, outcome, output, None, (), (), generated)
    return ShownRun(name, "a", "mail.yaml", "", "", (), (one,))


def verdict() -> Verdict:
    runs = [run("raw", "a", [sample(0.0)]), run("form", "a", [sample()])]
    return judge([route("raw"), route("form")], runs, gate=Gate(strict_pass=0.9), ladder=True)


def test_the_picture_is_of_one_sample_on_the_first_rung_and_on_the_promoted_one() -> None:
    found = form_picture(verdict(), [shown("raw", "Well, " + ANSWER, "silent", 62), shown("form", ANSWER, "pass", 14)])
    assert found is not None
    blank, form = found.sides
    assert [(piece.text, piece.kind) for piece in blank.pieces] == [("Well, " + ANSWER, "all")]
    assert [piece.text for piece in form.pieces if piece.kind == "value"] == ["refund", "2", "a", "null", "true"]
    assert blank.note == "62 tokens generated"
    assert form.note.startswith("14 tokens generated; 16 of 77 characters are values")


def test_without_such_a_pair_there_is_no_picture() -> None:
    assert form_picture(verdict(), []) is None
    assert form_picture(verdict(), [shown("raw", ANSWER, "pass", 1)]) is None
    assert form_picture(verdict(), [shown("raw", ANSWER, "pass", 1), shown("form", "no", "silent", 1)]) is None


def test_a_workflows_picture_counts_every_turns_values_and_not_what_the_model_was_told() -> None:
    turns = (("", '{"tool": "look"}'), ("It is Harrier.", '{"done": "yes"}'))
    ours = ShownSample(0, "pass", "", None, (), (), 9, turns=turns)
    theirs = ShownSample(0, "silent", "", None, (), (), 40, turns=(("", "Well"), ("No.", "So")))
    runs = [ShownRun(name, "a", "mail.yaml", "", "", (), (one,)) for name, one in (("raw", theirs), ("form", ours))]
    found = form_picture(verdict(), runs)
    assert found is not None
    blank, form = found.sides
    assert [(piece.text.strip(), piece.kind) for piece in blank.pieces] == [("Well", "all"), ("No.", "told"), ("So", "all")]
    assert [piece.text for piece in form.pieces if piece.kind == "value"] == ["look", "yes"]
    assert "7 of 31 characters are values" in form.note
