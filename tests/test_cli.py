"""The console script, where no torch is needed: what it refuses, and how."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_understudy.cli import main


def test_the_module_is_the_console_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_understudy", "train", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: pytest-understudy train ")
    assert "--head-weight" in done.stdout


def test_help_costs_nothing_heavy() -> None:
    heavy = ["torch", "transformers", "gguf", "numpy", "pydantic", "asyncio"]
    code = f"import sys, pytest_understudy.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["train", "data.jsonl"], "the following arguments are required: --out"),
        (["train", "--out", "a.gguf"], "the following arguments are required: DATA.jsonl[.gz]"),
        (["train", "d.jsonl", "--out", "a.gguf", "--rank", "0"], "argument --rank: 0 is below 1"),
        (["train", "d.jsonl", "--out", "a.gguf", "--rank", "x"], "argument --rank: 'x' is not a whole number"),
        (["train", "d.jsonl", "--out", "a.gguf", "--lr", "0"], "argument --lr: 0 is not a number above 0"),
        (["train", "d.jsonl", "--out", "a.gguf", "--lr", "nan"], "argument --lr: nan is not a number above 0"),
        (["train", "d.jsonl", "--out", "a.gguf", "--epochs", "x"], "argument --epochs: x is not a number above 0"),
        (["train", "d.jsonl", "--out", "a.gguf", "--dropout", "1"], "argument --dropout: 1 is not in [0, 1)"),
    ],
)
def test_wrong_usage_is_status_2_and_told(options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(f"error: {complaint}")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "adapter.bin"], "--out: an adapter's file is named *.gguf"),
        (
            ["--out", "a.gguf", "--init", "b.gguf", "--rank", "4"],
            "--init: the rank and alpha of the adapter gone on from hold: leave out --rank and --alpha",
        ),
    ],
)
def test_options_that_do_not_go_together_are_one_text(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "data.jsonl", *options]) == 2
    assert capsys.readouterr().err == f"pytest-understudy: error: {complaint}\n"


@pytest.mark.parametrize("missing", [["torch"], ["torch", "gguf"]])
def test_packages_that_are_missing_are_named_with_the_extra_that_brings_them(
    missing: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    assert main(["train", "data.jsonl", "--out", str(tmp_path / "a.gguf")]) == 2
    text = capsys.readouterr().err
    assert text.startswith("pytest-understudy: error: training needs 'torch'")
    assert text.endswith(" not installed here: pip install 'pytest-understudy[train]'\n")
    assert all(repr(package) in text for package in missing)
