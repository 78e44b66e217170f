"""The house keeps its promises: who may import whom, who knows pytest, and what the front door costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_understudy

HOUSE = Path(pytest_understudy.__file__).parent
ROOMS = [
    {"errors", "figures", "garbage", "values"},
    {"suite"},
    {"scoring"},
    {"endpoints"},
    {"routes"},
    {"sampling"},
    {"verdict"},
    {"reports"},
    {"config"},
    {"holdout", "selection"},
    {"drawing"},
    {"evaluation"},
    {"redraw"},
    {"compared"},
    {"training"},
    {"cli"},
    {"__main__"},
    {"hookspecs", "items", "options"},
    {"workers", "prepared", "terminal", "ending"},
    {"session"},
    {"plugin"},
]
PLACE = {name: place for place, names in enumerate(ROOMS) for name in names}
FILES = sorted(path for path in HOUSE.rglob("*.py") if path != HOUSE / "__init__.py")
DOOR = {"plugin.py", "session.py", "prepared.py", "terminal.py", "workers.py", "items.py", "options.py", "hookspecs.py"}
HEAVY = ["asyncio", "httpx2", "aiohttp", "pydantic", "yaml", "jsonschema", "llguidance", "jinja2"]


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute module names that a file imports, and whether only for types."""
    package = path.relative_to(HOUSE.parent).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text())
    for_types = {
        id(node)
        for check in ast.walk(tree)
        if isinstance(check, ast.If) and isinstance(check.test, ast.Name) and check.test.id == "TYPE_CHECKING"
        for node in ast.walk(check)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module, id(node) in for_types
            if not node.module:
                yield from ((f"{module}.{alias.name}", id(node) in for_types) for alias in node.names)


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "pytest_understudy" and len(parts) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_room_imports_only_those_before_it(path: Path) -> None:
    own = path.relative_to(HOUSE).parts[0].removesuffix(".py")
    later = [
        module
        for module, for_types in _imports(path)
        if (room := _room(module)) and room != own and not for_types and PLACE[room] >= PLACE[own]
    ]
    assert later == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_pytest_is_known_to_the_front_door_alone(path: Path) -> None:
    knows = any(module.split(".")[0] in ("pytest", "_pytest", "xdist") for module, _ in _imports(path))
    assert not knows or path.name in DOOR


def test_the_rooms_that_are_ordered_are_the_rooms_that_exist() -> None:
    assert {path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in FILES} == set(PLACE)


def test_the_entry_module_loads_nothing_heavy() -> None:
    code = f"import sys, pytest_understudy.plugin; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
