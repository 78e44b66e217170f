"""Whole trainings, of the tiny llama, through the command line where that will do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "gguf"):
    pytest.importorskip(needed)

import numpy as np  # noqa: E402  (the packages of training first)

from pytest_understudy.cli import main  # noqa: E402
from pytest_understudy.endpoints.embedded import Embedded  # noqa: E402
from pytest_understudy.errors import ConfigError  # noqa: E402
from pytest_understudy.training import gguf, memory  # noqa: E402
from pytest_understudy.training.process import Interrupted  # noqa: E402
from pytest_understudy.training.settings import Job, Settings  # noqa: E402
from pytest_understudy.training.train import train  # noqa: E402

from .made import conversation, harbour, suite, written  # noqa: E402
from .tiny_file import HEADS, KV, tiny_file  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_file(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def command(model: Path, tmp_path: Path) -> Callable[..., int]:
    """The command line, with six examples to learn in six steps; more options may be given."""
    data = harbour(tmp_path / "data.jsonl")

    def run(*options: str, out: str = "a.gguf", more: Sequence[Path] = ()) -> int:
        given = [str(data), *map(str, more), "--model", str(model), "--out", str(tmp_path / out), "--batch", "2", "--epochs", "2"]
        return main(["train", *given, *options])

    return run


@pytest.fixture
def job(model: Path, tmp_path: Path) -> Callable[..., Job]:
    """The same six steps."""
    data = harbour(tmp_path / "data.jsonl")

    def build(out: str = "a.gguf", **more: Any) -> Job:
        settings = Settings(batch=2, epochs=2, **more.pop("settings", {}))
        return Job(data=(data,), out=tmp_path / out, settings=settings, model=str(model), **more)

    return build


def silent(line: str) -> None:
    pass


def struck(number: int, step: str) -> Callable[[str], None]:
    """Sends this process a signal when a step is told."""

    def say(line: str) -> None:
        if line.startswith(step):
            os.kill(os.getpid(), number)

    return say


# What comes out


def test_a_training_leaves_an_adapter_and_its_record(command: Callable[..., int], tmp_path: Path) -> None:
    assert command("--lr", "0.01") == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.gguf", "a.json", "data.jsonl"]
    adapter = gguf.read(tmp_path / "a.gguf", heads=HEADS, kv_heads=KV)
    assert (adapter.rank, adapter.alpha, len(adapter.matrices)) == (8, 16.0, 14)
    assert all(np.abs(b).max() > 0 for _, b in adapter.matrices.values())


def test_the_record_tells_all_that_shaped_the_adapter_and_no_path(command: Callable[..., int], tmp_path: Path) -> None:
    tasks = suite(tmp_path / "tasks.jsonl", "some other words")
    assert command("--holdout", str(tasks), "--seed", "3", "--head-weight", "2") == 0
    text = (tmp_path / "a.json").read_text()
    record = json.loads(text)
    assert str(tmp_path) not in text
    assert [(file["name"], file["examples"]) for file in record["data"]] == [("data.jsonl", 6)]
    assert record["adapter"] == {
        "name": "a.gguf",
        "sha256": Embedded(name="x", adapters={"a": tmp_path / "a.gguf"}).adapter_digest("a"),
    }
    assert (record["model"]["name"], record["holdout"][0]["name"], record["init"]) == ("tiny.gguf", "tasks.jsonl", None)
    assert record["options"] | {"seed": 3, "head_weight": 2.0, "rank": 8, "alpha": 16.0, "batch": 2} == record["options"]
    assert (record["steps"], len(record["losses"])) == (6, 6)
    assert record["tokens"] > 6 * 300
    assert record["peak_memory_mb"] > 100
    assert set(record["versions"]) == {"python", "torch", "transformers", "gguf", "pytest-understudy"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["finished_at"])


def test_what_will_happen_is_told_before_and_progress_on_the_way(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command() == 0
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert re.fullmatch(r"6 examples: \d+ tokens in the mean, \d+ in the longest, \d+% are answers", lines[0])
    assert re.fullmatch(r"6 steps of 2 examples, which share their first 1\d\d tokens in the mean", lines[1])
    assert re.fullmatch(r"11,264 weights learn, in (bfloat16|float32), on \d+ threads", lines[2])
    assert re.fullmatch(r"about \d+ MB of memory beside the model(, [\d.]+ [GM]B free)?", lines[3])
    assert re.fullmatch(r"step 1/6  loss \d\.\d{4}  \d+ tokens/s  \d+ s left", lines[4])
    assert lines[-2].startswith("step 6/6  ")
    assert lines[-1].endswith("a.gguf and a.json")


def test_what_is_learnt_is_known_afterwards(command: Callable[..., int], tmp_path: Path) -> None:
    assert command("--epochs", "5", "--lr", "0.05", "--dropout", "0") == 0
    losses = json.loads((tmp_path / "a.json").read_text())["losses"]
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_equal_seeds_give_equal_adapters(command: Callable[..., int], tmp_path: Path) -> None:
    for out, seed in (("a.gguf", "1"), ("b.gguf", "1"), ("c.gguf", "2")):
        assert command("--seed", seed, out=out) == 0
    a, b, c = (gguf.read(tmp_path / f"{name}.gguf", heads=HEADS, kv_heads=KV).matrices for name in "abc")
    assert all(np.array_equal(a[linear][side], b[linear][side]) for linear in a for side in (0, 1))
    assert not any(np.array_equal(a[linear][1], c[linear][1]) for linear in a)


# Going on


def test_an_adapter_can_be_gone_on_from_and_its_rank_and_alpha_hold(command: Callable[..., int], tmp_path: Path) -> None:
    assert command("--epochs", "4", "--lr", "0.03", "--rank", "3", "--alpha", "5", "--dropout", "0") == 0
    assert command("--init", str(tmp_path / "a.gguf"), "--lr", "1e-9", "--dropout", "0", out="b.gguf") == 0
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert (second["options"]["rank"], second["options"]["alpha"]) == (3, 5.0)
    assert second["init"] == first["adapter"]
    assert max(second["losses"]) < 1.05 * sum(first["losses"][-6:]) / 6 < 0.7 * first["losses"][0]
    a, b = (gguf.read(tmp_path / name, heads=HEADS, kv_heads=KV).matrices for name in ("a.gguf", "b.gguf"))
    for linear, (down, up) in a.items():
        np.testing.assert_allclose(b[linear][0], down, atol=1e-3)
        np.testing.assert_allclose(b[linear][1], up, atol=1e-3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_was_interrupted_goes_on_as_if_never_stopped(
    job: Callable[..., Job], tmp_path: Path, number: int
) -> None:
    before = signal.getsignal(number)
    train(job("whole.gguf"), silent)
    with pytest.raises(Interrupted, match=r"^interrupted after step 3 of 6; go on with the same command and --resume$"):
        train(job(), struck(number, "step 3/"), every=0)
    assert signal.getsignal(number) == before
    assert not (tmp_path / "a.gguf").exists()
    told: list[str] = []
    train(job(resume=True), told.append)
    assert "goes on after step 3" in told
    assert matrices_equal(tmp_path / "a.gguf", tmp_path / "whole.gguf")
    a, whole = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "whole.json"))
    assert (a["losses"], a["steps"], a["tokens"]) == (whole["losses"], whole["steps"], whole["tokens"])
    assert not job().checkpoint.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_understudy.training.settings import Job, Settings
from pytest_understudy.training.train import train

def say(line):
    if line.startswith("step 5/"):
        os.kill(os.getpid(), signal.SIGKILL)

data, model, out = map(Path, sys.argv[1:])
train(Job((data,), out, Settings(batch=2, epochs=2), model=str(model), checkpoint_every=2), say, every=0)
"""


def test_a_training_that_was_killed_goes_on_from_its_last_checkpoint(job: Callable[..., Job], tmp_path: Path) -> None:
    train(job("whole.gguf"), silent)
    paths = [str(path) for path in (job().data[0], job().model, job().out)]
    assert subprocess.run([sys.executable, "-c", KILLED, *paths], check=False).returncode == -signal.SIGKILL
    told: list[str] = []
    train(job(resume=True), told.append)
    assert "goes on after step 4" in told
    assert matrices_equal(tmp_path / "a.gguf", tmp_path / "whole.gguf")


def matrices_equal(one: Path, other: Path) -> bool:
    a, b = (gguf.read(path, heads=HEADS, kv_heads=KV).matrices for path in (one, other))
    return all(np.array_equal(a[linear][side], b[linear][side]) for linear in a for side in (0, 1))


def test_an_interruption_before_the_first_step_keeps_nothing(job: Callable[..., Job], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(job(), struck(signal.SIGINT, "6 steps"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.jsonl"]


def test_a_checkpoint_is_never_overwritten_unasked(job: Callable[..., Job]) -> None:
    job().checkpoint.write_bytes(b"dear to somebody")
    with pytest.raises(
        ConfigError, match=r"^--out: a training to a.gguf was interrupted; go on with --resume, or remove .* afresh$"
    ):
        train(job(), silent)
    with pytest.raises(ConfigError, match=r"^a.gguf.checkpoint: is no checkpoint that can be read; remove it and start afresh$"):
        train(job(resume=True), silent)
    assert job().checkpoint.read_bytes() == b"dear to somebody"


def test_a_checkpoint_of_other_options_or_data_is_refused_with_what_differs(job: Callable[..., Job]) -> None:
    with pytest.raises(Interrupted):
        train(job(), struck(signal.SIGINT, "step 2/"), every=0)
    with pytest.raises(ConfigError, match=r"^a.gguf.checkpoint: was made with other values of 'lr' and 'seed'; "):
        train(job(resume=True, settings={"lr": 0.1, "seed": 9}), silent)
    harbour(job().data[0], count=5)
    other = job(resume=True)
    harbour(other.data[0], count=5)
    with pytest.raises(ConfigError, match=r"^a.gguf.checkpoint: was made with other values of 'data'; "):
        train(other, silent)


# What is refused


def refused(status: int, capsys: pytest.CaptureFixture[str]) -> str:
    """The one text of an error, on stderr."""
    assert status == 2
    return capsys.readouterr().err.removeprefix("pytest-understudy: error: ").rstrip("\n")


def test_examples_that_are_too_long_are_named_or_left_out(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = written(tmp_path / "long.jsonl", [conversation("word " * 100, "berth 1"), conversation("hello", "berth 2")])
    text = refused(command("--max-tokens", "400", more=[long]), capsys)
    assert re.fullmatch(r"long.jsonl:1: is \d+ tokens long, over --max-tokens 400; shorten it, or leave .* --skip-long", text)
    assert command("--max-tokens", "400", "--skip-long", more=[long]) == 0
    assert "7 examples (1 longer ones left out): " in capsys.readouterr().err
    assert json.loads((tmp_path / "a.json").read_text())["skipped"] == 1
    text = refused(command("--max-tokens", "9", "--skip-long"), capsys)
    assert text == "--max-tokens: no example is as short as 9 tokens"


def test_the_holdouts_words_are_refused_and_nothing_is_trained(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = suite(tmp_path / "tasks.jsonl", "Two tugs comes in at 8")
    text = refused(command("--holdout", str(tasks)), capsys)
    assert text.startswith("data.jsonl:2: shares 'two tugs comes in at 8' with the holdout task 't0' (tasks.jsonl:1); ")
    assert not (tmp_path / "a.gguf").exists()


def test_a_loss_that_is_no_number_ends_the_training(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    text = refused(command("--lr", "1e30"), capsys)
    assert re.search(r"--lr: the loss is no number any more, at step \d; take a lower one$", text)


def test_an_adapter_of_another_model_cannot_be_gone_on_from(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = (np.zeros((2, 48), dtype=np.float32), np.zeros((48, 2), dtype=np.float32))
    gguf.write(tmp_path / "q.gguf", gguf.Lora({"blk.0.attn_q": pair}, 4.0), heads=HEADS, kv_heads=KV)
    text = refused(command("--init", str(tmp_path / "q.gguf")), capsys)
    assert text == "q.gguf: has nothing for blk.0.attn_k: only adapters of all linears can be gone on from"
    gguf.write(tmp_path / "k.gguf", gguf.Lora({"blk.0.attn_q": pair, "blk.0.attn_k": pair}, 4.0), heads=HEADS, kv_heads=KV)
    text = refused(command("--init", str(tmp_path / "k.gguf")), capsys)
    assert text == "k.gguf: is an adapter of another model: blk.0.attn_k is of another size"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("", r"m.gguf: the model has no chat template, so there is no telling how it is asked"),
        (
            "{{ raise_exception('no system, please') }}",
            r"data.jsonl:1: the model's chat template refuses these messages: no system, please",
        ),
        (
            "{% for message in messages %}{{ message['content'] | upper }}{% endfor %}",
            r"data.jsonl:1: the model's chat template changes the answer, so it cannot be learnt as it stands",
        ),
    ],
)
def test_a_chat_template_that_does_not_serve_is_an_error(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], template: str, complaint: str
) -> None:
    other = tiny_file(tmp_path / "m.gguf", template=template)
    assert refused(command("--model", str(other)), capsys).split("\n")[0] == complaint


def test_a_batch_beyond_the_memory_is_refused_with_the_way_out(model: Path) -> None:
    import torch

    from pytest_understudy.training.model import loaded

    llama, _ = loaded(model, torch.float32)
    assert memory.needed(llama, 11_264, 2000) > memory.needed(llama, 11_264, 1000) > 0
    with pytest.raises(
        ConfigError, match=r"^the largest batch, 9{12} tokens, needs about \d+\.\d GB of memory, and .* --batch takes less$"
    ):
        memory.checked(llama, 11_264, 10**12 - 1, 16)
    with pytest.raises(ConfigError, match=r"--max-tokens and --skip-long$"):
        memory.checked(llama, 11_264, 10**12 - 1, 1)


def test_a_folder_that_does_not_exist_is_found_before_anything_is_loaded(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.fullmatch(r"--out: there is no folder '.*nowhere'", refused(command(out="nowhere/a.gguf"), capsys))
    assert re.fullmatch(r"--init: no such file: n.gguf", refused(command("--init", "n.gguf"), capsys))
    assert re.fullmatch(r"--resume: there is no checkpoint to go on from: .*", refused(command("--resume"), capsys))
