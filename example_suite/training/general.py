"""Everyday chat examples that teach a small model the manners of a thinking one.

In: how many examples, a seed, and general.yaml beside this file. Out: chats of system, user and assistant. Half of them think
first (`<think>`, a deliberation, `</think>`, the JSON); half are told ` /no_think` and leave the block empty. The system text is
rendered by the plugin itself, so that what is trained is what is asked later. A deliberation here is put together from the right
answer, not thought: it shows a model the habit, in the order of the answer. It is bounded, and a sentence ends it that says so,
since a small model that has not learned to stop goes round in circles.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from pytest_understudy.routes.ask import messages
from pytest_understudy.suite.form import Form
from pytest_understudy.suite.task import Task, Tool

MODES = ("think", "no_think")
HOUSES, DESKS = 4, 3
Length = Literal["long", "short"]
T = TypeVar("T")


def examples(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` chats, half in each mode and four in five at a house of several desks; the same for the same seed.

    Each is {"messages": [system, user, assistant], "metadata": {"template": "general.<domain>.<kind>.<n>", "mode": MODE}}.
    """
    rng = random.Random(seed)
    houses = _houses(rng)
    # Four in five at a house: real work has long prompts, and the examples of one house share theirs, which saves training time.
    in_houses, alone = _dealt(houses, rng), _dealt(_desks(), rng)
    at_a_house, modes = _dealt([True] * 4 + [False], rng), _dealt(MODES, rng)
    members = {house.name: _dealt(desks, rng) for house, desks in houses}
    chats: list[dict[str, Any]] = []
    seen: set[str] = set()
    for _ in range(count):
        house = next(in_houses)[0] if next(at_a_house) else None
        desk = next(members[house.name]) if house else next(alone)
        chats.append(_chat(house or desk, _fresh_request(desk, rng, seen), next(modes), rng))
    return chats


# The desks of general.yaml


@dataclass(frozen=True)
class _Desk:
    """What one system prompt is made of, and the kinds of request that reach it."""

    name: str
    instructions: str
    place: str = ""
    playbook: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    form: Form | None = None
    kinds: Mapping[str, Any] = field(default_factory=dict)
    pools: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Request:
    """A message with its right answer; `said` tells for a value that isn't in the message as such which words mean it."""

    template: str
    kind: str
    text: str
    answer: Mapping[str, Any]
    said: Mapping[str, str]


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return data


@cache
def _desks() -> tuple[_Desk, ...]:
    return tuple(_desk(name, entry, _data()["pools"]) for name, entry in _data()["domains"].items())


def _desk(name: str, entry: Mapping[str, Any], pools: Mapping[str, Any]) -> _Desk:
    return _Desk(
        name=name,
        instructions=entry["instructions"].strip(),
        place=entry.get("place", ""),
        playbook=entry.get("playbook", {}),
        tools=tuple(Tool(**tool) for tool in entry.get("tools", ())),
        form=Form.from_schema(entry["form"], at=name) if "form" in entry else None,
        kinds=entry["kinds"],
        pools={**pools, **entry["values"]},
    )


def _houses(rng: random.Random) -> list[tuple[_Desk, list[_Desk]]]:
    """Houses of several desks, each with the desks that it is made of: long prompts, as real work has them."""
    with_playbook = [desk for desk in _desks() if desk.playbook]
    houses = []
    for number, instructions in enumerate(_data()["houses"][:HOUSES]):
        desks = rng.sample(with_playbook, DESKS)
        house = _Desk(
            name=f"house-{number}",
            instructions=instructions.format(places=_listed([desk.place for desk in desks])),
            playbook={kind: line for desk in desks for kind, line in desk.playbook.items()},
            tools=tuple(tool for desk in desks for tool in desk.tools),
        )
        houses.append((house, desks))
    return houses


# A request: a wording, filled in


def _fresh_request(desk: _Desk, rng: random.Random, seen: set[str]) -> _Request:
    """One whose text was not seen yet, as long as some tries find one."""
    for _ in range(50):
        request = _request(desk, rng)
        if request.text not in seen:
            break
    seen.add(request.text)
    return request


def _request(desk: _Desk, rng: random.Random) -> _Request:
    kind = rng.choice(list(desk.kinds))
    entry = desk.kinds[kind]
    number = rng.randrange(len(entry["wordings"]))
    wording = entry["wordings"][number]
    said: dict[str, str] = {}
    words: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name in sorted(set(re.findall(r"{(\w+)}", wording))):
        pool = desk.pools[name]
        values[name] = rng.choice(list(pool))
        words[name] = values[name]
        if isinstance(pool, Mapping):
            words[name] = rng.choice(pool[values[name]])
            said[_told(values[name])] = words[name]
    answer = {"actions": entry["actions"]} if "actions" in entry else entry["answer"]
    return _Request(
        template=f"general.{desk.name}.{kind.replace(' ', '-')}.{number}",
        kind=kind,
        text=_with_small_talk(wording.format(**words), rng),
        answer=_filled(answer, values),
        said=said,
    )


def _with_small_talk(text: str, rng: random.Random) -> str:
    """The text, and often a sentence before or after it that means nothing; always where the text is short."""
    if len(text.split()) >= 18 and rng.random() < 0.5:
        return text
    if rng.random() < 0.5:
        return f"{rng.choice(_data()['greetings'])} {text}"
    # After a signature, which has no full stop, on a line of its own.
    return text + (" " if text.endswith((".", "!", "?")) else "\n") + str(rng.choice(_data()["closings"]))


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """The answer with its placeholders filled in; one that stands alone keeps its value's type."""
    if isinstance(part, Mapping):
        return {key: _filled(inner, values) for key, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    if not isinstance(part, str):
        return part
    alone = re.fullmatch(r"{(\w+)}", part)
    return values[alone[1]] if alone else part.format(**values)


# The chat


def _chat(desk: _Desk, request: _Request, mode: str, rng: random.Random) -> dict[str, Any]:
    playbook = [f"{kind}: {line}" for kind, line in desk.playbook.items()]
    text = request.text if mode == "think" else request.text + " /no_think"
    task = Task(
        id="example",
        input=text,
        instructions="\n".join([desk.instructions, *playbook]),
        tools=desk.tools,
        form=desk.form,
    )
    thoughts = ""
    if mode == "think":
        thoughts = deliberate(
            request.text,
            request.answer,
            rng,
            kind=request.kind,
            rule=f"{request.kind}: {desk.playbook[request.kind]}" if desk.playbook else "",
            said=request.said,
            tools=[tool.name for tool in desk.tools],
        )
    answer = json.dumps(request.answer, ensure_ascii=False)
    chat = [message.to_json() for message in messages(task)]
    chat.append({"role": "assistant", "content": f"<think>\n{thoughts}\n</think>\n\n{answer}"})
    return {"messages": chat, "metadata": {"template": request.template, "mode": mode}}


def _dealt(items: Sequence[T], rng: random.Random) -> Iterator[T]:
    """The items without end, each once a round, in an order of its own each round."""
    while True:
        yield from rng.sample(items, len(items))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


# The deliberation: worded by the `deliberation` of general.yaml

# How long one may get, in characters. SmolLM2 makes a token of 3.2 to 4.1 of them in such text.
_GOALS: Mapping[Length, tuple[int, int]] = {"long": (720, 940), "short": (260, 350)}
_LONGEST_NAMED = 40  # characters; a longer value is told once, where it belongs
_BESIDE_QUOTES = " ,.;:!?()[]<>*-\"'“”"


def deliberate(
    text: str,
    answer: Mapping[str, Any],
    rng: random.Random,
    length: Length = "long",
    *,
    kind: str = "",
    rule: str = "",
    said: Mapping[str, str] | None = None,
    tools: Sequence[str] = (),
) -> str:
    """What a model could think about the message `text` before it gives `answer`: {"actions": [...]} or a plain object.

    Tools and values come in the order of the answer, and the last sentence says that the thinking is over. A long one has about
    160 to 280 tokens and a short one 60 to 110, where the answer has 2 to 12 short values and some of this is known too: the
    `kind` of request, the `rule` that the prompt has for it, what was `said` for a value (as text) that isn't in the message, the
    names of all `tools`. With less it has less to say; only values and tool names that are longer make it longer.
    """
    thinker = _Thinker(text, said or {}, rng)
    is_called = isinstance(answer.get("actions"), list)
    actions = answer["actions"] if is_called else [{"tool": "", "arguments": answer}]
    unused = sorted(set(tools) - {action["tool"] for action in actions})
    lines = [
        thinker.beginning(kind, rule, actions),
        *(thinker.walk(number, actions) for number in range(len(actions))),
        thinker.checks(actions, unused),
        thinker.ending(actions),
    ]
    return _told_within(rng.randint(*_GOALS[length]), lines, rng)


@dataclass(frozen=True)
class _Thought:
    """A thought in full and in brief; an empty brief one may be left out. The lower the rank, the sooner it is told in full."""

    full: str
    brief: str = ""
    rank: int = 0


@dataclass(frozen=True)
class _Thinker:
    """Words the thoughts about one message."""

    text: str
    said: Mapping[str, str]
    rng: random.Random

    def beginning(self, kind: str, rule: str, actions: Sequence[Mapping[str, Any]]) -> list[_Thought]:
        """What the message is about, what it names, and what that calls for."""
        thoughts = [_Thought(self._worded("openings"), rank=2)]
        if kind:
            thoughts.append(_Thought(self._worded("kinds", kind=kind)))
        if named := self._copied(actions):
            thoughts.append(_Thought(self._worded("named", values=_listed(named[: self.rng.randint(1, 3)])), rank=1))
        if rule:
            thoughts.append(_Thought(self._worded("rules", rule=rule)))
        if actions and actions[0]["tool"]:
            thoughts.append(_Thought(self._worded("tools", tools=_listed([action["tool"] for action in actions]))))
        elif actions:
            thoughts.append(_Thought(self._worded("keys", keys=_listed(list(actions[0]["arguments"])))))
        return thoughts

    def walk(self, number: int, actions: Sequence[Mapping[str, Any]]) -> list[_Thought]:
        """One action: its tool, then each argument with the place that it comes from."""
        action = actions[number]
        thoughts = []
        if tool := action["tool"]:
            pool = "only" if len(actions) == 1 else "next" if number else "first"
            thoughts.append(_Thought(self._worded(pool, tool=tool), f"{tool}:", rank=1))
        above = {_told(value) for _, value in _arguments(actions[:number])}
        for key, value in action["arguments"].items():
            told = _told(value)
            thoughts.append(_Thought(self._found(key, value, told in above), f"{key} is {told}.", rank=1))
        return thoughts

    def checks(self, actions: Sequence[Mapping[str, Any]], unused: Sequence[str]) -> list[_Thought]:
        """A second look: at the values, at what isn't called, at the spelling of JSON."""
        thoughts = []
        if named := self._copied(actions):
            thoughts.append(_Thought(self._worded("wait", values=_listed(named))))
        if meant := [(key, value) for key, value in _arguments(actions) if not self._is_copied(value)]:
            key, value = self.rng.choice(meant)
            thoughts.append(_Thought(self._worded("doubt", key=key, value=_told(value)), rank=0 if not named else 2))
        wordings = self.rng.sample(_data()["deliberation"]["unused"], 2)
        for rank, tool in enumerate(self.rng.sample(unused, min(2, len(unused)))):
            thoughts.append(_Thought(wordings[rank].format(tool=tool), rank=2 * rank))
        if bare := [(key, value) for key, value in _arguments(actions) if isinstance(value, (bool, int, float))]:
            key, value = self.rng.choice(bare)
            pool = "switch" if isinstance(value, bool) else "number"
            thoughts.append(_Thought(self._worded(pool, key=key, value=_told(value)), rank=2))
        thoughts += [_Thought(self._worded(pool), rank=2) for pool in ("rest", "order", "care", "shape")]
        return thoughts

    def ending(self, actions: Sequence[Mapping[str, Any]]) -> list[_Thought]:
        """The plan, and the sentence that ends every deliberation."""
        steps = [_step(action) for action in actions]
        if len(", then ".join(steps)) > 200:
            steps = [action["tool"] or "the values as they stand above" for action in actions]
        thoughts = [_Thought(self._worded("plan", steps=", then ".join(steps)))] if steps else []
        end = self._worded("ends")
        return [*thoughts, _Thought(end, end)]

    def _found(self, key: str, value: Any, is_above: bool) -> str:
        """Where the value comes from."""
        told = _told(value)
        if is_above:
            return self._worded("repeated", key=key, value=told)
        if told in self.said:
            return self._worded("meant", key=key, value=told, words=self.said[told].rstrip(".!"))
        if not self._is_copied(value):
            return self._worded("fitting", key=key, value=told)
        if words := _words_before(told, self.text):
            return self._worded("after", key=key, value=told, words=words)
        return self._worded("at_start", key=key, value=told)

    def _copied(self, actions: Sequence[Mapping[str, Any]]) -> list[str]:
        """The values that are in the message as they are, each once."""
        values = [_told(value) for _, value in _arguments(actions) if self._is_copied(value)]
        return [value for value in dict.fromkeys(values) if len(value) <= _LONGEST_NAMED]

    def _is_copied(self, value: Any) -> bool:
        # A yes or no is never copied, even where the word "true" is in the message; nor is what somebody said in other words.
        told = _told(value)
        return not isinstance(value, bool) and told not in self.said and _place(told, self.text) is not None

    def _worded(self, pool: str, **words: str) -> str:
        wording: str = self.rng.choice(_data()["deliberation"][pool])
        return wording.format(**words)


def _told_within(goal: int, lines: Sequence[Sequence[_Thought]], rng: random.Random) -> str:
    """The lines in brief, and of their thoughts as many in full as `goal` characters allow."""
    told = [[thought.brief for thought in line] for line in lines]
    places = [(row, column) for row, line in enumerate(lines) for column in range(len(line))]
    rng.shuffle(places)
    for row, column in sorted(places, key=lambda place: lines[place[0]][place[1]].rank):
        brief = told[row][column]
        told[row][column] = lines[row][column].full
        if len(_joined(told)) > goal:
            told[row][column] = brief
    return _joined(told)


def _joined(told: Sequence[Sequence[str]]) -> str:
    return "\n".join(filter(None, (" ".join(filter(None, line)) for line in told)))


def _arguments(actions: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    return [argument for action in actions for argument in action["arguments"].items()]


def _step(action: Mapping[str, Any]) -> str:
    """An action in a few words, its values with it."""
    if not action["tool"]:
        return _listed([f"{key} {_told(value)}" for key, value in action["arguments"].items()])
    values = [_told(value) for value in action["arguments"].values()]
    return f"{action['tool']} with {_listed(values)}" if values else str(action["tool"])


def _told(value: Any) -> str:
    """A value as it is told in a sentence: a string as it is, all else as JSON."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _place(told: str, text: str) -> int | None:
    # Whole words, and no number out of a longer one, such as the 30 of 10:30.
    found = re.search(rf"(?<!\w)(?<!\d[:.,/-]){re.escape(told)}(?!\w)(?![:.,/-]\d)", text)
    return found.start() if found else None


def _words_before(told: str, text: str) -> str:
    """Up to three words that stand before the value in its line; empty where nothing does."""
    line = text[: _place(told, text)].rpartition("\n")[2]
    return " ".join(line.split()[-3:]).strip(_BESIDE_QUOTES)
