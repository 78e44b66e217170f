"""Scorers: from a task and an output to a score.

In: a Task and the text that a route made of it. Out: the parsed value and a Score with its outcome. What a newcomer would get
wrong: a scorer judges the content only. What every answer is held to, whoever scores it, is judged here: that it finished,
parsed, and is valid.

The checks of a score come in this order, and a miss is filed under the first that fails:
    finished   the answer was not cut short, timed out, refused, filtered or too long for the context
    filled     the model filled every slot (only where it did not)
    parsed     there is a value: JSON, or some text for `exact`, a regex or a grammar (not where a suite's own scorer has no form)
    clean      with `parse: strict`: the text was nothing but that value
    valid      the task's form has no complaint (only with a form, and a value)
    then the scorer's own: see Exact, `fields.Fields`, `actions.Actions`, `state.State`, and `custom.Custom`, which has but one
Of a trajectory, `parsed` says that every turn held an action, and `valid` that the tools' definitions allowed each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

from ..errors import TaskError, listed
from ..suite.form import Form
from ..suite.task import MISSING, Missing, Task
from ..suite.workflow import Step, Trajectory
from . import parsing
from .actions import Actions
from .custom import Custom
from .fields import Fields
from .matchers import Matcher, is_matcher, matcher
from .score import Answer, Check, Outcome, Score
from .state import State
from .texts import clipped, difference, reading, shown

NAMES: Final = ("exact", "fields", "actions", "state")
_OF_TRAJECTORIES: Final = ("state", "actions")

_UNFINISHED: Final = {
    "length": "cut short: the limit of tokens was reached",
    "timeout": "the model took longer than the time-out",
    "refusal": "the model refused",
    "content_filter": "a content filter stopped the answer",
    "overflow": "the prompt and the answer don't fit in the context",
}


class Scorer(Protocol):
    """Judges an answer's content; credit in [0, 1], and an outcome only where the content alone tells it."""

    def __call__(self, task: Task, answer: Answer) -> Score: ...


@dataclass(frozen=True, slots=True)
class Exact:
    """The answer's text, without think blocks, NFC and trimmed. Credit 1 or 0; one check, `exact`.

    What is JSON may be right by its value as well: `"refund"` is refund, and `42` is close to 41.
    """

    matcher: Matcher

    @classmethod
    def expecting(cls, task: Task, *, at: str) -> Exact:
        """TaskError at `at` where the task's `expect` is neither a string nor a matcher."""
        if not isinstance(task.expect, str) and not is_matcher(task.expect):
            raise TaskError(f"the 'exact' scorer needs a string or a matcher here, not {shown(task.expect)}", at=at)
        if isinstance(task.expect, str) and not task.expect.strip():
            raise TaskError("the 'exact' scorer needs some text here: an empty answer is none", at=at)
        return cls(matcher(task.expect, reading(task), at=at))

    def __call__(self, task: Task, answer: Answer) -> Score:
        text = parsing.without_thinking(answer.output) or ""
        right = self.matcher.accepts(text.strip()) or self.matcher.accepts(answer.value)
        check = Check("exact", right, "" if right else difference(str(self.matcher), shown(text.strip())))
        return Score(float(right), right, (check,))


def scorer_for(task: Task) -> Scorer:
    """The scorer of a task, with its `expect` read: called while collecting, it finds all that is wrong with either.

    TaskError, at the task's place and `scorer` or `expect`: no such scorer, a function that can't be imported, an `expect` that
    is missing, of the wrong shape, or with a matcher that is none. What was found for a task is kept, so that its samples don't
    pay again.
    """
    return _resolved(_Same(task))


def judged(task: Task, output: str, finish: str) -> tuple[Any, Score]:
    """The value in an output (None if there is none) and what it is worth; the Score's `outcome` is never None.

    `finish`: stop; or length, timeout, refusal, content_filter, overflow, unfilled, which are all credit 0 and not strict.
    Credit is 0 without a value, too, save that a suite's own scorer is asked in any case. ScorerError where that one fails.
    Source: docs/reference/figures.md, "Samples" and "Scores".
    """
    scorer = scorer_for(task)
    found = parsing.parsed(output)
    kind = _kind(task, scorer)
    value = _value(found, kind)
    general = tuple(_general_checks(task, found, value, kind, output, finish))
    given = None if value is MISSING else value
    content = Score(0.0, False)
    if value is not MISSING or isinstance(scorer, Custom):
        content = scorer(task, Answer(output, given, finish))
    credit = content.credit if finish == "stop" else 0.0
    strict = content.strict and all(check.passed for check in general)
    return given, Score(credit, strict, (*general, *content.checks), _outcome(content, general, strict))


def judged_trajectory(task: Task, trajectory: Trajectory, finish: str, output: str = "") -> tuple[Any, Score]:
    """A trajectory's value (its log, its end state, its last word) and what it is worth; the Score's `outcome` is never None.

    `finish`: stop, where the model said that it was done; turns, where it never did: what was done is worth what it is worth, but
    never strict; or what cut it short, as in `judged`: credit 0. `output` is for a suite's own scorer, which may fail as there.
    Source: docs/reference/figures.md, "Samples" and "Scores".
    """
    scorer = scorer_for(task)
    value = trajectory.to_json()
    judged_by = {"actions": value["actions"]} if isinstance(scorer, Actions) else value
    content = scorer(task, Answer(output, judged_by, finish, trajectory))
    general = tuple(_trajectory_checks(task, trajectory, finish))
    credit = content.credit if finish in ("stop", "turns") else 0.0
    strict = content.strict and all(check.passed for check in general)
    return value, Score(credit, strict, (*general, *content.checks), _outcome(content, general, strict))


class _Same:
    """A task as a key: by identity, since what a task expects may have no hash."""

    __slots__ = ("task",)

    def __init__(self, task: Task) -> None:
        self.task = task

    def __hash__(self) -> int:
        return id(self.task)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.task is self.task


@lru_cache(maxsize=4096)
def _resolved(key: _Same) -> Scorer:
    task = key.task
    place = task.source or f"task {task.id!r}"
    if not isinstance(task.scorer, str):
        return Custom.of(task.scorer, _name(task.scorer), at=f"{place}: scorer")
    name = task.scorer or _default(task)
    if ":" in name:
        return Custom.named(name, task.folder, at=f"{place}: scorer")
    if name not in NAMES:
        raise TaskError(f"no scorer named {name!r}; there are {listed(NAMES)}, or module:function", at=f"{place}: scorer")
    if task.environment is not None and name not in _OF_TRAJECTORIES:
        known = f"{listed(_OF_TRAJECTORIES)}, or module:function"
        raise TaskError(
            f"the {name!r} scorer judges one answer, not turns in an environment; there are {known}", at=f"{place}: scorer"
        )
    at = f"{place}: expect"
    if task.expect is MISSING:
        raise TaskError(f"the {name!r} scorer needs `expect`, and there is none", at=at)
    if name == "fields":
        return Fields.expecting(task, at=at)
    if name == "state":
        return State.expecting(task, at=at)
    return Actions.expecting(task, at=at) if name == "actions" else Exact.expecting(task, at=at)


def _default(task: Task) -> str:
    """`state` where one is expected, actions where there are tools; fields where an object is expected; else exact."""
    if task.environment is not None and isinstance(task.expect, Mapping) and "state" in task.expect:
        return "state"
    if task.tools or task.environment is not None:
        return "actions"
    return "fields" if isinstance(task.expect, Mapping) and not is_matcher(task.expect) else "exact"


def _name(function: Callable[..., Any]) -> str:
    """`module:function`, as a suite would write it."""
    kind = type(function)
    return f"{getattr(function, '__module__', kind.__module__)}:{getattr(function, '__qualname__', kind.__qualname__)}"


# What an answer is read as. json: a value is wanted. text: the text itself is the value, unless it is JSON as a whole. either: a
# suite's own scorer without a form, which may want one or the other.
Kind = Literal["json", "text", "either"]


def _kind(task: Task, scorer: Scorer) -> Kind:
    if task.form is not None:
        return "json" if task.form.of_json else "text"
    if isinstance(scorer, Custom):
        return "either"
    return "text" if isinstance(scorer, Exact) else "json"


def _value(found: parsing.Parsed, kind: Kind) -> Any | Missing:
    if kind != "text" or found.clean:
        return found.value
    return found.text or MISSING


def _general_checks(
    task: Task, found: parsing.Parsed, value: Any | Missing, kind: Kind, output: str, finish: str
) -> Iterator[Check]:
    """What every answer is held to, in the order that the module's docstring gives."""
    yield from _finish_checks(finish)
    if kind != "either":
        yield _parsed_check(found, value, kind)
    if task.parse == "strict" and kind != "text":
        yield Check("clean", found.clean, "" if found.clean else "the text is not JSON as a whole, which `parse: strict` wants")
    if task.form is not None and value is not MISSING:
        complaints = _complaints(task.form, found, value, output)
        yield Check("valid", not complaints, clipped("; ".join(complaints)))


def _finish_checks(finish: str) -> Iterator[Check]:
    finished = finish in ("stop", "unfilled")
    yield Check("finished", finished, "" if finished else _UNFINISHED.get(finish, f"it finished with {finish!r}"))
    if finish == "unfilled":
        yield Check("filled", False, "the model failed a slot; the shortest text that the form allows was put there")


def _trajectory_checks(task: Task, trajectory: Trajectory, finish: str) -> Iterator[Check]:
    """What every trajectory is held to."""
    if finish == "turns":
        yield Check("finished", False, f"all {task.max_turns} turns were used up, and it never said that it was done")
    else:
        yield from _finish_checks(finish)
    yield _turns_check("parsed", [step for step in trajectory.steps if step.action is None])
    yield _turns_check("valid", [step for step in trajectory.steps if step.action is not None and step.refused])


def _turns_check(name: str, wrong: list[Step]) -> Check:
    if not wrong:
        return Check(name, True)
    return Check(name, False, clipped(f"in {len(wrong)} {'turn' if len(wrong) == 1 else 'turns'}: {wrong[0].refused}"))


def _parsed_check(found: parsing.Parsed, value: Any | Missing, kind: Kind) -> Check:
    if value is not MISSING:
        return Check("parsed", True)
    if found.text is None:
        return Check("parsed", False, "the think block was never closed, so no answer began")
    if not found.text:
        return Check("parsed", False, "the answer is empty")
    return Check("parsed", False, f"no complete JSON value in {shown(found.text)}")


def _complaints(form: Form, found: parsing.Parsed, value: Any, output: str) -> list[str]:
    """The form's complaints. A grammar may want the line end that trimming takes off: it is asked about both texts."""
    text = found.text or ""
    complaints = form.complaints(value, text)
    if complaints and not form.of_json:
        untrimmed = parsing.without_thinking(output)
        if untrimmed is not None and untrimmed != text and not form.complaints(value, untrimmed):
            return []
    return complaints


def _outcome(content: Score, general: tuple[Check, ...], strict: bool) -> Outcome:
    """harm as the scorer says; pass where strict; detectable where a check fails that every answer gets; else silent.

    The scorer may also say detectable, where the caller sees that the shape is wrong. Source: docs/reference/figures.md,
    "Samples".
    """
    if content.outcome == "harm":
        return "harm"
    if strict:
        return "pass"
    if not all(check.passed for check in general):
        return "detectable"
    return content.outcome or "silent"
