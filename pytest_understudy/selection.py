"""Which routes a session draws, and what they are compared with.

In: a config and what the command line names. Out: the routes that can run, the rungs that can't and why, and the baseline: one
of the routes, another one that is drawn beside them, or an earlier report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .config.config import Config
from .config.endpoints import missing_key
from .errors import ConfigError, listed

if TYPE_CHECKING:
    from .verdict.comparison import Earlier


class Selection:
    """`named` are the routes as they were selected, `routes` those of them that can run.

    `beside` is the route that is drawn for comparison alone: the command line names it as the baseline, and does not select it.
    A worker does not judge, so it does not read an earlier report.
    """

    def __init__(
        self,
        config: Config,
        names: Sequence[str],
        controls: Sequence[str] = (),
        *,
        ladder: bool,
        baseline: str | None,
        baseline_file: Path | None,
        replay: Literal["auto", "only", "off"],
        worker: bool,
    ) -> None:
        self._config = config
        self._worker = worker
        self._controls = controls
        self.beside: str | None = None
        self.baseline = self._renamed(config.baseline)
        self.earlier: Earlier | None = None
        self.named = config.selected(names, controls)
        if baseline is not None:
            self._compare_with(baseline, baseline_file)
        needed = self.baseline if baseline is not None else None  # a route that the command line names is not left out
        self._missing = {} if replay == "only" else self._without_key(ladder, needed)  # by route, the variable that is not set
        self.routes = tuple(route for route in self.named if route.name not in self._missing)
        if all(route.name == self.beside for route in self.routes):
            raise ConfigError(f"no rung of the ladder can run: set {listed(dict.fromkeys(self._missing.values()))}")

    @property
    def skipped(self) -> dict[str, str]:
        """Of each rung that cannot run, why."""
        return {name: f"the variable {variable} is not set" for name, variable in self._missing.items()}

    def _without_key(self, ladder: bool, needed: str | None) -> dict[str, str]:
        """The rungs without their key, which are skipped; a named route without one is an error."""
        missing: dict[str, str] = {}
        for route in self.named:
            settings = self._config.endpoints[route.endpoint]
            if (variable := missing_key(settings)) is None:
                continue
            if not ladder or route.name == needed:
                raise ConfigError(f"route {route.name!r}: the variable {variable} of endpoint {settings.name!r} is not set")
            missing[route.name] = variable
        return missing

    def _renamed(self, baseline: str | None) -> str | None:
        """The baseline's name among the selected routes, which controls of the command line change."""
        return self._config.routes[baseline].with_controls(self._controls).name if baseline else None

    def _compare_with(self, name: str, file: Path | None) -> None:
        """The baseline that the command line names: one of the selected routes, another route, or a file.

        Another route is asked as the config has it, without the controls that are added to the selected ones: so what a control
        does is seen by comparing raw+prefill with raw.
        """
        among = [route.name for route in self.named]
        self.baseline = None
        if name in self._config.routes or name in among:
            derived = self._renamed(name) if name in self._config.routes else None
            self.baseline = derived if derived in among and len(among) > 1 else name
            if self.baseline not in among:
                self.beside = self.baseline
                self.named = (*self.named, *self._config.selected([name]))
        elif file is not None and (file.suffix == ".json" or os.path.isfile(file)):  # noqa: PTH113  # Path's raises for a long name
            if not self._worker:
                self.earlier = earlier(file)
                self.earlier.check(among)
        else:
            known = f"there are {listed(self._config.routes)}"
            raise ConfigError(
                f"no route named {name!r}, and no such file; {known}, and an earlier report is a .json file",
                at="--understudy-baseline",
            )


def earlier(path: Path) -> Earlier:
    """The earlier JSON report in a file; UnderstudyError where it is none."""
    from .verdict.comparison import Earlier

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as failure:
        raise ConfigError(f"cannot be read as a JSON report: {failure}", at=f"--understudy-baseline={path.name}") from None
    return Earlier.from_json(data, path.name)
