"""The session's owner, for a worker that does not share its disk.

In: a wire to the owner (a channel of execnet's). Out, at the worker: the owner's record, lock files and ledgers, as if they were
here. What was drawn goes up at once, not with its item's report, so that a worker that dies has lost nothing. What is recorded
comes down when it is asked for, and only that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import UnderstudyError

if TYPE_CHECKING:
    from .record import Record


class Wire(Protocol):
    """Sends basic types, and gives what the other end sent."""

    def send(self, item: object) -> None: ...
    def receive(self) -> Any: ...


class Owner:
    """The worker's end. Its methods block, may be called on any thread, and raise UnderstudyError where the owner is gone."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._turn = threading.Lock()  # answers come in the order of the questions

    def lines(self, keys: Sequence[str]) -> list[tuple[bytes, bool]]:
        """The lines of the owner's record, as far as it has them, and of each whether it is of this session."""
        found: list[tuple[bytes, bool]] = self._ask("lines", list(keys))
        return found

    def keep(self, name: str, line: bytes) -> None:
        """A line for the owner's record; it stands in our file `name` already."""
        self._tell("keep", name, line)

    def take(self, lock: str) -> bool:
        """Try to hold a lock file of the owner's; what a worker holds is given back when it ends."""
        return bool(self._ask("take", lock))

    def give(self, lock: str) -> None:
        self._tell("give", lock)

    def content(self, path: Path) -> bytes:
        """What stands in a ledger; empty where there is none."""
        text: bytes = self._ask("content", path.name)
        return text

    def append(self, path: Path, text: bytes) -> None:
        self._tell("append", path.name, text)

    def _ask(self, *question: object) -> Any:
        with self._turn:
            self._tell(*question)
            try:
                return self._wire.receive()
            except Exception as failure:  # execnet has many: the end of the wire, what went wrong at its other end
                raise UnderstudyError(f"the session's owner does not answer: {failure}") from failure

    def _tell(self, *what: object) -> None:
        try:
            self._wire.send(what)
        except OSError as failure:
            raise UnderstudyError(f"the session's owner is gone: {failure}") from failure


class Desk:
    """The owner's end: answers one worker. `folder`: of the session's lock files and ledgers; `files`: of its record."""

    def __init__(self, record: Callable[[], Record], folder: Path, files: Path) -> None:
        self._record = record
        self._folder = folder
        self._files = files
        self._held: dict[str, Any] = {}

    def answer(self, message: Sequence[Any], send: Callable[[object], None]) -> None:
        """Do what a worker says, and send what it asks for."""
        what, *arguments = message
        found = getattr(self, f"_{what}")(*arguments)
        if what in ("lines", "take", "content"):
            send(found)

    def close(self) -> None:
        """The worker is gone: what it held is given back."""
        for lock in self._held.values():
            lock.release()
        self._held.clear()

    def _lines(self, keys: Sequence[str]) -> list[tuple[bytes, bool]]:
        return self._record().texts(keys)

    def _keep(self, name: str, line: bytes) -> None:
        if not (
            self._files / name
        ).exists():  # else the worker writes into our folder: it is on another machine's disk, as we are
            self._record().adopt(line)

    def _take(self, lock: str) -> bool:
        if find_spec("filelock") is None:  # nobody locks
            return True
        from filelock import FileLock, Timeout

        one = FileLock(self._folder / Path(lock).name, thread_local=False)
        try:
            one.acquire(blocking=False)
        except Timeout:
            return False
        self._held[lock] = one
        return True

    def _give(self, lock: str) -> None:
        if (one := self._held.pop(lock, None)) is not None:
            one.release()

    def _content(self, name: str) -> bytes:
        return content(self._folder / Path(name).name)

    def _append(self, name: str, text: bytes) -> None:
        append(self._folder / Path(name).name, text)


def content(path: Path) -> bytes:
    """What stands in a file; empty where there is none."""
    return path.read_bytes() if path.exists() else b""


def append(path: Path, text: bytes) -> None:
    """Add to a file, in one piece."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, text)
    finally:
        os.close(file)
