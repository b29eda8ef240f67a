"""The training loop of all tasks."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from seal2real.prior.config import PRECISIONS, check_choices, check_positive, check_seed
from seal2real.prior.training import Budget, Ema, Log, Run, average_gradients, make_accelerator, start_run

Module = TypeVar("Module", bound=nn.Module)
Batch = dict[str, torch.Tensor]
Progress = Callable[[str, int, int, float], None]  # part, steps done, of, loss
MAY_DIFFER = ("minutes", "save_every", "steps")  # at resume
_AHEAD = 3  # batches that are made while the network learns


@dataclass(frozen=True)
class FitConfig:
    """Settings of a training."""

    steps: int = 3000  # optimiser steps at most
    minutes: float | None = None  # wall-clock limit of this call; None for none
    batch: int = 16  # examples per step and process
    learning_rate: float = 2e-3  # AdamW, after a linear warm-up, then along a half cosine to zero at the last step
    warmup: int = 100  # steps
    weight_decay: float = 0.01
    clip: float = 1.0  # largest norm of a step's gradient
    ema: float = 0.998  # decay of the moving average
    precision: str = "auto"  # "no" (fp32), "bf16", "auto" (bf16 where the device has it)
    save_every: float = 120.0  # seconds between states
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self, precision=PRECISIONS)
        check_seed(self)
        check_positive(self, "steps", "minutes", "batch", "learning_rate", "clip")


class Lesson(Protocol):
    """What a task brings to the loop."""

    @property
    def name(self) -> str:
        """Of the part, in metrics and progress."""

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """Examples; they depend on the generator alone. Called from another thread."""

    def loss(self, network: Any, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of a batch, and values for the log."""


def batch_of(examples: Sequence[dict[str, np.ndarray]]) -> Batch:
    """Examples stacked along a new first axis, name by name; all have the same names, shapes and types."""
    return {name: torch.from_numpy(np.stack([example[name] for example in examples])) for name in examples[0]}


def fit(
    network: Module,
    lesson: Lesson,
    config: FitConfig,
    folder: Path,
    resume: bool = False,
    progress: Progress | None = None,
) -> Module:
    """Train a network; the averaged one comes back.

    Step ``s`` draws from (seed, s, process) alone, so a resumed run repeats the undisturbed one.

    Args:
        network: with its first weights.
        lesson: batches and loss.
        config: settings.
        folder: of the run: config, metrics, and a state to resume from.
        resume: go on with the run in ``folder``.
        progress: called after each step.

    Raises:
        Seal2RealError: a loss that is not finite; the last good state is kept.
        UsageError: ``folder`` holds something else, or a run with other settings.
    """
    accelerator = make_accelerator(config.precision, folder, "none")
    run = Run(folder, config, resume, accelerator.is_main_process, MAY_DIFFER)
    start_run(accelerator, run)
    network = network.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = Ema(network, config.ema)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    modules, optimizers = {"network": network, "ema": ema.module}, {"adam": optimizer}
    done = run.load_state(lesson.name, modules, optimizers)
    budget = Budget(accelerator, config.steps, config.minutes)
    saved = time.monotonic()
    with _ahead(lesson, config, done, accelerator.process_index) as batches:
        for step in budget.remaining(done):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * rate(step, config.steps, config.warmup)
            batch = {name: tensor.to(accelerator.device) for name, tensor in next(batches).items()}
            with accelerator.autocast():
                loss, values = lesson.loss(network, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            average_gradients(accelerator, network.parameters())
            norm = nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            log = Log()
            log.add({"loss": float(loss.detach()), **values, "gradient": float(norm)})
            run.log(lesson.name, step + 1, log.averaged(accelerator))
            optimizer.step()
            ema.update(network, step)
            done = step + 1
            if progress:
                progress(lesson.name, done, config.steps, float(loss.detach()))
            if time.monotonic() - saved > config.save_every and done < config.steps:
                run.save_state(lesson.name, done, modules, optimizers)
                saved = time.monotonic()
    run.save_state(lesson.name, done, modules, optimizers)
    return ema.module


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the learning rate at a step (from 0): a linear rise, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


@contextmanager
def _ahead(lesson: Lesson, config: FitConfig, first: int, process: int) -> Iterator[Iterator[Batch]]:
    """Batches in order, made a little ahead by another thread."""

    def make(step: int) -> Batch:
        return lesson.batch(np.random.default_rng([config.seed, step, process]), config.batch)

    with ThreadPoolExecutor(1) as pool:

        def batches() -> Iterator[Batch]:
            waiting: deque[Future[Batch]] = deque()
            for step in range(first, config.steps):
                while len(waiting) < _AHEAD:
                    waiting.append(pool.submit(make, step + len(waiting)))
                yield waiting.popleft().result()

        try:
            yield batches()
        finally:
            pool.shutdown(cancel_futures=True)
