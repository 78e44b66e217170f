"""Workers that share no disk with the controller: what they draw stands in its record, and what it has they do not ask again."""

from __future__ import annotations

import json

import pytest

from .conftest import Suite, right
from .elsewhere import Elsewhere
from .server import Reply
from .test_spending import A_SAMPLE, spent

pytest.importorskip("xdist")


@pytest.fixture(params=[True, False], ids=["one disk", "two disks"])
def elsewhere(suite: Suite, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Elsewhere:
    return Elsewhere(suite, tmp_path_factory.mktemp("elsewhere"), disk=request.param)


@pytest.fixture
def far(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    return Elsewhere(suite, tmp_path_factory.mktemp("far"), disk=False)


def test_what_workers_elsewhere_drew_stands_in_the_controllers_record_once(elsewhere: Elsewhere) -> None:
    suite = elsewhere.suite
    elsewhere.run("--understudy-ladder").assert_outcomes(passed=6)
    keys = [line["key"] for line in suite.recorded()]
    assert len(keys) == len(set(keys)) == len(suite.server.asked) == 12
    assert sorted(elsewhere.drawn()) == sorted(keys)
    suite.run("--understudy-ladder", "--understudy-replay=only").assert_outcomes(passed=6)
    assert len(suite.server.asked) == 12


def test_what_the_controller_has_workers_elsewhere_do_not_ask_again(elsewhere: Elsewhere) -> None:
    suite = elsewhere.suite
    suite.run("--understudy-route=raw").assert_outcomes(passed=3)
    elsewhere.run("--understudy-ladder", "--understudy-report=r.json").assert_outcomes(passed=6)
    routes = json.loads((suite.path / "r.json").read_text())["routes"]
    assert [(route["samples"], route["replayed"]) for route in routes] == [(6, 6), (6, 0)]
    assert (len(suite.server.asked), len(suite.recorded())) == (12, 12)
    elsewhere.run("--understudy-ladder", "--understudy-replay=only").assert_outcomes(passed=6)
    elsewhere.run("--understudy-route=raw", "--understudy-replay=off", "--understudy-report=r.json").assert_outcomes(passed=3)
    assert json.loads((suite.path / "r.json").read_text())["routes"][0]["replayed"] == 0
    assert (len(suite.server.asked), len(suite.recorded())) == (18, 18)


def test_a_failure_elsewhere_shows_its_samples_and_the_command_that_replays_them_here(elsewhere: Elsewhere) -> None:
    suite = elsewhere.suite
    suite.with_test("import pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(run): assert run.strict_pass == 1\n")
    suite.server.rule = lambda body: Reply(right(body).content.replace(b"refund", b"question"))
    result = elsewhere.run("--understudy-route=raw")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*understudy: worst samples*", "*intent*", "replay: pytest *--understudy-replay=only*"])


def test_what_a_session_writes_is_the_controllers_and_need_not_have_a_place_elsewhere(far: Elsewhere) -> None:
    out = far.suite.path / "out"
    out.mkdir()
    args = ("--understudy-report=out/r.json", f"--understudy-report={out / 'r.html'}", "--understudy-export-sft=out/sft.jsonl")
    far.run("--understudy-route=raw", *args, "--understudy-export-holdout").assert_outcomes(passed=3)
    assert sorted(path.name for path in out.iterdir()) == ["r.html", "r.json", "sft.jsonl"]
    assert len((out / "sft.jsonl").read_text().splitlines()) == 3


def test_a_worker_elsewhere_that_cannot_start_says_why_and_is_not_started_again_and_again(
    suite: Suite, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.with_config('[endpoints.keyed]\nkind = "openai"\nbase_url = "http://x/v1"\napi_key_env = "FAR_KEY"\n')
    text = (suite.path / "understudy.toml").read_text()
    (suite.path / "understudy.toml").write_text(text + '[routes.keyed]\nendpoint = "keyed"\n')
    monkeypatch.setenv("FAR_KEY", "here alone")
    far = Elsewhere(suite, tmp_path_factory.mktemp("far"), disk=False, without="FAR_KEY")
    result = far.run("--understudy-route=keyed")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*worker gw? cannot start: route 'keyed': the variable FAR_KEY of endpoint 'keyed' is not set*"])


def test_workers_elsewhere_ask_equal_requests_once(far: Elsewhere) -> None:
    far.suite.server.rule = lambda body: Reply(right(body).content, delay=0.05)
    far.suite.with_config('[routes.twin]\nextends = "raw"\nprice = { blended = 9.0 }\n')
    far.run("--understudy-route=raw,twin", "--understudy-samples=4", "--understudy-replay=off").assert_outcomes(passed=6)
    assert len(far.suite.server.asked) == len(far.suite.recorded()) == 12


def test_the_concurrency_holds_over_workers_elsewhere(far: Elsewhere) -> None:
    far.suite.server.rule = lambda body: Reply(right(body).content, delay=0.03)
    far.run("--understudy-route=raw,prefill", "--understudy-samples=10", "--understudy-concurrency=1").assert_outcomes(passed=6)
    assert (len(far.suite.server.asked), far.suite.server.peak) == (60, 1)


CRASHING = """
import os, pathlib, pytest, time

@pytest.mark.holdout("emails.yaml")
def test_emails(task, run):
    if not os.path.exists("crashed"):
        while sum(len(path.read_text().splitlines()) for path in pathlib.Path(__file__).parent.glob(".understudy/*.jsonl")) < 20:
            time.sleep(0.01)  # until the next item is drawn too, so that nothing is in flight
        open("crashed", "w").close()
        os._exit(13)
"""


def test_a_worker_elsewhere_that_crashes_loses_neither_its_samples_nor_count_of_the_dollars(
    suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = Elsewhere(suite.with_test(CRASHING), tmp_path_factory.mktemp("far"), workers=1, disk=False)
    limit = f"--understudy-spend-limit={22 * A_SAMPLE:.7f}"
    result = far.run("--understudy-route=raw", "--understudy-samples=10", limit, "--understudy-report=r.json")
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed while running*"])
    assert len(suite.server.asked) == len(suite.recorded()) == 22
    assert spent(result) == pytest.approx(22 * A_SAMPLE, rel=0.02)
    route = json.loads((suite.path / "r.json").read_text())["routes"][0]
    assert (route["samples"], route["errors"]) == (30, 8)
