"""What Claude models refuse, by family and version, so that a route which they would refuse is an error before it is asked.

Source: the migration guides and "what's new" pages under https://platform.claude.com/docs/en/models/, read 2026-11-25 (API
version 2023-06-01). A model that is not in the table is unknown, and nothing is refused for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Version = tuple[int, ...]

# From which version on a family ... An absent family never does; () is all of it.
REFUSES_PREFILL: Mapping[str, Version] = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5,), "fable": (), "mythos": ()}
REFUSES_SAMPLING: Mapping[str, Version] = {"opus": (4, 7), "sonnet": (5,), "haiku": (5,), "fable": (), "mythos": (5,)}
REFUSES_BUDGET: Mapping[str, Version] = {"opus": (4, 7), "sonnet": (5,), "haiku": (5,), "fable": (), "mythos": (5,)}
TAKES_ADAPTIVE: Mapping[str, Version] = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5,), "fable": (), "mythos": ()}
THINKS_UNASKED: Mapping[str, Version] = {"opus": (5,), "sonnet": (5,), "haiku": (5,), "fable": (), "mythos": ()}
ALWAYS_THINKS: Mapping[str, Version] = {"opus": (5, 5), "fable": (), "mythos": (5,)}
THINKS_BETWEEN_TOOLS: Mapping[str, Version] = {"sonnet": (5, 5)}  # its word for not thinking before the answer

_FAMILIES = "opus|sonnet|haiku|fable|mythos"
# claude-opus-4-6, claude-haiku-4-5-20251001, us.anthropic.claude-opus-4-6-v1, claude-opus-4.6; and claude-3-5-haiku-20241022,
# claude-4.7-opus. A date is no version.
_NEW = re.compile(rf"claude-({_FAMILIES})(?:-(\d{{1,2}})(?:[-.](\d{{1,2}}))?)?(?!\d)")
_OLD = re.compile(rf"claude-(\d{{1,2}})(?:[-.](\d{{1,2}}))?-({_FAMILIES})")


def is_in(model: str | None, table: Mapping[str, Version]) -> bool:
    """Whether the model's family is in the table from its version on; an unknown model is in none."""
    named = version_of(model)
    return named is not None and named[0] in table and named[1] >= table[named[0]]


def version_of(model: str | None) -> tuple[str, Version] | None:
    """Family and version, such as ("opus", (4, 6)); None for a name that is not Claude's. No version is ()."""
    name = (model or "").lower()
    if old := _OLD.search(name):
        return old[3], _numbers(old[1], old[2])
    if new := _NEW.search(name):
        return new[1], _numbers(new[2], new[3])
    return None


def _numbers(*digits: str | None) -> Version:
    return tuple(int(one) for one in digits if one is not None)


def no_thinking(model: str | None) -> dict[str, Any] | None:
    """What `thinking` is in a request that is not to think; None where it is to be left out."""
    if is_in(model, THINKS_BETWEEN_TOOLS):
        return {"type": "between_tools"}
    if version_of(model) is not None and not is_in(model, THINKS_UNASKED):
        return None
    return {"type": "disabled"}


def refusal(model: str | None, *, controls: tuple[str, ...], drawn_by: tuple[str, ...], thinking: int | str | None) -> str | None:
    """What the model refuses of a route and what would work; None where it takes all of it.

    `drawn_by` names the route's sampling parameters; `thinking` is what the endpoint asks of a request that may think.
    """
    thinks = thinking is not None and "no_think" not in controls
    if "prefill" in controls and is_in(model, REFUSES_PREFILL):
        return f"{model!r} refuses a prefilled answer; the control schema works there (output_config.format)"
    if "prefill" in controls and thinks:
        return "a prefilled answer and thinking exclude each other: add the control no_think, or take thinking from the endpoint"
    if drawn_by and is_in(model, REFUSES_SAMPLING):
        return f"{model!r} refuses {' and '.join(drawn_by)}: leave it out of sampling"
    if drawn_by and thinks:
        return f"{' and '.join(drawn_by)} and thinking exclude each other: leave it out of sampling, or add the control no_think"
    if "no_think" in controls and is_in(model, ALWAYS_THINKS):
        return f"{model!r} always thinks, and the control no_think can't change that; leave it out"
    if thinks and isinstance(thinking, int) and is_in(model, REFUSES_BUDGET):
        return f'{model!r} takes no budget of thinking tokens; thinking = "adaptive" works there'
    if thinks and thinking == "adaptive" and version_of(model) is not None and not is_in(model, TAKES_ADAPTIVE):
        return f"{model!r} does not know adaptive thinking; thinking = 1024, a budget of tokens, works there"
    return None
