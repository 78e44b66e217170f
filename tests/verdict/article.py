"""The article's six priced rows, as runs with its figures: 30 tasks of 25 samples, and 90 trajectories for the served one."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run

from .made import route, sample, spread_runs

BLENDED = Price.blended(0.20)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the article and, by `misses`, the credits below 1 that its average, spread and strict pass come from."""

    name: str
    samples: int
    misses: dict[float, int]
    tokens: int
    p50: float
    p95: float
    avg: str
    strict: str
    latency: str
    total: str
    serving: str
    per_point: str

    @property
    def route(self) -> Route:
        return route(self.name, price=BLENDED)

    @property
    def runs(self) -> list[Run]:
        credits = [credit for credit, count in self.misses.items() for _ in range(count)]
        credits += [1.0] * (self.samples - len(credits))
        slow = self.samples - self.samples // 10
        samples = [
            sample(
                credit,
                prompt=0,
                generated=self.tokens // self.samples + (number < self.tokens % self.samples),
                latency=self.p95 if number >= slow else self.p50,
                price=BLENDED,
            )
            for number, credit in enumerate(credits)
        ]
        return spread_runs(self.name, samples, 30)


ROWS = (
    Row("raw", 750, {0.0: 21, 0.5: 24}, 1_390_000, 32.60, 63.26,
        "0.9560 ±0.1847", "94.0%", "32.60s / 63.26s", "1.39M", "$0.278", "$0.291"),
    Row("prefill", 750, {0.5: 50}, 74_000, 6.76, 23.48,
        "0.9667 ±0.1248", "93.3%", "6.76s / 23.48s", "74k", "$0.0148", "$0.0153"),
    Row("sft-prefill", 750, {0.5: 50}, 75_000, 6.63, 26.96,
        "0.9667 ±0.1248", "93.3%", "6.63s / 26.96s", "75k", "$0.0150", "$0.0155"),
    Row("nothink", 750, {0.5: 49, 2 / 3: 17}, 38_000, 5.34, 21.39,
        "0.9598 ±0.1314", "91.2%", "5.34s / 21.39s", "38k", "$0.0076", "$0.0079"),
    Row("sft-nothink", 750, {0.5: 40}, 39_000, 5.52, 23.80,
        "0.9733 ±0.1124", "94.7%", "5.52s / 23.80s", "39k", "$0.0078", "$0.0080"),
    Row("served", 90, {0.5: 6, 2 / 3: 1}, 33_111, 0.37, 0.54,
        "0.9630", "92.2%", "0.37s / 0.54s", "33k", "$0.0066", "$0.0069"),
)  # fmt: skip
