"""A machine by the hour under a real server: the cold start that it took is counted, whoever owns it."""

from __future__ import annotations

import json

import pytest

CONFIG = """
[endpoints.local]
kind = "embedded"
concurrency = 1
hourly = 3600.0

[routes.raw]
endpoint = "local"
sampling = { max_tokens = 4, seed = 1 }
"""
TEST = """
import pytest
from pytest_understudy import Task

@pytest.mark.holdout(Task("hello", "Say hello.", scorer="exact", expect="hello"))
def test_hello(task, run):
    assert run.latency.max > 0
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_the_cold_start_that_the_server_took_is_counted(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    (pytester.path / "understudy.toml").write_text(CONFIG)
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--understudy-route=raw", "--understudy-report=r.json", *workers
    )
    result.assert_outcomes(passed=1)
    (route,) = json.loads((pytester.path / "r.json").read_text())["routes"]
    seconds = route["machine"]
    assert seconds["cold_start"] > 0
    assert seconds["busy"] == pytest.approx(route["latency"]["p50"])
    assert (seconds["idle"], route["cost"]["serving"]) == (0, None)
    assert route["cost"]["loaded"] == pytest.approx(seconds["cold_start"] + seconds["busy"])
    result.stdout.fnmatch_lines(["raw: loaded cost $*: $3,600.00 an hour, cold start *, busy *, idle 0.00s; *"])
