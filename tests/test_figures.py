from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from pytest_understudy.figures import (
    effective_tasks,
    holdout_interval,
    mean,
    normal_quantile,
    normal_tail,
    paired_interval,
    pass_hat,
    population_interval,
    quantile,
    sd,
    shrunk_error,
    shrunk_interval,
    t_quantile,
    t_tail,
    wilson,
)


def test_a_mean_rounds_once_in_whatever_order() -> None:
    values = [0.1] * 10 + [1e16, 1.0, -1e16]
    shuffled = values[:]
    random.Random(3).shuffle(shuffled)
    assert mean(values) == mean(shuffled) == 2.0 / 13


def test_the_articles_spread_is_the_sample_standard_deviation() -> None:
    assert sd([1.0] * 700 + [0.5] * 50) == pytest.approx(0.1248, abs=5e-5)


def test_one_value_has_no_spread() -> None:
    assert sd([1.0]) is None
    assert sd([]) is None


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([3.0], 0.95, 3.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.5),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.95, 4.8),
        ([1.0, 2.0, 3.0], 0.0, 1.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
    ],
)
def test_a_quantile_is_linear_between_its_neighbours(values: list[float], q: float, expected: float) -> None:
    assert quantile(values, q) == pytest.approx(expected, abs=1e-12)


def test_quantiles_agree_with_scipys_type_7() -> None:
    source = random.Random(7)
    for size in (1, 2, 3, 19, 20, 101):
        values = [source.lognormvariate(0, 1) for _ in range(size)]
        for q in (0.05, 0.5, 0.95, 0.99):
            theirs = stats.mstats.mquantiles(values, [q], alphap=1, betap=1)[0]
            assert quantile(values, q) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    ("c", "n", "k", "expected"),
    [(3, 4, 2, 0.5), (4, 4, 4, 1.0), (3, 4, 4, 0.0), (1, 4, 2, 0.0), (3, 4, 1, 0.75), (2, 3, 4, None), (0, 0, 1, None)],
)
def test_pass_hat_counts_the_draws_that_all_pass(c: int, n: int, k: int, expected: float | None) -> None:
    assert pass_hat(c, n, k) == expected


@pytest.mark.parametrize(("passed", "n"), [(0, 5), (1, 5), (5, 5), (28, 30), (703, 750), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_holdout_interval_is_scipys_wilson(passed: int, n: int, confidence: float) -> None:
    theirs = stats.binomtest(passed, n).proportion_ci(confidence_level=confidence, method="wilson")
    ours = holdout_interval(passed / n, n, confidence)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_nothing_drawn_has_no_interval() -> None:
    assert holdout_interval(0.0, 0) is None
    assert population_interval([]) is None
    assert population_interval([0.9]) is None


def test_a_mean_a_rounding_over_1_still_has_an_interval() -> None:
    low, high = wilson(1.0 + 2**-52, 30, 1.96)
    assert 0.88 < low < 0.89
    assert high == 1.0


def test_thirty_tasks_that_all_pass_are_thirty_draws_to_the_population() -> None:
    z = stats.t.ppf(0.975, 29)
    assert population_interval([1.0] * 30) == pytest.approx((30 / (30 + z**2), 1.0), abs=1e-12)


def test_the_population_interval_by_hand() -> None:
    # Means 0, 1, 1, 1: p = 3/4, sd = 1/2, SE = 1/4, n_eff = (3/16) / (1/16) = 3, z = t(3).
    assert effective_tasks([0.0, 1.0, 1.0, 1.0]) == pytest.approx(3.0)
    z = stats.t.ppf(0.975, 3)
    half = z * math.sqrt(0.75 * 0.25 / 3 + z**2 / 36)
    expected = ((0.75 + z**2 / 6 - half) / (1 + z**2 / 3), (0.75 + z**2 / 6 + half) / (1 + z**2 / 3))
    assert population_interval([0.0, 1.0, 1.0, 1.0]) == pytest.approx(expected, abs=1e-12)


def test_tasks_are_worth_no_more_than_one_draw_each() -> None:
    assert effective_tasks([0.5, 0.5, 0.5]) == 3
    assert effective_tasks([0.49, 0.5, 0.51]) == 3


def test_the_population_interval_is_never_narrower_for_more_samples_of_the_same_tasks() -> None:
    tasks = [1.0] * 24 + [0.6] * 6
    few = population_interval(tasks)
    assert few is not None
    pooled = holdout_interval(mean(tasks), 30 * 25)
    assert pooled is not None
    assert few[1] - few[0] > pooled[1] - pooled[0]


def test_the_population_interval_covers_what_a_plain_t_does_not() -> None:
    """30 tasks of 3 samples at a rate of 0.98, where a task's samples move together."""
    source = random.Random(20)
    wilsons = plain = 0
    for _ in range(1000):
        tasks = [
            mean([float(source.random() < p) for _ in range(3)]) for p in (source.betavariate(0.049, 0.001) for _ in range(30))
        ]
        low, high = population_interval(tasks) or (0.0, 1.0)
        wilsons += low <= 0.98 <= high
        low, high = paired_interval(tasks) or (0.0, 1.0)
        plain += low <= 0.98 <= high
    assert wilsons >= 950
    assert plain < 600


def test_students_quantiles_are_scipys() -> None:
    for df in (1, 2, 3, 5, 9, 28, 29, 30, 99, 749, 5000):
        for p in (0.5, 0.5001, 0.6, 0.9, 0.95, 0.975, 0.99, 0.9983333, 0.9999, 0.05, 0.001):
            assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9, abs=1e-12)


def test_students_tails_are_scipys() -> None:
    for df in (1, 2, 4, 29, 300):
        for t in (-30.0, -2.0, -0.01, 0.0, 1e-4, 0.5, 1.7, 4.0, 40.0):
            assert t_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-9)
    assert (t_tail(math.inf, 3), t_tail(-math.inf, 3)) == (0.0, 1.0)


def test_normal_tails_and_quantiles_are_scipys() -> None:
    for z in (-3.0, 0.0, 1.645, 6.0):
        assert normal_tail(z) == pytest.approx(stats.norm.sf(z), rel=1e-12)
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.95), abs=1e-12)


def test_a_paired_interval_is_scipys_one_sample_t() -> None:
    differences = [0.1, -0.05, 0.2, 0.0, 0.15]
    theirs = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert paired_interval(differences) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert paired_interval([0.3]) is None


def test_a_shrunk_interval_by_hand() -> None:
    # d = 1, 0: G' = 4, mean 1/4, var = (1 + 1)/4 - 1/16 = 7/16, half = t(1) sqrt(7/64).
    half = stats.t.ppf(0.975, 1) * math.sqrt(7) / 8
    assert shrunk_interval([1.0, 0.0]) == pytest.approx((0.25 - half, 0.25 + half), rel=1e-9)
    assert shrunk_interval([1.0]) is None
    assert shrunk_error([1.0, 0.0]) == pytest.approx(math.sqrt(7) / 8)
    assert shrunk_error([1.0]) is None


def test_all_ties_are_no_certainty() -> None:
    interval = shrunk_interval([0.0] * 30)
    assert interval is not None
    assert interval[0] < -0.05
    assert interval[1] == -interval[0]
