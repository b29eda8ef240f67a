"""Work through the rows of ``metadata.jsonl``, in order, by this process or by several."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2

from seal2real.dataset.engines.worker import default_workers, keep_memory, one_thread_in_children
from seal2real.dataset.formats.native import METADATA, require_folder
from seal2real.dataset.store import WORK
from seal2real.errors import Seal2RealError, UsageError

_BATCH = 8  # rows that travel to a worker together
_FEW = 24  # rows up to which starting processes takes longer than it saves

Progress = Callable[..., None]
Result = TypeVar("Result")


def dataset_file(dataset: Path) -> Path:
    """The ``metadata.jsonl`` of a dataset.

    Raises:
        UsageError: no dataset there.
        Seal2RealError: it was never finished.
    """
    path = dataset / METADATA
    if path.is_file():
        return path
    require_folder(dataset)
    if (dataset / WORK).is_dir():
        raise Seal2RealError(
            f"{dataset} is not finished: its run was interrupted; go on with: seal2real generate {dataset} --resume "
            "and the same settings"
        )
    raise UsageError(f"{dataset} is no dataset: it has no {METADATA}; make one with: seal2real generate {dataset}")


def for_each_row(
    dataset: Path,
    work: Callable[[Path, int, bytes], Result],
    workers: int | None = None,
    progress: Progress = lambda done, total=None: None,
) -> Iterator[tuple[int, Result]]:
    """What ``work`` makes of every line, in the order of the file.

    Args:
        dataset: folder with ``metadata.jsonl``.
        work: called with the dataset, the number of the row from 0, and its line; it travels by pickle.
        workers: processes; None = one per core. Few rows are worked through here.
        progress: called with the count of rows just done and the count of all.

    Yields:
        (offset of the line in the file in bytes, result).

    Raises:
        UsageError: no dataset there, or ``workers`` below 1.
        Seal2RealError: it was never finished, or processes are killed.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be at least 1")
    path = dataset_file(dataset)
    total = _count_lines(path)
    progress(0, total)
    many = min(workers or default_workers(), -(-total // _BATCH)) if total > _FEW else 1
    job = _Job(dataset, work)
    for results in map(job.run, _batches(path)) if many == 1 else _in_processes(job, _batches(path), many):
        yield from results
        progress(len(results), total)


@dataclass(frozen=True)
class _Batch:
    first: int
    offset: int
    lines: list[bytes]


@dataclass(frozen=True)
class _Job(Generic[Result]):
    dataset: Path
    work: Callable[[Path, int, bytes], Result]

    def run(self, batch: _Batch) -> list[tuple[int, Result]]:
        results, offset = [], batch.offset
        for number, line in enumerate(batch.lines, batch.first):
            results.append((offset, self.work(self.dataset, number, line)))
            offset += len(line)
        return results


def _count_lines(path: Path) -> int:
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _batches(path: Path) -> Iterator[_Batch]:
    first, offset, lines = 0, 0, list[bytes]()
    with path.open("rb") as file:
        for line in file:
            lines.append(line)
            if len(lines) == _BATCH:
                yield _Batch(first, offset, lines)
                first, offset, lines = first + _BATCH, offset + sum(map(len, lines)), []
    if lines:
        yield _Batch(first, offset, lines)


def _in_processes(job: _Job[Result], batches: Iterator[_Batch], workers: int) -> Iterator[list[tuple[int, Result]]]:
    """Results in the order of the batches; only a few batches wait at a time, so that memory stays bounded."""
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[tuple[int, Result]]]] = deque()
    with one_thread_in_children():
        executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start)
        try:
            for batch in batches:
                waiting.append(executor.submit(job.run, batch))
                if len(waiting) > 3 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise Seal2RealError(
                "a process was killed, most often for lack of memory; try again with fewer --workers"
            ) from None
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C
    cv2.setNumThreads(1)
    keep_memory()
