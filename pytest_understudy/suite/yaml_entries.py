"""YAML, read into entries that know their lines, and as JSON's types: a date stays the text that it was written as.

In: YAML text. Out: `Entries`, or the one value that it says; TaskError with the line where it is not YAML or repeats a key.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from ..errors import TaskError
from .entries import Entries, Entry

_WITHOUT_TIMESTAMPS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without timestamps: JSON has none, and `due: 2026-12-13` is a string to whoever scores it."""

    yaml_implicit_resolvers = _WITHOUT_TIMESTAMPS


def yaml_value(text: str, name: str) -> Any:
    """The one document's value, as JSON's types; TaskError with the line where it is not YAML or repeats a key."""
    loader, root = _composed(text, name)
    return None if root is None else _constructed(loader, root, name)


def yaml_entries(text: str, name: str) -> Entries:
    loader, root = _composed(text, name)
    if root is None:
        raise TaskError("the file is empty; a suite is a mapping with a list under 'tasks'", at=f"{name}:1")
    if not isinstance(root, yaml.MappingNode):
        raise TaskError("a suite is a mapping with a list under 'tasks'", at=f"{name}:{_line(root)}")
    pairs = {key.value: (key, value) for key, value in root.value}
    if "tasks" not in pairs:
        raise TaskError("there is no 'tasks'; a suite is a mapping with a list under 'tasks'", at=f"{name}:{_line(root)}")
    listing = pairs["tasks"][1]
    if not isinstance(listing, yaml.SequenceNode) or not listing.value:
        raise TaskError("'tasks' is not a list of at least one task", at=f"{name}:{_line(pairs['tasks'][0])}: tasks")
    root.value = [(key, value) for key, value in root.value if key.value != "tasks"]
    return Entries(_entry(loader, root, name), tuple(_entry_or_complaint(loader, node, name) for node in listing.value))


def _composed(text: str, name: str) -> tuple[SafeConstructor, yaml.Node | None]:
    try:
        loader, root = _quickly_composed(text) or _slowly_composed(text)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        raise TaskError(f"not YAML: {failure.problem}", at=f"{name}:{mark.line + 1 if mark else 1}") from failure
    except (yaml.YAMLError, RecursionError) as failure:
        raise TaskError(f"not YAML: {failure}", at=f"{name}:1") from failure
    if root is not None:
        _check_keys(root, name)
    return loader, root


def _quickly_composed(text: str) -> tuple[SafeConstructor, yaml.Node | None] | None:
    """By libyaml, in a fifth of the time; None where PyYAML was built without it, or what is wrong is for the other to say."""
    if not yaml.__with_libyaml__:
        return None

    class Quick(yaml.CSafeLoader):
        yaml_implicit_resolvers = _WITHOUT_TIMESTAMPS

    try:
        loader = Quick(text)
        root = loader.get_single_node()
    except (yaml.YAMLError, UnicodeError, RecursionError):
        return None
    # Where yaml was imported twice (pytester forgets what a session imports) libyaml still makes nodes of the first classes.
    return (loader, root) if root is None or isinstance(root, yaml.Node) else None


def _slowly_composed(text: str) -> tuple[SafeConstructor, yaml.Node | None]:
    loader = _Loader(text)
    return loader, loader.get_single_node()


def _check_keys(root: yaml.Node, name: str) -> None:
    """Keys are strings and stand once, wherever they are; a walk by hand, since nesting may be deep and anchors may loop."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                    raise TaskError(f"keys are strings: put {key.value!r} in quotes", at=f"{name}:{_line(key)}")
                if key.value in keys:
                    raise TaskError(f"the key {key.value!r} stands twice", at=f"{name}:{_line(key)}: {key.value}")
                keys.add(key.value)
                waiting.append(value)


def _entry_or_complaint(loader: SafeConstructor, node: yaml.Node, name: str) -> Entry | TaskError:
    try:
        return _entry(loader, node, name)
    except TaskError as complaint:
        return complaint


def _entry(loader: SafeConstructor, node: yaml.Node, name: str) -> Entry:
    if not isinstance(node, yaml.MappingNode):
        raise TaskError("a task is a mapping with at least 'id' and 'input'", at=f"{name}:{_line(node)}")
    values = _constructed(loader, node, name)
    return Entry(values, _line(node), {key.value: _line(key) for key, _ in node.value})


def _constructed(loader: SafeConstructor, node: yaml.Node, name: str) -> Any:
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or node.start_mark
        raise TaskError(f"not YAML: {failure.problem}", at=f"{name}:{mark.line + 1}") from failure
    except (ValueError, RecursionError) as failure:  # such as 0x_, which looks like a number
        raise TaskError(f"not YAML: {failure}", at=f"{name}:{_line(node)}") from failure


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
