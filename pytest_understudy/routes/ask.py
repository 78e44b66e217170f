"""One sample of a task on a route, asked of an endpoint.

In: a task, a route, an endpoint and the sample's number. Out: a Completion whose output is the whole text, prefill included; of a
task with an environment also what it did there (turns.py). What is asked is rendered here and nowhere else: `request_digest`
names it in the record, so what is not in the digest must not change it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from ..endpoints.endpoint import Abilities, Completion, Endpoint, Message, Request
from ..errors import ConfigError, TaskError, listed
from ..suite.form import Form
from ..suite.task import Task
from ..suite.workflow import Trajectory
from .fill import filled
from .route import Route
from .turns import SHAPE, worked

_SHAPE = 'Answer with one JSON object and nothing else: {"actions": [{"tool": "<name>", "arguments": {...}}, ...]}.'


def messages(task: Task) -> tuple[Message, ...]:
    """system: see `system`; user: the input. Nothing else. Of a workflow this is the start, and the first observation follows."""
    return (*system(task), Message("user", task.input))


def system(task: Task) -> tuple[Message, ...]:
    """The instructions, then the tools as one JSON block and the shape of an answer, or of a turn; no message where all is empty.

    The form is shown only where the instructions hold `{form}`.
    """
    text = task.instructions.replace("{form}", task.form.shown) if task.form else task.instructions
    if task.tools:
        block = json.dumps([tool.to_json() for tool in task.tools], ensure_ascii=False)
        shape = _SHAPE if task.environment is None else SHAPE
        text = "\n\n".join(part for part in (text.rstrip(), block, shape) if part)
    return (Message("system", text),) if text.strip() else ()


def check_controls(route: Route, task: Task) -> None:
    """TaskError where a control of the route needs what the task does not have."""
    for control in ("prefill", "schema"):
        if control in route.controls and task.form is None:
            raise TaskError(f"route {route.name!r} has the control {control}, and this task has no form", at=task.source)
    if "schema" in route.controls and task.form is not None and task.form.schema is None:
        raise TaskError(
            f"route {route.name!r} has the control schema, and this task's form is no JSON Schema; prefill takes any form",
            at=task.source,
        )


def check_abilities(route: Route, endpoint: Endpoint) -> None:
    """ConfigError, with what would work, where the endpoint, or the route's model there, cannot do what the route asks."""
    able = endpoint.abilities
    can = [name for name in ("prefill", "no_think", "schema") if _can(able, name)]
    for control in route.controls:
        if not _can(able, control):
            how = " (or say in its table how a text is continued there: prefill = ...)" if control == "prefill" else ""
            raise ConfigError(
                f"route {route.name!r}: endpoint {endpoint.name!r} cannot do the control {control}; it can do {listed(can)}{how}"
            )
    # What depends on the model only some endpoints know.
    if check := getattr(endpoint, "check_route", None):
        try:
            check(route.model, route.controls, route.sampling)
        except ConfigError as failure:
            raise ConfigError(f"route {route.name!r}: {failure}") from None


def _can(able: Abilities, control: str) -> bool:
    return {"prefill": able.prefill, "no_think": able.no_think, "schema": able.schema}[control]


def request_digest(task: Task, route: Route, identity: Sequence[str]) -> str:
    """A hash over all that shapes the request, the sample's number excepted; `identity` is the endpoint's own.

    Not in it: the route's name, the task's id, prices, URLs, paths. What an environment answers can't be in it: a recorded
    sample is held to that when it is recalled.
    """
    sampling = route.sampling
    shaped: list[Any] = [
        list(identity),
        [message.to_json() for message in messages(task)],
        task.form.key if task.form and {"prefill", "schema"} & set(route.controls) else None,
        route.fill if "prefill" in route.controls else None,
        sorted(route.controls),
        [sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed],
    ]
    if task.environment is not None:
        shaped += [task.environment_name, task.max_turns]
    return hashlib.sha256(json.dumps(shaped, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def sample_key(digest: str, number: int) -> str:
    """The record's key: the request's digest and the sample's number."""
    return hashlib.sha256(f"{digest}:{number}".encode()).hexdigest()[:32]


def request_of(task: Task, route: Route, number: int) -> Request:
    """What is asked for a sample; a form is filled behind it. The seed is (seed + number) mod 2^31, the same on every route."""
    sampling = route.sampling
    if sampling.seed is not None:
        sampling = replace(sampling, seed=(sampling.seed + number) % 2**31)
    return Request(
        messages=messages(task),
        sampling=sampling,
        schema=task.form.schema if task.form and "schema" in route.controls else None,
        think="no_think" not in route.controls,
        model=route.model,
        adapter=route.adapter,
    )


async def ask(task: Task, route: Route, endpoint: Endpoint, number: int) -> tuple[Completion, Trajectory | None]:
    """Draw one sample; with what it did, where the task has an environment."""
    request = request_of(task, route, number)
    if task.environment is None:
        return await _answered(endpoint, request, task.form, route), None

    def answering(talk: tuple[Message, ...]) -> Awaitable[Completion]:
        return _answered(endpoint, replace(request, messages=talk), task.form, route)

    return await worked(task, system(task), answering)


async def _answered(endpoint: Endpoint, request: Request, form: Form | None, route: Route) -> Completion:
    if "prefill" in route.controls and form is not None:
        return await filled(endpoint, request, form, route.fill)
    completion = await endpoint.complete(request)
    return replace(completion, requests=completion.exchanges)
