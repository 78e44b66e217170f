"""The console script `pytest-understudy`: a thin face over the rooms.

In: a command line. Out: an exit status: 0 done, 1 interrupted, or of `compare` that something is worse, 2 wrong usage or data.
What goes wrong on purpose is told as its text, without a traceback.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .compared import compare_options, compared
from .errors import UnderstudyError
from .redraw import draw_again, report_options
from .training.process import Interrupted, check_packages
from .training.settings import Job, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="pytest-understudy", description="Small models: what pytest does not do.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train a LoRA adapter on this CPU",
        description="Train a LoRA adapter for a llama-architecture GGUF model, on this CPU. Beside ADAPTER.gguf its record is "
        "written, ADAPTER.json. Needs pip install 'pytest-understudy[train]'.",
    )
    _train_options(train)
    report = commands.add_parser(
        "report",
        help="draw a report again",
        description="Draw a report again: from a JSON report, or a record and its suite. No model is asked, and no key needed.",
    )
    report_options(report)
    compare = commands.add_parser(
        "compare",
        help="what changed between two JSON reports",
        description="What changed between two JSON reports, beyond noise. Exit status: 0 nothing is worse, 1 a route is worse, "
        "2 nothing could be compared.",
    )
    compare_options(compare)
    given = parser.parse_args(arguments)
    command = ("pytest-understudy", *(sys.argv[1:] if arguments is None else arguments))
    try:
        if given.command == "compare":
            return compared(given)
        return draw_again(given, command) if given.command == "report" else _train(given)
    except (Interrupted, KeyboardInterrupt) as interruption:
        print(f"pytest-understudy: {str(interruption) or 'interrupted'}", file=sys.stderr)
        return 1
    except UnderstudyError as failure:
        print(f"pytest-understudy: error: {failure}", file=sys.stderr)
        return 2


def _train_options(train: argparse.ArgumentParser) -> None:
    d = Settings()
    add = train.add_argument
    add(
        "data",
        nargs="+",
        type=Path,
        metavar="DATA.jsonl[.gz]",
        help='examples, one {"messages": [...]} a line; the last message is learnt',
    )
    add("--out", required=True, type=Path, metavar="ADAPTER.gguf", help="the adapter to write")
    add("--model", default="smollm2", metavar="NAME|PATH.gguf", help="smollm2 (default), or a llama-architecture model's file")
    add("--init", type=Path, metavar="ADAPTER.gguf", help="go on from this adapter; its rank and alpha hold")
    add(
        "--holdout",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a suite whose holdout tasks must not be in the data; repeatable",
    )
    add("--rank", type=_whole(1), metavar="N", help=f"the adapter's rank (default {d.rank})")
    add("--alpha", type=_above(0), metavar="F", help="the adapter's scale is alpha / rank (default 2 x rank)")
    add("--epochs", type=_above(0), default=d.epochs, metavar="F", help="times that the data is learnt (default %(default)g)")
    add("--lr", type=_above(0), default=d.lr, metavar="F", help="the learning rate at its highest (default %(default)g)")
    add(
        "--dropout",
        type=_share,
        default=d.dropout,
        metavar="F",
        help="share of the adapter's inputs left out (default %(default)g)",
    )
    add("--batch", type=_whole(1), default=d.batch, metavar="N", help="examples a step (default %(default)d)")
    add(
        "--seed",
        type=_whole(0),
        default=d.seed,
        metavar="N",
        help="of the order, the start and the dropout (default %(default)d)",
    )
    add(
        "--head-weight",
        type=_above(0),
        default=d.head_weight,
        metavar="F",
        help="what an answer's first 6 tokens count in the loss (default %(default)g)",
    )
    add("--max-tokens", type=_whole(2), default=d.max_tokens, metavar="N", help="longest example (default %(default)d)")
    add("--skip-long", action="store_true", help="leave longer examples out")
    add(
        "--checkpoint-every",
        type=_whole(1),
        default=50,
        metavar="N",
        help="steps between two checkpoints (default %(default)d)",
    )
    add("--resume", action="store_true", help="go on from ADAPTER.gguf.checkpoint")
    add("--threads", type=_whole(1), metavar="N", help="processor threads (default: one a core)")


def _train(given: argparse.Namespace) -> int:
    rank = given.rank or Settings().rank
    if given.out.suffix != ".gguf":
        raise UnderstudyError("an adapter's file is named *.gguf", at="--out")
    settings = Settings(
        rank=rank,
        alpha=given.alpha or 2.0 * rank,
        epochs=given.epochs,
        lr=given.lr,
        dropout=given.dropout,
        batch=given.batch,
        seed=given.seed,
        head_weight=given.head_weight,
        max_tokens=given.max_tokens,
    )
    if given.init is not None and (given.rank is not None or given.alpha is not None):
        raise UnderstudyError("the rank and alpha of the adapter gone on from hold: leave out --rank and --alpha", at="--init")
    check_packages()
    from .training.train import train

    train(
        Job(
            data=tuple(given.data),
            out=given.out,
            settings=settings,
            model=given.model,
            init=given.init,
            holdout=tuple(given.holdout),
            skip_long=given.skip_long,
            checkpoint_every=given.checkpoint_every,
            resume=given.resume,
            threads=given.threads,
        ),
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    return 0


def _whole(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    return number


def _above(limit: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not limit < (value := _float(text)) < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above {limit:g}")
        return value

    return number


def _share(text: str) -> float:
    if not 0 <= (value := _float(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
