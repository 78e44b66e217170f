"""A form for customers' e-mails, as a holdout: ten of them, each drawn a few times on every route of the ladder."""

import pytest


@pytest.mark.holdout("emails.yaml")
def test_emails(task, run):
    assert run.strict_pass >= task.floor.strict_pass
    assert run.credit >= task.floor.credit
    assert run.tokens.p95 <= task.budget.tokens
    assert run.latency.p95 <= task.budget.seconds
