"""The image-to-image residual forger: a flat stamped image in, a realistic one out (the published method's form).

It needs no layers, so it serves users who only have pasted images. What it cannot give: a clean twin that is aligned to
the pixel, a visible mask, and the certainty that the page's text is untouched.
"""

from __future__ import annotations

import torch
from torch import nn

from seal2real.forger.networks import ResidualUNet


class ResidualForger(nn.Module):
    """``stamped -> stamped + U-Net(stamped, noise)``.

    Args:
        widths: channels per level.
    """

    kind = "residual"

    def __init__(self, widths: tuple[int, ...] = (32, 64, 96)):
        super().__init__()
        self.config = {"kind": self.kind, "widths": list(widths)}
        self.network = ResidualUNet(6, 3, tuple(widths))

    def forward(self, stamped: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Images ``[B, 3, H, W]`` in 0..1 and standard normal noise ``[B, 3, H, W]`` to images in 0..1."""
        change = self.network(torch.cat((stamped * 2 - 1, noise), 1))
        forged = stamped + change
        clipped = forged.clamp(0, 1)
        return clipped + 0.1 * (forged - forged.detach()) * (forged != clipped)
