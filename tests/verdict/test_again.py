from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from pytest_understudy.errors import UnderstudyError
from pytest_understudy.routes.price import Price
from pytest_understudy.verdict.again import verdict_from_json
from pytest_understudy.verdict.machine import Machine
from pytest_understudy.verdict.session import Session
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .article import ROWS
from .made import error, flight, route, run, sample


def article(ladder: bool = True) -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93, p95=30), ladder=ladder, baseline="raw")


def mixed() -> Verdict:
    """An hourly machine, an error, an unpriced route, a run that was not drawn, a confirmation task, no gate."""
    priced = route("priced", price=Price(1.0, 5.0, cached=0.1, date="2026-11-01"), label="<b>", training_cost=3.0)
    runs = [
        run("priced", "a", [flight(0, 1, price=Price(1.0, 5.0, cached=0.1), cached=5), error()], cluster="x"),
        run("priced", "b", [flight(2, 3, credit=0.5, price=Price(1.0, 5.0, cached=0.1))], confirm=True),
        run("never", "a", [], planned=3),
    ]
    return judge([priced, route("never")], runs, gate=None, ladder=False, machines={"local": Machine(2.9, 2, 0.5, 12.0)})


@pytest.mark.parametrize("verdict", [article(), article(ladder=False), mixed()], ids=["ladder", "routes", "mixed"])
def test_a_report_that_is_read_back_writes_the_same_report(verdict: Verdict) -> None:
    written = verdict.to_text()
    assert verdict_from_json(json.loads(written), "report.json").to_text() == written


def test_the_session_is_read_back() -> None:
    session = Session.here(["pytest", "a suite", "--understudy-ladder"])
    assert session.command == "pytest 'a suite' --understudy-ladder"
    assert {"python", "pytest", "pytest-understudy"} <= set(session.versions)
    told = {**article().to_json(), "session": session.to_json()}
    assert verdict_from_json(told, "report.json").session == session


def test_a_report_of_an_older_version_is_read_with_what_it_tells() -> None:
    old: dict[str, Any] = json.loads(article().to_text())
    for key in ("ladder", "session"):
        del old[key]
    for key in ("judged", "held_by"):
        del old["gate"][key]
    for entry in old["routes"]:
        for key in (
            "adapter",
            "fill",
            "sampling",
            "label",
            "planned",
            "drawn",
            "undrawn",
            "generated_mean",
            "hourly",
            "unpriced",
        ):
            del entry[key]
        entry["price"] = {"source": "config", "date": None}
        for task in entry["by_task"]:
            for key in ("confirm", "gate_credit", "gate_strict", "generated_mean"):
                del task[key]
    verdict = verdict_from_json(old, "report.json")
    assert [one.name for one in verdict.routes] == [row.name for row in ROWS]
    assert verdict.gate is not None
    assert verdict.gate.held_by == article().gate.held_by  # type: ignore[union-attr]  # it has a gate
    assert verdict.routes[0].generated_mean is None
    assert verdict.session == Session()


def test_what_is_no_report_is_named_with_the_way_out() -> None:
    with pytest.raises(UnderstudyError, match=r"notes\.json: no JSON report of pytest-understudy; one is written with"):
        verdict_from_json({"a": 1}, "notes.json")
    report = article().to_json()
    with pytest.raises(UnderstudyError, match="version 2, where version 1 can be read"):
        verdict_from_json({**report, "version": 2}, "report.json")
    broken = copy.deepcopy(report)
    del broken["routes"][0]["by_task"][0]["hash"]
    with pytest.raises(UnderstudyError, match=r"report\.json: no whole JSON report.*hash"):
        verdict_from_json(broken, "report.json")


def test_a_price_that_is_read_back_prices_nothing() -> None:
    price = verdict_from_json(json.loads(mixed().to_text()), "report.json").routes[0].route.price
    assert price is not None
    assert price.words == "$1.00 in, $0.10 cached, $5.00 out a million tokens"
    assert price.rates == {"input": 1.0, "cached": 0.1, "output": 5.0}
    assert price.cost(sample().tokens) is None
