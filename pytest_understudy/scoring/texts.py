"""How two texts compare, and how a value is shown in a check's detail.

In: strings as a suite or a model wrote them. Out: strings that are equal where docs/reference/figures.md says so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any, Final

from ..suite.task import Task

LONGEST_DETAIL: Final = 200  # characters
LONGEST_NAME: Final = 80  # characters of a name that a model made up

Reading = Callable[[str], str]

# Punctuation by Unicode's book, but `5 %` is not `5` and `C#` is not `C`.
_MEANT: Final = frozenset("%‰#@&*")
_SIGN = r"(?<!\w)[-+−](?=[$€£¥]?\.?\d)"
_POINT = r"(?<=\d)[.,](?=\d)|(?<!\w)\.(?=\d)"  # a comma between digits is a decimal comma to half the world


@cache
def _mark() -> re.Pattern[str]:
    """Compiled where it is needed: it takes 15 ms, and most suites never compare loosely."""
    return re.compile(rf"(?P<kept>{_SIGN}|{_POINT})|[^\w\s]|_")


def trimmed(text: str) -> str:
    """NFC, without white space at the ends: how strings compare unless a task says `compare: loose`."""
    return _composed(text).strip()


def loosened(text: str) -> str:
    """`trimmed`, without case, with one space for every run of space and punctuation; signs and decimal points stay.

    A text that is nothing but punctuation stays as it is, so that `!` is not `?`.
    """
    words = _mark().sub(_spaced, _composed(_composed(text).casefold())).split()
    return " ".join(words) if words else trimmed(text)


def reading(task: Task) -> Reading:
    """How this task's strings compare."""
    return loosened if task.compare == "loose" else trimmed


def _spaced(mark: re.Match[str]) -> str:
    if mark["kept"] or mark[0] in _MEANT or not unicodedata.category(mark[0]).startswith("P"):
        return mark[0]
    return " "


def _composed(text: str) -> str:
    """NFC; a long text with more than thirty combining marks in a row stays as it is.

    Sorting such a run is quadratic (16,000 marks take a second and a half). Thirty is the limit of Unicode's stream-safe format.
    """
    if text.isascii() or (len(text) > 1000 and _longest_run(text) > 30):
        return text
    return unicodedata.normalize("NFC", text)


def _longest_run(text: str) -> int:
    """The most combining marks in a row."""
    return max((sum(1 for _ in run) for marks, run in groupby(text, key=_combines) if marks), default=0)


def _combines(character: str) -> bool:
    return unicodedata.combining(character) > 0


def shown(value: Any) -> str:
    """A JSON value as a detail shows it."""
    return clipped(json.dumps(value, ensure_ascii=False, default=str))


def clipped(text: str, limit: int = LONGEST_DETAIL) -> str:
    """At most `limit` characters, and UTF-8 encodable: JSON's escapes can smuggle a lone surrogate into a value."""
    clean = text[:limit].encode("utf-8", "replace").decode()
    return clean if len(text) <= limit else f"{clean[: limit - 1]}…"


def difference(wanted: str, given: str) -> str:
    """The detail of a failed check; both sides are told, however long the other is."""
    half = LONGEST_DETAIL // 2 - len("expected , given ")
    return f"expected {clipped(wanted, half)}, given {clipped(given, half)}"
