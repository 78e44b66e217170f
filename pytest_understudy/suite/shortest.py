"""The shortest way to the end of a form, near enough.

In: a Cursor anywhere in a form. Out: the cursor at a whole answer, or where the search gave up. It is what a form is completed
with when a model can't be brought to fill it, so it is bounded in steps and prefers what closes. Not a proof: a form may have a
shorter end.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final

from .cursor import Cursor

_STEPS: Final = 2000  # literals, closings and searches over one form
_NODES: Final = 300  # looked at in one search
_BRANCHES: Final = 24
_DEEPER: Final = 40  # bytes that an object with content counts for on top: a form that holds itself must not be followed down
_REPEATS: Final = 1200  # of one byte, for a minLength
_CLOSING: Final = b"}],"
# Plain characters before odd ones, closing before opening, and never white space while there is another way.
_IN_STRING: Final = b'"a0A1bB-@.:/_+TZx29'
_OUTSIDE: Final = b'}],"0123456789ntf-.E{[:'


def complete(cursor: Cursor) -> bool:
    """Write the shortest end that is found; False, with the text as far as it came, if none is."""
    for _ in range(_STEPS):
        if cursor.accepting:
            return True
        if forced := cursor.forced:
            cursor.put(forced)
        elif not _close(cursor):
            step = _search(cursor) or _repeated(cursor) or next(_preferred(cursor), b"")
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


def _search(cursor: Cursor) -> bytes:
    """The cheapest bytes after which something closes (uniform-cost search); empty if that is further than the search looks."""
    order = count()  # of equal costs the one found first
    queue: list[tuple[int, int, bytes, Cursor]] = [(0, next(order), b"", cursor)]
    while queue:
        cost, _, path, here = heappop(queue)
        if path and _closes(here):
            return path
        for step in _preferred(here):
            if (number := next(order)) > _NODES:
                return b""
            there = here.copy()
            there.put(step)
            forced = there.forced
            there.put(forced)
            deeper = _DEEPER if step in (b"{", b"[") and not _closes(there) else 0
            heappush(queue, (cost + len(step + forced) + deeper, number, path + step + forced, there))
    return b""


def _repeated(cursor: Cursor) -> bytes:
    """One byte as often as it takes until something closes: a minLength, a small number's zeros."""
    for byte in _IN_STRING[1:9] if cursor.in_string or not cursor.of_json else b"01":
        there = cursor.copy()
        for count in range(1, _REPEATS + 1):
            if not there.put(bytes([byte])):
                break
            if _closes(there):
                return bytes([byte]) * count
    return b""


def _preferred(cursor: Cursor) -> Iterator[bytes]:
    """The next bytes worth a try, the likeliest to close first."""
    allowed = cursor.allowed
    order = _IN_STRING if cursor.in_string or not cursor.of_json else _OUTSIDE
    first = [byte for byte in order if byte in allowed]
    others = sorted((byte for byte in allowed if byte not in order), key=lambda byte: (byte in b" \t\n\r\\", byte))
    yield from (bytes([byte]) for byte in [*first, *others][:_BRANCHES])
