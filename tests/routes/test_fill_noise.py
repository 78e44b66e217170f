"""Whatever a model says, a filled form parses and is valid, or the sample says why not."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

import pytest

from pytest_understudy.endpoints.endpoint import Abilities, Message, Request, Sampling
from pytest_understudy.routes.fill import FAILURES, REQUESTS, filled
from pytest_understudy.suite.form import Form

from ..fakes import NoiseEndpoint
from .schemas import PICKED, Schema, drawn

SCHEMAS = [*PICKED, *(drawn(seed) for seed in range(320))]
# The grammar can't say these: what is valid by it may still not be valid by the schema.
BEYOND_THE_GRAMMAR = ("uniqueItems", "dependentRequired", '"if"', "oneOf", "minProperties")
ABLE_OF_GRAMMAR = Abilities(prefill=True, no_think=True, schema=True, grammar=True)

Fill = Literal["opening", "slots"]


def asked(seed: int, max_tokens: int = 400) -> Request:
    return Request((Message("user", "Fill this in."),), Sampling(max_tokens=max_tokens, seed=seed))


async def outcomes(fill: Fill, endpoint: NoiseEndpoint) -> list[tuple[Schema, str, str, list[str]]]:
    """For each schema: the finish, the output, and what is wrong with it."""
    results = []
    for number, schema in enumerate(SCHEMAS):
        form = Form.from_schema(schema)
        completion = await filled(endpoint, asked(number), form, fill)
        assert len(completion.requests) <= REQUESTS
        try:
            complaints = form.complaints(json.loads(completion.output), completion.output)
        except json.JSONDecodeError as failure:
            complaints = [f"does not parse: {failure}"]
        results.append((schema, completion.finish, completion.output, complaints))
    return results


@pytest.mark.parametrize(("fill", "grammar"), [("opening", False), ("slots", False), ("slots", True)])
def test_noise_fills_hundreds_of_forms_that_parse_and_are_valid(fill: Fill, grammar: bool) -> None:
    endpoint = NoiseEndpoint(seed=7, abilities=ABLE_OF_GRAMMAR) if grammar else NoiseEndpoint(seed=7)
    results = asyncio.run(outcomes(fill, endpoint))

    assert len(results) >= 300
    assert {finish for _, finish, _, _ in results} <= {"stop", "unfilled"}
    unexplained = [
        (schema, finish, output, complaints)
        for schema, finish, output, complaints in results
        if complaints and not any(keyword in json.dumps(schema) for keyword in BEYOND_THE_GRAMMAR)
    ]
    assert unexplained == []
    valid = sum(not complaints for _, _, _, complaints in results)
    assert valid >= 0.99 * len(results)


@pytest.mark.parametrize("fill", ["opening", "slots"])
@pytest.mark.parametrize("pieces", [[""], [" "], ["\n"], ["\ufffd"], ["\\"], ["é"], ["0"], ["{"]], ids=repr)
def test_a_model_that_says_one_thing_for_ever_ends(fill: Fill, pieces: list[str]) -> None:
    for number, schema in enumerate(PICKED):
        form = Form.from_schema(schema)
        completion = asyncio.run(filled(NoiseEndpoint(number, pieces), asked(1, max_tokens=60), form, fill))
        json.loads(completion.output)
        assert len(completion.requests) <= REQUESTS


@pytest.mark.parametrize("fill", ["opening", "slots"])
def test_a_form_that_says_nothing_a_model_knows_is_given_up_after_three_tries(fill: Fill) -> None:
    form = Form.from_schema({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    completion = asyncio.run(filled(NoiseEndpoint(0, ["hm"]), asked(1), form, fill))
    assert (completion.output, completion.finish, len(completion.requests)) == ('{"n": 0}', "unfilled", FAILURES)
