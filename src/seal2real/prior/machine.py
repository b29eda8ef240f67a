"""The machine that a training runs on: processes and precision, tracker, optimiser, and what a stage costs."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seal2real.errors import UsageError

OPTIMIZERS = ("adamw", "adamw8bit")
TRACKERS = ("auto", "tensorboard", "wandb", "trackio", "none")
_WAIT = timedelta(hours=1)  # of one process for the others, as while the main one validates; then it is an error


def make_optimizer(kind: str, groups: list[dict[str, Any]], betas: tuple[float, float]) -> torch.optim.Optimizer:
    """AdamW, or its 8-bit form (Dettmers et al. 2022), which keeps a quarter of its memory.

    Args:
        kind: "adamw" or "adamw8bit".
        groups: of parameters.
        betas: decay of the two moments.

    Raises:
        UsageError: bitsandbytes is not installed, or does not load.
    """
    if kind == "adamw":
        return torch.optim.AdamW(groups, betas=betas)
    try:
        from bitsandbytes.optim import AdamW8bit
    except Exception as error:  # without its library for this machine it may raise anything
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(
            f"optimizer is 'adamw8bit', which needs bitsandbytes ({reason}); pip install bitsandbytes, or take 'adamw'"
        ) from None
    optimizer: torch.optim.Optimizer = AdamW8bit(groups, betas=betas)
    return optimizer


def make_accelerator(precision: str, folder: Path | None = None, tracker: str = "auto") -> Any:
    """An accelerator with its tracker, if ``folder`` is given.

    Args:
        precision: "no" (fp32), "bf16", or "auto": bf16 where the device has it.
        folder: the run's; logs go to ``folder/logs``.
        tracker: one of `TRACKERS`; "auto" is TensorBoard where that is installed.

    Raises:
        UsageError: the tracker is not installed.
    """
    from importlib.util import find_spec

    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import InitProcessGroupKwargs, ProjectConfiguration, is_bf16_available

    if precision == "auto":
        precision = "bf16" if is_bf16_available() else "no"
    if tracker == "auto":
        tracker = "tensorboard" if find_spec("tensorboard") else "none"
    elif tracker != "none" and not find_spec(tracker):
        raise UsageError(f"tracker {tracker!r} is not installed; pip install {tracker}, or take another or 'none'")
    tracking: dict[str, Any] = {}
    if folder is not None and tracker != "none":
        where = ProjectConfiguration(project_dir=str(folder), logging_dir=str(folder / "logs"))
        tracking = {"log_with": tracker, "project_config": where}
    AcceleratorState._reset_state()  # or a second training in this process could not have another precision
    # without cpu=True, processes on a machine without a GPU would not find each other
    return Accelerator(
        cpu=not torch.accelerator.is_available(),
        mixed_precision=precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=_WAIT)],
        **tracking,
    )


@dataclass(frozen=True)
class Cost:
    """What a stage took in this call.

    Attributes:
        steps: done in this call.
        seconds_per_step: the median.
        peak_memory_gib: of one process at most: on a GPU what torch allocated there, else the resident memory.
        device: "cuda", "cpu".
    """

    steps: int
    seconds_per_step: float
    peak_memory_gib: float
    device: str


class Meter:
    """Measures the steps of one stage: call `step` after each, then `cost`."""

    def __init__(self, accelerator: Any):
        self._accelerator = accelerator
        self._times: list[float] = []
        self._device = accelerator.device.type
        if self._device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        else:
            with suppress(OSError):  # Linux: the highest resident memory from here on
                Path("/proc/self/clear_refs").write_text("5")
        self._last = time.monotonic()

    def step(self) -> None:
        """A step is done."""
        now = time.monotonic()
        self._times.append(now - self._last)
        self._last = now

    def skip(self) -> None:
        """What came since the last step, such as pictures and saving, belongs to no step."""
        self._last = time.monotonic()

    def cost(self) -> Cost | None:
        """What the steps took, the same in every process; None without any."""
        if not self._times:
            return None
        peak = torch.cuda.max_memory_allocated() if self._device == "cuda" else _peak_resident()
        values = torch.tensor([float(np.median(self._times)), peak / 2**30], device=self._accelerator.device)
        if self._accelerator.num_processes > 1:
            values = self._accelerator.gather(values[None]).amax(0)
        seconds, memory = values.tolist()
        return Cost(len(self._times), round(seconds, 4), round(memory, 3), self._device)


def _peak_resident() -> float:
    """Highest resident memory of this process in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
        return 1024.0 * float(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        import resource

        return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
