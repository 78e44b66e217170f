"""Sessions against served models: Anthropic's dialect, a server that fails in every way, answers that are cut short."""

from __future__ import annotations

import collections
import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from .conftest import Suite, right
from .server import Reply, said

SECRET = "sk-ant-Zq8Zq8Zq8Zq8Zq8Zq8"
FRONTIER = """
[endpoints.frontier]
kind = "anthropic"
base_url = "{url}"
api_key_env = "FRONTIER_KEY"
retries = 0

[routes.frontier]
endpoint = "frontier"
model = "{model}"
{more}
"""


def in_anthropics_words(reply: Reply, stop: str = "end_turn") -> Reply:
    """A chat completion as the other dialect says it."""
    text = json.loads(reply.content)["choices"][0]["message"]["content"]
    usage = {"input_tokens": 30, "cache_read_input_tokens": 20, "output_tokens": 20}
    content = [{"type": "text", "text": text}]
    return Reply(json.dumps({"type": "message", "content": content, "stop_reason": stop, "usage": usage}).encode())


@pytest.fixture
def frontier(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """The suite with a route to a model of Anthropic's that takes everything."""
    monkeypatch.setenv("FRONTIER_KEY", SECRET)
    suite.server.rule = lambda body: in_anthropics_words(right(body))
    return suite.with_config(FRONTIER.format(url=suite.server.url, model="claude-haiku-4-5", more=""))


def test_a_suite_passes_through_anthropics_dialect_and_counts_the_cache(frontier: Suite) -> None:
    report = frontier.report("--understudy-route=frontier", "--understudy-control=no_think")
    route = report["routes"][0]
    assert (route["samples"], route["errors"], route["strict_pass"]["rate"]) == (6, 0, 1.0)
    assert (route["tokens"]["prompt"], route["tokens"]["cached"]) == (6 * 50, 6 * 20)
    assert all("seed" not in body and isinstance(body["system"], str) for body in frontier.server.asked)


@pytest.mark.parametrize(
    ("model", "more", "args", "said"),
    [
        ("claude-opus-4-6", "", ["--understudy-control=prefill"], "*refuses a prefilled answer; the control schema works there*"),
        ("claude-sonnet-5", "sampling = { temperature = 0.0 }", [], "*'claude-sonnet-5' refuses temperature*"),
        ("claude-opus-5-5", "", ["--understudy-control=no_think"], "*'claude-opus-5-5' always thinks*"),
    ],
)
def test_what_a_model_refuses_is_a_usage_error_and_nothing_is_asked(
    frontier: Suite, model: str, more: str, args: list[str], said: str
) -> None:
    frontier.with_config(FRONTIER.format(url=frontier.server.url, model=model, more=more))
    result = frontier.run("--understudy-route=frontier", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*route 'frontier*{said}"])
    assert frontier.server.asked == []


@pytest.mark.parametrize("status", [200, 401, 500])
def test_anthropics_key_appears_nowhere(frontier: Suite, status: int) -> None:
    echo = json.dumps({"type": "error", "error": {"type": "api_error", "message": f"bad key {SECRET}"}}).encode()
    if status != 200:
        frontier.server.rule = lambda body: Reply(echo, status=status)
    frontier.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml')\n"
        "def test_emails(task, run, request):\n"
        "    plugin = request.config.pluginmanager.get_plugin('understudy-evaluation')\n"
        "    evaluation, endpoints = plugin.evaluation, plugin.evaluation.drawing.endpoints\n"
        "    assert False\n"
    )
    result = frontier.run(
        "--understudy-route=frontier", "-vv", "-l", "--understudy-report=report.json", "--junitxml=junit.xml", apart=True
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {name.lower(): value for name, value in frontier.server.headers[0].items()}["x-api-key"] == SECRET
    assert SECRET not in result.stdout.str() + result.stderr.str()
    for path in Path(frontier.path).rglob("*"):
        if path.is_file() and not path.name.startswith(("stdout", "stderr")):
            assert SECRET not in path.read_text(errors="replace"), path


# Answers cut short


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("control", ["raw", "schema"])
def test_an_answer_cut_short_is_never_strict_whatever_it_says(frontier: Suite, dialect: str, control: str) -> None:
    def cut(body: dict[str, Any]) -> Reply:
        reply = right(body)  # the whole, right answer, after which the model would have gone on
        if dialect == "anthropic":
            return in_anthropics_words(reply, stop="max_tokens")
        return said(json.loads(reply.content)["choices"][0]["message"]["content"], finish="length")

    frontier.server.rule = cut
    name = "frontier" if dialect == "anthropic" else "raw"
    args = () if control == "raw" else ("--understudy-control=schema",)
    route = frontier.report(f"--understudy-route={name}", *args, "--understudy-samples=1")["routes"][0]
    assert route["strict_pass"]["rate"] == 0.0
    assert route["cut"] == 1.0
    assert {cluster["check"] for cluster in route["residual"]} == {"finished"}
    assert route["outcomes"]["detectable"] == 1.0
    assert all(line["finish"] == "length" for line in frontier.recorded())


# A server that fails


class Failing:
    """Answers rightly four times of five; else fails in one of many ways. Counts the right answers that went out, by request."""

    def __init__(self) -> None:
        self.right: collections.Counter[tuple[str, int]] = collections.Counter()
        self.failed = 0
        self._chance = random.Random(7)
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Reply:
        reply = right(body)
        date = "Wed, 21 Oct 2015 07:28:00 GMT"  # has passed: ask again at once
        ways = [
            Reply(b'{"error": {"message": "slow down"}}', status=429, headers={"Retry-After": "0"}),
            Reply(b'{"error": {"message": "away"}}', status=503, headers={"Retry-After": date}),
            Reply(b"oops", status=500),
            Reply(b"<html>Sign in</html>"),
            Reply(reply.content, resets_after=30),
            Reply(b'{"choices": []}'),
            Reply(b'{"error": {"message": "too slow"}}', delay=5, status=504),
        ]
        with self._lock:
            if self._chance.random() < 0.2:
                self.failed += 1
                # It hangs now and then only: each hang takes the whole time-out.
                return ways[self._chance.randrange(6) if self._chance.random() < 0.97 else 6]
            self.right[body["messages"][-1]["content"], body["seed"]] += 1
            return reply


def test_of_750_samples_from_a_server_that_fails_a_fifth_of_the_time_all_are_accounted_for_and_none_is_paid_twice(
    suite: Suite,
) -> None:
    rule = Failing()
    suite.server.rule = rule
    suite.with_config('[routes.seeded]\nextends = "raw"\nsampling = { seed = 1 }\n')
    text = (suite.path / "understudy.toml").read_text().replace("retries = 1", "retries = 8\ntimeout = 4.0")
    (suite.path / "understudy.toml").write_text(text.replace("concurrency = 4", "concurrency = 32"))
    report = suite.report("--understudy-route=seeded", "--understudy-samples=250", "--understudy-max-errors=0")
    route = report["routes"][0]
    assert rule.failed > 100
    assert route["samples"] == 750
    assert len(suite.recorded()) == 750
    judged = [line for line in suite.recorded() if line["error"] is None]
    assert len(judged) + route["errors"] == 750
    assert route["errors"] == 0
    assert len(rule.right) == 750
    assert set(rule.right.values()) == {1}
    assert route["waited"] > 0
    assert report["gate"]["passed"] is True
