"""A price table: what a request costs by it, and how it reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.routes.price import CACHED, WRITTEN, Price

SONNET = Price(input=3.0, cached=0.3, cache_write=3.75, output=15.0, date="2026-11-20")
USED = Tokens(prompt=1000, cached=400, cache_write=100, generated=50)


def test_cached_and_written_tokens_have_their_own_prices() -> None:
    assert SONNET.cost(USED) == pytest.approx((500 * 3 + 400 * 0.3 + 100 * 3.75 + 50 * 15) / 1e6)
    assert SONNET.uncached(USED) == pytest.approx((900 * 3 + 100 * 3.75 + 50 * 15) / 1e6)


def test_what_a_price_does_not_name_is_paid_for_as_input_and_told() -> None:
    plain = Price(input=3.0, output=15.0)
    assert plain.cost(USED) == plain.uncached(USED) == pytest.approx((1000 * 3 + 50 * 15) / 1e6)
    assert plain.as_input(USED) == (CACHED, WRITTEN)
    assert Price(input=3.0, cached=0.3, output=15.0).as_input(USED) == (WRITTEN,)
    assert SONNET.as_input(USED) == ()
    assert plain.as_input(Tokens(prompt=1000, cached=0, generated=50)) == ()


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 100))
def test_blended_is_one_price_on_all_tokens(prompt: int, generated: int, price: float) -> None:
    cost = Price.blended(price).cost(Tokens(prompt=prompt, cached=prompt // 2, cache_write=prompt // 3, generated=generated))
    assert cost == pytest.approx((prompt + generated) * price / 1e6)


@given(st.integers(0, 10**6))
def test_what_a_cache_saves_is_what_cached_tokens_cost_less(prompt: int) -> None:
    saved = SONNET.cached_saving(prompt)
    cold, warm = Tokens(prompt=prompt, generated=1), Tokens(prompt=prompt, cached=prompt, generated=1)
    assert saved == pytest.approx((SONNET.cost(cold) or 0) - (SONNET.cost(warm) or 0), abs=1e-12)
    assert Price(input=3.0, output=15.0).cached_saving(prompt) == 0


def test_unknown_tokens_cost_an_unknown_sum_never_nothing() -> None:
    for tokens in (Tokens(), Tokens(prompt=5), Tokens(generated=5)):
        assert SONNET.cost(tokens) is SONNET.uncached(tokens) is None


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price.blended(0.20), "$0.20 a million tokens, blended"),
        (Price.blended(0.075), "$0.075 a million tokens, blended"),
        (Price(input=3, output=15), "$3.00 in, $15.00 out a million tokens"),
        (SONNET, "$3.00 in, $0.30 cached, $3.75 cache write, $15.00 out a million tokens"),
    ],
)
def test_a_price_reads_as_it_is_quoted(price: Price, words: str) -> None:
    assert price.words == words
