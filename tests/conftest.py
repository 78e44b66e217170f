"""What more than one room's tests need: the real model, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_understudy.endpoints.embedded import Embedded


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """llama.cpp with SmolLM2, two slots; a test may ask it from an event loop of its own."""
    endpoint = Embedded(name="local", model="smollm2", concurrency=2)
    endpoint.start()
    yield endpoint
    endpoint.stop()
