"""Sampling from a backbone: DDIM, and SDEdit (noise an image part of the way, then denoise it with a prompt)."""

from __future__ import annotations

from itertools import pairwise

import torch

from seal2real.prior.backbone import Backbone


@torch.no_grad()
def ddim(
    backbone: Backbone,
    prompt: torch.Tensor,
    noise: torch.Tensor,
    steps: int = 50,
    latents: torch.Tensor | None = None,
    strength: float = 1.0,
) -> torch.Tensor:
    """Deterministic sampling (Song et al. 2021); with ``latents`` it is SDEdit (Meng et al. 2022).

    Args:
        backbone: the model.
        prompt: ``[1 or B, tokens, width]``.
        noise: ``[B, c, h, w]`` standard normal.
        steps: denoising steps from full noise; SDEdit takes ``strength`` of them.
        latents: ``[B, c, h, w]`` of the images to edit; None to sample from nothing.
        strength: 0..1, how much noise to add to ``latents``.

    Returns:
        Images ``[B, 3, H, W]`` in about 0..1.
    """
    count = max(1, round(steps * strength))
    times = torch.linspace(strength * (backbone.steps - 1), 0, count + 1, device=noise.device).round().long()
    start = times[0].expand(noise.shape[0])
    current = noise if latents is None else backbone.add_noise(latents, noise, start)
    for now, after in pairwise(times):
        at = now.expand(noise.shape[0])
        eps = backbone.predict_noise(current, at, prompt)
        clean = backbone.denoised(current, at, eps).float().clamp(-3, 3)
        alpha = backbone.alphas_cumprod[after]
        current = alpha.sqrt() * clean + (1 - alpha).sqrt() * eps
    return backbone.decode(clean)
