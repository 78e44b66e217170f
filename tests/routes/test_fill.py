from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import pytest

from pytest_understudy.endpoints.endpoint import Abilities, Completion, Message, Request, Sampling, Tokens
from pytest_understudy.errors import EndpointError
from pytest_understudy.routes.fill import REQUESTS, filled
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Tool

from ..fakes import ABLE, ScriptedEndpoint
from .schemas import COUNT, TEXT, of

Fill = Literal["opening", "slots"]

ASKED = Request((Message("user", "Paid twice."),), Sampling(max_tokens=400, seed=5))
GRAMMAR = Abilities(prefill=True, no_think=True, schema=True, grammar=True)
EMAIL = Form.from_schema(of(intent={"enum": ["refund_request", "billing"]}, priority={"enum": ["S1", "S2"]}, summary=TEXT))
TOOLS = Form.from_tools(
    [
        Tool("send_mail", "", {"type": "object", "properties": {"to": TEXT, "copies": COUNT}, "required": ["to"]}),
        Tool("archive", "", {"type": "object", "properties": {"folder": {"enum": ["legal", "tax"]}}, "required": ["folder"]}),
    ]
)


def fill(
    form: Form, fill: Fill, *answers: str | Completion, request: Request = ASKED, **endpoint: Any
) -> tuple[Completion, ScriptedEndpoint]:
    """The filled form, and the endpoint that was asked: exactly as often as there are answers."""
    scripted = ScriptedEndpoint(answers, **endpoint)
    completion = asyncio.run(filled(scripted, request, form, fill))
    assert len(scripted.asked) == len(answers)
    return completion, scripted


def test_an_opening_is_one_request_and_stops_at_the_end() -> None:
    completion, endpoint = fill(EMAIL, "opening", 'billing", "priority": "S1", "summary": "Paid twice."} I hope this helps!')
    assert completion.output == '{"intent": "billing", "priority": "S1", "summary": "Paid twice."}'
    assert completion.finish == "stop"
    assert endpoint.prefixes == ['{"intent": "']
    assert endpoint.asked[0].stop == ("}", "\n\n")
    assert completion.tokens.generated == len('billing", "priority": "S1", "summary": "Paid twice."')


def test_a_model_that_rambles_past_the_end_is_cut_where_no_stop_string_is_known() -> None:
    said = 'billing", "priority": "S1", "summary": "Paid twice."} I hope {this} helps!'
    completion, _ = fill(EMAIL, "opening", said, obeys=False)
    assert (completion.output, completion.finish) == ('{"intent": "billing", "priority": "S1", "summary": "Paid twice."}', "stop")


def test_where_a_text_leaves_the_form_the_next_literal_is_put_in() -> None:
    completion, endpoint = fill(EMAIL, "opening", 'refund_req", "importance": "high"', 'S2", "summary": "x"}')
    assert completion.output == '{"intent": "refund_request", "priority": "S2", "summary": "x"}'
    assert endpoint.prefixes == ['{"intent": "', '{"intent": "refund_request", "priority": "']


def test_a_value_that_could_not_be_written_on_is_asked_for_alone() -> None:
    completion, endpoint = fill(
        EMAIL, "opening", 'unknown", "priority": "S1"', "billing", 'S1", "summary": "x"}', abilities=GRAMMAR
    )
    assert (completion.output, completion.finish) == ('{"intent": "billing", "priority": "S1", "summary": "x"}', "stop")
    assert [request.grammar is not None for request in endpoint.asked] == [False, True, False]


def test_the_stop_string_inside_a_string_is_asked_past() -> None:
    completion, endpoint = fill(EMAIL, "opening", 'billing", "priority": "S1", "summary": "in {braces} here"}', '} here"}')
    assert json.loads(completion.output)["summary"] == "in {braces} here"
    assert [request.stop for request in endpoint.asked] == [("}", "\n\n"), ("\n\n",)]


def test_a_stop_string_that_comes_early_is_put_back() -> None:
    form = Form.from_schema(of(inner=of(deep=of(a=COUNT)), outer=of(b=COUNT)))
    completion, endpoint = fill(form, "opening", ' 1}}, "outer": {"b": 2}}', " 2}}")
    assert completion.output == '{"inner": {"deep": {"a": 1}}, "outer": {"b": 2}}'
    assert endpoint.prefixes[1] == '{"inner": {"deep": {"a": 1}}, "outer": {"b":'


def test_slots_are_values_only() -> None:
    completion, endpoint = fill(EMAIL, "slots", 'refund_request", "x', "S1", "Paid twice.")
    assert completion.output == '{"intent": "refund_request", "priority": "S1", "summary": "Paid twice."}'
    assert endpoint.prefixes == [
        '{"intent": "',
        '{"intent": "refund_request", "priority": "',
        '{"intent": "refund_request", "priority": "S1", "summary": "',
    ]
    assert {request.stop for request in endpoint.asked} == {('"',)}
    assert completion.tokens.generated == len("refund_request" + "S1" + "Paid twice.")
    assert len(completion.requests) == 3
    assert completion.latency == pytest.approx(0.03)


def test_numbers_and_words_are_asked_for_after_the_colon() -> None:
    form = Form.from_schema(of(count=COUNT, share={"type": "number"}, urgent={"type": "boolean"}, note={"type": "null"}))
    completion, endpoint = fill(form, "slots", " 12,", "-0.5", " true}")
    assert completion.output == '{"count": 12, "share": -0.5, "urgent": true, "note": null}'
    assert endpoint.prefixes == ['{"count":', '{"count": 12, "share":', '{"count": 12, "share": -0.5, "urgent":']
    assert endpoint.asked[0].stop == (",", "}", "]", "\n")


def test_an_escaped_quote_does_not_end_a_string_slot() -> None:
    completion, endpoint = fill(Form.from_schema(of(a=TEXT)), "slots", 'say \\"hi\\" now', "hi\\", " now \\\\")
    assert json.loads(completion.output) == {"a": 'say "hi" now \\'}
    assert endpoint.prefixes == ['{"a": "', '{"a": "say \\"', '{"a": "say \\"hi\\"']


def test_which_tool_and_whether_another_are_slots() -> None:
    answers = ['{"', "archive", "tax", '"}}, {"', "send_mail", "anna@example.org", '"}}', "]"]
    completion, endpoint = fill(TOOLS, "slots", *answers)
    assert completion.output == (
        '{"actions": [{"tool": "archive", "arguments": {"folder": "tax"}}, '
        '{"tool": "send_mail", "arguments": {"to": "anna@example.org"}}]}'
    )
    assert endpoint.prefixes[0] == '{"actions": ['
    assert endpoint.prefixes[2].endswith('"archive", "arguments": {"folder": "')
    assert endpoint.prefixes[6].endswith('"to": "anna@example.org')


def test_before_a_choice_the_model_writes_the_short_literal_itself() -> None:
    """Its tokens may hold the end of a value and what follows: a text that ends between them speaks for the one that doesn't."""
    answers = ['{"', "archive", "tax", '"}}, {"', "archive", "legal", '"}}]']
    completion, endpoint = fill(TOOLS, "slots", *answers, abilities=GRAMMAR)
    assert [action["arguments"]["folder"] for action in json.loads(completion.output)["actions"]] == ["tax", "legal"]
    assert endpoint.prefixes[3].endswith('{"folder": "tax')
    assert (endpoint.asked[3].grammar or "").startswith('root ::= "\\"}}" ')


def test_a_model_that_does_not_write_the_literal_is_asked_behind_it() -> None:
    answers = ['{"', "archive", "tax", "and so on", ', {"', "archive", "legal", "]", "]"]
    completion, endpoint = fill(TOOLS, "slots", *answers)
    assert [action["arguments"]["folder"] for action in json.loads(completion.output)["actions"]] == ["tax", "legal"]
    assert endpoint.prefixes[3].endswith('{"folder": "tax')
    assert endpoint.prefixes[4].endswith('{"folder": "tax"}}')


def test_a_model_that_has_nothing_to_say_ends_the_list() -> None:
    completion, _ = fill(Form.from_schema(of(tags={"type": "array", "items": TEXT})), "slots", '"', "a", "")
    assert (completion.output, completion.finish) == ('{"tags": ["a"]}', "stop")


def test_nested_arrays_of_numbers_go_number_by_number() -> None:
    grid = {
        "type": "array",
        "items": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2},
        "minItems": 2,
        "maxItems": 2,
    }
    completion, _ = fill(Form.from_schema(of(grid=grid)), "slots", "1", "2", "3", "4")
    assert completion.output == '{"grid": [[1, 2], [3, 4]]}'


def test_optional_keys_may_be_left_out() -> None:
    schema = {"type": "object", "properties": {"a": COUNT, "b": COUNT}, "required": ["a"]}
    with_b, _ = fill(Form.from_schema(schema), "slots", "1", ', "', "2")
    without_b, _ = fill(Form.from_schema(schema), "slots", "1", "}")
    assert (with_b.output, without_b.output) == ('{"a": 1, "b": 2}', '{"a": 1}')


def test_the_shared_start_of_values_is_the_models_to_write() -> None:
    form = Form.from_schema(of(state={"enum": ["open", "opened", "opening"]}))
    completion, endpoint = fill(form, "slots", "opened")
    assert completion.output == '{"state": "opened"}'
    assert endpoint.prefixes == ['{"state": "']
    assert fill(form, "slots", "open")[0].output == '{"state": "open"}'


def test_a_wrong_value_is_asked_for_again_with_another_seed_and_then_kept_as_far_as_it_fits() -> None:
    form = Form.from_schema(of(intent={"enum": ["refund", "billing"]}))
    completion, endpoint = fill(form, "slots", "bug", "bill, please", "billed")
    assert (completion.output, completion.finish) == ('{"intent": "billing"}', "stop")
    assert len({request.sampling.seed for request in endpoint.asked}) == 3
    assert endpoint.asked[0].sampling.seed == 5
    assert set(endpoint.prefixes) == {'{"intent": "'}


@pytest.mark.parametrize("how", ["opening", "slots"])
def test_a_slot_that_fails_three_times_is_completed_and_says_so(how: Fill) -> None:
    completion, _ = fill(Form.from_schema(of(n=COUNT, s=TEXT)), how, "none", "many", "some")
    assert (completion.output, completion.finish) == ('{"n": 0, "s": ""}', "unfilled")


def test_max_tokens_holds_for_all_requests_together() -> None:
    request = Request(ASKED.messages, Sampling(max_tokens=10))
    completion, endpoint = fill(EMAIL, "slots", "billing", "S1", "Paid twice, and", request=request)
    assert [asked.sampling.max_tokens for asked in endpoint.asked] == [10, 3, 1]
    assert (completion.output, completion.finish) == ('{"intent": "billing", "priority": "S1", "summary": "P"}', "unfilled")
    opening, _ = fill(EMAIL, "opening", 'billing", "priority": "S1", "summary": "x"}', request=request)
    assert (opening.output, opening.finish) == ('{"intent": "billing", "priority": "S1", "summary": ""}', "unfilled")


def test_requests_are_bounded() -> None:
    numbers = Form.from_schema({"type": "array", "items": COUNT})
    completion, _ = fill(numbers, "slots", "1", *[", 1"] * (REQUESTS - 1))
    assert completion.finish == "unfilled"
    assert json.loads(completion.output) == [1] * REQUESTS


@pytest.mark.parametrize("finish", ["refusal", "content_filter", "timeout", "overflow"])
def test_a_refusal_is_passed_on_at_once_with_what_it_cost(finish: str) -> None:
    refused = Completion("S1", finish, Tokens(prompt=7, generated=2), 0.5, waited=0.25)
    completion, _ = fill(EMAIL, "slots", "billing", refused)
    assert (completion.finish, completion.output) == (finish, '{"intent": "billing", "priority": "S1')
    assert completion.latency == pytest.approx(0.51)
    assert completion.waited == 0.25
    assert [exchange.finish for exchange in completion.requests] == ["stop", finish]


def test_an_endpoints_error_is_not_swallowed() -> None:
    with pytest.raises(EndpointError, match="gone"):
        asyncio.run(filled(ScriptedEndpoint([EndpointError("gone")]), ASKED, EMAIL, "slots"))


def test_a_server_that_counts_no_tokens_leaves_them_unknown_and_still_ends() -> None:
    uncounted = Completion("x" * 4000, "length", Tokens(), 0.1)
    completion, _ = fill(Form.from_schema(of(a=TEXT)), "opening", uncounted)
    assert completion.tokens.generated is None
    assert completion.finish == "unfilled"
    assert json.loads(completion.output) == {"a": "x" * 4000}


def test_text_before_the_form_stays_in_front_and_is_not_part_of_it() -> None:
    request = Request(ASKED.messages, prefix="<think>\n\n</think>\n\n")
    completion, endpoint = fill(Form.from_schema(of(a=COUNT)), "slots", " 1", request=request)
    assert endpoint.prefixes == ['<think>\n\n</think>\n\n{"a":']
    assert completion.output == '{"a": 1}'


def test_no_prefix_ends_in_white_space() -> None:
    cut = Completion("Paid ", "length", Tokens(prompt=1, generated=2), 0.1)
    completion, endpoint = fill(Form.from_schema(of(a=TEXT, b=COUNT)), "slots", cut, " twice", " 1")
    assert completion.output == '{"a": "Paid twice", "b": 1}'
    assert not [prefix for prefix in endpoint.prefixes if prefix != prefix.rstrip()]


def test_a_character_cut_in_the_middle_is_said_again() -> None:
    cut = Completion("caf\ufffd", "length", Tokens(prompt=1, generated=2), 0.1)
    completion, _ = fill(Form.from_schema(of(a=TEXT)), "slots", cut, "é")
    assert completion.output == '{"a": "café"}'


def test_a_line_break_ends_a_string() -> None:
    form = Form.from_schema(of(a=TEXT, b=COUNT))
    assert fill(form, "slots", "one\ntwo", " 1")[0].output == '{"a": "one", "b": 1}'
    assert fill(form, "opening", 'one\ntwo", "b": 2}', " 1}")[0].output == '{"a": "one", "b": 1}'


@pytest.mark.parametrize("how", ["opening", "slots"])
def test_a_regex_and_a_grammar_are_filled_too(how: Fill) -> None:
    regex, endpoint = fill(Form.from_regex("Ticket: S[12] \\(.+\\)"), how, "Ticket: S3", "2 (late)")
    assert (regex.output, regex.finish) == ("Ticket: S2 (late)", "stop")
    assert endpoint.prefixes == ["Ticket:", "Ticket: S"]
    lark, _ = fill(Form.from_lark('start: ("yes" | "no") " because " /[a-z ]+/'), how, "yes because it is so. Really!")
    assert (lark.output, lark.finish) == ("yes because it is so", "stop")


def test_slots_of_a_server_with_grammars_have_one_that_goes_past_the_end() -> None:
    _, endpoint = fill(EMAIL, "slots", "billing", "S1", "x", abilities=GRAMMAR)
    assert [str(request.grammar).splitlines()[0] for request in endpoint.asked] == [
        'root ::= ("billing" | "refund_request") "\\"" any*',
        'root ::= ("S1" | "S2") "\\"" any*',
        'root ::= char{0,512} "\\"" any*',
    ]


def test_other_slots_grammars_list_what_can_be_listed_and_bound_what_can_not() -> None:
    some = of(level={"enum": [1, 2, None]}, urgent={"type": "boolean"}, n=COUNT, code={"type": "string", "pattern": "^K-[0-9]+$"})
    _, endpoint = fill(Form.from_schema(some), "slots", " 1", " true", " 7", "K-7", abilities=GRAMMAR)
    roots = [str(request.grammar).splitlines()[0] for request in endpoint.asked]
    assert roots[0] == 'root ::= " "? ("1" | "2" | "null") end'
    assert roots[1] == 'root ::= " "? ("false" | "true") end'
    assert "{0,20}" in roots[2]
    assert roots[3] == 'root ::= "K-" char{0,512} "\\"" any*'


def test_a_strings_grammar_keeps_to_its_lengths() -> None:
    _, endpoint = fill(
        Form.from_schema(of(a={"type": "string", "minLength": 2, "maxLength": 9})), "slots", "abc", abilities=GRAMMAR
    )
    assert str(endpoint.asked[0].grammar).startswith('root ::= char{2,9} "\\"" any*')


def test_without_grammars_none_is_sent() -> None:
    _, endpoint = fill(EMAIL, "slots", "billing", "S1", "x", abilities=ABLE)
    assert [request.grammar for request in endpoint.asked] == [None] * 3
