"""Learned prompts: embeddings, not words. Kept as one safetensors file with a tensor per name ("real", "fake")."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.prior.backbone import Backbone
from seal2real.weights import read_tensors, write_tensors


class Prompts(nn.Module):
    """A real and a fake prompt, each ``[1, tokens, width]``, started from words."""

    def __init__(self, real: torch.Tensor, fake: torch.Tensor):
        super().__init__()
        self.real = nn.Parameter(real.clone().float())
        self.fake = nn.Parameter(fake.clone().float())

    @classmethod
    def start(cls, backbone: Backbone, real: str = "a real seal", fake: str = "a fake seal") -> Prompts:
        """Prompts from words, as the backbone understands them."""
        return cls(backbone.embed(real), backbone.embed(fake))

    def save(self, path: Path) -> None:
        """Write both prompts."""
        write_tensors(path, {"real": self.real, "fake": self.fake})

    @classmethod
    def load(cls, path: Path, backbone: Backbone) -> Prompts:
        """Read prompts for this backbone.

        Raises:
            Seal2RealError: no valid file, or the prompts are of another backbone's shape.
        """
        tensors = read_tensors(path)
        expected = [1, *backbone.prompt_shape]
        for name in ("real", "fake"):
            if name not in tensors:
                raise Seal2RealError(f"{path}: prompt {name!r} is missing")
            if list(tensors[name].shape) != expected:
                raise Seal2RealError(
                    f"{path}: prompt {name!r} has shape {list(tensors[name].shape)}, this backbone needs {expected}"
                )
        return cls(tensors["real"], tensors["fake"])
