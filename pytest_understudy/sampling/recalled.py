"""A sample that was found in the record, held to what it was drawn in.

In: what was recorded of a workflow. Out: the same with what it did, or nothing where it is stale. The model's texts are worked
through again in a fresh environment: one that answers otherwise than it did would have been asked for other texts.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import EnvironmentCrash, StaleSample
from ..routes.own_thread import OwnThread
from ..routes.turns import retraced
from .draws import Drawn
from .run import Plan


async def recalled(plan: Plan, number: int, found: Drawn, *, only: bool) -> Drawn | None:
    """The sample, with what it did; of a task without an environment as it is.

    Where it is stale: None, for it is to be drawn anew, or an error that says so where nothing may be asked (`only`). Where its
    environment breaks: an error too, for whatever is asked would end in that.
    """
    done = found.completion
    if done is None or plan.task.environment is None:
        return found
    try:
        async with OwnThread() as thread:
            return replace(found, trajectory=await thread.call(retraced, plan.task, done.turns, done.finish))
    except EnvironmentCrash as failure:
        return Drawn(None, crash(failure))
    except StaleSample as failure:
        if not only:
            return None
        name = f"sample {number} of task {plan.task.id!r} on route {plan.route.name!r}"
        way = "run it without --understudy-replay=only to draw it again"
        return Drawn(None, f"{name} is recorded, and its environment answers otherwise now: {failure}; {way}")


def crash(failure: EnvironmentCrash) -> str:
    """What became of an environment, with its traceback, as a sample's error."""
    return "\n".join(part for part in (str(failure), failure.traceback) if part)
