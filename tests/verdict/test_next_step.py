from __future__ import annotations

from typing import Any

import pytest

from pytest_understudy.verdict.next_step import next_step
from pytest_understudy.verdict.residual import Residual
from pytest_understudy.verdict.rung import Rung, State

CHECK = "jira.create.severity"


def rung(name: str, misses: int, state: State, *, of: int = 6, checks: dict[str, int] | None = None, **more: Any) -> Rung:
    """A rung of a cluster; `checks` says of how many tasks each check was the first to fail."""
    named = checks or ({CHECK: 1} if misses else {})
    failing = tuple(Residual("Incident", "Mail", check, tasks, 1, 0.1) for check, tasks in named.items())
    return Rung(name, misses, of, state, failing=failing, **more)


RAW = rung("raw", 6, "first")


def prefill(misses: int, state: State, **more: Any) -> Rung:
    return rung("prefill", misses, state, controls=("prefill",), **more)


def nothink(misses: int, state: State, **more: Any) -> Rung:
    return rung("nothink", misses, state, controls=("no_think",), **more)


def sft(misses: int, state: State, **more: Any) -> Rung:
    return rung("sft", misses, state, controls=("no_think",), trained=True, **more)


@pytest.mark.parametrize(
    ("rungs", "best", "words"),
    [
        ([rung("raw", 0, "first"), prefill(0, "unchanged")], 1, "nothing left to repair"),
        ([rung("raw", 0, "first"), prefill(5, "regressed")], 0, "nothing left to repair"),
        ([RAW, prefill(0, "repaired")], 1, "'prefill' repaired it: no training needed"),
        ([RAW, prefill(0, "repaired"), sft(0, "repaired")], 2, "'prefill' repaired it: no training needed"),
        ([RAW, prefill(6, "unchanged"), sft(0, "repaired")], 2, "'sft' repaired it: nothing left to repair"),
        (
            [rung("raw", 1, "first"), prefill(0, "unclear")],
            1,
            "no miss left on 'prefill', which may be luck: draw more samples",
        ),
        ([RAW, prefill(0, "repaired"), nothink(2, "partly")], 2, "use 'prefill', which repaired it"),
        ([RAW, sft(0, "repaired"), nothink(2, "partly")], 2, "use 'sft', which repaired it"),
        ([RAW, sft(0, "repaired"), prefill(0, "repaired"), nothink(2, "partly")], 3, "use 'prefill', which repaired it"),
        ([rung("raw", 1, "first"), prefill(0, "unclear"), sft(1, "unchanged")], 2, "use 'prefill' if more samples bear it out"),
        ([rung("raw", 0, "first"), prefill(2, "unclear")], 1, "use 'raw', which misses nothing here"),
        ([rung("raw", 0, "first"), prefill(2, "unclear"), sft(0, "unchanged")], 1, "use 'raw', which misses nothing here"),
        ([RAW, prefill(2, "partly")], 1, f"use 'prefill', then train: about 20 variants of `{CHECK}`"),
        ([RAW, nothink(4, "partly"), prefill(2, "partly")], 1, f"use 'prefill', then train: about 20 variants of `{CHECK}`"),
        ([RAW, prefill(6, "unchanged"), nothink(5, "unclear")], 2, f"train: about 20 variants of `{CHECK}`"),
        ([RAW], 0, f"try a control first, such as prefill or no_think; then train: about 20 variants of `{CHECK}`"),
        ([RAW, prefill(6, "unchanged"), sft(2, "partly")], 2, f"add about 20 more training variants of `{CHECK}`"),
        ([RAW, prefill(6, "unchanged"), sft(2, "partly")], 1, f"add about 20 more training variants of `{CHECK}`"),
        ([RAW, prefill(1, "partly"), sft(3, "partly")], 2, f"use 'prefill', and add about 20 training variants of `{CHECK}`"),
        ([RAW, prefill(6, "unchanged"), sft(6, "unchanged")], 2, "stable miss: look at the task"),
        (
            [rung("raw", 2, "first"), prefill(2, "unchanged"), sft(6, "regressed")],
            2,
            f"'sft' made it worse: look at its training data for `{CHECK}`",
        ),
        (
            [RAW, prefill(6, "unchanged"), sft(5, "unclear")],
            2,
            f"'sft' is unclear: draw more samples, or add about 20 more training variants of `{CHECK}`",
        ),
        (
            [RAW, prefill(5, "unclear"), sft(6, "unchanged")],
            1,
            f"'sft' did nothing: draw more samples, or add about 20 more training variants of `{CHECK}`",
        ),
    ],
)
def test_the_next_step(rungs: list[Rung], best: int, words: str) -> None:
    assert next_step(rungs, rungs[best]) == words


def test_variants_grow_with_the_checks_that_fail_and_the_tasks_that_fail_them() -> None:
    many = nothink(5, "unclear", checks={CHECK: 2, "slack.post.channel": 1, "parsed": 1})
    assert next_step([RAW, many], many) == f"train: about 80 variants of `{CHECK}` and 2 other checks"
    two = nothink(5, "unclear", checks={CHECK: 1, "parsed": 1})
    assert next_step([RAW, two], two) == f"train: about 40 variants of `{CHECK}` and 1 other check"


def test_of_several_trained_rungs_the_one_with_the_fewest_misses_is_trained_on() -> None:
    early, late = sft(3, "partly", checks={"early": 1}), rung("sft-form", 1, "partly", trained=True, checks={"late": 1})
    assert next_step([RAW, prefill(6, "unchanged"), early, late], RAW) == "add about 20 more training variants of `late`"
    assert next_step([RAW, prefill(6, "unchanged"), early, late], early) == "add about 20 more training variants of `early`"
