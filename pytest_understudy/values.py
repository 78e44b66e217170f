"""Values that are made several times a sample.

In: a class as for dataclasses. Out: a dataclass with slots that is frozen to the type checker, and not when it runs: a frozen one
takes three times as long to make, since it sets each field past its own guard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(*, repr: bool = True) -> Callable[[type[T]], type[T]]:
    """A decorator: compared and hashed by its fields, and nobody sets one after it is made."""
    return dataclass(slots=True, unsafe_hash=True, repr=repr)
