"""A worker on another host, where the controller's loopback address is somebody else's: it serves the embedded model itself."""

from __future__ import annotations

import json

import pytest

from tests.plugin.conftest import Suite, server, suite
from tests.plugin.elsewhere import Elsewhere

pytest.importorskip("xdist")
__all__ = ["server", "suite"]

CONFIG = """
[endpoints.local]
kind = "embedded"
concurrency = 1

[routes.raw]
endpoint = "local"
sampling = { max_tokens = 4, seed = 1 }
"""
TEST = """
import glob, pathlib, pytest
from pytest_understudy import Task

@pytest.mark.holdout(Task("hello", "Say hello.", scorer="exact", expect="hello"))
def test_hello(task, run):
    assert not run.errors
    children = [pid for path in glob.glob("/proc/self/task/*/children") for pid in pathlib.Path(path).read_text().split()]
    commands = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children]
    pathlib.Path(__file__).with_name("servers").write_text(str(sum(b"llama_server" in command for command in commands)))
"""


@pytest.mark.parametrize("network", [True, False], ids=["the same host", "another host"])
def test_the_embedded_model_is_served_where_the_owners_server_is_not_reached(
    suite: Suite, tmp_path_factory: pytest.TempPathFactory, network: bool
) -> None:
    suite.with_test(TEST)
    (suite.path / "understudy.toml").write_text(CONFIG)
    far = Elsewhere(suite, tmp_path_factory.mktemp("far"), workers=1, disk=False, network=network)
    far.run("--understudy-route=raw", "--understudy-report=r.json").assert_outcomes(passed=1)
    (route,) = json.loads((suite.path / "r.json").read_text())["routes"]
    assert (route["samples"], route["errors"]) == (1, 0)
    assert len(suite.recorded()) == 1
    assert (far.record.parent / "servers").read_text() == ("0" if network else "1")
