"""A llama of two small blocks with random weights, and the plain way to run it: one example after another, autograd alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.func import functional_call
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_understudy.training.batches import Encoded
from pytest_understudy.training.model import PLACES
from pytest_understudy.training.packed import Pair

VOCABULARY = 300


def llama() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).eval()


def adapter(model: Any, rank: int = 4) -> dict[str, Pair]:
    """On all linears, with both matrices random, so that each has a gradient."""
    chance = torch.Generator().manual_seed(1)
    found = {}
    for number, block in enumerate(model.model.layers):
        for name, place in PLACES.items():
            wide, narrow = block.get_submodule(place).weight.shape
            a, b = torch.randn(rank, narrow, generator=chance), torch.randn(wide, rank, generator=chance)
            found[f"blk.{number}.{name}"] = Pair((a / 7).requires_grad_(), (b / 10).requires_grad_())
    return found


def plain_loss(model: Any, pairs: Mapping[str, Pair], scale: float, examples: Sequence[Encoded], head_weight: float) -> Any:
    """The adapter added to the weights, the examples one by one."""
    added = {}
    for linear, pair in pairs.items():
        _, number, name = linear.split(".")
        parameter = f"model.layers.{number}.{PLACES[name]}.weight"
        added[parameter] = model.get_parameter(parameter).detach() + scale * (pair.b @ pair.a)
    total, weights = torch.zeros(()), 0.0
    for example in examples:
        tokens = torch.tensor([[*example.prompt, *example.answer]])
        logits = functional_call(model, added, (tokens,)).logits[0, len(example.prompt) - 1 : -1]
        each = torch.nn.functional.cross_entropy(logits, torch.tensor(example.answer), reduction="none")
        weight = torch.ones(len(example.answer))
        weight[:6] = head_weight
        total = total + (each * weight).sum()
        weights += float(weight.sum())
    return total / weights


def examples(shared: int, count: int = 5) -> list[Encoded]:
    """With prompts that begin with the same tokens, and answers of 1 to 9 tokens."""
    chance = torch.Generator().manual_seed(2)

    def some(length: int) -> tuple[int, ...]:
        return tuple(torch.randint(VOCABULARY, (length,), generator=chance).tolist())

    system = some(shared)
    return [Encoded((*system, number, *some(3 + 5 * number)), some(1 + 2 * number), "") for number in range(count)]
