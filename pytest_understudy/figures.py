"""Means, percentiles and intervals: numbers in, numbers out.

In: plain numbers. Out: plain numbers, or None where there is nothing to say. Every sum is `math.fsum`, which rounds once, so that
a figure is bit for bit the same in whatever order its samples came in. Two estimands live here, and they answer different
questions: the *holdout* interval (Wilson on all samples) is about these tasks, the *population* interval about tasks like these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

Interval = tuple[float, float]

_NORMAL = NormalDist()


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def sd(values: Sequence[float]) -> float | None:
    """Standard deviation with ddof 1: sqrt(sum (x - mean)^2 / (n - 1)); None under two values."""
    if len(values) < 2:
        return None
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile of at least one value, 0 <= q <= 1, linear between order statistics.

    Source: type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996).
    """
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def pass_hat(c: int, n: int, k: int) -> float | None:
    """The chance that k samples, drawn without replacement from n of which c pass, all pass: C(c, k) / C(n, k); None if n < k."""
    return None if n < k else math.comb(c, k) / math.comb(n, k)


def wilson(rate: float, n: float, z: float) -> Interval:
    """The score interval of a rate in [0, 1] over n > 0 draws, z standard errors to each side; n need not be whole.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Source: Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", Journal of the American Statistical Association 22 (1927).
    """
    centre = rate + z * z / (2 * n)
    # A mean of credits can be a rounding away from 1, which must not make the root imaginary.
    half = z * math.sqrt(max(rate * (1 - rate), 0.0) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return (max((centre - half) / whole, 0.0), min((centre + half) / whole, 1.0))


def holdout_interval(rate: float, n: int, confidence: float = 0.95) -> Interval | None:
    """Two-sided interval of a rate on these very tasks, sampling noise only: Wilson on all n samples; None without samples."""
    return wilson(rate, n, normal_quantile(0.5 + confidence / 2)) if n else None


def population_interval(task_means: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Two-sided interval of a rate on tasks like these: Wilson with `effective_tasks` and z = t(G-1); None under two tasks."""
    if len(task_means) < 2:
        return None
    z = t_quantile(0.5 + confidence / 2, len(task_means) - 1)
    return wilson(mean(task_means), effective_tasks(task_means), z)


def effective_tasks(task_means: Sequence[float]) -> float:
    """How many all-or-nothing tasks at least two task means in [0, 1] are worth: n_eff = min(p(1-p) / SE^2, G), G where SE is 0.

    SE = sd of the task means (ddof 1) / sqrt(G).
    """
    spread, tasks = sd(task_means), len(task_means)
    if not spread:
        return tasks
    p = mean(task_means)
    return min(p * (1 - p) * tasks / spread**2, tasks)


def paired_interval(differences: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Student's interval of a mean of differences paired by task: mean -+ t(G-1) sd / sqrt(G); None under two."""
    spread = sd(differences)
    if spread is None:
        return None
    half = t_quantile(0.5 + confidence / 2, len(differences) - 1) * spread / math.sqrt(len(differences))
    return (mean(differences) - half, mean(differences) + half)


def shrunk_interval(differences: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Interval of a mean of differences of rates, each in [-1, 1], paired by task; None under two. All ties are no certainty.

    G' = G + 2, mean = sum(d) / G', var = (sum d^2 + 1) / G' - mean^2, mean -+ t(G-1) sqrt(var / G'). Source: Agresti and Min,
    "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine 24 (2005), carried to tasks.
    """
    error = shrunk_error(differences)
    if error is None:
        return None
    centre = math.fsum(differences) / (len(differences) + 2)
    half = t_quantile(0.5 + confidence / 2, len(differences) - 1) * error
    return (centre - half, centre + half)


def shrunk_error(differences: Sequence[float]) -> float | None:
    """The standard error sqrt(var / G') behind `shrunk_interval`; None under two."""
    tasks = len(differences)
    if tasks < 2:
        return None
    centre = math.fsum(differences) / (tasks + 2)
    variance = (math.fsum(d * d for d in differences) + 1) / (tasks + 2) - centre**2
    return math.sqrt(variance / (tasks + 2))


def normal_quantile(p: float) -> float:
    """The standard normal's p-quantile, 0 < p < 1."""
    return _NORMAL.inv_cdf(p)


def normal_tail(z: float) -> float:
    """P(Z > z) of a standard normal."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def t_tail(t: float, df: float) -> float:
    """P(T > t) of Student's t with df > 0 degrees of freedom: I_x(df/2, 1/2) / 2 at x = df / (df + t^2), for t >= 0.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.1 with 26.5.
    """
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    tail = _incomplete_beta(df / (df + t * t), t * t / (df + t * t), df / 2, 0.5) / 2
    return tail if t >= 0 else 1 - tail


@cache
def t_quantile(p: float, df: float) -> float:
    """Student's p-quantile with df > 0 degrees of freedom, 0 < p < 1."""
    if p <= 0.5:
        return 0.0 if p == 0.5 else -t_quantile(1 - p, df)
    # Newton from the normal quantile, which lies below: over t > 0 the distribution function is concave, so no step goes too far.
    t, log_scale = normal_quantile(p), math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    for _ in range(200):
        density = math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))
        step = (t_tail(t, df) - (1 - p)) / density
        t += step
        if abs(step) <= 1e-14 * t:
            break
    return t


def _incomplete_beta(x: float, y: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and Stegun, 26.5.8).

    y is 1 - x, asked for apart because a small one is lost in the subtraction.
    """
    if not x or not y:
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on this side only; I_x(a, b) = 1 - I_{1-x}(b, a)
        return 1 - _incomplete_beta(y, x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)
    return math.exp(log_front) / (a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) by Lentz's method, in which no term here is ever zero."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, 500):
        m = term // 2
        if term % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + step * d)
        c = 1 + step / c
        value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value
