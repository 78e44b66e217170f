"""Where prices come from, what a machine by the hour costs, and from when on a route pays, as lines of text.

In: RouteFigures, a Verdict. Out: lines without colour. What is unknown is said to be, and never written as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import listed
from ..verdict.break_even import BreakEven, MachineBreakEven
from ..verdict.comparison import Comparison
from ..verdict.fallback import Fallback
from ..verdict.route_figures import RouteFigures
from ..verdict.verdict import Verdict
from ..verdict.written import counted, dollars, percent, seconds, tokens
from .printable import one_line


def price_lines(routes: Sequence[RouteFigures]) -> list[str]:
    """A line for each price: what it says, where it is from, of which day, and whose it is where that is not every route's.

    Empty where nothing is priced.
    """
    by_price: dict[str, list[str]] = {}
    for route in routes:
        price = route.route.price
        if price is not None:
            words = f"{price.words} ({price.source}{f', {price.date}' if price.date else ''})"
            by_price.setdefault(one_line(words), []).append(route.name)
    return [f"price{'' if len(names) == len(routes) else f' of {listed(names)}'}: {words}" for words, names in by_price.items()]


def machine_note(route: RouteFigures) -> str:
    """How the loaded cost comes about, and that the serving cost is not paid; empty without a machine by the hour."""
    if not route.hourly or not route.judged:
        return ""
    time = route.machine
    if time is None:
        return "its machine is paid for by the hour, and when its samples were in flight is not known: no loaded cost"
    machine = time.machine
    if machine.cold_start is None:
        cold = "cold start not counted"
    else:
        cold = f"cold start {seconds(time.cold)}{f' in {time.starts} starts' if time.starts > 1 else ''}"
    number = f" x {machine.machines}" if machine.machines > 1 else ""
    return (
        f"loaded cost {dollars(time.dollars)}: {dollars(machine.hourly)} an hour{number}, {cold}, busy {seconds(time.busy)},"
        f" idle {seconds(time.idle)}; its serving cost is notional"
    )


def break_evens(verdict: Verdict) -> list[list[str]]:
    """For each route that holds the gate, what it saves against the baseline, and from when on: a line for each thing said.

    Empty without a baseline, or where none holds the gate.
    """
    return [_break_even(one, one.break_even) for one in verdict.comparisons if one.break_even is not None]


def _break_even(comparison: Comparison, found: BreakEven) -> list[str]:
    lines = [f"{one_line(comparison.route)} holds the gate: {_saved(found)}", _payback(found)]
    if found.machine is not None:
        lines.append(_machine(found, found.machine))
    if found.fallback is not None:
        lines.append(_fallback(found.fallback))
    return [line for line in lines if line]


def _saved(found: BreakEven) -> str:
    if found.saved_per_1000 is None:
        return "unpriced, so what it saves is unknown"
    figures = f"{dollars(found.route_cost)} expected a task against {dollars(found.baseline_cost)}"
    if found.saved_per_1000 <= 0:
        return f"saves nothing per 1,000 tasks, costs {dollars(-found.saved_per_1000)} more ({figures})"
    return f"saves {dollars(found.saved_per_1000)} per 1,000 tasks ({figures})"


def _payback(found: BreakEven) -> str:
    costs = [] if found.training_cost is None else [f"its training ({dollars(found.training_cost)})"]
    if found.evaluation_cost is not None:
        costs.append(f"this evaluation ({dollars(found.evaluation_cost)})")
    if found.saved is None:
        return ""
    if found.payback_tasks is None:
        return "unpriced, so when it has paid for its evaluation is unknown"
    verb = "are" if len(costs) > 1 else "is"
    if found.payback_tasks == "never":
        return f"{' and '.join(costs)} {verb} never paid back"
    return f"{' and '.join(costs)} {verb} paid back after {counted(found.payback_tasks, 'task')}"


def _machine(found: BreakEven, machine: MachineBreakEven) -> str:
    number = machine.machine.machines
    name = f"{f'{number} machines' if number > 1 else 'its machine'} at {dollars(machine.machine.hourly)} an hour"
    verb = "pay" if number > 1 else "pays"
    if machine.tasks == "never":
        least = "" if machine.capacity is None else f", with room for {tokens(machine.capacity)} tasks a month"
        return f"{name} never {verb}{least}"
    if machine.tasks is None:
        why = "it is unpriced" if found.saved is None else "what it can do was not measured"
        return f"from how many tasks a month {name} {verb} is unknown: {why}"
    use = f"{'they do' if number > 1 else 'it does'} {tokens(machine.capacity)} at {percent(machine.machine.utilisation, 0)} use"
    return f"{name} {verb} from {counted(machine.tasks, 'task')} a month ({use})"


def _fallback(fallback: Fallback) -> str:
    if not fallback.detectable:
        return "it has no detectable miss to send to the baseline"
    cost = "unpriced" if fallback.cost is None else f"{dollars(fallback.cost)} a task"
    sent = f"its detectable misses ({percent(fallback.detectable)}) sent to the baseline"
    return f"{sent}: {cost}, strict pass {percent(fallback.strict_pass)}"
