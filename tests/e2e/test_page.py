"""The page in a real browser: it asks for nothing, runs nothing of what models said, sorts, filters, opens samples, and can be
read in the light, in the dark, on a phone, and without a script.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_understudy.cli import main
from pytest_understudy.reports.page import page
from pytest_understudy.reports.printable import visible
from pytest_understudy.reports.shown import ShownRun, ShownSample
from pytest_understudy.verdict.thresholds import Gate
from pytest_understudy.verdict.verdict import judge
from tests.verdict.article import ROWS
from tests.verdict.made import route, run, sample

from .browser import DESKTOP, PHONE, Browser, browser, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")

ROOT = Path(__file__).parents[2]
ROWS_SHOWN = "return [...document.querySelectorAll('#tasks-table tbody tr:not(.group)')].filter(row => !row.hidden)"
HOSTILE = (
    "</script><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'><svg onload='window.ran = 3'>",
    "\x1b[31m\x00\u202e\u2028\ud800 javascript:window.ran=4",
    '"><a href="javascript:window.ran=5" autofocus onfocus="window.ran=6">',
    '{"intent": "</script><script>window.ran = 7</script>", "list": ["<b>x</b>"]}',
    "z" * 2_000_000,
)

# The ratio of contrast of every text that is to be seen with what it stands on: WCAG 2.1, 1.4.3.
CONTRASTS = """
const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const found = parts(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] > 0.99) return found;
  }
  return [255, 255, 255];
};
const low = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.textContent.trim() || !element.checkVisibility() || element.closest("script, noscript, .skip")) continue;
  const style = getComputedStyle(element);
  const ink = parts(element instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5 || Number(style.opacity) < 1) low.push(`${ratio.toFixed(2)} ${element.className} ${node.textContent.trim()}`);
}
return low;
"""


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def plain(window: Browser) -> Browser:
    """The window as it opens: a desktop's, light, and nothing remembered of an earlier test."""
    window.sized(DESKTOP)
    window.coloured("light")
    window.told("Network.enable")
    _ = window.console, window.requested
    return window


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the recorded ladder that the example ships."""
    path = tmp_path_factory.mktemp("page") / "example.html"
    record, suite = ROOT / "example_suite" / "record", ROOT / "example_suite" / "operations.yaml"
    assert main(["report", str(record), "--suite", str(suite), "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose every text wants to run."""
    names = [f"{number}{text[:300]}" for number, text in enumerate(HOSTILE)]
    runs = [run("raw", name, [sample(0.5, missed=name)], category=name, cluster=name) for name in names]
    verdict = judge([route(label=HOSTILE[0], unpriced=HOSTILE[1])], runs, gate=Gate(strict_pass=0.5), ladder=True)
    shown = [
        ShownRun(
            "raw", name, "mail.yaml", text[:300], text, (("user", text),),
            (ShownSample(0, "silent", text, None, ((text, False, text),), (("credit", "0"),), 3, (("as it was sent", text),)),),
        )
        for name, text in zip(names, HOSTILE, strict=True)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    path.write_text(page(verdict, shown), encoding="utf-8")
    return path


def texts(window: Browser, selector: str) -> list[str]:
    found: list[str] = window.run("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)
    return found


def first_cells(window: Browser) -> list[str]:
    found: list[str] = window.run(f"{ROWS_SHOWN}.map(row => row.cells[0].querySelector('.value').textContent)")
    return found


def press(window: Browser, selector: str, number: int = 0) -> None:
    window.run("document.querySelectorAll(arguments[0])[arguments[1]].click()", selector, number)


def test_it_opens_from_disk_without_a_complaint_and_asks_for_nothing(plain: Browser, example: Path) -> None:
    plain.open(example)
    assert plain.console == []
    assert [one for one in plain.requested if one != "about:blank"] == [example.as_uri()]
    assert plain.driver.title == "Promote sft-nothink · understudy"
    assert texts(plain, "h1") == ["Promote sft-nothink"]


def test_a_press_on_a_header_sorts_and_the_third_gives_the_order_back(plain: Browser, example: Path) -> None:
    plain.open(example)
    own = first_cells(plain)
    values = f"{ROWS_SHOWN}.map(row => Number(row.cells[5].dataset.value))"
    press(plain, "#tasks-table th button.sort", 5)
    assert plain.run(values) == sorted(plain.run(values), reverse=True)
    assert first_cells(plain) != own
    press(plain, "#tasks-table th button.sort", 5)
    assert plain.run(values) == sorted(plain.run(values))
    assert plain.run("return document.querySelectorAll('#tasks-table thead th')[5].getAttribute('aria-sort')") == "ascending"
    press(plain, "#tasks-table th button.sort", 5)
    assert first_cells(plain) == own


def test_the_ladder_sorts_by_figures_and_not_by_their_texts(plain: Browser, example: Path) -> None:
    plain.open(example)
    heads = texts(plain, "#ladder-table thead th")
    place = next(number for number, head in enumerate(heads) if head.startswith("generated"))
    press(plain, "#ladder-table th button.sort", place)
    assert texts(plain, "#ladder-table tbody th .value") == ["raw", "prefill", "sft-nothink", "sft-prefill", "nothink"]


def test_tasks_are_found_by_name_cluster_and_category(plain: Browser, example: Path) -> None:
    from selenium.webdriver.common.by import By

    plain.open(example)
    find = plain.driver.find_element(By.ID, "find")
    find.send_keys("lease")
    assert first_cells(plain) == ["lease-archive", "lease-workshop"]
    assert texts(plain, "#found") == ["2 of 30 tasks"]
    assert plain.run("return [...document.querySelectorAll('tr.group')].filter(row => !row.hidden).length") == 1
    find.clear()
    find.send_keys("compliance SENSOR")
    assert first_cells(plain)
    assert [words for words in plain.run(f"{ROWS_SHOWN}.map(row => row.dataset.words)") if "Sensor" not in words] == []
    find.clear()
    find.send_keys("no such task")
    assert first_cells(plain) == []


def test_tasks_with_a_miss_on_the_promoted_route_are_told_from_those_without(plain: Browser, example: Path) -> None:
    plain.open(example)
    counts = []
    for choice in ("missed", "passed"):
        script = "const s = document.getElementById('show'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))"
        plain.run(script, choice)
        passed = plain.run(f"{ROWS_SHOWN}.map(row => Number(row.cells[5].dataset.value))")
        assert all((value == 1) == (choice == "passed") for value in passed)
        counts.append(len(passed))
    assert sum(counts) == 30
    assert min(counts) > 0


def test_a_cell_opens_its_samples_by_the_keyboard_and_escape_closes_them(plain: Browser, example: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    plain.open(example)
    found = "[...document.querySelectorAll('#tasks-table tbody tr')].find(row => row.textContent.startsWith('parcel-at-desk'))"
    last = plain.run(f"return {found}.cells[5].querySelector('button')")
    last.send_keys(Keys.ENTER)
    assert plain.run("return document.getElementById('samples').open")
    assert texts(plain, "#samples-title") == ["parcel-at-desk on sft-nothink"]
    assert len(texts(plain, "#samples-picker button")) == 3
    assert "RK77-0419-DN" in texts(plain, "#samples-body pre .value")
    assert any(text.startswith('{"actions": [{"tool": "') for text in texts(plain, "#samples-body pre .form"))
    assert {"latency", "generated", "finish"} <= set(texts(plain, "#samples-body dt"))
    assert texts(plain, "#samples-body summary") == ["Expected", "Prompt: system", "Prompt: user"]
    press(plain, "#samples-picker button", 2)
    assert plain.run("return document.querySelectorAll('#samples-picker button')[2].getAttribute('aria-pressed')") == "true"
    plain.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not plain.run("return document.getElementById('samples').open")
    assert plain.run("return document.activeElement === arguments[0]", last)
    assert plain.console == []


def test_a_link_opens_the_samples_that_it_names(plain: Browser, example: Path) -> None:
    plain.open(example, "#run-3")
    assert plain.run("return document.getElementById('samples').open")


def test_tasks_kept_for_confirmation_open_nothing(plain: Browser, example: Path) -> None:
    plain.open(example)
    script = f"{ROWS_SHOWN}.filter(row => row.textContent.includes('kept for confirmation'))"
    assert plain.run(f"{script}.length") == 9
    assert plain.run(f"{script}.flatMap(row => [...row.querySelectorAll('button')]).length") == 0


def test_hostile_texts_run_nothing_and_are_read_as_they_are(plain: Browser, hostile: Path) -> None:
    plain.open(hostile)
    for number, text in enumerate(HOSTILE):
        press(plain, "button.open", number)
        for place in range(2):
            plain.run("document.querySelectorAll('#samples-body details')[arguments[0]].open = true", place)
        shown = "".join(texts(plain, "#samples-body pre.text")[:1])
        assert shown.startswith(visible(text[:20]))
        press(plain, "#close")
    assert plain.run("return window.ran ?? null") is None
    assert plain.run("return document.querySelectorAll('img, iframe, object, main a, #samples-body svg').length") == 0
    assert plain.console == []
    assert [one for one in plain.requested if not one.startswith("file:") and one != "about:blank"] == []


def test_what_would_get_in_all_the_same_is_kept_from_running_by_the_policy(plain: Browser, example: Path) -> None:
    plain.open(example)
    plain.run(
        """
        const put = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
        window.refused = [];
        document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
        put("script", {textContent: "window.ran = 1"});
        put("img", {src: "http://127.0.0.1:9/x.png"});
        put("div", {innerHTML: "<b onclick='window.ran = 2'>x</b>"});
        document.body.lastChild.firstChild.click();
        """
    )
    plain.run("return new Promise((done) => setTimeout(done, 100))")
    assert plain.run("return window.ran ?? null") is None
    assert set(plain.run("return window.refused")) == {"script-src-elem", "script-src-attr", "img-src"}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_wider_than_the_window(plain: Browser, example: Path, hostile: Path, size: tuple[int, int]) -> None:
    for path in (example, hostile):
        plain.sized(size)
        plain.open(path)
        assert plain.run("return document.documentElement.scrollWidth") <= size[0]
        press(plain, "button.open")
        assert plain.run("return document.getElementById('samples').scrollWidth") <= size[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(plain: Browser, example: Path, scheme: str) -> None:
    plain.coloured(scheme)
    plain.open(example)
    assert plain.run(CONTRASTS) == []
    press(plain, "button.open", 3)
    assert plain.run(CONTRASTS) == []


def test_the_page_follows_the_readers_light_and_dark(plain: Browser, example: Path) -> None:
    seen = []
    for scheme in ("light", "dark"):
        plain.coloured(scheme)
        plain.open(example)
        seen.append(plain.run("return getComputedStyle(document.documentElement).backgroundColor"))
    assert seen == ["rgb(255, 255, 255)", "rgb(16, 20, 24)"]


def test_on_paper_the_page_is_light_and_without_its_controls(plain: Browser, example: Path) -> None:
    plain.coloured("dark", media="print")
    plain.open(example)
    assert plain.run("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert plain.run("return ['nav', '.filter'].map(name => document.querySelector(name).checkVisibility())") == [False, False]


def test_without_a_script_all_figures_are_there(plain: Browser, example: Path) -> None:
    plain.told("Emulation.setScriptExecutionDisabled", value=True)
    try:
        plain.open(example)
        text = plain.told("Accessibility.getFullAXTree")["nodes"]
    finally:
        plain.told("Emulation.setScriptExecutionDisabled", value=False)
    names = [node.get("name", {}).get("value", "") for node in text]
    for expected in ("47.8%", "repaired", "lease-archive", "0.6534"):
        assert any(expected in name for name in names), expected


def test_the_articles_ladder_of_750_samples_on_six_routes_stays_under_5_mb(plain: Browser, tmp_path: Path) -> None:
    runs = [run for row in ROWS for run in row.runs]
    verdict = judge([row.route for row in ROWS], runs, gate=Gate(strict_pass=0.93), ladder=True)
    words = " ".join(f"word-{number}" for number in range(150))
    shown = [
        ShownRun(
            one.route, one.task, one.file, "Mail", '{"a": 1}', (("system", words * 3), ("user", f"{one.task} {words}")),
            tuple(
                ShownSample(number, "silent", f'{number} {{"text": "{words}"}}', None, (("a", False, "expected 1"),), (), 90)
                for number in range(25)
            ),
        )
        for one in runs
    ]  # fmt: skip
    path = tmp_path / "many.html"
    path.write_text(page(verdict, shown), encoding="utf-8")
    assert path.stat().st_size < 5_000_000
    plain.open(path)
    press(plain, "button.open", 100)
    assert len(texts(plain, "#samples-picker button")) == 25
    assert plain.console == []
