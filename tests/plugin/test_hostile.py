"""What a model or a server says is data: it reaches no terminal raw, and breaks no report."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from .conftest import Suite
from .server import Reply

HOSTILE = {
    "script": "</script><img src=x onerror=alert(1)><script>alert(1)</script>",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b2K\r\b",
    "bidi": "right \u202eto\u2066 left\u2069 \u200f",
    "one long line": "x" * 2_000_000,
    "nul": "a\x00b\x7f\x1c\x1d\x85\u2028\u2029c",
    "lone surrogates": "\ud800 and \udfff",
    "markdown": "| a | b |\n</details>\n# Heading `code` [free](javascript:alert(1)) @octocat #1 www.example.org",
}
TOOLS = """
form: {type: object}
scorer: actions
floor: {credit: 1.0}
tasks:
  - {id: a, input: hi, expect: {actions: [{tool: book, arguments: {room: red}}]}}
  - {id: b, input: ho, expect: {actions: [{tool: book, arguments: {}}]}}
"""
REPORTS = ("r.json", "r.md", "r.html")


def answered(content: str) -> Reply:
    """A content, sent as JSON may: every odd character as an escape, a lone surrogate too."""
    answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}]}
    return Reply(json.dumps(answer).encode())


def refused(content: str) -> Reply:
    return Reply(json.dumps({"error": {"message": content}}).encode(), status=422)


def call(content: str) -> Reply:
    """A call of a tool that the model made up, with an argument of that kind and a key of that kind."""
    named = {"tool": content, "arguments": {content: content}}
    return answered(json.dumps({"actions": [named, {"tool": "book", "arguments": {"room": "red"}}]}))


def told(suite: Suite, *args: str) -> str:
    """What the terminal was told, where pytest itself writes no escapes."""
    written = [f"--understudy-report={name}" for name in REPORTS]
    options = ("--understudy-route=raw", "--understudy-samples=3", "--color=no", "-rA", "--junitxml=junit.xml", *written, *args)
    result = suite.run(*options, apart=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    return result.stdout.str() + result.stderr.str()


def assert_harmless(terminal: str, folder: Path) -> None:
    odd = {character for character in terminal if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")}
    assert odd <= {"\n"}
    assert not {"\u202e", "\u2066", "\u200f"} & set(terminal)
    assert len(terminal) < 100_000
    report: dict[str, Any] = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert report["routes"][0]["samples"] == 6
    assert len(ElementTree.parse(folder / "junit.xml").findall(".//testcase")) == 2
    text = (folder / "r.md").read_text(encoding="utf-8")
    assert len(text) <= 60_000
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>")
    assert not {line[:2] for line in text.splitlines()} - {"", "##", "**", "| ", "|:", "- ", "<d", "</", "St", "fo", "_."}
    for part in ("<img", "<script", "@octocat", "](javascript", "\x1b", "\u202e", "\x00"):
        assert part not in text.replace("\\<", "").replace("\\]", "")
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert all((folder / name).stat().st_size < 1_000_000 for name in REPORTS)


@pytest.mark.parametrize("reply", [answered, refused, call])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_data(suite: Suite, content: str, reply: Any) -> None:
    suite.with_tasks(TOOLS)
    suite.server.rule = lambda body: reply(content)
    terminal = told(suite)
    assert "understudy: worst samples" in terminal
    assert_harmless(terminal, suite.path)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (HOSTILE["script"], (r"extra: \</script\>\<img src=x", "</script><img src=x onerror=alert(1)>")),
        (HOSTILE["ansi"], (r"extra: \\x1b[2J", r"\x1b[2J\x1b[31mred\x1b]0;title\x07")),
        (HOSTILE["markdown"], (r"extra: \| a \| b \|\\n\</details\>", r"| a | b |\n</details>\n#")),
    ],
)
def test_it_is_shown_for_what_it_is(suite: Suite, content: str, shown: tuple[str, str]) -> None:
    suite.with_tasks(TOOLS)
    suite.server.rule = lambda body: call(content)
    terminal = told(suite)
    assert shown[1] in terminal
    assert shown[0] in (suite.path / "r.md").read_text(encoding="utf-8")


def test_hostile_text_is_data_to_workers_too(suite: Suite) -> None:
    replies = [reply(content) for reply in (call, answered, refused) for content in HOSTILE.values()]
    suite.with_tasks(TOOLS)
    suite.server.rule = lambda body: replies[len(suite.server.asked) % len(replies)]
    assert_harmless(told(suite, "-n2", "--understudy-control=prefill"), suite.path)
