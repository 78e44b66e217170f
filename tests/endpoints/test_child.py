"""A child process that serves: its URL, its last words, its end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_understudy.endpoints.child import Child
from pytest_understudy.errors import RouteEnded

SERVES = 'print(\'{"urls": ["http://x"]}\', flush=True)\n'
UNTIL_THE_END = "sys.stdin.read()\n"

Run = Callable[[str], Child]


@pytest.fixture
def run() -> Iterator[Run]:
    children: list[Child] = []

    def run(code: str) -> Child:
        children.append(Child("server", [sys.executable, "-c", f"import os, signal, sys, time\n{code}"], hint="look"))
        return children[-1]

    yield run
    for child in children:
        child.end()


def test_a_child_tells_its_url_and_how_long_it_took(run: Run) -> None:
    child = run(SERVES + UNTIL_THE_END)
    assert child.urls(5) == ("http://x",)
    assert child.cold_start is not None
    assert 0 < child.cold_start < 5
    assert child.exit(grace=0.01) is None


def test_what_a_child_prints_beside_its_url_does_no_harm(run: Run) -> None:
    child = run("print('loading')\nprint('[1]')\nprint('3')\n" + SERVES + UNTIL_THE_END)
    assert child.urls(5) == ("http://x",)


def test_a_child_that_dies_first_is_quoted(run: Run) -> None:
    child = run("print('no such tensor', file=sys.stderr)\nsys.exit(3)")
    with pytest.raises(RouteEnded) as caught:
        child.urls(5)
    assert str(caught.value) == "the server did not start (exit 3); look\n    no such tensor"


def test_a_child_that_takes_too_long_is_ended(run: Run) -> None:
    child = run("print('loading', file=sys.stderr, flush=True)\n" + UNTIL_THE_END)
    with pytest.raises(RouteEnded, match=r"the server did not start within 0.5 s; look\n    loading"):
        child.urls(0.5)
    assert child.exit() is not None


def test_a_child_may_print_as_much_as_it_likes(run: Run) -> None:
    chatter = "for line in range(20000):\n    print('x' * 100, line, file=sys.stderr)\n"
    child = run(chatter + SERVES + chatter + "sys.exit(1)")
    assert child.urls(10) == ("http://x",)
    assert child.exit(grace=10) == "exit 1"
    lines = child.last_lines().splitlines()
    assert len(lines) == 13
    assert lines[-1].endswith("19999")


def test_a_child_ends_with_its_stdin_and_twice_is_once(run: Run) -> None:
    child = run(SERVES + UNTIL_THE_END)
    child.urls(5)
    child.end()
    assert child.exit() == "exit 0"
    child.end()


def test_a_child_that_does_not_listen_is_killed(run: Run) -> None:
    child = run(SERVES + "time.sleep(60)")
    child.urls(5)
    started = time.perf_counter()
    child.end()
    assert time.perf_counter() - started < 2
    assert child.exit() == f"exit -{signal.SIGKILL.value}"


def test_a_child_is_not_reached_by_the_terminals_interrupt(run: Run) -> None:
    child = run(SERVES + UNTIL_THE_END)
    child.urls(5)
    assert os.getpgid(child.pid) != os.getpgid(0)
