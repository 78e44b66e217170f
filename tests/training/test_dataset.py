"""What may be learnt from, and what may not. No torch here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pytest_understudy.errors import TaskError, TaskErrors
from pytest_understudy.training.dataset import (
    Example,
    all_examples,
    check_overlaps,
    examples_from,
    holdout_tasks,
    overlaps,
    runs,
    words,
)

from .made import conversation, harbour, suite, written

EIGHT = "the blue crane lifts four crates of salt"


def said(text: str, answer: str = "berth 3", system: str = "Rules.") -> Example:
    messages = (("system", system), ("user", text), ("assistant", answer))
    return Example(messages, "data.jsonl:1")


# Reading


def test_an_example_knows_its_line_and_ignores_other_keys(tmp_path: Path) -> None:
    file = written(tmp_path / "data.jsonl", [conversation("hello", "berth 1", system=""), "", conversation("bye", "berth 2")])
    first, second = examples_from(file)
    assert first.messages == (("user", "hello"), ("assistant", "berth 1"))
    assert (first.source, second.source) == ("data.jsonl:1", "data.jsonl:3")


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    plain = harbour(tmp_path / "data.jsonl")
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [example.messages for example in examples_from(packed)] == [example.messages for example in examples_from(plain)]


def test_a_line_separator_within_a_text_does_not_end_a_line(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps(conversation("one\u2028two\x85three", "berth 1"), ensure_ascii=False), encoding="utf-8")
    [example] = examples_from(file)
    assert example.messages[1] == ("user", "one\u2028two\x85three")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", r"data.jsonl:2: is not JSON: .*"),
        ("[1]", r"data.jsonl:2: an example is an object with a list of messages: .*"),
        ({"messages": "hello"}, r"data.jsonl:2: an example is an object with a list of messages: .*"),
        ({"messages": ["hello"]}, r"data.jsonl:2: messages\[0\]: a message is an object with role and content"),
        (
            {"messages": [{"role": "tool", "content": ""}]},
            r"data.jsonl:2: messages\[0\].role: no role 'tool'; there are 'system', 'user' and 'assistant'",
        ),
        (
            {"messages": [{"role": ["user"], "content": ""}]},
            r"data.jsonl:2: messages\[0\].role: no role \['user'\]; there are .*",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            r"data.jsonl:2: messages\[0\].content: the content is text, not .*",
        ),
        (
            {"messages": [{"role": "assistant", "content": "berth 1"}]},
            r"data.jsonl:2: messages: the last message is the assistant's answer, and something comes before it",
        ),
        (
            {"messages": [{"role": "assistant", "content": "berth 1"}, {"role": "user", "content": "thanks"}]},
            r"data.jsonl:2: messages: the last message is the assistant's answer, .*",
        ),
        (conversation("hello", ""), r"data.jsonl:2: messages\[2\].content: the answer is empty: there is nothing to learn"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: object, complaint: str) -> None:
    file = written(tmp_path / "data.jsonl", [conversation("hello", "berth 1"), line])
    with pytest.raises(TaskError, match=f"^{complaint}$"):
        examples_from(file)


def test_all_complaints_about_all_files_are_told_at_once(tmp_path: Path) -> None:
    one = written(tmp_path / "one.jsonl", ["{", conversation("hello", "berth 1"), "[]"])
    two = written(tmp_path / "two.jsonl", ["7"])
    with pytest.raises(TaskErrors) as caught:
        all_examples([one, tmp_path / "three.jsonl", two])
    places = [str(error).split(": ")[0] for error in caught.value.errors]
    assert places == ["one.jsonl:1", "one.jsonl:3", "three.jsonl", "two.jsonl:1"]
    assert "in its folder there are 'one.jsonl' and 'two.jsonl'" in str(caught.value)


def test_a_file_without_an_example_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^data.jsonl: the file holds no example$"):
        examples_from(written(tmp_path / "data.jsonl", [""]))


@pytest.mark.parametrize(
    ("name", "content"), [("data.jsonl.gz", b"plain"), ("cut.jsonl.gz", gzip.compress(b"x" * 99)[:-9]), ("data.jsonl", b"\xff")]
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TaskError, match=rf"^{name}: cannot be read: "):
        examples_from(tmp_path / name)


# The holdout's words


def test_words_are_letters_and_digits_in_one_case() -> None:
    assert words("Straße 7-b, ÉTÉ's_end…") == ["strasse", "7", "b", "été", "s", "end"]


def test_runs_are_of_so_many_words_and_a_shorter_text_is_one() -> None:
    assert runs("a b c d", 3) == {"a b c", "b c d"}
    assert runs("A, b", 3) == {"a b"}
    assert runs(" ... ", 3) == set()


def test_eight_words_in_a_row_overlap_and_seven_do_not(tmp_path: Path) -> None:
    tasks = holdout_tasks([suite(tmp_path / "s.jsonl", f"Tomorrow, {EIGHT} to the shed.")])
    seven = EIGHT.rsplit(" ", 1)[0]
    assert overlaps([said(f"I saw {seven} pepper to the shed")], tasks) == []
    [overlap] = overlaps([said(f"I saw THE BLUE crane -- {EIGHT.split(' ', 3)[3]}!")], tasks)
    assert (overlap.task.id, overlap.run) == ("t0", EIGHT)


def test_an_overlap_is_told_once_a_task_however_long_it_is(tmp_path: Path) -> None:
    text = f"{EIGHT} and {EIGHT} again"
    tasks = holdout_tasks([suite(tmp_path / "s.jsonl", text, text + " tomorrow")])
    assert [overlap.task.id for overlap in overlaps([said(text)], tasks)] == ["t0", "t1"]


def test_a_short_task_overlaps_only_as_a_whole(tmp_path: Path) -> None:
    tasks = holdout_tasks([suite(tmp_path / "s.jsonl", "Berth four, please")])
    assert [overlap.run for overlap in overlaps([said("so: berth four please, at once")], tasks)] == ["berth four please"]
    assert overlaps([said("berth fourteen pleases"), said("berth four, now please")], tasks) == []


def test_a_task_without_words_overlaps_with_nothing(tmp_path: Path) -> None:
    assert overlaps([said("anything at all")], holdout_tasks([suite(tmp_path / "s.jsonl", "?!")])) == []


def test_the_answer_counts_and_the_system_prompt_does_not(tmp_path: Path) -> None:
    tasks = holdout_tasks([suite(tmp_path / "s.jsonl", EIGHT)])
    assert overlaps([said("hello", system=EIGHT)], tasks) == []
    assert len(overlaps([said("hello", answer=EIGHT)], tasks)) == 1


def test_training_tasks_of_a_suite_may_be_learnt(tmp_path: Path) -> None:
    assert holdout_tasks([suite(tmp_path / "s.jsonl", EIGHT, split="train")]) == []


def test_an_overlap_is_refused_with_line_task_and_words(tmp_path: Path) -> None:
    tasks = holdout_tasks([suite(tmp_path / "s.jsonl", "other words", EIGHT)])
    check_overlaps([said("hello")], tasks)
    with pytest.raises(TaskErrors, match=rf"^data.jsonl:1: shares '{EIGHT}' with the holdout task 't1' \(s.jsonl:2\); "):
        check_overlaps([said("hello"), said(EIGHT)], tasks)
