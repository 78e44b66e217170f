"""price = "auto", against the lists that genai-prices ships."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.errors import ConfigError
from pytest_understudy.routes.listed_price import ListedPrice, Nowhere, listed_price
from pytest_understudy.routes.price import CACHED, WRITTEN, Price

SONNET = "claude-sonnet-4-5-20250929"
ANTHROPIC = "https://api.anthropic.com"


def found(model: str | None, *, kind: str = "openai", base_url: str | None = None, preset: str | None = None) -> ListedPrice:
    price = listed_price(model, kind=kind, base_url=base_url, preset=preset)
    assert isinstance(price, ListedPrice), price
    return price


def reason(model: str | None, *, kind: str = "openai", base_url: str | None = None, preset: str | None = None) -> str:
    price = listed_price(model, kind=kind, base_url=base_url, preset=preset)
    assert isinstance(price, Nowhere), price
    return price.reason


def test_a_request_above_200_000_tokens_of_prompt_costs_the_dearer_tier_throughout() -> None:
    price = found(SONNET, kind="anthropic")
    assert price.cost(Tokens(prompt=200_000, generated=1000)) == pytest.approx(200_000 * 3e-6 + 1000 * 15e-6)
    assert price.cost(Tokens(prompt=200_001, generated=1000)) == pytest.approx(200_001 * 6e-6 + 1000 * 22.5e-6)


def test_the_tier_goes_by_the_whole_prompt_cached_tokens_included() -> None:
    price = found(SONNET, kind="anthropic")
    cost = price.cost(Tokens(prompt=200_001, cached=150_000, cache_write=50_000, generated=0))
    assert cost == pytest.approx((1 * 6 + 150_000 * 0.6 + 50_000 * 7.5) / 1e6)


@given(st.integers(0, 200_000), st.integers(0, 100), st.integers(0, 100), st.integers(0, 10_000))
def test_below_the_tier_it_costs_what_the_same_table_costs(prompt: int, cached: int, written: int, generated: int) -> None:
    table = Price(input=3, cached=0.3, cache_write=3.75, output=15)
    tokens = Tokens(prompt, prompt * cached // 200, prompt * written // 200, generated)
    price = found(SONNET, kind="anthropic")
    assert price.cost(tokens) == pytest.approx(table.cost(tokens), abs=1e-12)
    assert price.uncached(tokens) == pytest.approx(table.uncached(tokens), abs=1e-12)
    assert price.cached_saving(prompt) == pytest.approx(table.cached_saving(prompt))
    assert price.as_input(tokens) == ()


def test_a_price_that_changes_with_the_hour_is_that_of_the_requests_hour() -> None:
    price, tokens = found("deepseek-chat", preset="deepseek"), Tokens(prompt=1_000_000, generated=0)
    noon, night = (datetime(2025, 4, 1, hour, tzinfo=UTC) for hour in (12, 20))
    assert price.cost(tokens, noon) == pytest.approx(0.27)
    assert price.cost(tokens, night) == pytest.approx(0.135)


@pytest.mark.parametrize(
    ("model", "where", "provider"),
    [
        (SONNET, {"kind": "anthropic"}, "anthropic"),
        (SONNET, {"kind": "anthropic", "base_url": f"{ANTHROPIC}/v1"}, "anthropic"),
        ("gpt-5-mini", {"base_url": "https://api.openai.com/v1"}, "openai"),
        ("gpt-5-mini", {"preset": "openai"}, "openai"),
        ("qwen/qwen3-8b", {"base_url": "https://openrouter.ai/api/v1"}, "openrouter"),
        ("anthropic/claude-sonnet-4.5", {"preset": "openrouter"}, "openrouter"),
    ],
)
def test_whose_list_holds_is_told_by_the_address_then_by_the_preset(model: str, where: dict[str, str], provider: str) -> None:
    price = found(model, **where)
    assert (price.provider, price.by_name) == (provider, False)
    assert price.source == f"genai-prices {version('genai-prices')}"
    assert price.date is None


def test_behind_a_proxy_a_closed_model_is_priced_by_its_name_and_says_so() -> None:
    price = found("anthropic/claude-sonnet-4-5", base_url="http://127.0.0.1:4000/v1")
    assert (price.provider, price.model, price.by_name) == ("anthropic", "claude-sonnet-4-5", True)
    assert price.words == (
        "$3.00 in, $0.30 cached, $3.75 cache write, $15.00 out a million tokens, more in long requests,"
        " as anthropic's claude-sonnet-4-5, by the model's name"
    )


def test_what_a_list_has_no_price_for_is_told_as_paid_for_as_input() -> None:
    price = found("qwen/qwen3-8b", preset="openrouter")
    assert price.as_input(Tokens(prompt=10, cached=5, cache_write=5, generated=1)) == (CACHED, WRITTEN)
    assert price.cached_saving(1000) == 0


@pytest.mark.parametrize(
    ("model", "where", "why"),
    [
        ("accounts/me/models/qwen3-8b-ops", {"preset": "fireworks"}, "qwen3-8b-ops' at fireworks"),
        ("qwen/qwen3-8b:free", {"preset": "openrouter"}, "has no price for"),
        ("deepseek/deepseek-chat:free", {"preset": "openrouter"}, "names no price for its input and output tokens"),
        ("Qwen/Qwen3-8B", {"base_url": "http://gpu-box:8000/v1"}, "at gpu-box, nor who alone serves 'Qwen/Qwen3-8B'"),
        ("Qwen/Qwen3-8B", {"base_url": "http://gpu-box:8000/v1", "preset": "vllm"}, "a server of one's own is in no list"),
        ("claude-sonnet-4-5", {"kind": "embedded"}, "a server of one's own is in no list"),
        ("gpt-oss-20b", {"base_url": "http://gpu-box:8000/v1"}, "knows no provider at gpu-box"),
        ("mine", {"kind": "special"}, "knows no provider at an endpoint of kind 'special'"),
        (None, {"preset": "openai"}, "its route names no model"),
    ],
)  # fmt: skip
def test_what_is_in_no_list_is_unpriced_and_says_why(model: str | None, where: dict[str, str], why: str) -> None:
    assert why in reason(model, **where)


def test_unknown_tokens_cost_an_unknown_sum() -> None:
    price = found(SONNET, kind="anthropic")
    assert price.cost(Tokens(prompt=5)) is price.uncached(Tokens()) is None


def test_without_the_package_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(ConfigError, match=r"^understudy\.toml: \[routes\.frontier\] price: .*pytest-understudy\[prices\]"):
        listed_price(SONNET, kind="anthropic", at="understudy.toml: [routes.frontier] price")


def test_looking_up_a_price_opens_no_socket_and_resolves_no_name() -> None:
    code = f"""
import sys
def watch(event, args):
    if event.startswith("socket."):
        raise SystemExit(f"{{event}} {{args}}")
from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.routes.listed_price import listed_price
sys.addaudithook(watch)
price = listed_price({SONNET!r}, kind="anthropic")
print(price.cost(Tokens(prompt=1_000_000, generated=0)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "6.0\n", "")


def test_the_lists_are_not_read_by_a_config_that_asks_for_none_of_them() -> None:
    code = "import sys, pytest_understudy.config.config; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
