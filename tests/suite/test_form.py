from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from pytest_understudy.errors import TaskError
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Tool

EMAIL = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["refund_request", "billing"]},
        "priority": {"enum": ["S1", "S2"]},
        "summary": {"type": "string", "maxLength": 80},
    },
    "required": ["intent", "priority", "summary"],
}
MAIL = Tool("send_mail", "Sends a mail.", {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]})
ARCHIVE = Tool(
    "archive", "", {"properties": {"folder": {"$ref": "#/$defs/folder"}}, "$defs": {"folder": {"enum": ["legal", "tax"]}}}
)


def test_a_form_opens_with_the_literal_up_to_its_first_slot() -> None:
    assert Form.from_schema(EMAIL).opening == '{"intent": "'
    assert Form.from_tools([MAIL, ARCHIVE]).opening == '{"actions": ['
    assert Form.from_regex("Ticket-[0-9]+: .+").opening == "Ticket-"
    assert Form.from_lark('start: "answer" ": " /[a-z]+/').opening == "answer:"


def test_an_opening_ends_neither_in_white_space_nor_inside_a_value() -> None:
    def opening(**schema: Any) -> str:
        return Form.from_schema({"type": "object", "properties": {"key": schema}, "required": ["key"]}).opening

    assert opening(type="integer") == '{"key":'
    assert opening(type="boolean") == '{"key":'
    assert opening(type=["null", "string"]) == '{"key":'
    assert opening(enum=["S1", "S2"]) == '{"key": "'
    assert opening(type="string", pattern="^INV-[0-9]+$") == '{"key": "'
    assert opening(enum=["été", "étai"]) == '{"key": "'
    assert opening(type="array", items={"type": "integer"}) == '{"key": ['
    assert opening(const="fixed") == '{"key": "fixed"}'


def test_the_shared_start_of_two_keys_is_left_to_the_model() -> None:
    schema = {"type": "object", "properties": {"start": {"type": "null"}, "stop": {"type": "null"}}, "minProperties": 1}
    assert Form.from_schema(schema).opening in ('{"', "{")


def test_equal_forms_have_equal_keys_and_other_forms_other_keys() -> None:
    again = json.loads(json.dumps(EMAIL))
    assert Form.from_schema(EMAIL) == Form.from_schema(again)
    assert hash(Form.from_schema(EMAIL)) == hash(Form.from_schema(again))
    keys = {
        Form.from_schema(EMAIL).key,
        Form.from_schema({**EMAIL, "required": ["intent"]}).key,
        Form.from_regex("a").key,
        Form.from_lark('start: "a"').key,
        Form.from_tools([MAIL]).key,
        Form.from_tools([MAIL, ARCHIVE]).key,
    }
    assert len(keys) == 6


def test_a_form_is_shown_as_compact_json_or_as_it_was_written() -> None:
    assert Form.from_schema({"type": "string", "title": "été"}).shown == '{"type":"string","title":"été"}'
    assert Form.from_regex("a|b").shown == "a|b"
    assert Form.from_lark('start: "a"').shown == 'start: "a"'


def test_a_schema_judges_the_value_as_it_is_written() -> None:
    form = Form.from_schema(EMAIL)
    good = {"intent": "billing", "priority": "S1", "summary": "Paid twice."}
    assert form.complaints(good, "") == []
    assert form.complaints({**good, "extra": 1}, "") == []  # open as written, though it is filled closed
    assert form.complaints({**good, "priority": "P1"}, "") == ["$.priority: 'P1' is not one of ['S1', 'S2']"]
    assert form.complaints({"intent": "billing"}, "") == [
        "$: 'priority' is a required property",
        "$: 'summary' is a required property",
    ]
    assert len(form.complaints(None, "")) == 1


def test_a_complaint_is_one_line_of_bearable_length() -> None:
    (complaint,) = Form.from_schema({"type": "integer"}).complaints("two\nlines " * 1000, "")
    assert complaint.startswith("$: 'two")
    assert "\n" not in complaint
    assert len(complaint) <= 300


def test_true_is_no_integer_and_a_date_is_not_enforced() -> None:
    assert Form.from_schema({"type": "integer"}).complaints(True, "")
    assert Form.from_schema({"type": "string", "format": "date"}).complaints("some day", "") == []


def test_a_regex_and_a_grammar_judge_the_text() -> None:
    for form in (Form.from_regex("Ticket: (S1|S2)"), Form.from_lark('start: "Ticket: " ("S1" | "S2")')):
        assert form.complaints(None, "Ticket: S2") == []
        assert "after 9 characters" in form.complaints(None, "Ticket: S3")[0]
        assert "ends before" in form.complaints(None, "Ticket: ")[0]
        assert form.complaints(None, "Ticket: S1 ")


def test_actions_take_each_tool_with_its_own_arguments() -> None:
    form = Form.from_tools([MAIL, ARCHIVE])

    def complaints(tool: str, **arguments: Any) -> list[str]:
        return form.complaints({"actions": [{"tool": tool, "arguments": arguments}]}, "")

    assert form.complaints({"actions": []}, "") == []
    assert complaints("send_mail", to="anna") == []
    assert complaints("archive", folder="tax") == []
    assert complaints("archive", folder="attic")
    assert complaints("send_mail")
    assert complaints("shred", to="anna")


def test_a_walk_takes_a_tools_own_arguments_and_no_others() -> None:
    cursor = Form.from_tools([MAIL, ARCHIVE]).start()
    assert cursor.take('{"actions":[{"tool":"arch') == ""
    cursor.put_literal()
    assert cursor.text == '{"actions": [{"tool": "archive", "arguments": {'
    assert cursor.take('"to": "anna"') == 'to": "anna"'


def test_tools_without_parameters_take_none() -> None:
    cursor = Form.from_tools([Tool("ping")]).start()
    cursor.put_literal()
    cursor.take("{")
    cursor.put_literal()
    assert cursor.text == '{"actions": [{"tool": "ping", "arguments": {}}'


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "text"}, ["not a valid JSON Schema", "`type`", "'text'"]),
        ({"properties": {"a": {"minLength": "3"}}}, ["not a valid JSON Schema", "`minLength`"]),
        ({"properties": {"a": {"type": "string", "pattern": "^(?=a)b"}}}, ["`pattern`", "$.properties.a", "look-around"]),
        ({"type": "string", "pattern": "(["}, ["`pattern`"]),
        ({"type": "integer", "minimum": 5, "maximum": 3}, ["`minimum`", "greater than maximum"]),
        ({"$ref": "https://example.org/schema.json"}, ["`$ref`", "nothing is fetched", "`$defs`"]),
        ({"items": {"$ref": "other.json#/a"}}, ["`$ref`", "$.items", "other.json"]),
        ({"$ref": "#/$defs/missing"}, ["`$ref`", "/$defs/missing"]),
        ({"enum": [float("nan")]}, ["not JSON"]),
        ({"default": {1, 2}}, ["not JSON"]),
    ],
)
def test_a_schema_that_makes_no_form_is_an_error_that_names_the_keyword(schema: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(TaskError) as caught:
        Form.from_schema(schema, at="suite.yaml:3: form")
    assert str(caught.value).startswith("suite.yaml:3: form: ")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_property_that_is_named_like_a_keyword_is_a_property() -> None:
    schema = {
        "type": "object",
        "properties": {"$ref": {"type": "string"}, "pattern": {"const": "(["}, "enum": {"const": {"$ref": "x"}}},
    }
    assert Form.from_schema(schema).complaints({"$ref": "x", "pattern": "([", "enum": {"$ref": "x"}}, "") == []


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_one_of_is_filled_like_any_of(keyword: str) -> None:
    cursor = Form.from_schema({keyword: [{"type": "string"}, {"type": "null"}]}).start()
    assert cursor.take("null") == ""
    assert cursor.done


def test_what_the_grammar_cannot_say_is_left_to_the_judgement() -> None:
    form = Form.from_schema({"type": "array", "items": {"type": "integer"}, "uniqueItems": True})
    cursor = form.start()
    assert cursor.take("[1, 1]") == ""
    assert form.complaints([1, 1], "[1, 1]") == ["$: [1, 1] has non-unique elements"]


def test_a_bad_regex_a_bad_grammar_and_bad_tools_say_where_they_stand() -> None:
    with pytest.raises(TaskError, match=r"^t.yaml:1: the regex '\(a' can't be compiled: .*unclosed group"):
        Form.from_regex("(a", at="t.yaml:1")
    with pytest.raises(TaskError, match=r"^t.yaml:1: the Lark grammar can't be compiled: .*unknown name"):
        Form.from_lark("start: other", at="t.yaml:1")
    with pytest.raises(TaskError, match="more than once: 'ping'"):
        Form.from_tools([Tool("ping"), Tool("ping")])
    with pytest.raises(TaskError, match="no tools"):
        Form.from_tools([])
    with pytest.raises(TaskError, match=r"^t.yaml:1: tool 'ping': .*`type`"):
        Form.from_tools([Tool("ping", "", {"type": "thing"})], at="t.yaml:1")


def test_a_form_compiled_on_one_thread_is_walked_on_another() -> None:
    form = Form.from_schema(EMAIL)
    texts: list[str] = []

    def walk() -> None:
        cursor = form.start()
        cursor.put_literal()
        texts.append(cursor.text)

    thread = threading.Thread(target=walk)
    thread.start()
    thread.join()
    assert texts == ['{"intent": "']


def test_a_value_nested_beyond_measure_is_a_complaint() -> None:
    form = Form.from_schema({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}})
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    assert "RecursionError" in form.complaints(value, "")[0]


def test_a_turn_is_one_action_or_the_end_and_pointers_in_parameters_still_point() -> None:
    place = {"properties": {"hall": {"type": "string"}}, "required": ["hall"]}
    tools = [
        Tool("go", "", {"properties": {"to": {"$ref": "#/$defs/place"}}, "required": ["to"], "$defs": {"place": place}}),
        Tool("look"),
    ]
    form = Form.of_a_turn(tools)
    for turn in ({"tool": "go", "arguments": {"to": {"hall": "B"}}}, {"tool": "look", "arguments": {}}, {"done": "there"}):
        assert form.complaints(turn, "") == []
        cursor = form.start()
        assert cursor.take(json.dumps(turn)) == ""
        assert cursor.done
    for other in ({"tool": "go", "arguments": {"to": {}}}, {"tool": "fly", "arguments": {}}, {"done": 1}, {}):
        assert form.complaints(other, "") != []
    assert form.key != Form.from_tools(tools).key
