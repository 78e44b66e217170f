"""The record: every finished sample, a line each, written before anyone is told of it.

In: a folder, and read-only records beside a config. Out: what was drawn for exactly this request before. Every process appends to
a file of its own; reading takes all of the folder's *.jsonl files. Of equal keys the newest `at` wins; errors are kept and never
stand in for a sample. A line that is torn (its writer was killed) is skipped and told in `notes`.
"""

from __future__ import annotations

import gzip
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..endpoints.endpoint import Completion, Exchange, Tokens
from ..errors import ConfigError
from .run import Plan

VERDICTS = "verdicts.txt"  # a line for each verdict: the holdout's hash, and when


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of one sample: a completion, or the error that stood in its way.

    `answered`: of an error, the requests that were answered before it. `ended`: the error ended its route. `sent` and `prompt`:
    what was sent, as a hash and in full (sent.py); not read back from a record. `at`: when it came.
    """

    completion: Completion | None
    error: str | None = None
    replayed: bool = False
    answered: tuple[Exchange, ...] = ()
    ended: bool = False
    sent: str | None = None
    prompt: str | dict[str, Any] | None = None
    at: str | None = field(default=None, compare=False)


class Record:
    """Samples by key. Read once on opening; `keep` may be called on another thread than `find`.

    `since` (a time as in `at`): what was drawn from then on is this session's, and no replay; with `fresh` all else is not read.
    """

    def __init__(
        self, folder: Path, *, recorded: Iterable[Path] = (), read: bool = True, since: str | None = None, fresh: bool = False
    ) -> None:
        self._since = since
        self._fresh = fresh
        self._folder = folder
        self._file: int | None = None
        self._path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
        self._lines: dict[str, _Line] = {}
        self._read_to: dict[Path, int] = {}  # bytes
        self.notes: list[str] = []
        if read:
            for path in [*sorted(folder.glob("*.jsonl")), *recorded_files(recorded)]:
                self._read(path)

    def find(self, key: str) -> Drawn | None:
        """What was drawn under this key, with its recorded latency and tokens; None where nothing was."""
        line = self._lines.get(key)
        if line is None:
            return None
        return Drawn(_completion(line.data), replayed=self._since is None or line.at < self._since, at=line.at)

    def find_new(self, key: str) -> Drawn | None:
        """The same, with what other processes have recorded in the meantime."""
        for path in self._folder.glob("*.jsonl"):
            if path != self._path:
                self._read(path, whole_lines=True)
        return self.find(key)

    def keep(self, key: str, plan: Plan, number: int, drawn: Drawn) -> None:
        """Append one line, whole, to this process's own file."""
        line = _line(key, plan, number, drawn)
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        data = json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        while data:  # a write may be short, on a full disk or past 2 GB
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self, path: Path, *, whole_lines: bool = False) -> None:
        """What was not read yet; with `whole_lines` a last line whose writer is still at it is left for the next time."""
        for number, text in enumerate(_texts(path, self._read_to.get(path, 0)), 1):
            if whole_lines and not text.endswith(b"\n"):
                return
            self._read_to[path] = self._read_to.get(path, 0) + len(text)
            try:
                line = _Line.parsed(text)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.notes.append(f"{path.name}:{number}: a torn line was skipped; its sample is asked again")
                continue
            if line.data["error"] is not None or (self._fresh and self._since is not None and line.at < self._since):
                continue
            if line.at >= self._lines.get(line.key, line).at:
                self._lines[line.key] = line


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the record that can be replayed, or tells of an error."""

    key: str
    at: str
    data: dict[str, Any]

    @classmethod
    def parsed(cls, text: bytes) -> _Line:
        """Raises one of many errors where it is torn, or none of ours."""
        data = json.loads(text)
        if data["error"] is None:
            _completion(data)
        datetime.fromisoformat(data["at"])
        return cls(data["key"] + "", data["at"] + "", data)


def now() -> str:
    """The time as `at` has it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def moment(at: str) -> datetime:
    """The time that `at` tells; one without a zone is UTC."""
    told = datetime.fromisoformat(at)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _completion(line: Mapping[str, Any]) -> Completion:
    """The completion that a record's line tells of."""
    return Completion(
        output=line["output"] + "",
        finish=line["finish"] + "",
        tokens=Tokens.from_json(line["tokens"]),
        latency=float(line["latency"]),
        waited=float(line["waited"]),
        requests=tuple(Exchange.from_json(request) for request in line["requests"]),
    )


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


def _line(key: str, plan: Plan, number: int, drawn: Drawn) -> dict[str, Any]:
    done = drawn.completion
    requests = done.requests if done else drawn.answered
    return {
        "key": key,
        "route": plan.route.name,
        "task": plan.task.id,
        "sample": number,
        "output": done.output if done else None,
        "finish": done.finish if done else None,
        "error": drawn.error,
        "tokens": (done.tokens if done else summed(requests)).to_json(),
        "latency": done.latency if done else None,
        "waited": done.waited if done else None,
        "requests": [request.to_json() for request in requests],
        "sent": drawn.sent,
        **({} if drawn.prompt is None else {"prompt": drawn.prompt}),
        "at": drawn.at or now(),
    }


def summed(requests: Sequence[Exchange]) -> Tokens:
    """The tokens of all of them; unknown where there are none."""
    tokens = [request.tokens for request in requests]
    return sum(tokens[1:], start=tokens[0]) if tokens else Tokens()


def _texts(path: Path, start: int) -> Iterator[bytes]:
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            file.seek(start)
            yield from file
    except (OSError, EOFError, zlib.error) as failure:
        raise ConfigError(f"cannot be read: {failure}", at=str(path)) from failure
