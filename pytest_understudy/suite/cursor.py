"""A walk through a form: what has been written so far, and what may come next.

In: bytes that a form forces and text that a model says. Out: the form's text, always in the form's own spelling: a model that
writes `{"a":1}` or indents its keys is taken at its word and written as `{"a": 1}`. What a newcomer would get wrong: a literal is
not all that is forced. White space at its end and the shared start of a string's values are held back, since they belong to
the model's next token.
"""

from __future__ import annotations

import re
from typing import Final

from llguidance import LLMatcher

_WHITE: Final = b" \t\n\r"
_QUOTE, _BACKSLASH, _SLASH, _U = b'"'[0], b"\\"[0], b"/"[0], b"u"[0]
_DELIMITERS: Final = b",}]"
_WINDOW: Final = 4096  # bytes handed to the matcher at a time, so that a long answer is not copied over and over
_WHITE_RUN: Final = re.compile(rb"[ \t\n\r]+")
_MARK: Final = re.compile(rb'["\\]')
_WORD_AT_END: Final = re.compile(rb"\w+\Z")


class _Strings:
    """Where a JSON text stands: inside a string or not, and how many bytes of an escape are still to come."""

    __slots__ = ("escape", "inside")

    def __init__(self, inside: bool = False, escape: int = 0) -> None:
        self.inside = inside
        self.escape = escape  # -1: after a backslash; 1 to 4: hex digits missing; 0: none under way

    def read_all(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if not self.escape:  # only a mark changes anything: most of a text is none, and bytes are slow one by one
                if (mark := _MARK.search(data, at)) is None:
                    return
                at = mark.start()
            self.read(data[at])
            at += 1

    def read(self, byte: int) -> None:
        if not self.inside:
            self.inside = byte == _QUOTE
        elif self.escape == -1:
            self.escape = 4 if byte == _U else 0
        elif self.escape:
            self.escape -= 1
        elif byte == _BACKSLASH:
            self.escape = -1
        elif byte == _QUOTE:
            self.inside = False

    def copy(self) -> _Strings:
        return _Strings(self.inside, self.escape)


class Cursor:
    """One walk. `of_json` tells whether quotes and white space mean what they mean in JSON."""

    __slots__ = ("_matcher", "_strings", "_written", "of_json")

    def __init__(self, matcher: LLMatcher, of_json: bool) -> None:
        self._matcher = matcher
        self._written = bytearray()
        self._strings = _Strings()
        self.of_json = of_json

    def copy(self) -> Cursor:
        other = Cursor(self._matcher.deep_copy(), self.of_json)
        other._written = bytearray(self._written)
        other._strings = self._strings.copy()
        return other

    @property
    def text(self) -> str:
        return self._written.decode("utf-8", "ignore")

    def __len__(self) -> int:
        """Bytes written."""
        return len(self._written)

    @property
    def in_string(self) -> bool:
        """Inside a JSON string."""
        return self.of_json and self._strings.inside

    @property
    def in_escape(self) -> bool:
        """Inside a JSON string, right after a backslash."""
        return self.in_string and self._strings.escape == -1

    @property
    def accepting(self) -> bool:
        """The text is a whole answer, though it may go on."""
        return not self._matcher.is_error() and self._matcher.is_accepting()

    @property
    def done(self) -> bool:
        """The text is a whole answer, and nothing can follow."""
        return self.accepting and (self._matcher.is_stopped() or not self.allowed)

    @property
    def allowed(self) -> bytes:
        """The bytes that may come next, in ascending order."""
        if self._matcher.is_stopped():
            return b""
        mask = self._matcher.compute_bitmask()
        return bytes(8 * at + bit for at, eight in enumerate(mask[:32]) if eight for bit in range(8) if eight >> bit & 1)

    @property
    def forced(self) -> bytes:
        """The bytes that must come next, as far as they are known."""
        return b"" if self._matcher.is_stopped() else self._matcher.compute_ff_bytes()

    def allows(self, data: bytes) -> bool:
        return self.fitting(data) == len(data)

    def fitting(self, data: bytes) -> int:
        """How many of these bytes may come next, one after another."""
        return 0 if self._matcher.is_stopped() else self._matcher.validate_tokens(list(data))

    def put(self, data: bytes) -> bool:
        """Write all of `data`, or nothing and say False."""
        if not self.allows(data):
            return False
        self._consume(data)
        return True

    def put_literal(self, *, whole: bool = False) -> None:
        """Write what is forced, but for what belongs to the model's next token; with `whole`, the start of its value too."""
        forced = self.forced
        if not forced:
            return
        end = self.copy()
        end._consume(forced)
        self._consume(forced if end.done else forced[: self._held_from(forced, whole)])

    def take(self, text: str) -> str:
        """Write the start of `text` that fits; the rest is returned. White space between JSON's tokens is not looked at."""
        data = text.encode("utf-8", "replace")
        at = 0
        while at < len(data):
            window = data[at : at + _WINDOW]
            taken = self._consume(window)
            at += taken
            if taken == len(window):
                continue
            while data[at] & 0xC0 == 0x80 and taken:  # a character is taken whole or not at all
                self._undo(1)
                at, taken = at - 1, taken - 1
            if self.of_json and not self._strings.inside and (white := _WHITE_RUN.match(data, at)):
                at = white.end()
            elif self.in_escape and data[at] == _SLASH:
                self._undo_escape()  # JSON may escape a slash; the form's own spelling does not
            elif not self._put_space_before(data[at]):
                self._undo_escape()
                break
        return data[at:].decode("utf-8", "replace")

    def drop_white_end(self) -> None:
        """Take back white space at the text's end: tokens begin with their space, and some endpoints refuse such a prefix."""
        self._undo(len(self._written) - len(self._written.rstrip(_WHITE)))

    def end_value(self) -> bool:
        """Write the end of the value that stands at the text's end, where only one end is possible; else say False."""
        if self.in_string:
            self._undo_escape()
            end = self.copy()
            return end.put(b'"') and bool(end.forced or end.done) and self.put(b'"')
        ends = self.ends
        return len(ends) == 1 and self.put(ends)

    @property
    def ends(self) -> bytes:
        """The delimiters that may follow the scalar at the text's end; empty where none stands there, or it is not whole."""
        if not self.of_json or self.in_string or not self._written[-1:].isalnum():
            return b""
        return bytes(byte for byte in _DELIMITERS if self.allows(bytes([byte])))

    def _consume(self, data: bytes) -> int:
        taken = 0 if self._matcher.is_stopped() else self._matcher.try_consume_tokens(list(data))
        self._written += data[:taken]
        self._strings.read_all(data[:taken])
        return taken

    def _undo(self, count: int) -> None:
        """Only for bytes that leave the strings' state as it is: white space, and continuation bytes of a character."""
        if count:
            self._matcher.rollback(count)
            del self._written[-count:]

    def _undo_escape(self) -> None:
        """Take back an escape that was begun and not ended, so that the string can be closed."""
        if self.in_string and (pending := self._strings.escape):
            self._undo(1 if pending == -1 else 6 - pending)
            self._strings.escape = 0

    def _put_space_before(self, byte: int) -> bool:
        """Write the white space that is forced here, if that lets `byte` follow."""
        forced = self.forced
        space = forced[: len(forced) - len(forced.lstrip(_WHITE))]
        return bool(space) and self.allows(space + bytes([byte])) and self.put(space)

    def _held_from(self, forced: bytes, whole: bool) -> int:
        held = self._held_in_json(forced, whole) if self.of_json else self._held_in_words(forced, whole)
        literal = forced[:held].rstrip(_WHITE)
        return len(literal.decode("utf-8", "ignore").encode())  # characters that share a first byte: not half of one

    def _held_in_json(self, forced: bytes, whole: bool) -> int:
        strings = self._strings.copy()
        begun = strings.inside and self._written[-1] != _QUOTE  # the model is in the middle of a word that only we can end
        held = 0
        for at, byte in enumerate(forced, 1):
            was_inside = strings.inside
            strings.read(byte)
            if not strings.inside:
                begun = False
            if whole or begun or not strings.inside or not was_inside:
                held = at
        return held

    def _held_in_words(self, forced: bytes, whole: bool) -> int:
        word = None if whole else _WORD_AT_END.search(forced)
        begun = word is not None and word.start() == 0 and _WORD_AT_END.search(self._written)
        return len(forced) if word is None or begun else word.start()
