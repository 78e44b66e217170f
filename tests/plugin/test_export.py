"""--understudy-export-sft: what a session leaves behind to train on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import TASKS, Suite, right
from .server import Reply, said

TRAIN = TASKS.replace("scorer: fields", "scorer: fields\nsplit: train")
EXPORT = ("--understudy-split=train", "--understudy-export-sft=sft.jsonl")


@pytest.fixture
def training(suite: Suite) -> Suite:
    """The suite, all of its tasks for training."""
    return suite.with_tasks(TRAIN)


def lines(suite: Suite) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (suite.path / "sft.jsonl").read_text(encoding="utf-8").splitlines()]


def numbered(body: dict[str, Any]) -> Reply:
    """A right answer that is another text for each seed, except for late parcels, which it gets wrong."""
    answer = json.loads(json.loads(right(body).content)["choices"][0]["message"]["content"])
    if "parcel" in body["messages"][1]["content"]:
        answer["priority"] = "low"
    return said(json.dumps(answer) + "\n" * body["seed"])


def test_strict_passes_are_exported_the_same_with_workers(training: Suite) -> None:
    training.with_config('[routes.seeded]\nextends = "raw"\nsampling = { seed = 1 }\n')
    training.server.rule = numbered
    written = []
    for workers in ((), ("-n2",)):
        result = training.run("--understudy-route=seeded", *EXPORT, *workers)
        result.assert_outcomes(passed=3)
        result.stdout.fnmatch_lines(["4 training examples written to sft.jsonl (4 strict passes)"])
        result.stdout.no_fnmatch_line("*WARNING*")
        written.append((training.path / "sft.jsonl").read_bytes())
    assert written[0] == written[1]
    found = lines(training)
    assert [(line["metadata"]["task"], line["metadata"]["sample"]) for line in found] == [
        ("broken-lamp", 0),
        ("broken-lamp", 1),
        ("opening-hours", 0),
        ("opening-hours", 1),
    ]
    assert found[3] == {
        "messages": [
            {"role": "system", "content": "Triage the e-mail."},
            {"role": "user", "content": "When do you open?"},
            {"role": "assistant", "content": '{"intent": "question", "priority": "low"}\n\n'},
        ],
        "metadata": {"route": "seeded", "task": "opening-hours", "sample": 1},
    }


def test_equal_samples_are_exported_once_and_a_prefilled_form_whole(training: Suite) -> None:
    result = training.run("--understudy-ladder", *EXPORT)
    result.stdout.fnmatch_lines(["3 training examples written to sft.jsonl (12 strict passes, 9 of them repeated)"])
    training.run("--understudy-route=prefill", *EXPORT)
    assert lines(training)[0]["messages"][-1]["content"] == '{"intent": "refund", "priority": "high"}'
    assert {line["metadata"]["route"] for line in lines(training)} == {"prefill"}


@pytest.mark.parametrize(("dialect", "ending"), [("soft", "? /no_think"), ("template", "?")])
def test_the_user_message_is_the_one_that_was_sent(training: Suite, dialect: str, ending: str) -> None:
    config = (training.path / "understudy.toml").read_text().replace("retries = 1", f'retries = 1\nno_think = "{dialect}"')
    (training.path / "understudy.toml").write_text(config)
    training.run("--understudy-route=raw", "--understudy-control=no_think", *EXPORT, "-k", "hours")
    (line,) = lines(training)
    assert line["messages"][1]["content"].endswith(ending)
    assert line["messages"][:2] == training.server.asked[0]["messages"]


def test_tasks_kept_for_confirmation_are_never_exported(training: Suite) -> None:
    training.with_tasks(TRAIN.replace("id: broken-lamp", "id: broken-lamp\n    confirm: true"))
    training.run("--understudy-route=raw", *EXPORT)
    assert [line["metadata"]["task"] for line in lines(training)] == ["opening-hours", "late-parcel"]


def test_the_holdout_is_exported_only_when_said_aloud(suite: Suite) -> None:
    result = suite.run("--understudy-route=raw", "--understudy-export-sft=sft.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*this session draws the holdout: add --understudy-split=train, or --understudy-export-holdout*"]
    )
    assert suite.server.asked == []
    suite.with_tasks(TASKS.replace("id: broken-lamp", "id: broken-lamp\n    confirm: true"))
    result = suite.run("--understudy-route=raw", "--understudy-export-sft=sft.jsonl", "--understudy-export-holdout")
    result.stdout.fnmatch_lines(["WARNING: 2 of the examples in sft.jsonl are of the HOLDOUT: *"])
    assert [line["metadata"]["task"] for line in lines(suite)] == ["opening-hours", "late-parcel"]


CLUSTERS = TRAIN.replace("category: Returns", "category: Returns\n    cluster: Lamps, broken").replace(
    "id: late-parcel", "id: late-parcel\n    confirm: true\n    cluster: Parcels"
)


def test_only_the_clusters_that_are_named_are_exported(training: Suite, workers: tuple[str, ...]) -> None:
    training.with_tasks(CLUSTERS.replace("Lamps, broken", "Lamps / broken"))
    training.run("--understudy-route=raw", *EXPORT, "--understudy-export-clusters=Lamps / broken", *workers)
    assert [line["metadata"]["task"] for line in lines(training)] == ["broken-lamp"]
    result = training.run("--understudy-route=raw", *EXPORT, "--understudy-export-clusters=Lamps,Questions", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = (*result.errlines, *result.outlines)  # with workers it is told when they have collected
    assert any("has the cluster 'Lamps'; there are 'Lamps / broken' and 'Questions'" in line for line in said)


def test_a_cluster_that_nobody_has_is_told_before_anything_is_drawn(training: Suite) -> None:
    training.run("--understudy-route=raw", *EXPORT, "--understudy-export-clusters=Parcel")
    assert training.server.asked == []


def test_without_an_export_its_other_options_do_nothing(suite: Suite) -> None:
    more = ("--understudy-export-clusters=nowhere", "--understudy-export-holdout")
    suite.run("--understudy-route=raw", *more).assert_outcomes(passed=3)
    suite.run("--understudy-export-sft=nowhere/sft.jsonl", *more).assert_outcomes(skipped=1)


@pytest.mark.parametrize("path", ["nowhere/sft.jsonl", ".", ""])
def test_a_path_that_cannot_be_written_is_told_before_anything_is_drawn(training: Suite, path: str) -> None:
    result = training.run("--understudy-route=raw", "--understudy-split=train", f"--understudy-export-sft={path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no file can be written there*"])
    assert training.server.asked == []


def test_a_path_that_cannot_be_written_at_the_end_costs_no_verdict(training: Suite) -> None:
    (training.path / "conftest.py").write_text("def pytest_understudy_verdict(verdict):\n    import os; os.mkdir('sft.jsonl')\n")
    result = training.run("--understudy-route=raw", *EXPORT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*raw*1.0000*", "note: the training examples could not be written: *"])


def test_where_nothing_passes_the_export_is_empty_and_not_an_older_one(training: Suite) -> None:
    (training.path / "sft.jsonl").write_text("of another day\n")
    training.server.rule = lambda body: said("no idea")
    result = training.run("--understudy-route=raw", *EXPORT)
    result.stdout.fnmatch_lines(["0 training examples written to sft.jsonl (0 strict passes)"])
    assert lines(training) == []
    (training.path / "sft.jsonl").write_text("{}\n")
    training.run("--understudy-route=raw", *EXPORT, "--collect-only")
    assert lines(training) == [{}]


def test_a_route_that_is_only_compared_with_is_not_exported(training: Suite) -> None:
    training.server.rule = lambda body: right(body) if body["messages"][-1]["role"] == "assistant" else said("no idea")
    training.run("--understudy-route=raw", "--understudy-baseline=prefill", *EXPORT)
    assert lines(training) == []
    training.run("--understudy-route=raw,prefill", "--understudy-baseline=prefill", *EXPORT)
    assert len(lines(training)) == 3


def test_two_tests_of_one_task_export_all_that_either_drew(training: Suite, workers: tuple[str, ...]) -> None:
    training.with_config('[routes.seeded]\nextends = "raw"\nsampling = { seed = 1 }\n')
    training.server.rule = numbered
    training.with_test(
        "import pytest\n\n@pytest.mark.holdout('emails.yaml', samples=3)\ndef test_three(run): pass\n\n"
        "@pytest.mark.holdout('emails.yaml', samples=1)\ndef test_one(run): pass\n"
    )
    training.run("--understudy-route=seeded", *EXPORT, *workers)
    assert [line["metadata"]["sample"] for line in lines(training)] == [0, 1, 2, 0, 1, 2]


def test_what_a_worker_drew_before_it_crashed_is_exported_from_the_record(training: Suite) -> None:
    training.with_test(
        "import os, pytest\n\n@pytest.mark.holdout('emails.yaml')\ndef test_emails(task, run):\n"
        "    if task.id == 'opening-hours': os._exit(13)\n"
    )
    training.run("--understudy-route=raw", *EXPORT, "-n1")
    assert [line["metadata"]["task"] for line in lines(training)] == ["broken-lamp", "opening-hours", "late-parcel"]
