"""The table, the repair map, the comparisons, the gate's rows and the promotion, as text for a terminal.

In: a Verdict. Out: lines without colour, and the rows that they are made of, from which other reports are made. What is unknown
is "-" or "unpriced", never 0. Columns and the writing of numbers are the article's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from ..errors import listed
from ..verdict.comparison import Comparison, Difference
from ..verdict.gate import GateCheck, GateVerdict
from ..verdict.measures import AT_LEAST, WORDS, distance, written
from ..verdict.repair import ClusterRepair
from ..verdict.route_figures import Rate, RouteFigures
from ..verdict.verdict import Verdict
from ..verdict.written import NOTHING, counted, credit, dollars, percent, seconds, signed, times, tokens
from .money import break_evens, machine_note, price_lines
from .printable import one_line

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
PASS_HAT = "pass^2"
PASS_LEGEND = "pass^k: the chance that k samples of a task all pass, mean over tasks"
HARM = Column("harm", "right", lambda route: percent(route.outcomes["harm"]))
LOADED = Column("loaded\ncost", "right", lambda route: _loaded(route))

COMPARISON = ("route", "tasks", "strict pass", "credit", "no worse", "mde")

_LONGEST_REASON = 4000  # characters: a long ladder that misses everywhere tells something of each rung

WIDEST = 130
"""Columns that the repair map keeps to, up to nine rungs."""


def table_lines(verdict: Verdict) -> list[str]:
    """A row for each route, and under it what a reader of the row must know."""
    if not verdict.routes:
        return ["no route was judged"]
    shown = columns(verdict)
    rows = [[column.cell(route) for column in shown] for route in verdict.routes]
    return [*_laid_out(shown, rows), *notes(verdict)]


def repair_lines(verdict: Verdict) -> list[str]:
    """The clusters that any rung missed: misses of samples and the state on each rung, then the next step. Empty without any.

    Two lines a cluster and one for the next step, so that seven rungs fit a terminal.
    """
    missed = [row for row in verdict.repair_map if row.missed]
    if not missed:
        return []
    names = rungs(verdict)
    headers = [_cut(name, 13) for name in names]
    cells = [repair_cells(row, names) for row in missed]
    widths = [max(map(len, [header, *(line for row in cells for line in row[place])])) for place, header in enumerate(headers)]
    room = max(WIDEST - sum(width + 2 for width in widths) - 2, 12)
    titles = [(_cut(row.cluster, room), _cut(f"  {row.check}", room)) for row in missed]
    first = max(len("cluster"), *(len(part) for title in titles for part in title))
    lines = [
        "repair map: strict misses of judged samples, and the state against the first rung; below a cluster what fails first"
    ]
    lines.append("  " + spaced(["cluster", *headers], [first, *widths]))
    for row, title, counts in zip(missed, titles, cells, strict=True):
        lines += ["  " + spaced([title[half], *(cell[half] for cell in counts)], [first, *widths]) for half in (0, 1)]
        lines.append(f"    next: {one_line(row.next)}")
    return [*(line.rstrip() for line in lines), *unmissed(verdict)]


def comparison_lines(verdict: Verdict) -> list[str]:
    """Each route against the baseline: differences with their interval and verdict, what could have been seen, ratios; then what
    those that hold the gate save. Empty without a baseline.
    """
    if not verdict.comparisons:
        return []
    rows = [COMPARISON, *comparison_rows(verdict)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [f"  {spaced(row, widths).rstrip()}" for row in rows]
    saved = [f"{'    ' if place else '  '}{line}" for lines in break_evens(verdict) for place, line in enumerate(lines)]
    return [comparison_title(verdict), *table, *(f"  {line}" for line in comparison_notes(verdict)), *saved]


def gate_lines(verdict: Verdict) -> list[str]:
    """What the gate came to, then each check: measure, threshold, value, by how much it held or missed. Empty without a gate."""
    if verdict.gate is None:
        return []
    text = tabulate(gate_rows(verdict.gate), tablefmt="plain", disable_numparse=True)
    return [gate_line(verdict.gate, verdict.ladder), *(f"  {line.rstrip()}" for line in text.splitlines())]


def promotion_line(verdict: Verdict) -> str:
    """The sentence: which route to promote, and why."""
    return f"promote {verdict.promotion.route or 'nothing'}: {one_line(verdict.promotion.reason, _LONGEST_REASON)}"


def columns(verdict: Verdict) -> tuple[Column, ...]:
    """The article's columns, pass^k where a task is drawn more than once, harm where there is any, and the loaded cost where a
    machine is paid for by the hour.
    """
    place = next(place for place, column in enumerate(COLUMNS) if column.header == "silent")
    most = {max(route.pass_hat) for route in verdict.routes if _repeated(route)}
    repeats = (_pass_hat(most),) if most else ()
    harm = (HARM,) if any(route.outcomes["harm"] for route in verdict.routes) else ()
    loaded = (LOADED,) if any(route.hourly for route in verdict.routes) else ()
    return (*COLUMNS[:place], *repeats, COLUMNS[place], *harm, *COLUMNS[place + 1 :], *loaded)


def _laid_out(shown: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Two lines of headers, a rule, the rows. tabulate would give each header two columns more: with these a table has 120."""
    headers = [column.header.split("\n") for column in shown]
    above = [[parts[0] for parts in headers], [parts[-1] if len(parts) > 1 else "" for parts in headers]]
    widths = [max(map(len, cells)) for cells in zip(*above, *rows, strict=True)]
    places = list(zip(shown, widths, strict=True))

    def line(cells: Sequence[str]) -> str:
        told = zip(cells, places, strict=True)
        aligned = [cell.ljust(width) if column.align == "left" else cell.rjust(width) for cell, (column, width) in told]
        return "  ".join(aligned).rstrip()

    return [*map(line, above), "  ".join("-" * width for width in widths), *map(line, rows)]


def _repeated(route: RouteFigures) -> bool:
    """Its tasks are drawn more than once: for k over the samples there is no pass^k."""
    return bool(route.pass_hat) and 1 not in route.pass_hat


def _pass_hat(most: Collection[int]) -> Column:
    """pass^2 and pass^m: the chance that two samples of a task, and that all `most` of them, pass together."""
    if most == {2}:
        return Column(PASS_HAT, "right", lambda route: _share(route.pass_hat.get(2)))
    header = f"{PASS_HAT}\n/ pass^{next(iter(most)) if len(most) == 1 else 'm'}"
    return Column(header, "right", _pass_hats)


def _pass_hats(route: RouteFigures) -> str:
    if not _repeated(route) or not route.judged:
        return NOTHING
    return f"{_share(route.pass_hat[2])} / {_share(route.pass_hat[max(route.pass_hat)])}"


def _share(rate: float | None) -> str:
    """In whole percents; what is not all is never 100%, and what is not nothing never 0%."""
    if rate is None:
        return NOTHING
    return ">99%" if 0.995 <= rate < 1 else "<1%" if 0 < rate < 0.005 else percent(rate, 0)


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


def _loaded(route: RouteFigures) -> str:
    """The loaded cost, which of a machine by the hour needs no price on tokens."""
    return dollars(route.cost.loaded) if route.hourly else _priced(route, route.cost.loaded)


def notes(verdict: Verdict) -> list[str]:
    lines = [LEGEND] if any(route.judged for route in verdict.routes) else []
    if any(_repeated(route) and route.judged for route in verdict.routes):
        lines.append(PASS_LEGEND)
    lines += price_lines(verdict.routes)
    return [*lines, *(f"{route.name}: {note}" for route in verdict.routes for note in notes_on(route))]


def notes_on(route: RouteFigures) -> Iterator[str]:
    if route.route.label:
        yield one_line(route.route.label)
    if route.undrawn and not route.drawn:
        yield "not drawn"
        return
    if route.undrawn:
        tasks = f"{route.tasks:,} of {counted(len(route.by_task), 'task')}"
        yield f"partial: {tasks}, {route.drawn:,} of {counted(route.planned, 'sample')} drawn"
    if route.errors:
        yield f"{counted(route.errors, 'error')} among {counted(route.samples, 'sample')}, left out of these figures"
    if route.replayed:
        yield f"{route.replayed:,} of {counted(route.samples, 'sample')} replayed, with their recorded latency, tokens and cost"
    if route.cut is not None and route.cut > CUT_WORTH_SAYING:
        yield f'{percent(route.cut)} of samples cut short at max_tokens: read its token ratios as "at least"'
    if route.route.fill == "slots" and "prefill" in route.route.controls:
        yield "filled slot by slot, so its total tokens count the prompt once a slot"
    if route.route.price is not None:
        yield from (
            f"{kind} are priced as input, since its price names none for them"
            for kind in route.route.price.as_input(route.tokens)
        )
    if route.route.unpriced:
        yield f"unpriced: {one_line(route.route.unpriced)}"
    if note := machine_note(route):
        yield note


def gate_line(gate: GateVerdict, ladder: bool) -> str:
    if not gate.judged:
        return "gate missed: nothing was judged"
    judged = counted(len(gate.judged), "rung" if ladder else "route")
    if gate.passed:
        return f"gate held by {listed(gate.held_by)}, of {judged}"
    missing = [name for name in gate.judged if name not in gate.held_by]
    return f"gate missed by {listed(missing)}, of {judged}"


def gate_rows(gate: GateVerdict) -> list[list[str]]:
    return [
        [
            f"{check.route} (replayed)" if check.replayed else check.route,
            WORDS[check.measure],
            f"{'at least' if check.measure in AT_LEAST else 'at most'} {written(check.measure, check.threshold)}",
            written(check.measure, check.value),
            _result(check),
            check.note,
        ]
        for check in gate.checks
    ]


def _result(check: GateCheck) -> str:
    """`held`, `held by 1.0 points`, `missed by 3.20s`, or `missed` where the value is unknown."""
    return f"{'held' if check.passed else 'missed'}{distance(check.measure, check.value, check.threshold)}"


def rungs(verdict: Verdict) -> list[str]:
    """The routes of the repair map, in its order. A row may lack some: the longest come first."""
    rows = sorted(verdict.repair_map, key=lambda row: len(row.rungs), reverse=True)
    return list(dict.fromkeys(rung.route for row in rows for rung in row.rungs))


def repair_cells(row: ClusterRepair, names: Sequence[str]) -> list[tuple[str, str]]:
    """Misses of samples, and the state; a dash where the rung was not judged."""
    seen = {rung.route: (f"{rung.misses:,}/{rung.samples:,}", rung.state) for rung in row.rungs}
    return [seen.get(name, (NOTHING, "")) for name in names]


def unmissed(verdict: Verdict) -> list[str]:
    clean = sum(1 for row in verdict.repair_map if not row.missed)
    return [f"  {counted(clean, 'cluster')} without a miss on any rung"] if clean else []


def spaced(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


def _cut(text: str, longest: int) -> str:
    clean = one_line(text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def comparison_title(verdict: Verdict) -> str:
    margin = verdict.comparisons[0].margin * 100
    baselines = listed(dict.fromkeys(comparison.baseline for comparison in verdict.comparisons))
    read = f"95% intervals, in points; within ±{margin:g} is equivalent; mde: what could be seen"
    return f"against {one_line(baselines)}, paired by task: {read}"


def comparison_rows(verdict: Verdict) -> list[list[str]]:
    return [
        [
            _cut(comparison.route, 24),
            f"{comparison.tasks:,}",
            _difference(comparison.strict_pass),
            _difference(comparison.credit),
            {True: "yes", False: "not shown", None: NOTHING}[comparison.not_worse],
            NOTHING if comparison.mde is None else f"{comparison.mde * 100:.1f}",
        ]
        for comparison in verdict.comparisons
    ]


def comparison_notes(verdict: Verdict) -> list[str]:
    """What a route's speed and cost are to the baseline's, and whose comparison is on fewer tasks than were judged."""
    return [*(f"{one_line(one.route)}: {_served(one)}" for one in verdict.comparisons if one.tasks), *_unpaired(verdict)]


def _served(comparison: Comparison) -> str:
    """`5.2x lower p50, 6.0x lower cost`, and between routes of one model the generated tokens: `18.8x fewer tokens`."""
    cost = "unpriced" if comparison.cost_ratio is None else times(comparison.cost_ratio, "cost")
    told = [times(comparison.latency_p50_ratio, "p50"), cost]
    if comparison.tokens_ratio is not None:
        told.append(times(comparison.tokens_ratio, "tokens", "fewer", "more"))
    return ", ".join(told)


def _difference(seen: Difference) -> str:
    """In points: `+1.3 [-2.1, 4.7] inconclusive`."""
    if seen.difference is None:
        return NOTHING
    interval = "" if seen.low is None or seen.high is None else f"[{seen.low * 100:.1f}, {seen.high * 100:.1f}] "
    return f"{signed(seen.difference * 100, 1)} {interval}{seen.verdict}"


def _unpaired(verdict: Verdict) -> list[str]:
    """Whose comparison is on fewer tasks than were judged."""
    return [
        f"{one_line(comparison.route)}: {counted(comparison.unpaired, 'task')} without a partner, new or changed, left out"
        for comparison in verdict.comparisons
        if comparison.unpaired
    ]
