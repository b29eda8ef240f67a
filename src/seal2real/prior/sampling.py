"""Sampling from a backbone with a pair of prompts: settings, the guided noise prediction, and seals from noise alone.

A *realism* ``r`` weighs the pair: 0 is the fake prompt alone, 1 the real prompt alone, above 1 goes on along
(real - fake). It acts on the embeddings (one pass of the network) or on the predicted noises (two passes; the same as
classifier-free guidance, Ho and Salimans 2022, with the fake prompt as the negative one and scale ``r``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from seal2real.errors import UsageError
from seal2real.prior.backbone import Backbone
from seal2real.prior.compact import CompactBackbone
from seal2real.prior.config import check_choices, check_positive
from seal2real.prior.prompts import Prompts

MIXES = ("embeddings", "scores")
NEGATIVES = ("null", "fake")
SOLVERS = ("dpm", "ddim")
MAX_REALISM, MAX_GUIDANCE = 4.0, 20.0
_TILES = 16  # in one pass of the network
_LEAK_DRAWS, _LEAK_TURNS = 4, 8

Generators = torch.Generator | Sequence[torch.Generator]


@dataclass(frozen=True)
class SamplingSettings:
    """How to denoise.

    Raises:
        UsageError: a value out of its range.
    """

    realism: float = 1.0  # 0 the fake prompt, 1 the real one, beyond goes on along (real - fake); 0..4
    mix: str = "embeddings"  # what the realism weighs: "embeddings" or "scores" (predicted noises)
    guidance: float = 1.0  # classifier-free guidance away from the negative prompt; 1 is none; 0..20
    negative: str = "null"  # "null" (nothing said) or "fake"
    steps: int = 50  # denoising steps from full noise; editing at strength s takes the share s of them
    solver: str = "dpm"  # "dpm" (DPM-Solver++ of second order) or "ddim"
    tile: int | None = None  # larger images go in tiles of this side, in pixels; None takes the backbone's image size

    def __post_init__(self) -> None:
        check_choices(self, mix=MIXES, negative=NEGATIVES, solver=SOLVERS)
        check_positive(self, "steps", "tile")
        for name, limit in (("realism", MAX_REALISM), ("guidance", MAX_GUIDANCE)):
            if not 0 <= getattr(self, name) <= limit:
                raise UsageError(f"{name} is {getattr(self, name):g}; it must be 0 to {limit:g}")


class Predictor:
    """The guided noise prediction ``eps(z, t)``: a weighted sum over prompts, in tiles where the latents are large.

    Tiles overlap by a quarter, and their predictions are blended in every step (MultiDiffusion, Bar-Tal et al. 2023),
    so that no seam is denoised into the image.

    Args:
        backbone: the model.
        weighed: (prompt ``[1, tokens, width]``, weight) pairs; weights sum to 1.
        tile: side of a tile in pixels, a multiple of ``backbone.multiple``; None takes the backbone's image size.

    Raises:
        UsageError: a tile that does not fit.
    """

    def __init__(self, backbone: Backbone, weighed: list[tuple[torch.Tensor, float]], tile: int | None = None):
        self.backbone = backbone
        self.weighed = [(prompt, weight) for prompt, weight in weighed if weight != 0]
        self.tile = backbone.image_size if tile is None else tile
        if self.tile % backbone.multiple:
            raise UsageError(f"tile is {self.tile}; this backbone needs a multiple of {backbone.multiple}")

    def __call__(self, noisy: torch.Tensor, timestep: int) -> torch.Tensor:
        """Predicted noise, like ``noisy`` ``[B, c, h, w]``, fp32."""
        return sum(  # type: ignore[return-value]
            weight * self._tiled(noisy, timestep, prompt) for prompt, weight in self.weighed
        )

    def _whole(self, noisy: torch.Tensor, timestep: int, prompt: torch.Tensor) -> torch.Tensor:
        times = torch.full((len(noisy),), timestep, dtype=torch.long, device=noisy.device)
        return self.backbone.predict_noise(noisy, times, prompt)

    def _tiled(self, noisy: torch.Tensor, timestep: int, prompt: torch.Tensor) -> torch.Tensor:
        height, width = noisy.shape[-2:]
        side = self.tile // pixels_per_latent(self.backbone)
        if height <= side and width <= side:
            return self._whole(noisy, timestep, prompt)
        tall, wide = min(side, height), min(side, width)
        places = [(top, left) for top in _starts(height, tall) for left in _starts(width, wide)]
        tiles = torch.cat([noisy[..., y : y + tall, x : x + wide] for y, x in places])
        parts = [self._whole(batch, timestep, prompt) for batch in tiles.split(_TILES)]
        weight = torch.outer(_ramp(tall), _ramp(wide)).to(noisy.device)
        total, sums = torch.zeros_like(noisy, dtype=torch.float32), noisy.new_zeros(height, width)
        for (y, x), part in zip(places, torch.cat(parts).split(len(noisy)), strict=True):
            total[..., y : y + tall, x : x + wide] += part * weight
            sums[y : y + tall, x : x + wide] += weight
        return total / sums


def pixels_per_latent(backbone: Backbone) -> int:
    """Side in pixels of what one latent position stands for."""
    return backbone.multiple // int(2 ** (len(backbone.unet.config["block_out_channels"]) - 1))


def steer(backbone: Backbone, prompts: Prompts, settings: SamplingSettings) -> Predictor:
    """The noise prediction under these settings: the pair weighed by the realism, then guided away from the negative
    prompt: ``eps = eps_neg + g (eps_prompt - eps_neg)``."""
    real, fake = prompts.real.detach(), prompts.fake.detach()
    r, g = settings.realism, settings.guidance
    if settings.mix == "scores":
        weighed = {"real": (real, r * g), "fake": (fake, (1 - r) * g)}
    else:
        weighed = {"mixed": (fake + r * (real - fake), g)}
    if settings.negative == "fake":
        weighed["fake"] = (fake, weighed.get("fake", (fake, 0.0))[1] + 1 - g)
    elif g != 1:
        weighed["null"] = (backbone.embed(""), 1 - g)
    return Predictor(backbone, list(weighed.values()), settings.tile)


def times_of(backbone: Backbone, steps: int, strength: float = 1.0) -> list[int]:
    """Timesteps from ``strength`` of all noise down, evenly spaced, without the last 0: the share ``strength`` of
    ``steps``, at least one; none for strength 0."""
    if strength == 0:
        return []
    count = max(1, round(steps * strength))
    spaced = [round(strength * (backbone.steps - 1) * (count - k) / count) for k in range(count)]
    return list(dict.fromkeys(spaced))


@torch.no_grad()
def denoise(
    backbone: Backbone,
    predict: Callable[[torch.Tensor, int], torch.Tensor],
    noisy: torch.Tensor,
    times: list[int],
    solver: str = "dpm",
    keep: Callable[[torch.Tensor, int], torch.Tensor] | None = None,
) -> torch.Tensor:
    """From noisy latents to clean ones.

    Args:
        backbone: the model, for its noise schedule.
        predict: ``eps(z, t)``, such as `steer` makes.
        noisy: ``[B, c, h, w]`` latents at the noise of ``times[0]``.
        times: timesteps, falling; see `times_of`.
        solver: "ddim" (Song et al. 2021) or "dpm", DPM-Solver++ of second order (Lu et al. 2022).
        keep: called with (latents, the timestep that they have now) after each step but the last; what it returns goes
            on.

    Returns:
        ``[B, c, h, w]``.
    """
    from diffusers import DPMSolverMultistepScheduler

    if not times:
        return noisy
    before = torch.cat((backbone.alphas_cumprod.new_ones(1), backbone.alphas_cumprod[:-1]))
    scheduler: Any = DPMSolverMultistepScheduler(
        num_train_timesteps=backbone.steps,
        trained_betas=(1 - backbone.alphas_cumprod / before).cpu().double().numpy(),
        prediction_type="sample",
        solver_order=2 if solver == "dpm" else 1,  # of first order it is DDIM
    )
    scheduler.set_timesteps(timesteps=times, device=noisy.device)
    for now, after in pairwise([*times, -1]):
        at = torch.full((len(noisy),), now, dtype=torch.long, device=noisy.device)
        clean = backbone.denoised(noisy, at, predict(noisy, now)).float()
        if isinstance(backbone, CompactBackbone):
            clean = clean.clamp(-1, 1)  # its latents are pixels
        noisy = scheduler.step(clean, scheduler.timesteps[times.index(now)], noisy, return_dict=False)[0]
        if keep is not None and after >= 0:
            noisy = keep(noisy, after)
    return noisy


def draw_noise(shape: Sequence[int], generator: Generators, device: torch.device) -> torch.Tensor:
    """Standard normal latents ``[B, c, h, w]`` on ``device``, drawn image by image where the generator lives: image k
    does not depend on how many follow, nor on the device."""
    each = [generator] * shape[0] if isinstance(generator, torch.Generator) else generator
    drawn = [torch.randn(1, *shape[1:], generator=g, device=g.device) for g in each]
    if len(drawn) != shape[0]:
        raise UsageError(f"there are {len(drawn)} generators for {shape[0]} images; give one for all, or one for each")
    return torch.cat(drawn).to(device)


@torch.no_grad()
def sample(
    backbone: Backbone,
    prompts: Prompts,
    count: int,
    generator: Generators,
    settings: SamplingSettings | None = None,
    size: int | None = None,
) -> torch.Tensor:
    """Seals from noise alone, without words or labels.

    Args:
        backbone: the model.
        prompts: learned in stage 1, on the backbone's device.
        count: number of images.
        generator: source of the noise; one for all images, or one for each.
        settings: how to denoise.
        size: side in pixels; None takes the backbone's own.

    Returns:
        ``[count, 3, size, size]`` in 0..1.

    Raises:
        UsageError: a count below 1, or a size that does not fit.
    """
    settings = settings or SamplingSettings()
    side = backbone.image_size if size is None else size
    if count < 1:
        raise UsageError(f"count is {count}; it must be 1 or more")
    if side < backbone.multiple or side % backbone.multiple:
        raise UsageError(f"size is {side}; this backbone needs a multiple of {backbone.multiple}")
    latent = side // pixels_per_latent(backbone)
    shape = (count, int(backbone.unet.config["in_channels"]), latent, latent)
    noise = draw_noise(shape, generator, backbone.alphas_cumprod.device)
    predict = steer(backbone, prompts, settings)
    times = times_of(backbone, settings.steps)
    signal, sigma = backbone.alphas_cumprod[times[0]].sqrt(), (1 - backbone.alphas_cumprod[times[0]]).sqrt()
    noisy = signal * mean_latent(backbone, predict, times[0]) + sigma * noise
    latents = denoise(backbone, predict, noisy, times, settings.solver)
    return backbone.decode(latents).clamp(0, 1)


@torch.no_grad()
def mean_latent(
    backbone: Backbone, predict: Callable[[torch.Tensor, int], torch.Tensor], timestep: int
) -> torch.Tensor:
    """What all images that the model knows have in common at this noise, ``[1, c, 1, 1]``: paper, mostly.

    The last step of these noise schedules still holds some signal, which the network has learned to read: from pure
    noise it makes grey paper and too much ink. So sampling starts from noise with that signal in it (Everaert et al.
    2024, signal leak; Lin et al. 2024). It is the fixed point of what the model sees in noise around it.
    """
    side = backbone.image_size // pixels_per_latent(backbone)
    shape = (_LEAK_DRAWS, int(backbone.unet.config["in_channels"]), side, side)
    device = backbone.alphas_cumprod.device
    noise = draw_noise(shape, torch.Generator().manual_seed(0), device)
    at = torch.full((len(noise),), timestep, dtype=torch.long, device=device)
    limit = 1.0 if isinstance(backbone, CompactBackbone) else 3.0
    mean = torch.zeros(1, shape[1], 1, 1, device=device)
    for _ in range(_LEAK_TURNS):
        noisy = backbone.add_noise(mean.expand_as(noise), noise, at)
        found = backbone.denoised(noisy, at, predict(noisy, timestep)).mean((0, 2, 3), keepdim=True)
        mean = found.float().clamp(-limit, limit)
    return mean


def _starts(length: int, tile: int) -> Iterator[int]:
    """Where tiles begin: evenly spaced from edge to edge, overlapping by a quarter or more."""
    count = 1 if length <= tile else math.ceil((length - tile) / (tile * 0.75)) + 1
    return (round(k * (length - tile) / max(count - 1, 1)) for k in range(count))


def _ramp(length: int) -> torch.Tensor:
    """Weights over a tile, falling to its edges, never 0."""
    edge = max(1, length // 4)
    across = torch.arange(length, dtype=torch.float32)
    return ((torch.minimum(across, length - 1 - across) + 0.5) / edge).clamp(max=1)
