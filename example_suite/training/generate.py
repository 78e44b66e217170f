"""Writes the training data of the example suite, the same each time: python example_suite/training/generate.py

In: the wordings, the families, seeded values. Out: `training.yaml` beside operations.yaml, the training tasks as a suite
file; and here `sft.jsonl.gz` and `thinker.jsonl.gz`, the chat examples that the two adapters are trained on:

    pytest-understudy train example_suite/training/thinker.jsonl.gz --out example_suite/adapters/thinker.gguf ...
    pytest-understudy train example_suite/training/sft.jsonl.gz --init example_suite/adapters/thinker.gguf ...

Each wording is used once, with values of its own, so that nothing but the job itself is worth learning.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

import yaml
from families import FAMILIES, Action, Family, Filled
from general import deliberate, examples
from values import Values

from pytest_understudy.routes.ask import messages
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import Task

HERE = Path(__file__).parent
SUITE = HERE.parent
SEED = 2026
THINKER_EXAMPLES = 480
THINKING = 16  # one in so many tasks is also shown with a deliberation, so that the model goes on obeying both modes
NO_THINK, EMPTY_THINK = " /no_think", "<think>\n\n</think>\n\n"


def main() -> None:
    wordings = _wordings()
    _write_tasks(wordings)
    tasks = tasks_from(SUITE / "training.yaml", name="training.yaml")
    _write_chat(HERE / "sft.jsonl.gz", _sft(tasks))
    _write_chat(HERE / "thinker.jsonl.gz", examples(THINKER_EXAMPLES, SEED))


def _wordings() -> dict[str, dict[str, Any]]:
    """Of each family its messages and its cues by level, from all files."""
    found: dict[str, dict[str, Any]] = {name: {"messages": [], "cues": {}} for name in FAMILIES}
    for path in sorted((HERE / "wordings").glob("*.yaml")):
        for family, wording in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            found[family]["messages"] += wording["messages"]
            for level, cues in wording.get("cues", {}).items():
                found[family]["cues"].setdefault(level, []).extend(cues)
    return found


def _write_tasks(wordings: dict[str, dict[str, Any]]) -> None:
    shared = (SUITE / "operations.yaml").read_text(encoding="utf-8").partition("\ntasks:\n")[0].split("\n")
    head = [line for line in shared if not line.startswith("#")]
    parts = ["# Written by training/generate.py: wordings from training/wordings/, values from training/values.py.", *head]
    parts += ["split: train", "tasks:"]
    for name, family in FAMILIES.items():
        parts.extend(_entries(name, family, wordings[name]))
    (SUITE / "training.yaml").write_text("\n".join(parts) + "\n", encoding="utf-8")


def _entries(name: str, family: Family, wording: dict[str, Any]) -> Iterator[str]:
    for number, (text, actions) in enumerate(_messages(name, family, wording)):
        yield f"  - id: {name}.{number:02d}"
        yield f"    category: {family.category}"
        yield f"    cluster: {family.cluster}"
        yield "    input: |-"
        yield from (f"      {line}".rstrip() for line in text.split("\n"))
        yield "    expect:"
        yield "      actions:"
        yield from (f"        - {json.dumps(action, ensure_ascii=False)}" for action in actions)


def _messages(name: str, family: Family, wording: dict[str, Any]) -> Iterator[tuple[str, list[Action]]]:
    """Each of a family's wordings with values, and what is to be done."""
    rng = Random(f"{SEED}/{name}")
    values = Values(rng)
    cues = _cues(wording["cues"], rng)
    for message in wording["messages"]:
        filled = _filled(family, message, values, cues)
        yield message.format_map(filled).strip(), family.gold(filled)


def _cues(levels: dict[str, list[str]], rng: Random) -> Iterator[tuple[str, str]]:
    """(level, sentence) without end, all levels in turn, no sentence twice before all of its level were used."""
    while levels:
        decks = {level: rng.sample(cues, len(cues)) for level, cues in levels.items()}
        for sentences in zip(*decks.values(), strict=False):
            yield from rng.sample(list(zip(decks, sentences, strict=True)), len(decks))


def _filled(family: Family, message: str, values: Values, cues: Iterator[tuple[str, str]]) -> Filled:
    """A value for each placeholder of a message; those of one family's name are drawn once, however often they stand."""
    named = {name for _, name, _, _ in Formatter().parse(message) if name}
    if missing := set(family.needs) - named:
        raise ValueError(f"a wording without {sorted(missing)}: {message}")
    filled = {}
    for name in sorted(named):
        if name == "impact":
            filled["level"], filled["impact"] = next(cues)
        else:
            is_key = name == "project" and "impact" in family.needs
            filled[name] = values.key() if is_key else getattr(values, name)()
    return filled


def _sft(tasks: Iterable[Task]) -> Iterator[dict[str, Any]]:
    rng = Random(SEED)
    for number, task in enumerate(tasks):
        gold = {"actions": [dict(action) for action in task.expect["actions"]]}
        answer = json.dumps(gold, ensure_ascii=False)
        yield _example(task, NO_THINK, EMPTY_THINK + answer, "no_think")
        if number % THINKING == 0:
            thoughts = deliberate(task.input, gold, rng, length="short")
            yield _example(task, "", f"<think>\n{thoughts}\n</think>\n\n{answer}", "think")


def _example(task: Task, suffix: str, answer: str, mode: str) -> dict[str, Any]:
    asked = [message.to_json() for message in messages(task)]
    asked[-1]["content"] += suffix
    return {
        "messages": [*asked, {"role": "assistant", "content": answer}],
        "metadata": {"template": task.id, "mode": mode},
    }


def _write_chat(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))  # no time of day, so that the same data is the same file


if __name__ == "__main__":
    main()
