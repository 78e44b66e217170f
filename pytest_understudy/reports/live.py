"""The live line: how far the drawing is, on a terminal, while an item waits for its samples.

In: a terminal's file descriptor, and what is to be told. Out: one line under the cursor's, drawn anew a few times a second and
wiped out before anyone else writes, with the cursor back where it was: so the screen ends as it would without it. What a newcomer
would get wrong: the line is painted by a thread of its own, since the one that would write next is waiting; between `shown`'s
two ends nobody else writes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from ..sampling.pace import Seen
from ..verdict.written import counted, dollars

EVERY: Final = 0.25  # seconds between two paintings
PATIENCE: Final = 0.1  # seconds that an item waits before there is a line: most are drawn ahead, and would make it flicker
NARROWEST: Final = 20  # columns of a terminal that is painted on


def live_line(seen: Seen, *, whole: bool, width: int) -> str:
    """`12 of 90 samples drawn, 3.4 a second, $0.0123, 2 retries, 23 s left`, cut to `width`.

    `whole`: all that will be asked for is asked for, so that it can be told how much is left.
    """
    count = f"{seen.drawn:,} of {counted(seen.asked, 'sample')} drawn" if whole else f"{counted(seen.drawn, 'sample')} drawn"
    told = [count, "" if seen.rate is None else f"{seen.rate:.1f} a second", _money(seen), _retries(seen.retries)]
    if whole and seen.left is not None:
        told.append(f"{_time(seen.left)} left")
    return ", ".join(part for part in told if part)[:width]


class Live:
    """`terminal` is a file descriptor, kept open by whoever gave it; `column` says where the cursor stands in its line, which may
    be wider than the terminal.
    """

    def __init__(self, terminal: int, seen: Callable[[], Seen], column: Callable[[], int], *, whole: bool) -> None:
        self._terminal = terminal
        self._seen = seen
        self._column = column
        self._whole = whole

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While this lasts nobody else writes to the terminal."""
        width = self._width()
        column = self._column()
        if width < NARROWEST or (column and column % width == 0):  # there the cursor hangs behind the last column
            yield
            return
        over = threading.Event()
        painter = threading.Thread(target=self._paint, args=(over, column % width), name="understudy-live", daemon=True)
        painter.start()
        try:
            yield
        finally:
            over.set()
            painter.join()

    def _paint(self, over: threading.Event, column: int) -> None:
        back = "\r\x1b[A" + (f"\x1b[{column}C" if column else "")
        painted = over.wait(PATIENCE)
        if painted:
            return
        with suppress(OSError):  # the terminal is gone
            while True:
                self._write(f"\r\n\x1b[K{live_line(self._seen(), whole=self._whole, width=self._width() - 1)}{back}")
                if over.wait(EVERY):
                    break
            self._write(f"\r\n\x1b[K{back}")

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._terminal).columns
        except OSError:
            return 0

    def _write(self, text: str) -> None:
        left = text.encode()
        while left:
            left = left[os.write(self._terminal, left) :]


def _money(seen: Seen) -> str:
    if not seen.drawn:
        return ""
    if not seen.unpriced:
        return dollars(seen.dollars)
    return f"{dollars(seen.dollars)} and some unpriced" if seen.dollars else "unpriced"


def _retries(count: int) -> str:
    return "1 retry" if count == 1 else f"{count:,} retries"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
