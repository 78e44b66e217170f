"""Work that takes several turns: the messages of an operations desk."""

import pytest


@pytest.mark.holdout("workflows.yaml")
def test_workflows(task, run):
    assert run.strict_pass >= task.floor.strict_pass
    assert run.credit >= task.floor.credit
    assert run.tokens.p95 <= task.budget.tokens
    assert run.latency.p95 <= task.budget.seconds
