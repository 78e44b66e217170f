"""The live line on a real terminal: it is there while an item waits, and the screen ends as it would without it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping
from dataclasses import dataclass

import pyte
import pytest

from .conftest import INTERRUPTIBLE, Suite, right
from .server import Reply

ARGS = ("--understudy-route=raw", "--understudy-samples=4", "--understudy-replay=off", "-p", "no:hypothesispytest")
NOT_OURS = (
    "CI",
    "BUILD_NUMBER",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "PY_COLORS",
    "PYTEST_CURRENT_TEST",
    "PYTEST_ADDOPTS",
)
LINE = r"\d+ of 12 samples drawn"


@dataclass
class Seen:
    """What a terminal was sent, what it shows in the end, what has scrolled out at its top, and where its cursor is."""

    sent: str
    lines: list[str]
    status: int

    @property
    def said(self) -> list[str]:
        """Its lines without what differs from one session to the next."""
        return [re.sub(r"\d+\.\d+s|verdict \d+", "N", line).strip("= ") for line in self.lines]


def on_terminal(
    suite: Suite,
    *args: str,
    size: tuple[int, int] = (24, 80),
    interrupt_after: str = "",
    environment: Mapping[str, str] | None = None,
) -> Seen:
    """A session on a terminal of so many rows and columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    given = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    session = subprocess.Popen(
        [*INTERRUPTIBLE, "-p", "no:cacheprovider", *ARGS, *args],
        cwd=suite.path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**given, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
    )
    os.close(slave)
    sent = b""
    with os.fdopen(master, "rb", buffering=0) as terminal:
        while chunk := _read(terminal.fileno()):
            sent += chunk
            if interrupt_after and re.search(interrupt_after.encode(), sent):
                interrupt_after = ""
                os.kill(session.pid, signal.SIGINT)
    rows, columns = size
    screen = pyte.HistoryScreen(columns, rows, history=1000)
    pyte.ByteStream(screen).feed(sent)
    above = ["".join(row[column].data for column in range(columns)) for row in screen.history.top]
    return Seen(sent.decode(), [line.rstrip() for line in [*above, *screen.display]], session.wait(timeout=30))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that nobody has it open any more
        return b""


@pytest.fixture
def slow(suite: Suite) -> Suite:
    """Each item waits for half a second."""
    suite.server.rule = lambda body: Reply(right(body).content, delay=0.5)
    return suite


@pytest.mark.parametrize(
    ("size", "args"),
    [
        ((24, 80), ()),
        ((6, 80), ("-v",)),
        ((5, 48), ("-vv",)),
        ((12, 100), ("-o", "console_output_style=count")),
        ((24, 80), ("-x",)),
    ],
    ids=["dots", "at the bottom of the screen", "names that wrap", "counts", "item by item"],
)
def test_the_screen_ends_as_it_would_without_the_line(slow: Suite, size: tuple[int, int], args: tuple[str, ...]) -> None:
    live = on_terminal(slow, *args, size=size)
    plain = on_terminal(slow, *args, size=size, environment={"CI": "true"})
    assert re.search("samples? drawn", live.sent)
    assert "drawn" not in plain.sent
    assert live.said == plain.said
    assert live.status == plain.status == pytest.ExitCode.OK
    assert not any("drawn" in line for line in live.lines)


def test_the_line_tells_how_far_it_is(slow: Suite) -> None:
    sent = on_terminal(slow).sent
    told = re.findall(LINE + r"[^\r\x1b]*", sent)
    assert any(
        re.fullmatch(r"[48] of 12 samples drawn, \d+\.\d a second, \$0\.\d+, 0 retries, \d+ s left", line) for line in told
    )


def test_retries_are_counted(slow: Suite) -> None:
    def rule(body: object) -> Reply:
        asked = len(slow.server.asked)
        return Reply(b"{}", status=503) if asked in (2, 3) else Reply(right(slow.server.asked[-1]).content, delay=0.5)

    slow.server.rule = rule
    assert re.search(r"drawn, .*[12] retr(y|ies)", on_terminal(slow).sent)


@pytest.mark.parametrize("args", [("-q",), ("-s",), ("--color=no",), ("-n2",), ("-p", "no:terminal"), ("-o", "log_cli=true")])
def test_where_it_would_be_in_the_way_there_is_no_line(slow: Suite, args: tuple[str, ...]) -> None:
    seen = on_terminal(slow, *args)
    assert "samples drawn" not in seen.sent
    assert seen.status == pytest.ExitCode.OK


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_escapes_gets_none(slow: Suite, name: str, value: str) -> None:
    assert "\x1b[A" not in on_terminal(slow, environment={name: value}).sent


def test_in_a_pipe_there_is_nothing_of_it(slow: Suite) -> None:
    result = slow.run(*ARGS, "--color=yes", apart=True)
    assert "\x1b[A" not in result.stdout.str()
    assert "samples drawn" not in result.stdout.str()


def test_ctrl_c_leaves_no_line_behind(slow: Suite) -> None:
    slow.server.rule = lambda body: Reply(right(body).content, delay=30 if len(slow.server.asked) > 4 else 0.3)
    seen = on_terminal(slow, interrupt_after=LINE)
    assert seen.status == pytest.ExitCode.INTERRUPTED
    assert not any("a second" in line or " left" in line for line in seen.lines)
    assert any("KeyboardInterrupt" in line for line in seen.lines)
