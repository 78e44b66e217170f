"""Both fills on the real model: what it says differs from run to run, that it fits does not."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

import pytest

from pytest_understudy.endpoints.embedded import Embedded
from pytest_understudy.endpoints.endpoint import Completion, Message, Request, Sampling
from pytest_understudy.routes.fill import filled
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Tool

from .schemas import TEXT, of

EMAIL = Form.from_schema(
    of(
        intent={"enum": ["refund_request", "billing", "bug"]},
        priority={"enum": ["S1", "S2", "S3"]},
        topic={"type": "string", "maxLength": 40},
        amount={"type": "number"},
        urgent={"type": "boolean"},
    )
)
ARCHIVE = Tool("archive", "", of(folder={"enum": ["legal", "tax"]}, pages={"type": "integer", "minimum": 1, "maximum": 20}))
MAIL = Tool("send_mail", "", of(to={"type": "string", "maxLength": 20}))
ASKED = Request(
    (
        Message("system", "Answer in JSON with intent, priority, topic, amount and urgent."),
        Message("user", "I was charged 49.90 twice for order 1182, please give me my money back today."),
    ),
    Sampling(temperature=0.7, top_p=0.95, max_tokens=150, seed=3),
)


def fill(endpoint: Embedded, form: Form, how: Literal["opening", "slots"]) -> Completion:
    return asyncio.run(filled(endpoint, ASKED, form, how))


@pytest.mark.parametrize(
    "form", [EMAIL, Form.from_tools([ARCHIVE, MAIL]), Form.from_schema(of(a={"enum": ['say "hi"', "é!", "\t"]}))]
)
def test_slots_of_the_real_model_are_valid_json(embedded: Embedded, form: Form) -> None:
    completion = fill(embedded, form, "slots")
    assert form.complaints(json.loads(completion.output), completion.output) == []
    assert completion.output == json.dumps(json.loads(completion.output), ensure_ascii=False) or "." in completion.output


def test_slots_generate_far_less_than_the_form_is_long(embedded: Embedded) -> None:
    completion = fill(embedded, EMAIL, "slots")
    assert completion.finish == "stop"
    assert len(completion.requests) == 5
    assert completion.tokens.generated is not None
    assert completion.tokens.generated < 40  # the whole e-mail form is about 60 tokens


def test_an_opening_of_the_real_model_is_valid_json(embedded: Embedded) -> None:
    completion = fill(embedded, EMAIL, "opening")
    assert EMAIL.complaints(json.loads(completion.output), completion.output) == []
    assert completion.output.startswith('{"intent": "')
    assert completion.tokens.generated is not None


def test_a_pattern_is_kept_by_the_real_model(embedded: Embedded) -> None:
    form = Form.from_schema(of(day={"type": "string", "pattern": "^20[0-9]{2}-[0-9]{2}$"}, note={**TEXT, "maxLength": 10}))
    completion = fill(embedded, form, "slots")
    assert form.complaints(json.loads(completion.output), completion.output) == []
