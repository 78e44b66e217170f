"""Pictures of a page, for the docs: `python -m tests.e2e.shots report.html docs/images`.

In: an HTML report with samples. Out: WebP files in a folder: the page in the light and in the dark, on a desktop and on a phone,
and the samples of a task.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from .browser import Browser, browser

LARGEST = 150_000
"""Bytes of a picture."""

TALL = (1280, 1400)
PHONE = (390, 1400)
MISSED = """
const cells = [...document.querySelectorAll("#tasks-table td.some button.open")];
cells[cells.length - 1].click();
document.activeElement.blur();
"""


def shots(window: Browser, page: Path) -> Iterator[tuple[str, bytes]]:
    """Names and pictures."""

    def shot(size: tuple[int, int], scheme: str, place: str = "", script: str = "") -> bytes:
        window.sized(size)
        window.coloured(scheme)
        window.open(page)
        window.run("document.documentElement.style.scrollBehavior = 'auto'")
        if place:
            window.run("document.getElementById(arguments[0]).scrollIntoView()", place)
        if script:
            window.run(script)
        return window.picture()

    yield "page-light", shot(TALL, "light")
    yield "page-dark", shot(TALL, "dark", "pictures")
    yield "page-tasks", shot((1280, 1000), "light", "tasks")
    yield "page-samples", shot((1280, 1000), "light", script=MISSED)
    yield "page-phone", shot(PHONE, "light")
    yield "page-phone-dark", shot(PHONE, "dark", "pictures")


def main(report: str, folder: str) -> None:
    with browser() as window:
        for name, picture in shots(window, Path(report).absolute()):
            path = Path(folder) / f"{name}.webp"
            path.write_bytes(picture)
            print(f"{path}: {len(picture):,} bytes{' (TOO LARGE)' if len(picture) > LARGEST else ''}")


if __name__ == "__main__":
    main(*sys.argv[1:])
