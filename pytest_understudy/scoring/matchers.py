"""Matchers: what a suite expects of one value.

In: a value as `expect` has it, a literal or a matcher. Out: a Matcher, which accepts JSON values or doesn't. What a newcomer
would get wrong: an object with exactly a matcher's keys is a matcher; data that looks like one is written `{literal: ...}`.
JSON's types compare as JSON's: true is never 1, 1 equals 1.0, "1" is not 1, null is not absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol

from ..errors import TaskError
from ..suite.task import MISSING, Missing
from .patterns import Regex
from .texts import Reading, shown, trimmed

_KEYS: Final = (
    frozenset({"any_of"}),
    frozenset({"pattern"}),
    frozenset({"contains"}),
    frozenset({"close_to", "within"}),
    frozenset({"any"}),
    frozenset({"optional"}),
    frozenset({"literal"}),
)


class Matcher(Protocol):
    """What one value should be; `str()` says it in a failed check's detail."""

    def accepts(self, given: Any) -> bool: ...


@dataclass(frozen=True, slots=True)
class Literal:
    """The same JSON value; its strings are compared as `read` reads them."""

    value: Any
    read: Reading = trimmed

    def accepts(self, given: Any) -> bool:
        return same(self.value, given, self.read)

    def __str__(self) -> str:
        return shown(self.value)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several."""

    options: tuple[Matcher, ...]

    def accepts(self, given: Any) -> bool:
        return any(option.accepts(given) for option in self.options)

    def __str__(self) -> str:
        return f"any of {', '.join(map(str, self.options))}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string that the whole of a regex matches, NFC and trimmed."""

    regex: Regex

    def accepts(self, given: Any) -> bool:
        return isinstance(given, str) and self.regex.matches(trimmed(given))

    def __str__(self) -> str:
        return f"a text of the pattern {self.regex.source}"


@dataclass(frozen=True, slots=True)
class Contains:
    """A string with another inside."""

    part: str
    read: Reading = trimmed

    def accepts(self, given: Any) -> bool:
        return isinstance(given, str) and self.read(self.part) in self.read(given)

    def __str__(self) -> str:
        return f"a text with {shown(self.part)}"


@dataclass(frozen=True, slots=True)
class CloseTo:
    """A number at most `within` away: inclusive, as decimals, so that 0.4 is within 0.1 of 0.3."""

    value: float
    within: float

    def accepts(self, given: Any) -> bool:
        return is_number(given) and abs(_decimal(given) - _decimal(self.value)) <= _decimal(self.within)

    def __str__(self) -> str:
        return f"{self.value} ± {self.within}"


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever is there, null included."""

    def accepts(self, given: Any) -> bool:
        return given is not MISSING

    def __str__(self) -> str:
        return "anything"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of the same length, item by item."""

    items: tuple[Matcher, ...]

    def accepts(self, given: Any) -> bool:
        return (
            isinstance(given, list)
            and len(given) == len(self.items)
            and all(item.accepts(value) for item, value in zip(self.items, given, strict=True))
        )

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class Expected:
    """A key's value: right where its matcher accepts it, and where it is optional and absent."""

    matcher: Matcher
    optional: bool = False

    def accepts(self, given: Any | Missing) -> bool:
        return self.optional if given is MISSING else self.matcher.accepts(given)


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object of these keys and no others, key by key: what an object is where it is part of a leaf, such as in a list."""

    keys: Mapping[str, Expected]

    def accepts(self, given: Any) -> bool:
        return (
            isinstance(given, dict)
            and given.keys() <= self.keys.keys()
            and all(expected.accepts(given.get(key, MISSING)) for key, expected in self.keys.items())
        )

    def __str__(self) -> str:
        return f"{{{', '.join(f'{key}: {expected.matcher}' for key, expected in self.keys.items())}}}"


def is_matcher(spec: Any) -> bool:
    """True for an object with exactly a matcher's keys."""
    return isinstance(spec, Mapping) and frozenset(spec) in _KEYS


def matcher(spec: Any, read: Reading, *, at: str) -> Matcher:
    """What `spec` accepts as a whole; strings of literals, `any_of` and `contains` are compared as `read` reads them.

    TaskError at `at` for a matcher that is none, and for what no JSON value can equal (a date, a key that is no string).
    """
    match spec:
        case {"literal": value, **rest} if not rest:
            return Literal(_json(value, at), read)
        case {"any_of": options, **rest} if not rest:
            if not isinstance(options, list | tuple) or not options:
                raise _bad("any_of", "a list of at least one value", options, at)
            return AnyOf(tuple(matcher(option, read, at=f"{at}.any_of[{i}]") for i, option in enumerate(options)))
        case {"pattern": source, **rest} if not rest:
            if not isinstance(source, str):
                raise _bad("pattern", "a regex", source, at)
            return Pattern(Regex.compiled(source, at=at))
        case {"contains": part, **rest} if not rest:
            if not isinstance(part, str) or not part.strip():
                raise _bad("contains", "some text", part, at)
            return Contains(part, read)
        case {"close_to": value, "within": within, **rest} if not rest:
            return _close_to(value, within, at)
        case {"close_to": _, **rest} | {"within": _, **rest} if not rest:
            raise TaskError("`close_to` and `within` go together: {close_to: 3, within: 0.5}" + _ESCAPE, at=at)
        case {"any": wanted, **rest} if not rest:
            if wanted is not True:
                raise _bad("any", "true", wanted, at)
            return Anything()
        case {"optional": _, **rest} if not rest:
            raise TaskError("`optional` is for the value of a key, which may be absent" + _ESCAPE, at=at)
        case Mapping():
            return ObjectOf({key: expected(value, read, at=f"{at}.{key}") for key, value in named(spec, at).items()})
        case list() | tuple():
            return ListOf(tuple(matcher(item, read, at=f"{at}[{i}]") for i, item in enumerate(spec)))
    return Literal(_json(spec, at), read)


def expected(spec: Any, read: Reading, *, at: str) -> Expected:
    """What a key's value should be, which `{optional: V}` lets be absent."""
    inner, optional = unwrapped(spec)
    return Expected(matcher(inner, read, at=at), optional)


def unwrapped(spec: Any) -> tuple[Any, bool]:
    """(V, True) of `{optional: V}`, else (spec, False)."""
    match spec:
        case {"optional": inner, **rest} if not rest:
            return inner, True
    return spec, False


def same(a: Any, b: Any, read: Reading = trimmed) -> bool:
    """JSON's equality: types apart, numbers by value, strings as `read` reads them, keys as they are, lists in order."""
    if isinstance(a, str) and isinstance(b, str):
        return read(a) == read(b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y, read) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key], read) for key in a)
    if is_number(a) and is_number(b):
        return bool(a == b)
    return a is b and (a is None or isinstance(a, bool))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_ESCAPE: Final = "; data that looks like a matcher is written {literal: ...}"


def _bad(name: str, wanted: str, given: Any, at: str) -> TaskError:
    return TaskError(f"`{name}` takes {wanted}, not {shown(given)}{_ESCAPE}", at=at)


def _close_to(value: Any, within: Any, at: str) -> CloseTo:
    if not is_number(value) or not math.isfinite(value):
        raise _bad("close_to", "a number", value, at)
    if not is_number(within) or not math.isfinite(within) or within < 0:
        raise _bad("within", "a number of at least 0", within, at)
    return CloseTo(value, within)


def _decimal(number: float) -> Fraction:
    """The number as it is written, exactly."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(float(number)))


def named(spec: Mapping[Any, Any], at: str) -> Mapping[str, Any]:
    """The object, whose keys are strings: YAML reads `on:` and `1:` as something else."""
    for key in spec:
        if not isinstance(key, str):
            raise TaskError(f"the key {key!r} is not a string; put it in quotes", at=at)
    return spec


def _json(value: Any, at: str) -> Any:
    """The value, if JSON has such values; else no answer could ever equal it."""
    if isinstance(value, Mapping):
        for key, inner in named(value, at).items():
            _json(inner, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            _json(inner, f"{at}[{i}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise TaskError(f"{value} is no number of JSON's", at=at)
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise TaskError(f"{value!r} is a {type(value).__name__}, which JSON has not; put it in quotes", at=at)
    return value
