"""What a terminal or a reader would be fooled by stands escaped, and what is long is cut."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.reports.printable import one_line, printable, visible

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)  # lone surrogates and all


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, über 日本 🙂", "plain, über 日本 🙂"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\x00b\rc\x7f\x9b31m", r"a\x00b\x0dc\x7f\x9b31m"),
        ("right\u202eleft\u2066\u200f", r"right\u202eleft\u2066\u200f"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\ud800 and \udfff", r"\ud800 and \udfff"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("👩‍👩‍👧 می‌خواهم", "👩‍👩‍👧 می‌خواهم"),  # a family, and Persian: both need their joiners
    ],
)
def test_what_is_unseen_stands_as_python_writes_it(text: str, shown: str) -> None:
    assert visible(text) == printable(text) == one_line(text) == shown


@given(ANYTHING)
def test_whatever_comes_in_what_goes_out_is_utf8_and_moves_no_cursor(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert {unicodedata.category(character) for character in shown if character not in "\n\t"} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert len(one_line(text).splitlines()) <= 1


@given(ANYTHING)
def test_lines_are_the_text_s_own_alone(text: str) -> None:
    assert visible(text).count("\n") == text.count("\n")


def test_a_text_is_cut_with_a_note_of_what_is_left_out() -> None:
    assert printable("abcdef", 4) == "abcd... (2 more characters)"
    assert printable("abcde", 4) == "abcd... (1 more character)"
    assert one_line("ab\ncd\tef", 6) == r"ab\ncd\t... (2 more characters)"
    assert one_line("abcd", 4) == printable("abcd", 4) == "abcd"


def test_a_long_line_is_cut_and_those_below_it_stand() -> None:
    assert printable("aaaaaa\nbb\ncc", line=4) == "aaaa... (2 more characters)\nbb\ncc"


def test_where_a_line_and_the_text_are_cut_one_note_counts_both() -> None:
    assert printable("aaaaaa" + "b" * 10, 6, line=4) == "aaaa... (12 more characters)"


def test_of_many_lines_the_first_are_shown() -> None:
    assert printable("a\nb\nc\nd", lines=2) == "a\nb... (4 more characters)"
    assert printable("a\nb", lines=2) == "a\nb"


def test_of_two_megabytes_only_what_is_shown_is_looked_at() -> None:
    class Watched(str):
        """Knows how much of it was ever taken."""

        taken = 0

        def __getitem__(self, key: object) -> str:
            found = super().__getitem__(key)  # type: ignore[index]
            Watched.taken += len(found)
            return found

    text = Watched("\x1b" * 2_000_000)
    assert printable(text).endswith("... (1,999,500 more characters)")
    assert one_line(text, 100).endswith("... (1,999,900 more characters)")
    assert Watched.taken < 5_000


def test_every_character_that_no_line_may_hold_is_escaped() -> None:
    breaks = [character for character in map(chr, range(sys.maxunicode + 1)) if len(f"a{character}b".splitlines()) > 1]
    assert [character for character in breaks if visible(character) == character] == ["\n"]
