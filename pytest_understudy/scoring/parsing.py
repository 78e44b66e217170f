"""The value in an output.

In: the whole text of an answer, prefill included. Out: the JSON value in it, or MISSING, and whether the text was nothing but
that value. What a newcomer would get wrong: nothing is repaired. A value that was cut short, or that names a key twice, is no
value, and neither is one inside it: an inner object of a broken answer looks right and is wrong.

An output is not trusted: two megabytes of brackets cost seconds at most, since every step goes on where the last one stopped.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..suite.task import MISSING, Missing

DEEPEST: Final = 200  # nested brackets; deeper than that no answer is meant, and Python's stack would decide instead of us

_THINK, _CLOSE = "<think>", "</think>"

_opening = re.compile(r"[\[{]")

_token = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<mark>[{}\[\],:])
      | (?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")
      | (?P<plain>true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+)
    )""",
    re.VERBOSE,
)
# A string that the text ends in, perhaps in the middle of an escape.
_cut_string = re.compile(
    r"""[ \t\n\r]*+"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z"""
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What an output holds: `value` is JSON, or MISSING; `clean` where the whole text was that value.

    `text` is the output without think blocks, trimmed; None where a think block was never closed, since then no answer began.
    `written` is the value as it stands in the output, "" where there is none.
    """

    value: Any | Missing
    clean: bool
    text: str | None
    written: str = ""


def parsed(output: str) -> Parsed:
    """The whole text if it parses, else the last fenced JSON, else the last complete top-level JSON object or array.

    A bare number, string or word in prose is no value; alone, or in a fence, it is one. Source: docs/reference/figures.md,
    "Scores", parsing.
    """
    # As it stands first: in a text that is JSON, `<think>` can only be inside a string.
    whole = output.strip()
    if (value := _loaded(whole)) is not MISSING:
        return Parsed(value, True, whole, whole)
    answer = without_thinking(output)
    if answer is None:
        return Parsed(MISSING, False, None)
    text = answer.strip()
    if (value := _loaded(text)) is not MISSING:
        return Parsed(value, True, text, text)
    value, written = _last_fenced(text)
    if value is MISSING:
        value, written = _last_top_level(text)
    return Parsed(value, False, text, written)


def without_thinking(output: str) -> str | None:
    """The output without its closed think blocks; None where one is left open.

    Blocks don't nest: the first close ends one, however often it was opened. Text before a close that nothing opened is thinking
    too: some chat templates open the block in the prompt.
    """
    kept: list[str] = []
    at = 0
    while (opened := output.find(_THINK, at)) >= 0:
        closed = output.find(_CLOSE, opened)
        if closed < 0:
            return None
        kept.append(output[at:opened])
        at = closed + len(_CLOSE)
    kept.append(output[at:])
    return "".join(kept).rpartition(_CLOSE)[2]


def _loaded(text: str) -> Any | Missing:
    """The JSON value that the whole text is, or MISSING. Twice the same key, NaN, Infinity and 1e999 are no JSON here."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):  # ValueError: not JSON, one of the hooks, or an integer of thousands of digits
        return MISSING
    return MISSING if _too_deep(value) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError("a number that no float holds")
    return value


def _too_deep(value: Any) -> bool:
    """True where brackets nest deeper than DEEPEST; level by level, so that no stack is needed to say so."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    """The containers directly inside a container."""
    if not isinstance(value, dict | list):
        return []
    return [inner for inner in (value.values() if isinstance(value, dict) else value) if isinstance(inner, dict | list)]


def _last_fenced(text: str) -> tuple[Any | Missing, str]:
    """The value of the last fenced block that is JSON as a whole, or MISSING; and that block."""
    for block in reversed(list(_fenced(text))):
        if (value := _loaded(block)) is not MISSING:
            return value, block.strip()
    return MISSING, ""


def _fenced(text: str) -> Iterator[str]:
    """The contents of the closed fences. A fence with a language opens afresh: the one before it was never closed."""
    if "```" not in text:
        return
    block: list[str] | None = None
    for line in text.split("\n"):  # not splitlines: JSON strings may hold the other line ends
        mark = line.strip()
        if block is not None and mark == "```":
            yield "\n".join(block)
            block = None
        elif mark.startswith("```"):
            block = []
        elif block is not None:
            block.append(line)


def _last_top_level(text: str) -> tuple[Any | Missing, str]:
    """The last complete JSON object or array that stands in no other brackets, or MISSING; and its text.

    Brackets that are no JSON are passed over whole where they close, and are prose where they don't. A value that the text ends
    in is passed over with everything inside it.
    """
    last = max(text.rfind("}"), text.rfind("]")) + 1  # nothing complete begins later, and hostile runs often never close
    spans: list[tuple[int, int]] = []
    pairs: dict[int, int] | None = None
    at = 0
    while (opening := _opening.search(text, at, last)) is not None:
        start = opening.start()
        at, complete = _end(text, start)
        if complete:
            spans.append((start, at))
        else:
            pairs = _pairs(text[:last]) if pairs is None else pairs
            at = max(at, pairs.get(start, start) + 1)
    for start, end in reversed(spans):
        if (value := _loaded(text[start:end])) is not MISSING:
            return value, text[start:end]
    return MISSING, ""


def _end(text: str, start: int) -> tuple[int, bool]:
    """Where the value that opens at `start` ends, and True; or where it stops being JSON, and False."""
    brackets: list[str] = []
    wanted = "value"  # value, first (value or ]), opened (key or }), key, colon, next (comma or a closing bracket)
    at = start
    while (token := _token.match(text, at)) is not None:
        kind = token["mark"] or token.lastgroup
        if kind in ("{", "[") and wanted in ("value", "first"):
            brackets.append(kind)
            if len(brackets) > DEEPEST:
                return len(text), False
            wanted = "opened" if kind == "{" else "first"
        elif (kind == "}" and wanted in ("opened", "next") and brackets[-1] == "{") or (
            kind == "]" and wanted in ("first", "next") and brackets[-1] == "["
        ):
            brackets.pop()
            if not brackets:
                return token.end(), True
            wanted = "next"
        elif kind == "," and wanted == "next":
            wanted = "key" if brackets[-1] == "{" else "value"
        elif kind == ":" and wanted == "colon":
            wanted = "value"
        elif kind == "string" and wanted in ("opened", "key"):
            wanted = "colon"
        elif kind in ("string", "plain") and wanted in ("value", "first"):
            wanted = "next"
        else:
            return token.start(), False
        at = token.end()
    if wanted not in ("colon", "next") and _cut_string.match(text, at):
        return len(text), False
    return at, False


def _pairs(text: str) -> dict[int, int]:
    """Where each bracket that closes does so. Quotes are not looked at: it is asked only about what is no JSON anyway."""
    closes = {"}": "{", "]": "["}
    found: dict[int, int] = {}
    opened: list[tuple[str, int]] = []
    for bracket in re.finditer(r"[{}\[\]]", text):
        if bracket[0] in "{[":
            opened.append((bracket[0], bracket.start()))
        elif opened and opened[-1][0] == closes[bracket[0]]:
            found[opened.pop()[1]] = bracket.start()
    return found
