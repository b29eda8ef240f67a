"""The same drawn seals made real in different ways, in memory: what a comparison of forgers compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from seal2real.dataset.generate import Context, GenerateConfig, make_sample
from seal2real.forger import Forger
from seal2real.forger.layered import VISIBLE_ABSORBANCE
from seal2real.page import PageSource
from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.operators import gaussian_blur
from seal2real.physics.press_scan import InkNoise, ScanNoise, press_ink, scan
from seal2real.physics.simulator import random_dials
from seal2real.press import crop_sample
from seal2real.report.protocol import SealCrop
from seal2real.report.sources import crop_seal
from seal2real.sample import Sample
from seal2real.seeding import rng_for

Variant = Callable[[Sample, np.random.Generator], Sample]
MARGIN_MM = 5.0  # of page around a seal: room for the scan's blur and for the neighbours' text
COLOUR_SHARES = {"red": 0.75, "blue": 0.18, "violet": 0.07}


def drawn_samples(
    count: int, pages: PageSource, dpi: int = 200, seed: int = 0, kinds: tuple[str, ...] | None = None
) -> list[Sample]:
    """Pasted seals, each cut from a page of its own with a few millimetres around it.

    Args:
        count: how many.
        pages: where the pages come from, of the same resolution.
        dpi: resolution.
        seed: of every choice; sample ``i`` depends on (seed, i) alone.
        kinds: kinds of seal; None for the usual mix.
    """
    samples = []
    for index in range(count):
        rng = rng_for(seed, index, "colour")
        colour = str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))
        config = GenerateConfig(seed=seed, forger="none", dpi=dpi, seals=1, kinds=kinds, colour=colour)
        sample = make_sample(config, index, Context(pages, None))
        side = max(sample.seals[0].coverage.shape) + 2 * MARGIN_MM * dpi / 25.4
        samples.append(crop_sample(sample, 0, int(np.ceil(side / 16)) * 16, rng))
    return samples


def pasted(sample: Sample, rng: np.random.Generator) -> Sample:
    """The traditional synthesis: as it is."""
    return sample


def forged_by(forger: Forger, style: dict[str, float] | None = None) -> Variant:
    """A forger as a variant."""
    return lambda sample, rng: forger.forge(sample, rng, style)


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


def made(samples: Sequence[Sample], variant: Variant, seed: int = 0) -> list[Sample]:
    """Every sample through a variant; sample ``i`` draws from stream (seed, i) whatever the variant."""
    return [variant(sample, rng_for(seed, index, "forge")) for index, sample in enumerate(samples)]


def crops_of(samples: Sequence[Sample]) -> list[SealCrop]:
    """The first seal of each sample, ready to compare; seals without measurable ink are left out."""
    crops = []
    for index, sample in enumerate(samples):
        if not sample.seals:
            continue
        seal = sample.seals[0]
        crop = crop_seal(sample.stamped, seal.outline, f"sample {index}", colour=seal.colour)
        if crop is not None:
            crops.append(crop)
    return crops
