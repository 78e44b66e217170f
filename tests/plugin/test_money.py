"""Money, end to end: what a run cost, by whose prices, on whose machine, and from when on a route pays."""

from __future__ import annotations

import json
import sys
import threading
from importlib.metadata import version
from typing import Any

import pytest

from .conftest import CONFIG, Suite, right
from .server import Reply, said

LEAVES = "abcdef"


def tasks(number: int) -> str:
    """So many tasks, each with a form of six letters, all of which are to be x."""
    properties = ", ".join(f"{leaf}: {{enum: [x, y]}}" for leaf in LEAVES)
    head = (
        "instructions: Spell.\n"
        f"form: {{type: object, properties: {{{properties}}}, required: [{', '.join(LEAVES)}], additionalProperties: false}}\n"
        "scorer: fields\ntasks:\n"
    )
    expect = ", ".join(f"{leaf}: x" for leaf in LEAVES)
    return head + "".join(f"  - {{id: t{n}, category: Spelling, input: task {n}, expect: {{{expect}}}}}\n" for n in range(number))


def letters(wrong: int = 0) -> str:
    return json.dumps({leaf: "y" if place < wrong else "x" for place, leaf in enumerate(LEAVES)})


def note_on(result: pytest.RunResult, start: str) -> str:
    return next(line for line in result.stdout.lines if line.strip().startswith(start))


# -- the article's figures


class Served:
    """90 answers whose usage sums to 33,111 tokens: six get half of the letters right, one two thirds, the others all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answered = 0

    def __call__(self, body: dict[str, Any]) -> Reply:
        with self._lock:
            number, self.answered = self.answered, self.answered + 1
        total = 33_111 // 90 + (number < 33_111 % 90)
        wrong = 3 if number < 6 else 2 if number == 6 else 0
        return said(letters(wrong), prompt=total - 40, generated=40)


def test_the_articles_served_route_costs_00066_and_00069_a_score_point(suite: Suite, workers: tuple[str, ...]) -> None:
    suite.server.rule = Served()
    suite.with_tasks(tasks(30))
    result = suite.run("--understudy-route=raw", "--understudy-samples=3", "--understudy-report=r.json", *workers)
    (route,) = json.loads((suite.path / "r.json").read_text())["routes"]
    assert (route["samples"], route["errors"], route["tokens"]["total"]) == (90, 0, 33_111)
    assert route["cost"]["serving"] == pytest.approx(33_111 * 0.20 / 1e6)
    assert route["credit"]["mean"] == pytest.approx(0.9630, abs=5e-5)
    assert route["cost"]["per_score_point"] == pytest.approx(33_111 * 0.20 / 1e6 / (86 + 2 / 3) * 90)
    assert route["strict_pass"]["rate"] == pytest.approx(83 / 90)
    row = note_on(result, "raw ")
    assert [cell for cell in row.split() if cell in ("0.9630", "92.2%", "33k", "$0.0066", "$0.0069")] == [
        *("0.9630", "92.2%", "33k", "$0.0066", "$0.0069")
    ]


# -- whose prices

SONNET = '[routes.sonnet]\nextends = "raw"\nmodel = "claude-sonnet-4-5"\nprice = "auto"\n'


def test_a_listed_price_is_looked_up_by_name_behind_a_proxy_and_the_report_says_whose_it_is(suite: Suite) -> None:
    suite.server.rule = lambda body: said(json.loads(right(body).content)["choices"][0]["message"]["content"], prompt=1000)
    result = suite.with_config(SONNET).run("--understudy-route=sonnet", "--understudy-report=r.json")
    (route,) = json.loads((suite.path / "r.json").read_text())["routes"]
    assert (route["price"]["source"], route["price"]["date"]) == (f"genai-prices {version('genai-prices')}", None)
    assert route["cost"]["serving"] == pytest.approx(6 * (1000 * 3 + 20 * 15) / 1e6)
    line = note_on(result, "price: ")
    assert "$3.00 in" in line
    assert "as anthropic's claude-sonnet-4-5, by the model's name" in line
    assert f"(genai-prices {version('genai-prices')})" in line


def test_a_model_in_no_list_is_unpriced_and_says_so(suite: Suite) -> None:
    suite.with_config(SONNET.replace("claude-sonnet-4-5", "my-own"))
    result = suite.run("--understudy-route=sonnet", "--understudy-report=r.json", "--understudy-max-cost=100")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # what is unknown holds no threshold
    (route,) = json.loads((suite.path / "r.json").read_text())["routes"]
    assert (route["price"]["source"], route["price"]["rates"]) == (None, None)
    assert set(route["cost"].values()) == {None}
    assert "unpriced" in note_on(result, "sonnet ")
    assert "knows no provider at 127.0.0.1, nor who alone serves 'my-own'" in note_on(result, "sonnet: unpriced: ")


def test_without_genai_prices_a_route_that_wants_it_is_a_usage_error_and_others_run(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    suite.with_config(SONNET)
    result = suite.run("--understudy-route=sonnet")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ['*understudy.toml: [[]routes.sonnet[]] price: price = "auto" needs genai-prices*pytest-understudy[[]prices[]]*']
    )
    assert suite.server.asked == []
    suite.run("--understudy-route=raw").assert_outcomes(passed=3)


def test_a_price_of_the_config_has_its_day(suite: Suite) -> None:
    suite.with_config("", base=CONFIG.replace("blended = 0.20", "blended = 0.20, date = 2026-11-20"))
    result = suite.run("--understudy-route=raw,prefill", "--understudy-report=r.json")
    routes = json.loads((suite.path / "r.json").read_text())["routes"]
    assert [(route["price"]["source"], route["price"]["date"]) for route in routes] == [("config", "2026-11-20")] * 2
    result.stdout.fnmatch_lines(["price: $0.20 a million tokens, blended (config, 2026-11-20)"])


# -- whose machine

HOURLY = CONFIG.replace("retries = 1", "retries = 1\nhourly = 36.0\ncold_start = 100\nmachines = 2")


def test_a_machine_by_the_hour_is_told_apart_from_the_serving_cost_and_costs_the_same_replayed(
    suite: Suite, workers: tuple[str, ...]
) -> None:
    suite.server.rule = lambda body: said(json.loads(right(body).content)["choices"][0]["message"]["content"], delay=0.05)
    suite.with_config("", base=HOURLY)
    result = suite.run("--understudy-route=raw", "--understudy-report=r.json", *workers)
    (first,) = json.loads((suite.path / "r.json").read_text())["routes"]
    seconds = first["machine"]
    assert (seconds["hourly"], seconds["machines"], seconds["utilisation"], seconds["starts"]) == (36.0, 2, 0.5, 1)
    assert seconds["cold_start"] == 100
    # Six answers of 50 ms, four at once, are at least two rounds; and no more than all of them in a row and what lies between.
    assert seconds["busy"] >= 0.1 * 0.99
    assert first["cost"]["loaded"] == pytest.approx(36 / 3600 * (100 + seconds["busy"] + seconds["idle"]) * 2)
    assert first["cost"]["serving"] == pytest.approx(6 * 70 * 0.20 / 1e6)
    note = note_on(result, "raw: loaded cost $2.")
    assert "$36.00 an hour x 2, cold start 100.00s, busy " in note
    assert note.endswith("; its serving cost is notional")
    result.stdout.fnmatch_lines(["*loaded", "*cost*cost*"])
    (again,) = suite.report("--understudy-route=raw", "--understudy-replay=only", *workers)["routes"]
    assert again["replayed"] == 6
    assert (again["machine"], again["cost"]) == (first["machine"], first["cost"])


def test_without_a_machine_by_the_hour_loaded_is_serving(suite: Suite) -> None:
    (route,) = suite.report("--understudy-route=raw")["routes"]
    assert route["machine"] is None
    assert route["cost"]["loaded"] == route["cost"]["serving"]


def test_a_cold_start_that_nobody_knows_is_not_counted_and_said(suite: Suite) -> None:
    suite.with_config("", base=HOURLY.replace("cold_start = 100\n", ""))
    result = suite.run("--understudy-route=raw", "--understudy-report=r.json")
    assert ", cold start not counted, busy " in note_on(result, "raw: loaded cost ")
    assert json.loads((suite.path / "r.json").read_text())["routes"][0]["machine"]["cold_start"] is None


# -- from when on it pays

LARGE = """
[routes.large]
extends = "raw"
model = "large"
price = { input = 3.00, output = 15.00 }

[routes.small]
extends = "raw"
model = "small"
training_cost = 12.50

[gate]
strict_pass = 0.9
"""


def large_is_slow(body: dict[str, Any]) -> Reply:
    content = json.loads(right(body).content)["choices"][0]["message"]["content"]
    return said(content, prompt=1000, generated=200, delay=0.25 if body["model"] == "large" else 0.0)


def test_the_comparison_reads_as_the_articles_serve_section_and_says_what_is_saved(suite: Suite) -> None:
    """A task costs 1,200 x 0.20 = 240 and 1000 x 3 + 200 x 15 = 6,000 millionths of a dollar: 25 times less, 5.76 in 1,000 tasks.
    12.50 and six samples of 0.00024 are paid back after 12.50144 / 0.00576 = 2,170.4 tasks."""
    suite.server.rule = large_is_slow
    suite.with_config(LARGE)
    result = suite.run("--understudy-route=small", "--understudy-baseline=large", "--understudy-report=r.json")
    (comparison,) = json.loads((suite.path / "r.json").read_text())["comparisons"]
    found = comparison["break_even"]
    assert found["saved_per_1000"] == pytest.approx(5.76)
    assert (found["training_cost"], found["payback_tasks"], found["machine"]) == (12.5, 2171, None)
    line = note_on(result, "small: ")
    assert line.strip().endswith("x lower p50, 25.0x lower cost")
    result.stdout.fnmatch_lines(
        [
            "  small holds the gate: saves $5.76 per 1,000 tasks ($0.00024 expected a task against $0.0060)",
            "    its training ($12.50) and this evaluation ($0.0014) are paid back after 2,171 tasks",
            "    it has no detectable miss to send to the baseline",
        ],
        consecutive=True,
    )


def test_a_baseline_never_counts_in_the_gate_not_even_where_it_is_the_only_rung_left(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAR_KEY", raising=False)
    far = f'[endpoints.far]\nkind = "openai"\nbase_url = "{suite.server.url}"\napi_key_env = "FAR_KEY"\n'
    suite.with_config(
        f'{far}[routes.cheap]\nendpoint = "far"\n[gate]\nstrict_pass = 0.5\n',
        base=CONFIG.replace('ladder = ["raw", "prefill"]', 'ladder = ["cheap", "raw"]\nbaseline = "raw"'),
    )
    result = suite.run("--understudy-ladder")
    result.stdout.fnmatch_lines(["gate missed: nothing was judged", "promote nothing: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_route_that_got_worse_than_mains_last_run_fails_the_gate_and_hears_what_could_be_seen(suite: Suite) -> None:
    suite.with_tasks(tasks(12)).with_config("[gate]\nstrict_pass = 0.0\n")
    suite.server.rule = lambda body: said(letters())
    assert suite.run("--understudy-route=raw", "--understudy-report=main.json").ret == pytest.ExitCode.OK
    args = ("--understudy-route=raw", "--understudy-baseline=main.json", "--understudy-replay=off")
    same = suite.run(*args)
    assert same.ret == pytest.ExitCode.OK
    same.stdout.fnmatch_lines(["*raw*against the baseline*held*could see a drop of * points*"])
    suite.server.rule = lambda body: said(letters(wrong=1))
    worse = suite.run(*args)
    assert worse.ret == pytest.ExitCode.TESTS_FAILED
    worse.assert_outcomes(passed=12)
    worse.stdout.fnmatch_lines(
        [
            "gate missed by 'raw', of 1 route",
            "*raw*against the baseline*-100.0 points*worse on 12 pairs with 'main.json: raw'; could see a drop of * points",
        ]
    )
