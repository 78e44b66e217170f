"""A file that is written whole or not at all, so that no reader ever sees half of it.

In: a path and a text. Out: the file, or an OSError and whatever was there before. Light: the front door asks it, before anything
is drawn, whether a file can be written at all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes beside the file and puts it in its place. OSError."""
    path = path.resolve()  # behind a link the file is replaced, not the link
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o666 & ~_umask())  # mkstemp's own are for this user's eyes only
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def obstacle(path: Path) -> str | None:
    """Why no file can be written there; None where one can. Tried, since rights alone don't tell of a file system."""
    path = path.resolve()
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is no ordinary file"
    if path.exists() and not os.access(path, os.W_OK):
        return "the file that is there may not be written to"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return None
    except OSError as failure:
        return failure.strerror or str(failure)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
