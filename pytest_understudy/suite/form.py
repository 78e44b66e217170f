"""A form: an output's structure with the values left out.

In: a JSON Schema, a regex, a Lark grammar or tool definitions. Out: a Form, which starts walks (`Cursor`) that say what is forced
and what of a model's text fits, and which complains about values. What a newcomer would get wrong: filling is narrower than
validity. A form fills an object that says nothing of further keys with its own keys only, in its own order; valid is what the
schema says as written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from llguidance import LLMatcher, LLTokenizer

from ..errors import TaskError, listed
from .cursor import Cursor
from .schema import Steps, closed, place, subschemas
from .shortest import complete
from .task import Tool
from .tool_schemas import actions_of, parameters_of, turn_of
from .usual import is_usual

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from llguidance._lib import JsonCompileOptions

_SPELLING: Final[JsonCompileOptions] = {
    "whitespace_flexible": False,
    "key_separator": ": ",
    "item_separator": ", ",
    # Many models write \u00e9 for é, as most libraries do.
    "json_allowed_escapes": 'nrbtf\\"u',
    "json_allow_general_unicode_escapes": True,
}
_COERCING: Final[JsonCompileOptions] = {"coerce_one_of": True}
_LENIENT: Final[JsonCompileOptions] = {"coerce_one_of": True, "lenient": True}
_SHAPING: Final = ("type", "properties", "required", "items", "$defs", "definitions", "anyOf", "allOf", "oneOf", "$ref")
_COMPLAINT_LENGTH: Final = 300  # characters; a complaint may quote a value of any size
_SUSPECTS: Final = 400  # keywords tried one by one, for the one that a form can't be made of


@dataclass(frozen=True, slots=True)
class Form:
    """What an output must look like. Equal forms have equal keys.

    `key` is the canonical text, which goes into hashes; `shown` is what `{form}` in instructions is replaced by. `schema` is None
    for a regex or a Lark grammar. `opening` is the literal that every answer begins with; `closing` the run of brackets that its
    shortest answer ends with, which makes a stop string.
    """

    key: str
    shown: str = field(compare=False)
    schema: Mapping[str, Any] | None = field(compare=False, repr=False)
    opening: str = field(compare=False)
    closing: str = field(compare=False)
    _matcher: LLMatcher = field(compare=False, repr=False)

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any], *, at: str = "") -> Form:
        """The form of a JSON Schema. TaskError where it isn't one, or names the keyword that a form can't be made of."""
        plain = _plain(schema, at)
        _check(plain, at)
        shown = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        return cls._of(_compiled(plain, at), f"schema:{shown}", shown, plain)

    @classmethod
    def from_regex(cls, regex: str, *, at: str = "") -> Form:
        """The form of a text that the whole of `regex` (Rust's syntax: no look-around) matches."""
        matcher = _matcher(LLMatcher.grammar_from_regex(regex))
        if matcher.is_error():
            raise TaskError(f"the regex {regex!r} can't be compiled: {_reason(matcher)}", at=at)
        return cls._of(matcher, f"regex:{regex}", regex, None)

    @classmethod
    def from_lark(cls, grammar: str, *, at: str = "") -> Form:
        """The form of a Lark grammar (llguidance's dialect); its first rule is `start`."""
        matcher = _matcher(LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            raise TaskError(f"the Lark grammar can't be compiled: {_reason(matcher)}", at=at)
        return cls._of(matcher, f"lark:{grammar}", grammar, None)

    @classmethod
    def from_tools(cls, tools: Sequence[Tool], *, at: str = "") -> Form:
        """`{"actions": [{"tool": ..., "arguments": {...}}, ...]}`, with the arguments that each tool's parameters allow."""
        cls._check_tools(tools, at)
        return cls.from_schema(actions_of(tools), at=at)

    @classmethod
    def of_a_turn(cls, tools: Sequence[Tool], *, at: str = "") -> Form:
        """`{"tool": ..., "arguments": {...}}` or `{"done": "..."}`: one turn of a workflow."""
        cls._check_tools(tools, at)
        return cls.from_schema(turn_of(tools), at=at)

    @classmethod
    def _check_tools(cls, tools: Sequence[Tool], at: str) -> None:
        names = [tool.name for tool in tools]
        if not tools:
            raise TaskError("no tools: a form of actions needs at least one", at=at)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TaskError(f"tools defined more than once: {listed(twice)}", at=at)
        for tool in tools:
            cls.from_schema(parameters_of(tool), at=f"{at}: tool {tool.name!r}" if at else f"tool {tool.name!r}")

    @classmethod
    def _of(cls, matcher: LLMatcher, key: str, shown: str, schema: Mapping[str, Any] | None) -> Form:
        cursor = Cursor(matcher.deep_copy(), schema is not None)
        cursor.put_literal()
        opening, closing = cursor.text, ""
        if schema is not None and complete(cursor):
            closing = cursor.text[len(cursor.text.rstrip("}]")) :]
        return cls(key, shown, schema, opening, closing, matcher)

    @property
    def of_json(self) -> bool:
        return self.schema is not None

    def start(self) -> Cursor:
        """A fresh walk; forms are compiled once, and may be walked on any thread."""
        return Cursor(self._matcher.deep_copy(), self.of_json)

    def complaints(self, value: Any, text: str) -> list[str]:
        """What is wrong with an answer, a line each; empty if it is valid.

        A schema judges the parsed `value`, as written and without formats; a regex or a grammar judges the `text`.
        """
        return self._complaints_about(text) if self.schema is None else _complaints(self.shown, value)

    def _complaints_about(self, text: str) -> list[str]:
        cursor = self.start()
        kind = self.key.partition(":")[0]
        data = text.encode("utf-8", "replace")
        if not cursor.put(data):
            fitting = self.start()
            rest = fitting.take(text)
            return [_clipped(f"the text leaves the {kind} after {len(text) - len(rest)} characters, at {rest!r}")]
        return [] if cursor.accepting else [f"the text ends before the {kind} does"]


def complaints_about_arguments(tool: Tool, arguments: Any) -> list[str]:
    """What is wrong with a tool's arguments, a line each. As a form fills them: no other names, unless the parameters say so."""
    return _complaints(json.dumps(closed(parameters_of(tool)), sort_keys=True), arguments)


def _complaints(schema: str, value: Any) -> list[str]:
    from referencing.exceptions import Unresolvable

    try:
        errors = sorted(_validator(schema).iter_errors(value), key=lambda error: error.json_path)
    except (RecursionError, ArithmeticError, Unresolvable) as failure:
        return [_clipped(f"$: can't be judged by the schema ({type(failure).__name__}: {failure})")]
    return [_clipped(f"{error.json_path}: {error.message}") for error in errors]


@cache
def _tokenizer() -> LLTokenizer:
    return LLTokenizer("byte")


def _matcher(grammar: str) -> LLMatcher:
    return LLMatcher(_tokenizer(), grammar, log_level=0)


def _reason(matcher: LLMatcher) -> str:
    """The engine's own words on one line."""
    return " ".join(str(matcher.get_error()).split())


def _plain(schema: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The schema as JSON has it: a YAML date or a NaN in it is an error here, not a surprise in a hash."""
    if not isinstance(schema, Mapping):
        raise TaskError(f"a JSON Schema is an object, not {type(schema).__name__}", at=at)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(schema), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as failure:
        raise TaskError(f"the schema is not JSON: {failure}", at=at) from failure
    return plain


def _check(schema: dict[str, Any], at: str) -> None:
    """That it is a JSON Schema, and one that can be judged by without fetching anything."""
    if not is_usual(schema):
        _check_valid(schema, at)
    parts = list(subschemas(schema))
    known = {"", *(part.get("$id") for _, part in parts)}
    for steps, part in parts:
        for keyword in ("$ref", "$dynamicRef"):
            if isinstance(target := part.get(keyword), str) and target.partition("#")[0] not in known:
                raise TaskError(
                    f"the keyword `{keyword}` at {place(steps)} names {target!r}, outside this schema, and nothing is fetched: "
                    "put what it names under `$defs` and write `#/$defs/...`",
                    at=at,
                )
        for pattern in filter(None, [part.get("pattern"), *part.get("patternProperties", ())]):
            _check_pattern(pattern, place(steps), at)


def _check_valid(schema: dict[str, Any], at: str) -> None:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as failure:
        keyword = next((str(part) for part in reversed(failure.absolute_path)), "")
        named = f"the keyword `{keyword}` at {failure.json_path}" if keyword else "it"
        raise TaskError(_clipped(f"not a valid JSON Schema: {named}: {failure.message}"), at=at) from failure


def _check_pattern(pattern: str, path: str, at: str) -> None:
    try:
        re.compile(pattern)
    except re.error as failure:
        message = f"the keyword `pattern` at {path}: {pattern!r} is not a regex that Python's re takes, and it judges: {failure}"
        raise TaskError(message, at=at) from failure


def _compiled(schema: dict[str, Any], at: str) -> LLMatcher:
    """The strictest matcher that can be had: closed before open, nothing ignored before something ignored."""
    for options in (_SPELLING, _COERCING, _LENIENT):
        for narrowed in (closed(schema), schema):
            matcher = _tried(narrowed, options)
            if not matcher.is_error() and _has_a_way(matcher):
                return matcher
    raise TaskError(_clipped(_culprit(schema)), at=at)


def _tried(schema: dict[str, Any], options: JsonCompileOptions) -> LLMatcher:
    return _matcher(LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=_SPELLING, overrides=options))


def _has_a_way(matcher: LLMatcher) -> bool:
    """A grammar that can't begin is as bad as one that can't be compiled."""
    cursor = Cursor(matcher.deep_copy(), True)
    return cursor.accepting or bool(cursor.allowed)


def _culprit(schema: dict[str, Any]) -> str:
    """Names the keyword without which the schema could be compiled, by leaving out one at a time."""
    matcher = _tried(schema, _LENIENT)
    reason = _reason(matcher) if matcher.is_error() else "no answer can begin"
    suspects = [(steps, keyword) for steps, part in subschemas(schema) for keyword in part]
    # What the engine names comes first, then the deepest; what gives a schema its shape comes last.
    suspects.sort(key=lambda suspect: (suspect[1] not in reason, suspect[1] in _SHAPING, -len(suspect[0])))
    for steps, keyword in suspects[:_SUSPECTS]:
        if not _tried(_without(schema, steps, keyword), _LENIENT).is_error():
            return f"no form can be made of the keyword `{keyword}` at {place(steps)}: {reason}"
    return f"no form can be made of the schema: {reason}"


def _without(schema: dict[str, Any], steps: Steps, keyword: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(schema))
    part: Any = copy
    for step in steps:
        part = part[step]
    del part[keyword]
    return copy


@lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    """Built when a form is first asked to judge."""
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    read = json.loads(schema)
    # An empty registry, since jsonschema's own would fetch a remote $ref.
    return validator_for(read, default=Draft202012Validator)(read, registry=Registry())


def _clipped(complaint: str) -> str:
    line = " ".join(complaint.split())
    return line if len(line) <= _COMPLAINT_LENGTH else line[: _COMPLAINT_LENGTH - 1] + "…"
