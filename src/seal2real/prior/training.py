"""What every training loop here shares: configuration, exact resume, averaging over processes, metrics and pictures.

A step draws all its randomness from (seed, step, slot), where a slot is one micro-batch of one process. So a resumed
run repeats the undisturbed one, and N processes do what one process does with N times the accumulation.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import yaml
from torch import nn

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.prior.config import plain, read_config_file
from seal2real.prior.machine import make_accelerator as make_accelerator
from seal2real.weights import read_json, read_tensors, write_json, write_tensors

Module = TypeVar("Module", bound=nn.Module)


@contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Networks made inside take their random weights from ``seed``; the global generator is put back afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


class Streams:
    """Random streams of one micro-batch: ``numpy`` for choices, ``torch`` for noise on the training device."""

    def __init__(self, seed: int, step: int, slot: int, device: torch.device | str = "cpu"):
        sequence = np.random.SeedSequence([seed, step, slot])
        self.numpy = np.random.default_rng(sequence)
        self.torch = torch.Generator(device=device)
        self.torch.manual_seed(int(self.numpy.integers(2**62)))

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal values on the device."""
        return torch.randn(*shape, generator=self.torch, device=self.torch.device)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Values in [0, 1) on the device."""
        return torch.rand(*shape, generator=self.torch, device=self.torch.device)

    def timesteps(self, count: int, low: float, high: float, steps: int) -> torch.Tensor:
        """``count`` timesteps, uniform in [low, high) * steps."""
        return (low * steps + self.uniform(count) * (high - low) * steps).long().clamp(0, steps - 1)


class Ema(Generic[Module]):
    """An exponential moving average of a module's parameters, with a short memory at the start (Karras et al. 2024)."""

    def __init__(self, module: Module, decay: float = 0.999):
        self.module: Module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: Module, step: int) -> None:
        """Move towards the module; ``step`` counts from 0."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for own, other in zip(self.module.parameters(), module.parameters(), strict=True):
            own.lerp_(other.detach().to(own.dtype), 1 - decay)
        for kept, new in zip(self.module.buffers(), module.buffers(), strict=True):
            kept.copy_(new)


def average_gradients(accelerator: Any, parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over processes in one message; nothing to do in a single process.

    Done by hand rather than by DistributedDataParallel, because one backward pass here runs through several networks of
    which only some are to move.
    """
    if accelerator.num_processes == 1:
        return
    parameters = [p for p in parameters if p.requires_grad]
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([p.grad.reshape(-1) for p in parameters])  # type: ignore[union-attr]
    flat = accelerator.reduce(flat, reduction="mean")
    for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = part.view_as(parameter).clone()


class Log:
    """Values of one step, averaged over its micro-batches and processes."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}

    def add(self, values: Mapping[str, float], share: float = 1.0) -> None:
        """Add ``share`` of these values."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + share * value

    def averaged(self, accelerator: Any) -> dict[str, float]:
        """The values, the same in every process."""
        if accelerator.num_processes == 1 or not self._sums:
            return dict(self._sums)
        values = torch.tensor(list(self._sums.values()), dtype=torch.float32, device=accelerator.device)
        return dict(zip(self._sums, accelerator.reduce(values, reduction="mean").tolist(), strict=True))


class Run:
    """A training run's folder: ``config.yaml``, ``metrics.jsonl``, ``samples/``, ``state/`` and what the stages write.

    Args:
        folder: where.
        config: dataclass of the run; compared with what is there at resume.
        resume: go on from the newest state, if there is one.
        main: whether this process writes.
        may_differ: keys that a resumed run may change.

    Attributes:
        done: steps done so far, by part.

    Raises:
        UsageError: the folder holds another run, or one and ``resume`` is not set, or the config differs.
    """

    def __init__(self, folder: Path, config: Any, resume: bool, main: bool = True, may_differ: tuple[str, ...] = ()):
        self.folder, self.main = folder, main
        self.done: dict[str, int] = {}
        self.values: dict[str, Any] = plain(dataclasses.asdict(config))
        path = folder / "config.yaml"
        if path.exists():
            if not resume:
                raise UsageError(f"{folder} already holds a run; add --resume to go on with it, or name another folder")
            found = read_config_file(path)
            for key, value in self.values.items():
                if key in found and key not in may_differ and found[key] != value:
                    raise UsageError(f"{folder}: {key} was {found[key]!r} and is now {value!r}; a resumed run keeps it")
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty and holds no run; name another folder")

    def write_config(self) -> None:
        """Make the folder and write ``config.yaml``; after every process has looked at what was there."""
        if self.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(self.values, sort_keys=False, allow_unicode=True)
            write_atomic(self.folder / "config.yaml", text.encode())

    def log(self, part: str, step: int, values: Mapping[str, float]) -> None:
        """Append one line of metrics.

        Raises:
            Seal2RealError: a value is not finite: training went wrong, and would go on wrong.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                raise Seal2RealError(
                    f"{self.folder}: {part} stopped at step {step}, {name} is {value}; lower the learning rates, and "
                    f"look at metrics.jsonl for where it began. {self._last_state(part)}"
                )
        if not self.main:
            return
        row = {"part": part, "step": step, **{name: round(float(value), 6) for name, value in values.items()}}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def picture(self, name: str, rows: list[torch.Tensor], zoom: int = 2) -> None:
        """Write a grid: each row ``[N, 3, H, W]`` in 0..1, all of one size."""
        if not self.main:
            return
        lines = [torch.cat(list(row.detach().cpu().float().clamp(0, 1)), -1) for row in rows]
        grid = torch.cat(lines, -2).repeat_interleave(zoom, -1).repeat_interleave(zoom, -2)
        pixels = (grid.permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)
        write_atomic(self.folder / "samples" / f"{name}.png", encode_png(pixels))

    def save_state(
        self, part: str, step: int, modules: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]
    ) -> None:
        """Write a resumable state; the one before it is removed only after this one is whole.

        Raises:
            Seal2RealError: a weight is not finite; the state before stays.
        """
        if not self.main:
            self.done[part] = step
            return
        folder = self.folder / "state" / f"{part}-{step:07d}"
        tensors = {f"{name}/{key}": value for name, m in modules.items() for key, value in m.state_dict().items()}
        groups = {}
        for name, optimizer in optimizers.items():
            state = optimizer.state_dict()
            groups[name] = state["param_groups"]
            for index, slots in state["state"].items():
                tensors.update({f"{name}//{index}//{key}": value for key, value in _flat(slots)})
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                raise Seal2RealError(
                    f"{self.folder}: {part} stopped at step {step}, {name} is not finite; lower the learning rates. "
                    f"{self._last_state(part)}"
                )
        write_tensors(folder / "tensors.safetensors", {k: v.clone() for k, v in tensors.items()})
        write_json(folder / "optimizers.json", groups)
        write_json(self.folder / "state" / f"{part}.json", {"step": step, "folder": folder.name})
        self.done[part] = step
        for old in (self.folder / "state").glob(f"{part}-*"):
            if old != folder:
                shutil.rmtree(old)

    def load_state(
        self, part: str, modules: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]
    ) -> int:
        """Fill modules and optimisers from the newest state; the number of steps done, 0 if there is none.

        Metrics beyond that step are dropped: they will be written again, the same.
        """
        pointer = self.folder / "state" / f"{part}.json"
        if not pointer.exists():
            step = 0
        else:
            found = read_json(pointer)
            step = int(found["step"])
            folder = self.folder / "state" / str(found["folder"])
            tensors = read_tensors(folder / "tensors.safetensors")
            for name, module in modules.items():
                prefix = f"{name}/"
                state = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix) and "//" not in k}
                try:
                    module.load_state_dict(state)
                except RuntimeError as error:
                    raise Seal2RealError(
                        f"{folder}: the state does not fit this model ({str(error).splitlines()[0]})"
                    ) from None
            groups = read_json(folder / "optimizers.json")
            for name, optimizer in optimizers.items():
                slots: dict[int, dict[str, Any]] = {}
                for key, value in tensors.items():
                    of, *place = key.split("//")
                    if of == name and place:
                        into: dict[Any, Any] = slots.setdefault(int(place[0]), {})
                        for level in place[1:-1]:
                            into = into.setdefault(level, {})
                        # what was a plain number is one again; torch's own step counts are floats
                        into[place[-1]] = value.item() if value.ndim == 0 and value.dtype == torch.int64 else value
                optimizer.load_state_dict({"state": slots, "param_groups": groups[name]})
        self.done[part] = step
        self.drop_metrics(part, step)
        return step

    def _last_state(self, part: str) -> str:
        pointer = self.folder / "state" / f"{part}.json"
        if not pointer.exists():
            return "No state was saved before"
        return f"The last good state, of step {read_json(pointer)['step']}, is kept"

    def drop_metrics(self, part: str, step: int) -> None:
        """Forget a part's metrics beyond ``step``."""
        path = self.folder / "metrics.jsonl"
        if not self.main or not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # the last line of a killed run may be cut
            if row["part"] != part or row["step"] <= step:
                kept.append(line)
        write_atomic(path, "".join(line + "\n" for line in kept).encode())


def _flat(slots: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """An optimiser's state of one parameter: tensors and numbers, in 8-bit optimisers one level further down too."""
    for key, value in slots.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}//{inner}", tensor) for inner, tensor in _flat(value))
        else:
            yield str(key), torch.as_tensor(value)


def start_run(accelerator: Any, run: Run) -> None:
    """Write the run's config and start its trackers, once every process has looked at what was there."""
    accelerator.wait_for_everyone()
    run.write_config()
    accelerator.wait_for_everyone()
    if accelerator.log_with:
        own = {"wandb": {"dir": str(run.folder), "name": run.folder.name}, "trackio": {"name": run.folder.name}}
        accelerator.init_trackers("seal2real", config=_scalars(run.values), init_kwargs=own)


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as every tracker takes them."""
    return {key: v if isinstance(v, int | float | str | bool) else str(v) for key, v in values.items()}


def drawing_workers(accelerator: Any) -> int | None:
    """Processes that each training process may draw its pool with: its share of the cores, None for all of them."""
    processes = int(accelerator.num_processes)
    return None if processes == 1 else max(1, (os.cpu_count() or 1) // processes)


class Budget:
    """Counts steps against limits of steps and of minutes (the main process's clock, so that all stop together)."""

    def __init__(self, accelerator: Any, steps: int, minutes: float | None):
        self.accelerator = accelerator
        self.steps, self.seconds = steps, None if minutes is None else minutes * 60
        self.started = time.monotonic()

    def remaining(self, done: int) -> Iterator[int]:
        """Step numbers still to do, after ``done`` of them, until a limit is met."""
        for step in range(done, self.steps):
            if self._late():
                return
            yield step

    def _late(self) -> bool:
        if self.seconds is None:
            return False
        late = time.monotonic() - self.started > self.seconds
        if self.accelerator.num_processes == 1:
            return late
        flag = torch.tensor(float(late and self.accelerator.is_main_process), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)
