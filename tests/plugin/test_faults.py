"""What a session makes of servers that fail, of kill -9, of Ctrl-C, of workers that crash."""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import INTERRUPTIBLE, Suite, right
from .server import Reply, said


def start(suite: Suite, *args: str) -> subprocess.Popen[str]:
    """The session in a process of its own, at the head of its own group, as a terminal starts it."""
    command = [*INTERRUPTIBLE, "-p", "no:cacheprovider", *args]
    return subprocess.Popen(
        command, cwd=suite.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def asked_once_but_for(suite: Suite, in_flight: int, full: int) -> None:
    """Each request of the full set once, plus at most those that were in flight when it was killed."""
    counts = collections.Counter((body["messages"][-1]["content"], body["seed"]) for body in suite.server.asked)
    assert len(counts) == full
    assert sum(counts.values()) <= full + in_flight
    assert max(counts.values()) <= 2


@pytest.fixture
def slow(suite: Suite) -> Suite:
    """Forty seeded samples a task, 50 ms each."""
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.05)
    return suite.with_config('[routes.seeded]\nextends = "raw"\nsampling = { seed = 1 }\n')


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_a_session_that_is_killed_loses_nothing_that_it_paid_for(slow: Suite, workers: tuple[str, ...]) -> None:
    args = ("--understudy-route=seeded", "--understudy-samples=40", *workers)
    session = start(slow, *args)
    wait_for(lambda: len(slow.server.asked) >= 50)
    os.killpg(session.pid, signal.SIGKILL)
    session.communicate()
    wait_for(lambda: slow.server._in_flight == 0)
    result = slow.run(*args, apart=True)
    result.assert_outcomes(passed=3)
    asked_once_but_for(slow, in_flight=4, full=120)


def test_ctrl_c_ends_within_two_seconds_and_leaves_the_record_whole(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.05 if len(suite.server.asked) < 20 else 30)
    session = start(
        suite, "--understudy-route=raw", "--understudy-samples=40", "--understudy-min-strict=0.5", "--understudy-report=r.json"
    )
    wait_for(lambda: len(suite.server.asked) >= 23)
    time.sleep(0.3)
    started = time.monotonic()
    os.kill(session.pid, signal.SIGINT)
    output, _ = session.communicate(timeout=20)
    assert time.monotonic() - started < 10  # two, on a machine that does nothing else; the server would take thirty
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert len(suite.recorded()) >= 18
    assert "partial" in output
    assert json.loads((suite.path / "r.json").read_text())["gate"]["passed"] is False


def test_a_route_that_is_refused_ends_at_once_and_others_go_on(suite: Suite, workers: tuple[str, ...]) -> None:
    def rule(body: dict[str, Any]) -> Reply:
        if body["messages"][-1]["role"] == "assistant":
            return right(body)
        return Reply(b'{"error": {"message": "no such model"}}', status=404)

    suite.server.rule = rule
    result = suite.run("--understudy-ladder", "--understudy-samples=20", "--understudy-min-strict=0.5", "-rsE", *workers)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 3
    assert 1 <= outcomes["errors"] <= 2  # each worker says it once
    assert outcomes["errors"] + outcomes["skipped"] == 3
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*route 'raw' ended: *404: no such model*", "SKIPPED*route 'raw' ended*"])
    refused = [body for body in suite.server.asked if body["messages"][-1]["role"] != "assistant"]
    assert len(refused) <= 8
    report = suite.report("--understudy-route=raw")
    assert (report["routes"][0]["samples"], report["routes"][0]["errors"]) == (6, 6)


def test_an_answer_that_is_no_answer_is_an_error_that_the_gate_counts(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(b"<html>Bad gateway</html>")
    suite.with_config("[routes.quick]\nextends = 'raw'\n")
    result = suite.run("--understudy-route=raw", "--understudy-samples=1", "--understudy-min-credit=0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*errors*at most 0*3*missed*"])
    assert len(suite.server.asked) == 6  # one retry each
    assert all("no JSON" in line["error"] for line in suite.recorded())


def test_a_server_without_usage_leaves_tokens_unknown_and_the_route_unpriced(suite: Suite) -> None:
    suite.server.rule = lambda body: Reply(json.dumps({"choices": json.loads(right(body).content)["choices"]}).encode())
    report = suite.report("--understudy-route=raw")
    route = report["routes"][0]
    assert route["tokens"]["generated"] is None
    assert route["cost"]["serving"] is None
    assert route["credit"]["mean"] == 1.0
    result = suite.run("--understudy-route=raw")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*raw*1.0000*unpriced*"])


def test_two_megabytes_are_an_output_like_another(suite: Suite) -> None:
    suite.server.rule = lambda body: said("[" * 2_000_000)
    result = suite.run("--understudy-route=raw", "--understudy-samples=1", "-k", "lamp")
    result.assert_outcomes(passed=1, deselected=2)
    assert len(suite.recorded()[0]["output"]) == 2_000_000


def test_a_torn_line_is_told_and_asked_again(suite: Suite) -> None:
    suite.run("--understudy-route=raw")
    (path,) = (suite.path / ".understudy").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    result = suite.run("--understudy-route=raw")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["note: *.jsonl:6: a torn line was skipped*"])
    assert len(suite.server.asked) == 7


def test_replay_only_asks_nothing_and_names_what_it_misses(suite: Suite) -> None:
    suite.run("--understudy-route=raw")
    before = len(suite.server.asked)
    result = suite.run(
        "--understudy-route=raw", "--understudy-samples=3", "--understudy-replay=only", "--understudy-min-credit=0.1"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(suite.server.asked) == before
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert not run.errors\n")
    result = suite.run("--understudy-route=raw", "--understudy-samples=3", "--understudy-replay=only")
    result.stdout.fnmatch_lines(["*not in the record: sample 2 of task 'broken-lamp' on route 'raw'*"])


def test_a_shipped_record_stands_in_only_where_replay_is_asked_for(suite: Suite) -> None:
    suite.run("--understudy-route=raw", "--understudy-record=shipped")
    text = (suite.path / "understudy.toml").read_text().replace("samples = 2", 'samples = 2\nrecorded = ["shipped/"]')
    (suite.path / "understudy.toml").write_text(text)
    asked = len(suite.server.asked)
    report = suite.report("--understudy-route=raw", "--understudy-replay=only")
    assert report["routes"][0]["replayed"] == 6
    assert len(suite.server.asked) == asked
    suite.run("--understudy-route=raw")
    assert len(suite.server.asked) == 2 * asked


CRASHING = """
import os, pytest

@pytest.mark.holdout("emails.yaml")
def test_emails(task, run):
    if task.id == "opening-hours" and not os.path.exists("crashed"):
        open("crashed", "w").close()
        os._exit(13)
"""


def test_a_worker_that_crashes_loses_nothing_recorded(suite: Suite) -> None:
    suite.with_test(CRASHING)
    result = suite.run("--understudy-route=raw", "-n2", "--understudy-report=report.json")
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed while running 'test_emails.py::test_emails[[]raw-opening-hours[]]'*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    route = json.loads((suite.path / "report.json").read_text())["routes"][0]
    assert (route["tasks"], route["samples"], route["errors"]) == (3, 6, 0)
    assert route["strict_pass"]["rate"] == 1.0


def test_of_a_crashed_item_what_was_not_recorded_is_an_error(suite: Suite) -> None:
    suite.with_test(CRASHING.replace("os._exit", "import shutil; shutil.rmtree('.understudy'); os._exit"))
    suite.run("--understudy-route=raw", "-n1", "--understudy-report=report.json")
    route = json.loads((suite.path / "report.json").read_text())["routes"][0]
    by_task = {task["task"]: task["errors"] for task in route["by_task"]}
    assert by_task["opening-hours"] == 2
    assert route["partial"] is True


@pytest.mark.parametrize("concurrency", [8, 2])
def test_workers_share_the_concurrency(suite: Suite, concurrency: int) -> None:
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.03)
    text = (suite.path / "understudy.toml").read_text().replace("concurrency = 4", "concurrency = 64")
    (suite.path / "understudy.toml").write_text(text)
    result = suite.run(
        "--understudy-route=raw,prefill", "--understudy-samples=20", f"--understudy-concurrency={concurrency}", "-n4"
    )
    result.assert_outcomes(passed=6)
    assert 1 <= suite.server.peak <= concurrency


SECRET = "sk-Zq8Zq8Zq8Zq8Zq8Zq8"


@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_api_key_appears_nowhere(suite: Suite, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", SECRET)
    text = (suite.path / "understudy.toml").read_text().replace("retries = 1", 'retries = 0\napi_key_env = "LOCAL_KEY"')
    (suite.path / "understudy.toml").write_text(text)
    echo = json.dumps({"error": {"message": f"bad key {SECRET}"}}).encode()
    suite.server.rule = (lambda body: right(body)) if status == 200 else (lambda body: Reply(echo, status=status))
    suite.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml')\n"
        "def test_emails(task, run, request):\n"
        "    plugin = request.config.pluginmanager.get_plugin('understudy-evaluation')\n"
        "    evaluation, endpoints = plugin.evaluation, plugin.evaluation.drawing.endpoints\n"
        "    assert False\n"
    )
    result = suite.run(
        "--understudy-route=raw", "-vv", "-l", "--understudy-report=report.json", "--junitxml=junit.xml", apart=True
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert suite.server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in result.stdout.str() + result.stderr.str()
    for path in Path(suite.path).rglob("*"):
        if path.is_file() and not path.name.startswith(("stdout", "stderr")):
            assert SECRET not in path.read_text(errors="replace"), path


def test_a_key_that_is_not_set_is_a_usage_error_and_a_rung_is_skipped(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAR_KEY", raising=False)
    far = f'kind = "openai"\nbase_url = "{suite.server.url}"\napi_key_env = "FAR_KEY"'
    suite.with_config(f'[endpoints.far]\n{far}\n[routes.frontier]\nendpoint = "far"\n')
    result = suite.run("--understudy-route=frontier")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the variable FAR_KEY of endpoint 'far' is not set*"])
    text = (suite.path / "understudy.toml").read_text().replace('["raw", "prefill"]', '["raw", "frontier"]')
    (suite.path / "understudy.toml").write_text(text)
    result = suite.run("--understudy-ladder", "-rs")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*rung 'frontier': the variable FAR_KEY is not set*"])
    (suite.path / "understudy.toml").write_text(text.replace('["raw", "frontier"]', '["frontier"]'))
    result = suite.run("--understudy-ladder")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no rung of the ladder can run: set 'FAR_KEY'*"])
