"""An environment in a suite file, and what is said of one that is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from .test_files import complaints, read

GOOD = """
class Desk:
    tools = [{"name": "book", "parameters": {"properties": {"room": {"type": "string"}}, "required": ["room"]}}]
    def reset(self, task): return "hello"
    def step(self, tool, arguments): return "ok"
    def state(self): return {}
"""
SUITE = """
instructions: Do it.
environment: desk:Desk
tasks:
  - {id: one, input: x, expect: {actions: []}}
"""


def desk(folder: Path, text: str = GOOD) -> Path:
    (folder / "desk.py").write_text(dedent(text), encoding="utf-8")
    return folder


def test_an_environment_gives_a_task_its_tools_and_the_form_of_a_turn(tmp_path: Path) -> None:
    (task,) = read(desk(tmp_path), SUITE)
    assert task.environment is not None
    assert task.environment().reset(task) == "hello"
    assert (task.environment_name, task.max_turns, [tool.name for tool in task.tools]) == ("desk:Desk", 8, ["book"])
    assert task.form is not None
    for turn in ({"tool": "book", "arguments": {"room": "Plover"}}, {"done": "booked"}):
        assert task.form.complaints(turn, "") == []
        cursor = task.form.start()
        assert cursor.take(json.dumps(turn)) == ""
        assert cursor.done
    assert task.form.complaints({"done": "booked", "tool": "book"}, "") != []
    assert task.form.opening == '{"'


def test_a_form_or_tools_of_a_tasks_own_replace_a_shared_environment_and_the_reverse(tmp_path: Path) -> None:
    one_shot, workflow = read(
        desk(tmp_path),
        """
        environment: desk:Desk
        max_turns: 3
        tasks:
          - {id: one, input: x, form: {type: object}, expect: {}}
          - {id: two, input: x, max_turns: 5, expect: {actions: []}}
        """,
    )
    assert (one_shot.environment, one_shot.tools, one_shot.max_turns) == (None, (), 8)
    assert (workflow.environment_name, workflow.max_turns) == ("desk:Desk", 5)


def test_a_task_is_another_in_another_environment_or_with_other_turns(tmp_path: Path) -> None:
    (task,) = read(desk(tmp_path), SUITE)
    others = [replace(task, environment=None), replace(task, max_turns=9)]
    assert len({task.hash, *(other.hash for other in others)}) == 3


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "def reset(self, task)",
            "def begin(self, task)",
            "'desk:Desk' has no reset(task); an environment has tools, reset(task)",
        ),
        (
            "def step(self, tool, arguments)",
            "def step(self, tool)",
            "step of 'desk:Desk' can't be called as step(tool, arguments)",
        ),
        ("def state(self)", "async def state(self)", "state of 'desk:Desk' is async"),
        ("class Desk:", "class Table:", "module 'desk' has no 'Desk'; it has 'Table'"),
        ("tools = [", "utensils = [", "'desk:Desk' has no tools"),
        ("tools = [", "tools = {}; others = [", "tools of 'desk:Desk' are a list of definitions, not a dict"),
        ("tools = [", "tools = []; others = [", "the list of tools is empty"),
        ('"name": "book", ', "", "desk:Desk, tool 1: name: a tool needs 'name'"),
        ('"type": "string"', '"type": "strong"', "tool 'book': not a valid JSON Schema"),
        ("tools =", "def __init__(self, world): ...\n    tools =", "'desk:Desk' can't be made without arguments (TypeError"),
        ("class Desk:", "import nowhere_at_all\nclass Desk:", "cannot import 'desk' (ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_with_an_environment_is_said_with_file_line_and_key(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in GOOD
    (complaint,) = complaints(desk(tmp_path, GOOD.replace(before, after)), SUITE)
    assert complaint.startswith("suite.yaml:3: environment: ")
    assert told in complaint


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("form: {type: object}", "suite.yaml:4: form: a task has either an environment or form"),
        ("tools: [{name: book}]", "suite.yaml:4: tools: a task has either an environment or tools"),
        ("max_turns: 0", "suite.yaml:4: max_turns: input should be greater than or equal to 1, not 0"),
    ],
)
def test_an_environment_stands_alone_and_has_at_least_one_turn(tmp_path: Path, key: str, told: str) -> None:
    (complaint,) = complaints(desk(tmp_path), SUITE.replace("tasks:", f"{key}\ntasks:"))
    assert complaint.startswith(told)


def test_turns_without_an_environment_are_a_mistake(tmp_path: Path) -> None:
    (complaint,) = complaints(tmp_path, "tasks:\n  - {id: one, input: x, expect: y, max_turns: 3}\n")
    assert complaint.startswith("suite.yaml:2: max_turns: turns are taken in an environment, and there is none")
