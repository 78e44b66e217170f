"""What tokens cost by the lists of genai-prices: `price = "auto"`.

In: where a model is served and its name. Out: a ListedPrice, or a Nowhere that says why there is none: such a route is unpriced,
never free. The package is imported here and only when asked. Its lists come with it; that they update themselves over the
network is something its user must start, and nobody here does. It names no day for them: its version stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..endpoints.endpoint import Tokens
from ..errors import ConfigError
from .price import per_million, unpriced_parts

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

EXTRA = "pip install 'pytest-understudy[prices]', or write the price as { input, output }"
OWN = ("vllm", "sglang", "llama.cpp", "ollama")
"""Presets of servers that one runs oneself: no list knows what that costs."""

CLOSED: Mapping[str, str] = {
    "claude-": "anthropic",
    "gpt-3": "openai",  # not gpt-oss, whose weights anybody may serve
    "gpt-4": "openai",
    "gpt-5": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4-": "openai",
    "gemini-": "google",
    "grok-": "x-ai",
}
"""Of models whose weights nobody else has: how their names begin, and whose list they are priced by behind any address."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """That no list prices this model, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A model's price in a provider's list. It may depend on the request: Sonnet 4.5 is dearer above 200,000 tokens of prompt.

    `by_name`: its address is no known provider's, and the model's name decided whose list holds.
    """

    provider: str
    model: str
    source: str
    by_name: bool = False
    date: str | None = None
    _provider: Provider | None = field(default=None, repr=False, compare=False)
    _model: ModelInfo | None = field(default=None, repr=False, compare=False)

    @property
    def words(self) -> str:
        """As it stands now, below the first tier."""
        prices = self._prices(datetime.now(UTC))
        kinds = (("in", "input_mtok"), ("cached", "cache_read_mtok"), ("cache write", "cache_write_mtok"), ("out", "output_mtok"))
        named = [f"{per_million(price)} {kind}" for kind, key in kinds if (price := _base(prices, key)) is not None]
        tiers = ", more in long requests" if any(map(_tiered, vars(prices).values())) else ""
        why = ", by the model's name" if self.by_name else ""
        return f"{', '.join(named)} a million tokens{tiers}, as {self.provider}'s {self.model}{why}"

    @property
    def rates(self) -> dict[str, float]:
        """As they stand now."""
        prices = self._prices(datetime.now(UTC))
        kinds = {
            "input": "input_mtok", "cached": "cache_read_mtok", "cache_write": "cache_write_mtok", "output": "output_mtok",
        }  # fmt: skip
        return {kind: price for kind, key in kinds.items() if (price := _base(prices, key)) is not None}

    def cost(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request as billed at its time; None where its tokens or their price then are unknown."""
        return self._cost(tokens, tokens.cached or 0, at)

    def uncached(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        """Dollars for one request if every cached token were paid for as input."""
        return self._cost(tokens, 0, at)

    def cached_saving(self, prompt: float) -> float:
        """prompt x (input - cached), below the first tier and as of now."""
        prices = self._prices(datetime.now(UTC))
        whole, cached = _base(prices, "input_mtok"), _base(prices, "cache_read_mtok")
        return 0.0 if whole is None or cached is None else prompt * (whole - cached) / 1e6

    def as_input(self, tokens: Tokens) -> tuple[str, ...]:
        prices = self._prices(datetime.now(UTC))
        cached, written = (_base(prices, key) is None for key in ("cache_read_mtok", "cache_write_mtok"))
        return tuple(unpriced_parts(tokens, cached=cached, written=written))

    def _cost(self, tokens: Tokens, cached: int, at: datetime | None) -> float | None:
        """genai-prices wants the inclusive count: cached and written tokens are parts of its input_tokens, as of our prompt."""
        from genai_prices import Usage

        at = at or datetime.now(UTC)
        if tokens.prompt is None or tokens.generated is None or not _whole(self._prices(at)):
            return None
        assert self._model is not None
        assert self._provider is not None
        usage = Usage(
            input_tokens=tokens.prompt,
            cache_read_tokens=cached,
            cache_write_tokens=tokens.cache_write or 0,
            output_tokens=tokens.generated,
        )
        return float(self._model.calc_price(usage, self._provider, genai_request_timestamp=at).total_price)

    def _prices(self, at: datetime) -> ModelPrice:
        assert self._model is not None
        return self._model.get_prices(at)


def listed_price(
    model: str | None, *, kind: str, base_url: str | None = None, preset: str | None = None, at: str = ""
) -> ListedPrice | Nowhere:
    """The price of `model` at an endpoint of this kind, address and preset; ConfigError (`at` is its place) without the package.

    Whose list: the provider whose address it is, else the preset's, else for `anthropic` without an address Anthropic's; at an
    address that no list knows, such as a proxy's, that of the one who alone has the model.
    """
    if model is None:
        return Nowhere("its route names no model to look up")
    if kind == "embedded" or preset in OWN:
        return Nowhere("a server of one's own is in no list: write its price, or what its machine costs an hour in `hourly`")
    try:
        from genai_prices import __version__
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        raise ConfigError(f'price = "auto" needs genai-prices, which is not installed: {EXTRA}', at=at) from None
    lists, reasons = get_snapshot(), []
    source = f"genai-prices {__version__}"
    for provider, by_name in _providers(lists, model, kind, base_url, preset):
        found = _model(lists, provider, model, by_name)
        if found is None:
            reasons.append(f"{source} has no price for {model!r} at {provider.id}")
        elif not _whole(found.get_prices(datetime.now(UTC))):
            reasons.append(f"{source} knows {provider.id}'s {found.id} and names no price for its input and output tokens")
        else:
            return ListedPrice(provider.id, found.id, source, by_name, None, provider, found)
    where = (urlsplit(base_url).hostname if base_url else None) or f"an endpoint of kind {kind!r}"
    return Nowhere(reasons[0] if reasons else f"{source} knows no provider at {where}, nor who alone serves {model!r}")


def _providers(
    lists: DataSnapshot, model: str, kind: str, base_url: str | None, preset: str | None
) -> Iterator[tuple[Provider, bool]]:
    """Whose lists to look in, first to last, and whether the model's name decided."""
    by_id = {provider.id: provider for provider in lists.providers}
    served = _at_address(lists, base_url) or by_id.get(preset or "")
    if served is None and kind == "anthropic" and base_url is None:
        served = by_id.get("anthropic")
    if served is not None:
        yield served, False
        return
    name = model.rpartition("/")[2].lower()
    owner = next((owner for start, owner in CLOSED.items() if name.startswith(start)), None)
    if owner in by_id:
        yield by_id[owner], True


def _at_address(lists: DataSnapshot, base_url: str | None) -> Provider | None:
    if base_url is None:
        return None
    try:
        return lists.find_provider(None, None, base_url)
    except LookupError:
        return None


def _model(lists: DataSnapshot, provider: Provider, model: str, by_name: bool) -> ModelInfo | None:
    """By its whole name; behind a proxy by what stands after the vendor's in it: anthropic/claude-sonnet-4-5.

    Not so at a provider: accounts/me/models/llama-v3-8b is somebody's own model, and no list's.
    """
    return provider.find_model(model.rpartition("/")[2] if by_name else model, all_providers=lists.providers)


def _whole(prices: ModelPrice) -> bool:
    """Whether it has a price for input and for output: a list that names none does not say that they are free."""
    return prices.input_mtok is not None and prices.output_mtok is not None


def _base(prices: ModelPrice, key: str) -> float | None:
    price = getattr(prices, key)
    if price is None:
        return None
    return float(price.base if _tiered(price) else price)


def _tiered(price: object) -> bool:
    return hasattr(price, "tiers")
