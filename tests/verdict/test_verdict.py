from __future__ import annotations

import json
import math

import pytest

from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.run import Run
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .article import ROWS
from .made import error, route, run, sample

ROUTE_KEYS = {
    *("name", "endpoint", "model", "controls", "tasks", "samples", "errors", "replayed", "partial", "frontier"),
    *(
        "credit",
        "strict_pass",
        "pass_hat",
        "outcomes",
        "cut",
        "latency",
        "waited",
        "tokens",
        "requests",
        "price",
        "cost",
        "machine",
    ),
    *("categories", "residual", "by_task"),
    *("adapter", "fill", "sampling", "label", "planned", "drawn", "undrawn", "generated_mean"),
    *("unpriced", "training_cost", "production_cached_share", "hourly"),
}
NESTED_KEYS = {
    "credit": {"mean", "sd", "low", "high"},
    "strict_pass": {"rate", "low", "high"},
    "outcomes": {"pass", "detectable", "silent", "harm"},
    "latency": {"p50", "p95"},
    "tokens": {"prompt", "cached", "generated", "reasoning", "total"},
    "price": {"source", "date", "words", "rates", "as_input"},
    "cost": {"serving", "uncached", "per_score_point", "per_pass", "loaded"},
}
TASK_KEYS = {
    *("task", "file", "hash", "category", "cluster", "samples", "errors"),
    *("credit", "strict_pass", "generated", "cost", "latency_p50"),
}


@pytest.fixture(scope="module")
def article() -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93, errors=0), ladder=True)


def test_the_report_has_every_key_of_the_surface(article: Verdict) -> None:
    report = article.to_json()
    assert set(report) == {"version", "routes", "gate", "comparisons", "repair_map", "promotion", "ladder", "session"}
    assert report["version"] == 1
    for entry in report["routes"]:
        assert set(entry) == ROUTE_KEYS
        for key, inner in NESTED_KEYS.items():
            assert set(entry[key]) == inner, key
        assert set(entry["pass_hat"]) == {"2", "25" if entry["name"] != "served" else "3"}
        assert all(set(task) >= TASK_KEYS for task in entry["by_task"])
        assert all(set(row) == {"cluster", "category", "check", "tasks", "misses", "share"} for row in entry["residual"])
        assert math.fsum(row["share"] for row in entry["residual"]) == pytest.approx(1)
    assert all({"route", "measure", "threshold", "value", "passed"} <= set(check) for check in report["gate"]["checks"])
    assert set(report["promotion"]) == {"route", "reason"}


def test_undrawn_and_unpriced_routes_have_every_key_too() -> None:
    routes = [route("never"), route("planned"), route("failed")]
    runs = [run("planned", "a", [], planned=3), run("failed", "a", [error()])]
    report = judge(routes, runs, gate=Gate(), ladder=True).to_json()
    assert [set(entry) for entry in report["routes"]] == [ROUTE_KEYS] * 3


def test_the_report_survives_json_without_nan(article: Verdict) -> None:
    assert json.loads(article.to_text()) == json.loads(json.dumps(article.to_json(), allow_nan=False))


def test_the_articles_ladder_promotes_its_articles_route(article: Verdict) -> None:
    assert article.gate_passed is True
    assert article.promotion.route == "sft-nothink"
    assert "chosen among 6 rungs, 4 of which held the gate" in article.promotion.reason
    assert {entry["name"]: entry["frontier"] for entry in article.to_json()["routes"]}["raw"] is False


def test_without_a_gate_the_report_says_null() -> None:
    verdict = judge([route()], [run("raw", "a", [sample()])], gate=None, ladder=False)
    assert verdict.to_json()["gate"] == {"passed": None, "checks": [], "judged": [], "held_by": []}
    assert verdict.to_json()["promotion"]["route"] is None


def test_routes_come_in_the_order_of_the_ladder_whatever_order_runs_came_in() -> None:
    runs = [run("b", "x", [sample()]), run("a", "x", [sample()])]
    verdict = judge([route("a"), route("b")], runs, gate=None, ladder=True)
    assert [figures.name for figures in verdict.routes] == ["a", "b"]


def test_a_task_that_two_tests_share_is_counted_once_with_its_most_samples() -> None:
    runs = [run("raw", "a", [sample()]), run("raw", "a", [sample(), sample(0.0)]), run("raw", "a", [sample()])]
    [figures] = judge([route()], runs, gate=None, ladder=False).routes
    assert (figures.tasks, figures.samples, figures.strict_pass.mean) == (1, 2, 0.5)
    assert not figures.partial


def test_a_task_that_one_of_two_tests_wanted_more_of_is_partial() -> None:
    runs = [run("raw", "a", [], planned=25), run("raw", "a", [sample()] * 10)]
    [figures] = judge([route()], runs, gate=None, ladder=False).routes
    assert (figures.samples, figures.planned, figures.partial) == (10, 25, True)


def test_tasks_of_one_id_in_two_files_are_two_tasks() -> None:
    runs = [run("raw", "a", [sample()], file=file) for file in ("mail.yaml", "more.yaml")]
    [figures] = judge([route()], runs, gate=None, ladder=False).routes
    assert figures.tasks == 2


def test_a_verdict_over_runs_that_crossed_a_process_is_the_same(article: Verdict) -> None:
    crossed = [Run.from_json(json.loads(json.dumps(run.to_json()))) for row in ROWS for run in row.runs]
    again = judge([row.route for row in ROWS], crossed, gate=Gate(strict_pass=0.93, errors=0), ladder=True)
    assert again.to_text() == article.to_text()


def test_prices_are_told_with_their_source() -> None:
    price = Price(input=3.0, output=15.0, source="genai-prices", date="2026-11-01")
    verdict = judge([route(price=price)], [run("raw", "a", [sample(price=price)])], gate=None, ladder=False)
    assert verdict.to_json()["routes"][0]["price"] == {
        "source": "genai-prices",
        "date": "2026-11-01",
        "words": "$3.00 in, $15.00 out a million tokens",
        "rates": {"input": 3.0, "output": 15.0},
        "as_input": [],
    }


def test_a_ladder_tells_its_comparisons_and_its_repair_map() -> None:
    runs = [run("raw", "a", [sample(0.0)] * 3), run("prefill", "a", [sample()] * 3)]
    report = judge([route("raw"), route("prefill")], runs, gate=None, ladder=True, baseline="raw", margin=0.1).to_json()
    [comparison] = report["comparisons"]
    assert (comparison["route"], comparison["baseline"], comparison["margin"]) == ("prefill", "raw", 0.1)
    assert comparison["break_even"] is None
    [row] = report["repair_map"]
    assert [rung["state"] for rung in row["rungs"]] == ["first", "repaired"]


def test_a_report_with_comparisons_is_the_same_to_the_last_bit(article: Verdict) -> None:
    runs = [run for row in ROWS for run in row.runs]
    texts = {
        judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True, baseline="raw").to_text()
        for _ in range(2)
    }
    assert len(texts) == 1
    assert all(row["next"] for row in json.loads(texts.pop())["repair_map"])
