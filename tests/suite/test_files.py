"""Suite files to tasks, and what is said of files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_understudy.errors import TaskError
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import MISSING, Task


def read(folder: Path, text: str, name: str = "suite.yaml") -> list[Task]:
    (folder / name).write_text(dedent(text), encoding="utf-8")
    return tasks_from(folder / name)


def complaints(folder: Path, text: str, name: str = "suite.yaml") -> list[str]:
    with pytest.raises(TaskError) as caught:
        read(folder, text, name)
    return str(caught.value).splitlines()


def test_what_stands_above_tasks_holds_for_each_and_a_task_overrides_it(tmp_path: Path) -> None:
    one, two = read(
        tmp_path,
        """
        instructions: Do it.
        scorer: exact
        category: A
        floor: {strict_pass: 0.5, credit: 0.6}
        budget: {tokens: 400}
        tasks:
          - {id: one, input: x, expect: y}
          - id: two
            input: z
            expect: w
            category: B
            cluster: C
            floor: {credit: 0.9}
            confirm: true
            known_miss: hard
            split: train
        """,
    )
    assert (one.instructions, one.category, one.cluster, one.split, one.confirm) == ("Do it.", "A", "A", "holdout", False)
    assert (two.category, two.cluster, two.split, two.confirm, two.known_miss) == ("B", "C", "train", True, "hard")
    assert (two.floor.strict_pass, two.floor.credit, two.budget.tokens, two.budget.seconds) == (0.5, 0.9, 400, float("inf"))
    assert (one.source, two.source) == ("suite.yaml:8", "suite.yaml:9")


def test_jsonl_is_one_task_a_line(tmp_path: Path) -> None:
    lines = [{"id": "a", "input": "x", "expect": {"k": 1}}, {"id": "b", "input": "y", "expect": None}]
    first, second = read(tmp_path, "\n".join(json.dumps(line) for line in lines) + "\n\n", "suite.jsonl")
    assert (first.expect, first.source, second.expect, second.source) == ({"k": 1}, "suite.jsonl:1", None, "suite.jsonl:2")


def test_an_absent_expect_is_not_null(tmp_path: Path) -> None:
    assert read(tmp_path, "tasks: [{id: a, input: x}]")[0].expect is MISSING


def test_yaml_is_read_as_json_types(tmp_path: Path) -> None:
    task = read(
        tmp_path, "tasks: [{id: 7, input: x, expect: {due: 2026-12-13, at: 2026-12-13 10:00:00, n: 3, ok: true, none: null}}]"
    )[0]
    assert task.id == "7"
    assert task.expect == {"due": "2026-12-13", "at": "2026-12-13 10:00:00", "n": 3, "ok": True, "none": None}


def test_one_mistake_above_tasks_is_one_complaint(tmp_path: Path) -> None:
    assert complaints(
        tmp_path, "scorr: fields\nform: {regex: '('}\ntasks:\n  - {id: a, input: x}\n  - {id: b, input: y}\n  - text\n"
    )[::2] == [
        "suite.yaml:1: scorr: unknown key 'scorr'; did you mean 'scorer'?",
        "suite.yaml:6: a task is a mapping with at least 'id' and 'input'",
    ]


def test_all_bad_tasks_of_a_file_are_told_at_once_with_what_would_have_been_right(tmp_path: Path) -> None:
    said = complaints(
        tmp_path,
        """\
        tasks:
          - id: a b
            input: x
          - id: ok
            inputs: x
          - input: x
          - id: c
            input: 3
            split: test
            floor: {strict: 1}
          - {id: d, input: x, confirm: maybe, floor: {credit: 2}}
        """,
    )
    assert said == [
        "suite.yaml:2: id: 'a b' is no id; an id has letters, digits, - _ and . only",
        "suite.yaml:4: input: a task needs 'input'",
        "suite.yaml:5: inputs: unknown key 'inputs'; did you mean 'input'?",
        "suite.yaml:6: id: a task needs 'id'",
        "suite.yaml:8: input: input should be a valid string, not 3",
        "suite.yaml:9: split: input should be 'holdout' or 'train', not 'test'",
        "suite.yaml:10: floor.strict: unknown key 'strict'; did you mean 'strict_pass'?",
        "suite.yaml:11: floor.credit: input should be less than or equal to 1, not 2",
        "suite.yaml:11: confirm: input should be a valid boolean, not 'maybe'",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "suite.yaml:1: the file is empty; a suite is a mapping with a list under 'tasks'"),
        ("# only a comment\n", "suite.yaml:1: the file is empty; a suite is a mapping with a list under 'tasks'"),
        ("- a\n", "suite.yaml:1: a suite is a mapping with a list under 'tasks'"),
        ("scorer: exact\n", "suite.yaml:1: there is no 'tasks'; a suite is a mapping with a list under 'tasks'"),
        ("scorer: exact\ntasks: []\n", "suite.yaml:2: tasks: 'tasks' is not a list of at least one task"),
        ("tasks: [\n", "suite.yaml:2: not YAML: expected the node content, but found '<stream end>'"),
        ("tasks:\n  - {id: a, input: x}\ntasks:\n  - {id: b, input: x}\n", "suite.yaml:3: tasks: the key 'tasks' stands twice"),
        ("tasks:\n  - {id: a, input: x, expect: {b: 1, b: 2}}\n", "suite.yaml:2: b: the key 'b' stands twice"),
        ("tasks:\n  - {id: a, input: x, expect: {1: 2}}\n", "suite.yaml:2: keys are strings: put '1' in quotes"),
        (
            "tasks:\n  - {id: a, input: x}\n  - {id: a, input: y}\n",
            "suite.yaml:3: id: 'a' is taken: it stands at suite.yaml:2 too",
        ),
        (
            "tasks:\n  - {id: a, input: !!python/object:os.system x}\n",
            "suite.yaml:2: not YAML: could not determine a constructor",
        ),
        ("form: nowhere.json\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: form: no such file: 'nowhere.json'"),
        ("form: nowhere:Model\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: form: cannot import 'nowhere'"),
        ("form: {type: objekt}\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: form:"),
        ("form: {regex: '('}\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: form:"),
        ("form: {lark: 'start: x'}\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: form:"),
        ("tools: nowhere.yaml\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: tools: no such file: 'nowhere.yaml'"),
        ("tools: [{name: a}, {name: a}]\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: tools: two tools are named 'a'"),
        ("tools: []\ntasks:\n  - {id: a, input: x}\n", "suite.yaml:1: tools: the list of tools is empty"),
        (
            "form: {}\ntools: [{name: a}]\ntasks:\n  - {id: a, input: x}\n",
            "suite.yaml:2: tools: a task has either a form or tools",
        ),
    ],
)
def test_a_file_that_is_wrong_is_told_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    lines = complaints(tmp_path, text)
    assert lines[0].startswith(said), lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "suite.jsonl:1: the file is empty; a suite in JSONL is one task, an object, a line"),
        ('{"id": "a", "input": "x"}\n{"id": \n', "suite.jsonl:2: not JSON: "),
        ('{"id": "a", "id": "b", "input": "x"}\n', "suite.jsonl:1: not JSON: the key 'id' stands twice"),
        ("[1]\n", "suite.jsonl:1: a line is one task, an object"),
    ],
)
def test_a_jsonl_file_that_is_wrong_is_told_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    assert complaints(tmp_path, text, "suite.jsonl")[0].startswith(said)


def test_other_names_are_refused_with_those_that_would_do(tmp_path: Path) -> None:
    assert complaints(tmp_path, "x", "suite.txt") == ["suite.txt: a suite is a file named '.yaml', '.yml' and '.jsonl'"]
    (tmp_path / "suite.yaml").touch()
    with pytest.raises(TaskError, match=r"no such file; in its folder there are 'suite\.yaml'"):
        tasks_from(tmp_path / "suit.yaml")


def test_a_form_is_a_file_a_model_or_stands_inline_and_tools_make_one(tmp_path: Path) -> None:
    (tmp_path / "form.json").write_text('{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}')
    (tmp_path / "models.py").write_text("from pydantic import BaseModel\n\nclass Reply(BaseModel):\n    a: int\n")
    (tmp_path / "tools.yaml").write_text(
        "- name: book\n  description: Book a room.\n  parameters: {type: object, properties: {room: {type: string}}}\n"
    )
    tasks = read(
        tmp_path,
        """
        tasks:
          - {id: file, input: x, form: form.json}
          - {id: model, input: x, form: "models:Reply"}
          - {id: inline, input: x, form: {type: object, properties: {a: {type: integer}}, required: [a]}}
          - {id: regex, input: x, form: {regex: "[ab]+"}}
          - {id: lark, input: x, form: {lark: 'start: "a" | "b"'}}
          - {id: tools, input: x, tools: tools.yaml}
        """,
    )
    forms = {task.id: task.form for task in tasks}
    assert all(form is not None for form in forms.values())
    assert forms["file"].key == forms["inline"].key  # type: ignore[union-attr]
    assert forms["tools"].opening.startswith('{"actions": [')  # type: ignore[union-attr]
    assert tasks[-1].tools[0].name == "book"
    assert not any(str(tmp_path) in entry for entry in __import__("sys").path)


def test_equal_questions_have_equal_hashes(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path,
        """
        tasks:
          - {id: a, input: x, expect: {k: 1}, category: A}
          - {id: b, input: x, expect: {k: 1}, category: B}
          - {id: c, input: x, expect: {k: 2}}
        """,
    )
    assert one.hash == two.hash != three.hash


def test_two_suites_may_each_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "shapes.py").write_text(f"from pydantic import BaseModel\n\nclass Reply(BaseModel):\n    {name}: int\n")
        found.append(read(folder, "form: 'shapes:Reply'\ntasks: [{id: a, input: x}]")[0].form)
    assert [form.opening for form in found if form] == ['{"one":', '{"two":']


def test_two_suites_may_each_have_a_package_of_the_same_name(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        package = tmp_path / name / "checks"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "shapes.py").write_text(f"from pydantic import BaseModel\n\nclass Reply(BaseModel):\n    {name}: int\n")
        found.append(read(tmp_path / name, "form: 'checks.shapes:Reply'\ntasks: [{id: a, input: x}]")[0].form)
    assert [form.opening for form in found if form] == ['{"one":', '{"two":']


@pytest.mark.parametrize(
    "text",
    [
        "tasks:\n  - {id: a, input: x, expect: 0x_}\n",
        "tasks:\n  - {id: a, input: x, expect: " + "[" * 5000 + "]" * 5000 + "}\n",
        "form: '" + json.dumps({"type": "object", "description": "long " * 100}) + "'\ntasks:\n  - {id: a, input: x}\n",
    ],
    ids=["an odd number", "deep", "a schema in quotes"],
)
def test_what_no_reader_expects_is_a_complaint_with_its_place(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, text)[0].startswith("suite.yaml:")


def test_a_tag_in_a_file_that_a_suite_names_is_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "form.yaml").write_text("type: !!python/name:os.system x\n")
    assert complaints(tmp_path, "form: form.yaml\ntasks:\n  - {id: a, input: x}\n")[0].startswith(
        "suite.yaml:1: form: form.yaml:1: not YAML"
    )
