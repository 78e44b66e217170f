"""A key that shows itself to nobody who does not ask for it.

pytest -l prints the repr of every local of every frame, and servers like to repeat a wrong key in their answer: so a key lives in
a Secret from the moment it is handed to us, and what a server said goes through `redacted` before it becomes a message.
"""

from __future__ import annotations

SHORTEST = 8  # characters of a key that no model says by chance


class Secret:
    """A key, without the white space that files and shells add to its ends."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def __repr__(self) -> str:
        return "Secret('***')"

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def sendable(self) -> bool:
        """Whether a header can hold it: printable ASCII, in one line."""
        return self._value.isascii() and self._value.isprintable()

    def reveal(self) -> str:
        return self._value

    def redacted_from_output(self, text: str) -> str:
        """An output without the key. A key too short to be one may be a word that the model means, and stays."""
        return self.redacted(text) if len(self._value) >= SHORTEST else text

    def redacted(self, text: str) -> str:
        """The text with *** where the key stood."""
        return text.replace(self._value, "***") if self._value else text
