"""The Operations holdout: thirty messages to an operations desk, each drawn a few times on every route that is selected."""

import pytest


@pytest.mark.holdout("operations.yaml", "training.yaml")
def test_operations(task, run):
    assert run.strict_pass >= task.floor.strict_pass
    assert run.credit >= task.floor.credit
    assert run.tokens.p95 <= task.budget.tokens
    assert run.latency.p95 <= task.budget.seconds
