"""Prices, machines and break-even as they are told under the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_understudy.reports.markdown import markdown
from pytest_understudy.reports.money import break_evens, machine_note, price_lines
from pytest_understudy.reports.table import comparison_lines, table_lines
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.machine import Machine
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.made import flight, route, run, sample

CENT = Price.blended(10_000.0)
"""A cent a token."""


def judged(routes: Sequence[Route], runs: Sequence[Run], **more: Any) -> Verdict:
    return judge(routes, runs, **{"gate": Gate(strict_pass=0.5), "ladder": True, "baseline": "frontier", **more})


def drawn(name: str, cents: int | None, *, detectable: int = 0, silent: int = 0) -> list[Run]:
    """Ten tasks of one sample, in a row of a second each; the first are missed, so that a caller sees it or not."""

    def one(number: int) -> Sample:
        price = None if cents is None else CENT
        missed = number < detectable + silent
        made = flight(number, number + 1, credit=0.0 if missed else 1.0, prompt=cents or 1, generated=0, price=price)
        return replace(made, score=replace(made.score, outcome="detectable")) if number < detectable else made

    return [run(name, f"t{number}", [one(number)]) for number in range(10)]


SMALL, FRONTIER = route("small", price=CENT), route("frontier", price=CENT)


def told(small: Route, runs: Sequence[Run], **more: Any) -> list[str]:
    ((first, *others),) = break_evens(judged([small, FRONTIER], runs, **more))
    return [first.removeprefix("small holds the gate: "), *others]


def test_a_price_is_told_once_and_whose_it_is_where_it_is_not_every_routes() -> None:
    table = Price(input=3, cached=0.3, cache_write=3.75, output=15, date="2026-11-20")
    routes = [route("raw", price=CENT), route("prefill", price=CENT), route("frontier", price=table), route("mine")]
    figures = judge(routes, [], gate=None, ladder=True).routes
    assert price_lines(figures) == [
        "price of 'raw' and 'prefill': $10,000.00 a million tokens, blended (config)",
        "price of 'frontier': $3.00 in, $0.30 cached, $3.75 cache write, $15.00 out a million tokens (config, 2026-11-20)",
    ]
    assert price_lines(figures[:2]) == ["price: $10,000.00 a million tokens, blended (config)"]
    assert price_lines(figures[3:]) == []


def test_why_a_route_is_unpriced_is_told() -> None:
    verdict = judge([route(unpriced="no list knows it")], [run("raw", "a", [sample()])], gate=None, ladder=False)
    lines = table_lines(verdict)
    assert "raw: unpriced: no list knows it" in lines
    assert next(line for line in lines if line.startswith("raw ")).count("unpriced") == 2


def test_tokens_written_to_the_cache_at_no_price_of_their_own_are_told() -> None:
    written = replace(sample(price=CENT), tokens=replace(sample().tokens, cached=2, cache_write=4))
    lines = table_lines(judge([route(price=CENT)], [run("raw", "a", [written])], gate=None, ladder=False))
    assert "raw: cached tokens are priced as input, since its price names none for them" in lines
    assert "raw: tokens written to the cache are priced as input, since its price names none for them" in lines


def test_a_loaded_cost_is_told_with_what_it_is_made_of_and_has_a_column() -> None:
    verdict = judged([SMALL, replace(FRONTIER, endpoint="far")], [*drawn("small", 1), *drawn("frontier", 10)],
                     machines={"local": Machine(36.0, machines=2, cold_start=90)})  # fmt: skip
    small, frontier = verdict.routes
    assert machine_note(small) == (
        "loaded cost $2.00: $36.00 an hour x 2, cold start 90.00s, busy 10.00s, idle 0.00s; its serving cost is notional"
    )
    assert machine_note(frontier) == ""
    rows = table_lines(verdict)
    assert rows[0].split()[-1] == "loaded"
    assert next(line for line in rows if line.startswith("small ")).split()[-3:] == ["$0.100", "$0.100", "$2.00"]
    assert next(line for line in rows if line.startswith("frontier ")).split()[-3:] == ["$1.00", "$1.00", "$1.00"]


def test_a_machines_time_that_is_not_known_is_said_and_its_cost_a_dash() -> None:
    verdict = judge([SMALL], [run("small", "a", [sample(price=CENT)])], gate=None, ladder=False, machines={"local": Machine(1.0)})
    assert machine_note(verdict.routes[0]).endswith("is not known: no loaded cost")
    assert next(line for line in table_lines(verdict) if line.startswith("small ")).split()[-1] == "-"


def test_two_starts_and_an_unknown_one_are_told() -> None:
    runs = [run("small", "a", [flight(0, 1), flight(90_000, 90_001)])]
    known, unknown = (
        judge([SMALL], runs, gate=None, ladder=False, machines={"local": Machine(1.0, cold_start=cold)}).routes[0]
        for cold in (5, None)
    )
    assert ", cold start 10.00s in 2 starts, " in machine_note(known)
    assert ", cold start not counted, " in machine_note(unknown)


def test_what_is_saved_paid_back_and_sent_on() -> None:
    """b = 0.10, c = 0.01, s = 0.8, r = 0.01 + 0.2 x 0.10 = 0.03: 70 dollars per 1,000 tasks; (7 + 0.10) / 0.07 = 101.4 tasks; the
    tenth that a caller sees, sent on, costs 0.01 + 0.1 x 0.10 a task, and a silent tenth stays missed."""
    runs = [*drawn("small", 1, detectable=1, silent=1), *drawn("frontier", 10)]
    assert told(replace(SMALL, training_cost=7.0), runs) == [
        "saves $70.00 per 1,000 tasks ($0.0300 expected a task against $0.100)",
        "its training ($7.00) and this evaluation ($0.100) are paid back after 102 tasks",
        "its detectable misses (10.0%) sent to the baseline: $0.0200 a task, strict pass 90.0%",
    ]


def test_what_is_dearer_saves_nothing_and_is_never_paid_back() -> None:
    assert told(SMALL, [*drawn("small", 20), *drawn("frontier", 10)]) == [
        "saves nothing per 1,000 tasks, costs $100.00 more ($0.200 expected a task against $0.100)",
        "this evaluation ($2.00) is never paid back",
        "it has no detectable miss to send to the baseline",
    ]


def test_where_the_baseline_is_unpriced_that_is_all_there_is_to_say() -> None:
    runs = [*drawn("small", 1, detectable=1), *drawn("frontier", None)]
    assert told(SMALL, runs, machines={"local": Machine(1.0)}) == [
        "unpriced, so what it saves is unknown",
        "from how many tasks a month its machine at $1.00 an hour pays is unknown: it is unpriced",
        "its detectable misses (10.0%) sent to the baseline: unpriced, strict pass 100.0%",
    ]


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        (Machine(1.0), "its machine at $1.00 an hour pays from 8,112 tasks a month (it does 1.31M at 50% use)"),
        (Machine(1.0, machines=2), "2 machines at $1.00 an hour pay from 16,223 tasks a month (they do 1.31M at 50% use)"),
        (Machine(1000.0), "its machine at $1,000.00 an hour never pays, with room for 1.31M tasks a month"),
    ],
)
def test_from_how_many_tasks_a_month_a_machine_pays(machine: Machine, line: str) -> None:
    """0.09 dollars saved a task, 730 hours: 8,111.1 tasks at a dollar an hour; a task a second at half use is 1.31M a month."""
    runs = [*drawn("small", 1), *drawn("frontier", 10)]
    assert line in told(SMALL, runs, machines={"local": machine})


def test_the_articles_serve_section_reads_as_in_the_article() -> None:
    """Sonnet: 1.0000, 1.935 s and $0.0400 for 90 answers; the served 8B: 369 ms and $0.0066."""
    price = Price.blended(0.0400 / 90 * 1e6)
    frontier = route("frontier", price=price)
    runs = [replace(one, route="frontier", samples=tuple(sample(latency=1.935, prompt=1, generated=0, price=price)
            for _ in one.samples)) for one in ROWS[5].runs]  # fmt: skip
    served = [replace(one, samples=tuple(replace(drawn, latency=0.369) for drawn in one.samples)) for one in ROWS[5].runs]
    verdict = judge([ROWS[5].route, frontier], [*served, *runs], gate=None, ladder=False, baseline="frontier")
    assert "  served: 5.2x lower p50, 6.0x lower cost" in comparison_lines(verdict)
    assert "- served: 5.2x lower p50, 6.0x lower cost" in markdown(verdict)


def test_the_markdown_has_the_same_lines() -> None:
    verdict = judged([SMALL, FRONTIER], [*drawn("small", 1), *drawn("frontier", 10)])
    text = markdown(verdict)
    assert "- price: $10,000.00 a million tokens, blended (config)" in text
    (lines,) = break_evens(verdict)
    assert f"- {'; '.join(lines)}" in text
    assert comparison_lines(verdict)[-3:] == [f"  {lines[0]}", *(f"    {line}" for line in lines[1:])]
    assert max(map(len, comparison_lines(verdict))) <= 130
