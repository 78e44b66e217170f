"""One suite, one llama.cpp server, three dialects of asking it: at temperature 0 the answers are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ..endpoints.plain_server import plain_server

# Short, since without a cache each request is read anew.
TASKS = """
instructions: Triage the e-mail as JSON.
form:
  type: object
  properties:
    intent: {enum: [refund, question]}
    summary: {type: string, maxLength: 60}
  required: [intent, summary]
  additionalProperties: false
scorer: fields
tasks:
  - {id: lamp, category: Mail, input: "My lamp came broken. I want my money back!", expect: {intent: refund}}
  - {id: hours, category: Mail, input: "When do you open?", expect: {intent: question}}
  - {id: parcel, category: Mail, input: "Where is my parcel? It is late.", expect: {intent: question}}
"""
TEST = """
import pytest

@pytest.mark.holdout("mails.yaml")
def test_mails(run):
    assert run.errors == 0
"""
CONFIG = """
[understudy]
samples = 1
concurrency = 1

[endpoints.chat]
kind = "openai"
preset = "llama.cpp"
base_url = "{url}/v1"

[endpoints.completions]
kind = "openai"
preset = "llama.cpp"
base_url = "{url}/v1"
prefill = "completions"
template = "chatml"

[endpoints.messages]
kind = "anthropic"
base_url = "{url}"

[routes.chat]
endpoint = "chat"
model = "smollm2"
sampling = {{ temperature = 0.0, max_tokens = 20 }}

[routes.completions]
extends = "chat"
endpoint = "completions"

[routes.messages]
extends = "chat"
endpoint = "messages"
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with plain_server() as url:
        yield url


@pytest.mark.parametrize("control", ["raw", "prefill"])
def test_the_same_suite_gets_the_same_answers_in_every_dialect(pytester: pytest.Pytester, url: str, control: str) -> None:
    files = {"mails.yaml": TASKS, "test_mails.py": TEST, "understudy.toml": CONFIG.format(url=url)}
    for name, text in files.items():
        (pytester.path / name).write_text(text)
    controls = () if control == "raw" else ("--understudy-control=prefill",)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--understudy-route=chat,completions,messages", *controls)
    result.assert_outcomes(passed=9)
    answers: dict[str, dict[str, str]] = {}
    for file in (pytester.path / ".understudy").glob("*.jsonl"):
        for line in map(json.loads, file.read_text().splitlines()):
            assert line["tokens"]["prompt"] > 0
            answers.setdefault(line["route"].split("+")[0], {})[line["task"]] = line["output"]
    assert sorted(answers) == ["chat", "completions", "messages"]
    assert len(answers["chat"]) == 3
    assert all(answers["chat"].values())
    assert answers["completions"] == answers["chat"]
    assert answers["messages"] == answers["chat"]
