"""The how-to on workflows: its environment, its task and its test do what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from pytest_understudy.scoring.scorers import judged_trajectory, scorer_for
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.workflow import Episode

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "workflows.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    environment, test = blocks("python")
    task, _ = blocks("yaml")
    for name, text in (("desk.py", environment), ("desk.yaml", task), ("test_desk.py", test)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_environment_and_the_task_of_the_page_work(desk: Path) -> None:
    (task,) = tasks_from(desk / "desk.yaml", check=scorer_for)
    episode = Episode.of(task)
    assert episode.opening == "We need a room at 9:00.\n\nPlover is taken at 9:00."
    assert episode.step("rooms.book", {"room": "Owl", "start": "9:00"}) == "There is no room Owl; there are Plover, Heron."
    episode.step("rooms.book", {"room": "Heron", "start": "9:00"})
    assert judged_trajectory(task, episode.trajectory("booked"), "stop")[1].strict


def test_the_test_of_the_page_passes(desk: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_desk.py"]
    result = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False)
    assert (result.returncode, "1 passed" in result.stdout) == (0, True), result.stdout


def test_what_the_page_shows_as_an_expectation_can_be_expected(desk: Path) -> None:
    with_mail = (desk / "desk.py").read_text(encoding="utf-8").replace("tools = [", 'tools = [{"name": "mail.delete"},')
    (desk / "desk.py").write_text(with_mail, encoding="utf-8")
    text = "environment: desk:Desk\ntasks:\n  - id: t\n    input: x\n" + indent(blocks("yaml")[1], "    ")
    (desk / "shown.yaml").write_text(text, encoding="utf-8")
    (task,) = tasks_from(desk / "shown.yaml", check=scorer_for)
    assert set(task.expect) == {"state", "gone", "forbid"}
