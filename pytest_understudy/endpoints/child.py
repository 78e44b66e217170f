"""A child process that serves: it prints its URLs when it is ready, and ends with us.

In: a command. Out: the URLs, or why there are none, with the last lines that it printed. The child lives as long as its stdin is
open, and we hold the other end: nothing has to be tidied up when this process is killed. Its stderr is read all the time, so the
pipe never fills, and only its last lines are kept.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from ..errors import RouteEnded

LINES = 12
GRACE = 1.0  # seconds between the end of stdin and SIGKILL


class Child:
    """Started by being built; `urls` blocks until it serves. Every method may be called from any thread.

    `name` is what messages call it, `hint` what they say to do where it does not start.
    """

    def __init__(self, name: str, command: Sequence[str], *, hint: str) -> None:
        self._name = name
        self._hint = hint
        self._began = time.perf_counter()
        # A session of its own: Ctrl-C is for us, who end the child after the last sample. Pipes are not inherited by our other
        # children (PEP 446), so its stdin ends when we do.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._urls: tuple[str, ...] = ()
        self._told = threading.Event()
        self._tail: deque[str] = deque(maxlen=LINES)
        self.cold_start: float | None = None  # seconds from its start until it served
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._drain = threading.Thread(target=self._keep_tail, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        self._drain.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def serves(self) -> bool:
        """Whether `urls` returns at once."""
        return bool(self._urls)

    def urls(self, timeout: float) -> tuple[str, ...]:
        """Where it serves; RouteEnded if it died first or took more than `timeout` seconds, with the last lines it printed."""
        if not self._told.wait(timeout):
            self.end()
            raise RouteEnded(f"the {self._name} did not start within {timeout:g} s; {self._hint}{self.last_lines()}")
        if not self._urls:
            raise RouteEnded(f"the {self._name} did not start ({self.exit()}); {self._hint}{self.last_lines()}")
        return self._urls

    def exit(self, grace: float = GRACE) -> str | None:
        """`exit -9`, or None while it lives; `grace` is seconds, since a process closes its sockets just before it is gone."""
        with suppress(subprocess.TimeoutExpired):
            return f"exit {self._process.wait(grace)}"
        return None

    def last_lines(self) -> str:
        """What it printed last, as the end of a message; empty if it said nothing."""
        if self._process.poll() is not None:
            self._drain.join(GRACE)
        return "".join(f"\n    {line}" for line in self._tail)

    def end(self) -> None:
        """Ends it, within about a second; twice is once."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(GRACE)
        self._drain.join(GRACE)

    def _listen(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                with suppress(ValueError, TypeError, KeyError):  # a line that is not the one we wait for
                    self._urls = tuple(json.loads(line)["urls"])
                    self.cold_start = time.perf_counter() - self._began
                    self._told.set()
            self._told.set()

    def _keep_tail(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                if text := line.decode(errors="replace").rstrip():
                    self._tail.append(text[:300])
