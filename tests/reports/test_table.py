from __future__ import annotations

from typing import Any

import pytest

from pytest_understudy.reports.markdown import markdown
from pytest_understudy.reports.table import comparison_lines, gate_lines, promotion_line, repair_lines, table_lines
from pytest_understudy.routes.price import Price
from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS, Row
from tests.verdict.made import error, route, run, sample

PRICE = Price.blended(0.2)


@pytest.fixture(scope="module")
def article() -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True)


def verdict_on(
    *samples: Sample, of: Route | None = None, gate: Gate | None = None, planned: int | None = None, ladder: bool = False
) -> Verdict:
    only = of or route()
    return judge([only], [run(only.name, "a", samples, planned=planned)], gate=gate, ladder=ladder)


def row_of(verdict: Verdict, name: str) -> str:
    return next(line for line in table_lines(verdict) if line.startswith(name))


def notes(verdict: Verdict) -> list[str]:
    lines = table_lines(verdict)
    return lines[3 + len(verdict.routes) :]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_articles_rows_read_as_in_the_article(article: Verdict, row: Row) -> None:
    line = row_of(article, f"{row.name} ")
    cells = [row.name, row.avg, row.strict, row.latency, row.total, row.serving, row.per_point]
    places = [line.find(cell) for cell in cells]
    assert -1 not in places, line
    assert places == sorted(places), line
    assert line.count(f" {row.total} ") == 2  # here all tokens are generated


def test_the_columns_are_the_articles(article: Verdict) -> None:
    first, second = table_lines(article)[:2]
    words = ["route", "avg ± sd", "strict", "silent", "p50 / p95", "generated", "total", "serving", "cost /"]
    assert [first.find(word) for word in words] == sorted(first.find(word) for word in words)
    assert -1 not in [first.find(word) for word in words]
    assert "score point" in second


def test_lines_fit_a_terminal_and_carry_no_colour(article: Verdict) -> None:
    lines = [*table_lines(article), *gate_lines(article), promotion_line(article)]
    assert max(map(len, lines[: len(table_lines(article))])) <= 120
    assert not any("\x1b" in line or line != line.rstrip() for line in lines)


def test_strict_pass_is_shown_with_its_interval_and_a_legend(article: Verdict) -> None:
    assert "94.0% [79, 99]" in row_of(article, "raw")
    assert notes(article) == [
        "[low, high]: 95% interval of the strict-pass rate on tasks like these; silent: valid and wrong, which no caller can see",
        "pass^k: the chance that k samples of a task all pass, mean over tasks",
        "price: $0.20 a million tokens, blended (config)",
    ]


def test_pass_hat_has_a_column_for_2_and_for_all_samples_where_tasks_are_drawn_more_than_once() -> None:
    passes = [[sample()] * 3, [sample(), sample(), sample(0.0)]]
    three = judge([route()], [run("raw", f"t{n}", of) for n, of in enumerate(passes)], gate=None, ladder=False)
    assert [line[line.index("pass^2") :].split()[0] for line in table_lines(three)[:1]] == ["pass^2"]
    assert "/ pass^3" in table_lines(three)[1]
    assert " 67% / 50% " in row_of(three, "raw")  # (1 + 1/3) / 2, and (1 + 0) / 2
    two = verdict_on(sample(), sample(0.0))
    assert "/ pass" not in table_lines(two)[1]
    assert row_of(two, "raw").split()[4] == "0%"
    once = verdict_on(sample())
    assert not any("pass^" in line for line in table_lines(once))


def test_pass_hat_of_a_part_is_never_all_nor_nothing() -> None:
    nearly = judge(
        [route()], [run("raw", f"t{n}", [sample(), sample(float(n > 0))]) for n in range(300)], gate=None, ladder=False
    )
    assert " >99% " in row_of(nearly, "raw")
    hardly = judge([route()], [run("raw", f"t{n}", [sample(float(n == 0))] * 2) for n in range(300)], gate=None, ladder=False)
    assert " <1% " in row_of(hardly, "raw")


def test_a_route_that_is_drawn_once_beside_others_has_a_dash_for_pass_hat() -> None:
    verdict = judge(
        [route("raw"), route("one")],
        [run("raw", "a", [sample()] * 3), run("one", "a", [sample()])],
        gate=None,
        ladder=False,
    )
    assert row_of(verdict, "one").split()[3] == "-"


def test_harm_has_a_column_only_where_there_is_any(article: Verdict) -> None:
    assert "harm" not in table_lines(article)[0]
    verdict = verdict_on(sample(), sample(0.0, outcome="harm"))
    assert table_lines(verdict)[0].index("silent") < table_lines(verdict)[0].index("harm") < table_lines(verdict)[0].index("p50")
    assert "50.0%" in row_of(verdict, "raw")


def test_an_unpriced_route_is_unpriced_and_not_free() -> None:
    line = row_of(verdict_on(sample(latency=0.5), sample(0.5)), "raw")
    assert line.split()[-2:] == ["unpriced", "unpriced"]
    assert "$" not in line


def test_a_priced_route_without_usage_is_unpriced_too() -> None:
    line = row_of(verdict_on(sample(prompt=None, generated=None, price=PRICE), of=route(price=PRICE)), "raw")
    assert line.split()[-4:] == ["-", "-", "unpriced", "unpriced"]


def test_a_route_that_scores_nothing_has_no_price_of_a_point() -> None:
    line = row_of(verdict_on(sample(0.0, price=PRICE, prompt=10_000), of=route(price=PRICE)), "raw")
    assert line.split()[-2:] == ["$0.0020", "-"]


def test_what_was_not_drawn_is_a_dash_and_never_0() -> None:
    verdict = verdict_on(planned=3)
    assert row_of(verdict, "raw").split() == ["raw", "(partial)", *"---------"]
    assert notes(verdict) == ["raw: not drawn"]


def test_a_partial_route_is_marked_and_says_what_it_lacks() -> None:
    verdict = judge([route()], [run("raw", "a", [sample()] * 3), run("raw", "b", [], planned=3)], gate=None, ladder=False)
    assert row_of(verdict, "raw").startswith("raw (partial)")
    assert "raw: partial: 1 of 2 tasks, 3 of 6 samples drawn" in notes(verdict)


def test_errors_and_replayed_samples_are_counted_where_there_are_any(article: Verdict) -> None:
    verdict = verdict_on(sample(replayed=True), sample(), error())
    assert row_of(verdict, "raw").startswith("raw (partial, replayed)")
    assert "raw: 1 error among 3 samples, left out of these figures" in notes(verdict)
    assert "raw: 1 of 3 samples replayed, with their recorded latency, tokens and cost" in notes(verdict)
    assert not any("error" in line or "replayed" in line for line in table_lines(article))


def test_samples_cut_short_are_said_over_one_in_a_hundred() -> None:
    cut = verdict_on(*[sample()] * 90, *[sample(0.0, finish="length")] * 10)
    assert 'raw: 10.0% of samples cut short at max_tokens: read its token ratios as "at least"' in notes(cut)
    assert not any("cut short" in note for note in notes(verdict_on(*[sample()] * 199, sample(0.0, finish="length"))))


def test_a_form_filled_slot_by_slot_says_that_its_prompt_counts_once_a_slot() -> None:
    slots = route("slots", controls=("prefill",), fill="slots")
    assert "slots: filled slot by slot, so its total tokens count the prompt once a slot" in notes(verdict_on(sample(), of=slots))
    opening = route("opening", controls=("prefill",))
    assert not any("slot" in note for note in notes(verdict_on(sample(), of=opening)))


def test_cached_tokens_without_a_price_of_their_own_are_said_to_be_priced_as_input() -> None:
    assert any("priced as input" in note for note in notes(verdict_on(sample(cached=4, price=PRICE), of=route(price=PRICE))))


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (Gate(strict_pass=0.99), ["strict pass", "at least 99.0%", "75.0%", "missed by 24.0 points"]),
        (Gate(strict_pass=0.5), ["strict pass", "at least 50.0%", "75.0%", "held by 25.0 points"]),
        (Gate(strict_pass=0.75), ["strict pass", "at least 75.0%", "75.0%", "held"]),
        (Gate(strict_pass=0.75004), ["strict pass", "at least 75.0%", "75.0%", "missed by 0.004 points"]),
        (Gate(credit=0.9), ["credit", "at least 0.9000", "0.8750", "missed by 0.0250"]),
        (Gate(p95=0.4), ["p95 latency", "at most 0.40s", "1.00s", "missed by 0.60s"]),
        (Gate(tokens=4), ["generated tokens a sample", "at most 4.0", "5.0", "missed by 1.0"]),
        (Gate(cost=0.01), ["serving cost", "at most $0.0100", "-", "missed", "unpriced"]),
        (Gate(silent=0.2), ["silent misses", "at most 20.0%", "25.0%", "missed by 5.0 points"]),
        (Gate(harm=0.0), ["harm", "at most 0.0%", "0.0%", "held"]),
    ],
)
def test_a_gate_row_says_by_how_much_it_held_or_missed(gate: Gate, words: list[str]) -> None:
    line = gate_lines(verdict_on(sample(), sample(), sample(), sample(0.5), gate=gate))[-1]
    assert [cell.strip() for cell in line.split("  ") if cell.strip()] == ["raw", *words]


def test_the_gate_names_those_that_held_or_those_that_missed(article: Verdict) -> None:
    assert gate_lines(article)[0] == "gate held by 'raw', 'prefill', 'sft-prefill' and 'sft-nothink', of 6 rungs"
    assert gate_lines(verdict_on(sample(0.0), gate=Gate(strict_pass=0.5)))[0] == "gate missed by 'raw', of 1 route"
    assert gate_lines(verdict_on(sample())) == []


def test_an_advisory_row_says_that_it_is() -> None:
    lines = gate_lines(verdict_on(sample(replayed=True), gate=Gate(p95=0.4)))
    assert lines[0] == "gate held by 'raw', of 1 route"
    assert lines[-1].startswith("  raw (replayed)")
    assert lines[-1].endswith("missed by 0.60s  advisory: 1 of 1 sample replayed")


def test_the_promotion_is_one_sentence(article: Verdict) -> None:
    assert promotion_line(article).startswith("promote sft-nothink: ")
    assert promotion_line(article).endswith("not confirmed on unseen tasks")
    assert promotion_line(verdict_on(sample())).startswith("promote nothing: there is no gate")


def test_no_route_at_all_is_said() -> None:
    verdict = judge([], [], gate=Gate(), ladder=True)
    assert table_lines(verdict) == ["no route was judged"]
    assert gate_lines(verdict) == ["gate missed: nothing was judged"]
    assert "| route" not in markdown(verdict).partition("**")[0]


def test_markdown_has_the_same_rows(article: Verdict) -> None:
    text = markdown(article)
    table = [line for line in text.splitlines() if line.startswith("|")]
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells == [
        "raw",
        "0.9560 ±0.1847",
        "94.0% [79, 99]",
        "88% / 0%",
        "6.0%",
        "32.60s / 63.26s",
        "1.39M",
        "1.39M",
        "$0.278",
        "$0.291",
    ]
    assert set(table[1]) <= set("|:-")
    header = [cell.strip() for cell in table[0].strip("|").split("|")]
    assert header[-2:] == ["serving cost", "cost / score point"]
    assert "missed by 1.8 points" in text
    assert promotion_line(article) in text


def test_a_name_cannot_break_a_markdown_table() -> None:
    odd = route("a|b_*c*")
    table = [line for line in markdown(verdict_on(sample(), of=odd)).splitlines() if line.startswith("|")]
    assert table[2].startswith(r"| a\|b\_\*c\* ")
    assert table[2].replace(r"\|", "").count("|") == table[0].count("|")


def test_a_table_of_many_runs_keeps_the_order_of_the_ladder() -> None:
    names = ["raw", "prefill", "nothink"]
    runs: list[Run] = [run(name, "a", [sample()]) for name in reversed(names)]
    verdict = judge([route(name) for name in names], runs, gate=None, ladder=True)
    assert [line.split()[0] for line in table_lines(verdict)[3:6]] == names


# -- the repair map


def ladder_of(misses: dict[str, dict[str, int]], *, of: int = 3, check: str = "jira.create.severity", **more: Any) -> Verdict:
    """A task a cluster; of each route how many of its samples miss."""
    runs = [
        run(name, f"task-{place}", [sample(0.5, missed=check)] * missed + [sample()] * (of - missed), cluster=cluster)
        for name, clusters in misses.items()
        for place, (cluster, missed) in enumerate(clusters.items())
    ]
    return judge([route(name, controls=("prefill",)) for name in misses], runs, **{"gate": None, "ladder": True, **more})


def test_the_repair_map_has_clusters_down_and_rungs_across() -> None:
    verdict = ladder_of({"raw": {"Incident": 3, "Archive": 0, "Lease": 3}, "prefill": {"Incident": 0, "Archive": 0, "Lease": 3}})
    assert repair_lines(verdict) == [
        "repair map: strict misses of judged samples, and the state against the first rung; below a cluster what fails first",
        "  cluster                 raw    prefill",
        "  Incident                3/3    0/3",
        "    jira.create.severity  first  repaired",
        "    next: 'prefill' repaired it: no training needed",
        "  Lease                   3/3    3/3",
        "    jira.create.severity  first  unchanged",
        "    next: train: about 20 variants of `jira.create.severity`",
        "  1 cluster without a miss on any rung",
    ]


def test_without_a_miss_there_is_no_repair_map_to_show(article: Verdict) -> None:
    assert repair_lines(ladder_of({"raw": {"Incident": 0}, "prefill": {"Incident": 0}})) == []
    assert "Repair map" not in markdown(ladder_of({"raw": {"Incident": 0}}))
    assert repair_lines(article)[-1].startswith("    next: ")


def test_seven_rungs_fit_130_columns() -> None:
    names = ["base", "raw", "prefill", "nothink", "sft-prefill", "sft-nothink", "a-rung-with-a-long-name"]
    cluster = "Drive / Notion lease archive, with a name that goes on and on and never seems to come to any end"
    verdict = ladder_of({name: {cluster: 75} for name in names}, of=75, check="a_tool_with_a_long_name." + "argument" * 5)
    lines = repair_lines(verdict)
    assert max(map(len, lines[:4])) <= 130
    assert lines[2].count("75/75") == 7
    assert "…" in lines[1]
    assert "…" in lines[2]


def test_a_rung_that_was_not_judged_on_a_cluster_is_a_dash() -> None:
    runs = [
        run("raw", "a", [sample(0.0)] * 3),
        run("prefill", "a", [], planned=3),
        run("prefill", "b", [sample()], cluster="Other"),
    ]
    lines = repair_lines(judge([route("raw"), route("prefill")], runs, gate=None, ladder=True))
    assert lines[2].split() == ["Mail", "3/3", "-"]


def test_what_a_model_named_cannot_write_to_the_terminal() -> None:
    verdict = ladder_of({"raw": {"Incident\x1b[2J": 3}}, check="extra: \x1b[31mdrop", gate=Gate(strict_pass=0.9))
    for lines in (repair_lines(verdict), [promotion_line(verdict)]):
        assert not any("\x1b" in line for line in lines)
        assert any("\\x1b[31mdrop" in line for line in lines)


def test_markdown_has_the_repair_map_and_the_comparisons() -> None:
    verdict = ladder_of({"raw": {"Inci|dent": 3, "Lease": 3}, "prefill": {"Inci|dent": 0, "Lease": 3}}, baseline="raw")
    text = markdown(verdict)
    assert "### Repair map" in text
    row = next(line for line in text.splitlines() if line.startswith(r"| Inci\|dent"))
    assert [cell.strip() for cell in row.replace(r"\|", "/").strip("|").split("|")] == [
        *("Inci/dent", r"jira.create.severity", "3/3 first", "0/3 repaired", "'prefill' repaired it: no training needed"),
    ]
    assert "against 'raw', paired by task" in text
    assert any(line.startswith("| prefill") and "+50.0 [" in line for line in text.splitlines())


# -- comparisons


def test_comparisons_tell_differences_verdicts_and_ratios() -> None:
    runs = [
        *(run("raw", f"t{n}", [sample(0.5, generated=100, latency=2.0)] * 4) for n in range(20)),
        *(run("prefill", f"t{n}", [sample(generated=5, latency=1.0)] * 4) for n in range(20)),
        run("prefill", "new", [sample()] * 4),
    ]
    verdict = judge([route("raw"), route("prefill")], runs, gate=None, ladder=True, baseline="raw")
    title, header, row, served, note = comparison_lines(verdict)
    assert title == "against 'raw', paired by task: 95% intervals, in points; within ±2 is equivalent; mde: what could be seen"
    assert header.split() == ["route", "tasks", "strict", "pass", "credit", "no", "worse", "mde"]
    seen = verdict.comparisons[0]
    assert seen.strict_pass.low is not None
    assert seen.strict_pass.high is not None
    assert seen.mde is not None
    strict = f"+100.0 [{seen.strict_pass.low * 100:.1f}, {seen.strict_pass.high * 100:.1f}] better"
    assert [cell.strip() for cell in row.split("  ") if cell.strip()][:3] == ["prefill", "20", strict]
    assert row.split()[-2:] == ["yes", f"{seen.mde * 100:.1f}"]
    assert served == "  prefill: 2.0x lower p50, unpriced, 20.0x fewer tokens"
    assert note == "  prefill: 1 task without a partner, new or changed, left out"


def test_comparisons_fit_130_columns_and_are_none_without_a_baseline(article: Verdict) -> None:
    assert comparison_lines(article) == []
    runs = [run for row in ROWS for run in row.runs]
    verdict = judge([row.route for row in ROWS], runs, gate=None, ladder=True, baseline="raw")
    assert len(verdict.comparisons) == 5
    assert max(map(len, comparison_lines(verdict))) <= 130


def test_a_comparison_without_pairs_has_dashes() -> None:
    runs = [run("raw", "a", [sample()] * 4), run("prefill", "b", [sample()] * 4)]
    row, note = comparison_lines(judge([route("raw"), route("prefill")], runs, gate=None, ladder=True, baseline="raw"))[2:]
    assert row.split() == ["prefill", "0", *"----"]
    assert "2 tasks without a partner" in note


def test_a_gate_row_against_the_baseline_says_what_it_showed() -> None:
    runs = [run(name, f"t{n}", [sample(credit)] * 4) for name, credit in (("raw", 1.0), ("prefill", 0.5)) for n in range(20)]
    verdict = judge([route("raw"), route("prefill")], runs, gate=Gate(margin=0.05), ladder=False, baseline="raw")
    line = gate_lines(verdict)[-1]
    cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    assert cells[:5] == ["prefill", "against the baseline", "at least -5.0 points", "-100.0 points", "missed"]
    assert cells[5].startswith("not shown to be no worse, bound -")


def test_a_route_with_a_label_is_told_of_under_the_table() -> None:
    assert "raw: taught to think aloud" in notes(verdict_on(sample(), of=route(label="taught to think aloud")))
