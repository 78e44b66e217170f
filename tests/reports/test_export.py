"""Training examples: what a line holds, what is left out, and a file that is whole or not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.endpoints.endpoint import Tokens, Turn
from pytest_understudy.errors import ConfigError
from pytest_understudy.reports.export import Example, Export, Exported, examples_of
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Plan, Run, Sample
from pytest_understudy.scoring.score import Score
from pytest_understudy.suite.task import Task, Tool

from ..suite.desk import Desk


def sample(number: int, output: str, *, strict: bool = True, error: str | None = None) -> Sample:
    return Sample(number, output, None, "stop", Score(float(strict), strict), Tokens(), 0.1, error=error)


def plan(*, controls: tuple[str, ...] = (), instructions: str = "Triage.", **task: Any) -> Plan:
    asked = Task(id="lamp", input="It broke.", instructions=instructions, file="mail.yaml", split="train", **task)
    return Plan(asked, Route(name="raw", endpoint="local", controls=controls), 2)


def examples(of: Plan, *samples: Sample, soft: bool = True) -> list[Example]:
    return examples_of(of, Run.of(of, samples), soft=soft)


def test_a_strict_pass_is_a_chat_with_its_origin() -> None:
    (example,) = examples(plan(), sample(0, "refund"), sample(1, "no", strict=False), sample(2, "refund", error="down"))
    assert json.loads(example.line) == {
        "messages": [
            {"role": "system", "content": "Triage."},
            {"role": "user", "content": "It broke."},
            {"role": "assistant", "content": "refund"},
        ],
        "metadata": {"route": "raw", "task": "lamp", "sample": 0},
    }


def test_without_instructions_there_is_no_system_message_and_with_tools_it_holds_them() -> None:
    (bare,) = examples(plan(instructions=""), sample(0, "refund"))
    assert [message.role for message in bare.messages] == ["user", "assistant"]
    (tooled,) = examples(plan(tools=(Tool("book", "Books a room."),)), sample(0, "x"))
    assert "Books a room." in tooled.messages[0].content


@pytest.mark.parametrize(
    ("controls", "soft", "user"),
    [
        (("no_think",), True, "It broke. /no_think"),
        (("no_think",), False, "It broke."),
        ((), True, "It broke."),
    ],
)
def test_the_user_message_is_the_one_that_was_sent(controls: tuple[str, ...], soft: bool, user: str) -> None:
    (example,) = examples(plan(controls=controls), sample(0, "refund"), soft=soft)
    assert example.messages[-2].content == user


def test_the_output_is_kept_whole_thoughts_and_white_space_included() -> None:
    output = '<think>\nhm, é\u2028\n</think>\n\n{"a": 1}\n'
    (example,) = examples(plan(), sample(0, output))
    assert json.loads(example.line)["messages"][-1]["content"] == output
    assert "\n" not in example.line


def test_an_example_crosses_a_process_unchanged_and_encodable() -> None:
    (example,) = examples(plan(), sample(0, "half a pair: \ud83d"))
    report = pytest.TestReport("a::b", ("a", 0, "b"), {}, "passed", None, "teardown")
    report.__dict__["understudy_examples"] = [example.to_json()]
    sent = json.loads(json.dumps(report._to_json(), ensure_ascii=False).encode())
    assert Example.from_json(pytest.TestReport._from_json(sent).__dict__["understudy_examples"][0]) == example


def test_equal_chats_are_written_once_the_first_of_them(tmp_path: Path) -> None:
    path = tmp_path / "sft.jsonl"
    found = examples(plan(), sample(0, "one"), sample(1, "two"), sample(2, "one"))
    exported = Exported.written(path, found)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["messages"][-1]["content"], line["metadata"]["sample"]) for line in lines] == [("one", 0), ("two", 1)]
    assert list(exported.told("sft.jsonl")) == ["2 training examples written to sft.jsonl (3 strict passes, 1 of them repeated)"]


def test_a_workflow_is_a_chat_for_each_of_its_turns_with_all_that_was_said_before(tmp_path: Path) -> None:
    look, done = '{"tool": "look", "arguments": {}}', '{"done": "ok"}'
    turns = (Turn("It broke. Two rooms.", look, "stop", 1), Turn("Both are free.", done, "stop", 2))
    one, other = (replace(sample(number, f"{look}\n{done}"), turns=turns) for number in (0, 1))
    task = plan(controls=("no_think",), tools=(Tool("look"),), environment=Desk)
    found = examples(task, one, other)
    first, second = (json.loads(example.line) for example in found[:2])
    assert [first["metadata"]["turn"], second["metadata"]["turn"]] == [1, 2]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert [message["content"] for message in second["messages"][1:]] == [
        "It broke. Two rooms. /no_think",
        look,
        "Both are free. /no_think",
        done,
    ]
    assert first["messages"] == second["messages"][:3]
    exported = Exported.written(tmp_path / "sft.jsonl", found)
    (told,) = exported.told("sft.jsonl")
    assert told == "2 training examples written to sft.jsonl (2 strict passes in 4 turns, 2 of them repeated)"
    crossed = [Example.from_json(json.loads(json.dumps(example.to_json()))) for example in found]
    assert crossed == found


def test_a_file_that_cannot_be_written_to_its_end_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "sft.jsonl"
    path.write_text("before\n")
    bad = Example((), "raw", "\ud83d", 0, "train")
    with pytest.raises(UnicodeEncodeError):
        Exported.written(path, [bad])
    assert path.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [path]


def test_behind_a_link_the_file_is_written_and_others_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    Exported.written(tmp_path / "link.jsonl", examples(plan(), sample(0, "one")))
    assert (tmp_path / "link.jsonl").is_symlink()
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "real.jsonl").stat().st_mode == plain.stat().st_mode


def run(*, split: str = "train", confirm: bool = False, cluster: str = "Leases") -> Run:
    return Run("raw", "lamp", "mail.yaml", "0" * 16, "Mail", cluster, split, confirm, 2)


@pytest.mark.parametrize(
    ("taken", "holdout", "of"),
    [
        (True, False, run()),
        (False, False, run(split="holdout")),
        (True, True, run(split="holdout")),
        (False, True, run(confirm=True)),
        (False, True, run(split="holdout", confirm=True)),
        (False, True, run(cluster="Mail")),
    ],
)
def test_the_holdout_is_taken_when_asked_for_and_what_confirms_never(taken: bool, holdout: bool, of: Run) -> None:
    assert Export(Path("sft.jsonl"), ("Leases",), holdout).takes(of) is taken


def test_a_cluster_that_nothing_can_be_exported_under_is_told_with_those_that_there_are() -> None:
    runs = [run(), run(cluster="Mail"), run(cluster="Kept", confirm=True)]
    Export(Path("sft.jsonl"), ("Leases", "Mail")).check(runs)
    for name in ("Lease", "Kept"):
        with pytest.raises(ConfigError, match=rf"has the cluster '{name}'; there are 'Leases' and 'Mail'"):
            Export(Path("sft.jsonl"), (name,)).check(runs)
