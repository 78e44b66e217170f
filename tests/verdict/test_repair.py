from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_understudy.routes.route import Route
from pytest_understudy.sampling.run import Run, Sample
from pytest_understudy.verdict.repair import ClusterRepair, trained
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge

from .made import error, route, run, sample

SEVERITY = "jira.create.severity"


def samples(misses: int, of: int, check: str = SEVERITY) -> list[Sample]:
    return [sample(0.5, missed=check)] * misses + [sample()] * (of - misses)


def incident(name: str, misses: int, of: int = 3, *, task: str = "incident", check: str = SEVERITY, confirm: bool = False) -> Run:
    return run(name, task, samples(misses, of, check), cluster="Jira / Confluence incident", confirm=confirm)


def verdict(routes: Sequence[Route], runs: Sequence[Run], *, gate: Gate | None = None, baseline: str | None = None) -> Verdict:
    return judge(routes, runs, gate=gate, ladder=True, baseline=baseline)


def states(row: ClusterRepair) -> dict[str, str]:
    return {rung.route: rung.state for rung in row.rungs}


RAW = route("raw")
PREFILL = route("prefill", controls=("prefill",))
SFT = route("sft", controls=("no_think",), adapter="ops")


def test_a_row_tells_misses_samples_and_states_against_the_first_rung() -> None:
    runs = [incident("raw", 3), incident("prefill", 3), incident("sft", 0)]
    assert verdict([RAW, PREFILL, SFT], runs).to_json()["repair_map"] == [
        {
            "cluster": "Jira / Confluence incident",
            "category": "Mail",
            "tasks": 1,
            "check": SEVERITY,
            "rungs": [
                {"route": "raw", "misses": 3, "samples": 3, "state": "first"},
                {"route": "prefill", "misses": 3, "samples": 3, "state": "unchanged"},
                {"route": "sft", "misses": 0, "samples": 3, "state": "repaired"},
            ],
            "best": "sft",
            "next": "'sft' repaired it: nothing left to repair",
        }
    ]


def test_every_cluster_is_classified_in_collection_order() -> None:
    runs = [
        run(name, task, [sample()] * 3, cluster=cluster)
        for name in ("raw", "prefill")
        for task, cluster in (("b", "Zeta"), ("a", "Alpha"))
    ]
    rows = verdict([RAW, PREFILL], runs).repair_map
    assert [(row.cluster, states(row), row.check, row.missed) for row in rows] == [
        ("Zeta", {"raw": "first", "prefill": "unchanged"}, None, False),
        ("Alpha", {"raw": "first", "prefill": "unchanged"}, None, False),
    ]
    assert {row.next for row in rows} == {"nothing left to repair"}


def test_a_clusters_tasks_are_weighed_alike() -> None:
    runs = [
        *(incident("raw", 3, task=task) for task in ("a", "b")),
        *(incident("prefill", misses, task=task) for task, misses in (("a", 0), ("b", 1))),
    ]
    [row] = verdict([RAW, PREFILL], runs).repair_map
    assert (row.tasks, states(row)["prefill"]) == (2, "partly")
    assert [(rung.misses, rung.samples) for rung in row.rungs] == [(6, 6), (1, 6)]


def test_tasks_kept_for_confirmation_are_kept_out() -> None:
    runs = [
        *(run(name, "unseen", samples(3, 3), cluster="Unseen", confirm=True) for name in ("raw", "prefill")),
        *(incident(name, 1, task="seen") for name in ("raw", "prefill")),
        *(incident(name, 3, task="kept", confirm=True) for name in ("raw", "prefill")),
    ]
    [row] = verdict([RAW, PREFILL], runs).repair_map
    assert (row.cluster, row.tasks, row.rungs[0].misses) == ("Jira / Confluence incident", 1, 1)


def test_a_rung_that_was_not_judged_on_a_cluster_is_left_out_of_its_row() -> None:
    runs = [
        run("raw", "incident", [error()] * 3, cluster="Jira / Confluence incident"),
        incident("prefill", 3),
        incident("sft", 0),
        run("raw", "a", [sample()] * 3),
        run("prefill", "a", [], planned=3),
    ]
    rows = {row.cluster: row for row in verdict([RAW, PREFILL, SFT, route("never")], runs).repair_map}
    assert states(rows["Jira / Confluence incident"]) == {"prefill": "first", "sft": "repaired"}
    assert states(rows["Mail"]) == {"raw": "first"}


def test_errors_are_no_misses() -> None:
    runs = [run("raw", "a", [error(), sample(0.5), sample()]), run("prefill", "a", [sample()] * 3)]
    [row] = verdict([RAW, PREFILL], runs).repair_map
    assert (row.rungs[0].misses, row.rungs[0].samples) == (1, 2)


def test_what_is_left_is_read_off_the_promoted_rung() -> None:
    runs = [
        incident("raw", 3),
        incident("prefill", 1, check="parsed"),
        incident("sft", 0),
        *(run(name, f"t{n}", [sample()] * 3) for name in ("raw", "prefill", "sft") for n in range(9)),
    ]
    gate = Gate(strict_pass=0.95)
    promoted = verdict([RAW, PREFILL, SFT], runs, gate=gate)
    assert promoted.promotion.route == "prefill"
    [row] = [row for row in promoted.repair_map if row.missed]
    assert (row.best.route, row.check) == ("prefill", "parsed")
    assert row.next == "use 'sft', which repaired it"


def test_without_a_promotion_it_is_read_off_the_rung_that_passes_most() -> None:
    runs = [incident("raw", 3), incident("prefill", 2), incident("sft", 1, check="parsed")]
    [row] = verdict([RAW, PREFILL, SFT], runs).repair_map
    assert (row.best.route, row.check) == ("sft", "parsed")


def test_what_is_left_is_not_read_off_the_baseline() -> None:
    runs = [incident("raw", 0), incident("prefill", 2)]
    [row] = verdict([RAW, PREFILL], runs, baseline="raw").repair_map
    assert (row.best.route, row.next) == ("prefill", "use 'raw', which misses nothing here")


def test_a_rung_that_was_drawn_in_part_is_not_the_best_of_whole_ones() -> None:
    runs = [incident("raw", 3), incident("prefill", 2), run("sft", "a", [sample()]), run("sft", "b", [], planned=1)]
    rows = verdict([RAW, PREFILL, SFT], runs).repair_map
    assert rows[0].best.route == "prefill"


def test_of_a_cluster_repaired_the_check_is_what_was_missed() -> None:
    [row] = verdict([RAW, PREFILL], [incident("raw", 3, check="parsed"), incident("prefill", 0)]).repair_map
    assert (row.check, row.next) == ("parsed", "'prefill' repaired it: no training needed")


def test_a_baseline_of_another_model_is_no_rung() -> None:
    frontier = route("frontier", model="frontier")
    runs = [incident("raw", 3), incident("prefill", 3), incident("frontier", 0)]
    for routes in ([RAW, PREFILL, frontier], [frontier, RAW, PREFILL]):
        [row] = verdict(routes, runs, baseline="frontier").repair_map
        assert list(states(row)) == ["raw", "prefill"]


def test_of_selected_routes_the_baseline_is_what_the_others_are_compared_with() -> None:
    runs = [incident("prefill", 0), incident("raw", 3)]
    [row] = judge([PREFILL, RAW], runs, gate=None, ladder=False, baseline="raw").repair_map
    assert [(rung.route, rung.state) for rung in row.rungs] == [("raw", "first"), ("prefill", "repaired")]


@pytest.mark.parametrize("baseline", ["raw", "prefill"])
def test_a_baseline_that_is_a_rung_of_the_same_model_stays_one(baseline: str) -> None:
    [row] = verdict([RAW, PREFILL], [incident("raw", 3), incident("prefill", 0)], baseline=baseline).repair_map
    assert states(row) == {"raw": "first", "prefill": "repaired"}


@pytest.mark.parametrize(
    ("other", "first", "expected"),
    [
        (route("prefill", controls=("prefill",)), route(), False),
        (route("sft", adapter="ops"), route(), True),
        (route("served", model="ops-lora"), route(model="qwen3-8b"), True),
        (route("nothink", adapter="thinker"), route(adapter="thinker"), False),
        (route("sft", adapter="ops"), route(adapter="thinker"), True),
        (route("base"), route(adapter="thinker"), False),
    ],
)
def test_a_route_is_trained_where_its_weights_are_not_the_first_rungs(other: Route, first: Route, expected: bool) -> None:
    assert trained(other, first) is expected


def test_nothing_judged_is_an_empty_map() -> None:
    assert verdict([RAW], [run("raw", "a", [], planned=3)]).repair_map == ()
    assert verdict([RAW], [run("raw", "a", [error()])]).repair_map == ()
