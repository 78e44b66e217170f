"""What was trained is what is served: llama.cpp's next tokens against those of the weights that learnt, with the real SmolLM2."""

from __future__ import annotations

import json
import math
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "gguf"):
    pytest.importorskip(needed)

import torch  # noqa: E402  (after the skip)

from pytest_understudy.endpoints.embedded import Embedded  # noqa: E402
from pytest_understudy.endpoints.weights import weights_of  # noqa: E402
from pytest_understudy.training import gguf  # noqa: E402
from pytest_understudy.training.batches import Encoded, encoded  # noqa: E402
from pytest_understudy.training.dataset import examples_from  # noqa: E402
from pytest_understudy.training.lora import Learner  # noqa: E402
from pytest_understudy.training.model import loaded  # noqa: E402
from pytest_understudy.training.settings import Settings  # noqa: E402

from .made import harbour  # noqa: E402

Tokens = tuple[int, ...]
Heard = dict[str | None, list[dict[int, float]]]
TOP = 8  # tokens compared at each place
NEAR = 0.07  # nats; 0.03 is seen, of quantized arithmetic, and 0.4 with q and k unordered


@dataclass
class Trained:
    learner: Learner
    examples: list[Encoded]
    adapters: dict[str, Path]

    def places(self) -> list[Tokens]:
        """Where an answer begins, and near its end."""
        texts = [((*example.prompt, *example.answer), len(example.prompt)) for example in self.examples[:3]]
        return [tokens[:length] for tokens, answer in texts for length in (answer, len(tokens) - 2)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Eight steps, at a rate that moves q and k far; the second file has their rows as the models are published."""
    folder = tmp_path_factory.mktemp("trained")
    llama, tokenizer = loaded(weights_of("smollm2", of="--model"), torch.float32)
    examples, _ = encoded(examples_from(harbour(folder / "data.jsonl", 4)), tokenizer, 500)
    learner = Learner(llama, Settings(lr=0.01, dropout=0.0), steps=8)
    for _ in range(8):
        learner.gradients(examples)
        learner.learn()
    adapters = {"ours": folder / "ours.gguf", "unordered": folder / "unordered.gguf"}
    gguf.write(adapters["ours"], learner.lora(), heads=llama.heads, kv_heads=llama.kv_heads)
    gguf.write(adapters["unordered"], learner.lora(), heads=0, kv_heads=0)
    return Trained(learner, examples, adapters)


@pytest.fixture(scope="module")
def heard(trained: Trained) -> Heard:
    """What the server says next, by adapter, at two places of each example."""
    server = Embedded(name="local", adapters=trained.adapters, concurrency=1)
    [url] = server.start()
    try:
        return {adapter: [served(url, tokens, adapter) for tokens in trained.places()] for adapter in (None, "ours", "unordered")}
    finally:
        server.stop()


def served(url: str, tokens: Tokens, adapter: str | None) -> dict[int, float]:
    """The log probabilities of the likeliest next tokens."""
    scales = [{"id": number, "scale": float(name == adapter)} for number, name in enumerate(["ours", "unordered"])]
    body = {"prompt": tokens, "n_predict": 1, "n_probs": TOP, "temperature": 0, "cache_prompt": False, "lora": scales}
    request = urllib.request.Request(f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        answer: Any = json.load(response)
    return {top["id"]: top["logprob"] for top in answer["completion_probabilities"][0]["top_logprobs"]}


def difference(trained: Trained, theirs: list[dict[int, float]], *, adapted: bool) -> float:
    """How far apart the two are about a likely next token, in the mean over places: nats, each weighted by its probability."""
    found: list[float] = []
    for tokens, said in zip(trained.places(), theirs, strict=True):
        ours = trained.learner.logits(tokens, adapted=adapted)[len(tokens) - 1].log_softmax(-1)
        assert len(said) == TOP
        found.append(sum(abs(float(ours[token]) - value) * math.exp(value) for token, value in said.items()))
    return sum(found) / len(found)


def test_without_the_adapter_both_say_the_same(trained: Trained, heard: Heard) -> None:
    assert difference(trained, heard[None], adapted=False) < NEAR


def test_with_the_adapter_both_say_the_same_and_something_else_than_before(trained: Trained, heard: Heard) -> None:
    assert difference(trained, heard["ours"], adapted=True) < NEAR
    assert difference(trained, heard["ours"], adapted=False) > 10 * NEAR


def test_q_and_k_in_another_order_say_something_else(trained: Trained, heard: Heard) -> None:
    assert difference(trained, heard["unordered"], adapted=True) > 3 * NEAR
