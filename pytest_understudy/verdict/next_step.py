"""What to do next about a cluster's misses, in words.

In: the cluster's rungs, in ladder order, and the one that is looked at for what is left. Out: a phrase. The order is the
article's: first a control, which costs nothing, then training on what is left; and a miss that nothing moved is a reason to look
at the task.
"""

from __future__ import annotations

from collections.abc import Sequence

from .rung import Rung

VARIANTS = 20
"""Training variants for each pair of a task and a check that it failed first: a few wordings of a few values each."""

NOTHING_LEFT = "nothing left to repair"


def next_step(rungs: Sequence[Rung], best: Rung) -> str:
    """The next step for a cluster; `rungs[0]` is what the others are compared with."""
    if not best.misses:
        return _repaired(rungs, best)
    if clean := [rung for rung in rungs if not rung.misses]:
        return _clean(min(clean, key=lambda rung: (rung.state != "repaired", rung.trained)))
    trained = [rung for rung in rungs if rung.trained]
    helping = [rung for rung in rungs if rung.state == "partly" and not rung.trained]
    control = min(helping, key=lambda rung: rung.rate) if helping else None
    if trained:
        return _after_training(rungs, best if best.trained else min(reversed(trained), key=lambda rung: rung.rate), control)
    if control is not None:
        return f"use {control.route!r}, then train: {_variants(control)}"
    if any(rung.controls for rung in rungs):
        return f"train: {_variants(best)}"
    return f"try a control first, such as prefill or no_think; then train: {_variants(best)}"


def _repaired(rungs: Sequence[Rung], best: Rung) -> str:
    fixed = [rung for rung in rungs if rung.state == "repaired"]
    untrained = [rung for rung in fixed if not rung.trained]
    if untrained:
        return f"{untrained[0].route!r} repaired it: no training needed"
    if fixed:
        return f"{fixed[0].route!r} repaired it: {NOTHING_LEFT}"
    if rungs[0].misses:
        return f"no miss left on {best.route!r}, which may be luck: draw more samples"
    return NOTHING_LEFT


def _clean(rung: Rung) -> str:
    """A rung without a miss, where the one that is looked at has some."""
    if rung.state == "repaired":
        return f"use {rung.route!r}, which repaired it"
    if rung.state == "unclear":
        return f"use {rung.route!r} if more samples bear it out"
    return f"use {rung.route!r}, which misses nothing here"


def _after_training(rungs: Sequence[Rung], trained: Rung, control: Rung | None) -> str:
    """`trained` is the trained rung with misses to look at; `control` one that repaired a part without training."""
    if all(rung.state in ("first", "unchanged") for rung in rungs):
        return "stable miss: look at the task"
    if trained.state == "regressed":
        return f"{trained.route!r} made it worse: look at its training data for `{trained.failing[0].check}`"
    if control is not None and control.rate < trained.rate:
        return f"use {control.route!r}, and add {_variants(control, 'training variants')}"
    if trained.state == "partly":
        return f"add {_variants(trained, 'more training variants')}"
    moved = "is unclear" if trained.state == "unclear" else "did nothing"
    return f"{trained.route!r} {moved}: draw more samples, or add {_variants(trained, 'more training variants')}"


def _variants(rung: Rung, noun: str = "variants") -> str:
    """How many, and of what: 20 for each pair of a failing check and a task that fails it first."""
    number = VARIANTS * sum(residual.tasks for residual in rung.failing)
    others = len(rung.failing) - 1
    more = f" and {others} other {'check' if others == 1 else 'checks'}" if others else ""
    return f"about {number} {noun} of `{rung.failing[0].check}`{more}"
