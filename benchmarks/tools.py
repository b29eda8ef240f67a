"""Seconds that the tools for scans take on an A4 page at 200 dpi with one seal, beside the decoding of that page and a
colour threshold on it.

    python benchmarks/tools.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from seal2real.dataset.generate import GenerateConfig
from seal2real.dataset.samples import load_context, make_sample
from seal2real.images import encode_jpeg
from seal2real.physics.ink_measure import measure_ink
from seal2real.sample import Image
from seal2real.tasks.read import SealReader
from seal2real.tasks.remove import Remover
from seal2real.tasks.segment import Segmenter
from seal2real.tasks.verify import SealVerifier

GOALS = {"segment": 1.5, "remove, seals known": 2.0, "read, a seal": 1.0}


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median over repeats, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def page() -> Image:
    """A forged A4 page with one company seal."""
    config = GenerateConfig(count=1, seed=5, dpi=200, seals=1, kinds=("company",), press="riding=0,riding-unsigned=0")
    return make_sample(config, 0, load_context(config)).stamped


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    image = page()
    encoded = np.frombuffer(encode_jpeg(image), np.uint8)
    segmenter = Segmenter.from_pretrained()
    seals = segmenter.segment(image)
    reader, remover = SealReader(segmenter), Remover.from_pretrained(segmenter=segmenter)
    verifier = SealVerifier(segmenter)
    works: dict[str, Callable[[], object]] = {
        "decode the page": lambda: cv2.imdecode(encoded, cv2.IMREAD_COLOR),
        "colour threshold": lambda: measure_ink(image),
        "segment": lambda: segmenter.segment(image),
        "read, a seal": lambda: reader.read(image, seals[:1]),
        "verify, a page": lambda: verifier.verify(image),
        "remove, seals known": lambda: remover.remove(image, seals),
        "remove, a page": lambda: remover.remove(image),
    }
    table = Table("tool", "seconds", "goal", "against the colour threshold")
    baseline = seconds(works["colour threshold"], arguments.repeats)
    for name, work in works.items():
        taken = seconds(work, arguments.repeats)
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        table.add_row(name, f"{taken:.3f}", goal, f"{taken / baseline:.2f}")
    Console().print(table)
    print(f"{image.shape[1]} x {image.shape[0]} pixels, {len(seals)} seal(s) found, {arguments.threads} threads")


if __name__ == "__main__":
    main()
