"""An endpoint that speaks Anthropic's dialect, /v1/messages: Anthropic's own, llama.cpp's, Tinker's.

In: a Request. Out: a Completion, or an EndpointError that says what happened last (served.py). How a body looks is in
messages.py, and which model refuses what in claude.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..errors import ConfigError
from .claude import refusal
from .endpoint import Abilities, Sampling
from .messages import Messages, Thinking
from .secret import Secret
from .served import Served

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"  # the next one, 2026-10-21, refuses temperature of every model
LEAST_BUDGET = 1024  # tokens of thinking


class Anthropic(Served):
    """`base_url` is the host, with or without /v1; `key_env` is the name of the key's variable, for messages only.

    `thinking` turns thinking on for requests that may think: a budget in tokens (1024 and up), or `adaptive`. `cache` has the
    system prompt cached, and in a workflow what was said before. `timeout` is seconds for one attempt, `retries` how many follow
    the first, `backoff` the shortest wait before the first of them, in seconds.
    """

    kind = "anthropic"
    key_header = "x-api-key"
    headers: ClassVar[Mapping[str, str]] = {"anthropic-version": VERSION}
    url_hint = "the host, with or without /v1"

    def __init__(
        self,
        *,
        name: str,
        base_url: str = BASE_URL,
        api_key: str | None = None,
        key_env: str | None = None,
        concurrency: int = 16,
        timeout: float = 60.0,
        retries: int = 5,
        backoff: float = 0.5,
        thinking: Thinking | None = None,
        cache: bool = False,
    ) -> None:
        key = Secret(api_key or "")
        del api_key  # an exception of ours would show it as a local of this frame
        self._thinking = thinking
        super().__init__(
            name=name,
            base_url=base_url.rstrip("/").removesuffix("/v1"),
            dialect=Messages(thinking, cache),
            continues=True,
            key=key,
            key_env=key_env,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
            backoff=backoff,
        )
        if isinstance(thinking, int) and thinking < LEAST_BUDGET:
            raise ConfigError(f"{self}: thinking is a budget of {LEAST_BUDGET} tokens or more, or 'adaptive'")

    @property
    def abilities(self) -> Abilities:
        """What the dialect can say; what a model refuses of it, `check_route` tells."""
        return Abilities(prefill=True, no_think=True, schema=True)

    def check_route(self, model: str | None, controls: Sequence[str], sampling: Sampling) -> None:
        """ConfigError, with what would work, for what the model would refuse."""
        if model is None:
            raise ConfigError(f"{self} serves many models: say which in the route's model")
        drawn_by = [name for name in ("temperature", "top_p") if getattr(sampling, name) is not None]
        if said := refusal(model, controls=tuple(controls), drawn_by=tuple(drawn_by), thinking=self._thinking):
            raise ConfigError(said)
        budget = self._thinking
        if isinstance(budget, int) and "no_think" not in controls and sampling.max_tokens <= budget:
            raise ConfigError(
                f"max_tokens ({sampling.max_tokens}) must be more than the thinking budget ({budget}), which is a part"
            )

    @property
    def _spoken(self) -> tuple[str, ...]:
        return () if self._thinking is None else (f"thinking={self._thinking}",)
