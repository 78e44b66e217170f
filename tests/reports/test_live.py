"""The live line's words."""

from __future__ import annotations

import os

import pytest

from pytest_understudy.reports.live import Live, live_line
from pytest_understudy.sampling.pace import Seen


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (Seen(90), "0 of 90 samples drawn, 0 retries"),
        (Seen(90, 12, 3.4, 0.0123, False, 2), "12 of 90 samples drawn, 3.4 a second, $0.0123, 2 retries, 23 s left"),
        (Seen(1500, 1, 0.5, 0.0, True, 1), "1 of 1,500 samples drawn, 0.5 a second, unpriced, 1 retry, 50 min left"),
        (Seen(9, 3, 1.0, 0.5, True), "3 of 9 samples drawn, 1.0 a second, $0.500 and some unpriced, 0 retries, 6 s left"),
    ],
)
def test_the_line_says_how_far_how_fast_what_for_and_how_long_yet(seen: Seen, line: str) -> None:
    assert live_line(seen, whole=True, width=100) == line


def test_where_items_are_drawn_one_by_one_nobody_knows_how_many_are_left() -> None:
    assert live_line(Seen(4, 3, 2.0, 0.1), whole=False, width=100) == "3 samples drawn, 2.0 a second, $0.100, 0 retries"


def test_the_line_is_cut_to_the_terminal() -> None:
    assert live_line(Seen(90, 12, 3.4), whole=True, width=15) == "12 of 90 sample"


def test_what_is_no_terminal_is_not_painted_on() -> None:
    reads, writes = os.pipe()
    with Live(writes, Seen, lambda: 0, whole=True).shown():
        pass
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        assert pipe.read() == b""
