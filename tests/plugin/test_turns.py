"""Workflows of several turns through pytest: drawn, recorded, replayed, stale, broken, killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .conftest import INTERRUPTIBLE, Suite
from .server import Reply, said

ENVIRONMENT = '''
class Desk:
    """A desk that knows which room is free, and books it."""

    tools = [
        {"name": "look", "description": "Which room is free?", "parameters": {}},
        {"name": "book", "parameters": {"properties": {"room": {"type": "string"}}, "required": ["room"]}},
    ]

    def reset(self, task):
        self.free = {"standup": "Plover", "review": "Heron"}[task.id]
        self.booked = []
        return "The desk is open."

    def step(self, tool, arguments):
        if tool == "look":
            return f"{self.free} is free."
        if arguments["room"] != self.free:
            return f"{arguments['room']} is taken."
        self.booked.append(arguments["room"])
        return f"{self.free} is booked."

    def state(self):
        return {"booked": self.booked}
'''
TASKS = """
instructions: You book rooms.
environment: desk:Desk
max_turns: 4
tasks:
  - id: standup
    category: Rooms
    input: Book a room for the standup.
    expect: {state: {booked: [Plover]}}
  - id: review
    category: Rooms
    input: Book a room for the review.
    expect: {state: {booked: [Heron]}}
"""
TEST = """
import pytest

@pytest.mark.holdout("rooms.yaml")
def test_rooms(task, run):
    assert run.strict_pass == 1
"""


def turn(body: dict[str, Any]) -> int:
    """Which turn is asked for, from 1."""
    return [message["role"] for message in body["messages"]].count("user")


def books(body: dict[str, Any]) -> Reply:
    """Looks, books what it was told is free, and says so: the whole answer, or the rest of one that has begun."""
    told = [message["content"] for message in body["messages"] if message["role"] == "user"][-1].removesuffix(" /no_think")
    answer: dict[str, Any] = {"done": "booked"}
    if turn(body) == 1:
        answer = {"tool": "look", "arguments": {}}
    elif told.endswith(" is free."):
        answer = {"tool": "book", "arguments": {"room": told.removesuffix(" is free.")}}
    last = body["messages"][-1]
    begun = last["content"] if last["role"] == "assistant" else ""
    return said(json.dumps(answer).removeprefix(begun), prompt=70 + 30 * turn(body), generated=[10, 12, 5][turn(body) - 1])


@pytest.fixture
def rooms(suite: Suite) -> Suite:
    """The desk, its two tasks, and a server that works them well."""
    suite.server.rule = books
    suite.with_tasks(TASKS, "rooms.yaml").with_test(TEST)
    (suite.path / "emails.yaml").unlink()
    return with_desk(suite, ENVIRONMENT)


def with_desk(suite: Suite, text: str) -> Suite:
    (suite.path / "desk.py").write_text(text)
    sys.modules.pop("desk", None)  # sessions of one process would else share the first one's
    return suite


def test_a_sample_is_all_its_turns_and_the_record_holds_each(rooms: Suite, workers: tuple[str, ...]) -> None:
    report = rooms.report("--understudy-route=raw", *workers)
    (route,) = report["routes"]
    assert (route["samples"], route["errors"], route["strict_pass"]["rate"]) == (4, 0, 1.0)
    assert route["requests"] == 12
    assert route["tokens"] | {"reasoning": 0, "cached": 0} == {
        "prompt": 390 * 4,
        "generated": 27 * 4,
        "total": 417 * 4,
        "cached": 0,
        "reasoning": 0,
    }
    lines = rooms.recorded()
    assert len(lines) == 4
    line = next(line for line in lines if line["task"] == "standup")
    assert [turn["message"] for turn in line["turns"]] == [
        "Book a room for the standup.\n\nThe desk is open.",
        "Plover is free.",
        "Plover is booked.",
    ]
    assert [turn["output"] for turn in line["turns"]] == line["output"].splitlines()
    assert [request["output"] for request in line["requests"]] == line["output"].splitlines()
    assert (line["finish"], line["error"]) == ("stop", None)


def test_a_route_that_does_not_think_says_so_in_every_message(rooms: Suite) -> None:
    rooms.with_config('[routes.quick]\nextends = "raw"\ncontrols = ["no_think"]\n')
    rooms.run("--understudy-route=quick", "-k", "standup", "--understudy-samples=1")
    last = max(rooms.server.asked, key=turn)
    users = [message["content"] for message in last["messages"] if message["role"] == "user"]
    assert len(users) == 3
    assert all(content.endswith(" /no_think") for content in users)


def test_a_replay_is_the_first_run_bit_for_bit_and_asks_nothing(rooms: Suite, workers: tuple[str, ...]) -> None:
    first = rooms.report("--understudy-route=raw,prefill", *workers)
    assert [route["strict_pass"]["rate"] for route in first["routes"]] == [1.0, 1.0]
    asked = len(rooms.server.asked)
    for mode in ("only", "auto"):
        again = rooms.report("--understudy-route=raw,prefill", f"--understudy-replay={mode}", *workers)
        assert len(rooms.server.asked) == asked
        assert [route.pop("replayed") for route in again["routes"]] == [4, 4]
        assert again["routes"] == [{key: value for key, value in route.items() if key != "replayed"} for route in first["routes"]]
        told = {"routes", "session"}  # a session tells its command
        assert {key: again[key] for key in again.keys() - told} == {key: first[key] for key in first.keys() - told}


def test_where_the_environment_answers_otherwise_a_sample_is_drawn_anew_or_its_error_says_so(
    rooms: Suite, workers: tuple[str, ...]
) -> None:
    rooms.run("--understudy-route=raw", *workers)
    asked = len(rooms.server.asked)
    with_desk(rooms, ENVIRONMENT.replace('"review": "Heron"', '"review": "Wren"'))
    rooms.with_tasks(TASKS.replace("[Heron]", "[Wren]"), "rooms.yaml")
    result = rooms.run("--understudy-route=raw", "--understudy-replay=only", *workers)
    result.assert_outcomes(passed=1, failed=1)
    told = 'before turn 2 the model was told "Heron is free.", and now "Wren is free."'
    assert f"'review' on route 'raw' is recorded, and its environment answers otherwise now: {told}; run it" in words(result)
    assert len(rooms.server.asked) == asked
    report = rooms.report("--understudy-route=raw", *workers)
    assert len(rooms.server.asked) == asked + 6  # two samples of one task, three turns each
    assert (report["routes"][0]["strict_pass"]["rate"], report["routes"][0]["replayed"]) == (1.0, 2)
    rooms.run("--understudy-route=raw", "--understudy-replay=only", *workers).assert_outcomes(passed=2)


def test_a_changed_state_is_scored_anew_from_the_record(rooms: Suite) -> None:
    """What the model was told is the same, so that it needn't be asked: only what it is worth differs."""
    rooms.run("--understudy-route=raw")
    asked = len(rooms.server.asked)
    with_desk(rooms, ENVIRONMENT.replace('{"booked": self.booked}', '{"booked": self.booked, "bill": len(self.booked)}'))
    report = rooms.report("--understudy-route=raw")
    assert len(rooms.server.asked) == asked
    assert report["routes"][0]["strict_pass"]["rate"] == 0.0  # the bill was not asked for
    assert report["routes"][0]["replayed"] == 4


def test_an_environment_that_breaks_is_an_error_with_its_traceback_and_no_miss(rooms: Suite, workers: tuple[str, ...]) -> None:
    broken = ENVIRONMENT.replace(
        "self.booked.append", 'if self.free == "Heron":\n            self.ledger.sign()\n        self.booked.append'
    )
    with_desk(rooms, broken)
    report_args = ("--understudy-route=raw", "--understudy-report=report.json", *workers)
    result = rooms.run(*report_args)
    result.assert_outcomes(passed=1, failed=1)
    assert "Desk.step('book') raised AttributeError: 'Desk' object has no attribute 'ledger'" in words(result)
    result.stdout.fnmatch_lines(["*sample 0: error: *", "  | *desk.py*, line *, in step", "  | *self.ledger.sign()"])
    (route,) = json.loads((rooms.path / "report.json").read_text())["routes"]
    assert (route["samples"], route["errors"], route["strict_pass"]["rate"]) == (4, 2, 1.0)
    errors = [line for line in rooms.recorded() if line["error"] is not None]
    assert [len(line["requests"]) for line in errors] == [2, 2]  # what was paid for is in the record
    asked = len(rooms.server.asked)
    with_desk(rooms, ENVIRONMENT)
    rooms.run(*report_args).assert_outcomes(passed=2)
    assert len(rooms.server.asked) == asked + 6  # an error is asked again, from its start


def test_an_environment_that_breaks_on_what_is_recorded_asks_nothing(rooms: Suite) -> None:
    rooms.run("--understudy-route=raw")
    asked = len(rooms.server.asked)
    with_desk(rooms, ENVIRONMENT.replace("if tool ==", "tool.sign()\n        if tool =="))
    result = rooms.run("--understudy-route=raw")
    result.assert_outcomes(failed=2)
    assert "raised AttributeError: 'str' object has no attribute 'sign'" in words(result)
    assert len(rooms.server.asked) == asked


def test_prompts_are_recorded_turn_by_turn(rooms: Suite) -> None:
    rooms.run("--understudy-route=raw", "--understudy-record-prompts", "-k", "standup", "--understudy-samples=1")
    (line,) = rooms.recorded()
    prompts = [json.loads(prompt) for prompt in line["prompt"]["turns"]]
    assert [prompt[-1]["content"] for prompt in prompts] == [turn["message"] for turn in line["turns"]]
    assert [len(prompt) for prompt in prompts] == [2, 4, 6]


def test_turns_that_are_used_up_are_a_detectable_miss(rooms: Suite) -> None:
    rooms.server.rule = lambda body: said('{"tool": "look", "arguments": {}}')
    report = rooms.report("--understudy-route=raw")
    (route,) = report["routes"]
    assert (route["errors"], route["strict_pass"]["rate"], route["outcomes"]["detectable"]) == (0, 0.0, 1.0)
    assert {line["finish"] for line in rooms.recorded()} == {"turns"}
    assert {len(line["turns"]) for line in rooms.recorded()} == {4}


def test_what_passes_is_exported_turn_by_turn(rooms: Suite, workers: tuple[str, ...]) -> None:
    rooms.with_tasks(TASKS + "split: train\n", "rooms.yaml")
    result = rooms.run("--understudy-route=raw", "--understudy-split=train", "--understudy-export-sft=sft.jsonl", *workers)
    result.stdout.fnmatch_lines(["6 training examples written to sft.jsonl (4 strict passes in 12 turns, 6 of them repeated)"])
    lines = [json.loads(line) for line in (rooms.path / "sft.jsonl").read_text().splitlines()]
    assert [line["metadata"]["turn"] for line in lines] == [1, 2, 3] * 2
    assert [len(line["messages"]) for line in lines] == [3, 5, 7] * 2


def test_killed_in_the_middle_and_run_again_finished_ones_are_not_asked_and_others_start_over(
    rooms: Suite, workers: tuple[str, ...]
) -> None:
    """The server holds one task's third turn back until the session is killed with SIGKILL."""
    held = Counter[str]()

    def holds(body: dict[str, Any]) -> Reply:
        reply = books(body)
        if turn(body) == 3 and "review" in json.dumps(body["messages"]):
            held["review"] += 1
            return Reply(reply.content, hangs=True)
        return reply

    rooms.server.rule = holds
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--understudy-route=raw", *workers]
    session = subprocess.Popen(
        command, cwd=rooms.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until(lambda: held["review"] == 2 and len(_lines(rooms.path)) == 2)
    finally:
        os.killpg(session.pid, signal.SIGKILL)
        session.wait()
    assert {line["task"] for line in rooms.recorded()} == {"standup"}
    rooms.server.rule = books
    before = len(rooms.server.asked)
    report = rooms.report("--understudy-route=raw", *workers)
    again = rooms.server.asked[before:]
    assert len(again) == 6
    assert all("review" in json.dumps(body["messages"]) for body in again)
    assert Counter(turn(body) for body in again) == {1: 2, 2: 2, 3: 2}
    assert (report["routes"][0]["strict_pass"]["rate"], report["routes"][0]["replayed"]) == (1.0, 2)


def test_an_environment_that_never_answers_does_not_keep_an_interrupted_session_from_ending(rooms: Suite) -> None:
    waits = 'open("asked", "w").close()\n        threading.Event().wait()\n        if tool =='
    with_desk(rooms, f"import threading\n{ENVIRONMENT.replace('if tool ==', waits)}")
    command = [*INTERRUPTIBLE, "-p", "no:cacheprovider", "--understudy-route=raw", "-k", "standup"]
    session = subprocess.Popen(command, cwd=rooms.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until((rooms.path / "asked").exists)
        time.sleep(0.5)
        session.send_signal(signal.SIGINT)
        told, _ = session.communicate(timeout=60)
    finally:
        session.kill()
    assert session.returncode == pytest.ExitCode.INTERRUPTED, told


def test_what_a_worker_drew_before_it_crashed_is_judged_from_the_record(rooms: Suite) -> None:
    crashing = TEST.replace("    assert run.strict_pass == 1", "    if task.id == 'review':\n        os._exit(13)")
    rooms.with_test(f"import os\n{crashing}")
    report = rooms.report("--understudy-route=raw", "-n2")
    (route,) = report["routes"]
    assert (route["samples"], route["errors"], route["strict_pass"]["rate"], route["partial"]) == (4, 0, 1.0, False)
    assert len(rooms.server.asked) == 12


def words(result: pytest.RunResult) -> str:
    """What was printed, without its line ends: they come where a line is full."""
    return " ".join(result.stdout.str().split())


def until(holds: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def _lines(folder: Path) -> list[str]:
    return [line for file in (folder / ".understudy").glob("*.jsonl") for line in file.read_text().splitlines(keepends=True)]
