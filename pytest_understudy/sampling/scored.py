"""From what was drawn to a Sample: its score and its price.

In: a plan and one of its draws, new or from the record. Out: a Sample. Neither score nor price is in the record: a suite can be
scored and priced again without asking again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..endpoints.endpoint import Completion, Exchange, Tokens
from ..errors import EnvironmentCrash, ScorerError, StaleSample
from ..routes.turns import retraced
from ..scoring.score import Check, Score
from ..scoring.scorers import judged, judged_trajectory
from ..suite.task import Task
from .draws import Drawn, moment, summed
from .recalled import crash
from .run import Plan, Sample

Judged = dict[tuple[str, str], tuple[Any, Score]]  # by output and finish


def samples_of(plan: Plan, drawn: Iterable[Drawn]) -> list[Sample]:
    """The samples of a run, by number. Of equal answers one is judged, and its value is theirs: repetitive work has many."""
    judged: Judged = {}
    return [sample_of(plan, number, one, judged) for number, one in enumerate(drawn)]


def sample_of(plan: Plan, number: int, drawn: Drawn, known: Judged | None = None) -> Sample:
    """The sample of a draw. A scorer's exception makes it an error, not a miss of the model; so does an environment's.

    `known`: what answers to the same task came to before; this one is added.
    """
    done = drawn.completion
    if done is None:
        return _error(plan, number, drawn)
    cost, uncached = _dollars(plan, drawn, done.requests)
    error = None
    try:
        value, score = _judged(plan.task, drawn, done, {} if known is None else known)
    except (ScorerError, StaleSample, EnvironmentCrash) as failure:
        error = crash(failure) if isinstance(failure, EnvironmentCrash) else str(failure)
        value, score = None, _no_score(error)
    return Sample(
        number=number,
        output=done.output,
        value=value,
        finish=done.finish,
        score=score,
        tokens=done.tokens,
        latency=done.latency,
        waited=done.waited,
        requests=len(done.requests),
        cost=cost,
        uncached=uncached,
        error=error,
        replayed=drawn.replayed,
        at=drawn.at,
        digest=hashlib.sha256(done.output.encode("utf-8", "replace")).hexdigest()[:16],
        turns=done.turns,
    )


def _judged(task: Task, drawn: Drawn, done: Completion, known: Judged) -> tuple[Any, Score]:
    """A workflow is judged by what it did: where nobody has told it yet, as of a line read from a record, it is done again."""
    if task.environment is None:
        if not isinstance(task.scorer, str) or ":" in task.scorer:  # a suite's own may not say the same twice
            return judged(task, done.output, done.finish)
        answer = (done.output, done.finish)
        if answer not in known:
            known[answer] = judged(task, *answer)
        return known[answer]
    try:
        trajectory = drawn.trajectory or retraced(task, done.turns, done.finish)
    except StaleSample as failure:
        raise StaleSample(f"its environment answers otherwise when the same is done again: {failure}") from failure
    return judged_trajectory(task, trajectory, done.finish, done.output)


def _error(plan: Plan, number: int, drawn: Drawn) -> Sample:
    """An error; what was answered before it was paid for."""
    cost, uncached = _dollars(plan, drawn, drawn.answered)
    return replace(
        sample_of_error(number, drawn.error or "no answer"),
        tokens=summed(drawn.answered),
        requests=len(drawn.answered),
        at=drawn.at,
        cost=cost,
        uncached=uncached,
    )


def sample_of_error(number: int, error: str) -> Sample:
    """A sample that was never answered."""
    return Sample(
        number=number,
        output="",
        value=None,
        finish="error",
        score=_no_score(error),
        tokens=Tokens(),
        latency=None,
        error=error,
    )


def _no_score(error: str) -> Score:
    return Score(0.0, False, (Check("error", False, error),))


def _dollars(plan: Plan, drawn: Drawn, requests: Sequence[Exchange]) -> tuple[float | None, float | None]:
    """What the requests of a sample cost, as billed and uncached; None where that of one of them is unknown."""
    if (price := plan.route.price) is None:
        return None, None
    at = moment(drawn.at) if drawn.at else None
    if len(requests) == 1:  # as most are: this is for every sample
        tokens = requests[0].tokens
        return price.cost(tokens, at), price.uncached(tokens, at)
    tokens_of = [request.tokens for request in requests]
    return _total([price.cost(tokens, at) for tokens in tokens_of]), _total([price.uncached(tokens, at) for tokens in tokens_of])


def _total(costs: Sequence[float | None]) -> float | None:
    """The sum; None where a part is unknown, for a cost that leaves something out is no cost."""
    return math.fsum(cost for cost in costs if cost is not None) if costs and None not in costs else None
