"""Two JSON reports compared: `pytest-understudy compare BEFORE.json AFTER.json`.

In: the command line. Out: what changed beyond noise, on standard output, and an exit status: 0 nothing is worse, 1 a route is
worse in strict pass or credit. What can't be read, or has nothing to compare, is an UnderstudyError: 2.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from .redraw import from_report


def compare_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("before", type=Path, metavar="BEFORE.json", help="the earlier JSON report, such as main's last")
    parser.add_argument("after", type=Path, metavar="AFTER.json", help="the JSON report that is compared with it")
    parser.add_argument(
        "--margin", type=_margin, default=0.02, metavar="F", help="within +-F a route is equivalent (default %(default)g)"
    )


def compared(given: argparse.Namespace) -> int:
    """Prints what changed. The exit status."""
    from .reports.changes import changes

    named = (given.before.name, given.after.name)
    names = named if named[0] != named[1] else (str(given.before), str(given.after))
    found = changes(from_report(given.before), from_report(given.after), names, margin=given.margin)
    print("\n".join(found.lines))
    return 1 if found.worse else 0


def _margin(text: str) -> float:
    try:
        margin = float(text)
    except ValueError:
        margin = math.nan
    if not 0 < margin < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return margin
