"""A training that stopped, to go on from.

In: what a Learner holds after a step, and what that came from. Out: one file that appears whole or not at all, and the same state
again. It is refused where data or options are others than those it was made with: what came out would be neither training's.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError, listed
from .batches import Encoded


def data_digest(examples: Sequence[Encoded]) -> str:
    """A hash over all tokens, in order: equal where the same is learnt."""
    tokens = json.dumps([[example.prompt, example.answer] for example in examples], separators=(",", ":"))
    return hashlib.sha256(tokens.encode()).hexdigest()


def save(path: Path, state: dict[str, Any], learnt: dict[str, Any]) -> None:
    """`learnt` is what the state came from: options and digests, each a plain value. ConfigError where it cannot be written."""
    beside = path.with_name(f"{path.name}.part")
    try:
        with beside.open("wb") as file:
            torch.save({"learnt": learnt, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except (OSError, RuntimeError) as failure:
        raise ConfigError(f"the checkpoint cannot be written: {failure}", at=path.name) from failure


def load(path: Path, learnt: dict[str, Any]) -> dict[str, Any]:
    """The state kept in a file; ConfigError where it cannot be read, or came from something else, naming what differs."""
    try:
        kept = torch.load(path, weights_only=True)
        before = kept.pop("learnt")
    except (OSError, RuntimeError, ValueError, LookupError, AttributeError, EOFError, pickle.UnpicklingError) as failure:
        raise ConfigError("is no checkpoint that can be read; remove it and start afresh", at=path.name) from failure
    if differing := [key for key in learnt if before.get(key) != learnt[key]]:
        raise ConfigError(
            f"was made with other values of {listed(differing)}; go on with the same, or remove it and start afresh",
            at=path.name,
        )
    state: dict[str, Any] = kept
    return state
