"""What a training was asked for. In: the command line. Out: Settings, checked where no file is needed for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEAD = 6  # first tokens of an answer that --head-weight counts: a mode, such as thinking, is decided there


@dataclass(frozen=True, slots=True)
class Settings:
    """All that shapes the weights, and nothing else; equal settings on equal data give equal adapters."""

    rank: int = 8
    alpha: float = 16.0
    epochs: float = 3.0
    lr: float = 5e-4
    dropout: float = 0.05
    batch: int = 16
    seed: int = 0
    head_weight: float = 1.0
    max_tokens: int = 2048

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Job:
    """One training: where from, where to, and how."""

    data: tuple[Path, ...]
    out: Path
    settings: Settings
    model: str = "smollm2"
    init: Path | None = None
    holdout: tuple[Path, ...] = ()
    skip_long: bool = False
    checkpoint_every: int = 50
    resume: bool = False
    threads: int | None = None

    @property
    def checkpoint(self) -> Path:
        return self.out.with_name(f"{self.out.name}.checkpoint")

    @property
    def record(self) -> Path:
        return self.out.with_suffix(".json")
