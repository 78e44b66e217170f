"""Hooks that other plugins and conftest.py files may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .endpoints.endpoint import Endpoint
    from .sampling.run import Sample
    from .verdict.verdict import Verdict


@pytest.hookspec(firstresult=True)
def pytest_understudy_endpoint(kind: str, settings: Mapping[str, Any]) -> Endpoint | None:
    """An endpoint of a kind that the config names and we do not have.

    `settings` are the keys of its [endpoints.NAME] table, with `name`, without `kind` and without those of its machine (`hourly`
    and what belongs to it). What is returned fulfils `pytest_understudy.endpoints.endpoint.Endpoint`; where it has `cold_start`
    (seconds), that is counted. Return None for a kind that is not yours. A kind of ours may be replaced too.
    """


@pytest.hookspec
def pytest_understudy_sample(sample: Sample) -> None:
    """Called for each sample once it is scored, in the process that drew it, on the thread that runs tests."""


@pytest.hookspec
def pytest_understudy_verdict(verdict: Verdict) -> None:
    """Called once a session, in the process that owns it, before the reports are written."""
