"""A form, filled through an endpoint.

In: an Endpoint, a Request and a Form. Out: a Completion that obeys the form, with the tokens and seconds of all that was asked.
The literals are ours and cost no generated tokens. What a newcomer would get wrong: nothing here trusts the server. Stop strings
and grammars only make an answer cheaper; the form's own matcher takes what fits of it, whatever the server knows of either.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, Literal

from ..endpoints.endpoint import Completion, Endpoint, Exchange, Request, Tokens
from ..errors import EndpointError
from ..suite.form import Form
from ..suite.shortest import complete
from .slot import Slot, led_by, slot_at

REQUESTS: Final = 100  # a sample's budget
FAILURES: Final = 3  # of one slot, before it is completed without the model

_PASSED_THROUGH: Final = ("refusal", "content_filter", "timeout", "overflow")
_SEED_STEP: Final = 1_000_003  # far from the steps between samples, so that no retry repeats a neighbour's draw
_BYTES_A_TOKEN: Final = 4  # where the server does not count
_RETOLD: Final = 16  # characters of a literal that a model is asked to write itself, where it chooses what follows


async def filled(endpoint: Endpoint, request: Request, form: Form, fill: Literal["opening", "slots"]) -> Completion:
    """The form's whole text (`request.prefix` stays in front of it and is not part of it), and every exchange behind it.

    `opening`: the model is given the first literal and writes on, keys included; where its text leaves the form it is cut, the
    next literal is put in, and it is asked to go on. `slots`: it is asked for one value at a time. `finish` is `stop`; `unfilled`
    where the form had to be completed without the model (a slot that failed three times, a spent budget) or could not be at
    all; or the endpoint's own refusal, content_filter, timeout or overflow, with the text as far as it came.
    """
    return await _Filling(endpoint, request, form, fill).run()


class _Filling:
    """One sample's way through a form."""

    def __init__(self, endpoint: Endpoint, request: Request, form: Form, fill: str) -> None:
        self._endpoint = endpoint
        self._request = request
        self._form = form
        self._by_slots = fill == "slots"
        self._cursor = form.start()
        self._answers: list[Completion] = []
        self._failures = 0  # in a row, at the place where the cursor stands
        self._ended = False  # the value at the text's end is whole, and what follows is the model's choice
        self._own_end = 0  # of the text, in characters: up to here it is the model's, and a literal behind it
        self._retells = True
        self._stopped_inside = False  # the stop string may have been in a string, or the model has nothing more to say
        self._slot_spent = 0  # tokens
        self._spent = 0

    async def run(self) -> Completion:
        while True:
            if not self._ended:
                self._cursor.put_literal(whole=self._failures > 0)
            if self._cursor.done:
                return self._completion("stop")
            self._cursor.drop_white_end()
            slot = self._slot()
            left = min(slot.tokens - self._slot_spent, self._request.sampling.max_tokens - self._spent)
            if left <= 0 or self._failures >= FAILURES or len(self._answers) >= REQUESTS:
                return self._completed()
            retold = self._retold(slot)
            answer = await self._answer(self._asked(slot, left, retold))
            self._count(answer, slot)
            told = answer.output.startswith(retold)
            if retold:
                answer = replace(answer, output=answer.output.removeprefix(retold) if told else "")
            if answer.finish in _PASSED_THROUGH:
                self._cursor.take(answer.output)
                return self._completion(answer.finish)
            self._retells = told
            if not told:
                self._slot_spent = 0  # nothing was asked of the slot itself yet
            elif self._read(answer, slot):
                return self._completion("stop")

    async def _answer(self, request: Request) -> Completion:
        try:
            return await self._endpoint.complete(request)
        except EndpointError as failure:
            failure.answered = self._exchanges()
            raise

    def _slot(self) -> Slot:
        # Where a model that writes on could not go on at all, the one value that it missed is asked for as a slot.
        if self._form.of_json and (self._by_slots or self._failures):
            return slot_at(self._cursor, ended=self._ended, grammar=self._endpoint.abilities.grammar)
        # The closing brackets may also occur inside a string: then they are left out once. An empty line is in no JSON, not in
        # indented JSON either: a model that writes one has left the form, and would write on to its limit.
        closing = () if self._stopped_inside or not self._form.closing else (self._form.closing,)
        return Slot("rest", (*closing, "\n\n") if self._form.of_json else closing, self._request.sampling.max_tokens, None)

    def _retold(self, slot: Slot) -> str:
        """The short literal between the model's last word and a choice, which it is to write itself: else "".

        Tokens merge across a value's end: to a model for which `"}},` is one token, a text that ends in `"}}` is one that goes
        on with `]`, and every list would have one element.
        """
        literal = self._cursor.text[self._own_end :]
        fits = slot.kind == "choice" and not self._ended and self._own_end and len(literal) <= _RETOLD
        return literal if fits and self._retells else ""

    def _asked(self, slot: Slot, tokens: int, retold: str) -> Request:
        sampling = replace(self._request.sampling, max_tokens=tokens + len(retold))
        if sampling.seed is not None:
            sampling = replace(sampling, seed=(sampling.seed + self._failures * _SEED_STEP) % 2**31)
        prefix = self._request.prefix + self._cursor.text.removesuffix(retold)
        grammar = led_by(retold, slot.grammar) if retold and slot.grammar else slot.grammar
        return replace(self._request, prefix=prefix, stop=slot.stop, grammar=grammar, sampling=sampling)

    def _count(self, answer: Completion, slot: Slot) -> None:
        self._answers.append(answer)
        generated = answer.tokens.generated
        if generated is None:
            generated = math.ceil(len(answer.output.encode("utf-8", "replace")) / _BYTES_A_TOKEN)
        self._spent += max(1, generated)
        self._slot_spent += 0 if slot.kind == "rest" else max(1, generated)

    def _read(self, answer: Completion, slot: Slot) -> bool:
        """Takes what fits of an answer; True where the form is filled."""
        before, had_ended, start = len(self._cursor), self._ended, self._cursor.copy()
        had_stopped_inside, self._stopped_inside = self._stopped_inside, False
        cut_short = answer.finish == "length"
        # A character that was cut in the middle comes back as a replacement: it is the model's next token, not its word.
        rest = self._cursor.take(answer.output.rstrip("\ufffd") if cut_short else answer.output)
        self._own_end = len(self._cursor.text)
        if rest and slot.kind == "string" and self._failures < FAILURES - 1 and self._is_broken():
            self._cursor = start
            self._failures += 1
            return False
        self._ended = had_ended and len(self._cursor) == before
        if rest or not cut_short:
            if self._cursor.accepting:
                return True
            if slot.kind == "rest":
                self._end_writing(rest, had_stopped_inside)
            else:
                self._end_slot(slot, rest)
                if slot.kind == "choice" and not answer.output.strip():
                    self._close_in_silence()
        moved = len(self._cursor) > before or self._ended > had_ended
        self._failures = 0 if moved or self._stopped_inside else self._failures + 1
        return False

    def _is_broken(self) -> bool:
        """The model left the form within a value that can't end there: `bug` where `billing` could begin.

        Another seed may do better; only the last of a slot's tries is kept as far as it fits, and ended by what is forced.
        """
        return self._cursor.in_string and not self._cursor.allows(b'"')

    def _end_slot(self, slot: Slot, rest: str) -> None:
        """The model has ended its value, or left the form in it: end the value too, or note that it may choose what follows."""
        cursor = self._cursor
        if slot.kind == "string" and cursor.in_escape and not rest:
            cursor.put(b'"')  # the stop string was an escaped quote, and the string goes on
            return
        if not cursor.end_value():
            self._ended |= bool(cursor.ends) or (slot.kind == "string" and cursor.in_string and cursor.allows(b'"'))
            if slot.kind != "choice" and not self._ended:
                return
        self._slot_spent = 0

    def _close_in_silence(self) -> None:
        """A model that says nothing where an object or an array may end has chosen the end."""
        quote = b'"' if self._cursor.in_string else b""
        if self._cursor.put(quote + b"]") or self._cursor.put(quote + b"}"):
            self._ended = False

    def _end_writing(self, rest: str, had_stopped_inside: bool) -> None:
        """The model has stopped, or left the form: put the stop string back, or what must follow."""
        cursor = self._cursor
        if cursor.in_string and not rest and not had_stopped_inside:
            self._stopped_inside = True
        elif cursor.in_string:
            if not cursor.end_value():
                cursor.put(b'"')
        elif rest or not self._form.closing or not cursor.put(self._form.closing.encode()):
            cursor.end_value()

    def _completed(self) -> Completion:
        """The rest without the model, which is no longer asked: where its answer stands whole, as it stands."""
        complete(self._cursor)
        return self._completion("unfilled")

    def _completion(self, finish: str) -> Completion:
        answers = self._answers
        tokens = Tokens.over([answer.tokens for answer in answers]) if answers else Tokens(prompt=0, generated=0)
        return Completion(
            output=self._cursor.text,
            finish=finish,
            tokens=tokens,
            latency=math.fsum(answer.latency for answer in answers),
            waited=math.fsum(answer.waited for answer in answers),
            requests=self._exchanges(),
        )

    def _exchanges(self) -> tuple[Exchange, ...]:
        return tuple(exchange for answer in self._answers for exchange in answer.exchanges)
