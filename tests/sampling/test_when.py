"""When a sample ended: known of every sample that was asked for, the same in the record, and so the same replayed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pytest_understudy.endpoints.endpoint import Completion, Request
from pytest_understudy.errors import EndpointError
from pytest_understudy.sampling.draws import Drawn
from pytest_understudy.sampling.permits import Share
from pytest_understudy.sampling.record import Record
from pytest_understudy.sampling.sampler import Sampler

from .made import completion, plan
from .test_sampler import Answering


def answers_yes_but_to_no(request: Request) -> Completion:
    if request.messages[-1].content == "no":
        raise EndpointError("503 after 5 retries")
    return completion()


def drawn(folder: Path, endpoint: Answering) -> list[Drawn]:
    sampler = Sampler({"local": endpoint}, Record(folder), session=Share(4), limits={"local": Share(4)})
    try:
        return [one for task in ("yes", "no") for one in sampler.wait(plan(task))]
    finally:
        sampler.close()


def test_it_is_when_the_answer_was_there_and_stands_in_the_record(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    first = drawn(tmp_path, Answering(answers_yes_but_to_no, delay=0.01))
    times = [one.at or "" for one in first]
    assert all(before < datetime.fromisoformat(at) < datetime.now(UTC) for at in times)
    (file,) = tmp_path.glob("*.jsonl")
    assert sorted(json.loads(line)["at"] for line in file.read_text().splitlines()) == sorted(times)
    again = drawn(tmp_path, Answering(answers_yes_but_to_no))
    assert (again[0].at, again[0].replayed) == (times[0], True)
    assert (again[1].at or "") > times[1]  # an error is asked again
