"""A worker elsewhere and the session's owner: one record, and locks that hold over both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_understudy.errors import UnderstudyError
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.owner import Desk, Owner
from pytest_understudy.sampling.permits import Share, permits
from pytest_understudy.sampling.record import Record

from .made import completion, plan
from .wired import wired


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Record]:
    record = Record(tmp_path / "owner")
    yield record
    record.close()


@pytest.fixture
def desk(owners: Record, tmp_path: Path) -> Desk:
    (tmp_path / "locks").mkdir()
    return Desk(lambda: owners, tmp_path / "locks", tmp_path / "owner")


@pytest.fixture
def owner(desk: Desk) -> Iterator[Owner]:
    with wired(desk) as owner:
        yield owner


def keys(folder: Path) -> list[str]:
    return [json.loads(line)["key"] for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_what_is_kept_here_is_found_at_the_owners_too(owner: Owner, owners: Record, tmp_path: Path) -> None:
    record = Record(tmp_path / "worker", owner=owner)
    record.keep("k", plan(), 0, Drawn(completion("größer")))
    record.keep("e", plan(), 1, Drawn(None, "refused"))
    assert owners.find("k") == Drawn(completion("größer"))
    assert owners.find("e") is None
    assert keys(tmp_path / "worker") == keys(tmp_path / "owner") == ["k", "e"]


def test_what_the_owner_has_is_copied_once_and_keeps_its_time(owner: Owner, owners: Record, tmp_path: Path) -> None:
    earlier = Record(tmp_path / "owner")
    earlier.keep("k", plan(), 0, replace(Drawn(completion("theirs")), at="2026-01-01T00:00:00+00:00"))
    owners.refresh()
    record = Record(tmp_path / "worker", owner=owner, since="2026-06-01T00:00:00+00:00")
    record.fetch(["k", "nobody's"])
    assert keys(tmp_path / "owner") == keys(tmp_path / "worker") == ["k"]
    assert record.find("k") == Drawn(completion("theirs"), replayed=True)
    record.fetch(["k"])
    record.close()
    again = Record(tmp_path / "worker")
    assert "k" in again
    assert keys(tmp_path / "worker") == ["k"]


@pytest.mark.parametrize("since", ["2026-06-01T00:00:00+00:00", "2126-06-01T00:00:00+00:00"], ids=["", "a clock that is behind"])
def test_what_another_worker_drew_meanwhile_is_found_and_no_replay(owner: Owner, tmp_path: Path, since: str) -> None:
    first = Record(tmp_path / "first", owner=owner, since=since, fresh=True)
    second = Record(tmp_path / "second", owner=owner, since=since, fresh=True)
    first.keep("k", plan(), 0, Drawn(completion()))
    assert second.find_new("k") == Drawn(completion(), replayed=False)
    assert second.find_new("l") is None


def test_a_sample_that_came_or_was_drawn_twice_stands_at_the_owners_once(owner: Owner, tmp_path: Path) -> None:
    first, second = (Record(tmp_path / name, owner=owner) for name in ("first", "second"))
    first.keep("k", plan(), 0, Drawn(completion("one")))
    second.keep("k", plan(), 0, Drawn(completion("two")))
    (line,) = (tmp_path / "first").glob("*.jsonl")
    owner.keep(line.name, line.read_bytes())
    assert keys(tmp_path / "owner") == ["k"]


def test_a_newer_sample_of_a_key_that_an_earlier_session_drew_is_kept(owner: Owner, desk: Desk, tmp_path: Path) -> None:
    earlier = Record(tmp_path / "owner")
    earlier.keep("k", plan(), 0, replace(Drawn(completion("old")), at="2026-01-01T00:00:00+00:00"))
    later = Record(tmp_path / "owner")
    with wired(Desk(lambda: later, tmp_path, tmp_path / "owner")) as its_owner:
        Record(tmp_path / "worker", owner=its_owner).keep("k", plan(), 0, Drawn(completion("new")))
    found = Record(tmp_path / "owner").find("k")
    assert found is not None
    assert found.completion == completion("new")


def test_of_a_folder_that_both_write_into_nothing_is_doubled(owner: Owner, tmp_path: Path) -> None:
    Record(tmp_path / "owner", owner=owner).keep("k", plan(), 0, Drawn(completion()))
    assert keys(tmp_path / "owner") == ["k"]


def test_a_lock_of_the_owners_is_held_by_one_worker_and_given_back_when_it_ends(desk: Desk, tmp_path: Path) -> None:
    lock = "/no/such/folder/session-0.lock"
    other = Desk(desk._record, tmp_path / "locks", tmp_path / "owner")
    with wired(desk) as first, wired(other) as second:
        assert first.take(lock)
        assert not second.take(lock)
        first.give(lock)
        assert second.take(lock)
        assert not first.take(lock)
        other.close()  # the second worker died
        assert first.take(lock)
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["session-0.lock"]


def test_a_permit_of_the_owners_lets_one_of_two_workers_in(desk: Desk, tmp_path: Path) -> None:
    other = Desk(desk._record, tmp_path / "locks", tmp_path / "owner")
    inside = peak = 0

    async def work(owner: Owner) -> None:
        nonlocal inside, peak
        permit = permits(Share(1, "/no/such/folder/session-0.lock"), owner)
        for _ in range(3):
            async with permit:
                inside += 1
                peak = max(peak, inside)
                await asyncio.sleep(0.01)
                inside -= 1

    async def both(first: Owner, second: Owner) -> None:
        await asyncio.gather(work(first), work(second))

    with wired(desk) as first, wired(other) as second:
        asyncio.run(both(first, second))
    assert peak == 1


def test_an_owner_that_is_gone_is_said(tmp_path: Path) -> None:
    class Cut:
        def send(self, item: object) -> None:
            if isinstance(item, tuple) and item[0] == "keep":
                raise OSError("cannot send to <Channel>")

        def receive(self) -> None:
            raise EOFError("channel closed")

    record = Record(tmp_path, owner=Owner(Cut()))
    with pytest.raises(UnderstudyError, match="the session's owner does not answer: channel closed"):
        record.fetch(["k"])
    with pytest.raises(UnderstudyError, match="the session's owner is gone: cannot send"):
        record.keep("k", plan(), 0, Drawn(completion()))
    assert "k" in record  # what was paid for stands here
