"""A suite whose tasks take turns in an environment, as pytest collects it."""

from __future__ import annotations

import pytest

from .conftest import Suite

DESK = """
class Desk:
    tools = [{"name": "book", "parameters": {"properties": {"room": {"type": "string"}}}}]
    def reset(self, task): return "hello"
    def step(self, tool, arguments): return "ok"
    def state(self): return {}
"""
TASKS = """
environment: desk:Desk
tasks:
  - {id: one, input: x, expect: {state: {}}}
  - {id: two, input: x, max_turns: 3, expect: {actions: []}}
"""


def test_tasks_in_an_environment_are_collected_as_others_are(suite: Suite) -> None:
    (suite.path / "desk.py").write_text(DESK)
    result = suite.with_tasks(TASKS).run("--understudy-route=raw,prefill", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*test_emails[[]raw-one[]]", "*test_emails[[]prefill-two[]]"])
    assert result.ret == pytest.ExitCode.OK


def test_what_is_wrong_with_an_environment_is_a_collection_error_without_a_traceback(suite: Suite) -> None:
    (suite.path / "desk.py").write_text(DESK.replace("def state(self)", "def status(self)"))
    result = suite.with_tasks(TASKS).run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*emails.yaml:2: environment: 'desk:Desk' has no state(); an environment has tools, *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_task_made_in_python_names_its_environments_class(suite: Suite) -> None:
    (suite.path / "test_emails.py").write_text(
        f"import pytest\nfrom pytest_understudy import Task\n{DESK}\n"
        "@pytest.mark.holdout(Task(id='x', input='b', expect={'state': {}}, environment=Desk))\n"
        "def test_b(task):\n"
        "    assert [tool.name for tool in task.tools] == ['book']\n"
        "    assert task.form.complaints({'tool': 'book', 'arguments': {}}, '') == []\n"
    )
    suite.run("--understudy-route=raw").assert_outcomes(passed=1)
    text = (suite.path / "test_emails.py").read_text()
    (suite.path / "test_emails.py").write_text(text.replace("environment=Desk", "environment=7"))
    result = suite.run("--understudy-route=raw")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_emails.py: x: environment: * is a int, not a class; an environment has *"])
