"""Generate a dataset while workers and parents are killed at random, resume, and compare with an undisturbed run.

Each kill is SIGKILL, of a worker or of the parent, at a random moment after a random share of the shards; a killed
parent is started again with --resume. In the end both folders must hold the same files with the same bytes.

    python benchmarks/kill_resume.py --count 5000 --kills 20
    python benchmarks/kill_resume.py --count 5000 --kills 20 --engine ray
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from seal2real.dataset.store import WORK, plan_shards

_PARENT_SHARE = 0.35


def command(out: Path, options: list[str]) -> list[str]:
    """The command that is killed."""
    return [sys.executable, "-m", "seal2real.cli", "generate", str(out), "--preview=0", "--resume", *options]


def start(out: Path, options: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Begin or continue the run."""
    with log.open("wb") as stream:
        return subprocess.Popen(command(out, options), stdout=stream, stderr=stream)


def digest(folder: Path) -> dict[str, str]:
    """Every file's path and hash."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def descendants(parent: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                names[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (OSError, IndexError):
                continue
    below = {parent}
    while True:
        more = {pid for pid, above in parents.items() if above in below} - below
        if not more:
            return {pid: names[pid] for pid in below - {parent}}
        below |= more


def workers_of(parent: int) -> list[int]:
    """The processes that make samples: of multiprocessing, or of Ray. Ray's agents are not among them."""
    return [
        pid
        for pid, name in descendants(parent).items()
        if "multiprocessing.spawn" in name or name.startswith(("ray::_task", "ray::IDLE"))
    ]


def resident_mb(pid: int) -> float:
    """Memory that a process holds."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, IndexError, ValueError):
        return 0.0


def undisturbed(out: Path, options: list[str], shards: int) -> tuple[float, list[float]]:
    """Seconds that it took, and the largest worker's memory in each quarter of the run, in MB."""
    start, memory = time.monotonic(), [0.0] * 4
    process = subprocess.Popen(command(out, options))
    while process.poll() is None:
        quarter = min(4 * finished(out) // shards, 3)
        memory[quarter] = max([memory[quarter], *map(resident_mb, workers_of(process.pid) or [process.pid])])
        time.sleep(0.5)
    if process.returncode:
        raise typer.Exit(1)
    return time.monotonic() - start, memory


def finished(out: Path) -> int:
    """Shards that are there."""
    return len(list((out / WORK).glob("*.jsonl"))) if (out / WORK).is_dir() else 0


def disturbed(out: Path, options: list[str], kills: int, shards: int, rng: np.random.Generator) -> list[str]:
    """Run until it is done in spite of the kills. Returns who was killed."""
    moments = sorted(int(value) for value in rng.integers(0, max(1, int(0.95 * shards)), kills))
    victims: list[str] = []
    log = out.parent / "log"
    process = start(out, options, log)
    while True:
        if process.poll() is not None:
            if process.returncode == 0:
                return victims
            if process.returncode != -signal.SIGKILL:
                print(f"a run ended with status {process.returncode}: {log.read_text()[-500:]}", file=sys.stderr)
                raise typer.Exit(1)
            process = start(out, options, log)
        workers = workers_of(process.pid)
        if len(victims) < kills and workers and finished(out) >= moments[len(victims)]:
            time.sleep(float(rng.uniform(0.0, 1.0)))
            parent = bool(rng.random() < _PARENT_SHARE)
            victim = process.pid if parent else int(rng.choice(workers))
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            if parent:
                process.wait()
            victims.append("parent" if parent else "worker")
            print(
                f"{len(victims)} of {kills}: killed a {victims[-1]} after {finished(out)} of {shards} shards",
                flush=True,
            )
        time.sleep(0.05)


def main(
    count: Annotated[int, typer.Option(min=1, help="Samples.")] = 5000,
    kills: Annotated[int, typer.Option(min=0, help="Processes to kill.")] = 20,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=2, help="Worker processes.")] = 2,
    crops: Annotated[int, typer.Option(help="Side of the crops in pixels.")] = 128,
    dpi: Annotated[int, typer.Option(help="Resolution of the pages.")] = 72,
    forger: Annotated[str, typer.Option(help="none, untrained, default or the folder of a run.")] = "none",
    seed: Annotated[int, typer.Option(help="Seed of the dataset and of the kills.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to work.  [default: a temporary folder]")] = None,
) -> None:
    """Kill, resume, compare."""
    plain = [f"--count={count}", f"--seed={seed}", f"--crops={crops}", f"--dpi={dpi}", f"--forger={forger}"]
    options = [*plain, f"--engine={engine}", f"--workers={workers}"]
    shards = len(plan_shards(count))
    with tempfile.TemporaryDirectory(dir=out) as folder:
        whole, broken = Path(folder) / "undisturbed", Path(folder) / "disturbed"
        seconds, memory = undisturbed(whole, [*plain, f"--workers={workers}"], shards)
        print(f"undisturbed, local: {count} samples in {seconds:.0f} s")
        print(f"largest worker by quarter of the run: {', '.join(f'{size:.0f}' for size in memory)} MB")
        start = time.monotonic()
        victims = disturbed(broken, options, kills, shards, np.random.default_rng(seed))
        print(
            f"disturbed, {engine}: {victims.count('worker')} workers and {victims.count('parent')} parents killed, "
            f"{time.monotonic() - start:.0f} s"
        )
        before, after = digest(whole), digest(broken)
        if before != after:
            wrong = sorted(set(before.items()) ^ set(after.items()))
            print(f"DIFFERENT: {len(wrong)} entries, the first {wrong[0][0]}")
            raise typer.Exit(1)
        rows = (whole / "metadata.jsonl").read_text(encoding="utf-8").count("\n")
        print(f"equal: {len(before)} files, {rows} rows")
    if len(victims) < kills:
        print(f"only {len(victims)} of {kills} kills happened")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
