"""CUT (Park et al. 2020): one generator, an LSGAN, and a contrastive loss that keeps each place what it was."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from seal2real.baselines.translation import (
    Generator,
    PatchDiscriminator,
    Translation,
    TranslationSettings,
    adam,
    discriminator_step,
    lsgan,
    normalised,
    sampled,
)
from seal2real.prior.training import Streams


@dataclass(frozen=True)
class CutSettings(TranslationSettings):
    """Settings."""

    contrast_weight: float = 1.0  # of PatchNCE (the paper's lambda_X)
    identity_weight: float = 1.0  # of PatchNCE on real patches that are to stay as they are (lambda_Y)
    temperature: float = 0.07
    places: int = 128  # that are compared per layer


class _Heads(nn.Module):
    """A two-layer perceptron per feature layer, to unit vectors."""

    def __init__(self, widths: list[int], out: int = 128):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, out), nn.ReLU(), nn.Linear(out, out)) for width in widths
        )

    def forward(self, features: list[torch.Tensor], places: list[torch.Tensor]) -> list[torch.Tensor]:
        return [
            normalised(layer(sampled(feature, place)))
            for layer, feature, place in zip(self.layers, features, places, strict=True)
        ]


def patch_nce(query: torch.Tensor, key: torch.Tensor, temperature: float) -> torch.Tensor:
    """InfoNCE over the places of one image (eq. 3 of the paper): the same place is the positive, the others negatives.

    Args:
        query: ``[B, P, C]`` unit vectors of the translated image.
        key: the same of the input.
        temperature: of the softmax.
    """
    logits = query @ key.detach().transpose(1, 2) / temperature
    target = torch.arange(query.shape[1], device=query.device).expand(len(query), -1)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten())


class Cut(Translation):
    """See the module's docstring."""

    kind = "cut"
    Settings = CutSettings

    def build(self, device: torch.device) -> None:
        """Generator, heads, discriminator."""
        settings = self.settings
        self.generator = Generator(settings.width, settings.blocks).to(device)
        self._heads = _Heads(self.generator.feature_widths).to(device)
        self._judge = PatchDiscriminator().to(device)
        self._optimizer = adam([self.generator, self._heads], settings.learning_rate)
        self._judge_optimizer = adam([self._judge], settings.learning_rate)

    def step(self, pasted: torch.Tensor, real: torch.Tensor, streams: Streams) -> float:
        """The discriminator's turn, then the generator's."""
        assert self.generator is not None
        settings = self.settings
        made = self.generator(pasted)
        discriminator_step(self._judge, self._judge_optimizer, real, made)
        loss = lsgan(self._judge(made), 1.0) + settings.contrast_weight * self._contrast(pasted, made, streams)
        if settings.identity_weight:
            loss = loss + settings.identity_weight * self._contrast(real, self.generator(real), streams)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())

    def _contrast(self, before: torch.Tensor, after: torch.Tensor, streams: Streams) -> torch.Tensor:
        assert self.generator is not None
        keys, queries = self.generator.features(before), self.generator.features(after)
        places = [
            (streams.uniform(min(self.settings.places, each.shape[-1] * each.shape[-2])) * each[0, 0].numel()).long()
            for each in keys
        ]
        pairs = zip(self._heads(queries, places), self._heads(keys, places), strict=True)
        return torch.stack([patch_nce(query, key, self.settings.temperature) for query, key in pairs]).mean()
