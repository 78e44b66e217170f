"""A value as JSON has it: a deep copy, or the place where it is none."""

from __future__ import annotations

import math
from typing import Any


class NotJson(ValueError):
    """`str()` is the path and what stands there, `$.rooms.R1: a set`."""


def plain(value: Any, path: str = "$") -> Any:
    """A deep copy of objects, lists, strings, numbers, booleans and null; a tuple becomes a list. NotJson for anything else.

    So are a number that is not finite, a key that is no string, a text that can't be written as UTF-8, and a value in itself.
    """
    try:
        return _plain(value, path)
    except RecursionError:
        raise NotJson(f"{path}: nested too deep, or holding itself") from None


def _plain(value: Any, path: str) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, path)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise NotJson(f"{path}: {value} is no number of JSON's")
            return float(value)
        case list() | tuple():
            return [_plain(item, f"{path}[{i}]") for i, item in enumerate(value)]
        case dict():
            return {_key(key, path): _plain(inner, f"{path}.{key}") for key, inner in value.items()}
    raise NotJson(f"{path}: a {type(value).__name__}, which JSON has not")


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise NotJson(f"{path}: the key {key!r} is no string")
    return _text(key, path)


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson(f"{path}: {text!r} can't be written as UTF-8") from None
    return str(text)
