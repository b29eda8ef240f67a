"""Rate and memory of `seal2real generate` with one worker and with more: whole runs, by the clock on the wall.

Each run is a process of its own, as a user starts it. Runs with few and with many workers take turns (1 2, 2 1, ...),
so that a machine that slows down does so for both. "rate" leaves out the start: it counts from the first shard that is
written to the last. "apart" is what the machine allows: as many commands of one worker each at the same time, each with
a dataset of its own, with nothing in common but cores, caches and memory. "busy" is the share of the workers' time on
the wall that they computed: well below 100 % means that something else had the cores, and then the ratio says nothing.

    python benchmarks/workers.py --count 400
    python benchmarks/workers.py --count 400 --crops 512
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kill_resume import command, finished, resident_mb, workers_of
from seal2real.dataset.store import plan_shards

_LOOK_EVERY = 0.25  # seconds
_LOOKS = 12  # between looks at the own shares, which take the kernel some 10 ms
_GOAL_MB = 700.0


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        workers: processes that made samples.
        seconds: from start to end.
        rate: samples a second between the first and the last shard.
        cpu: CPU seconds of all processes, start included.
        peaks: most memory that each worker held, in MB.
        shares: most that each worker held when pages that several processes hold (libraries) count by their share.
        quarters: most that any worker held in each quarter of the run, in MB.
    """

    workers: int
    seconds: float
    rate: float
    cpu: float
    peaks: tuple[float, ...]
    shares: tuple[float, ...]
    quarters: tuple[float, ...]

    @property
    def busy(self) -> float:
        """Share of the workers' time in which they computed."""
        return self.cpu / (self.seconds * self.workers)


def peak_mb(pid: int) -> float:
    """The most memory that a process has held so far; 0 where it is gone or nobody tells."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def share_mb(pid: int) -> float:
    """The memory that a process holds, with what others hold too counted by its share; 0 where nobody tells."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def measured(out: Path, options: list[str], count: int, workers: int) -> Run:
    """Generate, and look on."""
    shards = plan_shards(count)
    marks: list[tuple[float, int]] = []  # when a look found more shards
    peaks: dict[int, float] = {}
    shares: dict[int, float] = {}
    quarters = [0.0] * 4
    looks = 0
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        process = subprocess.Popen(command(out, [*options, f"--workers={workers}"]), stdout=log, stderr=log)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            done = finished(out)
            if done > (marks[-1][1] if marks else 0):
                marks.append((time.monotonic(), done))
            for worker in workers_of(process.pid) or [process.pid]:  # one worker is the command itself
                peaks[worker] = max(peaks.get(worker, 0.0), peak_mb(worker))
                if looks % _LOOKS == 0:
                    shares[worker] = max(shares.get(worker, 0.0), share_mb(worker))
                quarter = min(4 * done // len(shards), 3)
                quarters[quarter] = max(quarters[quarter], resident_mb(worker))
            looks += 1
            time.sleep(_LOOK_EVERY)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            print(log.read().decode(errors="replace")[-2000:], file=sys.stderr)
            raise typer.Exit(1)
    rate = count / seconds
    if len(marks) > 1 and marks[-1][0] > marks[0][0]:
        size = len(shards[0])
        rate = (marks[-1][1] - marks[0][1]) * size / (marks[-1][0] - marks[0][0])
    # the parent of several is not among the largest
    most, own = (tuple(sorted(values.values(), reverse=True)[:workers]) for values in (peaks, shares))
    return Run(workers, seconds, rate, usage.ru_utime + usage.ru_stime, most, own, tuple(quarters))


def apart(folder: Path, options: list[str], count: int, commands: int) -> float:
    """Samples a second of several commands of one worker each, run at the same time."""
    targets = [folder / f"apart{index}" for index in range(commands)]
    with ThreadPoolExecutor(commands) as threads:
        made = list(threads.map(lambda target: measured(target, options, count, 1), targets))
    for target in targets:
        shutil.rmtree(target)
    return sum(run.rate for run in made)


def main(
    count: Annotated[int, typer.Option(min=1, help="Samples of each run; 200 or more for a figure that holds.")] = 400,
    crops: Annotated[int, typer.Option(min=0, help="Side of the crops in pixels; 0 makes whole pages.")] = 0,
    dpi: Annotated[int, typer.Option(help="Resolution of the pages.")] = 200,
    forger: Annotated[str, typer.Option(help="none, untrained, default or the folder of a run.")] = "default",
    workers: Annotated[int, typer.Option(min=2, help="Compared with one.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the dataset.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to work.  [default: a temporary folder]")] = None,
) -> None:
    """Run, and print the table."""
    options = [f"--count={count}", f"--seed={seed}", f"--dpi={dpi}", f"--forger={forger}"]
    options += [f"--crops={crops}"] if crops else []
    runs: dict[int, list[Run]] = {1: [], workers: []}
    ceilings: list[float] = []
    with tempfile.TemporaryDirectory(dir=out) as folder:
        for turn in range(repeats):
            for number in (1, workers) if turn % 2 == 0 else (workers, 1):
                target = Path(folder) / "dataset"
                runs[number].append(measured(target, options, count, number))
                shutil.rmtree(target)
            ceilings.append(apart(Path(folder), options, count, workers))
    what = f"crops of {crops} px" if crops else f"A4 pages at {dpi} dpi"
    table = Table(title=f"seal2real generate, {count} {what}, forger {forger}, {repeats} runs each")
    for name in ("workers", "seconds", "samples/s", "rate", "ms CPU", "busy"):
        table.add_column(name, justify="right")
    for name in ("MB per worker", "own share", "by quarter"):
        table.add_column(name, justify="right")
    for number, made in runs.items():
        table.add_row(
            str(number),
            " ".join(f"{run.seconds:.1f}" for run in made),
            f"{count / median(run.seconds for run in made):.2f}",
            f"{median(run.rate for run in made):.2f}",
            f"{1000 * median(run.cpu for run in made) / count:.0f}",
            f"{median(run.busy for run in made):.0%}",
            " ".join(f"{peak:.0f}" for peak in map(max, zip(*(run.peaks for run in made), strict=False))),
            " ".join(f"{peak:.0f}" for peak in map(max, zip(*(run.shares for run in made), strict=False))),
            " ".join(f"{value:.0f}" for value in map(max, zip(*(run.quarters for run in made), strict=True))),
        )
    console = Console(width=max(Console().width, 120))
    console.print(table)
    few, many = runs[1], runs[workers]
    whole = median(run.seconds for run in few) / median(run.seconds for run in many)
    steady = median(run.rate for run in many) / median(run.rate for run in few)
    console.print(
        f"{workers} workers against 1: {steady:.2f} times the rate, {whole:.2f} with the start of the program."
    )
    allowed = median(ceilings) / median(run.rate for run in few)
    console.print(
        f"{workers} commands of one worker, apart: {allowed:.2f} times; one run of {workers} workers reaches "
        f"{steady / allowed:.0%} of what the machine allows."
    )
    console.print("Own share: pages of libraries that several workers hold count by their share (Pss).")
    heaviest = max(peak for made in runs.values() for run in made for peak in run.peaks)
    console.print(f"The heaviest worker held {heaviest:.0f} MB ({'under' if heaviest < _GOAL_MB else 'over'} 700).")


if __name__ == "__main__":
    typer.run(main)
