from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special

from pytest_understudy.verdict.chance import Count, chance_of_fewer


def one(after: Count, before: Count) -> float:
    return chance_of_fewer((after,), (before,))


def by_quadrature(after: Count, before: Count) -> float:
    """P(A < B) of two Betas, integrated over B's angle t, x = sin(t)^2, where its density has no pole."""
    fine = {"epsabs": 1e-9, "limit": 200}

    def density(t: float) -> float:
        return math.sin(t) ** (2 * before[0]) * math.cos(t) ** (2 * before[1])

    below, _ = integrate.quad(
        lambda t: special.betainc(after[0] + 0.5, after[1] + 0.5, math.sin(t) ** 2) * density(t), 0, math.pi / 2, **fine
    )
    whole, _ = integrate.quad(density, 0, math.pi / 2, **fine)
    return float(below / whole)


def test_the_worked_values() -> None:
    assert one((0, 3), (3, 0)) == pytest.approx(0.9957, abs=5e-5)
    assert one((1, 2), (3, 0)) == pytest.approx(0.961, abs=5e-4)


@pytest.mark.parametrize("samples", [1, 2, 3, 7, 25, 100])
def test_one_task_is_quadratures(samples: int) -> None:
    counts = sorted({0, 1, samples // 4, samples})
    for after, before in itertools.product(counts, counts):
        exact = by_quadrature((after, samples - after), (before, samples - before))
        allowed = 3e-5 if 0.85 < exact < 0.995 else 5e-4
        assert one((after, samples - after), (before, samples - before)) == pytest.approx(exact, abs=allowed)


def test_uneven_numbers_of_samples_are_quadratures() -> None:
    for after, before in (((0, 3), (20, 5)), ((2, 1), (25, 0)), ((1, 24), (2, 1)), ((0, 1), (60, 40))):
        assert one(after, before) == pytest.approx(by_quadrature(after, before), abs=1e-4)


SEVERAL = [
    (((0, 3), (1, 2)), ((3, 0), (2, 1))),
    (((0, 2), (0, 2), (2, 0)), ((2, 0), (1, 1), (2, 0))),
    (((5, 20), (20, 5), (4, 21)), ((9, 16), (25, 0), (3, 22))),
    (((0, 25),) * 4, ((2, 23), (1, 24), (0, 25), (3, 22))),
    (((1, 2), (0, 3), (3, 0)) * 3, ((2, 1), (1, 2), (3, 0)) * 3),
    (((3, 97),) * 9, ((4, 96),) * 9),
    (((1, 1),) * 30, ((1, 1),) * 22 + ((2, 0),) * 8),
]


@pytest.mark.parametrize(("after", "before"), SEVERAL, ids=range(len(SEVERAL)))
def test_several_tasks_are_a_fine_draws(after: tuple[Count, ...], before: tuple[Count, ...]) -> None:
    source, draws = np.random.default_rng(11), 200_000

    def drawn(counts: tuple[Count, ...]) -> Any:
        return sum(source.beta(misses + 0.5, passes + 0.5, draws) for misses, passes in counts)

    share = float(np.mean(drawn(after) < drawn(before)))
    allowed = 5 * math.sqrt(max(share * (1 - share), 1e-6) / draws)
    assert chance_of_fewer(after, before) == pytest.approx(share, abs=allowed)


def test_the_chances_of_fewer_and_of_more_sum_to_one() -> None:
    for after, before in SEVERAL:
        assert chance_of_fewer(after, before) + chance_of_fewer(before, after) == pytest.approx(1.0, abs=1e-9)


def test_the_same_counts_are_an_even_chance() -> None:
    for counts in (((0, 3),), ((3, 0),), ((2, 1), (0, 3)), ((10, 15),) * 7):
        assert chance_of_fewer(counts, counts) == pytest.approx(0.5, abs=1e-9)


def test_what_lies_far_apart_is_certain() -> None:
    assert chance_of_fewer(((0, 1000),), ((1000, 0),)) == 1.0
    assert chance_of_fewer(((1000, 0),) * 3, ((0, 1000),) * 3) == 0.0


def test_many_samples_are_quadratures_still() -> None:
    for after, before in (((3, 497), (10, 490)), ((240, 260), (270, 230)), ((0, 500), (2, 498))):
        assert one(after, before) == pytest.approx(by_quadrature(after, before), abs=2e-3)


def test_more_samples_of_the_same_change_are_surer() -> None:
    chances = [one((k, 3 * k), (2 * k, 2 * k)) for k in (1, 2, 4, 8, 16, 32, 64)]
    assert chances == sorted(chances)
    assert chances[0] < 0.8
    assert chances[-1] > 0.999


def test_a_chance_is_the_same_to_the_last_bit() -> None:
    after, before = SEVERAL[2]
    first = chance_of_fewer(after, before)
    chance_of_fewer.cache_clear()
    assert chance_of_fewer(after, before) == first
