"""The shortest way to the end of a form, near enough.

In: a Cursor anywhere in a form. Out: the cursor at a whole answer, or where the search gave up. It is what a form is completed
with when a model can't be brought to fill it, so it is bounded in steps and prefers what closes. Not a proof: a form may have a
shorter end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import Final

from .cursor import Cursor

_STEPS: Final = 2000  # literals, closings and searches over one form
_TRIES: Final = 30_000  # over one form: half a second
_TRIES_A_SEARCH: Final = 300
_BRANCHES: Final = 24
_DEEPER: Final = 40  # bytes that an object with content counts for on top: a form that holds itself must not be followed down
_REPEATS: Final = 1200  # of one byte, for a minLength
_AFTER_VALUE: Final = re.compile(rb"[],}]")
_CLOSING: Final = b"}],"
# Plain characters before odd ones, closing before opening, and never white space while there is another way.
_IN_STRING: Final = b'"a0A1bB-@.:/_+TZx29'
_OUTSIDE: Final = b'}],"0123456789ntf-.E{[:'


def complete(cursor: Cursor) -> bool:
    """Write the shortest end that is found; False, with the text as far as it came, if none is."""
    tries = iter(range(_TRIES))
    for _ in range(_STEPS):
        if cursor.accepting:
            return True
        if forced := cursor.forced:
            cursor.put(forced)
        elif not _close(cursor):
            step = _search(cursor, tries) or _repeated(cursor, tries) or next(_preferred(cursor), b"")
            if not step or not cursor.put(step):
                return False
    return cursor.accepting


def _close(cursor: Cursor) -> bool:
    if cursor.in_string:
        return not cursor.in_escape and cursor.put(b'"')
    return cursor.of_json and any(cursor.put(bytes([byte])) for byte in _CLOSING)


def _closes(cursor: Cursor) -> bool:
    if cursor.accepting:
        return True
    if cursor.in_string:
        return not cursor.in_escape and cursor.allows(b'"')
    return cursor.of_json and any(cursor.allows(bytes([byte])) for byte in _CLOSING)


def _search(cursor: Cursor, tries: Iterator[int]) -> bytes:
    """The cheapest bytes after which something closes (uniform-cost search); empty if that is further than the search looks."""
    queue: list[tuple[int, int, bytes, Cursor]] = [(0, -1, b"", cursor)]
    here_tries = islice(tries, _TRIES_A_SEARCH)
    while queue:
        cost, _, path, here = heappop(queue)
        if path and _closes(here):
            return path
        for step in _preferred(here):
            if (number := next(here_tries, None)) is None:  # also of equal costs: the one found first
                return b""
            there = here.copy()
            there.put(step)
            forced = there.forced
            there.put(forced)
            bracket = {b"{": b"}", b"[": b"]"}.get(step)
            deeper = _DEEPER if bracket and not (forced == b"" and there.allows(bracket)) else 0
            value = len(_AFTER_VALUE.split(forced, 1)[0])  # what is forced beyond the value is no reason against it
            if not value and not deeper and _closes(there):  # nothing that is still in the queue is cheaper by more than a byte
                return path + step + forced
            heappush(queue, (cost + len(step) + value + deeper, number, path + step + forced, there))
    return b""


def _repeated(cursor: Cursor, tries: Iterator[int]) -> bytes:
    """One byte as often as it takes until something closes: a minLength, a small number's zeros."""
    for byte in _IN_STRING[1:9] if cursor.in_string or not cursor.of_json else b"01":
        there = cursor.copy()
        for times, _ in enumerate(islice(tries, _REPEATS), 1):
            if not there.put(bytes([byte])):
                break
            if _closes(there):
                return bytes([byte]) * times
    return b""


def _preferred(cursor: Cursor) -> Iterator[bytes]:
    """The next bytes worth a try, the likeliest to close first."""
    allowed = cursor.allowed
    order = _IN_STRING if cursor.in_string or not cursor.of_json else _OUTSIDE
    first = [byte for byte in order if byte in allowed]
    others = sorted((byte for byte in allowed if byte not in order), key=lambda byte: (byte in b" \t\n\r\\", byte))
    yield from (bytes([byte]) for byte in [*first, *others][:_BRANCHES])
