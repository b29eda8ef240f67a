"""JPEG as a differentiable operator (ITU-T T.81: 8x8 DCT, quantisation with the example tables of annex K)."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from seal2real.physics.operators import to_rgb, to_ycbcr
from seal2real.sample import Image

_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 "
    "99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"
)


@cache
def _tables() -> tuple[torch.Tensor, torch.Tensor]:
    """The DCT-II as 64 filters ``[64, 1, 8, 8]``, and the quantisation tables ``[2, 64]`` at quality 50, in 0..1."""
    x = torch.arange(8, dtype=torch.float32)
    basis = torch.cos((2 * x[None] + 1) * x[:, None] * math.pi / 16) * 0.5
    basis[0] /= math.sqrt(2)
    filters = torch.einsum("ui,vj->uvij", basis, basis).reshape(64, 1, 8, 8)
    tables = torch.tensor([[float(v) for v in table.split()] for table in (_LUMA, _CHROMA)]) / 255.0
    return filters, tables


def _code(plane: torch.Tensor, table: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """One plane ``[B, 1, H, W]`` (sides multiples of 8) through DCT, rounding to ``table [B, 64]``, and back."""
    coefficients = F.conv2d(plane, filters, stride=8)
    steps = table[:, :, None, None]
    levels = coefficients / steps
    # straight-through rounding: the forward pass rounds, the gradient passes as if it did not
    levels = levels + (levels.round() - levels).detach()
    return F.conv_transpose2d(levels * steps, filters, stride=8)


def jpeg(images: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Compress and decompress, with 4:2:0 chroma.

    Args:
        images: ``[B, 3, H, W]`` RGB in 0..1.
        quality: ``[B]`` in 1..100, the libjpeg scale.

    Returns:
        ``[B, 3, H, W]``; may leave 0..1 slightly. Gradients pass the rounding straight through.
    """
    height, width = images.shape[-2:]
    filters, tables = (t.to(images.device) for t in _tables())
    quality = quality.float().clamp(1, 100)
    scale = torch.where(quality < 50, 50.0 / quality, 2.0 - quality / 50.0).clamp_min(0.01)
    steps = (tables[None] * scale[:, None, None]).clamp_min(1.0 / 255.0)
    padded = F.pad(images.float(), (0, -width % 16, 0, -height % 16), mode="replicate")
    planes = to_ycbcr(padded)
    luma = _code(planes[:, :1] - 0.5, steps[:, 0], filters) + 0.5
    chroma = F.avg_pool2d(planes[:, 1:], 2)
    coded = _code(chroma.reshape(-1, 1, *chroma.shape[-2:]), steps[:, 1].repeat_interleave(2, 0), filters)
    chroma = F.interpolate(coded.reshape_as(chroma), scale_factor=2, mode="bilinear", align_corners=False)
    return to_rgb(torch.cat((luma, chroma), 1))[..., :height, :width]


def jpeg_file(image: Image, quality: float) -> Image:
    """What `jpeg` imitates: through a real JPEG file in memory (libjpeg, 4:2:0).

    Args:
        image: ``uint8 [H, W, 3]`` in the order **BGR**, as OpenCV's encoder takes it without a copy.
        quality: 1..100; rounded to a whole number.

    Returns:
        ``uint8 [H, W, 3]`` RGB. A 16 x 16 block depends on its own pixels and, by the interpolated chroma, on one pixel
        of chroma (two of the image) around it.
    """
    flags = [cv2.IMWRITE_JPEG_QUALITY, int(np.clip(round(quality), 1, 100))]
    flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, flags)[1], cv2.IMREAD_COLOR_RGB), np.uint8)
