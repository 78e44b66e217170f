"""An adapter that learns, on the tiny llama."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
pytest.importorskip("transformers")

from pytest_understudy.training.lora import Learner, rate  # noqa: E402  (torch first)
from pytest_understudy.training.model import frozen  # noqa: E402
from pytest_understudy.training.settings import Settings  # noqa: E402

from . import tiny  # noqa: E402


def learner(**settings: Any) -> Learner:
    return Learner(frozen(tiny.llama(), torch.float32), Settings(**settings), steps=10)


def test_a_new_adapter_changes_nothing_yet() -> None:
    fresh = learner()
    tokens = tiny.examples(80)[0].prompt
    torch.testing.assert_close(fresh.logits(tokens), fresh.logits(tokens, adapted=False))


def test_what_is_dropped_follows_from_seed_and_step() -> None:
    examples = tiny.examples(80)

    def loss(seed: int, step: int) -> float:
        one = learner(seed=seed, dropout=0.3)
        for pair in one.adapter.values():
            torch.nn.init.constant_(pair.b, 0.1)
        for pair, same in zip(one.adapter.values(), learner(seed=0).adapter.values(), strict=True):
            pair.a.data.copy_(same.a.data)
        one.step = step
        return one.gradients(examples)

    assert loss(0, 0) == loss(0, 0)
    assert len({loss(0, 0), loss(0, 1), loss(1, 0)}) == 3


def test_a_step_goes_where_the_loss_is_smaller() -> None:
    one, examples = learner(lr=0.01, dropout=0.0), tiny.examples(80)
    losses = []
    for _ in range(10):
        losses.append(one.gradients(examples))
        one.learn()
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_the_rate_warms_up_and_falls_to_a_twentieth() -> None:
    shares = [rate(step, 100) for step in range(100)]
    assert shares[0] == pytest.approx(0.2)
    assert max(shares) == shares[4] == pytest.approx(1, abs=0.01)
    assert shares[4:] == sorted(shares[4:], reverse=True)
    assert shares[-1] == 0.05
    assert rate(0, 1) == 1
