"""Suite files to tasks.

In: a YAML or JSONL file. Out: its tasks, in the file's order, both splits. Every complaint carries file, line and key, and all
bad tasks of a file are reported at once. What stands above `tasks` holds for each of them unless a task says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import TaskError, TaskErrors, listed
from ..garbage import without_garbage
from .entries import Entries, Entry, jsonl_entries
from .environment import EnvironmentKind, environment_named, tools_of
from .form import Form
from .imports import imported
from .shapes import SharedInFile, TaskInFile, ToolInFile, complaints_of, short
from .task import Budget, Floor, Task, Tool

T = TypeVar("T")

YAML = (".yaml", ".yml")
_STRUCTURES = frozenset({"form", "tools", "environment"})  # one of them says what an answer looks like


@without_garbage()
def tasks_from(path: Path, *, name: str = "", check: Callable[[Task], object] = lambda task: None) -> list[Task]:
    """The tasks of a file. `name` is what complaints and reports call it; `check` may raise TaskError for a task.

    Raises TaskErrors with every complaint about the file.
    """
    name = name or path.name
    entries = _entries(path, name)
    complaints: list[TaskError] = []
    shared = _without_bad_keys(entries.shared, name, complaints)
    builder = _Builder(path.parent, name)
    tasks: list[Task] = []
    for entry in entries.tasks:
        if isinstance(entry, TaskError):
            complaints.append(entry)
            continue
        try:
            task = builder.task(_merged(shared, entry), entry)
            check(task)
            tasks.append(task)
        except TaskErrors as failures:
            complaints.extend(failures.errors)
        except TaskError as failure:
            complaints.append(failure)
    complaints.extend(_repeated(tasks))
    if complaints:
        raise TaskErrors(_once(complaints))
    return tasks


def check_unique(tasks: Iterable[Task]) -> None:
    """Ids are unique over all that one mark names; TaskErrors with every one that is not."""
    if complaints := _repeated(tasks):
        raise TaskErrors(complaints)


def in_environment(task: Task) -> Task:
    """A task that was made in Python, with the tools and the form of a turn that its environment gives it.

    TaskError where it is no environment, or the task has a form or tools of another kind.
    """
    if task.environment is None:
        return task
    name, at = task.environment_name, f"{task.source or f'task {task.id!r}'}: environment"
    tools = _tools_listed(tools_of(task.environment, name, at=at), name, at)
    form = Form.of_a_turn(tools, at=at)
    if task.form not in (None, form) or task.tools not in ((), tools):
        raise TaskError("a task has either an environment or a form or tools: the environment names its tools", at=at)
    return replace(task, tools=tools, form=form)


def _entries(path: Path, name: str) -> Entries:
    suffixes = (*YAML, ".jsonl")
    if path.suffix not in suffixes:
        raise TaskError(f"a suite is a file named {listed(suffixes)}", at=name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        found = sorted(other.name for other in path.parent.glob("*") if other.suffix in suffixes) if path.parent.is_dir() else []
        raise TaskError(f"no such file; in its folder there are {listed(found)}", at=name) from None
    except (OSError, UnicodeDecodeError) as failure:
        raise TaskError(f"cannot be read: {failure}", at=name) from failure
    if path.suffix not in YAML:
        return jsonl_entries(text, name)
    from .yaml_entries import yaml_entries

    return yaml_entries(text, name)


def _without_bad_keys(shared: Entry, name: str, complaints: list[TaskError]) -> Entry:
    """The shared entry less the keys that are wrong, so that one mistake above `tasks` is one complaint and not thirty."""
    try:
        SharedInFile.model_validate(shared.values)
    except ValidationError as failure:
        complaints.extend(complaints_of(failure, shared, name, SharedInFile))
        bad = {str(problem["loc"][0]) for problem in failure.errors()}
        return Entry({key: value for key, value in shared.values.items() if key not in bad}, shared.line, shared.lines)
    return shared


def _merged(shared: Entry, task: Entry) -> Entry:
    """A task's own keys over the shared ones; floor and budget key by key; form, tools and environment replace each other."""
    values, lines = dict(shared.values), dict(shared.lines)
    if own := task.values.keys() & _STRUCTURES:
        for other in _STRUCTURES - own:
            values.pop(other, None)
        if "environment" not in own:
            values.pop("max_turns", None)
    for key, value in task.values.items():
        before = values.get(key)
        together = key in ("floor", "budget") and isinstance(before, dict) and isinstance(value, dict)
        values[key] = {**before, **value} if together and before is not None else value
        lines[key] = task.line_of(key)
    return Entry(values, task.line, lines)


class _Builder:
    """Builds one file's tasks; a form, a tool list or an environment that many tasks share is read and compiled once."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._folder_shown = str(folder)
        self._name = name
        self._kept: dict[Any, Any] = {}
        self._forms: dict[tuple[str, str], Form | TaskError] = {}
        self._tools: dict[str, tuple[Tool, ...]] = {}
        self._environments: dict[str, tuple[EnvironmentKind, tuple[Tool, ...]]] = {}

    def task(self, entry: Entry, own: Entry) -> Task:
        if isinstance(number := entry.values.get("id"), int) and not isinstance(number, bool):
            entry.values["id"] = str(number)
        try:
            read = TaskInFile.model_validate(entry.values)
        except ValidationError as failure:
            raise TaskErrors(complaints_of(failure, entry, self._name, TaskInFile)) from None
        self._check_structure(read, entry)
        tools = self._tools_of(read, self._at(entry, "tools"))
        environment = None
        if read.environment is not None:
            environment, tools = self._environment_of(read.environment, self._at(entry, "environment"))
        return Task(
            id=read.id,
            input=read.input,
            expect=read.expect,
            instructions=self._same(read.instructions),
            form=self._form_of(read, tools, entry),
            tools=tools,
            environment=environment,
            max_turns=read.max_turns,
            scorer=read.scorer,
            floor=self._same(Floor(read.floor.strict_pass, read.floor.credit)),
            budget=self._same(Budget(read.budget.tokens, read.budget.seconds)),
            category=self._same(read.category),
            cluster=self._same(read.cluster or read.category),
            split=read.split,
            known_miss=read.known_miss,
            confirm=read.confirm,
            compare=read.compare,
            parse=read.parse,
            file=self._name,
            source=f"{self._name}:{own.line}",
            folder=self._folder_shown,
        )

    def _same(self, value: T) -> T:
        """The same for every task of which it is equal: a file of thousands says its instructions thousands of times."""
        kept: T = self._kept.setdefault(value, value)
        return kept

    def _at(self, entry: Entry, key: str) -> str:
        return f"{self._name}:{entry.line_of(key)}: {key}"

    def _check_structure(self, read: TaskInFile, entry: Entry) -> None:
        if read.environment is not None and (read.form is not None or read.tools is not None):
            other = "form" if read.form is not None else "tools"
            raise TaskError(
                f"a task has either an environment or {other}: the environment names its tools", at=self._at(entry, other)
            )
        if read.form is not None and read.tools is not None:
            raise TaskError("a task has either a form or tools, not both", at=self._at(entry, "tools"))
        if "max_turns" in read.model_fields_set and read.environment is None:
            message = "turns are taken in an environment, and there is none; it is named by environment: module:Class"
            raise TaskError(message, at=self._at(entry, "max_turns"))

    def _form_of(self, read: TaskInFile, tools: tuple[Tool, ...], entry: Entry) -> Form | None:
        """Compiled once a file for equal forms; a form that is wrong is wrong once, not once a task."""
        if read.form is None and not tools:
            return None
        key = "environment" if read.environment is not None else "tools" if tools else "form"
        at = self._at(entry, key)
        spec: Any = read.environment or read.tools or read.form
        if not isinstance(spec, str):  # which names what is read once
            spec = json.dumps([tool.to_json() for tool in tools] if tools else spec, sort_keys=True, default=str)
        known = (key, spec)
        if known not in self._forms:
            of_tools = Form.of_a_turn if key == "environment" else Form.from_tools
            try:
                self._forms[known] = of_tools(tools, at=at) if tools else self._form(read.form, at)
            except TaskError as failure:
                self._forms[known] = failure
        form = self._forms[known]
        if isinstance(form, TaskError):
            raise form
        return form

    def _form(self, spec: str | dict[str, Any] | None, at: str) -> Form:
        if isinstance(spec, str):
            return self._form_named(spec, at)
        assert spec is not None
        if set(spec) == {"regex"} and isinstance(spec["regex"], str):
            return Form.from_regex(spec["regex"], at=at)
        if set(spec) == {"lark"} and isinstance(spec["lark"], str):
            return Form.from_lark(spec["lark"], at=at)
        return Form.from_schema(spec, at=at)

    def _form_named(self, spec: str, at: str) -> Form:
        path = self._folder / spec
        if _is_file(path):
            schema = self._read(path, at)
            if not isinstance(schema, dict):
                raise TaskError(f"{spec} is no JSON Schema: a schema is an object", at=at)
            return Form.from_schema(schema, at=at)
        if ":" not in spec:
            found = sorted(str(other.relative_to(self._folder)) for other in self._folder.rglob("*.json"))[:10]
            raise TaskError(f"no such file: {short(spec)}; in the suite's folder there are {listed(found)}", at=at)
        model = imported(spec, self._folder_shown, at=at)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TaskError(f"{spec!r} is no pydantic model; a form is a JSON Schema, module:PydanticModel, regex or lark", at=at)
        return Form.from_schema(model.model_json_schema(), at=at)

    def _tools_of(self, read: TaskInFile, at: str) -> tuple[Tool, ...]:
        if read.tools is None:
            return ()
        if not isinstance(read.tools, str):
            return _unique_tools([Tool(tool.name, tool.description, tool.parameters) for tool in read.tools], at)
        if read.tools not in self._tools:
            self._tools[read.tools] = self._tools_in(read.tools, at)
        return self._tools[read.tools]

    def _tools_in(self, spec: str, at: str) -> tuple[Tool, ...]:
        path = self._folder / spec
        if not _is_file(path):
            found = sorted(other.name for other in self._folder.glob("*.yaml"))
            raise TaskError(f"no such file: {spec!r}; in the suite's folder there are {listed(found)}", at=at)
        data = self._read(path, at)
        listing = data.get("tools") if isinstance(data, dict) else data
        if not isinstance(listing, list):
            raise TaskError(f"{spec} is no list of tools, each with name, description and parameters", at=at)
        return _tools_listed(listing, spec, at)

    def _environment_of(self, reference: str, at: str) -> tuple[EnvironmentKind, tuple[Tool, ...]]:
        if reference not in self._environments:
            kind, listing = environment_named(reference, self._folder_shown, at=at)
            self._environments[reference] = kind, _tools_listed(listing, reference, at)
        return self._environments[reference]

    def _read(self, path: Path, at: str) -> Any:
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix not in YAML:
                return json.loads(text)
            from .yaml_entries import yaml_value

            return yaml_value(text, path.name)
        except (ValueError, RecursionError, OSError) as failure:
            raise TaskError(f"{path.name} is not JSON: {failure}", at=at) from failure
        except TaskError as failure:
            raise TaskError(str(failure), at=at) from failure


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long: somebody wrote the schema itself, in quotes
        return False


def _tools_listed(listing: Sequence[Any], spec: str, at: str) -> tuple[Tool, ...]:
    tools = []
    for place, item in enumerate(listing):
        try:
            tool = ToolInFile.model_validate(item.to_json() if isinstance(item, Tool) else item)
        except ValidationError as failure:
            raise TaskErrors(complaints_of(failure, Entry({}, 0), f"{at}: {spec}, tool {place + 1}", ToolInFile)) from None
        tools.append(Tool(tool.name, tool.description, tool.parameters))
    return _unique_tools(tools, at)


def _unique_tools(tools: list[Tool], at: str) -> tuple[Tool, ...]:
    names = [tool.name for tool in tools]
    if not names:
        raise TaskError("the list of tools is empty", at=at)
    if repeated := [name for name in names if names.count(name) > 1]:
        raise TaskError(f"two tools are named {repeated[0]!r}", at=at)
    return tuple(tools)


def _repeated(tasks: Iterable[Task]) -> list[TaskError]:
    first: dict[str, Task] = {}
    complaints = []
    for task in tasks:
        if task.id in first:
            complaints.append(
                TaskError(f"{task.id!r} is taken: it stands at {first[task.id].source} too", at=f"{task.source}: id")
            )
        first.setdefault(task.id, task)
    return complaints


def _once(complaints: list[TaskError]) -> list[TaskError]:
    """A shared form that is wrong is one complaint; in the order in which they were found."""
    return list({str(complaint): complaint for complaint in complaints}.values())
