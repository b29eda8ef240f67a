"""Stamped A4 pages per second on one core, with all labels and encoded: pasted against forged, and where the time goes.

Both are measured in one run, page by page in turn, so that their ratio holds on a busy machine too. Times are CPU
seconds of this process, which runs one thread; files are encoded but not written.

    python benchmarks/pages.py --forger default --count 30
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, TypeVar

import cv2
import torch
import typer
from rich.console import Console
from rich.table import Table

from seal2real.dataset.engines.worker import keep_memory
from seal2real.dataset.formats.native import encode_sample
from seal2real.errors import Seal2RealError
from seal2real.forger import load_forger
from seal2real.page import TemplatePages
from seal2real.press import stamp_page
from seal2real.seeding import rng_for

T = TypeVar("T")
WARM_UP = 3  # samples that are not counted: caches, memory
TYPESET = 60  # pages that are not counted: a worker reads each template and each font once in its life
PARTS = ("page", "stamp", "ink", "scan", "encode")


class Clock:
    """CPU seconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def measured(self, name: str, work: Callable[..., T]) -> Callable[..., T]:
        """``work``, with its time added to ``name``."""

        def timed(*args: object, **kwargs: object) -> T:
            start = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                self.spent[name] += time.process_time() - start

        return timed


def measure(forger_name: str, count: int, seed: int, dpi: int) -> tuple[dict[str, float], dict[str, float], float]:
    """CPU seconds per page and part, (pasted, forged), and the seals per page."""
    forger = load_forger(forger_name)
    if forger is None:
        raise Seal2RealError("nothing to compare with forger 'none'; give 'default', 'untrained' or a folder")
    pages = TemplatePages(dpi)
    clock = Clock()
    for index in range(TYPESET):
        pages.page(rng_for(seed, index, "warm-up"))
    press_ink = forger._ink_of
    seals = 0
    for index in range(-WARM_UP, count):
        if index == 0:
            clock.spent.clear()
            seals = 0
        number = index + WARM_UP
        page = clock.measured("page", pages.page)(rng_for(seed, number, "page"))
        sample = clock.measured("stamp", stamp_page)(page, rng_for(seed, number, "press"))
        clock.measured("encode pasted", encode_sample)(sample, number, "train")
        forger._ink_of = clock.measured("ink", press_ink)  # type: ignore[method-assign]
        forged = clock.measured("forge", forger.forge)(sample, rng_for(seed, number, "forge"))
        clock.measured("encode", encode_sample)(forged, number, "train")
        seals += len(sample.seals)
    spent = {name: seconds / count for name, seconds in clock.spent.items()}
    made = {"page": spent["page"], "stamp": spent["stamp"]}
    pasted = {**made, "encode": spent["encode pasted"]}
    ink = spent.get("ink", 0.0)
    return pasted, {**made, "ink": ink, "scan": spent["forge"] - ink, "encode": spent["encode"]}, seals / count


def main(
    forger: Annotated[str, typer.Option(help="'default', 'untrained' or the folder of a training run.")] = "default",
    count: Annotated[int, typer.Option(min=1, help="Pages to measure.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of the pages.")] = 0,
    dpi: Annotated[int, typer.Option(help="Resolution of the pages.")] = 200,
) -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    keep_memory()  # as the workers of `seal2real generate` do
    try:
        pasted, forged, seals = measure(forger, count, seed, dpi)
    except Seal2RealError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    table = Table(title=f"CPU milliseconds per page ({count} pages at {dpi} dpi, {seals:.1f} seals each, one core)")
    table.add_column("")
    for name in (*PARTS, "all"):
        table.add_column(name, justify="right")
    table.add_column("pages/s", justify="right")
    table.add_column("rate", justify="right")
    baseline = sum(pasted.values())
    for name, parts in (("pasted", pasted), (f"forged ({forger})", forged)):
        total = sum(parts.values())
        cells = [f"{1000 * parts[part]:.0f}" if part in parts else "-" for part in PARTS]
        table.add_row(name, *cells, f"{1000 * total:.0f}", f"{1 / total:.2f}", f"{baseline / total:.2f}")
    console = Console()
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
    console.print(f"rate: against pasted pages, in this run. Most memory held: {peak:.0f} MB")


if __name__ == "__main__":
    typer.run(main)
