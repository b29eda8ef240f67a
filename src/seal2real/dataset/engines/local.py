"""Shards on this machine: in this process, or in several of its own that may die without loss."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext

import cv2

from seal2real.dataset.engines.worker import (
    Deaths,
    Job,
    Outcome,
    Trouble,
    default_workers,
    keep_memory,
    one_thread,
    one_thread_in_children,
    serve,
)
from seal2real.dataset.store import Shard, Store

_PATIENCE = 5.0  # seconds that workers have to leave by themselves, in which most finish their sample


def run_local(job: Job, shards: Sequence[Shard], store: Store, workers: int | None) -> Iterator[Outcome]:
    """Make the shards; see `seal2real.dataset.engines.run_shards`."""
    workers = min(workers or default_workers(), len(shards))
    if workers > 1:
        yield from _run_processes(job, shards, store, workers)
        return
    job.prepare()
    keep_memory()
    with one_thread():
        for shard in shards:
            yield Outcome(shard, job.run(shard, store, lambda: False))


class _Worker:
    """A process and what it is at."""

    def __init__(self, context: SpawnContext, job: Job, store: Store, shard: Shard):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, job, store), daemon=True)
        self.process.start()
        theirs.close()  # so that its death closes the pipe
        self.give(shard)

    def give(self, shard: Shard) -> None:
        """Set it to work."""
        self.shard = shard
        with contextlib.suppress(OSError):  # dead already; the pipe's end says so at the next turn
            self.pipe.send(shard)

    def answer(self) -> Outcome | Trouble | None:
        """What it sent; None if it has died."""
        try:
            reply: Outcome | Trouble = self.pipe.recv()
            return reply
        except (EOFError, OSError):
            return None


def _run_processes(job: Job, shards: Sequence[Shard], store: Store, count: int) -> Iterator[Outcome]:
    context = multiprocessing.get_context("spawn")
    waiting, deaths = deque(shards), Deaths()
    working: dict[Connection, _Worker] = {}
    with one_thread_in_children():
        try:
            while waiting or working:
                while waiting and len(working) < count:
                    worker = _Worker(context, job, store, waiting.popleft())
                    working[worker.pipe] = worker
                for ready in wait(list(working)):
                    worker = working[ready]  # type: ignore[index]
                    reply = worker.answer()
                    if reply is None:
                        del working[ready]  # type: ignore[arg-type]
                        worker.process.join()
                        waiting.appendleft(worker.shard)
                        deaths.add(worker.shard, _cause(worker.process.exitcode))
                        continue
                    if isinstance(reply, Trouble):
                        reply.raise_here()
                        continue
                    if waiting:
                        worker.give(waiting.popleft())
                    else:
                        del working[ready]  # type: ignore[arg-type]
                        worker.pipe.close()
                    yield reply
        finally:
            _dismiss(list(working.values()))


def _dismiss(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()  # they look at it between two samples
    deadline = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"killed by signal {-exitcode}"
    return f"exit status {exitcode}"


def _work(pipe: Connection, job: Job, store: Store) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says when to stop
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    keep_memory()
    with contextlib.suppress(EOFError, OSError):  # the parent has closed the pipe: no more work
        while True:
            shard = pipe.recv()
            # The parent sends nothing while a shard is made: whatever can be read then is the end of the pipe.
            pipe.send(serve(job, store, shard, pipe.poll))


def _leave_with_parent() -> None:
    """A killed parent must not leave workers behind that write for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
