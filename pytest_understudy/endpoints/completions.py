"""/completions, with the prompt rendered here by the model's chat template: any server that completes a text can be prefilled.

In: a Request. Out: the JSON body, whose prompt is the whole text that the model reads. In: the JSON answer. Out: a Choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .answers import Choice, clean, complaint, without_prefix
from .chat import NoThink, drawing, finished, messages_of, response_format, sent_prefix, usage
from .chat_template import Template
from .endpoint import Request
from .retries import Retriable

RENDERED_HERE: frozenset[NoThink] = frozenset({"soft", "template", "prefill"})  # the others are fields of chat completions


@dataclass(frozen=True, slots=True)
class Completions:
    """`schema` is how the server takes one here: OpenAI's `response_format`, or llama.cpp's `json_schema`."""

    template: Template
    no_think: NoThink
    names: Mapping[str, str] | None = None
    schema: Literal["response_format", "json_schema"] = "response_format"
    path: ClassVar[str] = "/completions"

    def body(self, request: Request) -> dict[str, Any]:
        given = {"model": request.model, "prompt": self.rendered(request)} | drawing(request)
        if request.schema is not None:
            given[self.schema] = dict(request.schema) if self.schema == "json_schema" else response_format(request.schema)
        names = self.names or {}
        return {names.get(name, name): value for name, value in given.items() if value is not None}

    def rendered(self, request: Request) -> str:
        think = request.think or self.no_think != "template"
        return self.template.render(messages_of(request, self.no_think), sent_prefix(request, self.no_think), think=think)

    def read(self, answer: Any, request: Request) -> Choice:
        match answer:
            case {"choices": [{"text": str(text)} as choice, *_]} if not choice.get("error"):
                finish = finished(choice)
            case _:
                raise Retriable(f"an answer without choices: {complaint(answer) or 'nothing more is said'}")
        # Only where the server was told to echo would it repeat the prompt; a proxy may have told it.
        text = without_prefix(clean(text), (self.rendered(request),))
        return Choice(text, finish, usage(answer.get("usage")))
