"""A slot: the next thing that a model is asked for, where it is asked for values only.

In: a Cursor that stands where the literals end. Out: what stops the slot, how many tokens it may take, and the grammar (GBNF, as
llama.cpp reads it) that keeps a server's model inside it. What a newcomer would get wrong: a grammar must not end at the slot's
delimiter. Tokens merge across it (`",` is one token), so a grammar that ends at the bare quote forbids the natural end; ours goes
on past the delimiter with `any*`, and the stop string cuts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..suite.cursor import Cursor

SCALAR_TOKENS: Final = 64  # a number, true, false, null
CHOICE_TOKENS: Final = 8  # enough to tell one way on from another, and what is said beyond is kept
STRING_TOKENS: Final = 512

_STRING_LENGTH: Final = 512  # characters, where the form sets no length: unbounded, a small model fills a string with digits
_ALTERNATIVES: Final = 64
_ALTERNATIVE_LENGTH: Final = 200  # bytes
_NODES: Final = 1500
_BRANCHES: Final = 32
_DELIMITERS: Final = b",}]"
_SCALAR: Final = b"-+.0123456789eEtfn"
_NUMERIC: Final = b"+-.0123456789Ee"
_CHARACTER: Final = r'char ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\bfnrt]'
_ANY: Final = r"any ::= [^\x00]"
_END: Final = r"end ::= [,}\]\n] any*"


@dataclass(frozen=True, slots=True)
class Slot:
    """A string's characters, a scalar, or a choice between ways on: one element more or the end, a key, a kind of value.

    `rest` is all that is left of a form: what a model that writes on is asked for.
    """

    kind: Literal["string", "scalar", "choice", "rest"]
    stop: tuple[str, ...]
    tokens: int
    grammar: str | None


def slot_at(cursor: Cursor, *, ended: bool, grammar: bool) -> Slot:
    """What is asked for next. `ended`: the value at the text's end is whole, and more than one thing may follow it."""
    if ended:
        return Slot("choice", (), CHOICE_TOKENS, _way_on(cursor) if grammar else None)
    if cursor.in_string:
        return Slot("string", ('"',), STRING_TOKENS, _string(cursor) if grammar else None)
    spaced = _past_space(cursor)
    if all(byte in _SCALAR for byte in spaced.allowed) or cursor.ends:
        return Slot("scalar", (",", "}", "]", "\n"), SCALAR_TOKENS, _scalar(cursor, spaced) if grammar else None)
    return Slot("choice", (), CHOICE_TOKENS, _rules(f"{_space(cursor)}{_class(spaced.allowed)} any*", _ANY) if grammar else None)


def led_by(literal: str, grammar: str) -> str:
    """The grammar of a choice, with a literal in front of it."""
    return grammar.replace("root ::= ", f"root ::= {_literal(literal.encode())} ", 1)


def alternatives(cursor: Cursor) -> list[bytes] | None:
    """All that may be written up to the end of the string or scalar here; None where that is too much to list."""
    in_string = cursor.in_string
    found: list[bytes] = []
    nodes = [(cursor, b"")]  # a path's last step is taken when its turn comes: of a number's hundreds most are not
    for _ in range(_NODES):
        if not nodes:
            return found
        before, path = nodes.pop()
        here = before.copy()
        here.put(path[-1:])
        allowed = here.allowed
        steps = [byte for byte in allowed if in_string or byte not in _DELIMITERS]
        if in_string and not here.in_escape and b'"'[0] in steps:
            steps.remove(b'"'[0])
            found.append(path)
        elif not in_string and (here.accepting or len(steps) < len(allowed)):
            found.append(path)
        if len(found) > _ALTERNATIVES or len(steps) > _BRANCHES or len(path) > _ALTERNATIVE_LENGTH:
            return None
        nodes.extend((here, path + bytes([byte])) for byte in reversed(steps))
    return None


def _string(cursor: Cursor) -> str:
    listed = alternatives(cursor)
    if listed:
        return _rules(f'({_either(listed)}) "\\"" any*', _ANY)
    begun = cursor.copy()
    forced = cursor.forced.partition(b'"')[0]
    start = _literal(forced) + " " if forced and begun.put(forced) else ""
    least, most = _lengths(begun)
    return _rules(f'{start}char{{{least},{most}}} "\\"" any*', _CHARACTER, _ANY)


def _lengths(cursor: Cursor) -> tuple[int, int]:
    """How many characters a free string takes, as far as plain ones tell; any number where they don't fit (a pattern)."""
    fitting = cursor.fitting(b"a" * (_STRING_LENGTH + 1))
    probe = cursor.copy()
    for least in range(min(fitting, _STRING_LENGTH) + 1):
        if probe.allows(b'"'):
            return (least, fitting if 0 < fitting <= _STRING_LENGTH else _STRING_LENGTH)
        probe.put(b"a")
    return (0, _STRING_LENGTH)


def _scalar(cursor: Cursor, spaced: Cursor) -> str:
    listed = alternatives(spaced)
    value = _either(listed) if listed else _unlisted(spaced)
    end = "end?" if _at_top(cursor) else "end"  # a scalar that is the whole form has no delimiter
    return _rules(f"{_space(cursor)}({value}) {end}", _END, _ANY)


def _unlisted(cursor: Cursor) -> str:
    """A number by the bytes it may begin with and go on with, and the words that may stand in its place."""
    ways = ['""'] if cursor.ends else []
    first: set[int] = set()
    then: set[int] = set()
    for byte in cursor.allowed:
        there = cursor.copy()
        there.put(bytes([byte]))
        if byte in b"tfn":
            word = bytes([byte]) + there.forced
            ways.append(_literal(word.rstrip(_DELIMITERS + b' "')))
        elif byte in _NUMERIC:
            first.add(byte)
            then.update(byte for byte in there.allowed if byte in _NUMERIC)
    if b"."[0] in then or b"e"[0] in then:
        then.update(b"0123456789")
    if first:
        ways.append(f"{_class(bytes(first))} {_class(bytes(then))}{{0,20}}" if then else _class(bytes(first)))
    return " | ".join(ways)


def _way_on(cursor: Cursor) -> str:
    if not cursor.in_string:
        return _rules(f"{_class(cursor.ends)} any*", _ANY)
    closed = cursor.copy()
    closed.put(b'"')
    return _rules(f'"\\"" {_class(closed.allowed)} any*', _ANY)


def _past_space(cursor: Cursor) -> Cursor:
    """Behind the space that is forced before a value, if one is."""
    forced = cursor.forced
    if not forced.startswith(b" "):
        return cursor
    there = cursor.copy()
    there.put(b" ")
    return there


def _space(cursor: Cursor) -> str:
    return '" "? ' if cursor.forced.startswith(b" ") else ""


def _at_top(cursor: Cursor) -> bool:
    return not cursor.text.lstrip().startswith(("{", "["))


def _rules(root: str, *others: str) -> str:
    return "\n".join([f"root ::= {root}", *others, ""])


def _either(texts: list[bytes]) -> str:
    return " | ".join(_literal(text) for text in texts)


def _literal(text: bytes) -> str:
    """A GBNF string."""
    return '"' + "".join(_escaped(character) for character in text.decode("utf-8", "ignore")) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _class(allowed: bytes) -> str:
    """A GBNF character class of ASCII bytes, spelled in hex so that none of them means anything."""
    return "[" + "".join(f"\\x{byte:02X}" for byte in sorted(allowed) if byte < 0x80) + "]"
