"""example_suite/qwen3.toml: the article's ladder, which needs keys. Without them it says which; with some it runs those rungs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_understudy.config.config import Config, load_config
from pytest_understudy.routes.price import Price

from .server import Server, said

EXAMPLE = Path(__file__).parents[2] / "example_suite"
CONFIG = "qwen3.toml"
KEYS = ("VLLM_API_KEY", "FIREWORKS_API_KEY", "OPENROUTER_API_KEY", "ANTHROPIC_API_KEY")
SERVED = "http://localhost:8000/v1"
QWEN = ["raw", "prefill", "nothink", "hard-nothink", "sft-prefill", "sft-nothink"]


@pytest.fixture
def config() -> Config:
    return load_config(EXAMPLE / CONFIG)


@pytest.fixture
def asked() -> Iterator[Server]:
    server = Server(lambda body: said('{"actions": []}'))
    yield server
    server.close()


@pytest.fixture
def suite(pytester: pytest.Pytester, asked: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example's files with this config alone, and with vLLM's address on this machine; no key is set."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in ("test_operations.py", "operations.yaml", "tools.yaml", "training.yaml"):
        shutil.copy(EXAMPLE / name, pytester.path)
    text = (EXAMPLE / CONFIG).read_text(encoding="utf-8")
    assert text.count(SERVED) == 2
    (pytester.path / CONFIG).write_text(text.replace(SERVED, asked.url), encoding="utf-8")
    return pytester.path


def ran(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--understudy-config={CONFIG}", *args)


def test_it_has_the_articles_rungs_in_its_order_and_the_frontier_as_the_baseline(config: Config) -> None:
    assert config.ladder == (*QWEN, "fireworks", "frontier")
    assert config.baseline == "frontier"
    assert "teacher" in config.routes
    assert {name: config.routes[name].controls for name in QWEN} == {
        "raw": (),
        "prefill": ("prefill",),
        "nothink": ("no_think",),
        "hard-nothink": ("no_think",),
        "sft-prefill": ("prefill",),
        "sft-nothink": ("no_think",),
    }


def test_the_hard_switch_is_asked_of_the_same_model_without_a_begun_answer(config: Config) -> None:
    soft, hard = config.routes["nothink"], config.routes["hard-nothink"]
    assert (soft.model, soft.sampling, soft.controls) == (hard.model, hard.sampling, hard.controls)
    assert [config.endpoints[route.endpoint].settings["no_think"] for route in (soft, hard)] == ["soft", "template"]


def test_its_prices_are_the_articles_for_the_small_model_and_sonnets_own(config: Config) -> None:
    assert {config.routes[name].price for name in (*QWEN, "fireworks")} == {Price.blended(0.20)}
    sonnet = config.routes["frontier"].price
    assert sonnet == Price(input=3, cached=0.3, cache_write=3.75, output=15, date="2026-11-25")


def test_the_teachers_price_is_in_a_list(config: Config) -> None:
    (teacher,) = config.selected(["teacher"])
    assert teacher.price is not None
    assert teacher.price.source.startswith("genai-prices ")


def test_every_endpoint_names_the_variable_of_its_key(config: Config) -> None:
    assert {settings.key_env for settings in config.endpoints.values()} == set(KEYS)
    assert {settings.kind for settings in config.endpoints.values()} == {"openai", "anthropic"}


def test_without_any_key_it_is_told_which_to_set(pytester: pytest.Pytester, suite: Path, asked: Server) -> None:
    result = ran(pytester, "--understudy-ladder")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*no rung of the ladder can run: set 'VLLM_API_KEY', 'FIREWORKS_API_KEY' and 'ANTHROPIC_API_KEY'*"]
    )
    assert asked.asked == []


def test_with_one_key_its_rungs_run_and_the_others_are_skipped_by_name(
    pytester: pytest.Pytester, suite: Path, asked: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "dummy")
    args = ("--understudy-ladder", "--understudy-samples=1", "-k", "lease-archive", "--understudy-report=r.json")
    result = ran(pytester, *args)
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # nothing is archived by doing nothing
    result.stdout.fnmatch_lines_random(
        [
            "*fireworks was skipped: the variable FIREWORKS_API_KEY is not set*",
            "*frontier was skipped: the variable ANTHROPIC_API_KEY is not set*",
        ]
    )
    report: dict[str, Any] = json.loads((suite / "r.json").read_text())
    assert [route["name"] for route in report["routes"]] == QWEN
    assert all(route["errors"] == 0 and route["cost"]["serving"] > 0 for route in report["routes"])
    assert {headers["Authorization"] for headers in asked.headers} == {"Bearer dummy"}
    assert {body["model"] for body in asked.asked} == {"Qwen/Qwen3-8B", "operations-sft"}
    hard = [body for body in asked.asked if body.get("chat_template_kwargs") == {"enable_thinking": False}]
    assert hard, "the hard switch was not sent"
    assert all("/no_think" not in body["messages"][-1]["content"] for body in hard)


def test_the_teacher_alone_without_its_key_is_a_usage_error(pytester: pytest.Pytester, suite: Path) -> None:
    result = ran(pytester, "--understudy-route=teacher")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*route 'teacher': the variable OPENROUTER_API_KEY of endpoint 'openrouter' is not set*"])
