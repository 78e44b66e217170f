"""A report's text, in the format that its file's name says.

In: a Verdict, and where to get the samples behind it, which only the page asks for. Out: the text of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..verdict.verdict import Verdict
from .shown import ShownRun

FORMATS = (".json", ".html", ".md")
"""The suffixes of reports' names."""


def report_text(path: Path, verdict: Verdict, shown: Callable[[], Sequence[ShownRun]], told: Sequence[str] = ()) -> str:
    """The report for a file of this name, whose suffix is one of FORMATS; `told` stands under the table in Markdown."""
    if path.suffix == ".html":
        from .page import page

        return page(verdict, shown())
    if path.suffix == ".md":
        from .markdown import markdown

        return markdown(verdict, told=told)
    return verdict.to_text()
