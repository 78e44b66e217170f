"""Nothing of the example's holdout was trained on: the proof, on the files as they are committed."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.task import Task

SUITE = Path(__file__).parents[2] / "example_suite"
TRAINING = SUITE / "training"


@pytest.fixture(scope="module")
def holdout() -> list[Task]:
    tasks = [task for task in tasks_from(SUITE / "operations.yaml", name="operations.yaml") if task.split == "holdout"]
    assert len(tasks) == 30
    return tasks


@pytest.fixture(scope="module")
def training() -> list[Task]:
    tasks = tasks_from(SUITE / "training.yaml", name="training.yaml")
    assert len(tasks) > 500
    assert {task.split for task in tasks} == {"train"}
    return tasks


@pytest.fixture(scope="module")
def examples() -> list[dict[str, Any]]:
    texts = [gzip.decompress((TRAINING / f"{name}.jsonl.gz").read_bytes()).decode() for name in ("sft", "thinker")]
    lines = [json.loads(line) for text in texts for line in text.rstrip("\n").split("\n")]
    assert len(lines) > 900
    return lines


@pytest.fixture(scope="module")
def texts(training: list[Task], examples: list[dict[str, Any]]) -> list[str]:
    """All that was trained on, less the system prompt of the operations desk itself, which both splits share."""
    shared = training[0].instructions.strip()
    own = [task.input for task in training]
    told = [m["content"] for line in examples for m in line["messages"] if shared not in m["content"]]
    assert len(told) > 2 * len(examples)
    return own + told


def test_no_run_of_eight_words_is_shared(holdout: list[Task], texts: list[str]) -> None:
    trained = set(chain.from_iterable(map(_runs, texts)))
    shared = {" ".join(run) for task in holdout for run in _runs(task.input) if run in trained}
    assert shared == set()


def test_no_expected_text_occurs_in_training(holdout: list[Task], texts: list[str]) -> None:
    known = (SUITE / "tools.yaml").read_text(encoding="utf-8")
    expected = {leaf for task in holdout for leaf in _leaves(task.expect["actions"]) if len(leaf) >= 4 and leaf not in known}
    assert len(expected) > 60
    trained = "\n".join(texts).casefold()
    assert {leaf for leaf in expected if leaf.casefold() in trained} == set()


def test_no_long_number_and_no_date_occurs_in_training(holdout: list[Task], texts: list[str]) -> None:
    numbers = {number for task in holdout for number in re.findall(r"\d{4,}", f"{task.input} {json.dumps(task.expect)}")}
    dates = {date for task in holdout for date in re.findall(r"\d{4}-\d{2}-\d{2}", task.input)}
    assert len(numbers) > 5
    assert len(dates) > 5
    trained = "\n".join(texts)
    assert {text for text in numbers | dates if text in trained} == set()


def test_templates_are_disjoint(holdout: list[Task], training: list[Task], examples: list[dict[str, Any]]) -> None:
    trained = {task.id for task in training} | {line["metadata"]["template"] for line in examples}
    assert len({task.id for task in training}) == len(training)
    assert trained & {task.id for task in holdout} == set()


def test_a_third_of_the_holdout_is_kept_for_confirmation_over_all_categories(holdout: list[Task]) -> None:
    kept = [task for task in holdout if task.confirm]
    assert 8 <= len(kept) <= 12
    assert {task.category for task in kept} == {task.category for task in holdout}


def test_the_generator_writes_what_is_committed(tmp_path: Path) -> None:
    suite = tmp_path / "example_suite"
    shutil.copytree(SUITE, suite, ignore=shutil.ignore_patterns("training.yaml", "*.gz", "*.gguf", "__pycache__", ".understudy"))
    subprocess.run([sys.executable, str(suite / "training" / "generate.py")], check=True)
    assert (suite / "training.yaml").read_text() == (SUITE / "training.yaml").read_text()
    for name in ("sft.jsonl.gz", "thinker.jsonl.gz"):
        assert gzip.decompress((suite / "training" / name).read_bytes()) == gzip.decompress((TRAINING / name).read_bytes())


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[start : start + 8]) for start in range(len(words) - 7))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, str):
        yield value
