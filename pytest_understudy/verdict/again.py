"""A Verdict, read back from its JSON report.

In: what `json.loads` made of a report. Out: the Verdict that it tells, from which any other report can be drawn. What the report
does not tell (an older version wrote it) is None or empty, never made up. Outputs are in no report, and prices are read as words:
nothing is priced again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from ..endpoints.endpoint import Sampling, Tokens
from ..errors import UnderstudyError
from ..routes.price import Pricing
from ..routes.route import Route
from .break_even import BreakEven, MachineBreakEven
from .comparison import Comparison, Difference, report_in
from .fallback import Fallback
from .gate import GateCheck, GateVerdict
from .ladder import Promotion
from .machine import Machine, MachineTime
from .measures import Measure
from .repair import ClusterRepair, trained
from .residual import Residual
from .route_figures import CategoryFigures, Cost, Rate, RouteFigures
from .rung import Rung
from .session import Session
from .tally import OUTCOMES
from .task_figures import TaskFigures
from .verdict import Verdict


@dataclass(frozen=True, slots=True)
class ToldPrice:
    """A price as a report tells it. Costs are in the report; asked for another one, it knows none."""

    source: str
    date: str | None
    words: str
    rates: dict[str, float] = field(default_factory=dict)
    parts: tuple[str, ...] = ()  # paid for as input

    def cost(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        return None

    def uncached(self, tokens: Tokens, at: datetime | None = None) -> float | None:
        return None

    def cached_saving(self, prompt: float) -> float:
        return 0.0

    def as_input(self, tokens: Tokens) -> tuple[str, ...]:
        return self.parts


def verdict_from_json(data: object, name: str) -> Verdict:
    """The verdict of a report; UnderstudyError (`name` is its place) where `data` is none that this version can read."""
    report = report_in(data, name)
    try:
        return _verdict(report)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as failure:
        raise UnderstudyError(f"no whole JSON report of pytest-understudy: {failure!r}", at=name) from failure


def _verdict(data: Mapping[str, Any]) -> Verdict:
    routes = tuple(_route(entry) for entry in data["routes"])
    gate = data.get("gate") or {}
    session = data.get("session") or {}
    return Verdict(
        routes=routes,
        gate=None if gate.get("passed") is None else _gate(gate),
        promotion=Promotion(data["promotion"]["route"], data["promotion"]["reason"]),
        ladder=bool(data.get("ladder", False)),
        comparisons=tuple(_comparison(entry) for entry in data.get("comparisons", ())),
        repair_map=tuple(_repair(entry, routes) for entry in data.get("repair_map", ())),
        session=Session(session.get("command") or "", dict(session.get("versions") or {})),
    )


def _route(entry: Mapping[str, Any]) -> RouteFigures:
    by_task = tuple(_task(task) for task in entry["by_task"])
    controls = tuple(entry.get("controls", ()))
    sampling = {name: value for name, value in (entry.get("sampling") or {}).items() if name in Sampling.__slots__}
    tokens = entry.get("tokens") or {}
    outcomes = entry.get("outcomes") or {}
    latency = entry.get("latency") or {}
    cost = entry.get("cost") or {}
    strict = entry["strict_pass"]
    return RouteFigures(
        route=Route(
            name=_text(entry["name"]),
            endpoint=_text(entry["endpoint"]),
            model=entry.get("model"),
            adapter=entry.get("adapter"),
            controls=controls,
            fill="slots" if entry.get("fill") == "slots" else "opening",
            sampling=Sampling(**sampling),
            price=_price(entry.get("price") or {}),
            unpriced=entry.get("unpriced") or "",
            training_cost=entry.get("training_cost"),
            production_cached_share=entry.get("production_cached_share"),
            label=entry.get("label") or "",
        ),
        by_task=by_task,
        tasks=entry["tasks"],
        samples=entry["samples"],
        planned=entry.get("planned", entry["samples"]),
        drawn=entry.get("drawn", entry["samples"]),
        undrawn=entry.get("undrawn", False),
        errors=entry["errors"],
        replayed=entry.get("replayed", 0),
        credit=Rate(*(entry["credit"].get(name) for name in ("mean", "low", "high", "sd"))),
        strict_pass=Rate(*(strict.get(name) for name in ("rate", "low", "high"))),
        pass_hat={int(k): value for k, value in (entry.get("pass_hat") or {}).items()},
        outcomes={outcome: outcomes.get(outcome) for outcome in OUTCOMES},
        cut=entry.get("cut"),
        latency_p50=latency.get("p50"),
        latency_p95=latency.get("p95"),
        waited=entry.get("waited") or 0.0,
        tokens=Tokens.from_json(tokens),
        generated_mean=entry.get("generated_mean"),
        requests=entry.get("requests", 0),
        cost=Cost(**{name: cost.get(name) for name in Cost.__slots__}),
        categories=tuple(
            CategoryFigures(**{name: one[name] for name in CategoryFigures.__slots__}) for one in entry.get("categories", ())
        ),
        residual=tuple(Residual(**{name: one[name] for name in Residual.__slots__}) for one in entry.get("residual", ())),
        frontier=entry.get("frontier"),
        hourly=entry.get("hourly", False),
        machine=_machine_time(entry.get("machine")),
    )


def _task(entry: Mapping[str, Any]) -> TaskFigures:
    given = {name: entry.get(name) for name in TaskFigures.__slots__}
    for name in ("task", "file", "hash"):
        _text(entry[name])
    given["confirm"] = bool(given["confirm"])
    for name in ("category", "cluster"):
        given[name] = given[name] or ""
    return TaskFigures(**{**given, "samples": entry["samples"], "errors": entry["errors"]})


def _price(entry: Mapping[str, Any]) -> Pricing | None:
    if (source := entry.get("source")) is None:
        return None
    return ToldPrice(
        source, entry.get("date"), entry.get("words") or "", dict(entry.get("rates") or {}), tuple(entry.get("as_input") or ())
    )


def _machine_time(entry: Mapping[str, Any] | None) -> MachineTime | None:
    """`cold_start` is told for all starts together."""
    if entry is None:
        return None
    starts = entry["starts"]
    cold = None if entry["cold_start"] is None else entry["cold_start"] / starts
    machine = Machine(entry["hourly"], entry["machines"], entry["utilisation"], cold)
    return MachineTime(machine, entry["busy"], entry["idle"], starts)


def _gate(entry: Mapping[str, Any]) -> GateVerdict:
    checks = tuple(_check(check) for check in entry["checks"])
    judged = entry.get("judged") or list(dict.fromkeys(check.route for check in checks))
    missed = {check.route for check in checks if not check.passed and not check.advisory}
    held = entry.get("held_by", [name for name in judged if name not in missed])
    return GateVerdict(entry["passed"], checks, tuple(judged), tuple(held))


def _check(entry: Mapping[str, Any]) -> GateCheck:
    if entry["measure"] not in get_args(Measure):
        raise ValueError(f"no measure {entry['measure']!r}")
    return GateCheck(**{name: entry[name] for name in GateCheck.__slots__ if name in entry})


def _comparison(entry: Mapping[str, Any]) -> Comparison:
    return Comparison(
        route=entry["route"],
        baseline=entry["baseline"],
        tasks=entry.get("tasks", 0),
        unpaired=entry.get("unpaired", 0),
        margin=entry.get("margin", 0.02),
        credit=Difference(**entry["credit"]),
        strict_pass=Difference(**entry["strict_pass"]),
        bound=entry.get("bound"),
        mde=entry.get("mde"),
        latency_p50_ratio=entry.get("latency_p50_ratio"),
        tokens_ratio=entry.get("tokens_ratio"),
        cost_ratio=entry.get("cost_ratio"),
        break_even=_break_even(entry.get("break_even")),
    )


def _break_even(entry: Mapping[str, Any] | None) -> BreakEven | None:
    if entry is None:
        return None
    machine, fallback = entry.get("machine"), entry.get("fallback")
    return BreakEven(
        baseline_cost=entry["baseline_cost"],
        route_cost=entry["route_cost"],
        failure_cost=entry["failure_cost"],
        training_cost=entry["training_cost"],
        evaluation_cost=entry["evaluation_cost"],
        machine=None
        if machine is None
        else MachineBreakEven(
            Machine(machine["hourly"], machine["machines"], machine["utilisation"]),
            machine["capacity_a_month"],
            machine["tasks_a_month"],
        ),
        fallback=None if fallback is None else Fallback(**fallback),
    )


def _repair(entry: Mapping[str, Any], routes: Sequence[RouteFigures]) -> ClusterRepair:
    by_name = {route.name: route for route in routes}
    first = routes[0].route
    rungs = tuple(
        Rung(
            route=rung["route"],
            misses=rung["misses"],
            samples=rung["samples"],
            state=rung["state"],
            controls=by_name[rung["route"]].route.controls,
            trained=trained(by_name[rung["route"]].route, first),
            failing=tuple(one for one in by_name[rung["route"]].residual if one.cluster == entry["cluster"]),
        )
        for rung in entry["rungs"]
    )
    best = next((rung for rung in rungs if rung.route == entry.get("best")), rungs[-1])
    return ClusterRepair(entry["cluster"], entry.get("category", ""), entry.get("tasks", 0), rungs, best, entry["next"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value
