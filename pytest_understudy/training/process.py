"""What a training asks of its process: cores, memory, signals. No torch here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from ..errors import ConfigError, listed

PACKAGES = ("torch", "transformers", "gguf")


class Interrupted(Exception):
    """A signal ended the training; the text says how to go on."""


def check_packages() -> None:
    """ConfigError where a package is missing, naming all that are.

    To be called before any of them is imported: it sets what they read of the environment then.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ConfigError(f"training needs {listed(missing)}, not installed here: pip install 'pytest-understudy[train]'")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin while they wait take the cores from others' work
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def peak_memory() -> int:
    """The most that this process has held, bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def free_memory() -> int | None:
    """What could be had without swapping, bytes; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


class Signals:
    """SIGINT and SIGTERM as KeyboardInterrupt: at once, or after what must not be cut in two."""

    def __init__(self) -> None:
        self._holding = False
        self._came = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self._holding:
            self._came = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, a signal is remembered; it takes effect at the end."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._came:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Both signals are ours inside, and as they were after it."""
    signals = Signals()
    before = {number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
