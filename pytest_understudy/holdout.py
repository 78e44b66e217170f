"""The tasks of a session's marks.

In: what a mark names (paths of suite files, or tasks made in Python) and the module that it stands in. Out: the tasks of this
session's split, checked against the selected routes. Each file is read once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from .errors import TaskError
from .routes.ask import check_controls
from .routes.route import Route
from .scoring.scorers import scorer_for
from .suite.files import check_unique, in_environment, tasks_from
from .suite.task import Task


class Holdout:
    """The suite files of a session, as seen from its root."""

    def __init__(self, root: Path, routes: Sequence[Route], split: Literal["holdout", "train"]) -> None:
        self._root = root
        self._routes = routes
        self._split = split
        self._files: dict[Path, list[Task]] = {}
        self._hashes: dict[tuple[str, str], str] = {}

    def tasks(self, named: Iterable[str | Task], module: Path) -> list[Task]:
        """The tasks that a mark in `module` names, of this session's split; TaskError for what is wrong with them."""
        tasks: list[Task] = []
        for name in named:
            tasks.extend([self._made_in(module, name)] if isinstance(name, Task) else self._in_file(module.parent / name))
        for task in tasks:
            if self._hashes.setdefault(task.name, task.hash) != task.hash:
                raise TaskError(f"another task is named {task.id!r} too, and asks something else", at=task.source)
            for route in self._routes:
                check_controls(route, task)
        check_unique(tasks)
        return [task for task in tasks if task.split == self._split]

    def find(self, file: str, id: str) -> Task | None:
        """The task of this id in a file as runs name it; None if it was made in Python, or its file is not here."""
        try:
            return next((task for task in self._in_file(self._root / file) if task.id == id), None)
        except TaskError:
            return None

    def _in_file(self, path: Path) -> list[Task]:
        path = Path(os.path.abspath(path))  # noqa: PTH100  # not resolved: a link's name is the same on every machine
        if path not in self._files:
            self._files[path] = tasks_from(path, name=self._shown(path), check=scorer_for)
        return self._files[path]

    def _made_in(self, module: Path, task: Task) -> Task:
        """A task made in Python belongs to the module that marks it."""
        if not task.file:
            shown = self._shown(module)
            task = replace(
                task, file=shown, source=task.source or f"{shown}: {task.id}", folder=task.folder or str(module.parent)
            )
        task = in_environment(task)
        scorer_for(task)
        return task

    def _shown(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else str(path)
