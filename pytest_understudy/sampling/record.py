"""The record: every finished sample, a line each, written before anyone is told of it.

In: a folder, and read-only records beside a config. Out: what was drawn for exactly this request before. Every process appends to
a file of its own; reading takes all of the folder's *.jsonl files, and keeps where their lines stand (places.py), not what they
say. Of equal keys the newest `at` wins; errors are kept and never stand in for a sample. A line that is torn (its writer was
killed) is skipped and told in `notes`.
"""

from __future__ import annotations

import json
import os
import re
import threading
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ..endpoints.endpoint import Completion
from ..errors import ConfigError
from ..routes.ask import sample_key
from .draws import Drawn, completion_of, line_of, moment, now
from .owner import Owner
from .places import Line, LineFile, Places
from .run import Plan

VERDICTS = "verdicts.txt"  # a line for each verdict: the holdout's hash, and when


class Record:
    """Samples by key. Read once on opening; its methods may be called on any thread.

    `since` (a time as in `at`): what was drawn from then on is this session's, and no replay; with `fresh` all else is not read.
    `owner`: of the session, where its record is another: what is kept here is kept there too, and what is there is found.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recorded: Iterable[Path] = (),
        read: bool = True,
        since: str | None = None,
        fresh: bool = False,
        owner: Owner | None = None,
    ) -> None:
        self._since = None if since is None else moment(since).timestamp()
        self._fresh = fresh
        self._folder = folder
        self._owner = owner
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._own = _Written(folder / f"{name}.jsonl")
        self._fetched = _Written(folder / f"{name}-fetched.jsonl")
        self._places = Places()
        self._files: dict[Path, LineFile] = {}
        self._lock = threading.RLock()
        self.notes: list[str] = []
        if read:
            for path in [*sorted(folder.glob("*.jsonl")), *recorded_files(recorded)]:
                self._read(path)

    def __contains__(self, key: str) -> bool:
        """Whether something was drawn under this key, as far as the record is read."""
        with self._lock:
            return key in self._places

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Of these keys those under which nothing was drawn, as far as the record is read."""
        with self._lock:
            return [key for key in keys if key not in self._places]

    def find(self, key: str) -> Drawn | None:
        """What was drawn under this key, with its recorded latency and tokens; None where nothing was."""
        return self.find_all([key])[0]

    def find_all(self, keys: Sequence[str]) -> list[Drawn | None]:
        """The same for each of these keys."""
        return [None if line is None else self._drawn(key, line) for key, line in zip(keys, self._lines(keys), strict=True)]

    @property
    def far(self) -> bool:
        """Whether looking for what is new may take long: it is asked of another machine."""
        return self._owner is not None

    def find_new(self, key: str) -> Drawn | None:
        """The same, with what other processes have recorded in the meantime."""
        self.refresh()
        self.fetch([key])
        return self.find(key)

    def refresh(self) -> None:
        """Read what other processes have recorded in the meantime."""
        with self._lock:
            for path in self._folder.glob("*.jsonl"):
                if path not in (self._own.path, self._fetched.path):
                    self._read(path, whole=True)

    def fetch(self, keys: Iterable[str]) -> None:
        """Copy what is under these keys in the session's owner's record, where that is another, and is not here."""
        if self._owner is None or not (missing := self.missing(keys)):
            return
        for text, new in self._owner.lines(missing):
            self._add(self._own if new else self._fetched, text, *_parsed(text))

    def adopt(self, text: bytes) -> None:
        """A line that a worker has in its own record; one that came twice, or was drawn twice, is kept once."""
        key, at, error = _parsed(text)
        with self._lock:
            place = self._places.where(key)
            if error or place is None or (place[0] is not self._own and at > place[1]):
                self._add(self._own, text, key, at, error)

    def lines(self, request: str, samples: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The lines of these samples of a request (`Run.request`), by their numbers; those that are not recorded are left out."""
        keys = {number: sample_key(request, number) for number in samples}
        if self.missing(keys.values()):
            self.refresh()
        found = zip(keys.items(), self._lines(keys.values()), strict=True)
        return {number: _told(key, line)[0] for (number, key), line in found if line is not None}

    def texts(self, keys: Iterable[str]) -> list[tuple[bytes, bool]]:
        """The lines under these keys as they stand there, and of each whether it is of this session."""
        return [(line.text, self._is_new(line.file, line.at)) for line in self._lines(keys) if line is not None]

    def keep(self, key: str, plan: Plan, number: int, drawn: Drawn) -> None:
        """Append one line, whole, to this process's own file, and to the session's owner's record where that is another."""
        line = line_of(key, plan, number, drawn)
        text = json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        self._add(self._own, text, key, moment(line["at"]).timestamp(), drawn.error is not None)
        if self._owner is not None:
            self._owner.keep(self._own.path.name, text)

    def _is_new(self, file: LineFile, at: float) -> bool:
        """Whether a line is of this session. Clocks of hosts differ: of what stands in our own file none is asked."""
        return file is self._own or (self._since is not None and at >= self._since)

    def _add(self, file: _Written, text: bytes, key: str, at: float, error: bool) -> None:
        with self._lock:
            start = file.append(text)
            if not error:
                self._places.put(key, file, start, len(text), at)

    def close(self) -> None:
        with self._lock:
            for file in (self._own, self._fetched, *self._files.values()):
                file.close()

    def _lines(self, keys: Iterable[str]) -> list[Line | None]:
        with self._lock:
            return self._places.get(keys)

    def _drawn(self, key: str, line: Line) -> Drawn:
        told, done = _told(key, line)
        return Drawn(done, replayed=not self._is_new(line.file, line.at), at=told["at"])

    def _read(self, path: Path, *, whole: bool = False) -> None:
        """What was not read yet; with `whole` a last line whose writer is still at it is left for the next time."""
        file = self._files.setdefault(path, LineFile(path))
        for start, text in file.new_lines(whole=whole):
            try:
                key, at, error = _parsed(text)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.notes.append(f"{path.name}:{file.lines_read}: a torn line was skipped; its sample is asked again")
                continue
            if not error and not (self._fresh and self._since is not None and at < self._since):
                self._places.put(key, file, start, len(text), at)


class _Written(LineFile):
    """A file of this process's own, made with its first line."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._writing: int | None = None

    def append(self, text: bytes) -> int:
        """Where it stands now."""
        if self._writing is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writing = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        start = os.fstat(self._writing).st_size
        while text:  # a write may be short, on a full disk or past 2 GB
            text = text[os.write(self._writing, text) :]
        return start

    def close(self) -> None:
        super().close()
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None


# What `line_of` writes of a sample that is no error: its key in front, its time at the end. A quote inside a text is escaped,
# so that none of this can be part of one.
_SAMPLE = re.compile(rb'\{"key": "([^"\\]+)", "route": .*, "error": null, "tokens": \{.*, "at": "([^"\\]+)"\}\n', re.DOTALL)


def _parsed(text: bytes) -> tuple[str, float, bool]:
    """A line's key, its time, and whether it is an error. Raises one of many errors where it is torn, or none of ours.

    A line that is whole at both ends is not read further, since it is when it is found. (Half a line before it shows by its key.)
    """
    if (sample := _SAMPLE.fullmatch(text)) is not None and text.rfind(b'{"key": ') == 0:
        return sample[1].decode(), moment(sample[2].decode()).timestamp(), False
    data = _read(text)
    if data["error"] is None:
        completion_of(data)
    return data["key"] + "", moment(data["at"]).timestamp(), data["error"] is not None


def _told(key: str, line: Line) -> tuple[dict[str, Any], Completion]:
    """What a line says; ConfigError where it says nothing."""
    try:
        told = _read(line.text)
        return told, completion_of(told)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as failure:
        why = f"the line of key {key} is none of ours, or was changed while it was in use; take it out"
        raise ConfigError(why, at=str(line.file.path)) from failure


def _read(text: bytes) -> Any:
    """A line as JSON. pydantic's parser takes a third of the time, and is not asked twice: a lone surrogate is nothing to it."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return json.loads(text)


def count_verdict(folder: Path, holdout: str) -> int:
    """Notes one more verdict on the holdout of this hash, and says how many were noted in this record. OSError if it can't be."""
    path = folder / VERDICTS
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{holdout} {now()}\n")
    return sum(line.split(" ")[0] == holdout for line in path.read_text(encoding="utf-8").splitlines())


def recorded_files(paths: Iterable[Path]) -> list[Path]:
    """The .jsonl and .jsonl.gz files that read-only records name; ConfigError for a path that is not there."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(file for file in path.iterdir() if file.name.endswith((".jsonl", ".jsonl.gz"))))
        elif path.is_file():
            files.append(path)
        else:
            raise ConfigError(f"no such file or folder: {path}", at="[understudy] recorded")
    return files
