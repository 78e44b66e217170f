from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from pytest_understudy.reports.island import BUDGET, island
from pytest_understudy.reports.page import page
from pytest_understudy.reports.shown import ShownRun, ShownSample
from pytest_understudy.verdict.session import Session
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.made import error, route, run, sample

HOSTILE = [
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
    "<!-- <script>",
    "\x1b[31mred\x1b[0m \x00 \u202egnp.exe \u2028 \u2029 \ud800",
    "]]> {{ 7 * 7 }} {% endraw %} &amp;",
]


class Elements(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and the text of each kind of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def article() -> Verdict:
    runs = [run for row in ROWS for run in row.runs]
    return judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True, baseline="raw")


def shown(output: str, *, samples: int = 1, route: str = "raw", task: str = "a", prompt: str = "hello") -> ShownRun:
    one = [
        ShownSample(number, "silent", output, None, (("x", False, output),), (("credit", "0"),), 3) for number in range(samples)
    ]
    return ShownRun(route, task, "mail.yaml", "Mail", output[:50], (("user", prompt),), tuple(one))


def hostile(name: str) -> Verdict:
    runs = [run(name, name, [sample(0.5, missed=name), error(name)], category=name, cluster=name, file=name)]
    return judge([route(name, label=name, unpriced=name)], runs, gate=Gate(strict_pass=0.5), ladder=False)


def test_the_sentence_stands_first_and_the_articles_row_behind_it(article: Verdict) -> None:
    text = " ".join(page(article).split())
    assert "<h1>Promote <em>sft-nothink</em></h1>" in text
    assert text.index("<h1>") < text.index("It holds the gate with 94.7%") < text.index("0.9560") < text.index("$0.278")


def test_every_table_has_a_caption_and_scopes(article: Verdict) -> None:
    elements = Elements(page(article))
    assert len(elements.named("table")) == len(elements.named("caption")) >= 5
    assert all("scope" in attributes for attributes in elements.named("th"))


def test_nothing_is_fetched_and_only_the_pages_own_script_may_run(article: Verdict) -> None:
    text = page(article, [shown(one) for one in HOSTILE])
    elements = Elements(text)
    policy = next(one["content"] for one in elements.named("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    attributes = {name for _, found in elements.found for name in found}
    assert not attributes & {"src", "style", "action", "srcset", "data"}
    assert not [name for name in attributes if name.startswith("on")]
    assert all((one["href"] or "").startswith("#") for one in elements.named("a"))
    assert not re.search(r"url\(|@import|https?://", text)
    assert [one.get("type") for one in elements.named("script")] == ["application/json", None]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data_wherever_it_stands(text: str) -> None:
    verdict = hostile(text)
    clean = Elements(page(hostile("plain"), [shown("plain")]))
    drawn = page(verdict, [shown(text, route=text, task=text, prompt=text)])
    found = Elements(drawn)
    assert [tag for tag, _ in found.found] == [tag for tag, _ in clean.found]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff]", drawn)
    drawn.encode()


def test_the_island_gives_back_what_was_put_in() -> None:
    data = json.loads(island([shown(text) for text in HOSTILE[:2]]))
    assert [data["turns"][run["samples"][0]["turns"][0]][0] for run in data["runs"]] == HOSTILE[:2]
    assert data["texts"][data["runs"][0]["prompt"][0][1]] == "hello"


def test_texts_that_samples_share_stand_once() -> None:
    text = island([shown("x", task=str(number), prompt="a long system prompt") for number in range(30)])
    assert text.count("a long system prompt") == 1


def test_two_megabytes_on_one_line_are_cut_with_a_note() -> None:
    text = island([shown("x" * 2_000_000)])
    data = json.loads(text)
    [kept] = data["runs"][0]["samples"]
    assert len(data["turns"][0][0]) + kept["cut"] == 2_000_000
    assert len(text) < 20_000


def varied(task: int, route: int, samples: int, words: str) -> ShownRun:
    """A run whose samples all say something else."""
    each = [
        ShownSample(number, "pass", f"{task} {route} {number} {words}", None, (("x", False, f"{task} {route} {number}"),), (), 3)
        for number in range(samples)
    ]
    return ShownRun(str(route), str(task), "mail.yaml", "Mail", "", (("user", words),), tuple(each))


def test_the_page_stays_within_its_budget_however_much_was_drawn() -> None:
    words = " ".join(f"word{number}" for number in range(400))
    text = island([varied(task, route, 25, words) for task in range(30) for route in range(6)])
    assert 0.5 * BUDGET < len(text.encode()) <= BUDGET
    assert json.loads(text)["runs"][0]["samples"][0]["cut"] > 1000
    text = island([varied(task, 0, 900, words) for task in range(60)])
    assert len(text.encode()) <= BUDGET
    assert "more samples, which the record has" in json.loads(text)["runs"][0]["about"]


def test_from_figures_alone_the_page_says_that_it_has_no_samples(article: Verdict) -> None:
    text = page(article)
    assert "this page has no samples" in text
    assert "pytest-understudy report RECORD" in text
    assert not [one for one in Elements(text).named("button") if "data-run" in one]


def test_the_session_is_told(article: Verdict) -> None:
    from dataclasses import replace

    told = replace(article, session=Session("pytest suite --understudy-ladder", {"pytest": "9.0"}))
    text = page(told)
    assert "pytest suite --understudy-ladder" in text
    assert "<dt>pytest</dt><dd>9.0</dd>" in text
    assert "The command line is not known." in page(article)


@pytest.mark.parametrize("gate", [None, Gate(strict_pass=0.99)], ids=["no gate", "missed"])
def test_every_verdict_has_a_page(gate: Gate | None) -> None:
    nothing = judge([route()], [run("raw", "a", [], planned=2)], gate=gate, ladder=True)
    empty = judge([], [], gate=None, ladder=True)
    for verdict in (nothing, empty, judge([route()], [run("raw", "a", [error()])], gate=gate, ladder=False)):
        assert "</html>" in page(verdict)


def test_a_workflow_is_shown_turn_by_turn_within_one_limit() -> None:
    turns = (("", '{"tool": "look"}'), ("Harrier </script>", "x" * 9000), ("booked", '{"done": "yes"}'))
    one = ShownSample(0, "pass", "", None, (), (), 3, turns=turns)
    data = json.loads(island([ShownRun("raw", "a", "mail.yaml", "", "", (), (one,))]))
    [sample] = data["runs"][0]["samples"]
    shown = [data["turns"][place] for place in sample["turns"]]
    assert [turn[3:] for turn in shown] == [[], ["Harrier </script>"], ["booked"]]
    assert shown[0][1] == ['{"tool": "', "look", '"}']
    said = sum(len(before + "".join(form) + after) for before, form, after, *_ in shown)
    assert said + sample["cut"] == sum(len(said) for _, said in turns)


def test_what_samples_share_stands_once() -> None:
    text = island([shown("the same answer", samples=25, task=str(task)) for task in range(30)])
    assert text.count("the same answer") == 3  # as an output, in a check, and as what is expected
