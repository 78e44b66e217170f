"""Chat-format JSONL to training examples, and the holdout's words kept out of them.

In: files of one JSON object a line, {"messages": [{"role", "content"}, ...]}, plain or gzipped; the last message is the
assistant's, other keys are ignored. Out: Examples that know their line. Every complaint about the files is told at once.

An example that holds a holdout task's words would make the holdout measure memory. Two texts overlap where they share a run of
`RUN` words; a task shorter than that overlaps where all of it stands in the example. Words are letters and digits, casefolded.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import TaskError, TaskErrors, listed
from ..suite.files import tasks_from
from ..suite.task import Task

RUN = 8  # words
ROLES = ("system", "user", "assistant")
_WORD = re.compile(r"[^\W_]+")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation that ends with the answer to be learnt; `messages` are (role, content), `source` is file:line."""

    messages: tuple[tuple[str, str], ...]
    source: str

    @property
    def text(self) -> str:
        """All that was said, the system prompt excepted: it is the same in holdout and training."""
        return "\n".join(content for role, content in self.messages if role != "system")


@dataclass(frozen=True, slots=True)
class Overlap:
    """An example and a holdout task that share `run`, as normalised words."""

    example: Example
    task: Task
    run: str


def examples_from(path: Path) -> list[Example]:
    """The examples of a file, in its order; empty lines are skipped. TaskErrors with every complaint about it."""
    complaints: list[TaskError] = []
    examples: list[Example] = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            examples.append(_example(line, f"{path.name}:{number}"))
        except TaskError as failure:
            complaints.append(failure)
    if not examples and not complaints:
        complaints.append(TaskError("the file holds no example", at=path.name))
    if complaints:
        raise TaskErrors(complaints)
    return examples


def all_examples(paths: Iterable[Path]) -> list[list[Example]]:
    """The examples of each of several files; TaskErrors with the complaints about all of them."""
    return _together(examples_from, paths)


def holdout_tasks(paths: Iterable[Path]) -> list[Task]:
    """The tasks of suite files that routes are judged on: those of the split `holdout`."""
    return [task for tasks in _together(tasks_from, paths) for task in tasks if task.split == "holdout"]


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def words(text: str) -> list[str]:
    """The words of a text, casefolded: unbroken letters and digits."""
    return _WORD.findall(text.casefold())


def runs(text: str, n: int = RUN) -> set[str]:
    """Every run of n words in a text; of a shorter text that has any, the whole of it."""
    found = words(text)
    if not found:
        return set()
    return {" ".join(found[start : start + n]) for start in range(max(1, len(found) - n + 1))}


def overlaps(examples: Iterable[Example], tasks: Iterable[Task], n: int = RUN) -> list[Overlap]:
    """The first run that each example shares with each task, in the examples' order."""
    long: dict[str, list[Task]] = {}
    short: list[tuple[str, Task]] = []
    for task in tasks:
        found = words(task.input)
        if len(found) < n:
            short += [(" ".join(found), task)] if found else []
            continue
        for run in runs(task.input, n):
            long.setdefault(run, []).append(task)
    return [overlap for example in examples for overlap in _of_example(example, long, short, n)]


def check_overlaps(examples: Sequence[Example], tasks: Sequence[Task]) -> None:
    """TaskErrors that name each example that holds a holdout task's words, with the words."""
    complaints = [
        TaskError(
            f"shares {overlap.run!r} with the holdout task {overlap.task.id!r} ({overlap.task.source}); "
            "what routes are judged on must not be trained on: take the example out, or write it with other words",
            at=overlap.example.source,
        )
        for overlap in overlaps(examples, tasks)
    ]
    if complaints:
        raise TaskErrors(complaints)


def _of_example(example: Example, long: dict[str, list[Task]], short: list[tuple[str, Task]], n: int) -> Iterator[Overlap]:
    found = words(example.text)
    told: set[tuple[str, str]] = set()
    for start in range(len(found) - n + 1):
        run = " ".join(found[start : start + n])
        for task in long.get(run, ()):
            if task.name not in told:
                told.add(task.name)
                yield Overlap(example, task, run)
    whole = f" {' '.join(found)} "
    for run, task in short:
        if f" {run} " in whole:
            yield Overlap(example, task, run)


def _together(read: Callable[[Path], Item], paths: Iterable[Path]) -> list[Item]:
    """What each of several files holds; TaskErrors with the complaints about all of them."""
    found: list[Item] = []
    complaints: list[TaskError] = []
    for path in paths:
        try:
            found.append(read(path))
        except TaskErrors as failures:
            complaints += failures.errors
        except TaskError as failure:
            complaints.append(failure)
    if complaints:
        raise TaskErrors(complaints)
    return found


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        found = sorted(other.name for other in path.parent.glob("*.jsonl*"))
        raise TaskError(f"no such file; in its folder there are {listed(found)}", at=path.name) from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as failure:
        raise TaskError(f"cannot be read: {failure}", at=path.name) from failure


def _example(line: str, at: str) -> Example:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as failure:
        raise TaskError(f"is not JSON: {failure}", at=at) from failure
    if not isinstance(read, dict) or not isinstance(read.get("messages"), list):
        raise TaskError(
            'an example is an object with a list of messages: {"messages": [{"role": ..., "content": ...}, ...]}', at=at
        )
    messages = tuple(_message(message, f"{at}: messages[{place}]") for place, message in enumerate(read["messages"]))
    if len(messages) < 2 or messages[-1][0] != "assistant":
        raise TaskError("the last message is the assistant's answer, and something comes before it", at=f"{at}: messages")
    if not messages[-1][1]:
        raise TaskError("the answer is empty: there is nothing to learn", at=f"{at}: messages[{len(messages) - 1}].content")
    return Example(messages, at)


def _message(message: Any, at: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise TaskError("a message is an object with role and content", at=at)
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise TaskError(f"no role {role!r}; there are {listed(ROLES)}", at=f"{at}.role")
    if not isinstance(content, str):
        raise TaskError(f"the content is text, not {json.dumps(content)[:40]}", at=f"{at}.content")
    return str(role), content
