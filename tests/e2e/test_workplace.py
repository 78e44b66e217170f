"""The workplace of the workflows' example: its messages can be worked through there, wrong plans are caught, nothing breaks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_understudy.scoring.matchers import is_matcher
from pytest_understudy.scoring.score import Score
from pytest_understudy.scoring.scorers import judged_trajectory
from pytest_understudy.suite.files import tasks_from
from pytest_understudy.suite.plain import plain
from pytest_understudy.suite.task import Task, Tool
from pytest_understudy.suite.workflow import Episode, Trajectory

ROOT = Path(__file__).parents[2]
TASKS = {task.id: task for task in tasks_from(ROOT / "example_workflows" / "workflows.yaml", name="workflows.yaml")}
ONE_SHOT = {task.id: task for task in tasks_from(ROOT / "example_suite" / "operations.yaml", name="operations.yaml")}
WRONG = yaml.safe_load((Path(__file__).parent / "wrong_plans.yaml").read_text(encoding="utf-8"))
Actions = list[dict[str, Any]]


def right(name: str) -> Actions:
    """The actions that the one-shot task expects, each matcher as the value that it is made of."""
    return [
        {"tool": action["tool"], "arguments": {key: _value(wanted) for key, wanted in action["arguments"].items()}}
        for action in ONE_SHOT[name].expect["actions"]
    ]


def _value(wanted: Any) -> Any:
    return next(iter(wanted.values())) if is_matcher(wanted) else wanted


def wrong(name: str, change: Mapping[str, Any]) -> Actions:
    actions = right(name)
    for path, value in change.get("set", {}).items():
        tool, _, argument = path.rpartition(".")
        assert actions[_place(actions, tool)]["arguments"][argument] != value
        actions[_place(actions, tool)]["arguments"][argument] = value
    if "also" in change:
        actions.append(change["also"])
    if "drop" in change:
        actions.pop(_place(actions, change["drop"]))
    if "again" in change:
        actions.append(actions[_place(actions, change["again"])])
    if "first" in change:
        actions.insert(0, actions.pop(_place(actions, change["first"])))
    return actions


def _place(actions: Actions, tool: str) -> int:
    (place,) = [place for place, action in enumerate(actions) if action["tool"] == tool]
    return place


def played(task: Task, actions: Actions) -> tuple[Score, Trajectory]:
    episode = Episode.of(task)
    for action in actions:
        episode.step(action["tool"], action["arguments"])
    trajectory = episode.trajectory("done")
    return judged_trajectory(task, trajectory, "stop")[1], trajectory


def test_the_workplace_has_the_tools_and_the_messages_of_the_one_shot_suite() -> None:
    assert list(TASKS) == list(ONE_SHOT)
    for name, task in TASKS.items():
        other = ONE_SHOT[name]
        assert (task.input, task.category, task.cluster, task.confirm) == (
            other.input,
            other.category,
            other.cluster,
            other.confirm,
        )
        assert task.expect.get("forbid") == other.expect.get("forbid")
        assert sorted(map(_signature, task.tools)) == sorted(map(_signature, other.tools))


def _signature(tool: Tool) -> str:
    values = {name: schema.get("enum", schema.get("type")) for name, schema in tool.parameters["properties"].items()}
    return f"{tool.name} {tool.description} {values} {tool.parameters['required']}"


@pytest.mark.parametrize("name", TASKS)
def test_the_right_actions_are_a_strict_pass(name: str) -> None:
    score, trajectory = played(TASKS[name], right(name))
    assert [check for check in score.checks if not check.passed] == []
    assert (score.credit, score.strict, score.outcome) == (1.0, True, "pass")
    assert not any(observation.startswith("Not done") for observation in trajectory.observations)


@pytest.mark.parametrize(("name", "why"), [(name, why) for name, plans in WRONG.items() for why in plans])
def test_a_plausible_wrong_plan_is_no_strict_pass(name: str, why: str) -> None:
    score, _ = played(TASKS[name], wrong(name, WRONG[name][why]))
    assert not score.strict
    assert score.credit < 1.0
    assert score.missed is not None


def test_every_message_has_at_least_five_wrong_plans() -> None:
    assert list(WRONG) == list(TASKS)
    assert min(map(len, WRONG.values())) >= 5


def test_to_do_nothing_is_worth_nothing() -> None:
    assert {name: played(task, [])[0].credit for name, task in TASKS.items()} == dict.fromkeys(TASKS, 0.0)


def test_what_was_refused_can_be_done_once_its_condition_holds() -> None:
    actions = right("lease-archive")
    score, trajectory = played(TASKS["lease-archive"], [actions[1], *actions])
    assert trajectory.observations[1].startswith(
        "Not done: the file of that lease, vance-flat-31.pdf, is still in Tenancies/Current"
    )
    assert score.strict


# Of each argument the values that the right actions have and others that are near; and texts that mean nothing.
NEAR = {
    "room": ["Sandpiper", "Kingfisher"],
    "date": ["2027-02-11", "2026-01-01", "2027-02-30"],
    "start": ["13:40", "14:20", "25:00"],
    "file": ["vance-flat-13.pdf"],
    "folder": ["Tenancies/Current", "Vault"],
    "record": ["Otto Vancetti", "Copper Kettle"],
    "vehicle": ["Pickup 36"],
    "asset": ["TW-801 and TW-803", "Pickup 63"],
    "item": ["dried figs", "arvo.lepik@merelaht.example"],
    "email": ["a@b"],
}
MEANT = {
    name: sorted({action["arguments"][name] for task in ONE_SHOT for action in right(task) if name in action["arguments"]})
    for name in {name for task in ONE_SHOT for action in right(task) for name in action["arguments"]}
}


def _arguments(tool: Tool) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: _values(name, schema) for name, schema in tool.parameters["properties"].items()})


def _values(name: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from([*schema["enum"] * 3, "none of these"])
    if schema["type"] == "integer":
        return st.integers(-3, 60) | st.just(2.0)
    meant = st.sampled_from([*MEANT[name], *NEAR.get(name, ())])
    return st.one_of(meant, meant, meant, st.text(max_size=8))


TOOLS = TASKS["kickoff-harbour"].tools
sensible = st.one_of(*(st.fixed_dictionaries({"tool": st.just(tool.name), "arguments": _arguments(tool)}) for tool in TOOLS))
senseless = st.fixed_dictionaries({"tool": st.text(max_size=8), "arguments": st.dictionaries(st.text(max_size=3), st.none())})
call = st.integers(0, 19).flatmap(lambda odd: sensible if odd else senseless).map(lambda action: [action])
plan = st.sampled_from([right(task) for task in ONE_SHOT]) | st.sampled_from(
    [wrong(task, change) for task, plans in WRONG.items() for change in plans.values()]
)
work: st.SearchStrategy[Actions] = st.lists(call | plan, min_size=1, max_size=15).map(lambda parts: list(chain(*parts)))


@given(work)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_is_done_the_workplace_answers_and_its_state_stays_consistent(actions: Actions) -> None:
    task = TASKS["kickoff-harbour"]
    episode, again = Episode.of(task), Episode.of(task)
    state = episode.trajectory().after
    for action in actions:
        observation = episode.step(action["tool"], action["arguments"])
        assert observation == again.step(action["tool"], action["arguments"])
        after = episode.trajectory().after
        assert observation.strip()
        assert after == state or not observation.startswith(("Not done", "Refused"))
        _check_history(state, after)
        _check_consistent(after)
        state = after
    assert state == plain(state) == again.trajectory().after


def _check_history(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What was written stays, one action writes one record at most, and nothing comes back into stock."""
    written = 0
    for held, holds in _ledgers(before, after):
        assert holds | held == holds
        assert list(holds) == [str(number) for number in range(1, len(holds) + 1)]
        written += len(holds) - len(held)
    assert written <= 1
    assert all(after["inventory"][item] <= count for item, count in before["inventory"].items())
    assert all(after[name].keys() == before[name].keys() for name in ("inventory", "fleet", "drive", "sensors"))


def _ledgers(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    others = {"rooms", "notion", "drive", "inventory", "fleet", "sensors"}
    pairs = [(before[name], after[name]) for name in after if name not in others]
    return [*pairs, (before["rooms"]["bookings"], after["rooms"]["bookings"])]


def _check_consistent(state: Mapping[str, Any]) -> None:
    for one, other in combinations(state["rooms"]["bookings"].values(), 2):
        same_room = (one["room"], one["date"]) == (other["room"], other["date"])
        assert not same_room or abs(_minutes(one["start"]) - _minutes(other["start"])) >= 60
    assert all(count >= 0 for count in state["inventory"].values())
    assert set(state["fleet"].values()) <= {"in_repair", "in_service"}
    assert set(state["drive"].values()) <= {"Tenancies/Current", "Tenancies/Ended", "Vault/Active", "Vault/Expired", "Inbox"}
    for name in ("confluence", "mailchimp"):
        records = [str(record) for record in state[name].values()]
        assert len(set(records)) == len(records)
    listed = {(contact["email"].casefold(), contact["audience"].casefold()) for contact in state["mailchimp"].values()}
    subscribed = [(r["item"].casefold(), r["value"].casefold()) for r in state["sheets"].values() if r["sheet"] == "Subscribers"]
    assert set(subscribed) <= listed
    onboarding = [vendor for vendor, status in state["notion"]["Vendors"].items() if status == "onboarding"]
    cards = [card["title"].casefold() for card in state["pipefy"].values() if card["pipe"] == "Vendor onboarding"]
    assert all(any(vendor.casefold() in title for title in cards) for vendor in onboarding)


def _minutes(start: str) -> int:
    hours, minutes = start.split(":")
    return int(hours) * 60 + int(minutes)
