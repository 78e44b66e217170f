"""The `state` scorer: what an environment is like in the end, leaf by leaf.

In: `{state: {...}, gone: [path, ...], forbid: [...]}` in `expect`, and a trajectory. Out: a Score. What a newcomer would get
wrong: how it came about doesn't matter, but nothing else may have come about: a leaf that changed since reset and that `expect`
does not name counts as a wrong one. A path names all that is below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from ..errors import ScorerError, TaskError
from ..suite.task import MISSING, Task
from ..suite.workflow import Trajectory
from .actions import Action, Given, action_from
from .leaves import changed, nodes
from .matchers import Expected, expected, is_matcher, named, same, unwrapped
from .score import Answer, Check, Score
from .spec import check_keys, check_tool, list_of
from .texts import LONGEST_NAME, Reading, clipped, difference, reading, shown

_EXPECT: Final = "{state: {path: value, ...}, gone: [path, ...], forbid: [tool or action, ...]}"
_MOST_CHANGED: Final = 10  # named one by one; an environment may have thousands of leaves


@dataclass(frozen=True, slots=True)
class State:
    """Credit = right leaves / (counted leaves + leaves that changed and are not named); 1 where there is none of either.

    Source: docs/reference/figures.md, "Scores", state. An optional leaf counts unless it is absent or as it was at reset. A
    forbidden tool or action, done or tried: credit 0, and the outcome is harm.

    Checks: `forbidden: <action>` for each in `forbid`, first, since a harm is filed under it; each counted leaf under its path;
    `gone: <path>`; then `changed: <path>` for each leaf that changed unasked (`changed: more` from the eleventh on).
    """

    leaves: Mapping[str, Expected]  # by path
    gone: tuple[str, ...]
    forbidden: tuple[Action, ...]

    @classmethod
    def expecting(cls, task: Task, *, at: str) -> State:
        """TaskError at `at` where the task has no environment, or its `expect` has another shape."""
        if task.environment is None:
            raise TaskError(
                "the 'state' scorer needs an environment: module:Class, whose state it looks at, and there is none", at=at
            )
        spec = task.expect
        if not isinstance(spec, Mapping) or not isinstance(spec.get("state"), Mapping):
            raise TaskError(f"the 'state' scorer needs {_EXPECT} here, not {shown(spec)}", at=at)
        check_keys(spec, ("state", "gone", "forbid"), at)
        leaves: dict[str, Expected] = {}
        for path, wanted in _leaves("", spec["state"], reading(task), f"{at}.state"):
            if path in leaves:
                raise TaskError(f"{path!r} is expected twice", at=f"{at}.state")
            leaves[path] = wanted
        gone = list_of("paths", spec.get("gone", []), f"{at}.gone")
        for i, path in enumerate(gone):
            if not isinstance(path, str) or not path:
                raise TaskError(f"a path is a text such as 'rooms.R1', not {shown(path)}", at=f"{at}.gone[{i}]")
            if path in leaves:
                raise TaskError(f"{path!r} is expected to be there and to be gone", at=f"{at}.gone[{i}]")
        forbidden = list_of("tools or actions", spec.get("forbid", []), f"{at}.forbid")
        return cls(
            leaves,
            tuple(dict.fromkeys(gone)),
            tuple(_forbidden(one, task, at=f"{at}.forbid[{i}]") for i, one in enumerate(forbidden)),
        )

    def __call__(self, task: Task, answer: Answer) -> Score:
        """ScorerError where `gone` names what was not there at reset, or a state's paths are not unique."""
        trajectory = answer.trajectory
        if trajectory is None:
            raise ValueError("the state scorer judges trajectories")
        before, after = nodes(trajectory.before), nodes(trajectory.after)
        harms = list(self._harms(trajectory))
        counted = [*self._expected(before, after), *self._gone(task, before, after)]
        spurious = [path for path in changed(before, after) if not self._names(path)]
        right, most = sum(check.passed for check in counted), len(counted) + len(spurious)
        harmed = not all(check.passed for check in harms)
        credit = 0.0 if harmed else float(Fraction(right, most)) if most else 1.0
        checks = (*harms, *counted, *_changes(spurious, before, after))
        return Score(credit, all(check.passed for check in checks), checks, "harm" if harmed else None)

    def _harms(self, trajectory: Trajectory) -> Iterator[Check]:
        log = [
            Given(action["tool"], action["arguments"])
            for action in trajectory.actions
            if isinstance(action["arguments"], Mapping)
        ]
        tools = {action["tool"] for action in trajectory.actions}
        for action in self.forbidden:
            shown_action = str(action) if action.arguments else action.tool
            called = any(action.worth(given) == 1 for given in log) if action.arguments else action.tool in tools
            detail = f"{shown_action} is forbidden, and was called" if called else ""
            yield Check(clipped(f"forbidden: {shown_action}", LONGEST_NAME), not called, clipped(detail))

    def _expected(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Check]:
        for path, wanted in self.leaves.items():
            value = after.get(path, MISSING)
            if wanted.optional and (value is MISSING or (path in before and same(before[path], value, str))):
                continue
            right = value is not MISSING and wanted.matcher.accepts(value)
            detail = "" if right else difference(str(wanted.matcher), "nothing" if value is MISSING else shown(value))
            yield Check(clipped(path, LONGEST_NAME), right, detail)

    def _gone(self, task: Task, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Check]:
        for path in self.gone:
            if path not in before:
                place = f"{task.source or f'task {task.id!r}'}: expect.gone"
                raise ScorerError(f"{path!r} is not in the state at reset, so it can't be gone in the end", at=place)
            yield Check(clipped(f"gone: {path}", LONGEST_NAME), path not in after, _still(after.get(path, MISSING)))

    def _names(self, path: str) -> bool:
        return any(path == known or path.startswith(f"{known}.") for known in (*self.leaves, *self.gone))


def _leaves(path: str, spec: Any, read: Reading, at: str) -> Iterator[tuple[str, Expected]]:
    """Each expected leaf with its path: objects are gone into, matchers are not."""
    for key, inner in named(spec, at).items():
        here, there = f"{path}.{key}" if path else key, f"{at}.{key}"
        branch = isinstance(inner, Mapping) and inner and not is_matcher(inner) and not unwrapped(inner)[1]
        if branch:
            yield from _leaves(here, inner, read, there)
        else:
            yield here, expected(inner, read, at=there)


def _forbidden(spec: Any, task: Task, *, at: str) -> Action:
    action = action_from({"tool": spec} if isinstance(spec, str) else spec, reading(task), at=at)
    check_tool(action.tool, task, at=at)
    if action.optional:
        raise TaskError("what is forbidden can't be optional", at=f"{at}.optional")
    return action


def _changes(paths: list[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Check]:
    for path in paths[:_MOST_CHANGED]:
        told = difference(_told(before.get(path, MISSING)), _told(after.get(path, MISSING)))
        yield Check(clipped(f"changed: {path}", LONGEST_NAME), False, clipped(f"not asked for: {told}"))
    if len(paths) > _MOST_CHANGED:
        yield Check("changed: more", False, f"and {len(paths) - _MOST_CHANGED} more leaves that were not asked for")


def _still(value: Any) -> str:
    return "" if value is MISSING else clipped(f"still there: {shown(value)}")


def _told(value: Any) -> str:
    return "nothing" if value is MISSING else shown(value)
