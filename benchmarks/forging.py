"""Forging a crop in one pass against 50 denoising passes of SDEdit (Meng et al. 2022) with the compact backbone, and
crops per second with a process on every core.

    python benchmarks/forging.py
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from seal2real.dataset.engines.worker import keep_memory
from seal2real.errors import Seal2RealError
from seal2real.forger import Forger, load_forger
from seal2real.forger.layered import LayeredForger
from seal2real.images import write_atomic
from seal2real.page import TemplatePages
from seal2real.press import crop_sample
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.compact import CompactBackbone
from seal2real.prior.editing import sdedit
from seal2real.prior.prompts import Prompts
from seal2real.prior.sampling import SamplingSettings
from seal2real.report.variants import drawn_samples
from seal2real.sample import Sample
from seal2real.seeding import rng_for

PASSES = 50
STRENGTH = 0.5
_SECONDS = 12.0  # that a process forges for; they start within one or two
_WARM_UP = 5  # crops


def main() -> None:
    """Time both, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forger", default="default", help="'default' or a RUN folder; random weights if not there")
    parser.add_argument("--size", type=int, default=256, help="side of the crop in pixels, a multiple of 16")
    parser.add_argument("--tile", type=int, help="side of SDEdit's tiles in pixels; none is what the backbone learned")
    parser.add_argument("--repeats", type=int, default=20, help="forgings; SDEdit runs a tenth of them, at least 2")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that forge at the same time")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size = arguments.size
    sample = _sample(size)
    forger, backbone = _forger(arguments.forger), _backbone()
    prompts = Prompts.start(backbone)
    image = torch.from_numpy(sample.stamped).permute(2, 0, 1)[None].float() / 255
    # of the steps from full noise, SDEdit takes the share `strength`: 50 of 100
    settings = SamplingSettings(steps=round(PASSES / STRENGTH), solver="ddim", tile=arguments.tile)

    def edit(turn: int) -> None:
        sdedit(backbone, prompts, image, STRENGTH, torch.Generator().manual_seed(turn), settings)

    sdedit(backbone, prompts, image, STRENGTH, torch.Generator(), replace(settings, steps=2))  # warm up
    forger.forge(sample, rng_for(1, 0, "forge"))
    one_pass = seconds(lambda turn: forger.forge(sample, rng_for(1, turn, "forge")), arguments.repeats)
    fifty = seconds(edit, max(2, arguments.repeats // 10))
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        jobs = [(arguments.forger, size)] * arguments.processes
        rate = sum(pool.map(_rate, jobs, chunksize=1))
    result = {
        "size": size,
        "processes": arguments.processes,
        "crops_per_second": rate,
        "forge_seconds": one_pass,
        "sdedit_seconds": fifty,
        "sdedit_passes": PASSES,
        "ratio": fifty / one_pass,
        "forger": forger.name,
        "forger_parameters": sum(p.numel() for p in forger.network.parameters()),
        "backbone_parameters": sum(p.numel() for p in backbone.parameters()),
    }
    print(f"{size} px crop, one core: forging {1000 * one_pass:.0f} ms, SDEdit with {PASSES} passes {fifty:.1f} s,")
    print(f"ratio {fifty / one_pass:.0f}; {arguments.processes} processes: {rate:.1f} crops/s by the clock")
    if arguments.out:
        write_atomic(arguments.out, (json.dumps(result, indent=1) + "\n").encode())


def _sample(size: int) -> Sample:
    page = drawn_samples(1, TemplatePages(150), 150, kinds=("company",))[0]
    return crop_sample(page, 0, size, rng_for(0, 0, "crop"))


def _rate(job: tuple[str, int]) -> float:
    """Crops per second of this process, by the clock on the wall, while the others do the same."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_memory()
    forger, sample = _forger(job[0]), _sample(job[1])
    for turn in range(_WARM_UP):
        forger.forge(sample, rng_for(1, turn, "forge"))
    start, done = time.monotonic(), 0
    while (passed := time.monotonic() - start) < _SECONDS:
        forger.forge(sample, rng_for(1, done, "forge"))
        done += 1
    return done / passed


def seconds(work: Callable[[int], object], repeats: int) -> float:
    """Median CPU time of ``work(turn)``."""
    times = []
    for turn in range(repeats):
        start = time.process_time()
        work(turn + 1)
        times.append(time.process_time() - start)
    return statistics.median(times)


def _forger(name: str) -> Forger:
    try:
        forger = load_forger(name)
    except Seal2RealError:
        forger = None
    return forger or Forger(LayeredForger(), "random weights")  # as fast as trained ones


def _backbone() -> Backbone:
    try:
        return load_backbone("compact")
    except Seal2RealError:
        return CompactBackbone.create()


if __name__ == "__main__":
    main()
