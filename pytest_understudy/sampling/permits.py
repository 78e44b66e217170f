"""How many requests may be in flight, in this process and over all workers of a session.

In: a share of a limit. Out: a permit to hold while drawing. A limit that is smaller than the number of workers cannot be split,
so its permits are lock files that several workers take in turns; the system gives a dead worker's back.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from ..errors import ConfigError
from .owner import Owner


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's part of a limit: `own` requests at once; where `lock` is a path, only while holding that file's lock."""

    own: int
    lock: str | None = None

    def to_json(self) -> list[Any]:
        return [self.own, self.lock]

    @classmethod
    def from_json(cls, data: list[Any]) -> Share:
        return cls(*data)


def share(limit: int, index: int, workers: int, folder: str, name: str) -> Share:
    """What worker `index` of `workers` may use of `limit`. Shares of a splittable limit sum to it.

    `name` names the limit among the lock files in `folder`. ConfigError where locks are needed and filelock is not installed.
    """
    mine = dealt(limit, index, workers)
    if limit >= workers:
        return Share(len(mine))
    if find_spec("filelock") is None:
        raise ConfigError(
            f"{workers} workers share {limit} requests in flight: install pytest-understudy[xdist], or lower -n to that number"
        )
    return Share(1, f"{folder}/{name}-{mine[0]}.lock")


def dealt(limit: int, index: int, workers: int) -> range:
    """Which of a limit's permits, from 0 on, worker `index` of `workers` uses; several the same where there are too few."""
    return range(index % limit, limit, workers)


def permits(part: Share, owner: Owner | None = None) -> AbstractAsyncContextManager[Any]:
    """An async context manager that many coroutines of one loop may enter at once. `owner`: where its lock files are not here."""
    if part.lock is None:
        return asyncio.Semaphore(part.own)
    return _Taken(_Here(part.lock) if owner is None else _There(part.lock, owner))


class _Lock(Protocol):
    async def take(self) -> bool: ...
    def give(self) -> None: ...


class _Taken:
    """One permit, shared with other processes: at most one coroutine of one process is inside."""

    def __init__(self, lock: _Lock) -> None:
        self._lock = lock
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._turn.acquire()
        try:
            while not await self._lock.take():
                await asyncio.sleep(0.02)
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._lock.give()
        self._turn.release()


class _Here:
    def __init__(self, path: str) -> None:
        from filelock import FileLock  # only workers need it

        self._lock = FileLock(path, thread_local=False)

    async def take(self) -> bool:
        from filelock import Timeout

        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def give(self) -> None:
        self._lock.release()


class _There:
    """A lock file of an owner whose disk is not ours; a worker that dies gives back what it held."""

    def __init__(self, path: str, owner: Owner) -> None:
        self._path = path
        self._owner = owner

    async def take(self) -> bool:
        return await asyncio.to_thread(self._owner.take, self._path)

    def give(self) -> None:
        self._owner.give(self._path)
