"""The one sentence that a reader with ten seconds takes away: which route to promote, why, and what it saves.

In: a Verdict. Out: a Headline. What a route saves is told against the baseline where it was compared with one, else against the
ladder's first rung, and as what was seen; where it is not known, nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import listed
from ..verdict.comparison import Comparison
from ..verdict.route_figures import RouteFigures
from ..verdict.verdict import Verdict
from ..verdict.written import counted, credit, dollars, percent, points, seconds, times, tokens
from .table import CUT_WORTH_SAYING


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure in large type: its value, what it is, and what it was on the route that it is compared with."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """`title` in large type, with the route's name apart; `sentence` says what it comes to and `reason` why, in full."""

    title: str
    route: str
    sentence: str
    reason: str
    facts: tuple[Fact, ...]
    held: bool | None


def headline(verdict: Verdict) -> Headline:
    """The headline of a verdict."""
    promoted = next((route for route in verdict.routes if route.name == verdict.promotion.route), None)
    subject = promoted or best_of(verdict)
    facts = tuple(_facts(verdict, subject)) if subject is not None else ()
    if promoted is not None:
        sentence = f"It holds the gate with {_reached(promoted)}{_saved(verdict, promoted)}."
        return Headline("Promote", promoted.name, sentence, verdict.promotion.reason, facts, verdict.gate_passed)
    seen = "" if subject is None else f" {subject.name} comes furthest, with {_reached(subject)}."
    if verdict.gate is None:
        return Headline("Nothing to promote: there is no gate", "", seen.strip(), verdict.promotion.reason, facts, None)
    noun = "rung" if verdict.ladder else "route"
    if verdict.gate.held_by:
        sentence = f"{listed(verdict.gate.held_by)} held the gate, but can't be promoted.{seen}"
    else:
        sentence = f"None of {counted(len(verdict.gate.judged), noun)} holds the gate.{seen}"
    return Headline("Promote nothing", "", sentence, verdict.promotion.reason, facts, verdict.gate_passed)


def reference(verdict: Verdict, subject: RouteFigures) -> RouteFigures | None:
    """What a route is told against: the baseline that it was compared with, if that is a route here, else the first rung."""
    against = next((one.baseline for one in verdict.comparisons if one.route == subject.name), None)
    found = next((route for route in verdict.routes if route.name == against), None)
    if found is None and verdict.ladder and against is None:
        found = next((route for route in verdict.routes if route.judged), None)
    return None if found is subject else found


def best_of(verdict: Verdict) -> RouteFigures | None:
    """The route that passes most, of those that the gate judged; None where nothing was judged."""
    names = verdict.gate.judged if verdict.gate is not None else [route.name for route in verdict.routes]
    judged = [route for route in verdict.routes if route.judged and route.name in names]
    return max(judged, key=lambda route: (route.strict_pass.mean or 0.0, route.credit.mean or 0.0), default=None)


def _reached(route: RouteFigures) -> str:
    return f"{percent(route.strict_pass.mean)} strict pass and credit {credit(route.credit.mean)}"


def _saved(verdict: Verdict, route: RouteFigures) -> str:
    """What it saves, as a second half of the sentence; empty where nothing is known."""
    compared = next((one for one in verdict.comparisons if one.route == route.name), None)
    if compared is not None:
        return _saved_against(compared)
    first = reference(verdict, route)
    if first is None:
        return ""
    parts = [_less(route.generated_mean, first.generated_mean, "generated tokens", "fewer", _at_least(route, first))]
    parts.append(_less(route.latency_p50, first.latency_p50, "p50 latency", "lower"))
    told = [part for part in parts if part]
    return f", {' and '.join(told)} than {first.name}" if told else ""


def _saved_against(compared: Comparison) -> str:
    """What it saves against the baseline, and what that does to strict pass."""
    found, spared = compared.break_even, ""
    if found is not None and found.saved_per_1000 is not None and found.saved_per_1000 > 0:
        spared = f", and saves {dollars(found.saved_per_1000)} per 1,000 tasks against {compared.baseline}"
    else:
        parts = [
            times(ratio, noun)
            for ratio, noun in ((compared.cost_ratio, "cost"), (compared.latency_p50_ratio, "p50 latency"))
            if ratio is not None and ratio < 1
        ]
        told = [part for part in parts if not part.startswith("the same")]
        spared = f", {' and '.join(told)} than {compared.baseline}" if told else ""
    seen = compared.strict_pass
    if seen.difference is None:
        return spared
    return f"{spared}; strict pass {points(seen.difference)} against {'it' if spared else compared.baseline} ({seen.verdict})"


def _at_least(route: RouteFigures, first: RouteFigures) -> str:
    return "at least " if any(one.cut is not None and one.cut > CUT_WORTH_SAYING for one in (route, first)) else ""


def _less(ours: float | None, theirs: float | None, noun: str, word: str, more: str = "") -> str:
    """`2.4x fewer generated tokens`; empty where it is not less, or unknown."""
    if not ours or not theirs or ours >= theirs:
        return ""
    text = times(ours / theirs, noun, less=word)
    return "" if text.startswith("the same") else f"{more}{text}"


def _facts(verdict: Verdict, route: RouteFigures) -> Iterator[Fact]:
    other = reference(verdict, route)

    def was(text: str) -> str:
        return "" if other is None else f"{text} on {other.name}"

    interval = ""
    if route.strict_pass.low is not None and route.strict_pass.high is not None:
        interval = f"{route.strict_pass.low * 100:.0f} to {route.strict_pass.high * 100:.0f}% on tasks like these"
    strict = [was(percent(other.strict_pass.mean)) if other else "", interval]
    yield Fact(percent(route.strict_pass.mean), "strict pass", "; ".join(part for part in strict if part))
    yield Fact(credit(route.credit.mean), "credit", was(credit(other.credit.mean)) if other else "")
    yield Fact(seconds(route.latency_p50), "p50 latency", was(seconds(other.latency_p50)) if other else "")
    yield Fact(tokens(route.generated_mean), "generated tokens a sample", was(tokens(other.generated_mean)) if other else "")
    if route.cost.per_pass is not None:
        before = None if other is None or other.cost.per_pass is None else 1000 * other.cost.per_pass
        yield Fact(dollars(1000 * route.cost.per_pass), "per 1,000 tasks done right", was(dollars(before)) if before else "")
