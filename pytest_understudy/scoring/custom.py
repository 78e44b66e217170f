"""A suite's own scorer: a function of (task, answer).

In: the function, or its `module:function`. Out: a Score of the content alone, from the Score, bool or float that it returns.
What a newcomer would get wrong: it is asked about every answer, cut and unparsable ones too (`answer.value` is None,
`answer.finish` says why), and an exception in it is an error of the sample, not a miss of the model.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ScorerError, TaskError
from ..suite.imports import imported
from ..suite.task import Task
from .score import Answer, Check, Score
from .texts import clipped


@dataclass(frozen=True, slots=True)
class Custom:
    """Calls a suite's scorer and holds it to what a score is.

    A bool is credit 0 or 1; a float is the credit, strict where it is 1. A Score is taken as it is, with its outcome, if it has
    one.
    """

    name: str
    function: Callable[[Task, Answer], Any]

    @classmethod
    def named(cls, reference: str, folder: str, *, at: str) -> Custom:
        """The scorer `module:function`; TaskError at `at` where it can't be imported or called with (task, answer)."""
        return cls.of(imported(reference, folder, at=at), reference, at=at)

    @classmethod
    def of(cls, function: Any, name: str, *, at: str) -> Custom:
        """TaskError at `at` where it can't be called with (task, answer)."""
        if not callable(function):
            raise TaskError(f"the scorer {name!r} is a {type(function).__name__}, not a function of (task, answer)", at=at)
        if inspect.iscoroutinefunction(function):
            raise TaskError(f"the scorer {name!r} is async; a scorer is a plain function of (task, answer)", at=at)
        try:
            inspect.signature(function).bind(None, None)
        except TypeError as failure:
            raise TaskError(f"the scorer {name!r} can't be called with (task, answer): {failure}", at=at) from failure
        except ValueError:  # a function without a signature, such as some of C's: the first call will tell
            pass
        return cls(name, function)

    def __call__(self, task: Task, answer: Answer) -> Score:
        """ScorerError where it raises, or returns anything but a bool, a credit in [0, 1] or a sound Score."""
        try:
            returned = self.function(task, answer)
        except BaseException as failure:  # the function is the suite's: whatever it raises is about it, a skip or an exit too
            if isinstance(failure, KeyboardInterrupt) or type(failure).__name__ == "Exit":  # pytest.exit: the session is to end
                raise
            raise self._error(task, f"raised {_told(failure)}") from failure
        match returned:
            case Score():
                return self._sound(task, returned)
            case bool():
                return Score(float(returned), returned, (self._check(returned, ""),))
            case int() | float():
                credit = self._credit(task, returned)
                return Score(credit, credit == 1.0, (self._check(credit == 1.0, f"credit {credit:g}"),))
        raise self._error(
            task, f"returned {_briefly(returned)}, a {type(returned).__name__}; it returns a Score, a bool or a float"
        )

    def _sound(self, task: Task, score: Score) -> Score:
        """The Score, if its parts are what they should be and agree."""
        if isinstance(score.credit, bool) or not isinstance(score.credit, int | float):
            raise self._error(task, f"returned a Score whose credit is {_briefly(score.credit)}, not a number")
        credit = self._credit(task, score.credit)
        if not isinstance(score.strict, bool):
            raise self._error(task, f"returned a Score whose strict is {_briefly(score.strict)}, not True or False")
        if score.strict and credit < 1.0:
            raise self._error(task, f"returned a strict Score with credit {credit:g}; strict needs credit 1")
        agreeing = (None, "pass") if score.strict else (None, "detectable", "silent", "harm")
        if score.outcome not in agreeing:
            raise self._error(task, f"returned a Score with strict {score.strict} and outcome {_briefly(score.outcome)}")
        checks = tuple(score.checks)
        if not all(isinstance(check, Check) for check in checks):
            raise self._error(task, "returned a Score whose checks are not all of class Check")
        return Score(credit, score.strict, checks, score.outcome)

    def _credit(self, task: Task, credit: float) -> float:
        if not 0.0 <= credit <= 1.0:  # NaN is not either
            raise self._error(task, f"returned the credit {_briefly(credit)}, which is not in [0, 1]")
        return float(credit)

    def _check(self, passed: bool, detail: str) -> Check:
        return Check(self.name, passed, "" if passed else detail)

    def _error(self, task: Task, what: str) -> ScorerError:
        return ScorerError(f"the scorer {self.name!r} {what}", at=f"{task.source or 'task'} {task.id}")


def _told(failure: BaseException) -> str:
    """`ValueError: no such key (scorers.py:12)`: the end of a traceback on one line, and where it was raised."""
    line = " ".join("".join(traceback.format_exception_only(failure)).split())
    frames = traceback.extract_tb(failure.__traceback__)
    return f"{clipped(line)} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else clipped(line)


def _briefly(value: Any) -> str:
    return clipped(repr(value))
