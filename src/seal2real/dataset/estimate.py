"""What a run will take, from a few of its samples: nothing is written."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seal2real.dataset.engines.worker import default_workers, keep_memory, one_thread
from seal2real.dataset.formats.native import dump_row
from seal2real.dataset.generate import GenerateConfig, encode, load_context
from seal2real.dataset.store import local_path, plan_shards
from seal2real.errors import UsageError

PROBES = 5
_BLOCK = 4096  # bytes: what a small file takes on most disks


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        count: samples.
        shards: units of work.
        files: files of the finished dataset.
        workers: processes.
        seconds_per_sample: on one core, without the start.
        bytes_needed: on the disk, rounded up to its blocks.
        bytes_free: on the disk of the output; None for a URL.
    """

    count: int
    shards: int
    files: int
    workers: int
    seconds_per_sample: float
    bytes_needed: int
    bytes_free: int | None

    @property
    def seconds(self) -> float:
        """Of the whole run, if every worker has a core of its own."""
        return self.count * self.seconds_per_sample / self.workers

    @property
    def fits(self) -> bool:
        """Whether the disk has room enough, as far as that is known."""
        return self.bytes_free is None or self.bytes_needed <= self.bytes_free

    def lines(self) -> list[str]:
        """The same in words."""
        free = "" if self.bytes_free is None else f", {_bytes(self.bytes_free)} free"
        return [
            f"samples: {self.count} in {self.shards} shards",
            f"time: {_duration(self.seconds)} with {self.workers} workers ({self.seconds_per_sample:.2f} s a sample on "
            "one core, while other work goes on as now)",
            f"disk: {_bytes(self.bytes_needed)} needed in {self.files} files{free}"
            + ("" if self.fits else ": NOT ENOUGH"),
        ]


def estimate(config: GenerateConfig, out: Path | str, workers: int | None = None) -> Estimate:
    """Make a few samples, spread over the dataset, and count the time and the bytes.

    Args:
        config: what is to be made.
        out: where to; only the free space there is looked at.
        workers: None for one per core.

    Raises:
        UsageError: ``workers`` is below 1.
        Seal2RealError: the config cannot be used, or a sample fails.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be at least 1")
    context = load_context(config)
    keep_memory()
    count = min(PROBES, config.count)
    indices = np.linspace(0, config.count - 1, count).astype(int).tolist()
    size = files = 0
    with one_thread():
        encode(config, indices[0], context)  # fonts and caches are filled once
        start = time.perf_counter()
        for index in indices:
            encoded = encode(config, index, context)
            sizes = [len(data) for data in encoded.files.values()]
            size += sum(-(-one // _BLOCK) * _BLOCK for one in sizes) + len(dump_row(encoded.row).encode())
            files += len(sizes)
        seconds = time.perf_counter() - start
    folder = local_path(out)
    return Estimate(
        count=config.count,
        shards=len(plan_shards(config.count)),
        files=round(files * config.count / count),
        workers=min(workers or default_workers(), len(plan_shards(config.count))),
        seconds_per_sample=seconds / count,
        bytes_needed=round(size * config.count / count),
        bytes_free=None if folder is None else shutil.disk_usage(_nearest(folder)).free,
    )


def _nearest(folder: Path) -> Path:
    """The folder itself, or the innermost one above it that exists."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.is_dir())


def _bytes(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit in ("bytes", "KB") else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
