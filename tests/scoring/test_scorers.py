"""Which scorer a task has, what every answer is held to, and a suite's own scorers."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_understudy.errors import ScorerError, TaskError
from pytest_understudy.scoring.actions import Actions
from pytest_understudy.scoring.custom import Custom
from pytest_understudy.scoring.fields import Fields
from pytest_understudy.scoring.score import Answer, Check, Outcome, Score
from pytest_understudy.scoring.scorers import Exact, judged, scorer_for
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task, Tool

UNFINISHED = ["length", "timeout", "refusal", "content_filter", "overflow", "unfilled"]
SCHEMA = {"type": "object", "properties": {"intent": {"type": "string"}}, "required": ["intent"], "additionalProperties": False}


def task(**changes: Any) -> Task:
    return Task(**{"id": "refund-1", "input": "mail", "source": "operations.yaml:41", **changes})


def scored(answered: Task, output: str, finish: str = "stop") -> Score:
    return judged(answered, output, finish)[1]


def failed(score: Score) -> list[str]:
    return [check.name for check in score.checks if not check.passed]


# Which scorer


def test_without_a_name_the_scorer_follows_from_tools_and_expect() -> None:
    assert isinstance(scorer_for(task(expect={"actions": []}, tools=(Tool("a"),))), Actions)
    assert isinstance(scorer_for(task(expect={"a": 1})), Fields)
    assert isinstance(scorer_for(task(expect="refund")), Exact)
    assert isinstance(scorer_for(task(expect={"any_of": ["yes", "no"]})), Exact)
    assert isinstance(scorer_for(task(scorer=lambda task, answer: True)), Custom)


def test_an_unknown_scorer_is_named_with_those_that_exist() -> None:
    with pytest.raises(TaskError) as raised:
        scorer_for(task(scorer="exat", expect="a"))
    assert str(raised.value) == (
        "operations.yaml:41: scorer: no scorer named 'exat'; "
        "there are 'exact', 'fields', 'actions' and 'state', or module:function"
    )


@pytest.mark.parametrize("scorer", ["exact", "fields", "actions", ""])
def test_a_missing_expect_is_an_error_of_the_task(scorer: str) -> None:
    with pytest.raises(TaskError, match=r"^operations\.yaml:41: expect: the '\w+' scorer needs `expect`"):
        scorer_for(task(scorer=scorer))


@pytest.mark.parametrize("expect", [None, 3, True, ["a"], {"a": 1}, "", " "])
def test_exact_needs_some_text_or_a_matcher(expect: Any) -> None:
    with pytest.raises(TaskError, match=r"^operations\.yaml:41: expect: the 'exact' scorer needs "):
        scorer_for(task(scorer="exact", expect=expect))


def test_a_task_that_no_file_holds_is_named_by_its_id() -> None:
    with pytest.raises(TaskError, match=r"^task 'refund-1': expect: "):
        scorer_for(task(source=""))


def test_what_a_task_expects_is_read_once_for_all_its_samples() -> None:
    one, other = task(expect={"a": {"pattern": "x+"}}), task(expect={"a": {"pattern": "x+"}})
    assert scorer_for(one) is scorer_for(one)
    assert scorer_for(one) is not scorer_for(other)
    assert scorer_for(one) == scorer_for(other)


# exact


@pytest.mark.parametrize("output", ["refund", " refund\n", '"refund"', "<think>hm</think>\nrefund", '<think></think>"refund"'])
def test_exact_compares_the_text_or_the_string_that_it_is_as_json(output: str) -> None:
    score = scored(task(expect="refund"), output)
    assert (score.credit, score.strict, score.outcome) == (1.0, True, "pass")
    assert [check.name for check in score.checks] == ["finished", "parsed", "exact"]


@pytest.mark.parametrize("output", ["Refund", "refund.", "a refund", "{}", "re fund"])
def test_another_text_is_a_silent_miss(output: str) -> None:
    score = scored(task(expect="refund"), output)
    assert (score.credit, score.strict, score.outcome, score.missed) == (0.0, False, "silent", "exact")
    assert score.checks[-1].detail.startswith('expected "refund", given ')


def test_exact_strings_compare_in_nfc_and_loosely_where_asked() -> None:
    assert scored(task(expect="Müller"), "Müller").strict
    assert scored(task(expect="Refund it", compare="loose"), "refund, IT.").strict


def test_exact_takes_matchers() -> None:
    assert scored(task(expect={"pattern": "[A-Z]{2}-[0-9]+"}), "AB-12\n").strict
    assert scored(task(expect={"close_to": 42, "within": 1}), "41.5").strict
    assert not scored(task(expect={"close_to": 42, "within": 1}), "about 42").strict
    assert scored(task(expect={"any": True}), "whatever").strict


@pytest.mark.parametrize(("output", "detail"), [("", "empty"), ("  \n", "empty"), ("<think>refund", "never closed")])
def test_an_answer_without_text_can_be_seen(output: str, detail: str) -> None:
    value, score = judged(task(expect={"any": True}), output, "stop")
    assert value is None
    assert (score.credit, score.strict, score.outcome, score.missed) == (0.0, False, "detectable", "parsed")
    assert detail in score.checks[-1].detail


def test_the_value_of_a_text_is_the_text_unless_it_is_json() -> None:
    assert judged(task(expect="refund"), "refund\n", "stop")[0] == "refund"
    assert judged(task(expect="refund"), '"refund"', "stop")[0] == "refund"
    form = Form.from_regex("[0-9]+|[A-Z]+")
    assert judged(task(expect="42", form=form), "42", "stop")[0] == 42
    assert judged(task(expect="AB", form=form), "AB", "stop")[0] == "AB"
    assert scored(task(expect="42", form=form), "42").strict


# What every answer is held to


def test_a_regex_form_judges_the_text() -> None:
    answered = task(expect={"any": True}, form=Form.from_regex("[A-Z]{2}-[0-9]+"))
    assert scored(answered, "<think></think>\nAB-12\n").strict
    score = scored(answered, "ab-12")
    assert (score.credit, score.strict, score.outcome, score.missed) == (1.0, False, "detectable", "valid")
    assert score.checks[2].detail


def test_a_grammar_that_ends_in_a_line_end_is_held_by_a_text_with_one() -> None:
    answered = task(expect="yes", form=Form.from_lark('start: "yes" /\\n/'))
    assert scored(answered, "yes\n").strict
    assert scored(answered, "yes").missed == "valid"


def test_prose_around_a_value_is_forgiven_unless_parsing_is_strict() -> None:
    output = 'Sure:\n```json\n{"intent": "refund"}\n```'
    assert scored(task(expect={"intent": "refund"}, form=Form.from_schema(SCHEMA)), output).strict
    strict = scored(task(expect={"intent": "refund"}, parse="strict"), output)
    assert (strict.credit, strict.strict, strict.outcome, strict.missed) == (1.0, False, "detectable", "clean")
    clean = scored(task(expect={"intent": "refund"}, parse="strict"), '<think>\n</think>{"intent": "refund"}')
    assert clean.strict
    assert [check.name for check in clean.checks] == ["finished", "parsed", "clean", "intent"]


@pytest.mark.parametrize("finish", UNFINISHED)
@pytest.mark.parametrize("output", ['{"intent": "refund"}', '{"intent": "ref', ""])
def test_what_did_not_finish_is_failed_and_can_be_seen(finish: str, output: str) -> None:
    score = scored(task(expect={"intent": "refund"}, form=Form.from_schema(SCHEMA)), output, finish)
    assert (score.credit, score.strict, score.outcome) == (0.0, False, "detectable")
    assert score.missed == ("filled" if finish == "unfilled" else "finished")
    assert next(check.detail for check in score.checks if not check.passed)


@pytest.mark.parametrize("finish", UNFINISHED)
def test_what_did_not_finish_is_failed_for_every_scorer(finish: str) -> None:
    for answered in (task(expect="refund"), task(scorer=lambda task, answer: True)):
        score = scored(answered, "refund", finish)
        assert (score.credit, score.strict, score.outcome) == (0.0, False, "detectable")


def test_the_value_of_an_unfilled_form_is_still_told() -> None:
    assert judged(task(expect={"intent": "refund"}), '{"intent": ""}', "unfilled")[0] == {"intent": ""}


def test_credit_1_does_not_imply_strict() -> None:
    score = scored(task(expect={"intent": "refund"}), '{"intent": "refund", "note": ""}')
    assert (score.credit, score.strict, score.outcome) == (1.0, False, "silent")


# A suite's own scorers


def test_a_bool_is_credit_0_or_1_and_a_float_is_the_credit() -> None:
    for returned in (True, 1.0, 1):
        score = scored(task(scorer=lambda task, answer, returned=returned: returned), "x")
        assert (score.credit, score.strict, score.outcome) == (1.0, True, "pass")
    for returned in (False, 0.0, 0, 0.4):
        score = scored(task(scorer=lambda task, answer, returned=returned: returned), "x")
        assert (score.credit, score.strict, score.outcome) == (float(returned), False, "silent")


def test_a_scorer_sees_the_task_and_the_whole_answer() -> None:
    seen: list[tuple[Task, Answer]] = []

    def sees(task: Task, answer: Answer) -> bool:
        seen.append((task, answer))
        return True

    answered = task(scorer=sees)
    judged(answered, '<think></think>{"a": 1}', "length")
    judged(answered, "no value", "stop")
    assert seen[0] == (answered, Answer('<think></think>{"a": 1}', {"a": 1}, "length"))
    assert seen[1] == (answered, Answer("no value", None, "stop"))


@pytest.mark.parametrize(
    ("strict", "said", "outcome"),
    [
        (True, None, "pass"),
        (True, "pass", "pass"),
        (False, None, "silent"),
        (False, "harm", "harm"),
        (False, "detectable", "detectable"),
    ],
)
def test_a_score_of_its_own_keeps_its_outcome_or_gets_one(strict: bool, said: Outcome | None, outcome: str) -> None:
    own = Score(1.0, strict, (Check("tone", strict, "rude"),), said)
    score = scored(task(scorer=lambda task, answer: own), "x")
    assert (score.credit, score.strict, score.outcome) == (1.0, strict, outcome)
    assert score.missed == (None if strict else "tone")


def test_a_form_binds_a_suites_own_scorer_too() -> None:
    answered = task(scorer=lambda task, answer: True, form=Form.from_schema(SCHEMA))
    assert scored(answered, '{"intent": "refund"}').strict
    assert scored(answered, '{"intent": 3}').missed == "valid"
    unparsed = scored(answered, "refund")
    assert (unparsed.strict, unparsed.outcome, unparsed.missed) == (False, "detectable", "parsed")


class Refused:
    """Anything that is no score."""

    def __repr__(self) -> str:
        return "Refused()"


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (1.01, "the credit 1.01, which is not in [0, 1]"),
        (-0.1, "not in [0, 1]"),
        (math.nan, "the credit nan"),
        (math.inf, "the credit inf"),
        (2, "the credit 2"),
        (None, "returned None, a NoneType"),
        ("pass", "a str; it returns a Score, a bool or a float"),
        (Refused(), "Refused()"),
        (Score(1.5, False), "the credit 1.5"),
        (Score(math.nan, False), "the credit nan"),
        (Score(0.5, True), "strict needs credit 1"),
        (Score(True, True), "whose credit is True"),
        (Score(1.0, 1), "whose strict is 1"),  # type: ignore[arg-type]  # what a suite without types may return
        (Score(1.0, False, (), "pass"), "outcome 'pass'"),
        (Score(1.0, True, (), "harm"), "outcome 'harm'"),
        (Score(1.0, True, ("tone",)), "class Check"),  # type: ignore[arg-type]  # the same
    ],
)
def test_what_is_no_score_is_an_error_of_the_scorer(returned: Any, words: str) -> None:
    def own(task: Task, answer: Answer) -> Any:
        return returned

    with pytest.raises(ScorerError) as raised:
        judged(task(scorer=own), "x", "stop")
    assert str(raised.value).startswith("operations.yaml:41 refund-1: the scorer ")
    assert "own" in str(raised.value)
    assert words in str(raised.value)


def test_an_exception_is_told_with_scorer_task_last_line_and_place() -> None:
    def fails(task: Task, answer: Answer) -> bool:
        raise ValueError("first line\nno such key")

    with pytest.raises(ScorerError) as raised:
        judged(task(scorer=fails), "x", "stop")
    message = str(raised.value)
    assert message.startswith("operations.yaml:41 refund-1: the scorer ")
    assert "fails' raised ValueError: first line no such key (test_scorers.py:" in message
    assert isinstance(raised.value.__cause__, ValueError)


def test_an_assertion_in_a_scorer_is_an_error_too() -> None:
    def asserts(task: Task, answer: Answer) -> bool:
        assert answer.value == {"a": 1}, "not it"
        return True

    assert scored(task(scorer=asserts), '{"a": 1}').strict
    with pytest.raises(ScorerError, match="AssertionError: not it"):
        judged(task(scorer=asserts), "{}", "stop")


async def is_async(task: Task, answer: Answer) -> bool:
    return True


@pytest.mark.parametrize(
    ("scorer", "words"),
    [(is_async, "is async"), (lambda answer: True, "can't be called with"), (max, None), (len, "can't be called")],
)
def test_a_function_that_can_not_score_is_found_while_collecting(scorer: Any, words: str | None) -> None:
    if words is None:
        assert isinstance(scorer_for(task(scorer=scorer)), Custom)
    else:
        with pytest.raises(TaskError, match=words):
            scorer_for(task(scorer=scorer))


def test_a_scorer_is_imported_from_the_suites_folder(tmp_path: Path) -> None:
    path = list(sys.path)
    (tmp_path / "suite_words.py").write_text("WORD = 'refund'\n")
    (tmp_path / "suite_scorers.py").write_text(
        "from suite_words import WORD\n\ndef has_word(task, answer):\n    return WORD in answer.output\n\nLIMIT = 3\n"
    )
    answered = task(scorer="suite_scorers:has_word", folder=str(tmp_path))
    assert scored(answered, "a refund").strict
    assert not scored(answered, "an order").strict
    assert sys.path == path
    with pytest.raises(TaskError, match=r"^operations\.yaml:41: scorer: .*has_wrd"):
        scorer_for(task(scorer="suite_scorers:has_wrd", folder=str(tmp_path)))
    with pytest.raises(TaskError, match="is a int, not a function"):
        scorer_for(task(scorer="suite_scorers:LIMIT", folder=str(tmp_path)))


@pytest.mark.parametrize("text", ["def broken(:\n", "import no_such_module_anywhere\n", "raise RuntimeError('at import')\n"])
def test_a_module_that_can_not_be_imported_is_an_error_of_the_task(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken_scorers.py").write_text(text)
    with pytest.raises(TaskError, match=r"^operations\.yaml:41: scorer: .*broken_scorers"):
        scorer_for(task(scorer="broken_scorers:broken", folder=str(tmp_path)))
    with pytest.raises(TaskError, match="no_such_scorers"):
        scorer_for(task(scorer="no_such_scorers:any", folder=str(tmp_path)))


# Whatever a model says


@given(
    st.text(max_size=40) | st.just('{"\\ud800": "\\udfff"}'),
    st.sampled_from(["stop", *UNFINISHED]),
    st.sampled_from(["exact", "fields", "actions", "own"]),
)
@settings(max_examples=300, deadline=None)
def test_every_output_has_a_score_with_an_outcome(output: str, finish: str, kind: str) -> None:
    answered = {
        "exact": task(expect="a"),
        "fields": task(expect={"a": 1}),
        "actions": task(expect={"actions": [{"tool": "a"}], "forbid": ["b"]}, scorer="actions"),
        "own": task(scorer=lambda task, answer: 0.5),
    }[kind]
    score = scored(answered, output, finish)
    assert 0.0 <= score.credit <= 1.0
    assert score.outcome in ("pass", "detectable", "silent", "harm")
    assert score.strict == (score.outcome == "pass") == (score.missed is None)
    assert not score.strict or score.credit == 1.0
    assert finish == "stop" or score.credit == 0.0
    told = "".join(check.name + check.detail for check in score.checks)
    assert told == told.encode().decode()  # a lone surrogate would end an xdist session


@given(st.floats())
@settings(max_examples=100, deadline=None)
def test_a_credit_outside_0_to_1_is_an_error_and_one_inside_is_kept(credit: float) -> None:
    answered = task(scorer=lambda task, answer: credit)
    if 0.0 <= credit <= 1.0:
        assert scored(answered, "x").credit == credit
    else:
        with pytest.raises(ScorerError):
            scored(answered, "x")
