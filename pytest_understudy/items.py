"""Between pytest's items and marks and our words.

In: an item, or the marks of a test. Out: the plan that it draws, a test's parameters, the figures for its report. Light, as the
entry module is: the house's types are imported for types alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import TaskError

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .options import Options
    from .sampling.run import Plan, Run
    from .suite.task import Task

PLAN = "_understudy_plan"  # the fixture by which an item has its plan


def header(evaluation: Evaluation, options: Options, record: str) -> str:
    """The line above the tests; `record` is what the record's folder is called."""
    names = ", ".join(route.name for route in evaluation.routes if route.name != evaluation.beside)
    if options.baseline is not None:
        names = f"{names}; baseline {options.baseline}"
    if evaluation.drawing.allowance is not None:
        names = f"{names}; spend limit {evaluation.drawing.allowance.written}"
    return f"understudy: {'ladder' if options.ladder else 'routes'} {names}; replay {options.replay}; record {record}"


def plan_of(item: pytest.Item) -> Plan | None:
    """The plan of an item of a holdout test."""
    callspec = getattr(item, "callspec", None)
    plan: Plan | None = None if callspec is None else callspec.params.get(PLAN)
    return plan


def asked_for(item: pytest.Item) -> Plan | None:
    """The plan of an item that asks for a run."""
    return plan_of(item) if "run" in getattr(item, "fixturenames", ()) else None


def ahead(item: pytest.Item) -> Plan | None:
    """The item's plan, unless it may be skipped: then it is drawn when it runs, if it does."""
    skipped = any(item.iter_markers("skip")) or any(item.iter_markers("skipif"))
    never = not item.config.option.runxfail and any(not mark.kwargs.get("run", True) for mark in item.iter_markers("xfail"))
    return None if skipped or never else asked_for(item)


def holdout_marks(definition: pytest.Item) -> list[pytest.Mark]:
    """The test's marks, nearest first; a function's own go before its class's and its module's, which then do not count."""
    found = list(definition.iter_markers_with_node("holdout"))
    return [mark for node, mark in found if node is found[0][0]]


def marked(marks: Sequence[pytest.Mark], at: str) -> tuple[list[str | Task], int | None]:
    """What a test's marks name, and their samples a task (None where they say nothing); TaskError where they make no sense."""
    from .suite.task import Task

    named = [name for mark in reversed(marks) for name in mark.args]
    counts = [mark.kwargs["samples"] for mark in marks if mark.kwargs.get("samples") is not None]
    if unknown := {key for mark in marks for key in mark.kwargs} - {"samples"}:
        raise TaskError(f"holdout takes paths or Tasks, and samples=N; not {sorted(unknown)[0]}", at=at)
    if not named or not all(isinstance(name, str | Path | Task) for name in named):
        raise TaskError("holdout takes the paths of suite files, relative to the test's file, or Tasks", at=at)
    if counts and (not isinstance(counts[0], int) or isinstance(counts[0], bool) or counts[0] < 1):
        raise TaskError(f"holdout's samples is a whole number from 1 up, not {counts[0]!r}", at=at)
    return [str(name) if isinstance(name, Path) else name for name in named], counts[0] if counts else None


def params(evaluation: Evaluation, options: Options, definition: pytest.Item, marks: Sequence[pytest.Mark]) -> list[Any]:
    """A test's parameters: a plan for each route and task, and for what can't be drawn one that is skipped and says why.

    TaskError for what is wrong with the marks or with the files that they name.
    """
    from .sampling.run import Plan

    named, count = marked(marks, definition.nodeid)
    number = options.samples or count or evaluation.config.samples or 1
    tasks = evaluation.tasks(named, definition.path)
    if not tasks:
        return [_skipped(options.split, f"none of its tasks has the split {options.split!r}")]
    found = []
    for route in evaluation.routes:
        for task in tasks:
            plan = Plan(task, route, number)
            if "run" in definition.fixturenames:  # type: ignore[attr-defined]  # a FunctionDefinition has it
                evaluation.want(plan)
            found.append(pytest.param(plan, id=f"{route.name}-{task.id}", marks=known_miss(task)))
    return [*found, *(_skipped(name, f"rung {name!r}: {why}") for name, why in evaluation.skipped.items())]


def _skipped(name: str, why: str) -> Any:
    return pytest.param(None, id=name, marks=pytest.mark.skip(reason=why))


def known_miss(task: Task) -> list[pytest.MarkDecorator]:
    """Only a missed assertion is known: an error in drawing the samples is news."""
    if task.known_miss is None:
        return []
    return [pytest.mark.xfail(reason=f"known miss: {task.known_miss}", raises=AssertionError, strict=False)]


def properties(run: Run) -> list[tuple[str, object]]:
    """The few figures that go into --junitxml."""
    cost = run.cost
    return [
        ("understudy_credit", run.credit),
        ("understudy_strict_pass", run.strict_pass),
        ("understudy_tokens_p95", run.tokens.p95),
        ("understudy_latency_p95", run.latency.p95),
        ("understudy_cost", "unpriced" if cost is None else cost),
    ]
