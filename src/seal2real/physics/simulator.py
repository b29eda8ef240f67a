"""The attribute-captioned simulator: the press-and-scan model with hand-set, recorded strengths.

It pre-trains the compact backbone (the caption is the vector of dials, so every attribute has a known strength), and
it is the "pasted + scan simulation" baseline of the reports.
"""

from __future__ import annotations

import torch

from seal2real.physics.knobs import KNOBS


def random_dials(batch: int, generator: torch.Generator, on_share: float = 0.6) -> torch.Tensor:
    """Dials for ``batch`` images: each effect is on with a uniformly drawn strength, or off.

    Args:
        batch: number of images.
        generator: source of randomness (its device is the result's).
        on_share: probability that an effect is on.

    Returns:
        ``[B, K]`` in 0..1.
    """
    device = generator.device
    off = torch.tensor([knob.off for knob in KNOBS], device=device)
    shape = (batch, len(KNOBS))
    # squared, towards "off": strong effects are rarer than weak ones, in pictures and in life
    strength = torch.rand(shape, generator=generator, device=device).square()
    far_end = torch.where(torch.rand(shape, generator=generator, device=device) < off, 0.0, 1.0)
    on = torch.rand(shape, generator=generator, device=device) < on_share
    return torch.where(on, off + (far_end - off) * strength, off.expand(shape))
