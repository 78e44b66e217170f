"""Whether there is a terminal for the live line, and the line.

In: pytest's config. Out: a Live, or None where the line would be in somebody's way: no terminal, a log of CI, `-q`, `-s` (a
test's own words stand anywhere then), `--color=no` or TERM=dumb (no escapes at all), another plugin's progress, live logs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from .reports.live import Live

if TYPE_CHECKING:
    from .sampling.pace import Pace


def live_on(config: pytest.Config, pace: Pace, *, whole: bool, environment: Mapping[str, str] = os.environ) -> Live | None:
    """To be asked while pytest captures nothing. Its file is closed with the session."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if type(reporter) is not pytest.TerminalReporter or "CI" in environment or os.name != "posix":
        return None
    writer = config.get_terminal_writer()
    asked = config.get_verbosity() >= 0 and config.getoption("capture") in ("fd", "sys")
    logs = config.getini("log_cli") or config.getoption("log_cli_level", None) is not None
    if not asked or logs or not writer.hasmarkup or not sys.stdout.isatty():
        return None
    terminal = os.dup(sys.stdout.fileno())  # the number is another file's while a test runs

    def close() -> None:
        with suppress(OSError):
            os.close(terminal)

    config.add_cleanup(close)
    return Live(terminal, lambda: pace.seen, lambda: writer.width_of_current_line, whole=whole)
