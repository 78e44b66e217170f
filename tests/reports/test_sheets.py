from __future__ import annotations

import pytest

from pytest_understudy.reports.sheet import Row, Sheet
from pytest_understudy.reports.sheets import (
    asked_sheet,
    category_sheet,
    comparison_sheet,
    gate_sheet,
    ladder_sheet,
    price_sheet,
    repair_sheet,
    task_sheet,
)
from pytest_understudy.routes.price import Price
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.article import Row as ArticleRow
from tests.verdict.made import error, route, run, sample


@pytest.fixture(scope="module")
def article() -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True, baseline="raw")


def texts(row: Row) -> list[str]:
    return [f"{cell.text} {cell.sub}".strip() for cell in row.cells]


def row_of(sheet: Sheet | None, name: str) -> Row:
    assert sheet is not None
    return next(row for row in sheet.rows if row.cells[0].text == name)


def column(sheet: Sheet | None, header: str) -> int:
    assert sheet is not None
    return [one.header for one in sheet.columns].index(header)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_ladder_reads_as_the_articles(article: Verdict, row: ArticleRow) -> None:
    sheet = ladder_sheet(article)
    cells = row_of(sheet, row.name).cells
    avg, _, spread = row.avg.partition(" ")
    assert (cells[1].text, cells[1].sub.startswith(spread)) == (avg, True)
    assert cells[2].text == row.strict
    assert f"{cells[column(sheet, 'p50')].text} / {cells[column(sheet, 'p50')].sub}" == row.latency
    assert cells[column(sheet, "generated")].sub == row.total
    assert cells[column(sheet, "serving")].text == row.serving
    assert cells[column(sheet, "cost /")].text == row.per_point


def test_the_strict_pass_carries_its_interval_and_the_gates_threshold(article: Verdict) -> None:
    cell = row_of(ladder_sheet(article), "sft-nothink").cells[2]
    figures = next(one for one in article.routes if one.name == "sft-nothink").strict_pass
    assert cell.interval is not None
    assert figures.low is not None
    assert (cell.interval.low, cell.interval.threshold) == (100 * figures.low, 93.0)


def test_replayed_samples_errors_and_what_is_unpriced_are_told() -> None:
    runs = [run("raw", "a", [sample(replayed=True), sample(replayed=True), error()])]
    sheet = ladder_sheet(judge([route(label="taught to think aloud")], runs, gate=None, ladder=False))
    row = row_of(sheet, "raw")
    assert texts(row)[0] == "raw taught to think aloud · partial"
    assert texts(row)[-2:] == ["3 2", "1"]
    assert row.cells[column(sheet, "serving")].text == "unpriced"
    assert any("2 of 3 samples replayed" in note for note in sheet.notes)


def test_a_route_that_was_not_drawn_has_dashes_and_no_nought() -> None:
    row = row_of(ladder_sheet(judge([route()], [run("raw", "a", [], planned=3)], gate=None, ladder=False)), "raw")
    assert {cell.text for cell in row.cells[1:-2]} == {"-"}


def test_what_holds_of_every_route_is_said_once() -> None:
    runs = [run(name, "a", [sample(replayed=True)]) for name in ("a", "b")]
    notes = ladder_sheet(judge([route("a"), route("b")], runs, gate=None, ladder=True)).notes
    assert "Every route: 1 of 1 sample replayed, with their recorded latency, tokens and cost." in notes


def test_the_gate_tells_each_threshold_and_by_how_much_it_held_or_missed() -> None:
    runs = [run("raw", "a", [sample(0.0)] * 4), run("sft", "a", [sample()] * 4)]
    verdict = judge([route("raw"), route("sft")], runs, gate=Gate(strict_pass=0.9, p95=0.5), ladder=True)
    sheet = gate_sheet(verdict)
    assert sheet is not None
    assert [f"{one.header} {one.sub}".strip() for one in sheet.columns] == [
        "route",
        "gate",
        "errors at most 0",
        "strict pass at least 90.0%",
        "p95 latency at most 0.50s",
    ]
    assert texts(row_of(sheet, "raw"))[1:4] == ["missed", "0 held", "0.0% missed by 90.0 points"]
    assert texts(row_of(sheet, "sft"))[3:] == ["100.0% held by 10.0 points", "1.00s missed by 0.50s"]


def test_advisory_checks_say_so() -> None:
    runs = [run("raw", "a", [sample(replayed=True)])]
    sheet = gate_sheet(judge([route()], runs, gate=Gate(p95=0.5), ladder=False))
    assert texts(row_of(sheet, "raw"))[1:] == ["held", "0 held", "1.00s missed by 0.50s, advisory"]
    assert sheet is not None
    assert any("advisory: 1 of 1 sample replayed" in note for note in sheet.notes)


def test_without_gate_baseline_or_misses_those_tables_are_not_there() -> None:
    verdict = judge([route()], [run("raw", "a", [sample()])], gate=None, ladder=False)
    assert [gate_sheet(verdict), comparison_sheet(verdict), repair_sheet(verdict), category_sheet(verdict)] == [None] * 4


def test_the_repair_map_has_clusters_down_and_rungs_across_with_the_states_that_occur() -> None:
    runs = [run("raw", "a", [sample(0.0)] * 3, cluster="Leases"), run("sft", "a", [sample()] * 3, cluster="Leases")]
    sheet = repair_sheet(judge([route("raw"), route("sft")], runs, gate=None, ladder=True))
    assert sheet is not None
    assert texts(sheet.rows[0])[:3] == ["Leases value", "3/3 first", "0/3 repaired"]
    assert [note.partition(":")[0] for note in sheet.notes] == ["first", "repaired"]


def test_tasks_are_grouped_by_category_and_open_where_samples_are_shown() -> None:
    runs = [
        run("raw", "a", [sample(), sample(0.5), error()], category="Mail", cluster="Leases"),
        run("raw", "b", [sample()], category="Desk", confirm=True),
        run("raw", "c", [], planned=2, category="Desk"),
    ]
    sheet = task_sheet(judge([route()], runs, gate=None, ladder=False), {("raw", "mail.yaml", "a"): 7})
    assert [row.group for row in sheet.rows] == ["Mail", "Desk", "Desk"]
    assert texts(sheet.rows[0]) == ["a Leases", "1/2 1 error, credit 0.7500"]
    assert [row.cells[1].opens for row in sheet.rows] == [7, None, None]
    assert texts(sheet.rows[1])[0] == "b Desk · kept for confirmation"
    assert texts(sheet.rows[2])[1] == "- not drawn"


def test_a_comparison_tells_differences_with_intervals_and_ratios(article: Verdict) -> None:
    sheet = comparison_sheet(article)
    row = row_of(sheet, "sft-nothink")
    assert sheet is not None
    assert sheet.caption == "Against 'raw', paired by task"
    assert row.cells[column(sheet, "p50")].text == "5.9x lower"
    assert row.cells[column(sheet, "strict pass")].sub.endswith(("inconclusive", "equivalent"))
    assert any("sft-nothink holds the gate: saves" in note for note in sheet.notes)


def test_prices_are_told_with_their_source_and_day() -> None:
    priced = route("a", price=Price(3.0, 15.0, date="2026-11-01"))
    verdict = judge([priced, route("b", unpriced="no list knows it")], [run("a", "x", [sample()])], gate=None, ladder=False)
    assert [texts(row) for row in price_sheet(verdict).rows] == [
        ["a", "$3.00 in, $15.00 out a million tokens", "config", "2026-11-01"],
        ["b", "unpriced no list knows it", "-", "-"],
    ]


def test_how_a_route_asked_is_told_with_its_seed() -> None:
    from pytest_understudy.endpoints.endpoint import Sampling

    asked = route("a", controls=("prefill",), fill="slots", sampling=Sampling(temperature=0.3, max_tokens=160, seed=7))
    [row] = asked_sheet(judge([asked], [run("a", "x", [sample()])], gate=None, ladder=False)).rows
    assert texts(row) == ["a", "local", "-", "-", "prefill (slots)", "0.3", "-", "160", "7"]
