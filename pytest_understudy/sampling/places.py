"""Where the record's lines stand: by key a file, an offset and a length, so that what was drawn stays out of memory.

In: lines as they are read or written. Out: one of them, read back. A compressed file is unpacked once, into a temporary file
that has no name: found by their keys, its lines would else be unpacked from its start again and again.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError


class LineFile:
    """A file of lines, which may grow. `read_to` is in bytes, of the unpacked text where it is compressed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_to = 0
        self.lines_read = 0
        self._file: FileIO | BinaryIO | None = None

    def new_lines(self, *, whole: bool = False) -> Iterator[tuple[int, bytes]]:
        """What was not read yet, each line with its offset; with `whole` a last line without an end is left for the next time."""
        try:
            if self.read_to and self.path.stat().st_size == self.read_to:
                return
            with self._opened() as file:
                file.seek(self.read_to)
                for line in file:
                    if whole and not line.endswith(b"\n"):
                        return
                    start = self.read_to
                    self.read_to += len(line)
                    self.lines_read += 1
                    yield start, line
        except (OSError, EOFError, zlib.error) as failure:
            raise ConfigError(f"cannot be read: {failure}", at=str(self.path)) from failure

    def at(self, start: int, length: int) -> bytes:
        """The text at an offset; ConfigError where the file is gone or cannot be read."""
        try:
            if self._file is None:
                self._file = self._unpacked() if self.compressed else FileIO(self.path)
            self._file.seek(start)
            return self._file.read(length)
        except (OSError, EOFError, zlib.error) as failure:
            raise ConfigError(f"cannot be read: {failure}", at=str(self.path)) from failure

    def close(self) -> None:
        """Gives the open file back; it is opened again where it is needed again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def compressed(self) -> bool:
        return self.path.name.endswith(".gz")

    def _opened(self) -> BinaryIO:
        if not self.compressed:
            return self.path.open("rb")
        if self._file is None:
            self._file = self._unpacked()
        return open(self._file.fileno(), "rb", closefd=False)  # an open file, and no path

    def _unpacked(self) -> BinaryIO:
        unpacked = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # close() closes it
        try:
            with gzip.open(self.path, "rb") as packed:
                shutil.copyfileobj(packed, unpacked, 1 << 20)
        except BaseException:
            unpacked.close()
            raise
        return unpacked


class Places:
    """Keys and where their lines stand, in some 150 bytes each. `at` is when a line came, in seconds since the epoch."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._files: list[LineFile] = []
        self._numbers: dict[LineFile, int] = {}
        self._file = array("l")
        self._start = array("q")
        self._length = array("q")
        self._at = array("d")
        self._open: LineFile | None = None  # of those not compressed one at a time: a record may have thousands

    def __contains__(self, key: str) -> bool:
        return _packed(key) in self._rows

    def put(self, key: str, file: LineFile, start: int, length: int, at: float) -> None:
        """A line of this key; of equal keys the newest `at` counts, and of equal times the last that was put."""
        row = self._rows.setdefault(_packed(key), len(self._at))
        if row == len(self._at):
            for column in (self._file, self._start, self._length):
                column.append(0)
            self._at.append(at)
        if at >= self._at[row]:
            self._file[row] = self._number(file)
            self._start[row], self._length[row], self._at[row] = start, length, at

    def get(self, key: str) -> tuple[bytes, LineFile] | None:
        """The line of this key, and the file that it stands in."""
        if (row := self._rows.get(_packed(key))) is None:
            return None
        file = self._files[self._file[row]]
        if self._open is not None and self._open is not file and not self._open.compressed:
            self._open.close()
        self._open = file
        return file.at(self._start[row], self._length[row]), file

    def _number(self, file: LineFile) -> int:
        if file not in self._numbers:
            self._numbers[file] = len(self._files)
            self._files.append(file)
        return self._numbers[file]


def _packed(key: str) -> bytes:
    """A key of ours, which is a hash in hex, in half its size; another as it is."""
    try:
        return bytes.fromhex(key)
    except ValueError:
        return key.encode("utf-8", "surrogatepass")
