"""A suite with its config in pytester's folder, and the server that it asks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from .server import Reply, Server, said

# Where the tests run in the background of a script, SIGINT is ignored, and a child inherits that.
INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import signal, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); raise SystemExit(pytest.console_main())",
)
TASKS = """
instructions: Triage the e-mail.
form:
  type: object
  properties:
    intent: {enum: [refund, question]}
    priority: {enum: [low, high]}
  required: [intent, priority]
  additionalProperties: false
scorer: fields
tasks:
  - id: broken-lamp
    category: Returns
    input: My lamp came broken, I want my money back today!
    expect: {intent: refund, priority: high}
  - id: opening-hours
    category: Questions
    input: When do you open?
    expect: {intent: question, priority: low}
  - id: late-parcel
    category: Questions
    input: Where is my parcel? It is late.
    expect: {intent: question, priority: high}
"""
TEST = """
import pytest

@pytest.mark.holdout("emails.yaml")
def test_emails(task, run):
    assert run.strict_pass >= task.floor.strict_pass
    assert run.credit >= task.floor.credit
    assert run.tokens.p95 <= task.budget.tokens
    assert run.latency.p95 <= task.budget.seconds
"""
CONFIG = """
[understudy]
samples = 2
ladder = ["raw", "prefill"]

[endpoints.local]
kind = "openai"
base_url = "{url}"
prefill = "assistant"
concurrency = 4
retries = 1

[routes.raw]
endpoint = "local"
price = {{ blended = 0.20 }}

[routes.prefill]
extends = "raw"
controls = ["prefill"]
"""


class Suite:
    """A suite in pytester's folder: a test, its tasks, its config. Every `with_` gives the suite back."""

    def __init__(self, pytester: pytest.Pytester, server: Server) -> None:
        self.pytester = pytester
        self.server = server
        self.with_tasks(TASKS).with_test(TEST).with_config("")

    @property
    def path(self) -> Path:
        return self.pytester.path

    def with_tasks(self, text: str, name: str = "emails.yaml") -> Suite:
        (self.path / name).write_text(dedent(text), encoding="utf-8")
        return self

    def with_test(self, text: str) -> Suite:
        (self.path / "test_emails.py").write_text(dedent(text), encoding="utf-8")
        return self

    def with_config(self, more: str, base: str = CONFIG) -> Suite:
        (self.path / "understudy.toml").write_text(base.format(url=self.server.url) + dedent(more), encoding="utf-8")
        return self

    def run(self, *args: str, apart: bool = False) -> pytest.RunResult:
        """In this process, or (`apart`, and with workers) in one of its own."""
        apart = apart or any(arg.startswith("-n") for arg in args)
        options = ("-p", "no:cacheprovider", "-p", "no:anyio", *args)  # anyio's plugin: see pyproject.toml
        return self.pytester.runpytest_subprocess(*options) if apart else self.pytester.runpytest_inprocess(*options)

    def report(self, *args: str, apart: bool = False) -> dict[str, Any]:
        """The JSON report of such a run."""
        self.run(*args, "--understudy-report=report.json", apart=apart)
        report: dict[str, Any] = json.loads((self.path / "report.json").read_text())
        return report

    def recorded(self) -> list[dict[str, Any]]:
        files = sorted((self.path / ".understudy").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def right(body: dict[str, Any]) -> Reply:
    """Answers well: the whole answer, or the rest of one that has begun."""
    text = next(message["content"] for message in body["messages"] if message["role"] == "user")
    intent = "refund" if "money back" in text else "question"
    priority = "low" if "open" in text else "high"
    answer = json.dumps({"intent": intent, "priority": priority})
    begun = body["messages"][-1]["content"] if body["messages"][-1]["role"] == "assistant" else ""
    return said(answer.removeprefix(begun).removesuffix("".join(body.get("stop", [])) or "\0"))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(right)
    yield server
    server.close()


@pytest.fixture
def suite(pytester: pytest.Pytester, server: Server) -> Suite:
    return Suite(pytester, server)


@pytest.fixture(params=[(), ("-n2",)], ids=["alone", "xdist"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    params: tuple[str, ...] = request.param
    return params
