"""The article's pictures, as places and words: what is drawn where, and what stands beside it.

In: a Verdict. Out: pictures that a template draws; places are per cent of a width (axes.py). A picture whose figures are not
known is not drawn: no bar is made up, and a price that is a list's is called one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..scoring.score import Outcome
from ..verdict.route_figures import RouteFigures
from ..verdict.tally import OUTCOMES
from ..verdict.verdict import Verdict
from ..verdict.written import NOTHING, credit, dollars, percent, seconds, times, tokens
from .axes import Axis
from .headline import best_of, reference

LINE, LETTER = 6.5, 1.8
"""Per cent of the plane's height that a name takes, and of its width that a letter of it does."""


LOWEST = 100.0
"""Where a name stands at the lowest."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a place: a tick with its text, a point with its route's name."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of bars: `place` is where the bar ends, `second` where a hollow mark stands, `more` what is written of that; `kind`
    tints it.
    """

    name: str
    note: str
    place: float | None
    value: str
    more: str = ""
    second: float | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars with a title that says what they show, a line on how they are to be read, and an axis."""

    title: str
    note: str
    rows: tuple[Bar, ...]
    ticks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A route in the plane, in per cent from the left and from the top. `label` is its name's height; `right`: it stands left."""

    x: float
    y: float
    label: float
    name: str
    note: str
    frontier: bool
    promoted: bool
    right: bool

    @property
    def span(self) -> tuple[float, float]:
        """From where to where its name goes, its mark included."""
        width = LETTER * (len(self.name) + 3)
        return (self.x - width, self.x + LETTER) if self.right else (self.x - LETTER, self.x + width)


@dataclass(frozen=True, slots=True)
class Plane:
    """Two figures of each route, and the line through those that none dominates: segments from point to point."""

    title: str
    note: str
    across: str
    up: str
    points: tuple[Point, ...]
    line: tuple[tuple[float, float, float, float], ...]
    x_ticks: tuple[Mark, ...]
    y_ticks: tuple[Mark, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: where it begins and how wide it is."""

    outcome: Outcome
    start: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Shares:
    """A route's outcomes, which make up all of its judged samples."""

    name: str
    parts: tuple[Share, ...]


def token_burn(verdict: Verdict) -> Bars | None:
    """Generated tokens of each route on a log scale, with a hollow mark where all of its tokens are: of the whole run, and where
    routes were drawn unequally often a sample.
    """
    routes = [route for route in verdict.routes if route.tokens.generated and route.samples]
    if len(routes) < 2:
        return None
    alike = len({route.samples for route in routes}) == 1
    burnt = [(route, *_burnt(route, 1 if alike else route.samples)) for route in routes]
    axis = Axis.logarithmic([count for _, *counts in burnt for count in counts if count])
    rows = tuple(
        Bar(
            route.name,
            f"score {credit(route.credit.mean)} · p50 {seconds(route.latency_p50)}",
            axis.place(generated),
            f"{_tokens(generated)} generated",
            f"{_tokens(total)} in all" if total else "",
            axis.place(total) if total else None,
            _kind(verdict, route),
        )
        for route, generated, total in burnt
    )
    first, least = burnt[0], min(burnt, key=lambda one: one[1])
    more = first[1] / least[1]
    title = "Tokens burnt" if more < 1.05 else f"{first[0].name} generates {more:.1f}x the tokens of {least[0].name}"
    note = f"Bar: generated tokens {'of the whole run' if alike else 'a sample'}; hollow mark: with the prompt. Log scale."
    return Bars(title, note, rows, _ticks(axis, _tokens))


def _burnt(route: RouteFigures, among: int) -> tuple[float, float | None]:
    """Generated tokens and all tokens."""
    total = route.tokens.total
    return (route.tokens.generated or 0) / among, None if total is None else total / among


def _tokens(count: float | None) -> str:
    """Without tenths of a token."""
    return tokens(None if count is None else round(count))


def latency(verdict: Verdict) -> Bars | None:
    """Median latency of each route, told against the baseline or the first rung."""
    return _against(verdict, "p50 latency", lambda route: route.latency_p50, seconds, lambda value: f"{value:g}s")


def cost(verdict: Verdict) -> Bars | None:
    """What a sample costs with every cached token paid for as input, told against the baseline or the first rung."""

    def each(route: RouteFigures) -> float | None:
        return None if route.cost.uncached is None or not route.judged else route.cost.uncached / route.judged

    return _against(verdict, "cost a sample", each, dollars, dollars)


def list_prices(verdict: Verdict) -> Bars | None:
    """What the lists say a million tokens cost; None where all routes have one price. Nothing in it was measured."""
    named: dict[tuple[tuple[str, float], ...], list[str]] = {}
    for route in verdict.routes:
        if route.route.price is not None and route.route.price.rates:
            named.setdefault(tuple(sorted(route.route.price.rates.items())), []).append(route.name)
    if len(named) < 2:
        return None
    outputs = {rates: dict(rates).get("output", 0.0) for rates in named}
    axis = Axis.linear(outputs.values())
    rows = tuple(
        Bar(
            ", ".join(names),
            f"{dollars(dict(rates).get('input'))} in",
            axis.place(outputs[rates]),
            f"{dollars(outputs[rates])} out",
        )
        for rates, names in named.items()
    )
    note = (
        "Dollars per million output tokens as listed. A list price is no measured saving: routes use different numbers of tokens."
    )
    return Bars("List prices", note, rows, _ticks(axis, dollars))


def outcomes(verdict: Verdict) -> list[Shares]:
    """The four outcomes of each route's judged samples."""
    return [
        Shares(route.name, tuple(_shares(route)))
        for route in verdict.routes
        if all(route.outcomes[outcome] is not None for outcome in OUTCOMES)
    ]


def choices(verdict: Verdict) -> Plane | None:
    """Credit against cost per score point, with the frontier; against generated tokens a sample where nothing is priced."""
    judged = [route for route in verdict.routes if route.judged and route.credit.mean is not None]
    priced = any(route.cost.per_score_point for route in judged)

    def across(route: RouteFigures) -> float | None:
        return route.cost.per_score_point if priced else route.generated_mean

    known = [(route, x) for route in judged if (x := across(route))]
    if len(known) < 2:
        return None
    x_axis = Axis.logarithmic([x for _, x in known])
    y_axis = Axis.of_rates(route.credit.mean or 0.0 for route, _ in known)
    points = _labelled(
        [_point(verdict, route, x_axis.place(x), 100 - y_axis.place(route.credit.mean or 0.0)) for route, x in known]
    )
    left = tuple(route.name for route in judged if not across(route))
    written, what = (dollars, "cost per score point") if priced else (tokens, "generated tokens a sample")
    return Plane(
        f"Credit against {what}",
        "Up and to the left is better. Filled: no route dominates it (strict pass, expected cost, p95); the line: the most credit"
        " for its cost among these.",
        f"{what}, log scale",
        "credit",
        points,
        _line(points),
        _ticks(x_axis, written),
        tuple(Mark(100 - tick.place, tick.text) for tick in _ticks(y_axis, lambda value: f"{value:.2f}")),
        left,
    )


def _against(
    verdict: Verdict,
    noun: str,
    figure: Callable[[RouteFigures], float | None],
    written: Callable[[float | None], str],
    tick: Callable[[float], str],
) -> Bars | None:
    routes = [route for route in verdict.routes if route.judged]
    known = [value for route in routes if (value := figure(route)) is not None]
    if len(known) < 2 or not max(known):
        return None
    subject = next((route for route in routes if route.name == verdict.promotion.route), best_of(verdict))
    other = None if subject is None else reference(verdict, subject)
    base = None if other is None else figure(other)
    axis = Axis.linear(known)
    rows = []
    for route in routes:
        value = figure(route)
        note = "unknown" if value is None else "" if not base else "the measure" if route is other else _ratio(value / base)
        place = None if value is None else axis.place(value)
        rows.append(Bar(route.name, note, place, NOTHING if value is None else written(value), kind=_kind(verdict, route)))
    against = f" against {other.name}" if other is not None else ""
    return Bars(f"{noun[0].upper()}{noun[1:]}{against}", "", tuple(rows), _ticks(axis, tick))


def _ratio(ratio: float) -> str:
    return times(ratio, "").strip()


def _kind(verdict: Verdict, route: RouteFigures) -> str:
    return "promoted" if route.name == verdict.promotion.route else ""


def _ticks(axis: Axis, written: Callable[[float], str]) -> tuple[Mark, ...]:
    return tuple(Mark(axis.place(tick), "0" if not tick else written(tick)) for tick in axis.ticks)


def _shares(route: RouteFigures) -> Iterator[Share]:
    start = 0.0
    for outcome in OUTCOMES:
        width = 100 * (route.outcomes[outcome] or 0.0)
        yield Share(outcome, round(start, 2), round(width, 2), percent(route.outcomes[outcome]))
        start += width


def _point(verdict: Verdict, route: RouteFigures, x: float, y: float) -> Point:
    promoted = route.name == verdict.promotion.route
    note = f"credit {credit(route.credit.mean)}, strict pass {percent(route.strict_pass.mean)}"
    return Point(x, round(y, 2), round(y, 2), route.name, note, bool(route.frontier), promoted, x > 60)


def _labelled(points: Sequence[Point]) -> tuple[Point, ...]:
    """From the top down, each name off the points below it and far enough below the names that would run into it."""
    placed: list[Point] = []
    for point in sorted(points, key=lambda one: (one.y, one.x)):
        crowded = any(one.x != point.x and _within(one.x, point.span) and 0 <= one.y - point.y < LINE for one in points)
        label = point.y - LINE / 2 if crowded else point.y
        met = [one.label for one in placed if _meet(one.span, point.span)]
        if any(abs(other - label) < LINE for other in met):
            label = max(met) + LINE
        if label > LOWEST:  # below there is the axis
            label = min([other for other in met if other > LOWEST - 3 * LINE], default=LOWEST) - LINE
        placed.append(replace(point, label=round(label, 2)))
    return tuple(placed)


def _within(x: float, span: tuple[float, float]) -> bool:
    return span[0] < x < span[1]


def _meet(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _line(points: Sequence[Point]) -> tuple[tuple[float, float, float, float], ...]:
    """From point to point, left to right, each with more credit than all that cost less."""
    kept: list[Point] = []
    for point in sorted((point for point in points if point.frontier), key=lambda point: (point.x, point.y)):
        if not kept or point.y < kept[-1].y:
            kept.append(point)
    return tuple((a.x, a.y, b.x, b.y) for a, b in pairwise(kept))
