"""The Markdown report: what comes first, what is folded, that it fits, and that no name in it does anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_understudy.reports.markdown import LONGEST, escaped, markdown
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import Verdict, judge
from tests.verdict.article import ROWS
from tests.verdict.made import route, run, sample


def ladder(names: list[str], clusters: list[str], *, misses: int = 1, **more: Any) -> Verdict:
    """Three samples of a task a cluster on each route, the first rung missing all of them and the others `misses`."""
    runs = [
        run(
            name,
            f"task-{place}",
            [sample(0.5, missed=f"check-{cluster}")] * (misses if rung else 3) + [sample()] * (3 - (misses if rung else 3)),
            cluster=cluster,
        )
        for rung, name in enumerate(names)
        for place, cluster in enumerate(clusters)
    ]
    settings: dict[str, Any] = {"gate": Gate(strict_pass=0.6), "ladder": True, "baseline": names[0], **more}
    return judge([route(name) for name in names], runs, **settings)


def test_the_sentence_comes_first_then_the_table_the_gate_the_changes_and_the_clusters() -> None:
    text = markdown(ladder(["raw", "prefill"], ["Mail", "Jira"]))
    parts = ["## Understudy", "**promote prefill: ", "| route | ", "### Gate", "| strict pass | at least 60.0% |"]
    parts += ["### Against the baseline", "### Repair map", "<details><summary>Notes</summary>"]
    assert [text.find(part) for part in parts] == sorted(text.find(part) for part in parts)
    assert "promote" in text.splitlines()[2]
    assert -1 not in [text.find(part) for part in parts]


def test_what_misses_the_gate_stands_above_what_holds_it() -> None:
    text = markdown(ladder(["raw", "sft"], ["Mail"], misses=3, baseline=None, gate=Gate(strict_pass=0.6, credit=0.1)))
    section = text.partition("### Gate")[2].partition("###")[0]
    results = ["| missed" in line for line in section.splitlines() if "at least" in line]
    assert results[0]
    assert not results[-1]
    assert results == sorted(results, reverse=True)


def test_of_many_clusters_the_worst_are_shown_and_the_others_folded() -> None:
    clusters = [f"cluster-{n:02}" for n in range(15)]
    runs = [
        run("raw", f"task-{n}", [sample(0.0, missed="c")] * (n % 3) + [sample()] * (3 - n % 3), cluster=name)
        for n, name in enumerate(clusters)
    ]
    text = markdown(judge([route("raw")], runs, gate=None, ladder=True))
    shown, _, folded = text.partition("<details><summary>Repair map")
    table = [line.split(" | ")[2].split()[0] for line in shown.splitlines() if line.startswith("| cluster-")]
    assert table == ["2/3"] * 5 + ["1/3"] * 5
    assert "5 clusters without a miss on any rung" in shown
    assert folded == "" or folded.count("| cluster-") == 0


def test_every_cluster_is_somewhere() -> None:
    clusters = [f"cluster-{n:02}" for n in range(15)]
    text = markdown(ladder(["raw", "prefill"], clusters))
    shown, _, folded = text.partition("<details><summary>Repair map: 5 more clusters</summary>")
    assert shown.count("| cluster-") == 10
    assert folded.count("| cluster-") == 5


def test_details_are_folded_and_closed() -> None:
    verdict = judge([row.route for row in ROWS], [run for row in ROWS for run in row.runs], gate=None, ladder=True)
    text = markdown(verdict, told=["note: a torn line", "spent $0.01 of $1"])
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") >= 2
    assert re.findall(r"</summary>\n\n", text)  # GitHub reads Markdown in HTML only after an empty line
    assert "- note: a torn line\n- spent $0.01 of $1" in text
    assert "| task-" not in text.partition("<details>")[0]


def test_without_anything_judged_it_says_so_and_breaks_nothing() -> None:
    text = markdown(judge([route("raw")], [run("raw", "a", [], planned=3)], gate=Gate(strict_pass=0.5), ladder=False))
    assert "nothing was drawn" in text
    assert "| raw (partial) |" in text


@pytest.mark.parametrize(
    ("routes", "tasks", "name"), [(3, 600, "c"), (100, 10, "c"), (40, 40, "`|<_*@" * 40), (2, 3, "x" * 100_000)]
)
def test_however_much_there_is_to_tell_it_fits_into_sixty_thousand_characters(routes: int, tasks: int, name: str) -> None:
    text = markdown(
        ladder([f"route-{n}-{name}" for n in range(routes)], [f"{n}-{name}" for n in range(tasks)]),
        told=[f"note {n} {name}" for n in range(300)],
    )
    assert len(text) <= LONGEST
    assert text.count("<details>") == text.count("</details>")
    assert "promote" in text
    assert "more rows_" in text or "did not fit" in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert tables
    assert {len({row.replace(r"\|", "").count("|") for row in table}) for table in tables} == {1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 1.5 (a) 'b' [2, 3]", "plain 1.5 (a) 'b' [2, 3]"),
        ("a|b_*c*", r"a\|b\_\*c\*"),
        ("</details><img src=x onerror=alert(1)>", r"\</details\>\<img src=x onerror=alert(1)\>"),
        ("[free](javascript:x) ![p](http://h/p.png)", r"[free\](javascript:x) ![p\](http:<!-- -->//h/p.png)"),
        ("@octocat closes #12 and GH-7", "@<!-- -->octocat closes #<!-- -->12 and GH-<!-- -->7"),
        ("www.example.org", "www.<!-- -->example.org"),
        ("`code` &lt; ~~no~~", r"\`code\` \&lt; \~\~no\~\~"),
        ("two\nlines\x1b[31m\u202e\x00", r"two\\nlines\\x1b[31m\\u202e\\x00"),
        ("qwen3-8b-sft", "qwen3-8b-sft"),
    ],
)
def test_what_a_model_names_is_read_and_does_nothing(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_hostile_name_is_escaped_wherever_it_stands() -> None:
    name = "<img onerror=x>|`@team`\n# h"
    verdict = ladder([name, "prefill"], [name], misses=2)
    text = markdown(verdict, told=[f"note: {name}"])
    assert "<img" not in text.replace(r"\<", "")
    assert not re.search(r"(?<!\\)`", text)
    assert "@team" not in text
    assert "\n# h" not in text
