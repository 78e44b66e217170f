from __future__ import annotations

from pytest_understudy.reports.headline import headline
from pytest_understudy.routes.price import Price
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.made import error, route, run, sample

PRICE = Price.blended(0.2)


def article(**how: object) -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    given: dict[str, object] = {"gate": Gate(strict_pass=0.93), "ladder": True, **how}
    return judge([row.route for row in ROWS], runs, **given)  # type: ignore[arg-type]  # judge's own names


def test_the_promoted_route_is_named_with_what_it_reached_and_what_it_spares_against_the_first_rung() -> None:
    head = headline(article())
    assert (head.title, head.route, head.held) == ("Promote", "sft-nothink", True)
    assert head.sentence == (
        "It holds the gate with 94.7% strict pass and credit 0.9733, 35.6x fewer generated tokens and 5.9x lower p50 latency"
        " than raw."
    )
    assert "chosen among 6 rungs" in head.reason
    assert [(fact.name, fact.value) for fact in head.facts][:3] == [
        ("strict pass", "94.7%"),
        ("credit", "0.9733"),
        ("p50 latency", "5.52s"),
    ]
    assert head.facts[2].note == "32.60s on raw"


def test_against_a_baseline_the_sentence_says_what_a_thousand_tasks_save() -> None:
    dear = Price.blended(18.0)
    runs = [
        run("frontier", "a", [sample(price=dear, prompt=400, generated=100)] * 3),
        run("small", "a", [sample(price=PRICE, prompt=400, generated=100)] * 3),
    ]
    verdict = judge(
        [route("frontier", price=dear), route("small", price=PRICE)],
        runs,
        gate=Gate(strict_pass=0.9),
        ladder=True,
        baseline="frontier",
    )
    assert headline(verdict).sentence.endswith(
        ", and saves $8.90 per 1,000 tasks against frontier; strict pass 0.0 points against it (inconclusive)."
    )


def test_where_nothing_is_spared_against_the_baseline_its_strict_pass_is_told_all_the_same() -> None:
    sentence = headline(article(ladder=False, baseline="sft-nothink", gate=Gate(strict_pass=0.9))).sentence
    assert sentence == (
        "It holds the gate with 91.2% strict pass and credit 0.9598; strict pass -3.5 points against sft-nothink (inconclusive)."
    )


def test_ratios_of_a_route_that_was_cut_short_are_told_as_at_least() -> None:
    runs = [
        run("raw", "a", [sample(0.0, generated=700, finish="length")] * 3),
        run("nothink", "a", [sample(generated=70)] * 3),
    ]
    verdict = judge([route("raw"), route("nothink")], runs, gate=Gate(strict_pass=0.9), ladder=True)
    assert "at least 10.0x fewer generated tokens" in headline(verdict).sentence


def test_what_a_route_does_not_spare_is_not_said() -> None:
    runs = [run("raw", "a", [sample()] * 3), run("slow", "a", [sample(latency=9.0, generated=99)] * 3)]
    verdict = judge([route("raw"), route("slow")], runs, gate=Gate(strict_pass=0.9, p95=60), ladder=True)
    assert "than" not in headline(verdict).sentence


def test_where_no_route_holds_the_gate_nothing_is_promoted_and_the_nearest_is_named() -> None:
    head = headline(article(gate=Gate(strict_pass=0.99)))
    assert (head.title, head.route, head.held) == ("Promote nothing", "", False)
    assert head.sentence == (
        "None of 6 rungs holds the gate. sft-nothink comes furthest, with 94.7% strict pass and credit 0.9733."
    )


def test_without_a_gate_nothing_is_promoted_and_that_is_said() -> None:
    head = headline(article(gate=None))
    assert head.title == "Nothing to promote: there is no gate"
    assert head.held is None


def test_where_nothing_was_judged_no_figure_is_told() -> None:
    head = headline(judge([route()], [run("raw", "a", [error()])], gate=Gate(), ladder=True))
    assert head.facts == ()
    assert head.sentence == "None of 1 rung holds the gate."
