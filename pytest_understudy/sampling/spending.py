"""What a session may still spend.

In: an Allowance in dollars, and what each sample cost once it was drawn. Out: the next sample drawn, or not. Used on the engine's
loop, on the way to every new request; what is replayed never comes here, for it costs nothing now.

Before a sample is drawn, the most that it should cost is reserved, and what it did cost is settled when it is drawn. The most:
every byte of its messages a token of the prompt (no tokenizer makes more of them) and a margin for the chat template, or the
longest prompt seen on the route if that is more; and `max_tokens` generated. How often a filled form asks, and how many turns a
workflow takes, nobody knows: the dearest sample seen on its route, and before there is one, all the requests that a form may
take, and all the turns, each behind those before it.

The guarantee, for each process: what is in flight together costs no more than is left, as long as no sample costs more than was
reserved for it. Where nothing is in flight and the most no longer fits, samples are drawn one by one, as long as one as dear as
the dearest of its route would fit: so a limit near what a run really costs is used up. The limit is passed by one sample at most,
which is dearer than all before it on its route or its first, and by no more than that one costs. Filled forms and workflows in
flight may add what each costs over the dearest before. Attempts that a server bills and does not answer are known to nobody.

What a sample cost is unknown where a server tells no usage, or times out: then what was reserved for it is spent, as far as the
limit goes, and is told apart as `assumed`. An error costs what was answered before it. The first sample that no longer fits ends
the drawing: cheaper ones behind it would leave the rounds uneven.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..endpoints.endpoint import Exchange, Tokens
from ..errors import ConfigError
from ..routes.ask import request_of
from ..routes.fill import REQUESTS
from ..routes.price import Pricing
from ..routes.route import Route
from .allowance import Allowance, Ledger, Spent
from .draws import Drawn
from .owner import Owner
from .run import Plan

TEMPLATE: Final = 256  # tokens that a chat template, tools' or a schema's wording may add to what we send
_ROUNDING: Final = 1e-9  # of the allowance: ten samples of a tenth of it fit, whatever their sum is as floats


def check_priced(routes: Sequence[Route]) -> None:
    """ConfigError for the first route that has no price: what it spends could not be limited."""
    for route in routes:
        if route.price is None or route.price.cost(Tokens(prompt=1, generated=1)) is None:
            why = f" ({route.unpriced})" if route.unpriced else ""
            raise ConfigError(
                f"route {route.name!r} has no price{why}, so nobody knows what it spends; give one in dollars a million tokens:"
                " price = { input = ..., output = ... }, or { blended = 0 } where it costs nothing",
                at="--understudy-spend-limit",
            )


class Spending:
    """One process's spending. Routes without a price never come here (`check_priced`). `owner` keeps the ledger, if we do not."""

    def __init__(self, allowance: Allowance, owner: Owner | None = None) -> None:
        self.allowance = allowance
        self.spent = Spent()
        self._reserved: dict[int, float] = {}  # in flight
        self._seen: dict[str, _Seen] = {}  # by route
        self._closed = False
        self._turn = asyncio.Lock()  # first come, first served: rounds stay even
        self._settled = asyncio.Event()
        self._ledger = Ledger(Path(allowance.ledger), owner) if allowance.ledger else None
        self._number = 0
        if self._ledger is not None:
            self.spent, self._number = self._ledger.read()

    async def draw(self, plan: Plan, drawing: Callable[[], Awaitable[Drawn]]) -> Drawn | None:
        """What `drawing` gives, paid for; None, and nothing is asked, where the allowance is used up. Waits for what is in flight
        where that may leave enough.
        """
        if (number := await self._reserve(plan)) is None:
            return None
        spent = Spent(assumed=self._reserved[number])  # a bug, or a cancelled request: it may have been billed
        try:
            drawn = await drawing()
            spent = self._cost(plan, drawn, self._reserved[number])
            return drawn
        finally:
            self._settle(plan, number, spent)

    async def _reserve(self, plan: Plan) -> int | None:
        async with self._turn:
            while not self._closed and self.spent.total < self.allowance.own * (1 - _ROUNDING):
                most = self._most(plan)
                if self._fits(most + math.fsum(self._reserved.values())):
                    return self._reserve_for(most)
                if not self._reserved:
                    if self._fits(self._of(plan).dearest):
                        return self._reserve_for(most)
                    break
                self._settled.clear()
                await self._settled.wait()
            self._closed = True
            return None

    def _fits(self, dollars: float) -> bool:
        return self.spent.total + dollars <= self.allowance.own * (1 + _ROUNDING)

    def _reserve_for(self, dollars: float) -> int:
        self._number += 1
        self._reserved[self._number] = dollars
        if self._ledger is not None:
            self._ledger.reserve(self._number, dollars)
        return self._number

    def _settle(self, plan: Plan, number: int, spent: Spent) -> None:
        del self._reserved[number]
        self.spent += spent
        seen = self._of(plan)
        seen.dearest = max(seen.dearest, spent.total)
        if self._ledger is not None:
            self._ledger.settle(number, spent)
        self._settled.set()

    def _cost(self, plan: Plan, drawn: Drawn, reserved: float) -> Spent:
        """What a sample cost, request by request as billed; the rest of the reservation where one of them tells no usage."""
        done = drawn.completion
        exchanges: Sequence[Exchange] = drawn.answered if done is None else done.exchanges
        billed = [exchange for exchange in exchanges if exchange.finish != "overflow"]  # refused with an error's status
        costs = [_price_of(plan).cost(exchange.tokens) for exchange in billed]
        known = math.fsum(cost for cost in costs if cost is not None)
        self._of(plan).notice(exchanges)
        return Spent(known, max(0.0, reserved - known) if None in costs else 0.0)

    def _most(self, plan: Plan) -> float:
        """Dollars that a sample of the plan should cost at the most."""
        seen = self._of(plan)
        request = request_of(plan.task, plan.route, 0)
        schema = json.dumps(request.schema) if request.schema else ""
        sent = sum(len(message.content.encode("utf-8", "replace")) for message in request.messages) + len(schema)
        prompt, generated = max(sent + TEMPLATE, seen.prompt), request.sampling.max_tokens
        if plan.task.environment is not None and not seen.dearest:
            turns = plan.task.max_turns
            prompt, generated = turns * (prompt + turns * generated), turns * generated
        if "prefill" in plan.route.controls and not seen.dearest:
            prompt = REQUESTS * (prompt + generated)
        price = _price_of(plan)
        ways = (Tokens(prompt=prompt, generated=generated), Tokens(prompt=prompt, cache_write=prompt, generated=generated))
        return max(seen.dearest, *(price.cost(tokens) or 0.0 for tokens in ways))

    def _of(self, plan: Plan) -> _Seen:
        return self._seen.setdefault(plan.route.name, _Seen())


@dataclass(slots=True)
class _Seen:
    """Of a route: the dearest sample, in dollars, and the longest prompt of a request, in tokens."""

    dearest: float = 0.0
    prompt: int = 0

    def notice(self, exchanges: Sequence[Exchange]) -> None:
        self.prompt = max([self.prompt, *(exchange.tokens.prompt or 0 for exchange in exchanges)])


def _price_of(plan: Plan) -> Pricing:
    assert plan.route.price is not None  # check_priced
    return plan.route.price
