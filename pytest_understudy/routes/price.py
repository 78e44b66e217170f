"""What tokens cost: a price table from the config.

In: the tokens of one request. Out: dollars, None where its tokens are unknown. A price is looked into only here and in
`listed_price`: everybody else asks for `cost` and `uncached`, so that a price with tiers costs what it costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..endpoints.endpoint import Tokens

CACHED = "cached tokens"
WRITTEN = "tokens written to the cache"


class Pricing(Protocol):
    """What a route's price can be asked. `source` says where it is from, `date` of which day it is (ISO), None where unknown.

    `at` is when a request was answered: some providers have prices by date and by the hour. None is now.
    """

    @property
    def source(self) -> str: ...
    @property
    def date(self) -> str | None: ...
    @property
    def words(self) -> str:
        """The price as a phrase: `$3.00 in, $15.00 out a million tokens`."""
        ...

    @property
    def rates(self) -> dict[str, float]:
        """Dollars per million tokens as listed, below any tier: `input` and `output`, and where they are named `cached` and
        `cache_write`.
        """
        ...

    def cost(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request as billed; None where its tokens or their price are unknown."""
        ...

    def uncached(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request if every cached token were paid for as input."""
        ...

    def cached_saving(self, prompt: float) -> float:
        """Dollars that so many prompt tokens would cost less if they were cached; 0 where no price for cached ones is known."""
        ...

    def as_input(self, tokens: Tokens) -> tuple[str, ...]:
        """Which of these tokens are paid for as input, only because the price names none for them."""
        ...


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
    def blended(cls, per_million: float, date: str | None = None) -> Price:
        return cls(input=per_million, output=per_million, date=date)

    @property
    def words(self) -> str:
        if self.input == self.output and self.cached is None and self.cache_write is None:
            return f"{per_million(self.input)} a million tokens, blended"
        parts = [(self.input, "in"), (self.cached, "cached"), (self.cache_write, "cache write"), (self.output, "out")]
        named = [f"{per_million(price)} {name}" for price, name in parts if price is not None]
        return f"{', '.join(named)} a million tokens"

    @property
    def rates(self) -> dict[str, float]:
        named = {"input": self.input, "cached": self.cached, "cache_write": self.cache_write, "output": self.output}
        return {name: price for name, price in named.items() if price is not None}

    def cost(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request as billed; None where its tokens are unknown."""
        return self._cost(tokens, self.input if self.cached is None else self.cached)

    def uncached(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request if every cached token were paid for as input."""
        return self._cost(tokens, self.input)

    def cached_saving(self, prompt: float) -> float:
        """prompt x (input - cached); 0 where no price for cached tokens is named."""
        return 0.0 if self.cached is None else prompt * (self.input - self.cached) / 1e6

    def as_input(self, tokens: Tokens) -> tuple[str, ...]:
        return tuple(unpriced_parts(tokens, cached=self.cached is None, written=self.cache_write is None))

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


def unpriced_parts(tokens: Tokens, *, cached: bool, written: bool) -> Iterator[str]:
    """Of the parts of a prompt that there are, those without a price (`cached`, `written`: it has none)."""
    if tokens.cached and cached:
        yield CACHED
    if tokens.cache_write and written:
        yield WRITTEN


def per_million(price: float) -> str:
    """Dollars per million tokens, to the cent and further where it goes further: $3.00, $0.20, $0.075."""
    return f"${price:,.2f}" if round(price, 2) == price else f"${price:g}"
