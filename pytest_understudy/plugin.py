"""The front door: hooks, the mark, the fixtures.

pytest loads this module in every session of an environment, so it imports nothing of the house. Where a route is selected,
`pytest_configure` registers an `Understudy` (session.py), which owns the evaluation; where none is, holdout items are skipped and
that is all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from .options import Options, add_options, usage_errors

if TYPE_CHECKING:
    from .routes.route import Route
    from .sampling.run import Plan, Run
    from .suite.task import Task

EVALUATION = "understudy-evaluation"
HOW_TO_SELECT = "no route selected: say --understudy-route=NAME, or --understudy-ladder for every rung"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "holdout(*paths_or_tasks, samples=None): run the test for each task of these files on each selected route",
    )
    options = Options.from_pytest(config)
    if not options.selects_a_route:
        return
    from .garbage import without_garbage

    with usage_errors(), without_garbage():
        from .session import Understudy  # all that a session needs is imported here, and in no other

        understudy = Understudy(config, options)
    config.pluginmanager.register(understudy, EVALUATION)
    config.pluginmanager.register(understudy.others, f"{EVALUATION}-workers")


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.get_closest_marker("holdout") and not item.config.pluginmanager.has_plugin(EVALUATION):
        item.add_marker(pytest.mark.skip(reason=HOW_TO_SELECT))


class Asked(NamedTuple):
    """What the fixtures below are made of."""

    item: pytest.Item
    plan: Plan


@pytest.fixture
def _understudy_plan(request: pytest.FixtureRequest) -> Asked:
    """The one fixture with a `request`, which costs pytest 30 us an item."""
    if not hasattr(request, "param"):
        pytest.fail("task, run, route, control and samples belong to tests marked with @pytest.mark.holdout(PATH)", pytrace=False)
    return Asked(request.node, request.param)


@pytest.fixture
def task(_understudy_plan: Asked) -> Task:
    """The holdout task of this item."""
    return _understudy_plan.plan.task


@pytest.fixture
def route(_understudy_plan: Asked) -> Route:
    """The route that this item is drawn on."""
    return _understudy_plan.plan.route


@pytest.fixture
def control(_understudy_plan: Asked) -> tuple[str, ...]:
    """The names of the route's controls."""
    return _understudy_plan.plan.route.controls


@pytest.fixture
def samples(_understudy_plan: Asked) -> int:
    """How many samples this item draws."""
    return _understudy_plan.plan.samples


@pytest.fixture
def run(_understudy_plan: Asked) -> Run:
    """All the samples of this item's task on its route."""
    from .session import Understudy

    item, plan = _understudy_plan
    understudy = item.config.pluginmanager.get_plugin(EVALUATION)
    assert isinstance(understudy, Understudy)  # only its pytest_generate_tests makes plans
    return understudy.run(item, plan)
