"""What happens inside a worker, whichever engine started it."""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

from seal2real.dataset.store import Shard, Store
from seal2real.errors import Seal2RealError, UsageError

MAX_DEATHS = 5  # of workers over one shard, before the run gives up
_MUCH_MEMORY = 500 << 20  # bytes
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h


@dataclass(frozen=True)
class Failure:
    """A sample that could not be made.

    Attributes:
        index: its number.
        error: why, in one line.
        trace: the traceback.
    """

    index: int
    error: str
    trace: str = ""


@dataclass(frozen=True)
class Outcome:
    """A shard that is written, but for the samples that failed."""

    shard: Shard
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """An error on its way from a worker to the parent: plain strings, as not every exception survives a pickle."""

    kind: str  # "usage", "failure" or "bug"
    message: str

    def raise_here(self) -> None:
        """Raise it again."""
        raise {"usage": UsageError, "failure": Seal2RealError}.get(self.kind, RuntimeError)(self.message)


class Job(Protocol):
    """What a worker does; it travels to the workers by pickle."""

    def prepare(self) -> None:
        """Load what every sample needs; called before the first shard, and quick when called again."""

    def run(self, shard: Shard, store: Store, stopped: Callable[[], bool]) -> tuple[Failure, ...]:
        """Write a shard; give up between two samples when ``stopped()``. Returns the samples that failed."""


def serve(job: Job, store: Store, shard: Shard, stopped: Callable[[], bool]) -> Outcome | Trouble:
    """Make one shard in a worker process."""
    try:
        job.prepare()
        limit_torch()
        return Outcome(shard, job.run(shard, store, stopped))
    except UsageError as error:
        return Trouble("usage", str(error))
    except Seal2RealError as error:
        return Trouble("failure", str(error))
    except Exception:
        return Trouble("bug", traceback.format_exc())


class Deaths:
    """Counts the workers that died over each shard."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, shard: Shard, reason: str) -> None:
        """One more.

        Raises:
            Seal2RealError: too many for this shard.
        """
        self._counts[shard.number] += 1
        if self._counts[shard.number] >= MAX_DEATHS:
            raise Seal2RealError(
                f"samples {shard.start} to {shard.stop - 1}: {MAX_DEATHS} workers in turn died of them ({reason}), "
                "most often for lack of memory; continue with --resume and fewer --workers"
            )


def keep_memory() -> None:
    """Tell glibc to keep freed memory in place of handing it back to the kernel after every array.

    The forger works on arrays as large as the page; by default each is mapped, filled with zeros by the kernel and
    unmapped again, which takes up to half of the time of a forged page. `spare_memory` hands back what piles up. Other
    C libraries are left as they are.
    """
    # every size of seal makes its own convolutions; keeping a thousand of them takes 100 MB and saves no time
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0")
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20)):
            mallopt(parameter, value)


def spare_memory() -> None:
    """Hand freed memory back where this process holds much; after every few samples, for the kernel fills it with zeros
    again. Elsewhere than on Linux: nothing."""
    trim = _glibc("malloc_trim")
    if trim is None:
        return
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        held = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if held > _MUCH_MEMORY:
        trim(0)


def _glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def limit_torch() -> int | None:
    """One thread for torch, so that sums run in one order whatever the machine. Returns the count before."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    before: int = torch.get_num_threads()
    torch.set_num_threads(1)
    return before


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and torch of this process on one thread meanwhile."""
    before_cv2, before_torch = cv2.getNumThreads(), limit_torch()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before_cv2)
        if before_torch is not None:
            sys.modules["torch"].set_num_threads(before_torch)


@contextmanager
def one_thread_in_children() -> Iterator[None]:
    """Environment for processes started meanwhile; libraries read it when they are loaded."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def default_workers() -> int:
    """One worker per core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
