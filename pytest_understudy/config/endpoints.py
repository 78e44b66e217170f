"""[endpoints.NAME]: where models are served.

In: a table of the config. Out: EndpointSettings; and from these, when it is wanted, one of our Endpoints, not yet started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..endpoints.chat_template import SHIPPED, Template
from ..endpoints.endpoint import Endpoint
from ..endpoints.presets import PLAIN, PRESETS, dialect_of
from ..errors import ConfigError, listed
from ..verdict.machine import Machine
from .shapes import ENDPOINTS, MachineTable, read


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


def endpoint_settings(key: str, table: dict[str, Any], name: str, folder: Path) -> EndpointSettings:
    at = f"{name}: [endpoints.{key}]"
    kind = table.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"an endpoint needs a kind; there are {listed(ENDPOINTS)}", at=f"{at} kind")
    machine = {name: table[name] for name in MachineTable.model_fields if name in table}
    table = {name: value for name, value in table.items() if name not in machine}
    settings = {name: value for name, value in table.items() if name != "kind"}
    if kind in ENDPOINTS:
        settings = read(ENDPOINTS[kind], table, at).model_dump(exclude={"kind"})
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
    return Machine(**read(MachineTable, table, at).model_dump()) if table else None


def missing_key(settings: EndpointSettings, environ: Mapping[str, str] = os.environ) -> str | None:
    """The name of the variable that should hold this endpoint's key and does not; None where all is well."""
    return settings.key_env if settings.key_env and not environ.get(settings.key_env) else None


def _keyed(variable: str | None) -> dict[str, Any]:
    return {"api_key": os.environ.get(variable) if variable else None, "key_env": variable}


def endpoint_of(settings: EndpointSettings, folder: Path, addresses: Sequence[str] = ()) -> Endpoint:
    """One of our endpoints, not yet started. `folder` is where its paths are relative to; `addresses` are servers that
    another process owns.
    """
    if settings.kind == "embedded":
        from ..endpoints.embedded import Embedded

        values = dict(settings.settings)
        model = values.pop("model")
        return Embedded(
            name=settings.name,
            model=str(folder / model) if model.endswith(".gguf") else model,
            adapters={name: folder / path for name, path in values.pop("adapters").items()},
            addresses=addresses,
            **values,
        )
    if settings.kind == "openai":
        from ..endpoints.openai import OpenAI

        values = dict(settings.settings)
        variable = values.pop("api_key_env")
        template = _template(values.pop("template"), folder, f"[endpoints.{settings.name}]")
        return OpenAI(name=settings.name, **_keyed(variable), template=template, **values)
    if settings.kind == "anthropic":
        from ..endpoints.anthropic import Anthropic

        values = dict(settings.settings)
        return Anthropic(name=settings.name, **_keyed(values.pop("api_key_env")), **values)
    raise ConfigError(
        f"no plugin answers for the kind {settings.kind!r}; there are {listed(ENDPOINTS)}",
        at=f"[endpoints.{settings.name}] kind",
    )
