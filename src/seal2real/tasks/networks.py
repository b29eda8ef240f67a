"""The U-Net that all tasks share: RGB in, maps of the same size and maps of half the size out."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seal2real.forger.networks import ResidualUNet
from seal2real.prior.config import plain, read_config
from seal2real.prior.training import initial_weights
from seal2real.weights import load_into, read_json, save_module

WIDTHS = (24, 48, 96, 128, 160)


@dataclass(frozen=True)
class _Sizes:
    inputs: int
    full: int
    half: int
    widths: tuple[int, ...]


class TaskUNet(nn.Module):
    """A U-Net that works at half the resolution: 2 x 2 pixels are folded into channels on the way in, and unfolded on
    the way out for the maps that need every pixel (Shi et al. 2016), which costs a quarter.

    Args:
        full: maps of the input's size.
        half: maps of half the size.
        inputs: input channels.
        widths: channels per level, from half the resolution down.
    """

    def __init__(self, full: int, half: int, inputs: int = 3, widths: tuple[int, ...] = WIDTHS):
        super().__init__()
        self.sizes = _Sizes(inputs, full, half, tuple(widths))
        self.unet = ResidualUNet(4 * inputs, 4 * full + half, self.sizes.widths)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of both kinds of map.

        Args:
            images: ``[B, inputs, H, W]``, of any size.

        Returns:
            ``[B, full, H, W]`` and ``[B, half, ceil(H/2), ceil(W/2)]``, float32.
        """
        height, width = images.shape[-2:]
        padded = nn.functional.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
        folded = nn.functional.pixel_unshuffle(padded, 2).contiguous(memory_format=torch.channels_last)
        maps = self.unet(folded).float()
        fine, coarse = maps[:, : 4 * self.sizes.full], maps[:, 4 * self.sizes.full :]
        if not self.sizes.full:
            return images.new_zeros(len(images), 0, height, width), coarse
        return nn.functional.pixel_shuffle(fine, 2)[..., :height, :width], coarse

    def for_inference(self, dtype: torch.dtype = torch.bfloat16) -> TaskUNet:
        """A faster copy that computes the same and cannot be trained."""
        fast = copy.copy(self)
        fast._modules = {"unet": self.unet.for_inference(dtype)}
        return fast.eval()

    def save(self, folder: Path, **more: Any) -> None:
        """Write ``config.json`` (with ``more``) and ``model.safetensors`` (bfloat16)."""
        save_module(self, folder, {**plain(asdict(self.sizes)), **more}, torch.bfloat16)

    @classmethod
    def load(cls, folder: Path) -> TaskUNet:
        """Read what `save` wrote.

        Raises:
            Seal2RealError: a file is missing, damaged, or of another model (a `UsageError` if its config is).
        """
        values = read_json(folder / "config.json")
        names = {field.name for field in fields(_Sizes)}
        sizes = read_config(_Sizes, {k: v for k, v in values.items() if k in names}, f"{folder / 'config.json'}")
        network = cls(sizes.full, sizes.half, sizes.inputs, sizes.widths)
        load_into(network, folder / "model.safetensors")
        return network


def new_network(seed: int, full: int, half: int, widths: tuple[int, ...] | None = None, inputs: int = 3) -> TaskUNet:
    """A network with random weights of this seed."""
    with initial_weights(seed):
        return TaskUNet(full, half, inputs, widths or WIDTHS)
