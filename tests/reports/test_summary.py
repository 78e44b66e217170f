"""What a spend limit left, in one line."""

from __future__ import annotations

import pytest

from pytest_understudy.reports.summary import spending_line
from pytest_understudy.sampling.allowance import Allowance, Spent
from pytest_understudy.sampling.run import Run
from pytest_understudy.sampling.scored import sample_of_error
from tests.sampling.made import plan

LIMIT = Allowance(0.02, 0.02)


def run(route: str, planned: int, left: int, task: str = "lamp") -> Run:
    """A run of which so many samples were left undrawn by the limit, and one failed for another reason."""
    samples = [sample_of_error(number, f"not drawn: {LIMIT.reached}") for number in range(left)]
    samples.append(sample_of_error(left, "not drawn: the session ended"))
    return Run.of(plan(task, route=route, samples=planned), samples)


@pytest.mark.parametrize(
    ("spent", "runs", "line"),
    [
        (Spent(0.0123), [run("raw", 45, 20, "a"), run("raw", 45, 21, "b")], "spent $0.0123 of $0.02; 41 of 90 samples not drawn"),
        (Spent(0.01), [run("raw", 3, 2), run("mute", 3, 0)], "spent $0.01 of $0.02; 2 of 6 samples not drawn (raw 2, mute 0)"),
        (Spent(0.019996), [run("raw", 3, 0)], "spent $0.02 of $0.02"),
        (Spent(), [], "spent $0 of $0.02"),
        (Spent(1e-6, 0.5), [], "spent $0.000001 of $0.02, and up to $0.5 for answers whose cost nobody told"),
    ],
)
def test_what_was_spent_and_what_was_not_drawn(spent: Spent, runs: list[Run], line: str) -> None:
    assert spending_line(LIMIT, spent, runs) == line
