"""Run shards on this machine: in this process, or in several of its own that may die without loss."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Protocol

import cv2

from seal2real.dataset.store import Shard, Store
from seal2real.errors import Seal2RealError

Progress = Callable[[int], None]  # called with the count of samples that were just finished
_FRUITLESS_RESTARTS = 3
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h


class Job(Protocol):
    """What a worker does; it travels to the workers by pickle."""

    def prepare(self) -> None:
        """Load what every sample needs; called once in each process, before the first shard."""

    def run(self, shard: Shard, store: Store, stopped: Callable[[], bool]) -> None:
        """Write a shard; give up between two samples when ``stopped()``."""


def run_shards(job: Job, shards: Sequence[Shard], store: Store, workers: int, progress: Progress) -> None:
    """Write the shards.

    Args:
        job: what to do with each.
        shards: those that are still missing.
        store: where to.
        workers: processes; 1 works in this one.
        progress: told of every finished shard.

    Raises:
        Seal2RealError: a sample failed, the disk is full, or workers keep dying. Finished shards stay.
    """
    if workers == 1:
        job.prepare()
        keep_memory()
        with _one_thread():
            for shard in shards:
                job.run(shard, store, lambda: False)
                progress(len(shard))
        return
    missing, fruitless = list(shards), 0
    while missing:
        try:
            _run_pool(job, missing, store, workers, progress)
            return
        except BrokenProcessPool:  # noqa: PERF203
            left = [shard for shard in missing if not store.has(shard)]
            fruitless = fruitless + 1 if len(left) == len(missing) else 0
            if fruitless == _FRUITLESS_RESTARTS:
                raise Seal2RealError(
                    "worker processes are killed again and again, most often for lack of memory; "
                    "continue with --resume and fewer --workers"
                ) from None
            missing = left


def _run_pool(job: Job, shards: Sequence[Shard], store: Store, workers: int, progress: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with _one_thread_in_children():
        executor = ProcessPoolExecutor(
            min(workers, len(shards)), mp_context=context, initializer=_start, initargs=(job, store, stop)
        )
        try:
            futures = {executor.submit(_run, shard): shard for shard in shards}
            for future in as_completed(futures):
                future.result()
                progress(len(futures[future]))
        except BaseException:
            stop.set()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """The state of a worker process."""

    job: Job
    store: Store
    stop: Event
    ready = False


def _start(job: Job, store: Store, stop: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says when to stop
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    keep_memory()
    _Worker.job, _Worker.store, _Worker.stop = job, store, stop


def _leave_with_parent() -> None:
    """A killed parent must not leave workers behind that wait, or write, for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(shard: Shard) -> None:
    if not _Worker.ready:  # here and not in the initializer, whose errors the pool would swallow
        _Worker.job.prepare()
        _limit_torch()
        _Worker.ready = True
    _Worker.job.run(shard, _Worker.store, _Worker.stop.is_set)


def keep_memory() -> None:
    """Tell glibc to keep freed memory in place of handing it back to the kernel.

    The forger works on arrays as large as the page; by default each is mapped, filled with zeros by the kernel and
    unmapped again, which takes more than half of the time of a forged page. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20)):
            mallopt(parameter, value)


def _limit_torch() -> int | None:
    """One thread for torch, so that sums run in one order whatever the machine. Returns the count before."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    before: int = torch.get_num_threads()
    torch.set_num_threads(1)
    return before


@contextmanager
def _one_thread() -> Iterator[None]:
    before_cv2, before_torch = cv2.getNumThreads(), _limit_torch()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before_cv2)
        if before_torch is not None:
            sys.modules["torch"].set_num_threads(before_torch)


@contextmanager
def _one_thread_in_children() -> Iterator[None]:
    """Environment for processes started meanwhile; libraries read it when they are loaded."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
