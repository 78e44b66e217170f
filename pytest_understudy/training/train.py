"""A training from files to files.

In: a Job. Out: an adapter as GGUF, and beside it the record of how it came about. On the way: what is about to happen and how far
it is, a line at a time, and checkpoints to go on from.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..endpoints.embedded import usable_cores
from ..endpoints.weights import weights_of
from ..errors import ConfigError, TaskErrors
from . import checkpoint, gguf, memory, record
from .batches import Encoded, batches, encoded, packed_size, shared_prefix
from .dataset import Example, all_examples, check_overlaps, holdout_tasks
from .lora import Learner, check_fits
from .model import compute_type, loaded
from .process import Interrupted, interruptible, peak_memory
from .settings import Job

TOLD = 10.0  # seconds between two lines of progress
RECENT = 10  # steps whose mean loss is told

Say = Callable[[str], None]


def train(job: Job, say: Say, every: float = TOLD) -> None:
    """Trains, writes job.out and job.record, and removes the checkpoint; progress is told every so many seconds.

    ConfigError or TaskErrors before anything is trained; Interrupted at SIGINT or SIGTERM, with a checkpoint of the last step.
    """
    _check_files(job)
    torch.set_num_threads(job.threads or usable_cores())
    model_file = weights_of(job.model, of="--model")
    files = all_examples(job.data)
    examples = [example for file in files for example in file]
    check_overlaps(examples, holdout_tasks(job.holdout))
    given = _given(job, files, model_file)
    training = _prepared(job, examples, model_file, say)
    training.run(every)
    learner = training.learner
    try:
        gguf.write(job.out, learner.lora(), heads=learner.llama.heads, kv_heads=learner.llama.kv_heads, name=job.out.stem)
        record.write(job.record, given | training.figures(), training.losses)
    except OSError as failure:
        raise ConfigError(
            f"cannot be written: {failure}; the training is kept, try again with --resume", at=job.out.name
        ) from failure
    job.checkpoint.unlink(missing_ok=True)
    say(f"wrote {job.out} and {job.record.name}")


class Training:
    """The loop over the batches, with what it has seen; `origin` is all that its weights come from."""

    def __init__(self, job: Job, learner: Learner, plan: Sequence[Sequence[Encoded]], origin: dict[str, Any], say: Say) -> None:
        self.job = job
        self.learner = learner
        self.plan = plan
        self.origin = origin
        self.say = say
        self.losses: list[float] = []
        self.seconds = 0.0
        self.tokens = 0
        self.skipped = 0

    def run(self, every: float = TOLD) -> None:
        """The steps that are left; Interrupted by a signal, after the last whole step was saved."""
        try:
            with interruptible() as signals:
                self._steps(signals.held, every)
        except KeyboardInterrupt:
            if self.learner.step == 0:
                raise Interrupted("interrupted before the first step was done; nothing was kept") from None
            self.save()
            step = f"step {self.learner.step} of {len(self.plan)}"
            raise Interrupted(f"interrupted after {step}; go on with the same command and --resume") from None

    def _steps(self, whole: Callable[[], Any], every: float) -> None:
        first, before, started, told = self.learner.step, self.seconds, time.monotonic(), -every
        for batch in self.plan[first:]:
            loss = self.learner.gradients(batch)
            if not math.isfinite(loss):
                raise ConfigError(f"the loss is no number any more, at step {self.learner.step + 1}; take a lower one", at="--lr")
            with whole():
                self.learner.learn()
                self.losses.append(loss)
                self.tokens += sum(example.size for example in batch)
                self.seconds = before + time.monotonic() - started
            done = self.learner.step == len(self.plan)
            if done or self.learner.step % self.job.checkpoint_every == 0:
                with whole():
                    self.save()  # at the end too: the adapter is not written yet
            if done or self.seconds - told >= every:
                told = self.seconds
                self.say(self._progress(first, self.seconds - before))

    def save(self) -> None:
        state = self.learner.state() | {"losses": self.losses, "seconds": self.seconds, "tokens": self.tokens}
        checkpoint.save(self.job.checkpoint, state, self.origin)

    def restore(self, state: dict[str, Any]) -> None:
        self.learner.restore(state)
        self.losses, self.seconds, self.tokens = state["losses"], state["seconds"], state["tokens"]

    def figures(self) -> dict[str, Any]:
        """What the record tells of the training itself."""
        return {
            "options": {
                **self.learner.settings.to_json(),
                "skip_long": self.job.skip_long,
                "checkpoint_every": self.job.checkpoint_every,
                "resume": self.job.resume,
                "threads": torch.get_num_threads(),
            },
            "skipped": self.skipped,
            "adapter": record.of_file(self.job.out),
            "compute": self.origin["compute"],
            "steps": self.learner.step,
            "tokens": self.tokens,
            "minutes": round(self.seconds / 60, 2),
            "peak_memory_mb": peak_memory() >> 20,
        }

    def _progress(self, first: int, seconds: float) -> str:
        step, steps = self.learner.step, len(self.plan)
        recent = self.losses[-RECENT:]
        speed = sum(example.size for batch in self.plan[first:step] for example in batch) / seconds
        left = seconds / (step - first) * (steps - step)
        return f"step {step}/{steps}  loss {sum(recent) / len(recent):.4f}  {speed:.0f} tokens/s  {_clock(left)} left"


def _prepared(job: Job, examples: Sequence[Example], model_file: Path, say: Say) -> Training:
    """Everything up to the first step, told; ConfigError or TaskErrors where it cannot be made."""
    llama, tokenizer = loaded(model_file, compute_type())
    fitting, long = encoded(examples, tokenizer, job.settings.max_tokens)
    if long and not job.skip_long:
        raise TaskErrors(long)
    if not fitting:
        raise ConfigError(f"no example is as short as {job.settings.max_tokens} tokens", at="--max-tokens")
    settings, init = job.settings, None
    if job.init is not None:
        init = gguf.read(job.init, heads=llama.heads, kv_heads=llama.kv_heads)
        check_fits(init, llama, at=job.init.name)
        settings = replace(settings, rank=init.rank, alpha=init.alpha)
    plan = [[fitting[number] for number in batch] for batch in batches(fitting, settings.batch, settings.epochs, settings.seed)]
    learner = Learner(llama, settings, len(plan), init)
    origin = {
        **settings.to_json(),
        "model": record.of_file(model_file)["sha256"],
        "init": record.of_file(job.init)["sha256"] if job.init else "",
        "data": checkpoint.data_digest(fitting),
        "compute": str(llama.compute).removeprefix("torch."),
    }
    training = Training(job, learner, plan, origin, say)
    training.skipped = len(long)
    for line in _plan_lines(fitting, training):
        say(line)
    say(memory.checked(llama, learner.trainable, max(packed_size(batch) for batch in plan), settings.batch))
    if job.resume:
        training.restore(checkpoint.load(job.checkpoint, origin))
        say(f"goes on after step {learner.step}")
    return training


def _check_files(job: Job) -> None:
    """What would otherwise be found out after the training: a place that cannot be written, a checkpoint that would be lost."""
    folder = job.out.parent
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {str(folder)!r}", at="--out")
    if not os.access(folder, os.W_OK) or job.out.is_dir():
        raise ConfigError(f"{job.out} cannot be written", at="--out")
    if job.init is not None and not job.init.is_file():
        raise ConfigError(f"no such file: {job.init}", at="--init")
    if job.resume and not job.checkpoint.is_file():
        raise ConfigError(f"there is no checkpoint to go on from: {job.checkpoint}; start without --resume", at="--resume")
    if not job.resume and job.checkpoint.exists():
        raise ConfigError(
            f"a training to {job.out.name} was interrupted; go on with --resume, or remove {job.checkpoint} and start afresh",
            at="--out",
        )


def _given(job: Job, files: Sequence[Sequence[Example]], model_file: Path) -> dict[str, Any]:
    """What the record tells of the files that went in, as they are now: a training takes long enough for them to change."""
    return {
        "data": [record.of_file(path, examples=len(file)) for path, file in zip(job.data, files, strict=True)],
        "holdout": [record.of_file(path) for path in job.holdout],
        "model": record.of_file(model_file),
        "init": record.of_file(job.init) if job.init else None,
    }


def _plan_lines(examples: Sequence[Encoded], training: Training) -> list[str]:
    sizes = [example.size for example in examples]
    share = sum(len(example.answer) for example in examples) / sum(sizes)
    left_out = f" ({training.skipped} longer ones left out)" if training.skipped else ""
    learner, plan = training.learner, training.plan
    shared = sum(shared_prefix(batch) for batch in plan) / len(plan)
    mean, longest, most = sum(sizes) / len(sizes), max(sizes), max(len(batch) for batch in plan)
    return [
        f"{len(examples)} examples{left_out}: {mean:.0f} tokens in the mean, {longest} in the longest, {share:.0%} are answers",
        f"{len(plan)} steps of {most} examples, which share their first {shared:.0f} tokens in the mean",
        f"{learner.trainable:,} weights learn, in {training.origin['compute']}, on {torch.get_num_threads()} threads",
    ]


def _clock(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
