"""The command line, read once into one typed object.

Nothing else asks pytest for an option. Light: importing this costs no room of the house; they are imported where a route is
selected.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest

from .errors import UnderstudyError

if TYPE_CHECKING:
    from .config.config import Config

Number = TypeVar("Number", int, float)

_THRESHOLDS = ("min_strict", "min_credit", "max_p95", "max_tokens", "max_cost", "max_errors")


def add_options(parser: pytest.Parser) -> None:
    """Every option of the surface, in the group `understudy`."""
    group = parser.getgroup("understudy", "evaluation of model routes on a holdout (pytest-understudy)")

    def option(name: str, help: str, **settings: Any) -> None:
        dest = "understudy_" + name.replace("-", "_")
        group.addoption(f"--understudy-{name}", dest=dest, help=help, **settings)

    def flag(name: str, help: str) -> None:
        option(name, help, action="store_true", default=False)

    names: dict[str, Any] = {"metavar": "NAME[,NAME]", "type": _names, "action": "extend", "default": None}
    option("route", "routes to run; without it and without the ladder, holdout items are skipped", **names)
    flag("ladder", "every rung of the config's ladder")
    flag("first", "with the ladder: stop climbing at the first rung that holds the gate")
    option("control", "controls added to the selected routes; the derived route is named raw+prefill", **names)
    option("samples", "samples per task", metavar="N", type=_count)
    option("concurrency", "requests in flight, for the whole session", metavar="N", type=_count)
    option("split", "which tasks (default: holdout)", choices=("holdout", "train"), default="holdout")
    option("config", "the config; else understudy.toml from the first path argument towards the rootdir", metavar="PATH")
    option("record", "where samples are recorded (default: .understudy/ under the rootdir)", metavar="DIR")
    option(
        "replay",
        "auto: what is recorded is not asked again; only: nothing is asked; off: ask afresh (default: auto)",
        choices=("auto", "only", "off"),
        default="auto",
    )
    option("min-strict", "gate: least strict-pass rate of a route", metavar="F", type=_share)
    option("min-credit", "gate: least mean credit of a route", metavar="F", type=_share)
    option("max-p95", "gate: most seconds at the 95th percentile", metavar="SECONDS", type=_positive)
    option("max-tokens", "gate: most generated tokens a sample, on average", metavar="MEAN", type=_positive)
    option("max-cost", "gate: most dollars for the route's whole run", metavar="DOLLARS", type=_amount)
    option("max-errors", "gate: most samples that ended in an error (default: 0)", metavar="N", type=_whole)
    option("spend-limit", "draw nothing more once the session has spent this much", metavar="DOLLARS", type=_amount)
    option("baseline", "compare with another route of this run, or with an earlier JSON report", metavar="ROUTE|FILE")
    option("report", "write a report; repeatable", metavar="FILE", action="append", default=[])
    option("export-sft", "training examples from strict-pass samples of the train split", metavar="FILE")
    option("export-clusters", "export only those residual clusters", **names)
    flag("export-holdout", "export holdout samples too")
    flag("record-prompts", "the record keeps every prompt in full, not only its hash")


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # every session of an environment pays for what is made here
class Options:
    """What the command line asked for; None where it was silent. Paths are absolute."""

    routes: tuple[str, ...] = ()
    ladder: bool = False
    controls: tuple[str, ...] = ()
    samples: int | None = None
    concurrency: int | None = None
    split: Literal["holdout", "train"] = "holdout"
    config: Path | None = None
    record: Path = Path(".understudy")
    own_record: bool = False  # said on the command line
    replay: Literal["auto", "only", "off"] = "auto"
    min_strict: float | None = None
    min_credit: float | None = None
    max_p95: float | None = None
    max_tokens: float | None = None
    max_cost: float | None = None
    max_errors: int | None = None
    reports: tuple[Path, ...] = ()
    first: bool = False
    baseline: str | None = None
    baseline_file: Path | None = None  # the same, if it is no route's name
    export_sft: Path | None = None
    export_clusters: tuple[str, ...] = ()
    export_holdout: bool = False
    spend_limit: float | None = None
    record_prompts: bool = False

    @property
    def selects_a_route(self) -> bool:
        return bool(self.routes) or self.ladder

    @classmethod
    def from_pytest(cls, config: pytest.Config) -> Options:
        """The options as given; UsageError where they contradict each other. Without a route none of them matters."""

        def get(name: str) -> Any:
            return config.getoption(f"understudy_{name}")

        routes, ladder = tuple(get("route") or ()), get("ladder")
        if not routes and not ladder:
            return cls()
        if routes and ladder:
            raise pytest.UsageError(
                "--understudy-route and --understudy-ladder exclude each other: name the routes, or climb the ladder"
            )
        if get("first"):
            _check_first(ladder, config)
        here = config.invocation_params.dir
        writes = get("replay") != "only" and not config.option.collectonly
        worker = hasattr(
            config, "workerinput"
        )  # it writes no report and no export, and may be on a host that has no place for one
        return cls(
            routes=routes,
            ladder=ladder,
            controls=tuple(get("control") or ()),
            samples=get("samples"),
            concurrency=get("concurrency"),
            split=get("split"),
            config=here / get("config") if get("config") else None,
            record=_record(here / get("record") if get("record") else config.rootpath / ".understudy", writes),
            own_record=bool(get("record")),
            replay=get("replay"),
            **{name: get(name) for name in _THRESHOLDS},
            reports=() if worker else tuple(_report(here / name) for name in get("report")),
            first=get("first"),
            baseline=get("baseline"),
            baseline_file=None if get("baseline") is None else here / get("baseline"),
            export_sft=_export(here, get, writes=not worker),
            export_clusters=tuple(get("export_clusters") or ()),
            export_holdout=get("export_holdout"),
            spend_limit=get("spend_limit"),
            record_prompts=get("record_prompts"),
        )

    def shaping(self, samples: int) -> list[str]:
        """The options, as they were given, that say what an item asks and where that is recorded."""
        given = {
            "control": ",".join(self.controls),
            "samples": str(samples),
            "split": self.split if self.split != "holdout" else "",
            "config": self.config,
            "record": self.record if self.own_record else "",
        }
        return [f"--understudy-{name}={value}" for name, value in given.items() if value]

    def over(self, config: Config) -> Config:
        """The config with what the command line says put over it."""
        from .config.config import with_thresholds

        names = {
            "strict_pass": self.min_strict,
            "credit": self.min_credit,
            "p95": self.max_p95,
            "tokens": self.max_tokens,
            "cost": self.max_cost,
            "errors": self.max_errors,
        }
        thresholds = {name: value for name, value in names.items() if value is not None}
        return replace(
            config,
            gate=with_thresholds(config.gate, thresholds),
            samples=self.samples or config.samples,
            concurrency=self.concurrency or config.concurrency,
        )


@contextmanager
def usage_errors() -> Generator[None]:
    """What is wrong with the config or the record is pytest's usage error, and no internal error."""
    try:
        yield
    except UnderstudyError as failure:
        raise pytest.UsageError(str(failure)) from None


def _check_first(ladder: bool, config: pytest.Config) -> None:
    if not ladder:
        raise pytest.UsageError("--understudy-first stops climbing a ladder: say --understudy-ladder as well")
    if getattr(config.option, "dist", "no") != "no" and getattr(config.option, "tx", None):
        raise pytest.UsageError("--understudy-first draws the rungs one by one, and workers draw them together: leave -n out")


def _report(path: Path) -> Path:
    """A report's path, if a report can be written there: better told now than after an hour of drawing."""
    from .reports.whole import obstacle

    if path.suffix not in (".json", ".html", ".md"):
        raise pytest.UsageError(f"--understudy-report={path.name}: a report's name ends in .json, .html or .md")
    if why := obstacle(path):
        raise pytest.UsageError(f"--understudy-report={path}: no report can be written there: {why}")
    return path


def _export(here: Path, get: Callable[[str], Any], *, writes: bool) -> Path | None:
    """The path of the export that is asked for, if there is anything to export and a place to put it."""
    from .reports.whole import obstacle

    if get("export_sft") is None:
        return None
    path: Path = here / get("export_sft")
    if get("split") == "holdout" and not get("export_holdout"):
        raise pytest.UsageError(
            "--understudy-export-sft exports samples of the train split, and this session draws the holdout: add"
            " --understudy-split=train, or --understudy-export-holdout if the holdout may be given up as one"
        )
    if writes and (why := obstacle(path)):
        raise pytest.UsageError(f"--understudy-export-sft={path}: no file can be written there: {why}")
    return path


def _record(folder: Path, writes: bool) -> Path:
    """The record's folder, made if it is to be written: what is drawn and cannot be recorded is paid for twice."""
    if writes:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(f"no right to write in {folder}")
        except OSError as failure:
            raise pytest.UsageError(f"--understudy-record={folder}: no samples can be recorded there: {failure}") from None
    return folder


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("a name, or several with commas between them")
    return names


def _number(kind: type[Number], fits: Callable[[Number], bool], what: str) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
        if not math.isfinite(value) or not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return value

    return parse


_count = _number(int, lambda value: value >= 1, "a whole number from 1 up")
_whole = _number(int, lambda value: value >= 0, "a whole number from 0 up")
_share = _number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
_positive = _number(float, lambda value: value > 0, "a number above 0")
_amount = _number(float, lambda value: value >= 0, "an amount of dollars")
