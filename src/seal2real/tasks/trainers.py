"""The tasks that can be trained, by name. A new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from seal2real.errors import UsageError
from seal2real.tasks.authenticity import train_authenticity
from seal2real.tasks.compare import train_comparer
from seal2real.tasks.fitting import FitConfig
from seal2real.tasks.lines import train_line_finder
from seal2real.tasks.recognise import train_recogniser
from seal2real.tasks.remove import train_remover
from seal2real.tasks.segment import train_segmenter


@dataclass(frozen=True)
class Trainer:
    """How a task is trained.

    Attributes:
        train: see `seal2real.tasks.models.UNetTraining.__call__`.
        default: settings where none are given.
    """

    train: Callable[..., Any]
    default: FitConfig

    def config(self, **given: Any) -> FitConfig:
        """The defaults, with those given that are not None.

        Raises:
            UsageError: a value out of range.
        """
        return replace(self.default, **{name: value for name, value in given.items() if value is not None})


TRAINERS = {
    "segment": Trainer(train_segmenter, train_segmenter.default),
    "remove": Trainer(train_remover, train_remover.default),
    "lines": Trainer(train_line_finder, train_line_finder.default),
    "recognise": Trainer(train_recogniser, FitConfig(batch=32, steps=8000, learning_rate=1e-3)),
    "authenticity": Trainer(train_authenticity, train_authenticity.default),
    "compare": Trainer(train_comparer, train_comparer.default),
}


def trainer_of(task: str) -> Trainer:
    """The trainer of a task.

    Raises:
        UsageError: there is none of that name.
    """
    if task not in TRAINERS:
        near = get_close_matches(task, TRAINERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(TRAINERS)}"
        raise UsageError(f"no task {task!r}; {hint}")
    return TRAINERS[task]
