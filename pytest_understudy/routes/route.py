"""A route: a way to get the work done, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ..endpoints.endpoint import Sampling, Tokens
from ..errors import ConfigError, listed

CONTROLS = ("prefill", "no_think", "schema")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. `blended` is one price on all tokens; else input, cached, cache_write and output apart.

    `cached` and `cache_write` default to the input price. Source: docs/reference/figures.md, "Tokens, cost, latency".
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    source: str = "config"
    date: str | None = None

    @classmethod
    def blended(cls, per_million: float) -> Price:
        return cls(input=per_million, output=per_million)

    def cost(self, tokens: Tokens) -> float | None:
        """Dollars for one request as billed; None where its tokens are unknown."""
        return self._cost(tokens, self.input if self.cached is None else self.cached)

    def uncached(self, tokens: Tokens) -> float | None:
        """Dollars for one request if every cached token were paid for as input."""
        return self._cost(tokens, self.input)

    def _cost(self, tokens: Tokens, cached_price: float) -> float | None:
        if tokens.prompt is None or tokens.generated is None:
            return None
        cached, written = tokens.cached or 0, tokens.cache_write or 0
        write_price = self.input if self.cache_write is None else self.cache_write
        parts = (
            (tokens.prompt - cached - written) * self.input,
            cached * cached_price,
            written * write_price,
            tokens.generated * self.output,
        )
        return math.fsum(parts) / 1e6


@dataclass(frozen=True, slots=True)
class Route:
    """A model at an endpoint, the controls that it is asked with, its price.

    `label` is what a reader of the table should know of this route, such as "taught to think aloud". It is the route's own: one
    that extends it, or is derived from it, says its own or none.
    """

    name: str
    endpoint: str
    model: str | None = None
    adapter: str | None = None
    controls: tuple[str, ...] = ()
    fill: Literal["opening", "slots"] = "opening"
    sampling: Sampling = Sampling()
    price: Price | None = None
    production_cached_share: float | None = None  # of the prompt, in [0, 1]: what production's cache will hold
    label: str = ""

    def with_controls(self, added: Iterable[str]) -> Route:
        """The derived route, named raw+prefill; controls that it has already are not added again."""
        names = list(dict.fromkeys(added))
        if unknown := [name for name in names if name not in CONTROLS]:
            raise ConfigError(f"no control named {unknown[0]!r}; there are {listed(CONTROLS)}", at="--understudy-control")
        new = [name for name in names if name not in self.controls]
        if not new:
            return self
        return replace(self, name="+".join([self.name, *new]), controls=(*self.controls, *new), label="")


def asks_alike(a: Route, b: Route) -> bool:
    """Whether two routes ask the same: they differ in name, label and price at most."""
    same = {"name": "", "label": "", "price": None, "production_cached_share": None}
    return replace(a, **same) == replace(b, **same)  # type: ignore[arg-type]  # fields of a Route
