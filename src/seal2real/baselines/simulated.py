"""Pasted seals through a hand-set simulator of press, scanner and camera: domain randomisation without learning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from seal2real.baselines.base import Baseline
from seal2real.forger.layered import VISIBLE_ABSORBANCE
from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.operators import gaussian_blur
from seal2real.physics.press_scan import InkNoise, ScanNoise, press_ink, scan
from seal2real.physics.simulator import random_dials
from seal2real.sample import Sample


class Simulated(Baseline):
    """See `simulated`."""

    kind = "simulated"
    layers = True

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample under one random scan, its ink with random effects."""
        return simulated(sample, rng)


@torch.no_grad()
def simulated(sample: Sample, rng: np.random.Generator) -> Sample:
    """Pasted seals through the hand-set simulator (`random_dials`): ink effects per seal, one scan for the crop."""
    height, width = sample.size
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    scale = torch.tensor([sample.page.dpi / 25.4])
    page = torch.from_numpy(np.ascontiguousarray(sample.page.image)).permute(2, 0, 1)[None].float() / 255
    sheet = random_dials(1, generator)
    is_scan = torch.tensor([knob.group == "scan" for knob in KNOBS])
    total = torch.zeros_like(page)
    seals = []
    for seal in sample.seals:
        settings = decode(torch.where(is_scan, sheet, random_dials(1, generator)))
        coverage = torch.from_numpy(seal.on_page(seal.inked, height, width))[None, None]
        base = torch.from_numpy(seal.absorbance)[None]
        ink = press_ink(coverage, base, settings, scale, InkNoise.draw(1, height, width, generator))
        total += ink
        passed = gaussian_blur(torch.exp(-ink.amax(1, keepdim=True)), settings["blur"] * scale)[0, 0]
        black = settings["black_level"]  # the rule of `forger.forge`: what shows on bare paper after the scan
        shown = (black + (1 - black) * passed) ** settings["gamma"] < float(np.exp(-VISIBLE_ABSORBANCE))
        visible = np.zeros(seal.coverage.shape, bool)
        window = seal.window(height, width)
        if window is not None:
            visible[window[1]] = shown.numpy()[window[0]]
        seals.append(replace(seal, visible=visible, authenticity="impression"))
    settings, noise = decode(sheet), ScanNoise.draw(1, height, width, generator)
    stamped, clean = (
        (scan(sheet_image, settings, scale, noise)[0].permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)
        for sheet_image in (page * torch.exp(-total), page)
    )
    ink_map = (1 - torch.exp(-total.amax(1)))[0].numpy()
    return replace(sample, stamped=stamped, clean=clean, ink=ink_map, seals=tuple(seals))
