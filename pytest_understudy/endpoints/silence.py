"""What aiohttp and stamina log about our own requests is dropped.

The thread that draws samples never prints, logs or warns: a line from it would land in the middle of pytest's output, or in the
captured log of an item that has nothing to do with it. The filter sees a context of ours, never the logs of other users of the
same libraries in this process, and no global setting of theirs is touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

# A logger's filter is not asked about its children's records: each is named.
LOGGERS = ("stamina", "aiohttp.client", "aiohttp.internal")

_silent: ContextVar[bool] = ContextVar("understudy_silent", default=False)


@contextmanager
def silence() -> Iterator[None]:
    """Nothing that is called from here, in this task, logs its requests and retries."""
    _install()
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


@cache
def _install() -> None:
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_is_heard)


def _is_heard(record: logging.LogRecord) -> bool:
    return not _silent.get()
