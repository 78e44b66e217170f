"""A server that fails a fifth of its requests in every way: all is drawn or accounted for, and nothing is paid for twice."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from .conftest import Suite, right
from .server import Reply

TASKS, SAMPLES = 30, 25


def faults() -> list[Callable[[Reply], Reply]]:
    """The ways to fail, each made of what would have been answered."""

    def busy(status: int, wish: Callable[[], str]) -> Callable[[Reply], Reply]:
        return lambda reply: Reply(b'{"error": {"message": "slow down"}}', status, {"Retry-After": wish()})

    def date() -> str:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)

    return [
        busy(429, lambda: "0.1"),
        busy(429, date),
        busy(503, lambda: "0"),
        busy(503, date),
        lambda reply: Reply(b"oops", 500),
        lambda reply: Reply(reply.content, resets_after=len(reply.content) // 2),
        lambda reply: Reply(b"", hangs=True),
        lambda reply: Reply(b"<html><body>The proxy is not amused</body></html>"),
    ]


class Storm:
    """Every fifth request fails, each time in another way; remembers which were answered."""

    def __init__(self, delay: float = 0.0) -> None:
        self._numbers = itertools.count(1)
        self._faults = faults()
        self._delay = delay
        self.answered: Counter[tuple[str, int]] = Counter()
        self.failed: Counter[int] = Counter()

    def __call__(self, body: dict[str, Any]) -> Reply:
        number = next(self._numbers)
        reply = Reply(right(body).content, delay=self._delay)
        if number % 5 == 0:
            way = number // 5 % len(self._faults)
            self.failed[way] += 1
            return self._faults[way](reply)
        self.answered[body["messages"][1]["content"], body["seed"]] += 1
        return reply


@pytest.fixture
def stormy(suite: Suite) -> Suite:
    """Thirty tasks on a seeded route, with a time-out that is short and retries enough."""
    head = (suite.path / "emails.yaml").read_text().partition("tasks:")[0]
    task = "  - {{id: t-{0}, category: Questions, input: 'Where is parcel {0}? It is late.', expect: {expect}}}"
    expect = "{intent: question, priority: high}"
    suite.with_tasks(head + "tasks:\n" + "\n".join(task.format(number, expect=expect) for number in range(TASKS)) + "\n")
    suite.with_config('[routes.seeded]\nextends = "raw"\nsampling = { seed = 1 }\n')
    text = (suite.path / "understudy.toml").read_text()
    text = text.replace("concurrency = 4", "concurrency = 32\ntimeout = 1.0").replace("retries = 1", "retries = 6")
    (suite.path / "understudy.toml").write_text(text)
    return suite


def test_all_samples_are_drawn_or_accounted_for_and_none_is_paid_for_twice(stormy: Suite) -> None:
    storm = stormy.server.rule = Storm()
    args = ("--understudy-route=seeded", f"--understudy-samples={SAMPLES}")
    report = stormy.report(*args)
    assert len(storm.failed) == len(faults())
    assert sum(storm.failed.values()) == len(stormy.server.asked) // 5 > 0.19 * len(stormy.server.asked)
    (route,) = report["routes"]
    lines = stormy.recorded()
    drawn = [line for line in lines if line["error"] is None and line["finish"] == "stop"]
    timed_out = [line for line in lines if line["finish"] == "timeout"]
    errors = [line for line in lines if line["error"] is not None]
    assert route["samples"] == TASKS * SAMPLES == len(drawn) + len(timed_out) + len(errors)
    assert route["errors"] == len(errors)
    assert all(count == 1 for count in Counter(line["key"] for line in lines).values())
    assert len(storm.answered) == sum(storm.answered.values()) == len(drawn)
    assert len(drawn) >= 0.99 * TASKS * SAMPLES  # six retries: one in 78,000 fails to the end if faults fall evenly
    assert route["waited"] > 0
    before = len(stormy.server.asked)
    stormy.server.rule = right
    again = stormy.report(*args)
    assert len(stormy.server.asked) - before == len(errors)  # nothing that was answered is asked again
    assert again["routes"][0]["errors"] == 0
    assert again["routes"][0]["replayed"] == len(drawn) + len(timed_out)


def test_the_latency_of_a_sample_holds_none_of_what_was_waited_for(stormy: Suite) -> None:
    stormy.server.rule = Storm()
    report = stormy.report("--understudy-route=seeded", "--understudy-samples=3", "-k", "t-1")
    lines = [line for line in stormy.recorded() if line["finish"] == "stop"]
    assert report["routes"][0]["waited"] == pytest.approx(sum(line["waited"] for line in lines))
    assert max(line["waited"] for line in lines) > 0.4  # a backoff, or a second asked for
    assert all(line["latency"] < 1.0 for line in lines)  # the time-out of an attempt


def test_four_workers_have_never_more_in_flight_than_the_session_may(stormy: Suite) -> None:
    stormy.server.rule = Storm(delay=0.02)
    args = ("--understudy-route=seeded", "--understudy-samples=8", "--understudy-concurrency=8", "-n4")
    stormy.run(*args, "--understudy-report=report.json", "-k", "t-1 or t-2")
    route = json.loads((stormy.path / "report.json").read_text())["routes"][0]
    assert route["samples"] == 22 * 8
    assert 2 <= stormy.server.peak <= 8
    assert len(stormy.server.asked) > 22 * 8 / 0.82  # there were faults among them


def test_the_gate_counts_errors_and_a_threshold_allows_them(suite: Suite) -> None:
    suite.server.rule = lambda body: right(body) if len(suite.server.asked) > 2 else Reply(b"oops", 500)
    text = (suite.path / "understudy.toml").read_text().replace("concurrency = 4", "concurrency = 1")
    (suite.path / "understudy.toml").write_text(text.replace("retries = 1", "retries = 0"))
    args = ("--understudy-route=raw", "--understudy-samples=10", "--understudy-min-credit=0.5", "--understudy-replay=off")
    result = suite.run(*args)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["raw: 2 errors among 30 samples*", "*errors*at most 0 *2*missed*"])
    for allowed, held in ((1, "missed*"), (2, "held*")):
        suite.server.asked.clear()
        result = suite.run(*args, f"--understudy-max-errors={allowed}")
        result.stdout.fnmatch_lines([f"*errors*at most {allowed} *2*{held}"])
