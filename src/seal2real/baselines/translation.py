"""What the unpaired image-to-image translations share: networks, batches and the training loop.

The networks are those of CycleGAN and CUT (Zhu et al. 2017; Park et al. 2020), narrower and with fewer blocks, so that
they learn something in minutes on two cores.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.baselines.base import FlatBaseline, Material, at_diameter
from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.config import check_positive
from seal2real.prior.stage1 import log_uniform, pasted_patches, real_patches
from seal2real.prior.training import Streams, initial_weights
from seal2real.sample import Image, Sample

_STREAM = 3_000_017  # apart from the streams of prompts and forger


@dataclass(frozen=True)
class TranslationSettings:
    """Settings that both have."""

    steps: int = 100_000  # optimiser steps, unless the time is over before
    batch: int = 4  # patches of each side
    size: int = 96  # side of a patch in pixels
    diameters: tuple[float, float] = (144.0, 240.0)  # longest side of a seal in pixels, log-uniform
    diameter: float = 240.0  # pixels that a seal is reduced to when it is translated
    width: int = 32  # channels at full resolution
    blocks: int = 4  # residual blocks
    learning_rate: float = 2e-4  # Adam, betas (0.5, 0.999)

    def __post_init__(self) -> None:
        check_positive(self, "steps", "batch", "size", "diameter", "width", "blocks", "learning_rate")
        if self.size % 4:
            raise UsageError(f"size is {self.size}; it must be a multiple of 4")


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect"),
        nn.InstanceNorm2d(outputs),
        nn.ReLU(inplace=False),
    ]


class _ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(*_conv(width, width), *_conv(width, width)[:2])

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden + self.body(hidden)


class Generator(nn.Module):
    """Encoder of two halvings, residual blocks, decoder; ``[B, 3, H, W]`` in 0..1 to the same, H and W multiples of 4.

    Args:
        width: channels at full resolution.
        blocks: residual blocks.

    Attributes:
        feature_widths: channels of what `features` returns.
    """

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.encoder = nn.ModuleList(
            [
                nn.Sequential(*_conv(3, width, 7)),
                nn.Sequential(*_conv(width, 2 * width, 3, 2)),
                nn.Sequential(*_conv(2 * width, 4 * width, 3, 2)),
                *(_ResidualBlock(4 * width) for _ in range(blocks)),
            ]
        )
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="bilinear"),
            *_conv(4 * width, 2 * width),
            nn.Upsample(scale_factor=2.0, mode="bilinear"),
            *_conv(2 * width, width),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self._taps = sorted({1, 2, 3, 2 + (blocks + 1) // 2})
        self.feature_widths = [3] + [2 * width if tap == 1 else 4 * width for tap in self._taps]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Translate."""
        hidden = images * 2 - 1
        for layer in self.encoder:
            hidden = layer(hidden)
        translated: torch.Tensor = self.decoder(hidden)
        return (translated + 1) / 2

    def features(self, images: torch.Tensor) -> list[torch.Tensor]:
        """``[B, C_k, h_k, w_k]`` the pixels themselves, after each halving, and after two of the residual blocks."""
        hidden = images * 2 - 1
        found = [hidden]
        for number, layer in enumerate(self.encoder):
            hidden = layer(hidden)
            if number in self._taps:
                found.append(hidden)
        return found


class PatchDiscriminator(nn.Module):
    """Patch discriminator (Isola et al. 2017) of three convolutions of stride 2, 2 and 1."""

    def __init__(self, width: int = 48):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.InstanceNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, 1, 1),
            nn.InstanceNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, 1, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``[B, 3, H, W]`` in 0..1 to ``[B, 1, h, w]``."""
        judged: torch.Tensor = self.body(images * 2 - 1)
        return judged


def lsgan(judged: torch.Tensor, target: float) -> torch.Tensor:
    """Least-squares adversarial loss (Mao et al. 2017): mean squared distance to ``target``."""
    return (judged - target).square().mean()


def discriminator_step(
    judge: nn.Module, optimizer: torch.optim.Optimizer, real: torch.Tensor, made: torch.Tensor
) -> None:
    """One step of telling real patches (1) from made ones (0)."""
    loss = 0.5 * (lsgan(judge(real), 1.0) + lsgan(judge(made.detach()), 0.0))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


class Translation(FlatBaseline):
    """A generator learned from unpaired patches, pasted and real, of the same ink colours."""

    learns = True
    generator: Generator | None = None

    @abstractmethod
    def build(self, device: torch.device) -> None:
        """Make the networks, ``self.generator`` among them, and their optimisers."""

    @abstractmethod
    def step(self, pasted: torch.Tensor, real: torch.Tensor, streams: Streams) -> float:
        """One optimiser step on ``[B, 3, S, S]`` each, in 0..1; the generator's loss."""

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:
        """Train until steps or minutes are over."""
        settings = self.settings
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        real, pool = material.crops, material.pool(seed)
        started = time.monotonic()
        with initial_weights(seed):
            self.build(device)
        assert self.generator is not None
        for number in range(settings.steps):
            if minutes is not None and time.monotonic() - started > 60 * minutes and number:
                break
            streams = Streams(seed + _STREAM, number, 0, device)
            diameter = log_uniform(streams.numpy, settings.diameters)
            images, colours = real_patches(real, streams.numpy, settings.batch, settings.size, diameter)
            pasted = pasted_patches(pool, streams.numpy, colours, settings.size, diameter, device)
            loss = self.step(pasted, images.to(device), streams)
            if not np.isfinite(loss):
                raise Seal2RealError(f"{self.kind}: the loss is {loss} at step {number + 1}; lower learning_rate")
        self.minutes = (time.monotonic() - started) / 60
        self.generator = self.generator.cpu().eval().requires_grad_(False)
        self.parameters = sum(parameter.numel() for parameter in self.generator.parameters())

    @torch.no_grad()
    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The image, translated; the same whatever ``rng`` is.

        Raises:
            UsageError: `fit` has not been called.
        """
        if self.generator is None:
            raise UsageError(f"{self.kind} has learned nothing yet; call fit first")
        return at_diameter(sample, self.settings.diameter, 4, self.generator)


def adam(modules: list[nn.Module], learning_rate: float) -> torch.optim.Adam:
    """The optimiser of both papers."""
    return torch.optim.Adam([p for m in modules for p in m.parameters()], lr=learning_rate, betas=(0.5, 0.999))


def sampled(features: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Values of ``[B, C, h, w]`` at flat places ``[P]``: ``[B, P, C]``."""
    return features.flatten(2)[..., places].transpose(1, 2)


def normalised(vectors: torch.Tensor) -> torch.Tensor:
    """To unit length along the last axis."""
    return F.normalize(vectors, dim=-1)
