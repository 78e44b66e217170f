"""How an adapter came about, beside it as JSON.

In: what was given and what was seen. Out: names, digests and figures; no paths.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .dataset import file_digest

PACKAGES = ("torch", "transformers", "gguf", "pytest-understudy")


def of_file(path: Path, **more: Any) -> dict[str, Any]:
    """A file by its name and the sha256 of its content."""
    return {"name": path.name, "sha256": file_digest(path), **more}


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    return found


def write(path: Path, figures: Mapping[str, Any], losses: Sequence[float]) -> None:
    """One key a line, the losses in one line; the file appears whole or not at all."""
    record = {
        **figures,
        "losses": [round(loss, 4) for loss in losses],
        "versions": versions(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in record.items()]
    beside = path.with_name(f"{path.name}.part")
    beside.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    beside.replace(path)
