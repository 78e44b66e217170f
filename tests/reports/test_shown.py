from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_understudy.endpoints.endpoint import Completion, Exchange, Tokens
from pytest_understudy.reports.shown import shown_run, shown_runs
from pytest_understudy.routes.ask import ask
from pytest_understudy.sampling.draws import Drawn, line_of
from pytest_understudy.sampling.run import Plan, Run
from pytest_understudy.sampling.scored import sample_of, sample_of_error
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task
from tests.fakes import ScriptedEndpoint
from tests.routes.test_turns import DONE, PLOVER, RAW
from tests.verdict.made import route

from .test_trajectory import EXPECTING

FORM = Form.from_schema({"type": "object", "properties": {"intent": {"type": "string"}}, "required": ["intent"]})


def task(**more: object) -> Task:
    given: dict[str, Any] = {
        "id": "a",
        "input": "My lamp broke.",
        "expect": {"intent": "refund"},
        "instructions": "Triage.",
        **more,
    }
    return Task(form=FORM, category="Returns", cluster="Lamps", file="mail.yaml", **given)


def drawn(output: str) -> Drawn:
    tokens = Tokens(prompt=1939, generated=14)
    return Drawn(Completion(output, "stop", tokens, 1.5, 0.0, (Exchange(output, "stop", tokens, 1.5),)), at="2026-11-25T00:00:00")


def as_collected(plan: Plan, outputs: list[str]) -> Run:
    """As it comes from a worker: without outputs."""
    samples = [sample_of(plan, number, drawn(output)) for number, output in enumerate(outputs)]
    return Run.from_json(Run.of(plan, [*samples, sample_of_error(len(outputs), "503")], "digest").to_json())


class Lines:
    """A record's lines, by number; remembers what was asked for."""

    def __init__(self, plan: Plan, outputs: Mapping[int, str], prompt: Any = None) -> None:
        self._lines = {
            number: {**line_of("k", plan, number, drawn(output)), "prompt": prompt} for number, output in outputs.items()
        }

    def __call__(self, run: Run, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
        assert run.request == "digest"
        return {number: self._lines[number] for number in numbers if number in self._lines}


def test_a_run_that_travelled_is_shown_with_what_the_record_has_of_it() -> None:
    plan = Plan(task(), route(), 3)
    outputs = ['{"intent": "refund"}', '{"intent": "question"}']
    [run] = shown_runs(
        [as_collected(plan, outputs)], [plan.route], lambda file, id: plan.task, Lines(plan, dict(enumerate(outputs)))
    )
    assert run.name == ("raw", "mail.yaml", "a")
    assert run.about == "Returns · Lamps · mail.yaml"
    assert run.expected == '{\n  "intent": "refund"\n}'
    assert run.prompt == (("system", "Triage."), ("user", "My lamp broke."))
    assert [(one.outcome, one.output) for one in run.samples] == [("pass", outputs[0]), ("silent", outputs[1]), ("error", "")]
    assert [name for name, passed, _ in run.samples[1].checks if not passed] == ["intent"]
    assert run.samples[2].error == "503"
    assert dict(run.samples[0].measures) == {
        "credit": "1.0000",
        "finish": "stop",
        "latency": "1.50s",
        "generated": "14",
        "prompt": "1,939",
    }


def test_a_recorded_prompt_is_shown_as_it_was_sent() -> None:
    plan = Plan(task(), route(), 2)
    prompt = {"text": "<|im_start|>", "prefixes": ["", '{"intent": "']}
    lines = Lines(plan, {0: '{"intent": "refund"}'}, prompt)
    [run] = shown_runs([as_collected(plan, ['{"intent": "refund"}'])], [plan.route], lambda file, id: plan.task, lines)
    assert run.samples[0].prompt == (("as it was sent", "<|im_start|>"), ("continued from", '{"intent": "'))


def test_what_the_record_lacks_keeps_its_figures() -> None:
    plan = Plan(task(), route(), 2)
    [run] = shown_runs([as_collected(plan, ["no"])], [plan.route], lambda file, id: plan.task, Lines(plan, {}))
    assert (run.samples[0].output, run.samples[0].outcome) == ("", "detectable")


def test_a_task_kept_for_confirmation_is_not_shown() -> None:
    plan = Plan(task(confirm=True), route(), 1)
    run = Run.of(plan, [sample_of(plan, 0, drawn("secret"))], "digest")
    assert shown_run(plan.task, run) is None
    assert list(shown_runs([run], [plan.route], lambda file, id: plan.task, Lines(plan, {}))) == []


def test_a_task_that_is_not_here_is_left_out() -> None:
    plan = Plan(task(), route(), 1)
    run = Run.of(plan, [sample_of(plan, 0, drawn("x"))], "digest")
    assert list(shown_runs([run], [plan.route], lambda file, id: None, Lines(plan, {}))) == []


def test_a_workflow_is_shown_with_what_the_model_was_told_between_its_turns_and_the_last_turns_prompt() -> None:
    plan = Plan(EXPECTING, RAW, 1)
    done, trajectory = asyncio.run(ask(EXPECTING, RAW, ScriptedEndpoint([PLOVER, DONE]), 0))
    run = Run.of(plan, [sample_of(plan, 0, Drawn(done, trajectory=trajectory))], "digest")
    shown = shown_run(EXPECTING, run, {0: {"turns": ["first", {"text": "all of it", "prefixes": ['{"']}]}})
    assert shown is not None
    assert shown.samples[0].said == (("", PLOVER), ("Plover is yours at 9.", DONE))
    assert shown.samples[0].prompt == (("as it was sent", "all of it"), ("continued from", '{"'))
