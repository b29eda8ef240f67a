"""What every training loop here shares: configuration, exact resume, averaging over processes, metrics and pictures.

A step draws all its randomness from (seed, step, slot), where a slot is one micro-batch of one process. So a resumed run
repeats the undisturbed one, and N processes do what one process does with N times the accumulation.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import yaml
from torch import nn

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.weights import read_json, read_tensors, write_json, write_tensors

Config = TypeVar("Config")


def read_config(kind: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """A config dataclass from plain values.

    Raises:
        UsageError: on an unknown key, with the nearest known one.
    """
    import difflib

    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise UsageError(f"{where}: unknown key {key!r}; did you mean {near[0]!r}?")
    return kind(**values)


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


class Ema(nn.Module):
    """An exponential moving average of a module's parameters, with a short memory at the start (as in Karras et al. 2024)."""

    def __init__(self, module: nn.Module, decay: float = 0.999):
        super().__init__()
        import copy

        self.module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the module; ``step`` counts from 0."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for own, other in zip(self.module.parameters(), module.parameters(), strict=True):
            own.lerp_(other.detach().to(own.dtype), 1 - decay)
        for own, other in zip(self.module.buffers(), module.buffers(), strict=True):
            own.copy_(other)


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


class Run:
    """A training run's folder: ``config.yaml``, ``metrics.jsonl``, ``samples/``, ``state/`` and whatever the stage writes.

    Args:
        folder: where.
        config: dataclass of the run; compared with what is there at resume.
        resume: go on from the newest state, if there is one.
        main: whether this process writes.

    Raises:
        UsageError: the folder holds another run, or one and ``resume`` is not set, or the config differs.
    """

    def __init__(self, folder: Path, config: Any, resume: bool, main: bool = True, may_differ: tuple[str, ...] = ()):
        self.folder, self.main = folder, main
        values = {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(config).items()}
        path = folder / "config.yaml"
        if path.exists():
            if not resume:
                raise UsageError(f"{folder} already holds a run; add --resume to go on with it, or name another folder")
            found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            plain = yaml.safe_load(yaml.safe_dump(_plain(values)))
            for key in plain:
                if key not in may_differ and found.get(key) != plain[key]:
                    raise UsageError(f"{folder}: {key} was {found.get(key)!r} and is now {plain[key]!r}; a resumed run keeps it")
        elif main and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty and holds no run; name another folder")
        if main:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, yaml.safe_dump(_plain(values), sort_keys=False, allow_unicode=True).encode())

    def log(self, part: str, step: int, values: Mapping[str, float]) -> None:
        """Append one line of metrics."""
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
        """Write a resumable state; the one before it is removed only after this one is whole."""
        if not self.main:
            return
        folder = self.folder / "state" / f"{part}-{step:07d}"
        tensors = {f"{name}/{key}": value for name, m in modules.items() for key, value in m.state_dict().items()}
        groups = {}
        for name, optimizer in optimizers.items():
            state = optimizer.state_dict()
            groups[name] = state["param_groups"]
            for index, slots in state["state"].items():
                for key, value in slots.items():
                    tensors[f"{name}//{index}//{key}"] = torch.as_tensor(value)
        write_tensors(folder / "tensors.safetensors", {k: v.clone() for k, v in tensors.items()})
        write_json(folder / "optimizers.json", groups)
        write_json(self.folder / "state" / f"{part}.json", {"step": step, "folder": folder.name})
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
                    raise Seal2RealError(f"{folder}: the state does not fit this model ({str(error).splitlines()[0]})") from None
            groups = read_json(folder / "optimizers.json")
            for name, optimizer in optimizers.items():
                slots: dict[int, dict[str, torch.Tensor]] = {}
                for key, value in tensors.items():
                    parts = key.split("//")
                    if parts[0] == name and len(parts) == 3:
                        slots.setdefault(int(parts[1]), {})[parts[2]] = value
                optimizer.load_state_dict({"state": slots, "param_groups": groups[name]})
        self._drop_metrics(part, step)
        return step

    def _drop_metrics(self, part: str, step: int) -> None:
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


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def make_accelerator(precision: str, folder: Path, config: Any, resume: bool, may_differ: tuple[str, ...]) -> tuple[Any, Run]:
    """An accelerator and its run; TensorBoard is the tracker where it is installed. Precision "auto" is bf16."""
    from importlib.util import find_spec

    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    tracker = "tensorboard" if find_spec("tensorboard") else None
    accelerator = Accelerator(
        mixed_precision="bf16" if precision == "auto" else precision,
        log_with=tracker,
        project_config=ProjectConfiguration(project_dir=str(folder), logging_dir=str(folder / "logs")),
    )
    run = Run(folder, config, resume, accelerator.is_main_process, may_differ)
    accelerator.wait_for_everyone()
    if tracker:
        accelerator.init_trackers("tracker")
    return accelerator, run


class Budget:
    """Counts steps against limits of steps and of minutes (wall clock, this process's own)."""

    def __init__(self, steps: int, minutes: float | None):
        self.steps, self.seconds = steps, None if minutes is None else minutes * 60
        self.started = time.monotonic()

    def remaining(self, done: int) -> Iterator[int]:
        """Step numbers still to do, after ``done`` of them, until a limit is met."""
        for step in range(done, self.steps):
            if self.seconds is not None and time.monotonic() - self.started > self.seconds:
                return
            yield step
