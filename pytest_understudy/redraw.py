"""Reports drawn again: from a JSON report, or from a record and its suite.

In: the command line of `pytest-understudy report`. Out: files, or the tables on standard output. Nothing is asked of a model, no
key is needed, and pytest is not there. What a newcomer would get wrong: a record holds what models said and not what it is worth.
Scores and prices are computed from it anew, with the tasks, the scorers and the config as they are now.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError, UnderstudyError, listed

if TYPE_CHECKING:
    from .config.config import Config
    from .evaluation import Evaluation
    from .reports.shown import ShownRun
    from .suite.task import Task
    from .verdict.verdict import Verdict

RECORD = (".jsonl", ".jsonl.gz")


def report_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add(
        "sources",
        nargs="+",
        type=Path,
        metavar="RECORD|REPORT.json",
        help="a JSON report; or records: folders, .jsonl[.gz] files",
    )
    add(
        "--out",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the report to write, its format by its suffix; repeatable (default: tables on standard output)",
    )
    add(
        "--suite",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with a record: the suite's task files; repeatable",
    )
    add(
        "--config",
        type=Path,
        metavar="PATH",
        help="with a record: the config (default: understudy.toml beside the suite, or above)",
    )
    add("--route", metavar="NAME[,NAME]", help="with a record: these routes (default: the ladder's rungs that are recorded)")
    add("--samples", type=int, metavar="N", help="with a record: samples a task (default: as many as are recorded)")
    add("--split", choices=("holdout", "train"), default="holdout", help="with a record: which tasks (default %(default)s)")
    add("--baseline", metavar="ROUTE|FILE", help="with a record: what the routes are compared with")


def draw_again(given: argparse.Namespace, command: Sequence[str] = ()) -> int:
    """Draws what was asked for; UnderstudyError where it can't be."""
    from .reports.drawn import FORMATS, report_text
    from .reports.whole import obstacle, write_whole

    for path in given.out:
        if path.suffix not in FORMATS:
            raise UnderstudyError(f"a report's name ends in {listed(FORMATS)}", at=f"--out {path}")
        if why := obstacle(path):
            raise UnderstudyError(f"no report can be written there: {why}", at=f"--out {path}")
    verdict, shown = _read(given, command)
    for path in given.out:
        try:
            write_whole(path, report_text(path, verdict, shown))
        except OSError as failure:
            raise UnderstudyError(f"could not be written: {failure}", at=f"--out {path}") from failure
        print(f"report written to {path}", file=sys.stderr)
    if not given.out:
        print("\n".join(_tables(verdict)))
    return 0


def _read(given: argparse.Namespace, command: Sequence[str]) -> tuple[Verdict, Callable[[], Sequence[ShownRun]]]:
    """The verdict, and where to get its samples."""
    reports = [path for path in given.sources if path.suffix == ".json"]
    if not reports:
        return _from_record(given, command)
    if len(given.sources) > 1:
        raise UnderstudyError(f"one report is drawn at a time, and there are {listed(map(str, given.sources))}", at="report")
    if given.suite:
        raise UnderstudyError("a JSON report is drawn as it is; the suite is for a record", at="--suite")
    return from_report(reports[0]), tuple


def from_report(path: Path) -> Verdict:
    """The verdict that a JSON report tells; UnderstudyError, with its path, where it is none."""
    from .verdict.again import verdict_from_json

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as failure:
        raise UnderstudyError(f"cannot be read as a JSON report: {failure}", at=str(path)) from None
    return verdict_from_json(data, str(path))


def _from_record(given: argparse.Namespace, command: Sequence[str]) -> tuple[Verdict, Callable[[], Sequence[ShownRun]]]:
    from .config.config import find_config, load_config
    from .sampling.run import Plan
    from .verdict.session import Session

    _check_sources(given.sources)
    if not given.suite:
        raise UnderstudyError(
            "a record holds no tasks: name the files that it was drawn from, --suite FILE", at=str(given.sources[0])
        )
    suite = [path.absolute() for path in given.suite]
    for path in suite:
        if not path.is_file():
            raise UnderstudyError("no such file", at=f"--suite {path}")
    config = load_config(given.config or find_config(suite[0], Path.cwd()))
    config = replace(config, recorded=tuple(str(path.absolute()) for path in given.sources))
    names = given.route.split(",") if given.route else list(config.ladder or config.routes)
    counts = _counts(config, names, given, suite)
    if not given.route and not any(counts.values()):  # of the ladder nothing; of another route something may be
        names = list(config.routes)
        counts = _counts(config, names, given, suite)
    recorded = names if given.route else [name for name in names if counts[name]]
    if not any(counts.values()):
        raise UnderstudyError(
            f"nothing of these tasks is recorded for {listed(names)}: is it this suite's record? What is asked is a sample's key:"
            " the task's text, the model, its controls, its sampling, the adapter's content",
            at=str(given.sources[0]),
        )
    evaluation = _evaluation(config, recorded, given)
    for route in evaluation.routes:
        for task in _tasks(evaluation, suite):
            plan = Plan(task, route, given.samples or max(counts.values()))
            evaluation.want(plan)
            evaluation.run(plan)
    verdict = evaluation.judge()
    assert verdict is not None  # it has plans
    _say([*evaluation.notes, *_left_out(names, recorded)])
    return replace(verdict, session=Session.here(command)), evaluation.shown


def _check_sources(sources: Sequence[Path]) -> None:
    for path in sources:
        if not path.exists():
            raise UnderstudyError("no such file or folder", at=str(path))
        if path.is_file() and not path.name.endswith(RECORD):
            raise UnderstudyError("neither a record (a folder, .jsonl, .jsonl.gz) nor a JSON report (.json)", at=str(path))


def _evaluation(config: Config, names: Sequence[str], given: argparse.Namespace) -> Evaluation:
    """As a session with --understudy-replay=only, over the given records alone."""
    from .config.endpoints import endpoint_of
    from .evaluation import Evaluation

    if given.samples is not None and given.samples < 1:
        raise ConfigError("a whole number from 1 up", at="--samples")
    return Evaluation(
        config,
        names,
        root=Path.cwd(),
        record=Path(os.devnull),  # nothing is drawn, so none is written
        make_endpoint=endpoint_of,
        ladder=set(names) <= set(config.ladder) and not given.route,
        baseline=given.baseline,
        baseline_file=None if given.baseline is None else Path(given.baseline),
        split=given.split,
        replay="only",
    )


def _tasks(evaluation: Evaluation, suite: Sequence[Path]) -> list[Task]:
    return evaluation.tasks([str(path) for path in suite], suite[0])


def _counts(config: Config, names: Sequence[str], given: argparse.Namespace, suite: Sequence[Path]) -> dict[str, int]:
    """Of each route, how many samples of a task are recorded: of that which has most."""
    evaluation = _evaluation(config, names, given)
    tasks = _tasks(evaluation, suite)
    if not tasks:
        raise UnderstudyError(f"none of the tasks has the split {given.split!r}", at=f"--suite {given.suite[0]}")
    counts = {route.name: max(evaluation.drawing.recorded(task, route) for task in tasks) for route in evaluation.routes}
    evaluation.close()
    return {name: counts.get(name, 0) for name in names}


def _left_out(names: Sequence[str], recorded: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name not in recorded:
            yield f"{name} is left out: nothing of it is recorded"


def _say(notes: Sequence[str]) -> None:
    for note in dict.fromkeys(notes):
        print(f"note: {note}", file=sys.stderr)


def _tables(verdict: Verdict) -> Iterator[str]:
    """What a session tells at its end."""
    from .reports.table import comparison_lines, gate_lines, promotion_line, repair_lines, table_lines

    for lines in (table_lines(verdict), repair_lines(verdict), comparison_lines(verdict), gate_lines(verdict)):
        if lines:
            yield from lines
            yield ""
    yield promotion_line(verdict)
