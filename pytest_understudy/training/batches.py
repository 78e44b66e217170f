"""Examples as tokens, the order in which they are learnt, and batches laid end to end.

In: Examples and a tokenizer with the model's own chat template. Out: Encoded examples, and the batches of all epochs, known
before the first step. Examples of one long system prompt share batches, since what they share is calculated once a batch. Within
them, answers that begin alike (with a think block, or without) are spread evenly: batches of one kind each teach the model to
forget the other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..errors import TaskError
from .dataset import Example

BEGINNING = 4  # tokens of an answer that say its kind: `<think>` and an empty line, or a word
LONG_PREFIX = 256  # tokens of a prompt that must be alike for a batch of its own
SHORTEST_PREFIX = 64  # tokens; to attend to a shorter one apart saves nothing


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids: what is given and what is learnt, the end token included."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    source: str

    @property
    def size(self) -> int:
        return len(self.prompt) + len(self.answer)


def encoded(examples: Sequence[Example], tokenizer: Any, longest: int) -> tuple[list[Encoded], list[TaskError]]:
    """The examples as tokens, and a complaint for each that is longer than `longest` tokens (it is left out)."""
    fitting: list[Encoded] = []
    long: list[TaskError] = []
    for example in examples:
        one = _encoded(example, tokenizer)
        if one.size <= longest:
            fitting.append(one)
        else:
            way = "shorten it, or leave such examples out with --skip-long"
            long.append(TaskError(f"is {one.size} tokens long, over --max-tokens {longest}; {way}", at=example.source))
    return fitting, long


def _encoded(example: Example, tokenizer: Any) -> Encoded:
    messages = [{"role": role, "content": content} for role, content in example.messages]
    answer = messages[-1]["content"]
    try:
        prompt = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
    except Exception as failure:  # whatever a template raises: jinja's errors, or its own refusal of an order of roles
        raise TaskError(f"the model's chat template refuses these messages: {failure}", at=example.source) from failure
    if not whole.startswith(prompt + answer):
        raise TaskError("the model's chat template changes the answer, so it cannot be learnt as it stands", at=example.source)
    end = whole[len(prompt + answer) :].strip() or tokenizer.eos_token
    given, learnt = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, answer + end))
    return Encoded(tuple(given), tuple(learnt), example.source)


def order(examples: Sequence[Encoded], chance: random.Random) -> list[int]:
    """One epoch's order: shuffled, with each kind of answer spread evenly."""
    kinds: dict[tuple[int, ...], list[int]] = {}
    for number, example in enumerate(examples):
        kinds.setdefault(example.answer[:BEGINNING], []).append(number)
    placed: list[tuple[float, int]] = []
    for members in kinds.values():
        chance.shuffle(members)
        placed += [((rank + chance.random()) / len(members), number) for rank, number in enumerate(members)]
    return [number for _, number in sorted(placed)]


def batches(examples: Sequence[Encoded], size: int, epochs: float, seed: int) -> list[list[int]]:
    """The batches of all epochs, as numbers of examples.

    Examples that begin alike for long, as those of one system prompt do, go into batches of their own where they fill one: what
    they share is calculated once a batch.
    """
    chance = random.Random(seed)
    groups = _groups(examples, size)
    steps = max(1, round(epochs * sum(math.ceil(len(group) / size) for group in groups)))
    found: list[list[int]] = []
    while len(found) < steps:
        epoch = [batch for group in groups for batch in _batches_of(group, examples, size, chance)]
        chance.shuffle(epoch)
        found += epoch
    return found[:steps]


def _groups(examples: Sequence[Encoded], size: int) -> list[list[int]]:
    """Numbers of examples that begin alike, where they fill a batch; all others in one group."""
    by_beginning: dict[tuple[int, ...], list[int]] = {}
    for number, example in enumerate(examples):
        by_beginning.setdefault(example.prompt[:LONG_PREFIX], []).append(number)
    alike = [group for start, group in by_beginning.items() if len(start) == LONG_PREFIX and len(group) >= size]
    grouped = {number for group in alike for number in group}
    rest = [number for number in range(len(examples)) if number not in grouped]
    return [*alike, rest] if rest else alike


def _batches_of(group: Sequence[int], examples: Sequence[Encoded], size: int, chance: random.Random) -> list[list[int]]:
    """One group's batches of one epoch; they differ by one example at most."""
    count = math.ceil(len(group) / size)
    numbers = [group[place] for place in order([examples[number] for number in group], chance)]
    ends = [round(len(numbers) * part / count) for part in range(count + 1)]
    return [numbers[start:end] for start, end in pairwise(ends)]


def shared_prefix(examples: Sequence[Encoded]) -> int:
    """How many tokens all prompts begin with; 0 below SHORTEST_PREFIX, and for one example alone.

    A prompt's last token is never among them: what it predicts is each answer's own first token.
    """
    if len(examples) < 2:
        return 0
    shortest = min(examples, key=lambda example: len(example.prompt)).prompt[:-1]
    length = len(shortest)
    for example in examples:
        length = next((place for place in range(length) if example.prompt[place] != shortest[place]), length)
    return length if length >= SHORTEST_PREFIX else 0


def packed_size(examples: Sequence[Encoded]) -> int:
    """How many tokens a batch of these examples is laid out as."""
    prefix = shared_prefix(examples)
    return prefix + sum(example.size - prefix for example in examples)
