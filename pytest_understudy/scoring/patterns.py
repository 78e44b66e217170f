"""Patterns: regular expressions that a hostile text can't hang.

In: the regex of a `pattern` matcher. Out: whether it matches the whole of a text. What a newcomer would get wrong: this is not
Python's `re`, which backtracks and has no time limit: `(a+)+b` takes twice as long for every further letter. llguidance's engine
goes through a text once, by derivatives, and limits what it spends on building states: that is the time limit, and unlike a clock
it gives the same answer on a busy machine. The price: Rust's syntax, without look-around, `\\b`, backreferences and `(?#...)`;
`^` and `$` at the ends only, where they change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from llguidance import LLMatcher, LLTokenizer

from ..errors import ScorerError, TaskError


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled regex; equal where the source is."""

    source: str
    _matcher: LLMatcher = field(compare=False, repr=False)

    @classmethod
    def compiled(cls, source: str, *, at: str) -> Regex:
        """TaskError at `at` where it is no regex, or one that needs backtracking."""
        matcher = LLMatcher(_tokenizer(), LLMatcher.grammar_from_regex(source), log_level=0)
        if matcher.is_error():
            raise TaskError(
                f"the pattern {source!r} can't be compiled: {_reason(matcher)}; it is matched whole, in Rust's syntax "
                "(no look-around, \\b or backreferences): `contains`, `any_of` or a scorer of your own may say it instead",
                at=at,
            )
        return cls(source, matcher)

    def matches(self, text: str) -> bool:
        """True where the whole text matches. ScorerError where the engine's limit of states is reached: the suite's fault."""
        matcher = self._matcher.deep_copy()  # a matcher is used up by what it reads, and threads share this one
        # A lone surrogate passes as bytes that are no UTF-8, which no pattern matches. The byte tokenizer's tokens are the bytes.
        data = list(text.encode("utf-8", "surrogatepass"))
        read = matcher.try_consume_tokens(data)
        if matcher.is_error():
            raise ScorerError(
                f"the pattern {self.source!r} needs too many states on a text of {len(text)} characters; write a narrower one"
            )
        return read == len(data) and matcher.is_accepting()


@cache
def _tokenizer() -> LLTokenizer:
    return LLTokenizer("byte")


def _reason(matcher: LLMatcher) -> str:
    """The engine's own words on one line, without its drawing of the place."""
    words = matcher.get_error()
    _, found, reason = words.rpartition("error: ")
    if not found:
        reason = words.partition("(in regex): ")[2] or words
    return reason.partition("\n")[0].strip()
