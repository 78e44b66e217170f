"""All calls of a sample on one thread, which holds up neither the loop nor the interpreter's end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from pytest_understudy.routes.own_thread import OwnThread


def test_all_calls_are_made_on_one_thread_that_is_not_the_loops() -> None:
    async def threads() -> list[int]:
        async with OwnThread() as thread:
            return [await thread.call(threading.get_ident) for _ in range(5)]

    found = asyncio.run(threads())
    assert len(set(found)) == 1
    assert threading.get_ident() not in found


def test_two_samples_have_two_threads_and_one_does_not_wait_for_the_other() -> None:
    met = threading.Barrier(2, timeout=30)

    async def meets() -> int:
        async with OwnThread() as thread:
            return await thread.call(met.wait)

    async def both() -> set[int]:
        return set(await asyncio.gather(meets(), meets()))

    assert asyncio.run(both()) == {0, 1}


def test_what_a_call_raises_reaches_whoever_awaits_it_and_the_thread_goes_on() -> None:
    async def calls() -> tuple[int, int]:
        async with OwnThread() as thread:
            with pytest.raises(ZeroDivisionError):
                await thread.call(lambda: 1 // 0)
            return await thread.call(lambda: divmod(7, 4))

    assert asyncio.run(calls()) == (1, 3)


def test_the_thread_ends_with_its_sample() -> None:
    async def thread_of() -> threading.Thread:
        async with OwnThread() as thread:
            return await thread.call(threading.current_thread)

    ended = asyncio.run(thread_of())
    ended.join(timeout=30)
    assert not ended.is_alive()


def test_a_call_that_is_cancelled_before_its_turn_is_never_made() -> None:
    made: list[str] = []

    async def calls() -> None:
        go = threading.Event()
        async with OwnThread() as thread:
            first = asyncio.create_task(thread.call(go.wait, 30))
            second = asyncio.create_task(thread.call(made.append, "second"))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            go.set()
            await first
            await thread.call(made.append, "third")

    asyncio.run(calls())
    assert made == ["third"]


def test_a_call_that_never_returns_does_not_keep_the_process_from_ending() -> None:
    code = """
import asyncio, threading
from pytest_understudy.routes.own_thread import OwnThread

async def hangs():
    async with OwnThread() as thread:
        await asyncio.wait_for(thread.call(threading.Event().wait), timeout=0.1)

try:
    asyncio.run(hangs())
except TimeoutError:
    print("given up")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "given up\n"), done.stderr
