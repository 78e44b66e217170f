"""A model's chat template: messages to the text that the model reads, as its tokenizer's own template would have it.

In: `qwen3`, `chatml`, or a Jinja file. Out: a Template that renders prompts, whose `digest` names its content. Jinja runs in its
sandbox, with what templates of tokenizers use: raise_exception, strftime_now, tojson, break and continue.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import ConfigError, RouteEnded, listed

if TYPE_CHECKING:
    import jinja2

SHIPPED = ("qwen3", "chatml")
# Stands at the end of the text to be continued, so that its end is found whatever the template puts behind it.
END = "\ue000continue\ue001"


class Template:
    """A chat template. `name` is what messages call it: a shipped one's name, or the file's."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self._source = source

    def __repr__(self) -> str:
        return f"<Template {self.name}>"

    @classmethod
    def of(cls, named: str, folder: Path) -> Template:
        """A shipped template, or a file relative to `folder`; ConfigError where there is neither."""
        if named in SHIPPED:
            return cls(named, (Path(__file__).parent / "templates" / f"{named}.jinja").read_text(encoding="utf-8"))
        path = folder / named
        try:
            return cls(path.name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValueError) as failure:
            reason = "no such file" if isinstance(failure, FileNotFoundError) else str(failure)
            raise ConfigError(f"template {named!r}: {reason}; there are {listed(SHIPPED)}, or a Jinja file's path") from None

    @property
    def digest(self) -> str:
        """The sha256 of its content, in hex."""
        return hashlib.sha256(self._source.encode()).hexdigest()

    @cached_property
    def switches_thinking(self) -> bool:
        """Whether it looks at `enable_thinking`."""
        from jinja2 import TemplateSyntaxError, meta

        try:
            return "enable_thinking" in meta.find_undeclared_variables(_environment().parse(self._source))
        except TemplateSyntaxError as failure:
            self._refuse(failure, failure.lineno)

    def check(self) -> None:
        """ConfigError with file and line where it can't be parsed, or can't render what will be asked."""
        talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
        for prefix in ("", '{"a": "'):
            self._rendered(talk, prefix, think=False)

    def render(self, messages: Sequence[Mapping[str, Any]], prefix: str = "", *, think: bool = True) -> str:
        """The prompt, up to where the model writes: the assistant's turn is open, and `prefix` stands in it.

        `think = False` is the template's enable_thinking=False. RouteEnded where the template refuses what it is given.
        """
        try:
            return self._rendered(messages, prefix, think=think)
        except ConfigError as failure:
            raise RouteEnded(str(failure)) from None

    def _rendered(self, messages: Sequence[Mapping[str, Any]], prefix: str, *, think: bool) -> str:
        talk = [dict(message) for message in messages]
        if prefix:
            talk.append({"role": "assistant", "content": prefix + END})
        switch = {} if think else {"enable_thinking": False}
        from jinja2 import TemplateError

        try:
            text = self._compiled.render(messages=talk, add_generation_prompt=not prefix, bos_token="", eos_token="", **switch)
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as failure:
            self._refuse(failure, self._line(failure))
        if not prefix:
            return text
        begun, end, _ = text.rpartition(END)
        if not end or not begun.endswith(prefix):
            raise ConfigError("it changes an assistant's text, so that none can be continued", at=self.name)
        return begun

    @cached_property
    def _compiled(self) -> jinja2.Template:
        from jinja2 import TemplateSyntaxError

        try:
            environment = _environment()
            code = environment.compile(self._source, name=self.name, filename=self.name)
            return environment.template_class.from_code(environment, code, environment.make_globals(None))
        except TemplateSyntaxError as failure:
            self._refuse(failure, failure.lineno)

    def _line(self, failure: Exception) -> int | None:
        """The template's line in a traceback, which Jinja puts there."""
        frames = traceback.extract_tb(failure.__traceback__)
        return next((frame.lineno for frame in reversed(frames) if frame.filename == self.name), None)

    def _refuse(self, failure: Exception, line: int | None) -> NoReturn:
        words = " ".join(str(failure).split())[:200]
        raise ConfigError(f"the chat template fails: {words}", at=f"{self.name}:{line}" if line else self.name) from None


def _environment() -> jinja2.Environment:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **how: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **how)


def _raise(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
