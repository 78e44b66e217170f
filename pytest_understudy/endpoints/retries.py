"""Asking again, with backoff, where the next attempt may be answered.

In: a coroutine function that raises Retriable. Out: its answer, or the last Retriable. The waits are exponential with jitter, or
what the server wants (Retry-After); they belong to `Completion.waited`, never to latency.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

RETRIED = frozenset({408, 409, 429, *range(500, 600)})
LONGEST_BACKOFF = 30.0  # seconds
LONGEST_RETRY_AFTER = 120.0  # seconds; a server that wants an hour gets its error reported instead

T = TypeVar("T")

_heard: ContextVar[Callable[[], object]] = ContextVar("understudy_retries", default=lambda: None)


class Retriable(Exception):
    """An attempt that failed and may be repeated. Seconds: `retry_after` is the server's wish, `timed_out` how long we waited."""

    def __init__(self, message: str, *, retry_after: float | None = None, timed_out: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.timed_out = timed_out


async def retried(attempt: Callable[[], Awaitable[T]], *, retries: int, backoff: float) -> T:
    """The answer of the first attempt that gives one, of 1 + `retries`; `backoff` is the shortest first wait, in seconds."""
    try:
        return await attempt()
    except Retriable as failure:
        first = failure
    # Paid for where something fails: 25 ms of imports, and 0.14 ms of processor time a request.
    import stamina

    context = stamina.retry_context(
        on=_wait, attempts=retries + 1, timeout=None, wait_initial=backoff, wait_jitter=backoff, wait_max=LONGEST_BACKOFF
    )
    async for one in context:
        with one:
            if one.num == 1:
                raise first
            _heard.get()()
            return await attempt()
    raise AssertionError("stamina raises the last failure")


@contextmanager
def retries_heard(by: Callable[[], object]) -> Iterator[None]:
    """`by` is called for each request that is made again from here, in this task."""
    token = _heard.set(by)
    try:
        yield
    finally:
        _heard.reset(token)


def _wait(failure: Exception) -> bool | float:
    if not isinstance(failure, Retriable):
        return False
    if failure.retry_after is None:
        return True
    return failure.retry_after if failure.retry_after <= LONGEST_RETRY_AFTER else False


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, from 0 up; it is a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else max(seconds, 0.0)
