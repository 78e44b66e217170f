"""What we raise on purpose.

Every error says where, what, and the way out; `str()` puts the place first. One class for each thing that a caller can do
about it. A bug of ours is none of these and is not caught anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class UnderstudyError(Exception):
    """All that we raise on purpose; `at` is the place, such as `understudy.toml: [routes.raw] endpoint`."""

    def __init__(self, message: str, *, at: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message


class ConfigError(UnderstudyError):
    """The config or the command line is wrong: a usage error, exit 4."""


class TaskError(UnderstudyError):
    """A suite's file is wrong: a collection error, shown as its text."""


class TaskErrors(TaskError):
    """All the complaints about one file, a line each."""

    def __init__(self, errors: Sequence[TaskError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class ScorerError(UnderstudyError):
    """A scorer raised or answered nonsense: the sample is an error, not a miss of the model."""


class EnvironmentCrash(UnderstudyError):
    """A suite's environment raised, or answered what it may not: the sample is an error, not a miss of the model.

    `traceback` is the text of what it raised, empty where it raised nothing; `answered` as in EndpointError.
    """

    answered: tuple[Any, ...] = ()

    def __init__(self, message: str, *, at: str = "", traceback: str = "") -> None:
        super().__init__(message, at=at)
        self.traceback = traceback


class EndpointError(UnderstudyError):
    """A request got no answer that can be judged: the sample is an error, the run goes on.

    `answered` holds the sample's requests that were answered before (endpoints' Exchanges): they were paid for.
    """

    answered: tuple[Any, ...] = ()


class RouteEnded(EndpointError):
    """Nothing that this route asks will ever be answered (401, 403, 404): the route ends at once."""


class MissingSample(EndpointError):
    """Not in the record, under --understudy-replay=only."""


class StaleSample(MissingSample):
    """Recorded, but the task's environment answers otherwise now than it did then."""


def listed(names: Iterable[str]) -> str:
    """Names as a person lists them: `'raw'`, `'raw' and 'prefill'`, `nothing`."""
    quoted = [repr(name) for name in names]
    if not quoted:
        return "nothing"
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
