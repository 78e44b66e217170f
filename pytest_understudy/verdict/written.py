"""Numbers as the article writes them: 1.39M tokens, $0.0148, 32.60s, 94.0%.

In: a number, or None where there is nothing to say. Out: its text, "-" for None, which is never written as 0.
"""

from __future__ import annotations

import math

NOTHING = "-"


def tokens(count: float | None) -> str:
    """A count of tokens: 843, 1.2k, 74k, 1.39M."""
    if count is None:
        return NOTHING
    if count < 999.5:
        return f"{count:.0f}" if count == round(count) else f"{count:.1f}"
    if count < 9_950:
        return f"{count / 1e3:.1f}k"
    if count < 999_500:
        return f"{count / 1e3:.0f}k"
    return f"{count / 1e6:.2f}M" if count < 9.995e6 else f"{count / 1e6:.1f}M"


def dollars(cost: float | None) -> str:
    """Dollars to about three figures: $1.56, $0.278, $0.0148, and never fewer than two of a small one: $0.0000053."""
    if cost is None:
        return NOTHING
    size = abs(cost)
    if not size or size >= 1:
        decimals = 2
    elif size >= 0.1:
        decimals = 3
    else:
        decimals = max(4, 1 - math.floor(math.log10(size)))
    return f"{'-' if cost < 0 else ''}${size:,.{decimals}f}"


def seconds(latency: float | None) -> str:
    """Seconds to the hundredth, 32.60s; under a tenth, milliseconds: 37ms."""
    if latency is None:
        return NOTHING
    return f"{latency * 1e3:.0f}ms" if 0 < latency < 0.0995 else f"{latency:.2f}s"


def percent(rate: float | None, decimals: int = 1) -> str:
    """A rate in [0, 1] as a percentage: 94.0%."""
    return NOTHING if rate is None else f"{rate:.{decimals}%}"


def credit(value: float | None) -> str:
    """A credit to four decimals: 0.9560."""
    return NOTHING if value is None else f"{value:.4f}"


def points(difference: float | None) -> str:
    """A difference of rates in percentage points, signed: +1.3 points; 0.0 where it would round to a signed nothing."""
    return NOTHING if difference is None else f"{signed(difference * 100, 1)} points"


def signed(value: float, decimals: int) -> str:
    """+1.3, -0.4, and 0.0 without a sign."""
    text = f"{value:+.{decimals}f}"
    return text if text.strip("+-0.") else text[1:]


def times(ratio: float | None, noun: str, less: str = "lower", more: str = "higher") -> str:
    """How a figure compares with the baseline's, as the article says it: `5.2x lower p50`; `noun unknown` where it is.

    One decimal, none from a hundred on; what would be written as 1.0x is `the same p50`.
    """
    if ratio is None:
        return f"{noun} unknown"
    if not ratio:
        return f"no {noun}"
    size, word = (1 / ratio, less) if ratio < 1 else (ratio, more)
    text = f"{size:,.1f}" if size < 99.95 else f"{size:,.0f}"
    return f"the same {noun}" if text == "1.0" else f"{text}x {word} {noun}"


def counted(count: int, noun: str) -> str:
    """1 rung, 3 rungs."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
