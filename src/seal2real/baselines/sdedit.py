"""SDEdit (Meng et al. 2022): noise a pasted image part of the way, and denoise it with the prompt of real seals."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seal2real.baselines.base import Clock, FlatBaseline, Material, at_diameter
from seal2real.errors import UsageError
from seal2real.forger.train import train
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.config import check_choices, check_positive
from seal2real.prior.editing import sdedit
from seal2real.prior.prompts import Prompts
from seal2real.prior.sampling import SamplingSettings
from seal2real.sample import Image, Sample


@dataclass(frozen=True)
class SdEditSettings:
    """Settings."""

    strength: float = 0.4  # 0..1, how far to noise
    steps: int = 50  # denoising steps from full noise; SDEdit takes ``strength`` of them
    realism: float = 1.0  # between the fake prompt (0) and the real one (1), and beyond
    prompt: str = "learned"  # "learned" (stage 1 on the real images), "words"
    real_words: str = "a real seal"  # of the prompts, where they are not learned
    fake_words: str = "a fake seal"
    run: str | None = None  # folder of a run whose prompts and backbone are taken; None learns them
    backbone: str = "compact"
    prompt_steps: int = 300  # of stage 1
    diameter: float = 240.0  # pixels that a seal is reduced to: the largest that the backbone has seen

    def __post_init__(self) -> None:
        check_choices(self, prompt=("learned", "words"))
        check_positive(self, "steps", "prompt_steps", "diameter")
        if not 0 < self.strength <= 1:
            raise UsageError(f"strength is {self.strength}; it must be above 0 and at most 1")


class SdEdit(FlatBaseline):
    """The noise is the source of variety; the sampling after it is deterministic."""

    kind = "sdedit"
    Settings = SdEditSettings
    _backbone: Backbone | None = None
    _prompts: Prompts

    def __init__(self, settings: SdEditSettings):
        super().__init__(settings)
        self.learns = settings.prompt == "learned" and settings.run is None

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:
        """Learn the prompts, or read them; stage 1 is counted in steps, not in minutes."""
        settings = self.settings
        folder = Path(settings.run) if settings.run else material.work / "run"
        if self.learns:
            shutil.rmtree(folder, ignore_errors=True)
            config = TrainConfig(
                str(material.real), stage="1", backbone=settings.backbone, prompt_steps=settings.prompt_steps,
                pool=material.pool_size, seed=seed,
            )  # fmt: skip
            clock = Clock()
            train(config, folder, progress=clock)
            clock.stop()
            self.minutes = clock.minutes
        if settings.prompt == "words":
            self._backbone = load_backbone(settings.backbone)
            self._prompts = Prompts.start(self._backbone, settings.real_words, settings.fake_words)
        else:
            adapted = folder / "backbone"
            self._backbone = load_backbone(str(adapted) if adapted.is_dir() else settings.backbone)
            self._prompts = Prompts.load(folder / "prompts.safetensors", self._backbone)
            self.parameters = sum(p.numel() for p in self._prompts.parameters())
            if adapted.is_dir():
                self.parameters += sum(p.numel() for p in self._backbone.unet.parameters())
        self._backbone.eval().requires_grad_(False)

    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The image, edited.

        Raises:
            UsageError: `fit` has not been called.
        """
        if self._backbone is None:
            raise UsageError("SDEdit has no backbone yet; call fit first")
        backbone, settings = self._backbone, self.settings
        how = SamplingSettings(realism=settings.realism, steps=settings.steps)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))

        def edited(image: torch.Tensor) -> torch.Tensor:
            return sdedit(backbone, self._prompts, image, settings.strength, generator, how)

        return at_diameter(sample, settings.diameter, backbone.multiple, edited)
