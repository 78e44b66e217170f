"""What the tests of training learn from: written for them, with words of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RULES = "You keep the ledger of a small harbour. For each message answer with the berth and nothing else. "


def conversation(said: str, answer: str, system: str = RULES) -> dict[str, Any]:
    messages = [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}, *messages] if system else messages, "metadata": {"made": True}}


def written(path: Path, lines: Sequence[object]) -> Path:
    """JSON Lines; a text stands as it is."""
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def harbour(path: Path, count: int = 6) -> Path:
    """Examples with one system prompt, and with answers of two kinds."""
    boats = ["the Heron", "two tugs", "a yawl from Aalen", "the night ferry", "Ole's cutter", "the dredger", "a tanker"]
    lines = []
    for number in range(count):
        thought = f"A boat, so berth {number % 4}." if number % 2 else ""
        answer = f"<think>\n{thought}\n</think>\n\nberth {number % 4}"
        lines.append(conversation(f"{boats[number % len(boats)]} comes in at {number + 7}", answer))
    return written(path, lines)


def suite(path: Path, *inputs: str, split: str = "holdout") -> Path:
    tasks = [{"id": f"t{number}", "input": text, "expect": "berth 1", "split": split} for number, text in enumerate(inputs)]
    return written(path, tasks)
