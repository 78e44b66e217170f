"""Workers behind a real ssh, without a disk of the controller's: nothing is lost, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Suite
from .elsewhere import Elsewhere
from .sshd import Sshd, missing

pytest.importorskip("xdist")


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if (why := missing()) is not None:
        pytest.skip(why)
    sshd = Sshd(tmp_path_factory.mktemp("sshd"))
    yield sshd
    sshd.close()


def test_what_was_drawn_through_ssh_stands_in_the_controllers_record_and_is_replayed(
    suite: Suite, sshd: Sshd, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = Elsewhere(suite, tmp_path_factory.mktemp("far"), disk=False, through=sshd.gateway)
    suite.run("--understudy-route=raw", "-k", "broken-lamp").assert_outcomes(passed=1, deselected=2)
    far.run("--understudy-ladder").assert_outcomes(passed=6)
    keys = [line["key"] for line in suite.recorded()]
    assert len(keys) == len(set(keys)) == len(suite.server.asked) == 12
    assert sorted(far.drawn()) == sorted(keys)
    suite.run("--understudy-ladder", "--understudy-replay=only").assert_outcomes(passed=6)
    assert len(suite.server.asked) == 12
