"""understudy.toml to Config.

In: a config file's path. Out: frozen routes, endpoint settings and a gate; nothing is opened, started or asked here. Every error
names its key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import ConfigError, listed
from ..routes.listed_price import Nowhere, listed_price
from ..routes.route import Route
from ..verdict.thresholds import Gate
from .endpoints import EndpointSettings, endpoint_settings
from .routes import AUTO, checked_route, extended, routes_of
from .shapes import GateTable, UnderstudyTable, read


@dataclass(frozen=True, slots=True)
class Config:
    """What a session evaluates with: the file, and the command line over it."""

    path: Path
    endpoints: Mapping[str, EndpointSettings] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    ladder: tuple[str, ...] = ()
    baseline: str | None = None
    gate: Gate | None = None
    samples: int | None = None
    concurrency: int | None = None
    margin: float = 0.02
    recorded: tuple[str, ...] = ()
    auto_priced: frozenset[str] = frozenset()  # routes with price = "auto": looked up when they are selected

    @property
    def folder(self) -> Path:
        """The folder that paths in the config are relative to."""
        return self.path.parent

    def selected(self, names: Sequence[str], controls: Sequence[str] = ()) -> tuple[Route, ...]:
        """The routes of these names, with controls added; ConfigError for one that does not exist or a control that clashes."""
        chosen = []
        for name in dict.fromkeys(names):
            if name not in self.routes:
                near = get_close_matches(name, self.routes, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise ConfigError(f"no route named {name!r}; {hint}there are {listed(self.routes)}", at=self.path.name)
            chosen.append(checked_route(self._priced(name).with_controls(controls), at="--understudy-control"))
        return tuple(chosen)

    def _priced(self, name: str) -> Route:
        """The route of this name; one whose price is "auto" with what the lists say, or why they do not.

        ConfigError without the package that the lists are in.
        """
        route = self.routes[name]
        if name not in self.auto_priced:
            return route
        endpoint = self.endpoints[route.endpoint]
        base_url, preset = (endpoint.settings.get(key) for key in ("base_url", "preset"))
        found = listed_price(
            route.model,
            kind=endpoint.kind,
            base_url=base_url if isinstance(base_url, str) else None,
            preset=preset if isinstance(preset, str) else None,
            at=f"{self.path.name}: [routes.{name}] price",
        )
        return replace(route, unpriced=found.reason) if isinstance(found, Nowhere) else replace(route, price=found)


def find_config(start: Path, root: Path) -> Path:
    """understudy.toml, from `start` towards `root`; else a pyproject.toml at root with [tool.understudy].

    Raises ConfigError where there is neither.
    """
    start = start if start.is_dir() else start.parent
    for folder in [start, *start.parents]:
        if (folder / "understudy.toml").is_file():
            return folder / "understudy.toml"
        if folder == root or root not in folder.parents:
            break
    pyproject = root / "pyproject.toml"
    if pyproject.is_file() and _tool_table(_toml(pyproject), pyproject) is not None:
        return pyproject
    raise ConfigError(
        f"no understudy.toml from {start} up to {root}, and no [tool.understudy] in its pyproject.toml; "
        "write one, or say --understudy-config=PATH"
    )


def load_config(path: Path) -> Config:
    """The config in an understudy.toml or a pyproject.toml; ConfigError names the file and the key."""
    data = _toml(path)
    if path.name == "pyproject.toml":
        table = dict(_tool_table(data, path) or {})
        data = {name: table.pop(name) for name in ("endpoints", "routes", "gate") if name in table}
        data["understudy"] = table
    name = path.name
    known = ("understudy", "endpoints", "routes", "gate")
    if unknown := [key for key in data if key not in known]:
        raise ConfigError(f"unknown table [{unknown[0]}]; there are {listed(known)}", at=name)
    main = read(UnderstudyTable, data.get("understudy", {}), f"{name}: [understudy]")
    endpoints = {key: endpoint_settings(key, table, name, path.parent) for key, table in _tables(data, "endpoints", name).items()}
    routes = routes_of(_tables(data, "routes", name), endpoints, name)
    for key, names in (("ladder", main.ladder), ("baseline", [main.baseline] if main.baseline else [])):
        if missing := [route for route in names if route not in routes]:
            raise ConfigError(f"no route named {missing[0]!r}; there are {listed(routes)}", at=f"{name}: [understudy] {key}")
    return Config(
        path=path,
        endpoints=endpoints,
        routes=routes,
        ladder=tuple(main.ladder),
        baseline=main.baseline,
        gate=Gate(**read(GateTable, data["gate"], f"{name}: [gate]").model_dump()) if "gate" in data else None,
        samples=main.samples,
        concurrency=main.concurrency,
        margin=main.margin,
        recorded=tuple(main.recorded),
        auto_priced=frozenset(key for key in routes if extended(key, data["routes"], name).get("price") == AUTO),
    )


def with_thresholds(gate: Gate | None, thresholds: Mapping[str, float]) -> Gate | None:
    """Thresholds of the command line over those of [gate]; either alone makes a gate."""
    if not thresholds:
        return gate
    return replace(gate or Gate(), **thresholds)  # type: ignore[arg-type]  # names and types are those of Gate's fields


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("no such file", at=str(path)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise ConfigError(f"cannot be read as TOML: {failure}", at=path.name) from None


def _tool_table(data: Mapping[str, Any], path: Path) -> dict[str, Any] | None:
    """[tool.understudy] of a pyproject.toml."""
    tools = data.get("tool")
    table = tools.get("understudy") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError("this is a table", at=f"{path.name}: [tool.understudy]")
    return table


def _tables(data: Mapping[str, Any], kind: str, name: str) -> dict[str, dict[str, Any]]:
    tables = data.get(kind, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigError(f"write a table for each, such as [{kind}.local]", at=f"{name}: [{kind}]")
    for key in tables:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", key):
            raise ConfigError(f"{key!r} is no name; a name has letters, digits, - _ and . only", at=f"{name}: [{kind}]")
    return tables
