"""A thread of a sample's own, for code that is not ours.

In: calls, on an event loop. Out: what they return or raise. What an environment does may take its time, so it must not run on the
engine's loop; and what it holds may belong to the thread that made it, as a connection to SQLite does: so all calls of one sample
are made on one thread. A daemon, since an environment that never returns must not keep a session from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

Result = TypeVar("Result")


class OwnThread:
    """`async with OwnThread() as thread: await thread.call(function, ...)`; the thread ends after its last call."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    async def __aenter__(self) -> OwnThread:
        threading.Thread(target=self._run, name="understudy-environment", daemon=True).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.put(None)

    async def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """What the function returns or raises. A call that is cancelled before its turn is never made."""
        result: Future[Result] = Future()
        self._calls.put((result, lambda: function(*args)))
        return await asyncio.wrap_future(result)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            result, function = call
            if not result.set_running_or_notify_cancel():
                continue
            try:
                result.set_result(function())
            except BaseException as failure:  # whoever awaits it decides
                result.set_exception(failure)
