"""What a matcher accepts, and which ones are refused while collecting."""

from __future__ import annotations

import datetime
import math
import random
import time
from typing import Any

import pytest

from pytest_understudy.errors import ScorerError, TaskError
from pytest_understudy.scoring.matchers import matcher, same
from pytest_understudy.scoring.patterns import Regex
from pytest_understudy.scoring.texts import clipped, loosened, trimmed


def accepts(spec: Any, given: Any, *, loose: bool = False) -> bool:
    return matcher(spec, loosened if loose else trimmed, at="here").accepts(given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [(1, 1.0), (0, 0.0), ("a", " a\n"), ("é", "é"), (None, None), (True, True), ([1, "a"], [1.0, "a "]), ({"a": 1}, {"a": 1.0})],
)
def test_json_values_are_equal_as_json_has_it(expected: Any, given: Any) -> None:
    assert accepts(expected, given)
    assert same(expected, given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (1, True),
        (True, 1),
        (0, False),
        ("1", 1),
        (1, "1"),
        (None, False),
        (None, ""),
        ("a", "A"),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([], {}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {}),
        ({}, []),
        (2**53, 2.0**53 + 2),
        ("a b", "a  b"),
    ],
)
def test_json_types_are_kept_apart(expected: Any, given: Any) -> None:
    assert not accepts(expected, given)
    assert not same(expected, given)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("Follow-up, please", "follow  up please"),
        ("lease_archive", "Lease archive."),
        ("STRASSE", "straße"),
        ("2026-12-13", "2026 12 13"),
        ("a -5 b", "A, -5: b"),
        ("3.5 %", "3.5 %"),
    ],
)
def test_loose_ignores_case_and_runs_of_space_and_punctuation(expected: str, given: str) -> None:
    assert accepts(expected, given, loose=True)
    assert not same("nothing of the kind", given, loosened)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("-5", "5"),
        ("3.5", "35"),
        ("3.5", "3 5"),
        (".5", "5"),
        ("-$5", "$5"),
        ("+5", "5"),
        ("5%", "5"),
        ("C#", "C"),
        ("!", "?"),
        ("ab", "a b"),
    ],
)
def test_loose_never_ignores_a_sign_or_a_decimal_point(expected: str, given: str) -> None:
    assert not accepts(expected, given, loose=True)


def test_loose_holds_for_literals_any_of_and_contains_and_not_for_patterns() -> None:
    assert accepts({"literal": "Foo"}, "foo", loose=True)
    assert accepts({"any_of": ["Foo", "Bar"]}, "bar", loose=True)
    assert accepts({"contains": "Foo-bar"}, "a foo bar here", loose=True)
    assert accepts(["Foo"], ["foo"], loose=True)
    assert not accepts({"pattern": "Foo"}, "foo", loose=True)
    assert not accepts("Foo", "foo")


def test_any_of_takes_one_of_its_options_matchers_among_them() -> None:
    spec = {"any_of": ["a", 1, {"pattern": "x+"}, None]}
    assert all(accepts(spec, given) for given in ("a", 1.0, "xxx", None))
    assert not any(accepts(spec, given) for given in ("b", True, "1", "", 0))


def test_contains_is_about_strings() -> None:
    assert accepts({"contains": "order"}, "my order 12")
    assert not accepts({"contains": "order"}, ["order"])
    assert not accepts({"contains": "1"}, 1)


@pytest.mark.parametrize(
    ("spec", "given", "right"),
    [
        ((0.3, 0.1), 0.4, True),
        ((0.3, 0.1), 0.2, True),
        ((0.3, 0.1), 0.41, False),
        ((10, 0), 10.0, True),
        ((1, 0.5), True, False),
        ((1, 0.5), "1", False),
        ((5, 2), 10**400, False),
    ],
)
def test_within_is_inclusive_as_decimals(spec: tuple[float, float], given: Any, right: bool) -> None:
    assert accepts({"close_to": spec[0], "within": spec[1]}, given) is right


def test_any_wants_presence_and_null_is_present() -> None:
    assert accepts({"any": True}, None)
    assert accepts({"any": True}, {"a": []})


def test_lists_have_length_and_order_and_may_hold_matchers() -> None:
    spec = [{"any": True}, {"pattern": "[A-Z]{2}-[0-9]+"}, {"id": 1, "note": {"optional": "x"}}]
    assert accepts(spec, [0, "AB-12", {"id": 1}])
    assert accepts(spec, [0, "AB-12", {"id": 1, "note": "x"}])
    assert not accepts(spec, [0, "AB-12", {"id": 1, "note": "y"}])
    assert not accepts(spec, [0, "AB-12", {"id": 1, "other": 2}])
    assert not accepts(spec, ["AB-12", 0, {"id": 1}])
    assert not accepts(spec, [0, "AB-12"])


def test_literal_escapes_data_that_looks_like_a_matcher() -> None:
    assert accepts({"literal": {"pattern": "x+"}}, {"pattern": "x+"})
    assert not accepts({"literal": {"pattern": "x+"}}, "xx")
    assert accepts({"pattern": "x+", "flags": "i"}, {"pattern": "x+", "flags": "i"})  # more keys than a matcher's: an object


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"pattern": "["}, "unclosed character class"),
        ({"pattern": "(?=a)b"}, "look-around"),
        ({"pattern": r"(a)\1"}, "backreferences"),
        ({"pattern": r"\bfoo"}, "can't be compiled"),
        ({"pattern": 3}, "takes a regex, not 3"),
        ({"any_of": []}, "at least one value"),
        ({"any_of": "ab"}, "a list"),
        ({"contains": " "}, "some text"),
        ({"within": 1}, "go together"),
        ({"close_to": 1}, "go together"),
        ({"close_to": "1", "within": 1}, "takes a number"),
        ({"close_to": True, "within": 1}, "takes a number"),
        ({"close_to": 1, "within": -0.1}, "at least 0"),
        ({"close_to": 1, "within": math.nan}, "at least 0"),
        ({"any": False}, "takes true"),
        ([{"optional": 1}], "a key"),
        ({"any_of": [{"optional": 1}]}, "a key"),
        (math.inf, "no number"),
        ({1: 2}, "in quotes"),
        (datetime.date(2026, 1, 2), "in quotes"),
        ({"literal": [datetime.date(2026, 1, 2)]}, "in quotes"),
        ({"literal": {True: 1}}, "in quotes"),
    ],
)
def test_a_matcher_that_is_none_is_refused_with_its_place(spec: Any, words: str) -> None:
    with pytest.raises(TaskError) as raised:
        matcher(spec, trimmed, at="operations.yaml:3: expect")
    assert str(raised.value).startswith("operations.yaml:3: expect")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_place_of_a_matcher_deep_inside_is_told() -> None:
    with pytest.raises(TaskError, match=r"^here\.a\[1\]\.any_of\[0\]: "):
        matcher({"a": [1, {"any_of": [{"pattern": "["}]}]}, trimmed, at="here")


@pytest.mark.parametrize(
    ("pattern", "text", "right"),
    [
        ("a+", "aa", True),
        ("a+", "aab", False),
        ("a+", "baa", False),
        ("^a$", "a", True),
        ("a|ab", "ab", True),
        (".", "é", True),
        (".", "\n", False),
        ("", "", True),
        ("a/b", "a/b", True),
        (r"\d{4}-\d{2}", "2026-12", True),
        ("(?i)abc", "ABC", True),
        ("a", "\udc00", False),
    ],
)
def test_a_pattern_matches_the_whole_text_or_not_at_all(pattern: str, text: str, right: bool) -> None:
    assert Regex.compiled(pattern, at="here").matches(text) is right


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)b"])
def test_a_pattern_that_hangs_a_backtracking_engine_does_not_hang_here(pattern: str) -> None:
    before = time.process_time()
    assert not Regex.compiled(pattern, at="here").matches("a" * 1_000_000)
    assert time.process_time() - before < 10


def test_a_pattern_that_needs_too_many_states_is_the_suites_error() -> None:
    text = "".join(random.Random(0).choices("ab", k=100_000))
    with pytest.raises(ScorerError, match="too many states on a text of 100000"):
        Regex.compiled(".*a.{1000}", at="here").matches(text)


def test_a_run_of_combining_marks_does_not_hang() -> None:
    text = "a" + "\u0301\u0327" * 200_000
    before = time.process_time()
    assert not accepts("a", text)
    assert not accepts("a", text, loose=True)
    assert time.process_time() - before < 10


def test_what_is_shown_is_short_and_can_be_encoded() -> None:
    assert clipped("\ud800" * 300) == "?" * 199 + "…"
    assert clipped("short") == "short"
