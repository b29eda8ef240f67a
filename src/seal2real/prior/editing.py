"""Editing images with the learned prompts: SDEdit, and DDIM inversion followed by denoising with another prompt.

Both are what a practitioner would try before training a forger. They need nothing beyond stage 1, they take tens of
passes through the network, and nothing in them guards the labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F

from seal2real.errors import UsageError
from seal2real.prior.backbone import Backbone
from seal2real.prior.prompts import Prompts
from seal2real.prior.sampling import Generators, Predictor, SamplingSettings, denoise, draw_noise, steer, times_of

METHODS = ("sdedit", "inversion")

LatentEdit = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]


def sdedit(
    backbone: Backbone,
    prompts: Prompts,
    images: torch.Tensor,
    strength: float,
    generator: Generators,
    settings: SamplingSettings | None = None,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Noise the images part of the way, then denoise them with the prompts (Meng et al. 2022).

    Args:
        backbone: the model.
        prompts: learned in stage 1, on the backbone's device.
        images: ``[B, 3, H, W]`` in 0..1, of any size.
        strength: 0..1, the share of the noise schedule; 0 gives the images back (through the VAE, if there is one).
        generator: source of the noise; one for all images, or one for each.
        settings: how to denoise; the share ``strength`` of its steps is made.
        mask: ``[B or 1, 1, H, W]`` in 0..1, where the images may change; None for everywhere. Outside it they stay as
            they are to the bit, and each step sees the given image there, at its noise (Avrahami et al. 2022).

    Returns:
        ``[B, 3, H, W]`` in 0..1.

    Raises:
        UsageError: a strength outside 0..1, or images or a mask of another shape.
    """
    settings = settings or SamplingSettings()
    times = times_of(backbone, settings.steps, _checked(strength))

    def edit(latents: torch.Tensor, where: torch.Tensor | None) -> torch.Tensor:
        noise = draw_noise(tuple(latents.shape), generator, latents.device)

        def given(timestep: int) -> torch.Tensor:
            at = torch.full((len(latents),), timestep, dtype=torch.long, device=latents.device)
            return backbone.add_noise(latents, noise, at)

        keep = None if where is None else lambda noisy, now: torch.lerp(given(now), noisy, where)
        return denoise(backbone, steer(backbone, prompts, settings), given(times[0]), times, settings.solver, keep)

    return _edited(backbone, images, mask, edit if times else None)


def invert_and_edit(
    backbone: Backbone,
    prompts: Prompts,
    images: torch.Tensor,
    strength: float,
    settings: SamplingSettings | None = None,
    mask: torch.Tensor | None = None,
    source: float = 0.0,
    refine: int = 2,
) -> torch.Tensor:
    """Find the noise that the *source* prompt makes the images from, then denoise it with the prompts.

    DDIM inversion (Song et al. 2021; Mokady et al. 2023) up to ``strength`` of the noise schedule, then DDIM back down.
    Nothing is drawn at random: with equal prompts on both ways the images come back.

    Args:
        backbone: the model.
        prompts: learned in stage 1, on the backbone's device.
        images: ``[B, 3, H, W]`` in 0..1, of any size.
        strength: 0..1, the share of the noise schedule.
        settings: how to denoise; ``solver`` is "ddim" whatever it says, for both ways must take the same path.
        mask: as for `sdedit`; outside it, each step sees the latents of the way up.
        source: realism of the prompt for the inversion: 0 is the fake one, as pasted seals want; without guidance.
        refine: fixed-point passes per inversion step, which make it the inverse of the denoising step (Pan et al.
            2023): 0 is plain inversion.

    Returns:
        ``[B, 3, H, W]`` in 0..1.

    Raises:
        UsageError: as for `sdedit`, or ``refine`` below 0.
    """
    settings = settings or SamplingSettings()
    if refine < 0:
        raise UsageError(f"refine is {refine}; it must be 0 or more")
    times = times_of(backbone, settings.steps, _checked(strength))

    def edit(latents: torch.Tensor, where: torch.Tensor | None) -> torch.Tensor:
        away = steer(backbone, prompts, replace(settings, realism=source, guidance=1.0))
        back = steer(backbone, prompts, settings)
        path = invert(backbone, away, latents, [0, *reversed(times)], refine)
        current = path.pop()
        for now, after in pairwise([*times, 0]):
            current = _moved(backbone, current, back(current.float(), now), now, after)
            if where is not None:
                current = torch.lerp(path[-1], current, where.double())
            path.pop()
        return current.float()

    return _edited(backbone, images, mask, edit if times else None)


@torch.no_grad()
def invert(
    backbone: Backbone, predict: Predictor, latents: torch.Tensor, times: list[int], refine: int = 2
) -> list[torch.Tensor]:
    """DDIM backwards, from images to noise.

    Args:
        backbone: the model, for its noise schedule.
        predict: ``eps(z, t)``.
        latents: ``[B, c, h, w]`` of the images; taken to be at the noise of ``times[0]``, which is next to none.
        times: timesteps, rising.
        refine: see `invert_and_edit`.

    Returns:
        The latents at each of ``times``, float64.
    """
    path = [latents.double()]
    for now, after in pairwise(times):
        found = _moved(backbone, path[-1], predict(path[-1].float(), now), now, after)
        for _ in range(refine):  # towards the point whose denoising step leads to where this one starts
            found = _moved(backbone, path[-1], predict(found.float(), after), now, after)
        path.append(found)
    return path


def _moved(backbone: Backbone, noisy: torch.Tensor, eps: torch.Tensor, now: int, after: int) -> torch.Tensor:
    """A step of DDIM in either direction (Song et al. 2021, eq. 12 with sigma 0), in float64."""
    alpha, to = backbone.alphas_cumprod.double()[[now, after]]
    clean = (noisy - (1 - alpha).sqrt() * eps.double()) / alpha.sqrt()
    return to.sqrt() * clean + (1 - to).sqrt() * eps.double()


def _checked(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise UsageError(f"strength is {strength:g}; it must be 0 (nothing changes) to 1 (nothing is kept)")
    return strength


@torch.no_grad()
def _edited(
    backbone: Backbone, images: torch.Tensor, mask: torch.Tensor | None, edit: LatentEdit | None
) -> torch.Tensor:
    """Run an edit of latents on images: cut to the mask, filled up to what the backbone needs, and put back."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise UsageError(f"images are {list(images.shape)}; expected [B, 3, H, W]")
    if mask is None:
        return _through_latents(backbone, images, None, edit)
    if mask.shape not in ((1, 1, *images.shape[2:]), (len(images), 1, *images.shape[2:])):
        raise UsageError(f"the mask is {list(mask.shape)}; expected [{len(images)}, 1, H, W] of the images' size")
    mask = mask.to(images)
    if not mask.any():
        return images.clone()
    rows, columns = (_around(mask.amax((0, 1, dim)) > 0, backbone.image_size, backbone.multiple) for dim in (3, 2))
    inside, here = images[..., rows, columns], mask[..., rows, columns]
    result = images.clone()
    changed = _through_latents(backbone, inside, here, edit)
    result[..., rows, columns] = torch.where(here > 0, torch.lerp(inside, changed, here), inside)
    return result


def _through_latents(
    backbone: Backbone, images: torch.Tensor, mask: torch.Tensor | None, edit: LatentEdit | None
) -> torch.Tensor:
    height, width = images.shape[2:]
    fill = (0, -width % backbone.multiple, 0, -height % backbone.multiple)
    latents = backbone.encode(F.pad(images, fill, mode="replicate"))
    if edit is not None:
        where = None
        if mask is not None:  # a latent position may change where any of its pixels may
            where = F.adaptive_max_pool2d(F.pad(mask, fill), latents.shape[2:]).ceil()
        latents = edit(latents, where)
    return backbone.decode(latents)[..., :height, :width].clamp(0, 1)


def _around(used: torch.Tensor, side: int, multiple: int) -> slice:
    """The part of an axis that is used and at least ``side`` long, on the backbone's grid, with a quarter of ``side``
    around it: what the network is to see."""
    at = torch.nonzero(used).flatten()
    first, last = int(at[0]), int(at[-1]) + 1
    margin = max(side // 4, math.ceil((side - (last - first)) / 2))
    return slice(max(0, first - margin) // multiple * multiple, min(len(used), last + margin))
