"""Somebody else's text, made safe to be shown: on a terminal, in Markdown, in any file that a person opens.

In: an output, an error, a name, whatever it holds. Out: text in which all that a reader could not see, or a terminal would
obey, stands as Python writes it: `\\x1b`, `\\u202e`. What is long is cut with a note of what was left out, and cut first, so that
two megabytes on one line cost nothing. What a newcomer would get wrong: a cut counts characters of the text, not of what is
shown.
"""

from __future__ import annotations

import re

LONGEST = 1500
"""Characters of a text that is shown where nobody says how many."""

LONGEST_LINE = 500
"""Characters of one line of it."""

# Control characters but for tab and line feed, DEL and C1, soft hyphen, marks that turn the direction of writing, line and
# paragraph separators, characters of no width (but for the two joiners, without which some scripts and emoji fall apart), lone
# surrogates, annotations, and the tags that repeat ASCII unseen.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The whole text with what is unseen escaped; tabs and line feeds stay. It is UTF-8 encodable."""
    return _UNSEEN.sub(lambda match: _escape(match.group()), text)


def printable(text: str, longest: int = LONGEST, *, line: int = LONGEST_LINE, lines: int | None = None) -> str:
    """As `visible`, cut to `longest` characters, each line to `line` of them, and to so many `lines` where that is given."""
    return "\n".join(f"{shown}{note(left)}" for shown, left in cut_lines(text, longest, line=line, lines=lines))


def cut_lines(text: str, longest: int = LONGEST, *, line: int = LONGEST_LINE, lines: int | None = None) -> list[tuple[str, int]]:
    """The lines of `printable`, each with the number of characters that are left out after it."""
    kept = text[:longest].split("\n")[:lines]
    more = [0] * (len(kept) - 1) + [len(text) - len("\n".join(kept))]
    return [(visible(one[:line]), max(len(one) - line, 0) + left) for one, left in zip(kept, more, strict=True)]


def one_line(text: str, longest: int = LONGEST) -> str:
    """As `visible`, on one line and cut to `longest` characters: a name, a reason. Tabs and line feeds are escaped as well."""
    kept = visible(text[:longest]).replace("\n", "\\n").replace("\t", "\\t")
    return f"{kept}{note(max(len(text) - longest, 0))}"


def note(left: int) -> str:
    """`... (12 more characters)`, or nothing."""
    return f"... ({left:,} more character{'' if left == 1 else 's'})" if left else ""


def _escape(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
