"""How sure it is that a mean of rates fell.

In: what was counted of each task before and after. Out: a probability, the same to the last bit every time: nothing is drawn at
random. Each task's rate of misses is Beta(misses + 1/2, passes + 1/2), Jeffreys' posterior, and the tasks are independent.
"""

from __future__ import annotations

import cmath
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import mul

Count = tuple[int, int]
"""(misses, passes) of one task."""

_NEGLIGIBLE = 1e-13


@lru_cache(maxsize=256)
def chance_of_fewer(after: tuple[Count, ...], before: tuple[Count, ...]) -> float:
    """P(mean rate of misses after < before), in [0, 1]; as many tasks on both sides, at least one.

    With S the sum of all rates after less the sum of those before, E sign(S) is inverted from the characteristic function f of S:
    sign(x) = 4/pi sum over odd k of sin(pi k x / h) / k for |x| < h, so that E sign(S) = 4/pi sum Im f(pi k / h) / k, and
    P(S < 0) = (1 - E sign(S)) / 2. An exponential filter, exp(-36 (k/n)^8), ends the sum at n = 256 + 8 x samples a task, 1024 at
    most. For up to 100 samples a task the error is under 0.0005, and under 0.00003 where the chance is between 0.85 and 0.995; it
    is largest for two rates within a sample of 0 or 1, whose chances are far from either end. Sources:
    Gil-Pelaez, "Note on the inversion theorem", Biometrika 38 (1951), for the inversion; Gottlieb and Shu, "On the Gibbs
    phenomenon and its resolution", SIAM Review 39 (1997), for the filter. The error is that against quadrature, see the tests.
    """
    counts = [*after, *before]
    centre = math.fsum([*map(_mean, after), *(-_mean(count) for count in before)])
    # A Beta is sub-Gaussian with 1 / 4(a + b + 1): Marchal and Arbel, Electronic Communications in Probability 22 (2017).
    reach = 8 * math.sqrt(math.fsum(1 / (4 * (sum(count) + 2)) for count in counts))
    if abs(centre) >= reach:
        return 1.0 if centre < 0 else 0.0
    most = max(map(sum, counts))
    terms = min(256 + 8 * most, 1024)
    period = 1.25 * min(len(after), abs(centre) + reach)  # h, beyond all that S can be
    nodes = _nodes(math.ceil(math.pi * terms / period / 4 + most / 2) + 24)
    signs = [(weights, times, sign) for side, sign in ((after, 1), (before, -1)) for weights, times in _weighed(side, nodes)]
    waves = [cmath.exp(1j * math.pi / period * node) for node in nodes]  # exp(i t x) at every node, for k = 1
    steps = [wave * wave for wave in waves]
    total = []
    for k in range(1, terms, 2):
        value = 1 + 0j
        for weights, times, sign in signs:
            seen = sum(map(mul, waves, weights))
            value *= (seen if sign > 0 else seen.conjugate()) ** times
        waves = list(map(mul, waves, steps))
        total.append(math.exp(-36 * (k / terms) ** 8) * value.imag / k)
        if abs(value) < _NEGLIGIBLE:
            break
    return min(max(0.5 - 2 / math.pi * math.fsum(total), 0.0), 1.0)


def _mean(count: Count) -> float:
    return (count[0] + 0.5) / (sum(count) + 1)


def _nodes(number: int) -> list[float]:
    """Where a Beta with half-integer parameters is to be summed: Gauss and Chebyshev's nodes, moved to (0, 1)."""
    return [math.sin((2 * node + 1) * math.pi / (4 * number)) ** 2 for node in range(number)]


def _weighed(side: Sequence[Count], nodes: Sequence[float]) -> list[tuple[list[float], int]]:
    """For each different count its weights at the nodes, and how many tasks have it.

    Over the Chebyshev weight 1 / sqrt(x (1 - x)) a Beta(m + 1/2, n + 1/2) is the polynomial x^m (1 - x)^n, so that sums over
    enough nodes are exact but for rounding.
    """
    weighed = []
    for (misses, passes), times in Counter(side).items():
        logs = [misses * math.log(node) + passes * math.log1p(-node) for node in nodes]
        top = max(logs)
        weights = [math.exp(log - top) for log in logs]
        whole = math.fsum(weights)
        weighed.append(([weight / whole for weight in weights], times))
    return weighed
