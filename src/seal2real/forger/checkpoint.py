"""Validation while a forger trains: the best checkpoint is kept, and a run that has gone wrong is stopped."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.prior.training import Run
from seal2real.weights import load_into, read_json, save_module, write_json

log = logging.getLogger(__name__)
Network = TypeVar("Network", bound=nn.Module)
Validate = Callable[[Any], dict[str, float]]  # a network to values; "kid" is what checkpoints are chosen by
LEAST_CHANGE = 0.01  # mean absolute difference from the pasted image, 0..1: below it nothing was learned
_STOPPED = 2.0
LEAST_VARIETY = 0.002  # standard deviation over impressions of one seal, 0..1: below it the noise is ignored


class Checkpoints:
    """Judges the averaged forger from time to time and keeps the best of them in ``RUN/best``.

    Args:
        run: the run.
        validate: called in the main process with a copy of the network.
        every: steps between judgements.
        patience: judgements without a better one until the run stops; None for no such stop.
        accelerator: for runs of several processes.
        stage: name of the training in the run's states. The best checkpoint is that of all rounds.
    """

    def __init__(
        self,
        run: Run,
        validate: Validate | None,
        every: int,
        patience: int | None,
        accelerator: Any,
        stage: str = "stage2",
    ):
        self._stage = stage
        self.part = stage.replace("stage2", "validation")  # of the run's metrics
        self._run, self._validate, self._every, self._patience = run, validate, every, patience
        self._accelerator, self._able = accelerator, True
        self._folder = run.folder / "best"
        self._note = run.folder / "best.json"

    def look(self, step: int, network: nn.Module) -> bool:
        """Judge the network if its turn has come; whether the run is to stop for lack of progress.

        Raises:
            Seal2RealError: it learned nothing, or lost all variety; the best checkpoint is kept. In all processes.
        """
        if self._validate is None or step % self._every:
            return False
        late, error = 0.0, None
        if self._accelerator.is_main_process and self._able:
            try:
                late = float(self._judge(step, network))
            except Seal2RealError as wrong:  # the others wait for word of it
                late, error = _STOPPED, wrong
        if self._accelerator.num_processes > 1:
            late = float(self._accelerator.reduce(torch.tensor(late, device=self._accelerator.device), "sum"))
        if late == _STOPPED:
            raise error or Seal2RealError(f"step {step}: the main process has stopped this run and says why")
        return late > 0

    def best_of(self, network: Network) -> Network:
        """The network with the best checkpoint's weights; as it is where none was judged."""
        if self._validate is not None and self._note.is_file():
            load_into(network, self._folder / "model.safetensors")
        return network

    def _judge(self, step: int, network: nn.Module) -> bool:
        assert self._validate is not None
        try:
            values = self._validate(copy.deepcopy(network))
        except Seal2RealError as error:  # too few real seals to compare with: the run itself is none the worse
            log.warning("without validation: %s", error)
            self._able = False
            return False
        self._run.log(self.part, step, values)
        best = read_json(self._note) if self._note.is_file() else None
        if best is None or values["kid"] < best["kid"]:
            save_module(network, self._folder, network.config)  # type: ignore[arg-type]
            best = {"step": step, **values}
            if self._stage != "stage2":
                best["stage"] = self._stage
            write_json(self._note, best)
        self._check(step, values)
        since = int(best["step"]) if best.get("stage", "stage2") == self._stage else 0
        return self._patience is not None and step - since >= self._patience * self._every

    def _check(self, step: int, values: dict[str, float]) -> None:
        if step < 2 * self._every:
            return
        what = ""
        if values.get("change", 1.0) < LEAST_CHANGE:
            what = f"forged images hardly differ from pasted ones ({values['change']:.4f}); raise the learning rate"
        elif values.get("variety", 1.0) < LEAST_VARIETY:
            what = (
                f"all impressions of a seal look alike ({values['variety']:.4f}); lower the learning rate or raise "
                "variety_weight"
            )
        if what:
            stage = self._stage.replace("-", ", ").replace("stage2", "stage 2")
            raise Seal2RealError(
                f"{self._run.folder}: {stage} stopped at step {step}, {what}; the best checkpoint is in {self._folder}"
            )
