"""The adversarial phase: a small pixel discriminator, light heads on the frozen prior's features of noised images, or a
head on the bottleneck of the critic, the trainable U-Net with the forgery prompt (see `priors.Critic`)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from seal2real.prior.backbone import Backbone

ADVERSARIES = ("none", "pixel", "features", "bottleneck")


class PixelDiscriminator(nn.Module):
    """Patch discriminator (Isola et al. 2017) with a small receptive field, so that it judges texture and edges, not
    which glyphs are there; a standard-deviation channel (Karras et al. 2018) lets it see a lack of variety.

    Args:
        classes: number of ink colours; the class is an input, so colours are compared within their class.
        width: channels of the first layer.
        devices: number of capture devices, whose index is an input too; 0 knows of none.
    """

    def __init__(self, classes: int, width: int = 48, devices: int = 0):
        super().__init__()
        self.classes, self.devices = classes, devices

        def layer(inputs: int, outputs: int, stride: int) -> nn.Module:
            return nn.Conv2d(inputs, outputs, 3 if stride == 1 else 4, stride, 1)

        self.stem = layer(3 + classes + (devices + 1 if devices else 0), width, 1)
        self.body = nn.ModuleList([layer(width, width, 2), layer(width, 2 * width, 2), layer(2 * width, 2 * width, 1)])
        self.tail = layer(2 * width + 1, 2 * width, 1)
        self.head = nn.Conv2d(2 * width, 1, 1)

    def forward(self, images: torch.Tensor, colour: torch.Tensor, device: torch.Tensor | None = None) -> torch.Tensor:
        """Images ``[B, 3, H, W]`` in 0..1, colour indices ``[B]`` and device indices ``[B]`` (0 or None is any) to
        logits ``[B, 1, H/4, W/4]`` (real above 0)."""
        told = [F.one_hot(colour, self.classes)]
        if self.devices:
            told.append(F.one_hot(torch.zeros_like(colour) if device is None else device, self.devices + 1))
        plane = torch.cat(told, 1).to(images.dtype)[:, :, None, None].expand(-1, -1, *images.shape[-2:])
        hidden = F.leaky_relu(self.stem(torch.cat((images * 2 - 1, plane), 1)), 0.2)
        for layer in self.body:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        spread = hidden.mean((2, 3)).var(0).add(1e-6).sqrt().mean()
        hidden = torch.cat((hidden, spread.expand(len(hidden), 1, *hidden.shape[-2:])), 1)
        return self.head(F.leaky_relu(self.tail(hidden), 0.2))


class FeatureDiscriminator(nn.Module):
    """Heads on the frozen backbone's features of noised images (Sauer et al. 2024, LADD).

    Args:
        backbone: the frozen model.
        prompt: what it is prompted with.
        width: channels of each head.
    """

    prompt: torch.Tensor

    def __init__(self, backbone: Backbone, prompt: torch.Tensor, width: int = 64):
        super().__init__()
        self._backbone = (
            backbone,
        )  # in a tuple, so that it is no submodule: its weights are not ours to train or save
        self.register_buffer("prompt", prompt.detach().clone())
        levels = backbone.unet.config.block_out_channels
        channels = [*levels, levels[-1]]
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(inputs, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 1)),
            )
            for inputs in channels
        )

    @property
    def backbone(self) -> Backbone:
        """The frozen model."""
        return self._backbone[0]

    def forward(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Latents ``[B, c, h, w]``, noise like them, timesteps ``[B]``, to logits ``[B, n]``; above 0 is real."""
        noisy = self.backbone.add_noise(latents, noise, timesteps)
        features = self.backbone.features(noisy, timesteps, self.prompt)
        return torch.cat([head(f.float()).flatten(1) for head, f in zip(self.heads, features, strict=True)], 1)


class BottleneckHead(nn.Module):
    """A classifier of real and forged on a U-Net's middle block (Yin et al. 2024, DMD2, section 4.3).

    The U-Net below it learns with it, so that it sees what a frozen one would not look at; denoising the forger's
    output keeps it from collapsing into a mere discriminator.

    Args:
        inputs: channels of the middle block.
        width: channels of the head.
    """

    def __init__(self, inputs: int, width: int = 64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``[B, inputs, h, w]`` to logits ``[B, h * w]``; above 0 is real."""
        logits: torch.Tensor = self.body(features)
        return logits.flatten(1)


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Non-saturating logistic loss (Goodfellow et al. 2014) of the discriminator on its logits."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: torch.Tensor) -> torch.Tensor:
    """Its counterpart for the forger."""
    return F.softplus(-fake).mean()


def gradient_penalty(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """R1 (Mescheder et al. 2018): squared gradient of the logits at real images; ``images`` must require grad."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Differentiable augmentation of real and forged alike (Zhao et al. 2020): brightness, colour, flips, and a shift.

    It keeps a discriminator from learning a few dozen real images by heart.
    """
    count = len(images)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=images.device)

    images = images + (uniform(count, 1, 1, 1) - 0.5) * 0.06
    images = images * (1 + (uniform(count, 3, 1, 1) - 0.5) * 0.04)
    images = torch.where(uniform(count, 1, 1, 1) < 0.5, images.flip(-1), images)
    images = torch.where(uniform(count, 1, 1, 1) < 0.5, images.transpose(-1, -2), images)
    shift = (uniform(2) * 8).long()
    return F.pad(images, (4, 4, 4, 4), mode="reflect")[
        ..., int(shift[0]) : int(shift[0]) + images.shape[-2], int(shift[1]) : int(shift[1]) + images.shape[-1]
    ]
