"""Content losses: what the labels rest on must survive the forging."""

from __future__ import annotations

import torch

from seal2real.forger.layered import Impression
from seal2real.physics.operators import gaussian_blur

LEAST_CORRELATION = 0.72  # between ink and design, patch by patch: wear is welcome, other glyphs are not
LEAST_DARKNESS = 0.22  # mean absorptance on the design: an impression that cannot be seen has no label


def layer_content_loss(impression: Impression, coverage: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """For the layered forger: the ink must follow the design, be visible, and the residual must stay small.

    Args:
        impression: the forger's output.
        coverage: ``[B, 1, H, W]`` the design.

    Returns:
        (loss, log).
    """
    shown = 1 - torch.exp(-impression.ink.amax(1, keepdim=True))
    likeness = correlation(shown, coverage)
    shape = (LEAST_CORRELATION - likeness).clamp_min(0).mean()
    darkness = (shown * coverage).sum((1, 2, 3)) / coverage.sum((1, 2, 3)).clamp_min(1)
    faint = (LEAST_DARKNESS - darkness).clamp_min(0).mean()
    change = (impression.ink - impression.pressed).abs().mean()
    loss = 4 * shape + 4 * faint + 0.5 * change
    return loss, {
        "content": float(loss.detach()),
        "likeness": float(likeness.detach().mean()),
        "residual": float(change.detach()),
    }


def image_content_loss(forged: torch.Tensor, pasted: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    """For the image-to-image forger: shapes stay where they are, the coarse picture stays what it is.

    Args:
        forged: ``[B, 3, H, W]`` in 0..1.
        pasted: the same images before forging.

    Returns:
        (loss, log).
    """
    sigma = torch.full((len(forged),), 4.0, device=forged.device)
    coarse = (gaussian_blur(forged, sigma) - gaussian_blur(pasted, sigma)).abs().mean()
    likeness = correlation(forged.amin(1, keepdim=True), pasted.amin(1, keepdim=True))
    shape = (0.85 - likeness).clamp_min(0).mean()
    loss = coarse + 4 * shape
    return loss, {"content": float(loss.detach()), "likeness": float(likeness.detach().mean())}


def correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Pearson correlation per image, ``[B]``; 0 where one of them is constant."""
    first = first.flatten(1) - first.flatten(1).mean(1, keepdim=True)
    second = second.flatten(1) - second.flatten(1).mean(1, keepdim=True)
    norm = first.square().sum(1).sqrt() * second.square().sum(1).sqrt()
    return (first * second).sum(1) / norm.clamp_min(1e-4)
