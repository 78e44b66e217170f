"""What may stand in an understudy.toml: its tables, their keys, and what is said of one that does not fit.

In: a table as it was read. Out: the same, checked, with defaults; or a ConfigError that names the key. A value that stands where
none is known is never printed: it may be somebody's API key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from ..endpoints.anthropic import BASE_URL, LEAST_BUDGET
from ..errors import ConfigError, listed

Share = Annotated[float, Field(ge=0, le=1)]
Dollars = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Shape(BaseModel):
    # Deferred: a validator is built for each of the tables that a config has, and not for those of other kinds.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


Table = TypeVar("Table", bound=Shape)


class UnderstudyTable(Shape):
    samples: Count | None = None
    concurrency: Count | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    recorded: list[str] = []
    ladder: list[str] = []
    baseline: str | None = None


class EmbeddedTable(Shape):
    kind: Literal["embedded"]
    model: str = "smollm2"
    adapters: dict[str, str] = {}
    concurrency: Count = 2
    timeout: Annotated[float, Field(gt=0)] = 120.0
    retries: Annotated[int, Field(ge=0)] = 2
    context: Annotated[int, Field(ge=256)] = 2048
    no_think: Literal["soft", "template", "prefill"] = "soft"


class OpenAITable(Shape):
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


class AnthropicTable(Shape):
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


class SamplingTable(Shape):
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Count = 1024
    seed: Annotated[int, Field(ge=0)] | None = None


class MachineTable(Shape):
    """What an endpoint of any kind stands on, where that is paid for by the hour: keys of the endpoint's own table."""

    hourly: Annotated[float, Field(gt=0)]
    machines: Count = 1
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.5
    cold_start: Annotated[float, Field(ge=0)] | None = None


class PriceTable(Shape):
    blended: Dollars | None = None
    input: Dollars | None = None
    cached: Dollars | None = None
    cache_write: Dollars | None = None
    output: Dollars | None = None
    date: object = None  # of which day these prices are: TOML's date, or a string


class RouteTable(Shape):
    endpoint: str
    extends: str | None = None
    model: str | None = None
    adapter: str | None = None
    controls: list[Literal["prefill", "no_think", "schema"]] = []
    fill: Literal["opening", "slots"] | None = None
    sampling: SamplingTable = SamplingTable()
    price: PriceTable | None = None
    training_cost: Dollars | None = None
    production_cached_share: Share | None = None
    label: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = ""  # a line of the table


class GateTable(Shape):
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


ENDPOINTS: Mapping[str, type[EmbeddedTable] | type[OpenAITable] | type[AnthropicTable]] = {
    "embedded": EmbeddedTable,
    "openai": OpenAITable,
    "anthropic": AnthropicTable,
}


def read(model: type[Table], table: Any, at: str) -> Table:
    try:
        return model.model_validate(table)
    except ValidationError as failure:
        raise _complaint(failure, model, at) from None


def _complaint(failure: ValidationError, model: type[Shape], at: str) -> ConfigError:
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


def _unknown_key(key: str, inside: list[str], model: type[Shape], at: str) -> ConfigError:
    tables: dict[str, type[Shape]] = {"sampling": SamplingTable, "price": PriceTable}
    known = list((tables.get(inside[0], model) if inside else model).model_fields)
    if "api_key_env" in known and re.search("key|token(?!s)|secret", key, re.IGNORECASE):
        where = "a key itself has no place in a config; name the variable that holds it in api_key_env"
        return ConfigError(f"{key!r} is unknown: {where}", at=at)
    if model in ENDPOINTS.values():
        known += MachineTable.model_fields
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {listed(known)}"
    return ConfigError(f"unknown key {key!r}; {hint}", at=" ".join([at, *inside]))
