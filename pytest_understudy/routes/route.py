"""A route: a way to get the work done, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ..endpoints.endpoint import Sampling
from ..errors import ConfigError, listed
from .price import Pricing

CONTROLS = ("prefill", "no_think", "schema")


@dataclass(frozen=True, slots=True)
class Route:
    """A model at an endpoint, the controls that it is asked with, its price.

    `label` is what a reader of the table should know of this route, such as "taught to think aloud". It is the route's own: one
    that extends it, or is derived from it, says its own or none. Without a `price` it is unpriced, and `unpriced` may say why.
    `training_cost`: dollars that its weights cost, training and teacher data, None where it was not said.
    """

    name: str
    endpoint: str
    model: str | None = None
    adapter: str | None = None
    controls: tuple[str, ...] = ()
    fill: Literal["opening", "slots"] = "opening"
    sampling: Sampling = Sampling()
    price: Pricing | None = None
    unpriced: str = ""
    training_cost: float | None = None
    production_cached_share: float | None = None  # of the prompt, in [0, 1]: what production's cache will hold
    label: str = ""

    def with_controls(self, added: Iterable[str]) -> Route:
        """The derived route, named raw+prefill; controls that it has already are not added again."""
        names = list(dict.fromkeys(added))
        if unknown := [name for name in names if name not in CONTROLS]:
            raise ConfigError(f"no control named {unknown[0]!r}; there are {listed(CONTROLS)}", at="--understudy-control")
        new = [name for name in names if name not in self.controls]
        if not new:
            return self
        return replace(self, name="+".join([self.name, *new]), controls=(*self.controls, *new), label="")


def asks_alike(a: Route, b: Route) -> bool:
    """Whether two routes ask the same: they differ in name, label and what they cost at most."""
    same = {"name": "", "label": "", "price": None, "unpriced": "", "training_cost": None, "production_cached_share": None}
    return replace(a, **same) == replace(b, **same)  # type: ignore[arg-type]  # fields of a Route
