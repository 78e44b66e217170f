"""Which Claude model refuses what, by the names that providers give them."""

from __future__ import annotations

import pytest

from pytest_understudy.endpoints.claude import (
    REFUSES_PREFILL,
    REFUSES_SAMPLING,
    is_in,
    no_thinking,
    refusal,
    version_of,
)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("claude-opus-4-6", ("opus", (4, 6))),
        ("claude-opus-5", ("opus", (5,))),
        ("claude-sonnet-4-5-20250929", ("sonnet", (4, 5))),
        ("claude-sonnet-4-20250514", ("sonnet", (4,))),
        ("us.anthropic.claude-opus-4-6-v1", ("opus", (4, 6))),
        ("anthropic/claude-opus-4.7", ("opus", (4, 7))),
        ("anthropic/claude-4.7-opus", ("opus", (4, 7))),
        ("claude-3-5-haiku-20241022", ("haiku", (3, 5))),
        ("claude-3-haiku-20240307", ("haiku", (3,))),
        ("claude-mythos-preview", ("mythos", ())),
        ("Claude-Fable-5", ("fable", (5,))),
        ("claude-haiku-4-5@20251001", ("haiku", (4, 5))),
        ("gpt-5", None),
        ("magnum-opus-4-6", None),
        ("", None),
        (None, None),
    ],
)
def test_a_models_name_tells_its_family_and_version(model: str | None, known: object) -> None:
    assert version_of(model) == known


REJECTS = (
    *("claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5"),
    *("claude-sonnet-4-6", "claude-sonnet-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
    *("claude-fable-5", "claude-fable-5-1", "claude-mythos-preview", "claude-mythos-5", "claude-opus-6"),
)
ACCEPTS = (
    "claude-opus-4-5",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "claude-opus-4-20250514",
    "claude-3-7-sonnet-20250219",
    "a",
)


@pytest.mark.parametrize("model", REJECTS)
def test_newer_models_refuse_a_prefill_and_are_told_to_take_a_schema(model: str) -> None:
    said = refusal(model, controls=("prefill",), drawn_by=(), thinking=None)
    assert said is not None
    assert "the control schema works there" in said
    assert refusal(model, controls=("schema",), drawn_by=(), thinking=None) is None


@pytest.mark.parametrize("model", ACCEPTS)
def test_older_and_unknown_models_take_a_prefill(model: str) -> None:
    assert refusal(model, controls=("prefill", "no_think"), drawn_by=("temperature", "top_p"), thinking=None) is None


def test_a_model_may_refuse_a_prefill_and_take_a_temperature() -> None:
    assert is_in("claude-opus-4-6", REFUSES_PREFILL)
    assert not is_in("claude-opus-4-6", REFUSES_SAMPLING)
    assert is_in("claude-opus-4-7", REFUSES_SAMPLING)


@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-5", "claude-haiku-5-5", "claude-fable-5", "claude-mythos-5"])
def test_what_draws_tokens_is_refused_by_name(model: str) -> None:
    said = refusal(model, controls=(), drawn_by=("temperature", "top_p"), thinking=None)
    assert said == f"{model!r} refuses temperature and top_p: leave it out of sampling"


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-haiku-4-5", None),
        ("claude-opus-4-8", None),
        ("claude-opus-5", {"type": "disabled"}),
        ("claude-haiku-5-5", {"type": "disabled"}),
        ("claude-sonnet-5-5", {"type": "between_tools"}),
        ("some-other-model", {"type": "disabled"}),
    ],
)
def test_each_model_is_told_not_to_think_in_its_own_words(model: str, thinking: object) -> None:
    assert no_thinking(model) == thinking
    assert refusal(model, controls=("no_think",), drawn_by=(), thinking=None) is None


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5", "claude-mythos-5"])
def test_a_model_that_always_thinks_refuses_no_think(model: str) -> None:
    said = refusal(model, controls=("no_think",), drawn_by=(), thinking=None)
    assert said is not None
    assert "always thinks" in said


@pytest.mark.parametrize(
    ("model", "controls", "drawn_by", "thinking", "words"),
    [
        ("claude-haiku-4-5", ("prefill",), (), 2048, "a prefilled answer and thinking exclude each other"),
        ("claude-haiku-4-5", (), ("temperature",), 2048, "temperature and thinking exclude each other"),
        ("claude-haiku-4-5", (), (), "adaptive", "does not know adaptive thinking"),
        ("claude-opus-4-7", (), (), 2048, "takes no budget of thinking tokens"),
    ],
)
def test_thinking_excludes_some_of_a_route(
    model: str, controls: tuple[str, ...], drawn_by: tuple[str, ...], thinking: int | str, words: str
) -> None:
    said = refusal(model, controls=controls, drawn_by=drawn_by, thinking=thinking)
    assert said is not None
    assert words in said
    without = refusal(model, controls=(*controls, "no_think"), drawn_by=drawn_by, thinking=thinking)
    assert without is None
