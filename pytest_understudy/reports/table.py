"""The table, the gate's rows and the promotion, as text for a terminal and as Markdown.

In: a Verdict. Out: lines without colour, and a Markdown document from the same rows. What is unknown is "-" or "unpriced", never
0. Columns and the writing of numbers are the article's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from ..errors import listed
from ..verdict.gate import AT_LEAST, ROUNDING, GateCheck, GateVerdict, Measure
from ..verdict.route_figures import Rate, RouteFigures
from ..verdict.verdict import Verdict
from ..verdict.written import NOTHING, counted, credit, dollars, percent, seconds, tokens

CUT_WORTH_SAYING = 0.01
"""Over this share of samples cut short, ratios of tokens read "at least"."""

LEGEND = "[low, high]: 95% interval of the strict-pass rate on tasks like these; silent: valid and wrong, which no caller can see"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header (a line break where a terminal breaks it), its alignment, and a route's cell."""

    header: str
    align: str
    cell: Callable[[RouteFigures], str]


COLUMNS = (
    Column("route", "left", lambda route: _marked(route)),
    Column("avg ± sd", "left", lambda route: _credit(route.credit)),
    Column("strict", "left", lambda route: _strict(route.strict_pass)),
    Column("silent", "right", lambda route: percent(route.outcomes["silent"])),
    Column("p50 / p95", "right", lambda route: _latency(route)),
    Column("generated\ntokens", "right", lambda route: tokens(route.tokens.generated)),
    Column("total\ntokens", "right", lambda route: tokens(route.tokens.total)),
    Column("serving\ncost", "right", lambda route: _priced(route, route.cost.serving)),
    Column("cost /\nscore point", "right", lambda route: _priced(route, route.cost.per_score_point)),
)
HARM = Column("harm", "right", lambda route: percent(route.outcomes["harm"]))

MEASURES: dict[Measure, str] = {
    "samples": "samples drawn",
    "errors": "errors",
    "strict_pass": "strict pass",
    "credit": "credit",
    "p95": "p95 latency",
    "tokens": "generated tokens a sample",
    "cost": "serving cost",
    "silent": "silent misses",
    "harm": "harm",
}


def table_lines(verdict: Verdict) -> list[str]:
    """A row for each route, and under it what a reader of the row must know."""
    if not verdict.routes:
        return ["no route was judged"]
    columns = _columns(verdict)
    rows = [[column.cell(route) for column in columns] for route in verdict.routes]
    text = tabulate(
        rows,
        headers=[column.header for column in columns],
        tablefmt="simple",
        colalign=[column.align for column in columns],
        disable_numparse=True,
    )
    return [*(line.rstrip() for line in text.splitlines()), *_notes(verdict)]


def gate_lines(verdict: Verdict) -> list[str]:
    """What the gate came to, then each check: measure, threshold, value, by how much it held or missed. Empty without a gate."""
    if verdict.gate is None:
        return []
    text = tabulate(_gate_rows(verdict.gate), tablefmt="plain", disable_numparse=True)
    return [_gate_line(verdict.gate, verdict.ladder), *(f"  {line.rstrip()}" for line in text.splitlines())]


def promotion_line(verdict: Verdict) -> str:
    """The sentence: which route to promote, and why."""
    return f"promote {verdict.promotion.route or 'nothing'}: {verdict.promotion.reason}"


def markdown(verdict: Verdict) -> str:
    """The same rows as Markdown, for a pull request or a step's summary."""
    parts = ["## Understudy"]
    if verdict.routes:
        columns = _columns(verdict)
        rows = [[_escaped(column.cell(route)) for column in columns] for route in verdict.routes]
        headers = [column.header.replace("\n", " ") for column in columns]
        parts.append(_markdown_table(rows, headers, [column.align for column in columns]))
        parts.append("\n".join(f"- {_escaped(note)}" for note in _notes(verdict)))
    if verdict.gate is not None:
        parts.append(f"**{_escaped(_gate_line(verdict.gate, verdict.ladder))}**")
        rows = [[_escaped(cell) for cell in row] for row in _gate_rows(verdict.gate)]
        headers = ["route", "measure", "threshold", "value", "result", "note"]
        parts.append(_markdown_table(rows, headers, ["left"] * len(headers)))
    parts.append(f"**{_escaped(promotion_line(verdict))}**")
    return "\n\n".join(part for part in parts if part) + "\n"


def _columns(verdict: Verdict) -> tuple[Column, ...]:
    """The article's columns, and harm where there is any."""
    if not any(route.outcomes["harm"] for route in verdict.routes):
        return COLUMNS
    after = COLUMNS.index(next(column for column in COLUMNS if column.header == "silent")) + 1
    return (*COLUMNS[:after], HARM, *COLUMNS[after:])


def _marked(route: RouteFigures) -> str:
    marks = [mark for mark, applies in (("partial", route.partial), ("replayed", route.replayed)) if applies]
    return f"{route.name} ({', '.join(marks)})" if marks else route.name


def _credit(rate: Rate) -> str:
    return credit(rate.mean) if rate.sd is None else f"{credit(rate.mean)} ±{rate.sd:.4f}"


def _strict(rate: Rate) -> str:
    if rate.low is None or rate.high is None:
        return percent(rate.mean)
    return f"{percent(rate.mean)} [{rate.low * 100:.0f}, {rate.high * 100:.0f}]"


def _latency(route: RouteFigures) -> str:
    if route.latency_p50 is None:
        return NOTHING
    return f"{seconds(route.latency_p50)} / {seconds(route.latency_p95)}"


def _priced(route: RouteFigures, cost: float | None) -> str:
    """Dollars; `unpriced` where samples were judged at a cost unknown, "-" where there is nothing to price."""
    return "unpriced" if route.judged and route.cost.serving is None else dollars(cost)


def _notes(verdict: Verdict) -> list[str]:
    notes = [LEGEND] if any(route.judged for route in verdict.routes) else []
    return [*notes, *(f"{route.name}: {note}" for route in verdict.routes for note in _notes_on(route))]


def _notes_on(route: RouteFigures) -> Iterator[str]:
    if route.undrawn and not route.samples:
        yield "not drawn"
        return
    if route.undrawn:
        tasks = f"{route.tasks:,} of {counted(len(route.by_task), 'task')}"
        yield f"partial: {tasks}, {route.samples:,} of {counted(route.planned, 'sample')} drawn"
    if route.errors:
        yield f"{counted(route.errors, 'error')} among {counted(route.samples, 'sample')}, left out of these figures"
    if route.replayed:
        yield f"{route.replayed:,} of {counted(route.samples, 'sample')} replayed, with their recorded latency, tokens and cost"
    if route.cut is not None and route.cut > CUT_WORTH_SAYING:
        yield f'{percent(route.cut)} of samples cut short at max_tokens: read its token ratios as "at least"'
    if route.route.fill == "slots" and "prefill" in route.route.controls:
        yield "filled slot by slot, so its total tokens count the prompt once a slot"
    if route.tokens.cached and route.route.price is not None and route.route.price.cached is None:
        yield "cached tokens are priced as input, since its price names none for them"


def _gate_line(gate: GateVerdict, ladder: bool) -> str:
    if not gate.judged:
        return "gate missed: nothing was judged"
    judged = counted(len(gate.judged), "rung" if ladder else "route")
    if gate.passed:
        return f"gate held by {listed(gate.held_by)}, of {judged}"
    missing = [name for name in gate.judged if name not in gate.held_by]
    return f"gate missed by {listed(missing)}, of {judged}"


def _gate_rows(gate: GateVerdict) -> list[list[str]]:
    return [
        [
            f"{check.route} (replayed)" if check.replayed else check.route,
            MEASURES[check.measure],
            f"{'at least' if check.measure in AT_LEAST else 'at most'} {_written(check.measure, check.threshold)}",
            _written(check.measure, check.value),
            _result(check),
            check.note,
        ]
        for check in gate.checks
    ]


def _written(measure: Measure, value: float | None) -> str:
    if value is None:
        return NOTHING
    match measure:
        case "samples" | "errors":
            return f"{value:,.0f}"
        case "p95":
            return seconds(value)
        case "tokens":
            return f"{value:,.1f}"
        case "cost":
            return dollars(value)
        case "credit":
            return credit(value)
        case "strict_pass" | "silent" | "harm":
            return percent(value)


def _result(check: GateCheck) -> str:
    """`held`, `held by 1.0 points`, `missed by 3.20s`, or `missed` where the value is unknown."""
    word = "held" if check.passed else "missed"
    if check.value is None:
        return word
    gap = abs(check.value - check.threshold)
    if gap <= ROUNDING:
        return word
    if check.measure in ("strict_pass", "silent", "harm"):
        # A miss by less than shows would read as no miss at all.
        return f"{word} by {gap * 100:.1f} points" if gap >= 0.001 else f"{word} by {gap * 100:.2g} points"
    return f"{word} by {_written(check.measure, gap)}"


def _markdown_table(rows: Sequence[Sequence[str]], headers: Sequence[str], align: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="pipe", colalign=align if rows else None, disable_numparse=True)


def _escaped(text: str) -> str:
    """A name may hold what Markdown would take for a cell's end or for emphasis."""
    for mark in "\\|*_`<":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")
