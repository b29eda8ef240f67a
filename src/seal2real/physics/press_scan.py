"""The press-and-scan model: seal coverage and a clean page in, ink layer and scanned images out, all differentiable.

``stamped = scan(page * exp(-ink))`` and ``clean = scan(page)`` under one scan (Beer-Lambert absorption in the ink, then
paper, light, optics, sensor and file). Lengths are in millimetres, so that a setting looks the same at any resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from seal2real.physics.jpeg import jpeg
from seal2real.physics.operators import (
    coloured_noise,
    column,
    gaussian_blur,
    shift,
    soft_noise,
    to_rgb,
    to_ycbcr,
    value_noise,
)

Settings = dict[str, torch.Tensor]  # name -> [B], from knobs.decode

_LATTICE = 48  # cells of the smooth noise fields


@dataclass
class InkNoise:
    """The random fields of an impression; drawn apart from the knobs, so that a setting has many impressions.

    Attributes:
        lattice: ``[B, 4, L, L]`` for pressure, two octaves of mottle, and dry spots.
        white: ``[B, 2, H, W]`` for grain, and for the residual network.
        turn: ``[B]`` radians, direction of tilt and double strike, and turn of the lattices.
    """

    lattice: torch.Tensor
    white: torch.Tensor
    turn: torch.Tensor

    @staticmethod
    def draw(batch: int, height: int, width: int, generator: torch.Generator) -> InkNoise:
        """Fields for ``batch`` impressions of ``height`` x ``width`` pixels."""
        return InkNoise(
            torch.randn(batch, 4, _LATTICE, _LATTICE, generator=generator, device=generator.device),
            torch.randn(batch, 2, height, width, generator=generator, device=generator.device),
            torch.rand(batch, generator=generator, device=generator.device) * 2 * torch.pi,
        )


@dataclass
class ScanNoise:
    """The random fields of a scan.

    Attributes:
        lattice: ``[B, 2, L, L]`` for light and paper texture.
        white: ``[B, 3, H, W]`` for sensor noise in luma and two chroma planes.
        turn: ``[B]`` radians, turn of the lattices.
    """

    lattice: torch.Tensor
    white: torch.Tensor
    turn: torch.Tensor

    @staticmethod
    def draw(batch: int, height: int, width: int, generator: torch.Generator) -> ScanNoise:
        """Fields for ``batch`` scans of ``height`` x ``width`` pixels. For whole pages see `page_scan.PageScan`."""
        return ScanNoise(
            torch.randn(batch, 2, _LATTICE, _LATTICE, generator=generator, device=generator.device),
            torch.randn(batch, 3, height, width, generator=generator, device=generator.device),
            torch.rand(batch, generator=generator, device=generator.device) * 2 * torch.pi,
        )


def press_ink(
    coverage: torch.Tensor, base: torch.Tensor, knobs: Settings, px_per_mm: torch.Tensor, noise: InkNoise
) -> torch.Tensor:
    """The ink that an impression leaves.

    Args:
        coverage: ``[B, 1, H, W]`` in 0..1, the die's inked area.
        base: ``[B, 3]`` absorbance of full ink per RGB channel.
        knobs: settings of the "ink" and "colour" groups.
        px_per_mm: ``[B]``.
        noise: random fields of the same batch and size.

    Returns:
        ``[B, 3, H, W]`` absorbance, >= 0.
    """
    height, width = coverage.shape[-2:]
    scale = px_per_mm.float()
    pressure_field, mottle, mottle_fine, spots = (noise.lattice[:, k : k + 1] for k in range(4))
    pressure = value_noise(pressure_field, 10 * scale, noise.turn, height, width)
    mottled = 0.8 * value_noise(mottle, 2.7 * scale, noise.turn + 1, height, width)
    mottled = mottled + 0.6 * value_noise(mottle_fine, 1.1 * scale, noise.turn + 2, height, width)
    dry = value_noise(spots, knobs["dropout_size"] * scale, noise.turn + 3, height, width)
    grain = coloured_noise(noise.white[:, :1], 0.4 * knobs["grain_size"] * scale, 0.4 * 0.4 * float(scale.max()))

    # the pad and what lies under the sheet differ from place to place: grainy here, closed there, as much on the whole
    patchy = value_noise(mottle, 8 * scale, noise.turn + 4, height, width)
    grain = grain * torch.exp(0.75 * patchy - 0.28)

    ys = (torch.arange(height, device=coverage.device) - height / 2).view(1, 1, -1, 1)
    xs = (torch.arange(width, device=coverage.device) - width / 2).view(1, 1, 1, -1)
    across = (xs * column(torch.cos(noise.turn)) + ys * column(torch.sin(noise.turn))) / column(20 * scale)

    step = knobs["double_shift"] * scale
    direction = torch.stack((torch.cos(noise.turn + 0.7), torch.sin(noise.turn + 0.7)), 1)
    second = shift(coverage, direction * step.unsqueeze(1))
    inked = 1 - (1 - coverage) * (1 - column(knobs["double"]) * second)

    sigma = knobs["spread"] * scale
    spread = gaussian_blur(inked, sigma, 0.25 * float(scale.max()))
    load = column(knobs["tilt"]) * across + column(knobs["unevenness"]) * 0.45 * pressure
    level = spread - 0.5 + 0.5 * column(knobs["gain"]) + 0.35 * load
    level = level - column(knobs["grain"]) * 0.3 * grain * (1 - 0.4 * load).clamp(0.3, 2.0)
    # dry spots: only the deepest part of the field bites, as bare patches do
    level = level - F.relu(dry - 2.2 + 2.4 * column(knobs["dropout"])) * 1.5 * (column(knobs["dropout"]) > 0.02)
    # no ink where the die has none, however hard it is pressed
    film = torch.sigmoid(level / column(knobs["softness"])) * (spread * 6 - 0.1).clamp(0, 1)

    inner = gaussian_blur(film, 0.16 * scale, 0.16 * float(scale.max()))
    film = film * (1 + column(knobs["rim"]) * (film - inner) * 1.5).clamp_min(0.05)
    body = (1 + 0.5 * load + column(knobs["mottle"]) * 0.45 * mottled - column(knobs["grain"]) * 0.15 * grain).clamp(
        0.05
    )
    wide = gaussian_blur(inked, 0.35 * scale, 0.35 * float(scale.max()))
    wash = column(knobs["halo"]) * wide * (1 - film.clamp(0, 1))
    plate = gaussian_blur(inked, 1.2 * scale, 1.2 * float(scale.max()))
    wash = wash + column(knobs["smear"]) * plate * (0.6 + 0.5 * mottled + 0.3 * grain).clamp_min(0) * (
        1 - film.clamp(0, 1)
    )
    thickness = column(knobs["thickness"]) * (film * body + wash)
    tint = torch.stack([knobs["ink_red"], knobs["ink_green"], knobs["ink_blue"]], 1).exp() * base
    return thickness * tint[:, :, None, None]


@dataclass
class ScanFields:
    """What a scan adds at each pixel, apart from the image: ``gain [B, 3, H, W]`` (paper colour, light, texture) and
    ``grain [B, 3, H, W]`` (sensor noise in luma and chroma). Slices of them scan a window of the sheet."""

    gain: torch.Tensor
    grain: torch.Tensor

    def window(self, rows: slice, columns: slice) -> ScanFields:
        """The fields of a window of the sheet."""
        return ScanFields(self.gain[..., rows, columns], self.grain[..., rows, columns])


def scan_fields(knobs: Settings, px_per_mm: torch.Tensor, noise: ScanNoise) -> ScanFields:
    """The fields of a scan of the noise's size; arguments as in `scan`."""
    height, width = noise.white.shape[-2:]
    scale = px_per_mm.float()
    warmth, green = knobs["paper_warmth"], knobs["paper_green"]
    paper = torch.stack((warmth, green, -warmth), 1) + knobs["paper_level"].unsqueeze(1)
    light = soft_noise(noise.lattice[:, :1], 30 * scale, noise.turn, height, width)
    texture = value_noise(noise.lattice[:, 1:], knobs["fibre_size"] * scale, noise.turn + 1, height, width)
    field = (1 + 0.4 * column(knobs["shading"]) * light) * (1 + column(knobs["fibre"]) * texture)
    grain = coloured_noise(noise.white, knobs["noise_size"] * scale * 0.5, 0.15 * float(scale.max()))
    strength = torch.stack((knobs["noise"], knobs["chroma_noise"], knobs["chroma_noise"]), 1)
    return ScanFields(field * paper[:, :, None, None], grain * strength[:, :, None, None])


def scan_with(
    page: torch.Tensor, knobs: Settings, px_per_mm: torch.Tensor, fields: ScanFields, compress: bool = True
) -> torch.Tensor:
    """Scan a sheet, or a window of one, under fields of its own size; arguments as in `scan`."""
    scale = px_per_mm.float()
    image = page.clamp(1e-3, 1.0)
    image = column(knobs["black_level"]) + (1 - column(knobs["black_level"])) * image
    image = image ** column(knobs["gamma"]) * fields.gain

    planes = to_ycbcr(image)
    most = float(scale.max())
    luma = gaussian_blur(planes[:, :1], knobs["blur"] * scale, 0.45 * most)
    chroma_sigma = (knobs["blur"] ** 2 + knobs["chroma_blur"] ** 2).sqrt() * scale
    chroma = gaussian_blur(planes[:, 1:] * column(knobs["saturation"]), chroma_sigma, 0.92 * most)
    luma = luma + column(knobs["sharpen"]) * (luma - gaussian_blur(luma, 0.15 * scale, 0.15 * most))
    image = to_rgb(torch.cat((luma, chroma), 1) + fields.grain)
    if compress:
        image = jpeg(_soft_clip(image), 98 - 78 * knobs["jpeg"])
    return _soft_clip(image)


def scan(
    page: torch.Tensor, knobs: Settings, px_per_mm: torch.Tensor, noise: ScanNoise, compress: bool = True
) -> torch.Tensor:
    """What a scanner or a camera makes of a sheet of paper.

    Args:
        page: ``[B, 3, H, W]`` reflectance in 0..1 (bare paper is 1).
        knobs: settings of the "scan" group.
        px_per_mm: ``[B]``.
        noise: random fields of the same batch and size. The same noise gives stamped and clean the same scan.
        compress: apply the JPEG operator.

    Returns:
        ``[B, 3, H, W]`` in 0..1.
    """
    return scan_with(page, knobs, px_per_mm, scan_fields(knobs, px_per_mm, noise), compress)


def _soft_clip(image: torch.Tensor) -> torch.Tensor:
    """Clip to 0..1 in the forward pass, yet let one tenth of the gradient through, so that a knob can come back."""
    clipped = image.clamp(0, 1)
    return clipped + 0.1 * (image - image.detach()) * (image != clipped)


def press_and_scan(
    page: torch.Tensor,
    coverage: torch.Tensor,
    base: torch.Tensor,
    knobs: Settings,
    px_per_mm: torch.Tensor,
    ink_noise: InkNoise,
    scan_noise: ScanNoise,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The whole model, without a residual network.

    Returns:
        (stamped ``[B, 3, H, W]`` in 0..1, ink absorbance ``[B, 3, H, W]``).
    """
    ink = press_ink(coverage, base, knobs, px_per_mm, ink_noise)
    return scan(page * torch.exp(-ink), knobs, px_per_mm, scan_noise), ink
