"""What endpoints give: tokens that are summed, and values that are equal where their fields are."""

from __future__ import annotations

import pytest

from pytest_understudy.endpoints.endpoint import Completion, Tokens


@pytest.mark.parametrize(
    ("several", "total"),
    [
        ([], Tokens()),
        ([Tokens(5, 1, 2, 7, 3)], Tokens(5, 1, 2, 7, 3)),
        ([Tokens(5, 1, 2, 7, 3), Tokens(10, 0, 0, 1, 1)], Tokens(15, 1, 2, 8, 4)),
        ([Tokens(5, generated=7), Tokens(None, generated=1)], Tokens(None, generated=8)),
        ([Tokens(5, generated=None), Tokens(10, generated=1)], Tokens(15, generated=None)),
        ([Tokens(5, cached=None, generated=7), Tokens(10, cached=4, generated=1)], Tokens(15, cached=4, generated=8)),
        ([Tokens(0, 0, 0, 0, 0)] * 3, Tokens(0, 0, 0, 0, 0)),
    ],
)
def test_an_unknown_count_makes_the_sum_unknown_and_an_unknown_part_counts_as_none(several: list[Tokens], total: Tokens) -> None:
    assert Tokens.over(several) == total
    if len(several) == 2:
        assert several[0] + several[1] == total


def test_completions_of_equal_fields_are_equal_and_hash_alike() -> None:
    one, same, other = (Completion("yes", "stop", Tokens(5, generated=count), 0.5) for count in (1, 1, 2))
    assert one == same != other
    assert len({one, same, other}) == 2
    with pytest.raises(AttributeError):
        one.text = "no"  # type: ignore[attr-defined]  # it has slots, so that a slip is no new field
