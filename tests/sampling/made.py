"""Plans and completions for the tests of this room."""

from __future__ import annotations

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Sampling, Tokens
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Plan
from pytest_understudy.suite.task import Task


def plan(task: str = "lamp", *, text: str = "", route: str = "raw", samples: int = 1, seed: int | None = None) -> Plan:
    """A plan of a task whose input is `text` (else its id)."""
    asked = Task(id=task, input=text or task, file="emails.yaml", source="emails.yaml:1")
    return Plan(asked, Route(name=route, endpoint="local", sampling=Sampling(seed=seed)), samples)


def completion(output: str = "yes", latency: float = 0.5) -> Completion:
    tokens = Tokens(prompt=10, cached=4, generated=2)
    return Completion(output, "stop", tokens, latency, 0.1, (Exchange(output, "stop", tokens, latency),))
