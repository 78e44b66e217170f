"""Limits, shared out over workers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pytest_understudy.sampling.permits import Share, dealt, permits, share


@pytest.mark.parametrize(("limit", "workers"), [(16, 4), (7, 3), (5, 5), (64, 1)])
def test_shares_sum_to_the_limit(limit: int, workers: int) -> None:
    parts = [share(limit, index, workers, "/locks", "session") for index in range(workers)]
    assert sum(part.own for part in parts) == limit
    assert all(part.lock is None for part in parts)


@pytest.mark.parametrize(("limit", "workers"), [(16, 4), (7, 3), (5, 5), (64, 1)])
def test_every_permit_is_dealt_to_one_worker(limit: int, workers: int) -> None:
    hands = [dealt(limit, index, workers) for index in range(workers)]
    assert sorted(permit for hand in hands for permit in hand) == list(range(limit))


def test_of_fewer_permits_than_workers_each_has_one() -> None:
    assert [list(dealt(2, index, 5)) for index in range(5)] == [[0], [1], [0], [1], [0]]


def test_more_workers_than_requests_in_flight_take_turns_at_locks() -> None:
    parts = [share(2, index, 5, "/locks", "session") for index in range(5)]
    assert {part.lock for part in parts} == {"/locks/session-0.lock", "/locks/session-1.lock"}
    assert all(part.own == 1 for part in parts)
    assert Share.from_json(parts[0].to_json()) == parts[0]


async def _most_inside(part: Share, coroutines: int) -> int:
    permit, inside, most = permits(part), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with permit:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(coroutines)))
    return most


def test_no_more_than_the_share_are_inside(tmp_path: Path) -> None:
    assert asyncio.run(_most_inside(Share(3), 9)) == 3
    assert asyncio.run(_most_inside(Share(1, str(tmp_path / "x.lock")), 5)) == 1


def test_a_permit_waits_for_the_process_that_holds_it_and_is_given_back_when_that_is_killed(tmp_path: Path) -> None:
    lock = str(tmp_path / "x.lock")
    code = textwrap.dedent(
        f"""
        import asyncio
        from pytest_understudy.sampling.permits import Share, permits
        async def hold():
            async with permits(Share(1, {lock!r})):
                print("held", flush=True)
                await asyncio.sleep(60)
        asyncio.run(hold())
        """
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    async def enter(seconds: float) -> None:
        async with asyncio.timeout(seconds), permits(Share(1, lock)):
            pass

    with pytest.raises(TimeoutError):
        asyncio.run(enter(0.3))
    holder.kill()
    holder.wait()
    holder.stdout.close()
    asyncio.run(enter(10))
