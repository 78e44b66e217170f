"""Runs kept small: each comes back as it was, without its outputs, in the order in which they were planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_understudy.endpoints.endpoint import Tokens
from pytest_understudy.sampling import runs as module
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.run import Run
from pytest_understudy.sampling.runs import Runs
from pytest_understudy.sampling.scored import sample_of, sample_of_error
from pytest_understudy.scoring.score import Check, Score

from .made import completion, plan


@pytest.fixture(autouse=True, params=[0, 3, 8_192], ids=lambda few: f"{few}-may-stay")
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether all are packed, some, or none: nobody who asks for one can tell."""
    monkeypatch.setattr(module, "FEW", request.param)


def drawn(task: str, samples: int = 2) -> Run:
    one = plan(task, samples=samples)
    one = replace(one, task=replace(one.task, expect="yes"))
    return Run.of(one, [sample_of(one, number, Drawn(completion())) for number in range(samples)], "a digest")


def test_a_run_comes_back_with_all_its_figures_and_without_its_outputs() -> None:
    odd = replace(
        sample_of_error(1, "a lone \ud800 surrogate"),
        score=Score(0.1 + 0.2, False, (Check("key", False),), "harm"),
        tokens=Tokens(prompt=7, reasoning=0),
        cost=1e-9,
        at="2026-11-29T09:29:03.000001+00:00",
    )
    run = replace(drawn("a"), samples=(*drawn("a").samples, odd), planned=9)
    runs = Runs()
    runs.keep(run)
    (back,) = runs
    assert back.to_json() == run.to_json()
    assert [sample.output for sample in run.samples] == ["yes", "yes", ""]
    assert [sample.output for sample in back.samples] == ["", "", ""]


def test_a_run_of_no_samples_is_kept_among_others() -> None:
    runs = Runs()
    for run in (drawn("a"), replace(drawn("b"), samples=())):
        runs.keep(run)
    assert [(run.task, len(run.samples)) for run in runs] == [("a", 2), ("b", 0)]


def test_runs_stand_in_the_order_of_planning_and_those_not_drawn_are_empty() -> None:
    runs = Runs()
    runs.plan(replace(drawn(task), samples=()) for task in "abc")
    runs.keep(drawn("c"))
    runs.keep(drawn("a"))
    assert [(run.task, len(run.samples)) for run in runs] == [("a", 2), ("b", 0), ("c", 2)]
    assert [run.samples for run in runs.planned] == [()] * 3
    assert len(runs) == 3
    assert drawn("b") in runs
    assert drawn("d") not in runs
    with pytest.raises(KeyError):
        runs.of(("raw", "emails.yaml", "d"))


def test_of_two_runs_of_a_task_the_longer_is_kept_and_of_equals_the_first() -> None:
    runs = Runs()
    for run in (drawn("a", 2), drawn("a", 3), drawn("a", 1), replace(drawn("a", 3), request="another")):
        runs.keep(run)
    assert [(len(run.samples), run.planned, run.request) for run in runs] == [(3, 3, "a digest")]
    assert runs.drawn(drawn("a").name) == 3
    assert runs.drawn(drawn("b").name) == 0


def test_of_many_samples_compressed_text_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 4)
    runs = Runs()
    for task in "abc":
        runs.keep(drawn(task))
        assert (runs.of(drawn("a").name) is runs.of(drawn("a").name)) is (task != "c")
