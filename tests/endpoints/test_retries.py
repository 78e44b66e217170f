"""What a Retry-After header asks for, and how often an attempt is made."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pytest_understudy.endpoints.retries import LONGEST_RETRY_AFTER, Retriable, retried, retries_heard, retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("0", 0.0),
        ("-5", 0.0),
        ("2", 2.0),
        (" 1.5 ", 1.5),
        ("3600", 3600.0),
        ("inf", math.inf),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_nothing(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_may_be_a_date() -> None:
    wanted = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert wanted is not None
    assert 28 <= wanted <= 30


class Attempts:
    """Fails as it is told, then answers; counts."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self._failures:
            raise self._failures.pop(0)
        return "answer"

    def retried(self, retries: int) -> str:
        return asyncio.run(retried(self, retries=retries, backoff=0.001))


def test_an_answer_is_not_asked_for_twice() -> None:
    attempts = Attempts()
    assert attempts.retried(5) == "answer"
    assert attempts.made == 1


def test_an_attempt_is_repeated_until_it_is_answered() -> None:
    attempts = Attempts(Retriable("first"), Retriable("second"))
    assert attempts.retried(2) == "answer"
    assert attempts.made == 3


def test_the_last_failure_is_the_one_that_is_told() -> None:
    attempts = Attempts(Retriable("first"), Retriable("second"), Retriable("third"))
    with pytest.raises(Retriable, match="second"):
        attempts.retried(1)
    assert attempts.made == 2


def test_without_retries_there_is_one_attempt() -> None:
    attempts = Attempts(Retriable("only"))
    with pytest.raises(Retriable, match="only"):
        attempts.retried(0)
    assert attempts.made == 1


def test_what_is_not_retriable_is_not_repeated() -> None:
    attempts = Attempts(Retriable("first"), KeyError("a bug of ours"))
    with pytest.raises(KeyError):
        attempts.retried(5)
    assert attempts.made == 2


def test_a_server_that_wants_to_be_asked_in_an_hour_is_not_asked_again() -> None:
    attempts = Attempts(Retriable("busy", retry_after=LONGEST_RETRY_AFTER + 1), Retriable("again"))
    with pytest.raises(Retriable, match="busy"):
        attempts.retried(5)
    assert attempts.made == 1


def test_the_wait_is_the_servers_wish() -> None:
    started = time.perf_counter()
    Attempts(Retriable("busy", retry_after=0.2)).retried(1)
    assert 0.2 <= time.perf_counter() - started < 1


async def _twice(heard: list[str]) -> str:
    """An attempt that is answered the second time."""
    heard.append("asked")
    if len(heard) == 1:
        raise Retriable("busy")
    return "done"


def test_a_retry_is_heard_by_whoever_listens_in_this_task_alone() -> None:
    counted: list[str] = []

    async def ask(listen: bool) -> str:
        asked: list[str] = []
        if not listen:
            return await retried(lambda: _twice(asked), retries=1, backoff=0.001)
        with retries_heard(lambda: counted.append("again")):
            return await retried(lambda: _twice(asked), retries=1, backoff=0.001)

    async def both() -> tuple[str, str]:
        return await asyncio.gather(ask(True), ask(False))

    assert list(asyncio.run(both())) == ["done", "done"]
    assert counted == ["again"]
