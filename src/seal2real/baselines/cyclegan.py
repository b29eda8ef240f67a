"""CycleGAN (Zhu et al. 2017): two generators, there and back, that must undo each other, and an LSGAN on each side."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from seal2real.baselines.translation import (
    Generator,
    PatchDiscriminator,
    Translation,
    TranslationSettings,
    adam,
    discriminator_step,
    lsgan,
)
from seal2real.prior.training import Streams


@dataclass(frozen=True)
class CycleGanSettings(TranslationSettings):
    """Settings."""

    cycle_weight: float = 10.0  # of the L1 distance after there and back (the paper's lambda)
    identity_weight: float = 5.0  # of the L1 distance to images that are to stay as they are


class CycleGan(Translation):
    """See the module's docstring."""

    kind = "cyclegan"
    Settings = CycleGanSettings

    def build(self, device: torch.device) -> None:
        """Two generators, two discriminators."""
        settings = self.settings
        self.generator = Generator(settings.width, settings.blocks).to(device)
        self._back = Generator(settings.width, settings.blocks).to(device)
        self._judges = [PatchDiscriminator().to(device) for _ in range(2)]
        self._optimizer = adam([self.generator, self._back], settings.learning_rate)
        self._judge_optimizers = [adam([judge], settings.learning_rate) for judge in self._judges]

    def step(self, pasted: torch.Tensor, real: torch.Tensor, streams: Streams) -> float:
        """The discriminators' turns, then the generators'."""
        assert self.generator is not None
        settings = self.settings
        made, unmade = self.generator(pasted), self._back(real)
        discriminator_step(self._judges[0], self._judge_optimizers[0], real, made)
        discriminator_step(self._judges[1], self._judge_optimizers[1], pasted, unmade)
        fooled = lsgan(self._judges[0](made), 1.0) + lsgan(self._judges[1](unmade), 1.0)
        cycle = (self._back(made) - pasted).abs().mean() + (self.generator(unmade) - real).abs().mean()
        loss = fooled + settings.cycle_weight * cycle
        if settings.identity_weight:
            kept = (self.generator(real) - real).abs().mean() + (self._back(pasted) - pasted).abs().mean()
            loss = loss + settings.identity_weight * kept
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())
