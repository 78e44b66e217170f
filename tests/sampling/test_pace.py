"""How far the drawing is: counts, a rate that forgets a cold start, and dollars."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_understudy.endpoints.endpoint import Exchange, Tokens
from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.pace import WINDOW, Pace, Seen
from pytest_understudy.sampling.run import Plan

from .made import completion, plan


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def priced() -> Plan:
    return Plan(plan().task, replace(plan().route, price=Price.blended(1.0)), 1)


def test_what_was_asked_for_and_what_came_are_counted_errors_included() -> None:
    pace = Pace()
    pace.ask(3)
    pace.draw(plan(), Drawn(completion()))
    pace.draw(plan(), Drawn(None, "down"))
    pace.retry()
    seen = pace.seen
    assert (seen.asked, seen.drawn, seen.retries) == (3, 2, 1)


def test_the_rate_is_over_the_last_samples_and_says_how_long_the_rest_takes() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.ask(300)
    clock.now += 1000.0  # a cold start
    for _ in range(WINDOW + 1):
        clock.now += 0.5
        pace.draw(plan(), Drawn(completion()))
    assert pace.seen.rate == 2.0
    assert pace.seen.left == (300 - WINDOW - 1) / 2.0


def test_before_anything_came_there_is_no_rate() -> None:
    assert (Pace().seen, Pace().seen.left) == (Seen(), None)
    pace = Pace()
    pace.ask(2)
    assert pace.seen.rate is None


def test_what_came_is_paid_for_request_by_request_and_an_error_for_what_was_answered_before_it() -> None:
    pace = Pace()
    pace.draw(priced(), Drawn(completion()))  # 12 tokens at a dollar a million
    pace.draw(priced(), Drawn(None, "down", answered=(Exchange("", "stop", Tokens(prompt=8, generated=0), 0.1),)))
    pace.draw(priced(), Drawn(None, "down"))
    assert pace.seen.dollars == pytest.approx(20e-6)
    assert not pace.seen.unpriced


def test_what_has_no_price_or_tells_no_usage_is_unpriced_and_not_free() -> None:
    without = Pace()
    without.draw(plan(), Drawn(completion()))
    assert (without.seen.dollars, without.seen.unpriced) == (0.0, True)
    silent = Pace()
    silent.draw(priced(), Drawn(None, "down", answered=(Exchange("", "stop", Tokens(), 0.1),)))
    assert silent.seen.unpriced
