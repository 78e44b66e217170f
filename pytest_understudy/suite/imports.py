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
    _forget_foreign(name.split(".")[0], folder)
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


def _forget_foreign(top: str, folder: str) -> None:
    """Forget a package or module, and all within, where the suite's folder has its own of that name, and it is another."""
    known = sys.modules.get(top)
    own = [Path(folder, f"{top}.py"), Path(folder, top, "__init__.py"), Path(folder, top)]
    here = next((path for path in own if path.exists()), None)
    if known is None or here is None:
        return
    places = [known.__file__] if getattr(known, "__file__", None) else list(getattr(known, "__path__", ()))
    if not any(Path(place).resolve() == here.resolve() for place in places if place):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
