"""Work that takes several turns: errands at a front desk."""

import pytest


@pytest.mark.holdout("desk.yaml")
def test_desk(task, run):
    assert run.strict_pass >= task.floor.strict_pass
    assert run.credit >= task.floor.credit
    assert run.tokens.p95 <= task.budget.tokens
    assert run.latency.p95 <= task.budget.seconds
