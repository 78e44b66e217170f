"""The samples on the page, as data that its script reads: one block of JSON, drawn when a cell is opened.

In: ShownRuns. Out: JSON text that may stand in a script element: nothing in it can end that element or begin another. It stays
within BUDGET: texts are cut shorter, with a note, and where that is not enough fewer samples of a run are kept, misses first.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any

from .form_picture import pieces
from .printable import printable, visible
from .shown import Prompt, ShownRun, ShownSample

BUDGET = 3_500_000
"""Bytes. With it a page of any size stays under 5 MB."""

LIMITS = (8000, 4000, 2000, 1000, 500, 250, 120)
"""Characters of an output that are kept, tried in turn."""

DETAIL = 600
"""Characters of a check's detail."""

MOST_TEXT = 20_000
"""Characters of a prompt, or of what is expected."""


def island(shown: Sequence[ShownRun]) -> str:
    """The block of JSON."""
    text = ""
    for limit in LIMITS:
        text = _safe(_data(shown, limit))
        if len(text.encode()) <= BUDGET:
            return text
    most = max(len(run.samples) for run in shown)
    while len(text.encode()) > BUDGET and most > 1:
        most = max(most // 2, 1)
        text = _safe(_data(shown, LIMITS[-1], most))
    return text


def _data(shown: Sequence[ShownRun], limit: int, most: int | None = None) -> dict[str, Any]:
    shared = _Shared()
    runs = [_run(run, shared, limit, most) for run in shown]
    return {
        "runs": runs,
        "texts": shared.texts.all,
        "turns": shared.turns.all,
        "checks": shared.checks.all,
        "measures": shared.measures.all,
    }


def _run(run: ShownRun, shared: _Shared, limit: int, most: int | None) -> dict[str, Any]:
    kept = run.samples if most is None else sorted(run.samples, key=lambda one: (one.outcome == "pass", one.number))[:most]
    left = len(run.samples) - len(kept)
    return {
        "route": visible(run.route),
        "task": visible(run.task),
        "about": visible(f"{run.about} · {left:,} more samples, which the record has" if left else run.about),
        "expected": shared.text(run.expected) if run.expected else None,
        "prompt": _prompt(run.prompt, shared),
        "samples": [_sample(sample, shared, limit) for sample in kept],
    }


def _sample(sample: ShownSample, shared: _Shared, limit: int) -> dict[str, Any]:
    turns, left = _turns(sample, limit)
    checks = [
        (visible(name), 1) if held else (visible(name), 0, printable(detail, DETAIL))
        for name, held, detail in sorted(sample.checks, key=lambda check: check[1])
    ]
    data: dict[str, Any] = {
        "number": sample.number,
        "outcome": sample.outcome,
        "turns": [shared.turns.place(turn) for turn in turns],
        "checks": [shared.checks.place(check) for check in checks],
        "measures": [(shared.measures.place(name), value) for name, value in sample.measures],
    }
    if left:
        data["cut"] = left
    if sample.error is not None:
        data["error"] = printable(sample.error, DETAIL)
    if sample.prompt:
        data["prompt"] = _prompt(sample.prompt, shared)
    return data


def _turns(sample: ShownSample, limit: int) -> tuple[list[tuple[Any, ...]], int]:
    """(before, form, after, told) of each turn; `limit` characters for what was said in all of them, the rest is counted."""
    turns: list[tuple[Any, ...]] = []
    left = 0
    for told, said in sample.said:
        cut = pieces(said).cut(max(limit, 0))
        limit -= len(said) - cut.left
        left += cut.left
        shown = cut.visible()
        turns.append((shown.before, shown.form, shown.after, *([printable(told, DETAIL)] if told else [])))
    return turns, left


def _prompt(prompt: Prompt, shared: _Shared) -> list[tuple[str, int]]:
    return [(role, shared.text(text)) for role, text in prompt]


class _Places:
    """Values that many samples share, each once, by the place where it stands."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}

    def place(self, value: Hashable) -> int:
        return self._places.setdefault(value, len(self._places))

    @property
    def all(self) -> list[Hashable]:
        return list(self._places)


class _Shared:
    def __init__(self) -> None:
        self.texts, self.turns, self.checks, self.measures = _Places(), _Places(), _Places(), _Places()

    def text(self, text: str) -> int:
        return self.texts.place(printable(text, MOST_TEXT, line=MOST_TEXT))


def _safe(data: dict[str, Any]) -> str:
    """No `<` in it, so neither `</script` nor `<!--`; line separators are escaped already, as all that is unseen."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
