"""Forging a crop in one pass against 50 denoising passes of SDEdit (Meng et al. 2022) with the compact backbone.

python benchmarks/forging.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

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
from seal2real.seeding import rng_for

PASSES = 50
STRENGTH = 0.5


def main() -> None:
    """Time both, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forger", default="default", help="'default' or a RUN folder; random weights if not there")
    parser.add_argument("--size", type=int, default=256, help="side of the crop in pixels, a multiple of 16")
    parser.add_argument("--tile", type=int, help="side of SDEdit's tiles in pixels; none is what the backbone learned")
    parser.add_argument("--repeats", type=int, default=20, help="forgings; SDEdit runs a tenth of them, at least 2")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size = arguments.size
    page = drawn_samples(1, TemplatePages(150), 150, kinds=("company",))[0]
    sample = crop_sample(page, 0, size, rng_for(0, 0, "crop"))
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
    result = {
        "size": size,
        "forge_seconds": one_pass,
        "sdedit_seconds": fifty,
        "sdedit_passes": PASSES,
        "ratio": fifty / one_pass,
        "forger": forger.name,
        "forger_parameters": sum(p.numel() for p in forger.network.parameters()),
        "backbone_parameters": sum(p.numel() for p in backbone.parameters()),
    }
    print(f"{size} px crop, one core: forging {1000 * one_pass:.0f} ms, SDEdit with {PASSES} passes {fifty:.1f} s,")
    print(f"ratio {fifty / one_pass:.0f}")
    if arguments.out:
        write_atomic(arguments.out, (json.dumps(result, indent=1) + "\n").encode())


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
