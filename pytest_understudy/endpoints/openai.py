"""An endpoint that speaks OpenAI's dialect, as most do: /chat/completions, or /completions with the prompt rendered here.

In: a Request. Out: a Completion, or an EndpointError that says what happened last (served.py). What differs from server to server
is in presets.py; how a body looks, in chat.py and completions.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigError
from . import chat
from .chat_template import Template
from .claude import REFUSES_PREFILL, is_in
from .completions import RENDERED_HERE, Completions
from .endpoint import Abilities, Sampling
from .presets import PLAIN, PRESETS, dialect_of
from .secret import Secret
from .served import Served


class OpenAI(Served):
    """`base_url` goes up to and including /v1; `key_env` is the name of the key's variable, for messages only.

    `timeout` is seconds for one attempt as a whole, `retries` how many follow the first, `backoff` the shortest wait before the
    first of them, in seconds. `prefill` and `no_think` are the server's dialects: how a text is continued there, and how a model
    is told not to deliberate. `preset` sets both where they are None, and base_url where it has a public one. `template` is for
    `prefill = "completions"`: how the model's prompts look.
    """

    kind = "openai"

    def __init__(
        self,
        *,
        name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        key_env: str | None = None,
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 5,
        backoff: float = 0.5,
        preset: str | None = None,
        prefill: chat.Prefill | None = None,
        no_think: chat.NoThink | None = None,
        template: Template | None = None,
    ) -> None:
        key = Secret(api_key or "")
        del api_key  # an exception of ours would show it as a local of this frame
        row = PRESETS[preset] if preset else PLAIN
        self._prefill, self._no_think = dialect_of(row, prefill, no_think, template)
        self._template = template
        dialect: chat.Chat | Completions = chat.Chat(self._prefill, self._no_think, row.names)
        if self._prefill == "completions":
            if template is None:
                raise ConfigError(f"endpoint {name!r}: prefill = 'completions' renders prompts here: say the model's template")
            dialect = Completions(template, self._no_think, row.names, row.completions_schema)
        super().__init__(
            name=name,
            base_url=base_url or row.base_url or "",
            dialect=dialect,
            continues=self._prefill != "none",
            key=key,
            key_env=key_env,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
            backoff=backoff,
        )
        self._check_dialect()

    @property
    def abilities(self) -> Abilities:
        return Abilities(prefill=self._prefill != "none", no_think=True, schema=True)

    def check(self) -> None:
        """ConfigError where the template can't render what will be asked."""
        if self._prefill == "completions" and self._template is not None:
            self._template.check()

    def check_route(self, model: str | None, controls: Sequence[str], sampling: Sampling) -> None:
        """ConfigError where the model refuses a control, whoever serves it; what else a server refuses of it, it says itself."""
        if "prefill" in controls and is_in(model, REFUSES_PREFILL):
            raise ConfigError(f"{model!r} refuses a prefilled answer, whoever serves it; the control schema works there")

    @property
    def _spoken(self) -> tuple[str, ...]:
        """A dialect that is not the default asks something else: how not to think, and the template's content."""
        spoken = [] if self._no_think == "soft" else [f"no_think={self._no_think}"]
        if self._prefill == "completions" and self._template is not None:
            spoken.append(f"completions={self._template.digest}")
        return tuple(spoken)

    def _check_dialect(self) -> None:
        if self._no_think == "prefill" and self._prefill == "none":
            raise ConfigError(f"{self}: no_think = 'prefill' needs a prefill: 'assistant', 'continue', 'prefix' or 'completions'")
        if self._prefill == "completions" and self._no_think not in RENDERED_HERE:
            raise ConfigError(
                f"{self}: with prefill = 'completions' the prompt is rendered here, and no_think = {self._no_think!r} is a "
                "field of chat completions; use 'template', 'soft' or 'prefill'"
            )
        template = self._template
        if self._prefill == "completions" and self._no_think == "template" and template and not template.switches_thinking:
            raise ConfigError(
                f"{self}: no_think = 'template' needs a template that looks at enable_thinking, and {template.name} does not; "
                "use 'soft' or 'prefill'"
            )
