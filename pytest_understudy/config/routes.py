"""[routes.NAME]: how models are asked, and what that costs.

In: all tables of routes, and the endpoints that they may name. Out: Routes, each over those that it extends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as day
from datetime import datetime
from typing import Any

from ..endpoints.endpoint import Sampling
from ..errors import ConfigError, listed
from ..routes.price import Price
from ..routes.route import Route
from .endpoints import EndpointSettings
from .shapes import PriceTable, RouteTable, read

AUTO = "auto"  # a price that is looked up


def routes_of(tables: Mapping[str, dict[str, Any]], endpoints: Mapping[str, EndpointSettings], name: str) -> dict[str, Route]:
    routes = {}
    for key in tables:
        at = f"{name}: [routes.{key}]"
        written = extended(key, tables, name)
        table = read(RouteTable, {name: value for name, value in written.items() if (name, value) != ("price", AUTO)}, at)
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


def extended(key: str, tables: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
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


def _price(price: PriceTable, at: str) -> Price:
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


def checked_route(route: Route, *, at: str) -> Route:
    """The route, if its controls go together."""
    if "prefill" in route.controls and "schema" in route.controls:
        raise ConfigError(f"route {route.name!r}: prefill and schema exclude each other: both say how the form is kept", at=at)
    return route
