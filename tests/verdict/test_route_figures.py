from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from pytest_understudy.figures import population_interval
from pytest_understudy.routes.price import Price
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.route_figures import RouteFigures

from .article import ROWS, Row
from .made import error, route, run, sample, spread_runs

CACHED = Price(input=1.0, cached=0.1, output=4.0, source="prices.toml", date="2026-11-01")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_articles_rows_cost_what_the_article_says(row: Row) -> None:
    figures = RouteFigures.of(row.route, row.runs)
    assert figures.tokens.total == row.tokens
    assert figures.cost.serving == pytest.approx(row.tokens * 0.20 / 1e6, rel=1e-9)
    assert figures.credit.mean is not None
    assert figures.cost.per_score_point == pytest.approx(row.tokens * 0.20 / 1e6 / figures.credit.mean, rel=1e-9)
    assert (figures.latency_p50, figures.latency_p95) == (row.p50, row.p95)


def test_a_score_point_of_the_prefilled_route_costs_the_articles_153_thousandths() -> None:
    figures = RouteFigures.of(ROWS[1].route, ROWS[1].runs)
    assert figures.credit.mean == pytest.approx(0.9667, abs=5e-5)
    assert figures.credit.sd == pytest.approx(0.1248, abs=5e-5)
    assert figures.strict_pass.mean == pytest.approx(700 / 750)
    assert figures.cost.serving == pytest.approx(0.0148)
    assert figures.cost.per_score_point == pytest.approx(0.0153, abs=5e-5)


def test_a_task_drawn_more_often_does_not_weigh_more() -> None:
    figures = RouteFigures.of(route(), [run("raw", "a", [sample(1.0)] * 9), run("raw", "b", [sample(0.5)])])
    assert figures.credit.mean == 0.75
    assert figures.strict_pass.mean == 0.5


def test_the_interval_shown_is_that_of_tasks_like_these() -> None:
    figures = RouteFigures.of(
        route(), [run("raw", name, [sample(1.0), sample(credit)]) for name, credit in (("a", 1.0), ("b", 0.5), ("c", 1.0))]
    )
    assert (figures.strict_pass.low, figures.strict_pass.high) == population_interval([1.0, 0.5, 1.0])
    assert (figures.credit.low, figures.credit.high) == population_interval([1.0, 0.75, 1.0])


def test_a_single_task_has_a_rate_and_no_interval() -> None:
    figures = RouteFigures.of(route(), [run("raw", "a", [sample()])])
    assert figures.strict_pass.mean == 1.0
    assert figures.strict_pass.low is figures.strict_pass.high is None
    assert figures.credit.sd is None


def test_errors_stay_out_of_means_and_are_counted() -> None:
    figures = RouteFigures.of(route(), [run("raw", "a", [sample(), sample(0.5), error()]), run("raw", "b", [error(), error()])])
    assert figures.credit.mean == 0.75
    assert figures.strict_pass.mean == 0.5
    assert (figures.tasks, figures.samples, figures.errors) == (2, 5, 3)
    assert figures.by_task[1].credit is None
    assert figures.by_task[0].gate_credit == 0.5
    assert figures.by_task[1].gate_strict == 0.0


def test_pass_hat_is_the_mean_over_tasks_for_two_and_for_all_samples() -> None:
    runs = [run("raw", "a", [sample()] * 3 + [sample(0.5)]), run("raw", "b", [sample()] * 4)]
    assert RouteFigures.of(route(), runs).pass_hat == {2: 0.75, 4: 0.5}


def test_pass_hat_is_null_where_a_task_has_too_few_samples() -> None:
    runs = [run("raw", "a", [sample()] * 3), run("raw", "b", [sample(), error(), error()])]
    assert RouteFigures.of(route(), runs).pass_hat == {2: None, 3: None}
    assert RouteFigures.of(route(), [run("raw", "a", [sample()])]).pass_hat == {1: 1.0, 2: None}


def test_the_four_outcomes_are_rates_that_sum_to_1() -> None:
    runs = [
        run("raw", "a", [sample(), sample(0.5), sample(0.0, outcome="harm"), sample(0.0, outcome="detectable")]),
        run("raw", "b", [sample(), sample()]),
    ]
    outcomes = RouteFigures.of(route(), runs).outcomes
    assert outcomes == {"pass": 0.625, "detectable": 0.125, "silent": 0.125, "harm": 0.125}


def test_a_miss_that_its_scorer_left_unnamed_is_silent_unless_its_finish_shows_it() -> None:
    unnamed = [replace(sample(credit), score=replace(sample(credit).score, outcome=None)) for credit in (1.0, 0.5, 0.5)]
    unnamed[2] = replace(unnamed[2], finish="length")
    outcomes = RouteFigures.of(route(), [run("raw", "a", unnamed)]).outcomes
    assert outcomes == pytest.approx({"pass": 1 / 3, "detectable": 1 / 3, "silent": 1 / 3, "harm": 0.0})


def test_cut_is_the_share_of_judged_samples_that_ended_at_the_limit() -> None:
    runs = [run("raw", "a", [sample(), sample(0.0, finish="length"), sample(), sample(), error()])]
    assert RouteFigures.of(route(), runs).cut == 0.25


def test_percentiles_are_linear_over_all_judged_samples() -> None:
    runs = [run("raw", "a", [sample(latency=1.0), sample(latency=3.0), error()]), run("raw", "b", [sample(latency=2.0)])]
    figures = RouteFigures.of(route(), runs)
    assert figures.latency_p50 == 2.0
    assert figures.latency_p95 == pytest.approx(2.9)
    assert figures.by_task[0].latency_p50 == 2.0


def test_tokens_are_sums_and_an_error_counts_where_its_usage_is_known() -> None:
    billed = replace(error(), tokens=sample(prompt=100, generated=7).tokens)
    figures = RouteFigures.of(route(), [run("raw", "a", [sample(prompt=10, cached=4, generated=5), billed, error()])])
    assert (figures.tokens.prompt, figures.tokens.cached, figures.tokens.generated, figures.tokens.total) == (110, 4, 12, 122)
    assert figures.generated_mean == 5.0
    assert figures.requests == 3


def test_a_server_that_reports_no_usage_leaves_tokens_unknown_and_cost_unpriced() -> None:
    price = Price.blended(0.2)
    figures = RouteFigures.of(
        route(price=price), [run("raw", "a", [sample(price=price), sample(price=price, prompt=None, generated=None)])]
    )
    assert figures.tokens.total is None
    assert figures.generated_mean is None
    assert figures.cost.to_json() == dict.fromkeys(("serving", "uncached", "per_score_point", "per_pass", "loaded"))


def test_an_unpriced_route_costs_nothing_known() -> None:
    figures = RouteFigures.of(route(), [run("raw", "a", [sample()])])
    assert figures.cost.serving is None
    assert figures.to_json()["price"] == {"source": None, "date": None, "words": None, "rates": None, "as_input": []}


def test_costs_by_hand_with_a_cached_prompt() -> None:
    # A sample: 1,000 of prompt, 800 of them cached, 100 generated. Billed (200 + 80 + 400) / 1e6, uncached (1000 + 400) / 1e6.
    one = sample(prompt=1000, cached=800, generated=100, price=CACHED)
    miss = sample(0.5, prompt=1000, cached=800, generated=100, price=CACHED)
    cost = RouteFigures.of(route(price=CACHED), [run("raw", "a", [one, one]), run("raw", "b", [one, miss])]).cost
    assert cost.serving == cost.loaded == pytest.approx(4 * 680e-6)
    assert cost.uncached == pytest.approx(4 * 1400e-6)
    assert cost.per_score_point == pytest.approx(4 * 680e-6 / 0.875)
    assert cost.per_pass == pytest.approx(1400e-6 / 0.75)


def test_the_cost_of_a_pass_knows_what_productions_cache_will_hold() -> None:
    one = sample(prompt=1000, cached=800, generated=100, price=CACHED)
    half_cached = route(price=CACHED, production_cached_share=0.5)
    cost = RouteFigures.of(half_cached, [run("raw", "a", [one])]).cost
    assert cost.per_pass == pytest.approx((500 + 50 + 400) / 1e6)
    assert cost.uncached == pytest.approx(1400e-6)


def test_a_route_that_never_passes_has_no_cost_of_a_pass_and_none_of_a_point() -> None:
    price = Price.blended(1.0)
    cost = RouteFigures.of(route(price=price), [run("raw", "a", [sample(0.0, price=price)])]).cost
    assert cost.serving is not None
    assert cost.per_pass is None
    assert cost.per_score_point is None


def test_categories_come_in_the_order_in_which_they_are_met() -> None:
    runs = [
        run("raw", "a", [sample(), sample(0.5)], category="Legal"),
        run("raw", "b", [sample()], category="Fleet"),
        run("raw", "c", [sample(), error()], category="Legal"),
    ]
    assert [category.to_json() for category in RouteFigures.of(route(), runs).categories] == [
        {"name": "Legal", "tasks": 2, "samples": 4, "credit": 0.875, "strict_pass": 0.75},
        {"name": "Fleet", "tasks": 1, "samples": 1, "credit": 1.0, "strict_pass": 1.0},
    ]


def test_residual_misses_are_grouped_by_cluster_and_first_failing_check() -> None:
    runs = [
        run("raw", "a", [sample(0.5, missed="intent"), sample(0.5, missed="summary")], cluster="Refunds"),
        run("raw", "b", [sample(0.5, missed="intent"), sample()], cluster="Refunds"),
        run("raw", "c", [sample(0.0, missed="parsed"), error()], cluster="Greetings"),
    ]
    residual = RouteFigures.of(route(), runs).residual
    assert [(row.cluster, row.check, row.tasks, row.misses, row.share) for row in residual] == [
        ("Refunds", "intent", 2, 2, 0.5),
        ("Refunds", "summary", 1, 1, 0.25),
        ("Greetings", "parsed", 1, 1, 0.25),
    ]


def test_tasks_kept_for_confirmation_stay_out_of_the_residual_and_in_the_rates() -> None:
    runs = [run("raw", "a", [sample(0.5)]), run("raw", "b", [sample(0.5)], confirm=True)]
    figures = RouteFigures.of(route(), runs)
    assert [row.misses for row in figures.residual] == [1]
    assert figures.strict_pass.mean == 0.0
    assert [task.task for task in figures.by_task] == ["a", "b"]


@pytest.mark.parametrize(
    ("runs", "undrawn", "partial"),
    [
        ([run("raw", "a", [sample()])], False, False),
        ([run("raw", "a", [sample()], planned=2)], True, True),
        ([run("raw", "a", [sample()]), run("raw", "b", [], planned=1)], True, True),
        ([run("raw", "a", [sample(), error()])], False, True),
        ([], True, True),
    ],
    ids=["whole", "a sample short", "a task not drawn", "an error", "nothing planned"],
)
def test_a_route_is_partial_unless_all_its_samples_were_judged(runs: list[Run], undrawn: bool, partial: bool) -> None:
    figures = RouteFigures.of(route(), runs)
    assert (figures.undrawn, figures.partial) == (undrawn, partial)


def test_replayed_samples_waiting_and_distinct_outputs_are_counted() -> None:
    samples = [sample(replayed=True, waited=0.1, digest="x"), sample(replayed=True, waited=0.2, digest="y"), sample(digest="x")]
    figures = RouteFigures.of(route(), [run("raw", "a", samples)])
    assert figures.replayed == 2
    assert figures.waited == math.fsum((0.1, 0.2))
    assert figures.by_task[0].distinct == 2


def test_figures_are_bit_for_bit_the_same_however_samples_came_in() -> None:
    source = random.Random(11)
    price = Price(input=0.3, output=1.7)

    def drawn() -> Sample:
        credit = source.choice([0.0, 1 / 3, 2 / 3, 1.0])
        return sample(credit, prompt=source.randrange(900), generated=source.randrange(400), latency=source.random(), price=price)

    runs = spread_runs("raw", [drawn() for _ in range(300)], 12)
    shuffled = [replace(each, samples=tuple(source.sample(each.samples, len(each.samples)))) for each in runs]
    assert shuffled != runs
    as_drawn = RouteFigures.of(route(price=price), runs).to_json()
    assert json.dumps(RouteFigures.of(route(price=price), shuffled).to_json()) == json.dumps(as_drawn)


def test_figures_are_the_same_for_runs_that_crossed_a_process() -> None:
    crossed = [Run.from_json(json.loads(json.dumps(each.to_json()))) for each in ROWS[3].runs]
    assert RouteFigures.of(ROWS[3].route, crossed).to_json() == RouteFigures.of(ROWS[3].route, ROWS[3].runs).to_json()


def test_nothing_drawn_is_null_everywhere_and_zero_nowhere() -> None:
    report = RouteFigures.of(route(), [run("raw", "a", [], planned=3)]).to_json()
    assert report["credit"] == {"mean": None, "sd": None, "low": None, "high": None}
    assert report["outcomes"] == dict.fromkeys(("pass", "detectable", "silent", "harm"))
    assert report["tokens"] == dict.fromkeys(("prompt", "cached", "generated", "reasoning", "total"))
    assert report["latency"] == {"p50": None, "p95": None}
    assert (report["tasks"], report["samples"], report["partial"], report["residual"]) == (0, 0, True, [])
