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
    kept = text[:longest].split("\n")[:lines]
    left = len(text) - len("\n".join(kept))
    return "\n".join([*(_cut(one, line) for one in kept[:-1]), _cut(kept[-1], line, left)])


def one_line(text: str, longest: int = LONGEST) -> str:
    """As `visible`, on one line and cut to `longest` characters: a name, a reason. Tabs and line feeds are escaped as well."""
    return _cut(text[:longest], longest, max(len(text) - longest, 0)).replace("\n", "\\n").replace("\t", "\\t")


def _cut(text: str, longest: int, more: int = 0) -> str:
    """`more`: characters that were left out before."""
    left = max(len(text) - longest, 0) + more
    note = f"... ({left:,} more character{'' if left == 1 else 's'})" if left else ""
    return visible(text[:longest]) + note


def _escape(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
