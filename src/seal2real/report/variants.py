"""The same drawn seals made real in different ways, in memory: what a comparison of forgers compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from seal2real.baselines.simulated import simulated
from seal2real.dataset.generate import Context, GenerateConfig, make_sample
from seal2real.forger import Forger
from seal2real.page import PageSource
from seal2real.press import crop_sample
from seal2real.report.protocol import SealCrop
from seal2real.report.sources import crop_seal
from seal2real.sample import Sample
from seal2real.seeding import rng_for

Variant = Callable[[Sample, np.random.Generator], Sample]
MARGIN_MM = 5.0  # of page around a seal: room for the scan's blur and for the neighbours' text
COLOUR_SHARES = {"red": 0.75, "blue": 0.18, "violet": 0.07}


def drawn_samples(
    count: int,
    pages: PageSource,
    dpi: int = 200,
    seed: int = 0,
    kinds: tuple[str, ...] | None = None,
    colours: Sequence[str] | None = None,
) -> list[Sample]:
    """Pasted seals, each cut from a page of its own with a few millimetres around it.

    Args:
        count: how many.
        pages: where the pages come from, of the same resolution.
        dpi: resolution.
        seed: of every choice; sample ``i`` depends on (seed, i) alone.
        kinds: kinds of seal; None for the usual mix.
        colours: colour class of each; None draws them.
    """
    samples = []
    for index in range(count):
        rng = rng_for(seed, index, "colour")
        drawn = str(rng.choice(list(COLOUR_SHARES), p=list(COLOUR_SHARES.values())))
        colour = colours[index] if colours else drawn
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


def variety(sample: Sample, variant: Variant, seed: int, draws: int = 4) -> float:
    """Standard deviation of ``draws`` results for the same sample, the mean over its ink and channels, 0..1."""
    images = [variant(sample, rng_for(seed, draw, "variety")).stamped[sample.mask] for draw in range(draws)]
    return float(np.stack(images).astype(np.float32).std(0).mean() / 255)


__all__ = [
    "Variant",
    "crops_of",
    "drawn_samples",
    "forged_by",
    "made",
    "pasted",
    "simulated",
    "variety",
]
