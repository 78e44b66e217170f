"""Where the record's lines stand: by key a file, an offset and a length, so that what was drawn stays out of memory.

In: lines as they are read or written. Out: one of them, read back. A compressed file is unpacked once, into a temporary file
that has no name: found by their keys, its lines would else be unpacked from its start again and again.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
import zlib
from array import array
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ..errors import ConfigError

KEY: Final = 16  # bytes
GAP: Final = 1 << 14  # bytes between two lines that are read all the same, rather than apart
BLOCK: Final = 1 << 18  # bytes read in one piece, and what is left of its last line


class Line(NamedTuple):
    """A line as it stands in a file. `at` is when it came, in seconds since the epoch."""

    text: bytes
    file: LineFile
    at: float


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
    """Keys and where their lines stand, in some 60 bytes each. `at` is when a line came, in seconds since the epoch."""

    def __init__(self) -> None:
        self._rows = _Rows()
        self._files: list[LineFile] = []
        self._numbers: dict[LineFile, int] = {}
        self._file = array("i")
        self._start = array("q")
        self._length = array("q")
        self._at = array("d")
        self._open: LineFile | None = None  # of those not compressed one at a time: a record may have thousands

    def __contains__(self, key: str) -> bool:
        return self._rows.find(_packed(key)) is not None

    def put(self, key: str, file: LineFile, start: int, length: int, at: float) -> None:
        """A line of this key; of equal keys the newest `at` counts, and of equal times the last that was put."""
        row, number = self._rows.of(_packed(key)), self._number(file)
        if row == len(self._at):
            self._file.append(number)
            self._start.append(start)
            self._length.append(length)
            self._at.append(at)
        elif at >= self._at[row]:
            self._file[row], self._start[row], self._length[row], self._at[row] = number, start, length, at

    def get(self, keys: Iterable[str]) -> list[Line | None]:
        """The line of each key, None where there is none. Lines that stand close together are read in one piece."""
        rows = [self._rows.find(_packed(key)) for key in keys]
        texts: dict[int, bytes] = {}
        for block in self._blocks({row for row in rows if row is not None}):
            start, end = self._start[block[0]], self._start[block[-1]] + self._length[block[-1]]
            text = self._opened(self._files[self._file[block[0]]]).at(start, end - start)
            for row in block:
                at = self._start[row] - start
                texts[row] = text[at : at + self._length[row]]
        return [None if row is None else Line(texts[row], self._files[self._file[row]], self._at[row]) for row in rows]

    def where(self, key: str) -> tuple[LineFile, float] | None:
        """The file that a key's line stands in, and its `at`."""
        row = self._rows.find(_packed(key))
        return None if row is None else (self._files[self._file[row]], self._at[row])

    def _blocks(self, rows: Iterable[int]) -> Iterator[list[int]]:
        """In the order of the files, those that are read in one piece."""
        block: list[int] = []
        for row in sorted(rows, key=lambda row: (self._file[row], self._start[row])):
            if block and not self._is_near(block, row):
                yield block
                block = []
            block.append(row)
        if block:
            yield block

    def _is_near(self, block: list[int], row: int) -> bool:
        first, last = block[0], block[-1]
        apart = self._start[row] - self._start[last] - self._length[last]
        return self._file[row] == self._file[first] and apart <= GAP and self._start[row] - self._start[first] <= BLOCK

    def _opened(self, file: LineFile) -> LineFile:
        if self._open is not None and self._open is not file and not self._open.compressed:
            self._open.close()
        self._open = file
        return file

    def _number(self, file: LineFile) -> int:
        if (number := self._numbers.get(file)) is None:
            number = self._numbers[file] = len(self._files)
            self._files.append(file)
        return number


class _Rows:
    """Keys numbered in the order in which they came: a hash table of 30 bytes a key, where a dict takes 110 and more."""

    def __init__(self) -> None:
        self._slots = array("i", [-1]) * 64
        self._keys = bytearray()

    def find(self, key: bytes) -> int | None:
        row = self._slots[self._slot(key)]
        return None if row < 0 else row

    def of(self, key: bytes) -> int:
        """The key's number, a new one where it has none."""
        slot = self._slot(key)
        if (row := self._slots[slot]) < 0:
            row = self._slots[slot] = len(self._keys) // KEY
            self._keys += key
            if (row + 1) * 3 > len(self._slots) * 2:
                self._grow()
        return row

    def _slot(self, key: bytes) -> int:
        """Where the key stands, or would."""
        slots, keys = self._slots, self._keys
        last = len(slots) - 1
        slot = hash(key) & last
        while (row := slots[slot]) >= 0 and keys[row * KEY : (row + 1) * KEY] != key:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        self._slots = array("i", [-1]) * (2 * len(self._slots))
        for row in range(len(self._keys) // KEY):
            self._slots[self._slot(bytes(self._keys[row * KEY : (row + 1) * KEY]))] = row


def _packed(key: str) -> bytes:
    """A key of ours is 16 bytes in hex; of another its hash."""
    try:
        if len(packed := bytes.fromhex(key)) == KEY:
            return packed
    except ValueError:
        pass
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:KEY]
