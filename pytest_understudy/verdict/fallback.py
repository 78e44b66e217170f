"""What it costs to send a route's detectable misses to the baseline, and what that reaches.

In: the route's figures and the baseline's, over the same tasks. Out: a Fallback. A miss that the caller can see (unparsable, cut
short, refused) can be asked again elsewhere; a silent one cannot, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fallback:
    """`detectable`: the share of samples that are sent on. `cost` in dollars a task, None where either side is unpriced;
    `strict_pass` in [0, 1].
    """

    detectable: float
    cost: float | None
    strict_pass: float

    @classmethod
    def of(
        cls, *, detectable: float, cost: float | None, strict_pass: float, base_cost: float | None, base_strict_pass: float
    ) -> Fallback:
        """cost = c + P(detectable) x c_base; strict pass = s + P(detectable) x s_base.

        As if the baseline did as well on the misses that it is sent as on all tasks. Source: docs/reference/figures.md,
        "Verdicts".
        """
        return cls(
            detectable=detectable,
            cost=None if cost is None or base_cost is None else cost + detectable * base_cost,
            strict_pass=strict_pass + detectable * base_strict_pass,
        )

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}
