"""`module:name`, imported with the suite's folder first on sys.path.

The folder is on the path for the time of the import only, and a module of the same name from another suite's folder is not taken
for this one: two suites may each have their `scorers.py`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import TaskError, listed


def imported(reference: str, folder: str, *, at: str) -> Any:
    """The object that `module:name` (name may be dotted) names; TaskError at `at` where there is none."""
    module_name, _, path = reference.partition(":")
    if not module_name or not path:
        raise TaskError(f"{reference!r} is not of the form module:name", at=at)
    value: Any = _module(module_name, folder, at)
    for name in path.split("."):
        if not hasattr(value, name):
            names = (known for known in dir(value) if not known.startswith("_"))
            raise TaskError(f"module {module_name!r} has no {path!r}; it has {listed(names)}", at=at)
        value = getattr(value, name)
    return value


def _module(name: str, folder: str, at: str) -> ModuleType:
    known = sys.modules.get(name)
    if known is not None and _belongs_elsewhere(known, name, folder):
        del sys.modules[name]
    sys.path.insert(0, folder)
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    except Exception as failure:  # the module is the user's: whatever it raises is about his file
        raise TaskError(
            f"cannot import {name!r} ({type(failure).__name__}: {failure}); looked in {folder} first", at=at
        ) from failure
    finally:
        sys.path.remove(folder)


def _belongs_elsewhere(known: ModuleType, name: str, folder: str) -> bool:
    """True where the suite's folder has its own module of that name, and `known` is another file."""
    origin = getattr(known, "__file__", None)
    parts = name.split(".")
    own = [Path(folder, *parts).with_suffix(".py"), Path(folder, *parts, "__init__.py")]
    here = next((path for path in own if path.is_file()), None)
    return here is not None and (origin is None or Path(origin).resolve() != here.resolve())
