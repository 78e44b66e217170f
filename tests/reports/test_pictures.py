from __future__ import annotations

from itertools import pairwise

import pytest

from pytest_understudy.reports import pictures
from pytest_understudy.routes.price import Price
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.made import error, route, run, sample


@pytest.fixture(scope="module")
def article() -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True)


def test_tokens_burn_on_a_log_scale_in_the_ladders_order() -> None:
    rows = ROWS[:5]
    verdict = judge(
        [row.route for row in rows], [run for row in rows for run in row.runs], gate=Gate(strict_pass=0.94), ladder=True
    )
    burn = pictures.token_burn(verdict)
    assert burn is not None
    assert burn.title == "raw generates 36.6x the tokens of nothink"
    assert "of the whole run" in burn.note
    assert [bar.name for bar in burn.rows] == [row.name for row in rows]
    places = {bar.name: bar.place or 0 for bar in burn.rows}
    # 74k against 38k is a ratio of 1.95, and 1.39M against 74k one of 18.8: four and a half times as long.
    assert (places["raw"] - places["prefill"]) / (places["prefill"] - places["nothink"]) == pytest.approx(4.4, abs=0.1)
    assert [burn.rows[0].note, burn.rows[0].value] == ["score 0.9560 · p50 32.60s", "1.39M generated"]
    assert burn.rows[4].kind == "promoted"


def test_routes_that_were_drawn_unequally_often_are_compared_by_the_sample(article: Verdict) -> None:
    burn = pictures.token_burn(article)
    assert burn is not None
    assert "generated tokens a sample" in burn.note
    assert [bar.value for bar in burn.rows if bar.name in ("nothink", "served")] == ["51 generated", "368 generated"]


def test_latency_is_told_against_the_first_rung(article: Verdict) -> None:
    found = pictures.latency(article)
    assert found is not None
    assert found.title == "P50 latency against raw"
    assert [bar.note for bar in found.rows][:3] == ["the measure", "4.8x lower", "4.9x lower"]


def test_choices_draw_credit_against_cost_with_the_frontier_between_routes_none_dominates(article: Verdict) -> None:
    plane = pictures.choices(article)
    assert plane is not None
    assert plane.title == "Credit against cost per score point"
    frontier = {point.name for point in plane.points if point.frontier}
    assert frontier == {entry.name for entry in article.routes if entry.frontier}
    for x1, y1, x2, y2 in plane.line:
        assert x1 < x2
        assert y1 > y2  # dearer, and more credit
    best = next(point for point in plane.points if point.name == "sft-nothink")
    assert best.promoted
    assert best.y == min(point.y for point in plane.points)  # the most credit is at the top


def test_names_in_the_plane_do_not_run_into_each_other(article: Verdict) -> None:
    plane = pictures.choices(article)
    assert plane is not None
    apart = [
        a.span[1] <= b.span[0] or b.span[1] <= a.span[0] or abs(a.label - b.label) >= pictures.LINE - 0.01
        for a in plane.points
        for b in plane.points
        if a is not b
    ]
    assert all(apart)


def test_names_of_points_at_the_bottom_stay_in_the_plane() -> None:
    runs = [run(name, "a", [sample(0.0, generated=100 + place)] * 2) for place, name in enumerate(("raw", "prefill", "nothink"))]
    runs.append(run("sft", "a", [sample(generated=90)] * 2))
    verdict = judge([route(one.route) for one in runs], runs, gate=None, ladder=True)
    plane = pictures.choices(verdict)
    assert plane is not None
    labels = sorted(point.label for point in plane.points)
    assert labels[-1] <= pictures.LOWEST
    assert all(b - a >= pictures.LINE - 0.01 for a, b in pairwise(labels))


def test_unpriced_routes_are_placed_by_their_tokens_and_get_no_picture_of_cost() -> None:
    runs = [run("raw", "a", [sample(0.5, generated=50)] * 2), run("prefill", "a", [sample(generated=5)] * 2)]
    verdict = judge([route("raw"), route("prefill")], runs, gate=None, ladder=True)
    plane = pictures.choices(verdict)
    assert plane is not None
    assert plane.title == "Credit against generated tokens a sample"
    assert pictures.cost(verdict) is None
    assert pictures.list_prices(verdict) is None


def test_a_priced_plane_names_the_routes_that_it_cannot_place() -> None:
    price = Price.blended(0.2)
    runs = [run(name, "a", [sample(price=price if name != "free" else None)]) for name in ("a", "b", "free")]
    verdict = judge([route("a", price=price), route("b", price=price), route("free")], runs, gate=None, ladder=True)
    plane = pictures.choices(verdict)
    assert plane is not None
    assert plane.missing == ("free",)


def test_list_prices_are_called_list_prices() -> None:
    sonnet, qwen = Price(3.0, 15.0), Price.blended(0.2)
    runs = [run("frontier", "a", [sample(price=sonnet)]), run("small", "a", [sample(price=qwen)])]
    verdict = judge([route("frontier", price=sonnet), route("small", price=qwen)], runs, gate=None, ladder=False)
    gap = pictures.list_prices(verdict)
    assert gap is not None
    assert gap.title == "List prices"
    assert "no measured saving" in gap.note
    assert [(bar.name, bar.note, bar.value) for bar in gap.rows] == [
        ("frontier", "$3.00 in", "$15.00 out"),
        ("small", "$0.200 in", "$0.200 out"),
    ]


def test_outcomes_fill_the_whole_lane() -> None:
    samples = [sample(), sample(0.5), sample(0.0, outcome="detectable"), sample(0.0, outcome="harm")]
    [shares] = pictures.outcomes(judge([route()], [run("raw", "a", samples)], gate=None, ladder=False))
    assert [(part.outcome, part.start, part.width) for part in shares.parts] == [
        ("pass", 0, 25),
        ("detectable", 25, 25),
        ("silent", 50, 25),
        ("harm", 75, 25),
    ]


def test_where_nothing_was_judged_nothing_is_drawn() -> None:
    verdict = judge([route("raw"), route("b")], [run("raw", "a", [error()]), run("b", "a", [])], gate=None, ladder=True)
    draws = (pictures.token_burn, pictures.latency, pictures.cost, pictures.list_prices, pictures.choices)
    assert [draw(verdict) for draw in draws] == [None] * 5
    assert pictures.outcomes(verdict) == []
