"""The pairing is exact: against scipy, and against trying everything."""

from __future__ import annotations

import time
from itertools import combinations, permutations

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pytest_understudy.scoring.pairing import Pairs, Weights, aligned, assigned


@st.composite
def matrices(draw: st.DrawFn, most: int = 6) -> list[list[int]]:
    rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.lists(st.lists(st.integers(0, 6), min_size=columns, max_size=columns), min_size=rows, max_size=rows))


def worth(weights: Weights, pairs: Pairs) -> int:
    return sum(weights[i][j] for i, j in pairs)


def test_a_row_gives_up_its_best_where_another_has_nothing_else() -> None:
    assert assigned([[5, 4], [5, 0]]) == [(0, 1), (1, 0)]


def test_an_alignment_keeps_both_orders() -> None:
    assert aligned([[0, 3], [3, 0]]) in ([(0, 1)], [(1, 0)])
    assert assigned([[0, 3], [3, 0]]) == [(0, 1), (1, 0)]
    assert aligned([[1, 0, 0], [0, 0, 1]]) == [(0, 0), (1, 2)]


def test_where_there_is_nothing_to_pair_nothing_is_paired() -> None:
    for pairing in (assigned, aligned):
        assert pairing([]) == []
        assert pairing([[], []]) == []
        assert pairing([[0, 0], [0, 0]]) == []


@given(matrices())
@settings(max_examples=200, deadline=None)
def test_an_assignment_is_worth_what_scipy_says(weights: list[list[int]]) -> None:
    pairs = assigned(weights)
    rows, columns = linear_sum_assignment(numpy.array(weights), maximize=True)
    assert worth(weights, pairs) == sum(weights[i][j] for i, j in zip(rows, columns, strict=True))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(weights[i][j] for i, j in pairs)


@given(matrices(most=4))
@settings(max_examples=100, deadline=None)
def test_an_assignment_and_an_alignment_are_the_best_of_all_there_are(weights: list[list[int]]) -> None:
    rows, columns = range(len(weights)), range(len(weights[0]))
    sizes = range(min(len(rows), len(columns)) + 1)
    every = [
        list(zip(chosen, partners, strict=True))
        for size in sizes
        for chosen in combinations(rows, size)
        for partners in permutations(columns, size)
    ]
    in_order = [pairs for pairs in every if [j for _, j in pairs] == sorted(j for _, j in pairs)]
    assert worth(weights, assigned(weights)) == max(worth(weights, pairs) for pairs in every)
    assert worth(weights, aligned(weights)) == max(worth(weights, pairs) for pairs in in_order)
    assert aligned(weights) in in_order


def test_a_model_that_gives_thousands_of_actions_is_paired_in_a_moment() -> None:
    weights = [[(i * 7919 + j * 104729) % 1009 for j in range(5000)] for i in range(10)]
    before = time.process_time()
    assert len(assigned(weights)) == len(aligned(weights)) == 10
    assert time.process_time() - before < 5
