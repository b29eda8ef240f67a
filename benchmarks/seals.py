"""Seals drawn per second, by kind, and pages typeset per second: what comes before stamping and forging.

Times are CPU seconds of this process, which runs one thread. A seal is a random design of its kind, drawn at a random
turn, with its outline, text lines and a polygon per character; kinds take turns.

    python benchmarks/seals.py --per-kind 40
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import platform
import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from seal2real.page import TemplatePages
from seal2real.seal import KINDS, draw, random_design
from seal2real.seeding import rng_for

_WARM_UP = 3  # seals of each kind, and pages, that are not counted: fonts, caches
_SEAL_MM = 42.0


def measure_seals(per_kind: int, dpi: int, seed: int) -> dict[str, np.ndarray]:
    """kind -> ``[per_kind, 3]``: CPU seconds, lines of text, and the longer side in millimetres."""
    kinds: dict[str, list[tuple[float, int, float]]] = {name: [] for name in KINDS}
    for number in range(per_kind + _WARM_UP):
        for name, made in kinds.items():
            rng = rng_for(seed, number, name)
            start = time.process_time()
            art = draw(random_design(rng, name), dpi, float(rng.normal(0.0, 5.0)))
            made.append((time.process_time() - start, len(art.lines), max(art.size_mm)))
    return {name: np.array(made[_WARM_UP:]) for name, made in kinds.items()}


def measure_pages(count: int, dpi: int, seed: int) -> np.ndarray:
    """``[count]`` CPU seconds per page."""
    pages, seconds = TemplatePages(dpi), []
    for number in range(count + _WARM_UP):
        start = time.process_time()
        pages.page(rng_for(seed, number, "page"))
        seconds.append(time.process_time() - start)
    return np.array(seconds[_WARM_UP:])


def seal_table(kinds: dict[str, np.ndarray], dpi: int) -> Table:
    """A row per kind, and the means over kinds."""
    count = len(next(iter(kinds.values())))
    table = Table(title=f"Seals drawn at {dpi} dpi, {count} of each kind, one core")
    for name in ("kind", "mm", "lines", "ms CPU", "10 % .. 90 %", "seals/s", "lines/s"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for name, made in kinds.items():
        seconds, lines, size = made.mean(axis=0)
        low, high = np.percentile(made[:, 0], [10, 90])
        spread = f"{1000 * low:.2f} .. {1000 * high:.2f}"
        rates = f"{1 / seconds:.0f}", f"{lines / seconds:.0f}"
        table.add_row(name, f"{size:.0f}", f"{lines:.1f}", f"{1000 * seconds:.2f}", spread, *rates)
    table.add_section()
    means = np.array([made.mean(axis=0) for made in kinds.values()])
    round_ones = np.abs(means[:, 2] - _SEAL_MM) < 4
    shares = np.array([KINDS[name].share for name in kinds])
    rows = (
        ("all kinds alike", np.ones(len(kinds))),
        ("by their shares", shares),
        (f"kinds of about {_SEAL_MM:.0f} mm", round_ones.astype(float)),
    )
    for name, weights in rows:
        seconds, lines, size = weights @ means / weights.sum()
        rates = f"{1 / seconds:.0f}", f"{lines / seconds:.0f}"
        table.add_row(name, f"{size:.0f}", f"{lines:.1f}", f"{1000 * seconds:.2f}", "", *rates)
    return table


def processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main(
    per_kind: Annotated[int, typer.Option(min=1, help="Seals of each kind.")] = 40,
    pages: Annotated[int, typer.Option(min=1, help="Pages.")] = 30,
    dpi: Annotated[int, typer.Option(help="Resolution.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the designs and pages.")] = 0,
) -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    console = Console(width=max(Console().width, 100))
    console.print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(seal_table(measure_seals(per_kind, dpi, seed), dpi))
    seconds = measure_pages(pages, dpi, seed)
    console.print(
        f"A4 pages typeset at {dpi} dpi, with a box per character: {1000 * seconds.mean():.0f} ms CPU "
        f"(standard deviation {1000 * seconds.std():.0f}), {1 / seconds.mean():.1f} a second ({pages} pages)"
    )


if __name__ == "__main__":
    typer.run(main)
