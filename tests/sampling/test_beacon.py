"""Whether a disk and a host are shared is told by trying."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_understudy.sampling.beacon import Beacon, Mark


@pytest.fixture
def beacon(tmp_path: Path) -> Iterator[Beacon]:
    beacon = Beacon(tmp_path, loud=True)
    yield beacon
    beacon.close()


def test_a_worker_beside_the_owner_finds_its_disk_and_its_host(beacon: Beacon, tmp_path: Path) -> None:
    mark = Mark(*beacon.mark.to_json())
    assert mark.on_disk(str(tmp_path))
    assert [mark.on_host() for _ in range(3)] == [True] * 3


def test_a_folder_of_the_same_name_is_another_disk_if_its_secret_is_another(beacon: Beacon, tmp_path: Path) -> None:
    assert not beacon.mark.on_disk(str(tmp_path / "nowhere"))
    (tmp_path / "other").mkdir()
    other = Beacon(tmp_path / "other", loud=False)
    assert not other.mark.on_disk(str(tmp_path))
    assert not beacon.mark.on_disk(str(tmp_path / "other"))
    (tmp_path / "owner").write_bytes(b"\xff\xfe")
    assert not beacon.mark.on_disk(str(tmp_path))


def test_a_port_where_somebody_else_answers_is_another_host(beacon: Beacon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=lambda: other.accept()[0].sendall(b"x" * 32), daemon=True).start()
        assert not Mark(beacon.mark.secret, other.getsockname()[1]).on_host()
    assert not Mark(beacon.mark.secret, None).on_host()


def test_a_beacon_that_is_closed_is_silent_and_leaves_no_thread(tmp_path: Path) -> None:
    beacon = Beacon(tmp_path, loud=True)
    assert beacon.mark.on_host()
    beacon.close()
    assert not beacon.mark.on_host()
    for thread in threading.enumerate():
        if thread.name == "understudy-beacon":
            thread.join(2)
            assert not thread.is_alive()
