"""In which order examples are learnt, and with whom. No torch here."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pytest_understudy.training.batches import (
    LONG_PREFIX,
    SHORTEST_PREFIX,
    Encoded,
    batches,
    order,
    packed_size,
    shared_prefix,
)

THINKING, PLAIN = (60, 50, 62, 10), (60, 50, 62, 20)


def example(number: int, kind: tuple[int, ...] = PLAIN, system: tuple[int, ...] = ()) -> Encoded:
    return Encoded((*system, 1000 + number, 3), (*kind, 2000 + number), f"data.jsonl:{number}")


def mixed(count: int, system: tuple[int, ...] = ()) -> list[Encoded]:
    """A quarter of them think."""
    return [example(number, PLAIN if number % 4 else THINKING, system) for number in range(count)]


def test_an_epoch_holds_every_example_once_and_the_next_in_another_order() -> None:
    plan = batches(mixed(40), 8, 2, 0)
    assert len(plan) == 10
    first, second = ([number for batch in plan[start : start + 5] for number in batch] for start in (0, 5))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second


def test_equal_seeds_give_equal_batches() -> None:
    assert batches(mixed(40), 8, 3, 7) == batches(mixed(40), 8, 3, 7)
    assert batches(mixed(40), 8, 3, 7) != batches(mixed(40), 8, 3, 8)


def test_the_last_batch_is_no_leftover() -> None:
    assert sorted(len(batch) for batch in batches(mixed(33), 16, 1, 0)) == [11, 11, 11]


@pytest.mark.parametrize(("epochs", "steps"), [(0.01, 1), (0.5, 2), (1, 4), (2.5, 10)])
def test_an_epoch_may_be_a_part(epochs: float, steps: int) -> None:
    assert len(batches(mixed(32), 8, epochs, 0)) == steps


@pytest.mark.parametrize("seed", range(5))
def test_every_batch_holds_both_kinds_of_answer(seed: int) -> None:
    examples = mixed(64)
    for batch in batches(examples, 16, 1, seed):
        kinds = Counter(examples[number].answer[:4] for number in batch)
        assert 2 <= kinds[THINKING] <= 6


def test_an_order_is_shuffled_within_a_kind() -> None:
    examples = mixed(64)
    plain = [number for number in order(examples, random.Random(0)) if number % 4]
    assert plain != sorted(plain)


# What is shared


def test_what_all_prompts_begin_with_is_shared_and_a_prompts_last_token_is_not() -> None:
    system = tuple(range(100))
    assert shared_prefix([Encoded((*system, 7, 8), (1,), ""), Encoded((*system, 7, 9), (1,), "")]) == 101
    assert shared_prefix([Encoded((*system, 7), (1,), ""), Encoded((*system, 7), (2,), "")]) == 100


def test_one_example_shares_nothing_and_a_short_beginning_is_not_worth_it() -> None:
    system = tuple(range(SHORTEST_PREFIX - 1))
    assert shared_prefix([example(1, system=tuple(range(100)))]) == 0
    assert shared_prefix([example(1, system=system), example(2, system=system)]) == 0
    assert shared_prefix([example(1, system=(*system, 0)), example(2, system=(*system, 0))]) == SHORTEST_PREFIX


def test_a_batch_is_as_large_as_its_beginning_and_its_rests() -> None:
    long, alone = [example(number, system=tuple(range(100))) for number in range(4)], example(0, system=tuple(range(100)))
    assert packed_size(long) == 100 + 4 * (2 + 5)
    assert packed_size([alone]) == 107


def test_examples_of_one_long_system_prompt_have_batches_of_their_own() -> None:
    one, two = tuple(range(LONG_PREFIX)), tuple(range(1, LONG_PREFIX + 1))
    examples = [*mixed(16, one), *mixed(16, two), *mixed(5)]
    plan = batches(examples, 8, 1, 0)
    assert [len(batch) for batch in sorted(plan)] == [8, 8, 8, 8, 5]
    assert [shared_prefix([examples[number] for number in batch]) for batch in sorted(plan)] == [LONG_PREFIX] * 4 + [0]


def test_too_few_of_one_system_prompt_go_with_the_others() -> None:
    long = tuple(range(LONG_PREFIX))
    plan = batches([*mixed(7, long), *mixed(9)], 8, 1, 0)
    assert sorted(number for batch in plan for number in batch) == list(range(16))
    assert [len(batch) for batch in plan] == [8, 8]
