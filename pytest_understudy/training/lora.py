"""An adapter that learns: its weights, its optimizer, and one step.

In: a frozen Llama, Settings, and a batch of Encoded examples. Out: the step's loss, and at the end a Lora to be written. Nothing
is drawn from a running generator: what a step drops follows from the seed and the step's number, so a training that stopped goes
on as if it had not.

AdamW without weight decay, betas 0.9 and 0.99, gradients clipped to norm 1; the rate warms up over the first twentieth of the
steps and falls on a cosine to a twentieth of its height.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import ConfigError
from .batches import Encoded, shared_prefix
from .gguf import Lora
from .packed import LINEARS, Llama, Masks, Packed, Pair, logits, loss
from .settings import HEAD, Settings

ROUND = 64  # a batch's tokens are filled up to a multiple of it: kernels are made anew, and kept, for each length


class Learner:
    """An adapter in training. `step` is how many steps were made, of `steps`."""

    def __init__(self, llama: Llama, settings: Settings, steps: int, init: Lora | None = None) -> None:
        self.llama = llama
        self.settings = settings
        self.steps = steps
        self.step = 0
        self.adapter = _started(llama, settings) if init is None else _parameters(init)
        self.scale = settings.alpha / settings.rank
        self._weights = [weight for pair in self.adapter.values() for weight in (pair.a, pair.b)]
        self._optimizer = torch.optim.AdamW(self._weights, lr=settings.lr, weight_decay=0.0, betas=(0.9, 0.99))

    @property
    def trainable(self) -> int:
        """How many weights learn."""
        return sum(weight.numel() for weight in self._weights)

    def gradients(self, examples: Sequence[Encoded]) -> float:
        """The loss of a batch, before the step; the weights hold its gradients."""
        settings = self.settings
        batch = packed(examples, settings.head_weight)
        masks = None
        if settings.dropout:
            chance = torch.Generator().manual_seed((settings.seed * 1_000_003 + self.step) % 2**63)
            widest = max(weight.shape[1] for weight in self.llama.layers[0].linears.values())
            masks = Masks(settings.dropout, batch.size * widest, chance, self.llama.compute)
        self._optimizer.zero_grad()
        result = loss(self.llama, self.adapter, self.scale, batch, masks)
        result.backward()
        return float(result.detach())

    def learn(self) -> None:
        """One step along the gradients."""
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        for group in self._optimizer.param_groups:
            group["lr"] = self.settings.lr * rate(self.step, self.steps)
        self._optimizer.step()
        self.step += 1

    def logits(self, tokens: Sequence[int], *, adapted: bool = True) -> Tensor:
        """(tokens, vocabulary): what is predicted after each token, with the adapter or without."""
        batch = _laid(0, (len(tokens),), tokens, [], [], [])
        with torch.no_grad():
            return logits(self.llama, self.adapter if adapted else {}, self.scale, batch)

    def lora(self) -> Lora:
        matrices = {name: (pair.a.detach().numpy(), pair.b.detach().numpy()) for name, pair in self.adapter.items()}
        return Lora(matrices, self.settings.alpha)

    def state(self) -> dict[str, Any]:
        """All that a later Learner needs to go on."""
        return {"step": self.step, "weights": self._weights, "optimizer": self._optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            for weight, kept in zip(self._weights, state["weights"], strict=True):
                weight.copy_(kept)
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def check_fits(init: Lora, llama: Llama, *, at: str) -> None:
    """ConfigError where an adapter is of another model, or leaves linears out."""
    for number, layer in enumerate(llama.layers):
        for name in LINEARS:
            linear = f"blk.{number}.{name}"
            a, b = init.matrices.get(linear, (None, None))
            if a is None or b is None:
                raise ConfigError(f"has nothing for {linear}: only adapters of all linears can be gone on from", at=at)
            if (b.shape[0], a.shape[1]) != tuple(layer.linears[name].shape) or a.shape[0] != init.rank:
                raise ConfigError(f"is an adapter of another model: {linear} is of another size", at=at)
    if len(init.matrices) > len(llama.layers) * len(LINEARS):
        raise ConfigError("is an adapter of another model: it has more linears", at=at)


def rate(step: int, steps: int) -> float:
    """The share of the learning rate at a step, numbered from 0."""
    warm = min(1.0, (step + 1) / max(1.0, steps / 20))
    return warm * max(0.05, 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def packed(examples: Sequence[Encoded], head_weight: float = 1.0) -> Packed:
    """A batch laid end to end, the tokens that all begin with in front of it, once."""
    prefix = shared_prefix(examples)
    tokens = list(examples[0].prompt[:prefix])
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for example in examples:
        first = len(tokens) + len(example.prompt) - prefix - 1
        tokens += (*example.prompt[prefix:], *example.answer)
        places += range(first, first + len(example.answer))
        targets += example.answer
        weights += [head_weight if place < HEAD else 1.0 for place in range(len(example.answer))]
    return _laid(prefix, [example.size - prefix for example in examples], tokens, places, targets, weights)


def _laid(
    prefix: int, rests: Sequence[int], tokens: Sequence[int], places: list[int], targets: list[int], weights: list[float]
) -> Packed:
    """Filled up behind the last example, which nothing attends to, and with places that count nothing."""
    filled, unlearnt = -len(tokens) % ROUND, -len(places) % ROUND
    lengths = (*rests[:-1], rests[-1] + filled)
    positions = [*range(prefix), *(prefix + place for length in lengths for place in range(length))]
    return Packed(
        tokens=torch.tensor([*tokens, *[0] * filled]),
        positions=torch.tensor(positions),
        prefix=prefix,
        lengths=lengths,
        places=torch.tensor([*places, *[0] * unlearnt], dtype=torch.long),
        targets=torch.tensor([*targets, *[0] * unlearnt], dtype=torch.long),
        weights=torch.tensor([*weights, *[0.0] * unlearnt], dtype=torch.float32),
    )


def _started(llama: Llama, settings: Settings) -> dict[str, Pair]:
    """A new adapter: a is random and b is 0, so it changes nothing yet."""
    chance = torch.Generator().manual_seed(settings.seed % 2**63)
    found = {}
    for number, layer in enumerate(llama.layers):
        for name in LINEARS:
            wide, narrow = layer.linears[name].shape
            a = (2 * torch.rand(settings.rank, narrow, generator=chance) - 1) / math.sqrt(narrow)
            found[f"blk.{number}.{name}"] = Pair(a.requires_grad_(), torch.zeros(wide, settings.rank).requires_grad_())
    return found


def _parameters(lora: Lora) -> dict[str, Pair]:
    return {
        name: Pair(torch.tensor(a).requires_grad_(), torch.tensor(b).requires_grad_()) for name, (a, b) in lora.matrices.items()
    }
