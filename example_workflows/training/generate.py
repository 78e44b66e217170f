"""Writes `desk.jsonl` here, the same each time: python example_workflows/training/generate.py

In: wordings and values that the holdout, `desk.yaml`, has not. Out: one chat example a turn. Each shows the conversation so far,
as a route asks it and as the front desk itself answered it, and ends with what is to be said next, which alone is learnt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from pytest_understudy.routes.ask import messages
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.imports import imported
from pytest_understudy.suite.task import Task
from pytest_understudy.suite.workflow import Episode

HERE = Path(__file__).parent
SUITE = HERE.parent
SEED = 2027
ERRANDS = 44  # of each kind
KEPT = 4  # the last of the people and of the services are the holdout's, and so are all times that end in 5

WORDINGS = {
    "room": [
        "A room at {start}, please.",
        "Can you find us a room for {start}?",
        "We need somewhere to sit at {start}.",
        "Please get me a room, {start} would be right.",
        "Four of us want to meet at {start}, where can we go?",
        "Is anything empty at {start}? If so, we take it.",
        "The talk begins at {start}. Book something, please.",
        "At {start} we want a room, any will do.",
        "Our own room is being painted. What else is there at {start}?",
        "Do book a room at {start}.",
        "I have guests at {start} and nowhere to put them.",
    ],
    "parcel": [
        "{person} asks for a parcel.",
        "{person} stands here and wants the box that came.",
        "There should be something for {person}, please hand it over.",
        "Can {person} have the parcel now?",
        "Hand {person} what has arrived.",
        "The parcel of {person} is being collected.",
        "{person} got a note that a parcel lies here.",
        "Something came by post for {person}, who is at the counter.",
        "Here is {person}, for a delivery.",
        "Find {person}'s parcel and hand it out.",
        "{person} would like to take the parcel home.",
    ],
    "ticket": [
        "{service} is fine again.",
        "We have mended {service}.",
        "Nobody complains about {service} any longer, so close it.",
        "{service} runs, the ticket can go.",
        "All good with {service} since this morning.",
        "Please close the ticket about {service}.",
        "The fault in {service} has been found and put right.",
        "{service}: solved.",
        "No more errors from {service}.",
        "We are through with {service}, close its ticket.",
        "{service} was restarted and works.",
    ],
}


def main() -> None:
    lines = (json.dumps(example, ensure_ascii=False) + "\n" for example in examples())
    (HERE / "desk.jsonl").write_text("".join(lines), encoding="utf-8")


def examples() -> Iterator[dict[str, Any]]:
    """One for each turn of each errand, the errands in a mixed order."""
    model = tasks_from(SUITE / "desk.yaml", name="desk.yaml")[0]
    rng = Random(SEED)
    errands = [errand for kind in WORDINGS for errand in _errands(kind, rng)]
    for kind, text, values in rng.sample(errands, len(errands)):
        yield from _turns(replace(model, id=kind, input=text), values)


def _errands(kind: str, rng: Random) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(kind, message, values): the wordings in turn, with values drawn anew."""
    for number in range(ERRANDS):
        values = {
            "start": f"{rng.randrange(7, 20):02}:{rng.randrange(6)}0",
            "person": rng.choice(imported("workplace.front_desk:PEOPLE", str(SUITE), at="training")[:-KEPT]),
            "service": rng.choice(imported("workplace.front_desk:SERVICES", str(SUITE), at="training")[:-KEPT]),
        }
        wordings = WORDINGS[kind]
        yield kind, wordings[number % len(wordings)].format_map(values), values


def _turns(task: Task, values: dict[str, str]) -> Iterator[dict[str, Any]]:
    look = {
        "room": {"tool": "rooms.free", "arguments": {"start": values["start"]}},
        "parcel": {"tool": "parcels.find", "arguments": {"person": values["person"]}},
        "ticket": {"tool": "tickets.find", "arguments": {"service": values["service"]}},
    }[task.id]
    episode = Episode.of(task)
    talk = [message.to_json() for message in messages(replace(task, input=episode.opening))]
    found = ""
    for number, turn in enumerate([look, None, {"done": "done"}], 1):
        said = turn or _what_to_do(task.id, found, values)
        talk.append({"role": "assistant", "content": json.dumps(said, ensure_ascii=False)})
        yield {"messages": list(talk), "metadata": {"template": task.id, "turn": number}}
        if "tool" in said:
            found = episode.step(said["tool"], said["arguments"])
            talk.append({"role": "user", "content": found})


def _what_to_do(kind: str, found: str, values: dict[str, str]) -> dict[str, Any]:
    match kind:
        case "room":
            return {"tool": "rooms.book", "arguments": {"room": found, "start": values["start"]}}
        case "parcel":
            return {"tool": "parcels.hand_over", "arguments": {"code": found}}
    return {"tool": "tickets.close", "arguments": {"ticket": found}}


if __name__ == "__main__":
    main()
