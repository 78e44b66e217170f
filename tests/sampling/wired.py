"""A desk as a worker elsewhere reaches it: what is said to it and what it answers crosses to another process and back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import execnet

from pytest_understudy.sampling.owner import Desk, Owner


class Told:
    """The worker's end of a wire, in this process."""

    def __init__(self, desk: Desk, gateway: execnet.Gateway) -> None:
        self._desk = desk
        self._echo = gateway.remote_exec("while 1: channel.send(channel.receive())")
        self._answers: Queue[Any] = Queue()
        self._turn = threading.Lock()

    def send(self, item: object) -> None:
        with self._turn:
            self._desk.answer(self._crossed(item), lambda answer: self._answers.put(self._crossed(answer)))

    def receive(self) -> Any:
        return self._answers.get(timeout=10)

    def _crossed(self, item: object) -> Any:
        self._echo.send(item)
        return self._echo.receive()


@contextmanager
def wired(desk: Desk) -> Iterator[Owner]:
    group = execnet.Group()
    try:
        yield Owner(Told(desk, group.makegateway("popen")))
    finally:
        desk.close()
        group.terminate(timeout=5)
