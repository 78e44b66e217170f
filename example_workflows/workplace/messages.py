"""Chat and mail: what was said to whom. Nothing can be taken back."""

from __future__ import annotations

from typing import Any, ClassVar

from .parts import Ledger, address, named, one_of
from .tools import tool

CHANNELS = ["#general", "#it-status", "#safety", "#facilities", "#legal", "#procurement", "#marketing"]


class Chat:
    name = "slack"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "slack.post",
            "Posts to a channel.",
            channel=CHANNELS,
            text="short; names the thing or the place that it is about",
        )
    ]

    def __init__(self) -> None:
        self._posts = Ledger({"channel": "#general", "text": "Happy new year, everybody"})

    def post(self, channel: str, text: str) -> str:
        self._posts.add(channel=one_of(channel, CHANNELS, "channel"), text=named(text, "the text"))
        return f"Posted to {channel}."

    def state(self) -> dict[str, Any]:
        return self._posts.state()


class Mail:
    name = "email"
    tools: ClassVar[list[dict[str, Any]]] = [
        tool(
            "email.send",
            "Writes to one person.",
            to="an address from the message",
            subject="short; names the thing or the place that it is about",
        )
    ]

    def __init__(self) -> None:
        self._sent = Ledger()

    def send(self, to: str, subject: str) -> str:
        self._sent.add(to=address(to), subject=named(subject, "the subject"))
        return f"Sent to {to.strip()}."

    def state(self) -> dict[str, Any]:
        return self._sent.state()
