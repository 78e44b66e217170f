"""An output as a form: what its structure is, and what in it are values.

In: the text of a sample. Out: its Pieces: the JSON that was judged, as literals and values in turn, and the text outside it. And
from two samples of one task the picture of a blank page beside a form. Nothing is made up for it: both are what routes wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ..scoring.parsing import parsed
from ..suite.task import MISSING
from ..verdict.verdict import Verdict
from ..verdict.written import counted
from .headline import best_of
from .printable import printable, visible
from .shown import ShownRun, ShownSample

LONGEST = 800
"""Characters of a side of the picture."""

# A string that is a key, a string that is a value, any other value.
_VALUES = re.compile(r'"(?P<text>(?:[^"\\]++|\\.)*+)"(?P<key>\s*:)?|(?P<plain>-?\d[^\s,\]}]*|true|false|null)')


@dataclass(frozen=True, slots=True)
class Pieces:
    """`form` holds literals and values in turn, literals first; empty where no JSON was found. `left` counts what was cut off."""

    before: str
    form: tuple[str, ...]
    after: str
    left: int = 0

    @property
    def literals(self) -> int:
        """Characters of the form's structure."""
        return sum(map(len, self.form[::2]))

    @property
    def values(self) -> int:
        """Characters of its values."""
        return sum(map(len, self.form[1::2]))

    def cut(self, longest: int) -> Pieces:
        """At most so many characters: the form is kept before what stands around it, and of each part its beginning."""
        room = longest
        form: list[str] = []
        for piece in self.form:
            form.append(piece[:room])
            room -= len(form[-1])
            if room <= 0:
                break
        after = self.after[: min(room, longest // 4)]
        before = self.before[: max(room - len(after), 0)]
        kept = len(before) + sum(map(len, form)) + len(after)
        whole = len(self.before) + self.literals + self.values + len(self.after)
        return replace(self, before=before, form=tuple(form), after=after, left=self.left + whole - kept)

    def visible(self) -> Pieces:
        """With what a reader could not see escaped."""
        return replace(self, before=visible(self.before), form=tuple(map(visible, self.form)), after=visible(self.after))


@lru_cache(maxsize=8192)  # a page that must be cut shorter looks at each output again
def pieces(output: str) -> Pieces:
    """The pieces of an output: of the JSON that a scorer judges, if there is one. What cannot be found in it is text."""
    found = parsed(output)
    start = output.rfind(found.written) if found.value is not MISSING and found.written else -1
    if start < 0:
        return Pieces(output, (), "")
    end = start + len(found.written)
    return Pieces(output[:start], tuple(_in_turn(found.written)), output[end:])


def _in_turn(text: str) -> Iterator[str]:
    """Literal, value, literal, ... literal. A string's quotes are literals."""
    at = 0
    for match in _VALUES.finditer(text):
        if match["key"] is not None:
            continue
        start, end = match.span("plain" if match["plain"] is not None else "text")
        yield text[at:start]
        yield text[start:end]
        at = end
    yield text[at:]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a side: text of a kind."""

    text: str
    kind: Literal["all", "value", "form", "said", "told", "cut"]


@dataclass(frozen=True, slots=True)
class Side:
    """A sample's output, and what it took."""

    title: str
    note: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class FormPicture:
    """The blank page and the form, from samples of one task."""

    about: str
    sides: tuple[Side, Side]


def form_picture(verdict: Verdict, shown: Sequence[ShownRun]) -> FormPicture | None:
    """A strict pass of the route that is promoted (or passes most), with its form muted, beside the first rung's sample of it.

    None where no such pair is shown.
    """
    subject = next((route for route in verdict.routes if route.name == verdict.promotion.route), best_of(verdict))
    first = next((route for route in verdict.routes if route.judged and "prefill" not in route.route.controls), None)
    if subject is None or first is None or first is subject:
        return None
    blank = {(run.file, run.task): run for run in shown if run.route == first.name}
    pairs = [
        (sample, other)
        for run in shown
        if run.route == subject.name and (run.file, run.task) in blank
        for sample in run.samples
        for other in blank[run.file, run.task].samples
        if sample.outcome == "pass" and sample.number == other.number and other.error is None and _has_a_form(sample)
    ]
    if not pairs:
        return None
    ours, theirs = min(pairs, key=lambda pair: (abs(len(pair[0].output) - 300), pair[0].number))
    task = next(run.task for run in shown if ours in run.samples)
    forms = [pieces(said) for _, said in ours.said]
    values, whole = sum(form.values for form in forms), sum(len(said) for _, said in ours.said)
    slots = "prefill" in subject.route.controls and subject.route.fill == "slots"
    wrote = "the rest was there already" if slots else "a form has the rest there already"
    return FormPicture(
        about=f"Sample {ours.number} of {task}, twice. Highlighted: what the model has to produce. Muted: the form's structure.",
        sides=(
            Side(f"{first.name}: the model writes everything", _took(theirs), tuple(_all(theirs))),
            Side(
                f"{subject.name}: the values",
                f"{_took(ours)}; {values:,} of {whole:,} characters are values, {wrote}",
                tuple(_told(ours)),
            ),
        ),
    )


def _took(sample: ShownSample) -> str:
    return "tokens unknown" if sample.generated is None else f"{counted(sample.generated, 'token')} generated"


def _has_a_form(sample: ShownSample) -> bool:
    return all(len(pieces(said).form) > 1 for _, said in sample.said)


def _all(sample: ShownSample) -> Iterator[Piece]:
    """All of it is the model's, but for what it was told between its turns."""
    room = LONGEST
    for told, said in sample.said:
        yield from _between(told)
        yield Piece(visible(said[: max(room, 0)]), "all")
        room -= len(said)
    if room < 0:
        yield Piece(f"\n... {-room:,} more characters", "cut")


def _told(sample: ShownSample) -> Iterator[Piece]:
    room, left = LONGEST, 0
    for told, said in sample.said:
        yield from _between(told)
        kept = pieces(said).cut(max(room, 0))
        room, left = room - len(said) + kept.left, left + kept.left
        shown = kept.visible()
        yield Piece(shown.before, "said")
        for place, text in enumerate(shown.form):
            yield Piece(text, "value" if place % 2 else "form")
        yield Piece(shown.after, "said")
    if left:
        yield Piece(f"\n... {left:,} more characters", "cut")


def _between(told: str) -> Iterator[Piece]:
    if told:
        yield Piece(printable(told), "told")
