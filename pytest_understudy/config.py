"""understudy.toml to Config.

In: a config file's path. Out: frozen routes, endpoint settings and a gate; nothing is opened, started or asked here. Every error
names its key. A value that stands where none is known is never printed: it may be somebody's API key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as day
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from .endpoints.anthropic import BASE_URL, LEAST_BUDGET
from .endpoints.chat_template import SHIPPED, Template
from .endpoints.endpoint import Endpoint, Sampling
from .endpoints.presets import PLAIN, PRESETS, dialect_of
from .errors import ConfigError, listed
from .routes.listed_price import Nowhere, listed_price
from .routes.price import Price
from .routes.route import Route
from .verdict.gate import Gate
from .verdict.machine import Machine

Share = Annotated[float, Field(ge=0, le=1)]
Dollars = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
AUTO = "auto"  # a price that is looked up


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Table = TypeVar("Table", bound=_Table)


class _Understudy(_Table):
    samples: Count | None = None
    concurrency: Count | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    recorded: list[str] = []
    ladder: list[str] = []
    baseline: str | None = None


class _Embedded(_Table):
    kind: Literal["embedded"]
    model: str = "smollm2"
    adapters: dict[str, str] = {}
    concurrency: Count = 2
    timeout: Annotated[float, Field(gt=0)] = 120.0
    retries: Annotated[int, Field(ge=0)] = 2
    context: Annotated[int, Field(ge=256)] = 2048
    no_think: Literal["soft", "template", "prefill"] = "soft"


class _OpenAI(_Table):
    kind: Literal["openai"]
    base_url: str | None = None
    api_key_env: str | None = None
    concurrency: Count = 16
    timeout: Annotated[float, Field(gt=0)] = 60.0
    retries: Annotated[int, Field(ge=0)] = 5
    preset: (
        Literal[
            "vllm",
            "sglang",
            "llama.cpp",
            "fireworks",
            "together",
            "openrouter",
            "deepseek",
            "mistral",
            "openai",
            "ollama",
            "tinker",
        ]
        | None
    ) = None
    prefill: Literal["assistant", "continue", "prefix", "completions", "none"] | None = None
    no_think: Literal["soft", "template", "prefill", "effort", "reasoning", "thinking", "think"] | None = None
    template: str | None = None


class _Anthropic(_Table):
    kind: Literal["anthropic"]
    base_url: str = BASE_URL
    api_key_env: str | None = None
    concurrency: Count = 16
    timeout: Annotated[float, Field(gt=0)] = 60.0
    retries: Annotated[int, Field(ge=0)] = 5
    thinking: int | Literal["adaptive"] | None = None
    cache: bool = False

    @field_validator("thinking", mode="before")
    @classmethod
    def _says_how(cls, value: Any) -> Any:
        if value == "adaptive" or (isinstance(value, int) and not isinstance(value, bool) and value >= LEAST_BUDGET):
            return value
        raise PydanticCustomError("thinking", f'write a budget of {LEAST_BUDGET} tokens or more, or "adaptive"')


class _Sampling(_Table):
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Count = 1024
    seed: Annotated[int, Field(ge=0)] | None = None


class _Machine(_Table):
    """What an endpoint of any kind stands on, where that is paid for by the hour: keys of the endpoint's own table."""

    hourly: Annotated[float, Field(gt=0)]
    machines: Count = 1
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.5
    cold_start: Annotated[float, Field(ge=0)] | None = None


class _Price(_Table):
    blended: Dollars | None = None
    input: Dollars | None = None
    cached: Dollars | None = None
    cache_write: Dollars | None = None
    output: Dollars | None = None
    date: object = None  # of which day these prices are: TOML's date, or a string


class _Route(_Table):
    endpoint: str
    extends: str | None = None
    model: str | None = None
    adapter: str | None = None
    controls: list[Literal["prefill", "no_think", "schema"]] = []
    fill: Literal["opening", "slots"] | None = None
    sampling: _Sampling = _Sampling()
    price: _Price | None = None
    training_cost: Dollars | None = None
    production_cached_share: Share | None = None
    label: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = ""  # a line of the table


class _Gate(_Table):
    strict_pass: Share | None = None
    credit: Share | None = None
    p95: Annotated[float, Field(gt=0)] | None = None
    tokens: Annotated[float, Field(gt=0)] | None = None
    cost: Dollars | None = None
    errors: Annotated[int, Field(ge=0)] = 0
    silent: Share | None = None
    harm: Share | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    estimand: Literal["holdout", "population"] = "holdout"
    failure_cost: Dollars | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None


_ENDPOINTS: Mapping[str, type[_Embedded] | type[_OpenAI] | type[_Anthropic]] = {
    "embedded": _Embedded,
    "openai": _OpenAI,
    "anthropic": _Anthropic,
}


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """An [endpoints.NAME] table: `settings` are its keys less `kind`, checked where the kind is one of ours.

    `machine` is what it stands on, where that is paid for by the hour: its keys are not among the settings.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    machine: Machine | None = None

    @property
    def key_env(self) -> str | None:
        """The name of the variable that holds its API key."""
        name = self.settings.get("api_key_env")
        return name if isinstance(name, str) else None


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
    main = _read(_Understudy, data.get("understudy", {}), f"{name}: [understudy]")
    endpoints = {key: _endpoint(key, table, name, path.parent) for key, table in _tables(data, "endpoints", name).items()}
    routes = _routes(_tables(data, "routes", name), endpoints, name)
    for key, names in (("ladder", main.ladder), ("baseline", [main.baseline] if main.baseline else [])):
        if missing := [route for route in names if route not in routes]:
            raise ConfigError(f"no route named {missing[0]!r}; there are {listed(routes)}", at=f"{name}: [understudy] {key}")
    return Config(
        path=path,
        endpoints=endpoints,
        routes=routes,
        ladder=tuple(main.ladder),
        baseline=main.baseline,
        gate=Gate(**_read(_Gate, data["gate"], f"{name}: [gate]").model_dump()) if "gate" in data else None,
        samples=main.samples,
        concurrency=main.concurrency,
        margin=main.margin,
        recorded=tuple(main.recorded),
        auto_priced=frozenset(key for key in routes if _extended(key, data["routes"], name).get("price") == AUTO),
    )


def checked_route(route: Route, *, at: str) -> Route:
    """The route, if its controls go together."""
    if "prefill" in route.controls and "schema" in route.controls:
        raise ConfigError(f"route {route.name!r}: prefill and schema exclude each other: both say how the form is kept", at=at)
    return route


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


def _endpoint(key: str, table: dict[str, Any], name: str, folder: Path) -> EndpointSettings:
    at = f"{name}: [endpoints.{key}]"
    kind = table.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"an endpoint needs a kind; there are {listed(_ENDPOINTS)}", at=f"{at} kind")
    machine = {name: table[name] for name in _Machine.model_fields if name in table}
    table = {name: value for name, value in table.items() if name not in machine}
    settings = {name: value for name, value in table.items() if name != "kind"}
    if kind in _ENDPOINTS:
        settings = _read(_ENDPOINTS[kind], table, at).model_dump(exclude={"kind"})
    _check_endpoint(settings, at)
    if kind == "openai":
        settings |= _dialect(settings, folder, at)
    return EndpointSettings(key, kind, settings, _machine(machine, at))


def _dialect(settings: Mapping[str, Any], folder: Path, at: str) -> dict[str, Any]:
    """What a preset leaves to be said: the URL, how a text is continued, how a model is told not to think."""
    row = PRESETS[settings["preset"]] if settings["preset"] else PLAIN
    url = settings["base_url"] or row.base_url
    if url is None:
        raise ConfigError("'base_url' is missing", at=at)
    template = _template(settings["template"], folder, at)
    try:
        prefill, no_think = dialect_of(row, settings["prefill"], settings["no_think"], template)
    except ConfigError as failure:
        raise ConfigError(str(failure), at=f"{at} template") from None
    if prefill == "completions" and template is None:
        raise ConfigError(
            f"'completions' renders prompts here: say the model's template, {listed(SHIPPED)} or a Jinja file", at=f"{at} prefill"
        )
    if template is not None and prefill != "completions":
        raise ConfigError("a template is for prefill = 'completions' alone: the server has its own", at=f"{at} template")
    return {"base_url": url, "prefill": prefill, "no_think": no_think}


def _template(named: str | None, folder: Path, at: str) -> Template | None:
    try:
        return Template.of(named, folder) if named is not None else None
    except ConfigError as failure:
        raise ConfigError(str(failure), at=f"{at} template") from None


def _check_endpoint(settings: Mapping[str, Any], at: str) -> None:
    variable = settings.get("api_key_env")
    # Capitals only: what has small letters may be the key itself, and is not printed.
    if variable is not None and not (isinstance(variable, str) and re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", variable)):
        raise ConfigError(
            "this is not a variable's name (capital letters, digits, _): write the name; the key itself stays outside",
            at=f"{at} api_key_env",
        )
    if isinstance(settings.get("base_url"), str):
        _check_url(settings["base_url"], f"{at} base_url")


def _check_url(url: str, at: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
        parts = urlsplit("")
    if parts.username or parts.password:
        raise ConfigError("a user or a password has no place in a URL; name a variable in api_key_env", at=at)
    if not valid:
        raise ConfigError("this is no http or https URL; write it up to and including /v1", at=at)
    if parts.query or parts.fragment:
        raise ConfigError("write the URL up to and including /v1, without ? or #", at=at)


def _machine(table: dict[str, Any], at: str) -> Machine | None:
    if table and "hourly" not in table:
        raise ConfigError(f"{next(iter(table))!r} is about a machine by the hour: say hourly, its dollars an hour, too", at=at)
    return Machine(**_read(_Machine, table, at).model_dump()) if table else None


def _routes(tables: Mapping[str, dict[str, Any]], endpoints: Mapping[str, EndpointSettings], name: str) -> dict[str, Route]:
    routes = {}
    for key in tables:
        at = f"{name}: [routes.{key}]"
        written = _extended(key, tables, name)
        table = _read(_Route, {name: value for name, value in written.items() if (name, value) != ("price", AUTO)}, at)
        if table.endpoint not in endpoints:
            raise ConfigError(f"no endpoint named {table.endpoint!r}; there are {listed(endpoints)}", at=f"{at} endpoint")
        if "fill" in tables[key] and "prefill" not in table.controls:
            raise ConfigError(
                "fill says how a prefilled form is filled: add prefill to controls, or leave it out", at=f"{at} fill"
            )
        _check_adapter(table.adapter, endpoints[table.endpoint], at)
        route = Route(
            name=key,
            endpoint=table.endpoint,
            model=table.model or endpoints[table.endpoint].settings.get("model"),  # an embedded endpoint serves one
            adapter=table.adapter,
            controls=tuple(dict.fromkeys(table.controls)),
            fill=table.fill or "opening",
            sampling=Sampling(**table.sampling.model_dump()),
            price=_price(table.price, at) if table.price else None,
            training_cost=table.training_cost,
            production_cached_share=table.production_cached_share,
            label=table.label,
        )
        routes[key] = checked_route(route, at=f"{at} controls")
    return routes


def _extended(key: str, tables: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """A route's table over those that it extends; `sampling` key by key. A label is the route's own."""
    chain = [key]
    while (parent := tables[chain[-1]].get("extends")) is not None:
        at = f"{name}: [routes.{chain[-1]}] extends"
        if not isinstance(parent, str) or parent not in tables:
            raise ConfigError(f"no route named {parent!r}; there are {listed(tables)}", at=at)
        if parent in chain:
            raise ConfigError(f"routes extend each other in a circle: {' -> '.join([*chain, parent])}", at=at)
        chain.append(parent)
    merged: dict[str, Any] = {}
    for link in reversed(chain):
        table = tables[link]
        before, own = merged.get("sampling"), table.get("sampling")
        merged.update(table)
        if isinstance(before, dict) and isinstance(own, dict):
            merged["sampling"] = {**before, **own}
    if "label" not in tables[key]:
        merged.pop("label", None)
    return merged


def _check_adapter(adapter: str | None, endpoint: EndpointSettings, at: str) -> None:
    if adapter is None:
        return
    known = endpoint.settings.get("adapters")
    if isinstance(known, Mapping) and adapter not in known:
        raise ConfigError(f"endpoint {endpoint.name!r} has no adapter {adapter!r}; it has {listed(known)}", at=f"{at} adapter")
    if endpoint.kind in ("openai", "anthropic"):
        raise ConfigError(
            f"an {endpoint.kind} endpoint serves an adapter under a model's name: say it in model", at=f"{at} adapter"
        )


def _price(price: _Price, at: str) -> Price:
    date = _date(price.date, f"{at} price.date")
    if price.blended is not None:
        if price.model_dump(exclude={"blended", "date"}, exclude_none=True):
            raise ConfigError("blended is one price on all tokens; leave the others out", at=f"{at} price")
        return Price.blended(price.blended, date)
    if price.input is None or price.output is None:
        raise ConfigError(
            'a price is { blended } or { input, output }, with cached and cache_write where they differ, or "auto"',
            at=f"{at} price",
        )
    return Price(input=price.input, output=price.output, cached=price.cached, cache_write=price.cache_write, date=date)


def _date(written: object, at: str) -> str | None:
    """In ISO, whether the file has TOML's date or a string."""
    if written is None:
        return None
    try:
        if isinstance(written, day) and not isinstance(written, datetime):
            return written.isoformat()
        if isinstance(written, str):
            return day.fromisoformat(written).isoformat()
    except ValueError:
        pass
    raise ConfigError("this is no day; write it as 2026-11-20", at=at)


def _read(model: type[Table], table: Any, at: str) -> Table:
    try:
        return model.model_validate(table)
    except ValidationError as failure:
        raise _complaint(failure, model, at) from None


def _complaint(failure: ValidationError, model: type[_Table], at: str) -> ConfigError:
    problem = failure.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unknown_key(str(problem["loc"][-1]), [str(part) for part in problem["loc"][:-1]], model, at)
    if problem["type"] == "missing":
        return ConfigError(f"{key!r} is missing", at=at)
    if problem["type"] == "model_type" and key == "price":
        return ConfigError('a price is a table, { blended } or { input, output }, or "auto"', at=f"{at} price")
    if problem["type"] == "model_type":
        return ConfigError("this is a table, such as { key = value }", at=f"{at} {key}".strip())
    message = problem["msg"]
    return ConfigError(message[:1].lower() + message[1:], at=f"{at} {key}".strip())


def _unknown_key(key: str, inside: list[str], model: type[_Table], at: str) -> ConfigError:
    tables: dict[str, type[_Table]] = {"sampling": _Sampling, "price": _Price}
    known = list((tables.get(inside[0], model) if inside else model).model_fields)
    if "api_key_env" in known and re.search("key|token(?!s)|secret", key, re.IGNORECASE):
        where = "a key itself has no place in a config; name the variable that holds it in api_key_env"
        return ConfigError(f"{key!r} is unknown: {where}", at=at)
    if model in _ENDPOINTS.values():
        known += _Machine.model_fields
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {listed(known)}"
    return ConfigError(f"unknown key {key!r}; {hint}", at=" ".join([at, *inside]))


def missing_key(settings: EndpointSettings, environ: Mapping[str, str] = os.environ) -> str | None:
    """The name of the variable that should hold this endpoint's key and does not; None where all is well."""
    return settings.key_env if settings.key_env and not environ.get(settings.key_env) else None


def with_thresholds(gate: Gate | None, thresholds: Mapping[str, float]) -> Gate | None:
    """Thresholds of the command line over those of [gate]; either alone makes a gate."""
    if not thresholds:
        return gate
    return replace(gate or Gate(), **thresholds)  # type: ignore[arg-type]  # names and types are those of Gate's fields


def _keyed(variable: str | None) -> dict[str, Any]:
    return {"api_key": os.environ.get(variable) if variable else None, "key_env": variable}


def endpoint_of(settings: EndpointSettings, folder: Path, address: str | None = None) -> Endpoint:
    """One of our endpoints, not yet started. `folder` is where its paths are relative to; `address` is a server that another
    process owns.
    """
    if settings.kind == "embedded":
        from .endpoints.embedded import Embedded

        values = dict(settings.settings)
        model = values.pop("model")
        return Embedded(
            name=settings.name,
            model=str(folder / model) if model.endswith(".gguf") else model,
            adapters={name: folder / path for name, path in values.pop("adapters").items()},
            address=address,
            **values,
        )
    if settings.kind == "openai":
        from .endpoints.openai import OpenAI

        values = dict(settings.settings)
        variable = values.pop("api_key_env")
        template = _template(values.pop("template"), folder, f"[endpoints.{settings.name}]")
        return OpenAI(name=settings.name, **_keyed(variable), template=template, **values)
    if settings.kind == "anthropic":
        from .endpoints.anthropic import Anthropic

        values = dict(settings.settings)
        return Anthropic(name=settings.name, **_keyed(values.pop("api_key_env")), **values)
    raise ConfigError(
        f"no plugin answers for the kind {settings.kind!r}; there are {listed(_ENDPOINTS)}",
        at=f"[endpoints.{settings.name}] kind",
    )
