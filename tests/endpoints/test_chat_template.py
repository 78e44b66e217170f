"""Prompts rendered here: ChatML and Qwen3 by their documented formats, a user's own file, and what a bad one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_understudy.endpoints.chat_template import END, Template
from pytest_understudy.endpoints.endpoint import Message
from pytest_understudy.errors import ConfigError, RouteEnded

EMPTY_THINK = "<think>\n\n</think>\n\n"
TALK = [Message("system", "Be brief.").to_json(), Message("user", "Hello?").to_json()]
ASKED = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello?<|im_end|>\n"
TURN = "<|im_start|>assistant\n"


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.fixture
def chatml(tmp_path: Path) -> Template:
    return Template.of("chatml", tmp_path)


@pytest.fixture
def qwen3(tmp_path: Path) -> Template:
    return Template.of("qwen3", tmp_path)


def test_chatml_opens_the_assistants_turn_and_puts_a_prefix_in_it(chatml: Template) -> None:
    assert chatml.render(TALK) == ASKED + TURN
    assert chatml.render(TALK, '{"a": "') == ASKED + TURN + '{"a": "'
    assert chatml.render(TALK, think=False) == ASKED + TURN
    assert not chatml.switches_thinking


def test_qwen3_thinks_unless_it_is_switched_off(qwen3: Template) -> None:
    assert qwen3.switches_thinking
    assert qwen3.render(TALK) == ASKED + TURN
    assert qwen3.render(TALK, think=False) == ASKED + TURN + EMPTY_THINK


@pytest.mark.parametrize("think", [True, False])
def test_qwen3_puts_an_empty_think_block_before_a_prefix_once(qwen3: Template, think: bool) -> None:
    assert qwen3.render(TALK, '{"a": "', think=think) == ASKED + TURN + EMPTY_THINK + '{"a": "'
    assert qwen3.render(TALK, EMPTY_THINK + '{"a": "', think=think) == ASKED + TURN + EMPTY_THINK + '{"a": "'


def test_qwen3_forgets_thoughts_before_the_last_question_and_keeps_those_after(qwen3: Template) -> None:
    before = [*TALK, turn("assistant", "<think>\nhm\n</think>\n\nyes"), turn("user", "Sure?")]
    said = f"{ASKED}{TURN}yes<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n{TURN}"
    assert qwen3.render(before) == said
    assert qwen3.render(TALK, "<think>\nhm\n</think>\n\nyes") == f"{ASKED}{TURN}<think>\nhm\n</think>\n\nyes"


def test_a_prefix_is_found_wherever_else_its_text_stands(chatml: Template) -> None:
    talk = [turn("user", "{ {"), turn("assistant", "{"), turn("user", "{")]
    assert chatml.render(talk, "{").endswith(f"<|im_start|>user\n{{<|im_end|>\n{TURN}{{")


def test_white_space_at_the_end_of_a_prefix_stays(tmp_path: Path) -> None:
    (tmp_path / "trims.jinja").write_text("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}")
    assert Template.of("trims.jinja", tmp_path).render([turn("user", " a ")], "b: ") == "[a][b: "


def test_a_file_is_relative_to_the_config_and_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.jinja").write_text("{{ messages[0].content }}")
    (tmp_path / "b.jinja").write_text("{{ messages[0].content }}")
    one, two = Template.of("a.jinja", tmp_path), Template.of("b.jinja", tmp_path)
    assert one.digest == two.digest
    (tmp_path / "b.jinja").write_text("{{ messages[0].content }}!")
    assert Template.of("b.jinja", tmp_path).digest != one.digest


def test_a_template_has_what_those_of_tokenizers_use(tmp_path: Path) -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m | tojson }}"
        "{{ bos_token }}{{ eos_token }}{% endfor %}{{ strftime_now('%Y') | length }}"
    )
    assert Template("t", source).render([turn("system", "s"), turn("user", "é")]) == '{"role": "user", "content": "é"}4'


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\n{% for m in %}", "my.jinja:2: the chat template fails: Expected an expression"),
        ("\n\n{{ raise_exception('no system role') }}", "my.jinja:3: the chat template fails: no system role"),
        ("{{ messages[7].content.x }}", "my.jinja:1: the chat template fails: "),
        ("{{ ''.__class__.__mro__ }}", "my.jinja:1: the chat template fails: access to attribute '__class__'"),
        ("{{ messages.append(1) }}", "my.jinja:1: the chat template fails: "),
        ("{% include 'other' %}", "my.jinja:1: the chat template fails: "),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "my.jinja: it changes an assistant's text"),
        ("{{ messages[0].content }}", "my.jinja: it changes an assistant's text"),
    ],
    ids=["syntax", "raises", "missing", "escape", "changes its input", "another file", "upper", "no assistant"],
)
def test_a_template_that_cannot_work_is_told_with_file_and_line(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "my.jinja").write_text(source)
    with pytest.raises(ConfigError) as caught:
        Template.of("my.jinja", tmp_path).check()
    assert str(caught.value).startswith(said)
    assert str(tmp_path) not in str(caught.value)


def test_what_a_template_refuses_later_ends_the_route(tmp_path: Path) -> None:
    source = "{% if messages | length > 2 %}{{ raise_exception('two turns at most') }}{% endif %}"
    with pytest.raises(RouteEnded, match="t:1: the chat template fails: two turns at most"):
        Template("t", source).render([*TALK, *TALK])


def test_a_template_that_is_not_there_is_told_with_those_that_ship(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"template 'qwen': no such file; there are 'qwen3' and 'chatml', or a Jinja file's path"
    ):
        Template.of("qwen", tmp_path)


def test_the_mark_of_a_texts_end_is_never_sent(chatml: Template, qwen3: Template) -> None:
    assert all(END not in template.render(TALK, "{") for template in (chatml, qwen3))
