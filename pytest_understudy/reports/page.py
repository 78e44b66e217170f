"""The HTML report: one file, which opens from disk and asks for nothing.

In: a Verdict, and the samples behind it where there are any. Out: the page's text. Every figure stands in it without a script;
the script sorts, filters and opens samples. What models wrote is data: it is escaped or drawn as text, and the page's own policy
lets nothing run but its one script, known by its hash.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..verdict.verdict import Verdict
from ..verdict.written import counted
from . import pictures
from .form_picture import form_picture
from .headline import headline
from .island import island
from .printable import visible
from .sheets import (
    asked_sheet,
    category_sheet,
    comparison_sheet,
    gate_sheet,
    ladder_sheet,
    price_sheet,
    repair_sheet,
    task_sheet,
)
from .shown import ShownRun

TEMPLATES = Path(__file__).parent / "templates"

NO_SAMPLES = (
    "Drawn from a report's figures alone, this page has no samples:"
    " `pytest-understudy report RECORD --suite FILE` draws one with them, from the record."
)
SAMPLES = "Press a cell to see its samples: the prompt, the output as a form, its checks, tokens and latency."
KEPT = " Tasks kept for confirmation have figures and no samples here."


def page(verdict: Verdict, shown: Sequence[ShownRun] = ()) -> str:
    """The page. `shown` are the runs whose samples it opens."""
    head = headline(verdict)
    comparisons, gate, repair = comparison_sheet(verdict), gate_sheet(verdict), repair_sheet(verdict)
    bars = [pictures.token_burn, pictures.latency, pictures.cost, pictures.list_prices]
    form = form_picture(verdict, shown)
    places = (
        ("ladder", "Ladder" if verdict.ladder else "Routes", True),
        ("form", "Form", form),
        ("pictures", "What it takes", True),
        ("repair", "Repair map", repair),
        ("tasks", "Tasks", True),
        ("comparisons", "Comparison", comparisons),
        ("gate", "Gate", gate),
        ("prices", "Prices", True),
        ("session", "Session", True),
    )
    style, script = _text("page.css"), _text("page.js")
    return _environment().get_template("page.html").render(
        policy=_policy(style, script),
        style=Markup(style),  # ours
        script=Markup(script),  # ours
        island=Markup(island(shown)),  # made safe there
        verdict=verdict,
        head=head,
        kicker=_kicker(verdict),
        sections=[(place, name) for place, name, there in places if there],
        ladder=ladder_sheet(verdict),
        form_picture=form,
        pictures=[picture for draw in bars if (picture := draw(verdict)) is not None],
        choices=pictures.choices(verdict),
        outcomes=pictures.outcomes(verdict),
        categories=category_sheet(verdict),
        repair=repair,
        about_samples=_about(verdict, shown),
        tasks=task_sheet(verdict, {run.name: number for number, run in enumerate(shown)}),
        comparisons=comparisons,
        gate=gate,
        prices=price_sheet(verdict),
        asked=asked_sheet(verdict),
    )  # fmt: skip


def _kicker(verdict: Verdict) -> list[str]:
    """What was judged, in a few words."""
    tasks = max((len(route.by_task) for route in verdict.routes), default=0)
    samples = sum(route.samples for route in verdict.routes)
    replayed, errors = (sum(getattr(route, name) for route in verdict.routes) for name in ("replayed", "errors"))
    told = [
        counted(len(verdict.routes), "rung" if verdict.ladder else "route"),
        counted(tasks, "task"),
        counted(samples, "sample"),
    ]
    if replayed:
        told.append("all replayed" if replayed == samples else f"{replayed:,} replayed")
    if errors:
        told.append(counted(errors, "error"))
    return told


def _about(verdict: Verdict, shown: Sequence[ShownRun]) -> str:
    if not shown:
        return NO_SAMPLES
    kept = any(task.confirm for route in verdict.routes for task in route.by_task)
    return SAMPLES + (KEPT if kept else "")


def _policy(style: str, script: str) -> str:
    """Nothing is fetched, framed or submitted; this style and this script alone hold."""
    return f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Of every text that is put in, what a reader could not see stands escaped; a page's own markup is as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
