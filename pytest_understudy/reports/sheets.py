"""What stands in the page's tables.

In: a Verdict. Out: Sheets: the ladder as in the article, categories, repair map, tasks, comparisons, gate, prices, how each route
was asked. Numbers are written as everywhere (verdict/written.py); what is unknown is "-" or "unpriced", never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import listed
from ..verdict.comparison import Comparison, Difference
from ..verdict.gate import GateCheck, GateVerdict
from ..verdict.measures import AT_LEAST, WORDS, Measure, distance, written
from ..verdict.repair import ClusterRepair
from ..verdict.route_figures import Rate, RouteFigures
from ..verdict.rung import State
from ..verdict.task_figures import TaskFigures
from ..verdict.verdict import Verdict
from ..verdict.written import NOTHING, counted, credit, dollars, percent, points, seconds, signed, times, tokens
from .money import break_evens, price_lines
from .printable import one_line
from .sheet import Cell, Column, Interval, Row, Sheet, figure
from .table import notes_on

UNPRICED = "unpriced"

STATES: dict[State, str] = {
    "first": "first rung: what the others are compared with",
    "repaired": "missed less, surely (95 %), and no miss is left",
    "partly": "missed less, surely (95 %), with misses left",
    "unclear": "changed, but chance may have done it",
    "unchanged": "the same misses",
    "regressed": "missed more, surely (95 %)",
}


def ladder_sheet(verdict: Verdict) -> Sheet:
    """The article's columns, with intervals, replayed samples and errors."""
    harm = any(route.outcomes["harm"] for route in verdict.routes)
    hourly = any(route.hourly for route in verdict.routes)
    hats = sorted({k for route in verdict.routes for k, value in route.pass_hat.items() if value is not None and k > 1})
    columns = [
        Column("route"),
        Column("avg", "± sd", "figure"),
        Column("strict", "95% interval", "figure"),
        *([Column(f"pass^{hats[0]}", f"pass^{hats[-1]}" if len(hats) > 1 else "", "figure")] if hats else []),
        Column("silent", "", "figure"),
        *([Column("harm", "", "figure")] if harm else []),
        Column("p50", "p95", "figure"),
        Column("generated", "total tokens", "figure"),
        Column("serving", "cost", "figure"),
        Column("cost /", "score point", "figure"),
        *([Column("loaded", "cost", "figure")] if hourly else []),
        Column("samples", "replayed", "figure"),
        Column("errors", "", "figure"),
    ]
    threshold = next(
        (check.threshold for check in (verdict.gate.checks if verdict.gate else ()) if check.measure == "strict_pass"), None
    )
    rows = tuple(
        Row(
            (
                Cell(route.name, sub=_about(route), value=place),
                figure(route.credit.mean, credit, sub="" if route.credit.sd is None else f"±{route.credit.sd:.4f}"),
                _strict(route.strict_pass, threshold),
                *([_hats(route, hats)] if hats else []),
                figure(route.outcomes["silent"], percent),
                *([figure(route.outcomes["harm"], percent)] if harm else []),
                figure(route.latency_p50, seconds, sub=seconds(route.latency_p95)),
                figure(route.tokens.generated, tokens, sub=tokens(route.tokens.total)),
                _priced(route, route.cost.serving),
                _priced(route, route.cost.per_score_point),
                *([_loaded(route)] if hourly else []),
                figure(route.samples, _count, sub=_count(route.replayed)),
                figure(route.errors, _count, kind="missed" if route.errors else ""),
            ),
            kind=_kind(verdict, route),
        )
        for place, route in enumerate(verdict.routes)
    )
    told = (
        "Strict: with the 95% interval of the rate on tasks like these, and the gate's threshold as a tick.",
        "Silent: valid and wrong, which no caller can see. pass^k: the chance that k samples of a task all pass.",
        *price_lines(verdict.routes),
        *_notes(verdict),
    )
    return Sheet("ladder", _holdout(verdict), tuple(columns), rows, told, sortable=len(rows) > 1)


def category_sheet(verdict: Verdict) -> Sheet | None:
    """Credit by category, with strict pass below it; None where there is one category alone."""
    names = dict.fromkeys(one.name for route in verdict.routes for one in route.categories)
    routes = [route for route in verdict.routes if route.judged]
    if len(names) < 2:
        return None
    rows = []
    for name in names:
        found = [next((one for one in route.categories if one.name == name), None) for route in routes]
        tasks = max((one.tasks for one in found if one is not None), default=0)
        cells = [
            Cell(NOTHING)
            if one is None or one.credit is None
            else Cell(credit(one.credit), sub=f"{percent(one.strict_pass)} strict", value=one.credit, bar=100 * one.credit)
            for one in found
        ]
        rows.append(Row((Cell(name, sub=counted(tasks, "task"), value=name), *cells)))
    columns = (Column("category"), *(Column(route.name, "", "figure") for route in routes))
    return Sheet("categories", "Credit by category: bar and figure; below it strict pass", columns, tuple(rows), sortable=True)


def repair_sheet(verdict: Verdict) -> Sheet | None:
    """Clusters down, rungs across: misses of judged samples and the state against the first. None where nothing is missed."""
    missed = [row for row in verdict.repair_map if row.missed]
    if not missed:
        return None
    fullest = sorted(verdict.repair_map, key=lambda row: len(row.rungs), reverse=True)
    names = list(dict.fromkeys(rung.route for row in fullest for rung in row.rungs))
    rows = tuple(_repair_row(row, names) for row in missed)
    used = {rung.state for row in missed for rung in row.rungs}
    clean = len(verdict.repair_map) - len(missed)
    notes = [f"{state}: {meaning}." for state, meaning in STATES.items() if state in used]
    if clean:
        notes.append(f"{counted(clean, 'cluster')} without a miss on any rung.")
    if any(task.confirm for route in verdict.routes for task in route.by_task):
        notes.append("Tasks kept for confirmation are left out.")
    columns = (Column("cluster", "what fails first"), *(Column(name) for name in names), Column("next step"))
    caption = "Strict misses of judged samples, and the state against the first rung"
    return Sheet("repair", caption, columns, rows, tuple(notes), sortable=True)


def task_sheet(verdict: Verdict, opened: Mapping[tuple[str, str, str], int]) -> Sheet:
    """Every task on every route: strict passes of judged samples. `opened`: the number of each run whose samples are shown."""
    routes = [route for route in verdict.routes if route.by_task]
    tasks = list(dict.fromkeys((task.file, task.task) for route in routes for task in route.by_task))
    found = {(route.name, *task.name): task for route in routes for task in route.by_task}
    twice = len({task for _, task in tasks}) < len(tasks)
    rows = []
    for name in tasks:
        one = next(found[route.name, *name] for route in routes if (route.name, *name) in found)
        sub = f"{name[0]} · {one.cluster}" if twice else one.cluster
        cells = [_task_cell(found.get((route.name, *name)), opened.get((route.name, *name))) for route in routes]
        head = Cell(one.task, sub=f"{sub} · kept for confirmation" if one.confirm else sub, value=one.task)
        rows.append(Row((head, *cells), words=f"{one.category} {one.cluster} {name[0]}", group=one.category))
    columns = (Column("task", "cluster"), *(Column(route.name, "", "figure") for route in routes))
    return Sheet("tasks", "Strict passes of judged samples", columns, tuple(rows), sortable=True)


def comparison_sheet(verdict: Verdict) -> Sheet | None:
    """Each route against the baseline; None without one."""
    if not verdict.comparisons:
        return None
    baselines = listed(dict.fromkeys(one.baseline for one in verdict.comparisons))
    margin = verdict.comparisons[0].margin * 100
    columns = (
        Column("route"),
        Column("tasks", "paired", "figure"),
        Column("strict pass", "95% interval", "figure"),
        Column("credit", "95% interval", "figure"),
        Column("no worse", f"by {margin:g} points"),
        Column("could see", "points", "figure"),
        Column("p50", "", "figure"),
        Column("tokens", "", "figure"),
        Column("cost", "", "figure"),
    )
    rows = tuple(_comparison_row(one) for one in verdict.comparisons)
    notes = [
        f"Differences in points; within ±{margin:g} is equivalent. Could see: the difference that would be found 4 times in 5."
    ]
    notes += [
        f"{one.route}: {counted(one.unpaired, 'task')} without a partner, new or changed, left out."
        for one in verdict.comparisons
        if one.unpaired
    ]
    notes += ["; ".join(lines) + "." for lines in break_evens(verdict)]
    return Sheet("comparisons", f"Against {baselines}, paired by task", columns, rows, tuple(notes), sortable=len(rows) > 1)


def gate_sheet(verdict: Verdict) -> Sheet | None:
    """Routes down, thresholds across: what each came to, and by how much it held or missed. None without a gate."""
    gate = verdict.gate
    if gate is None or not gate.checks:
        return None
    measures = [measure for measure in WORDS if any(check.measure == measure for check in gate.checks)]
    rows = tuple(
        Row((Cell(name, value=place), Cell(*_held(gate, name)), *(_gate_cell(gate, name, measure) for measure in measures)))
        for place, name in enumerate(gate.judged)
    )
    columns = (Column("route"), Column("gate"), *(Column(WORDS[one], _threshold(gate, one), "figure") for one in measures))
    noted = (f"{check.route}, {WORDS[check.measure]}: {check.note}." for check in gate.checks if check.note)
    rule = "One rung must hold all of it." if verdict.ladder else "Every route must hold all of it."
    return Sheet("gate", "What each route came to, against each threshold", columns, rows, (rule, *dict.fromkeys(noted)))


def price_sheet(verdict: Verdict) -> Sheet:
    """Whose price is what, from where and of which day; routes of one price stand together."""
    by_price: dict[tuple[Cell, ...], list[str]] = {}
    for figures in verdict.routes:
        price = figures.route.price
        if price is None:
            cells = (Cell(UNPRICED, sub=figures.route.unpriced), Cell(NOTHING), Cell(NOTHING))
        else:
            cells = (Cell(price.words or NOTHING), Cell(price.source), Cell(price.date or NOTHING))
        by_price.setdefault(cells, []).append(figures.name)
    rows = tuple(Row((Cell(", ".join(names)), *cells)) for cells, names in by_price.items())
    return Sheet("prices", "Prices, and where they came from", tuple(map(Column, ("route", "price", "source", "of"))), rows)


def asked_sheet(verdict: Verdict) -> Sheet:
    """How each route was asked."""
    columns = ("route", "endpoint", "model", "adapter", "controls", "temperature", "top_p", "max_tokens", "seed")
    rows = []
    for one in verdict.routes:
        route, sampling = one.route, one.route.sampling
        fill = f" ({route.fill})" if "prefill" in route.controls else ""
        said = [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed]
        texts = [route.endpoint, route.model, route.adapter, ", ".join(route.controls) + fill]
        rows.append(
            Row(
                (
                    Cell(route.name, sub=route.label),
                    *(Cell(text or NOTHING) for text in texts),
                    *(
                        Cell(NOTHING if value is None else f"{value:g}" if isinstance(value, float) else f"{value}")
                        for value in said
                    ),
                )
            )
        )
    return Sheet("asked", "How each route was asked; a dash: the server's own default", tuple(map(Column, columns)), tuple(rows))


def _holdout(verdict: Verdict) -> str:
    """`30 tasks, 3 samples each on every route`, as far as that is so."""
    tasks = max((len(route.by_task) for route in verdict.routes), default=0)
    each = {task.samples for route in verdict.routes for task in route.by_task if task.samples}
    drawn = f", {counted(each.pop(), 'sample')} each on every route" if len(each) == 1 else ""
    return f"{counted(tasks, 'task')}{drawn}"


def _notes(verdict: Verdict) -> list[str]:
    """What a reader of a row must know; what holds of every route is said once."""
    by_note: dict[str, list[str]] = {}
    for route in verdict.routes:
        for note in notes_on(route):
            if note != one_line(route.route.label):
                by_note.setdefault(note, []).append(route.name)
    whole = len(verdict.routes)
    return [f"{'Every route' if len(names) == whole > 1 else ', '.join(names)}: {note}." for note, names in by_note.items()]


def _hats(route: RouteFigures, hats: Sequence[int]) -> Cell:
    """The chance that all of k samples of a task pass, for k = 2 and for all of its samples."""
    first, last = route.pass_hat.get(hats[0]), route.pass_hat.get(hats[-1])
    return figure(first, percent, sub=percent(last) if len(hats) > 1 else "")


def _about(route: RouteFigures) -> str:
    marks = [mark for mark, applies in (("partial", route.partial), ("on the frontier", route.frontier)) if applies]
    return " · ".join(part for part in (route.route.label, *marks) if part)


def _kind(verdict: Verdict, route: RouteFigures) -> str:
    return "promoted" if route.name == verdict.promotion.route else ""


def _count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def _strict(rate: Rate, threshold: float | None) -> Cell:
    if rate.mean is None or rate.low is None or rate.high is None:
        return figure(rate.mean, percent)
    interval = Interval(100 * rate.low, 100 * rate.mean, 100 * rate.high, None if threshold is None else 100 * threshold)
    return Cell(percent(rate.mean), sub=f"{rate.low * 100:.0f} to {rate.high * 100:.0f}", value=rate.mean, interval=interval)


def _priced(route: RouteFigures, cost: float | None) -> Cell:
    if route.judged and route.cost.serving is None:
        return Cell(UNPRICED, kind="quiet")
    return figure(cost, dollars)


def _loaded(route: RouteFigures) -> Cell:
    """What a machine by the hour costs needs no price on tokens."""
    return figure(route.cost.loaded, dollars) if route.hourly else _priced(route, route.cost.loaded)


def _repair_row(row: ClusterRepair, names: Iterable[str]) -> Row:
    seen = {rung.route: rung for rung in row.rungs}
    cells = [
        Cell(NOTHING)
        if (rung := seen.get(name)) is None
        else Cell(f"{rung.misses:,}/{rung.samples:,}", sub=rung.state, value=rung.rate, kind=rung.state)
        for name in names
    ]
    return Row((Cell(row.cluster, sub=row.check or "", value=row.cluster), *cells, Cell(row.next, value=row.next)))


def _task_cell(task: TaskFigures | None, opens: int | None) -> Cell:
    if task is None or not task.samples:
        return Cell(NOTHING, sub="not drawn", kind="undrawn")
    if task.strict_pass is None:
        return Cell("errors", sub=counted(task.errors, "error"), value=-1, kind="error", opens=opens)
    passed = task.judged - task.misses
    kind = "all" if not task.misses else "none" if not passed else "some"
    sub = f"credit {credit(task.credit)}" if not task.errors else f"{counted(task.errors, 'error')}, credit {credit(task.credit)}"
    return Cell(f"{passed:,}/{task.judged:,}", sub=sub, value=task.strict_pass, kind=kind, opens=opens)


def _comparison_row(one: Comparison) -> Row:
    shown = {True: "shown", False: "not shown", None: NOTHING}[one.not_worse]
    return Row(
        (
            Cell(one.route, value=one.route),
            figure(one.tasks, _count),
            _difference(one.strict_pass),
            _difference(one.credit),
            Cell(shown, value=shown, kind="held" if one.not_worse else ""),
            figure(one.mde, lambda value: NOTHING if value is None else f"{value * 100:.1f}"),
            _ratio(one.latency_p50_ratio, "", NOTHING),
            _ratio(one.tokens_ratio, "", NOTHING, less="fewer", more="more"),
            _ratio(one.cost_ratio, "", UNPRICED),
        )
    )


def _ratio(ratio: float | None, noun: str, unknown: str, less: str = "lower", more: str = "higher") -> Cell:
    if ratio is None:
        return Cell(unknown, kind="quiet")
    return Cell(times(ratio, noun, less, more).strip(), value=ratio)


def _difference(seen: Difference) -> Cell:
    if seen.difference is None:
        return Cell(NOTHING)
    interval = "" if seen.low is None or seen.high is None else f"{signed(seen.low * 100, 1)} to {signed(seen.high * 100, 1)}, "
    kind = {"better": "held", "equivalent": "held", "worse": "missed", "inconclusive": "unclear"}[seen.verdict]
    return Cell(
        points(seen.difference).removesuffix(" points"), sub=f"{interval}{seen.verdict}", value=seen.difference, kind=kind
    )


def _held(gate: GateVerdict, name: str) -> tuple[str, str, str, str]:
    held = name in gate.held_by
    return ("held" if held else "missed", "", "held" if held else "missed", "held" if held else "missed")


def _threshold(gate: GateVerdict, measure: Measure) -> str:
    found = {check.threshold for check in gate.checks if check.measure == measure}
    if len(found) > 1:
        return ""
    return f"{'at least' if measure in AT_LEAST else 'at most'} {written(measure, found.pop())}"


def _gate_cell(gate: GateVerdict, name: str, measure: Measure) -> Cell:
    check = next((one for one in gate.checks if one.route == name and one.measure == measure), None)
    if check is None:
        return Cell(NOTHING, kind="quiet")
    return Cell(written(measure, check.value), sub=_result(check), value=check.value, kind="held" if check.passed else "missed")


def _result(check: GateCheck) -> str:
    """`held by 1.0 points`; an advisory check says so, since it does not count."""
    told = f"{'held' if check.passed else 'missed'}{distance(check.measure, check.value, check.threshold)}"
    return f"{told}, advisory" if check.advisory else told
