"""The interface of all methods, and what they may learn from."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch

from seal2real.errors import UsageError
from seal2real.forger import Forger
from seal2real.prior.config import read_config
from seal2real.prior.pool import Pool
from seal2real.prior.real import RealCrop, RealCrops
from seal2real.sample import FloatMap, Image, Sample

Validate = Callable[[Forger, RealCrops], dict[str, float]]


@dataclass
class Material:
    """What a method may learn from: the same for all.

    Attributes:
        real: folder of unlabelled real images.
        work: folder for what is kept while learning; the method makes it.
        pool_size: drawn seal crops.
        validate: judges a forger while it trains (see `seal2real.forger.train.train`); None for no such judgement.
    """

    real: Path
    work: Path
    pool_size: int = 1200
    validate: Validate | None = None
    _pools: dict[int, Pool] = field(default_factory=dict, repr=False)

    @cached_property
    def crops(self) -> RealCrops:
        """The real seals.

        Raises:
            Seal2RealError: none is found.
        """
        return RealCrops.from_folder(self.real)

    def pool(self, seed: int) -> Pool:
        """Drawn seal crops as layers, those that a forger of this seed learns from; kept for the next call."""
        if seed not in self._pools:
            self._pools[seed] = Pool.build(self.pool_size, seed)
        return self._pools[seed]


@dataclass(frozen=True)
class NoSettings:
    """Of methods that have nothing to set."""


class Baseline(ABC):
    """A way to make pasted seals look real.

    Args:
        settings: an instance of ``Settings``.

    Attributes:
        kind: name in `seal2real.baselines.KINDS`.
        Settings: dataclass of its settings.
        learns: whether `fit` trains something, and takes a time budget.
        layers: whether its results have a clean twin and visible masks of their own. If not, the labels stay those of
            the pasted sample.
        parameters: numbers that training has moved.
        minutes: wall-clock time that the training took, without the drawing of crops.
        outside_seconds: CPU seconds spent in other processes so far.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type] = NoSettings
    learns: bool = False
    layers: bool = False
    parameters: int = 0
    minutes: float = 0.0
    outside_seconds: float = 0.0

    def __init__(self, settings: Any):
        self.settings = settings

    @classmethod
    def read(cls, values: Mapping[str, Any], where: str) -> Baseline:
        """From plain values.

        Raises:
            UsageError: an unknown setting (the message names the nearest known one), or a value that does not fit.
        """
        return cls(read_config(cls.Settings, values, where))

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:  # noqa: B027
        """Learn; nothing to do for most.

        Args:
            material: real images and drawn crops.
            seed: of every choice.
            minutes: wall-clock limit of the training; None for the settings' own limit of steps.

        Raises:
            Seal2RealError: no usable real image, or training went wrong.
        """

    @abstractmethod
    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """A pasted sample made real.

        Args:
            sample: as composed flat.
            rng: source of every choice; the result depends on (what was learned, sample, rng) alone.
        """

    def close(self) -> None:  # noqa: B027
        """Give back processes and files; `apply` is not called again."""


class Clock:
    """Counts the minutes of training steps: give it to `seal2real.forger.train.train` as ``progress``.

    Attributes:
        minutes: from the first finished step to the last call of `stop`, over all stages.
    """

    def __init__(self) -> None:
        self.minutes = 0.0
        self._since: float | None = None

    def __call__(self, what: str, done: int, of: int, loss: float) -> None:
        """Steps have begun, once it is not the drawing any more."""
        if self._since is None and what != "drawing":
            self._since = time.monotonic()

    def stop(self) -> None:
        """A stage is over."""
        if self._since is not None:
            self.minutes += (time.monotonic() - self._since) / 60
        self._since = None


class FlatBaseline(Baseline):
    """A method that knows images only: image in, image out."""

    @abstractmethod
    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The new ``stamped`` image ``uint8 [H, W, 3]``, of the sample's size."""

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with its ``stamped`` exchanged; ``clean``, ``ink`` and masks stay those of the paste."""
        return replace(sample, stamped=self.image(sample, rng)).with_provenance(forger=self.kind)


class CropMatching(FlatBaseline):
    """A method without training that takes a real seal per sample, of its ink colour where there is one."""

    _crops: RealCrops | None = None

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:
        """Keep the real seals."""
        self._crops = material.crops

    def like_coloured(self, sample: Sample, rng: np.random.Generator) -> RealCrop:
        """A real seal at random, of the sample's ink colour where there is one.

        Raises:
            UsageError: `fit` has not been called.
        """
        if self._crops is None:
            raise UsageError(f"{self.kind} needs real images; call fit first")
        colours = {seal.colour for seal in sample.seals[:1]}
        same = [crop for crop in self._crops.crops if crop.colour in colours] or self._crops.crops
        return same[int(rng.integers(len(same)))]


def coverage_of(sample: Sample) -> FloatMap:
    """``float32 [H, W]`` in 0..1: ink coverage of all seals together."""
    height, width = sample.size
    total = np.zeros((height, width), np.float32)
    for seal in sample.seals:
        total = np.maximum(total, seal.on_page(seal.inked, height, width))
    return total


def to_tensor(image: Image) -> torch.Tensor:
    """``uint8 [H, W, 3]`` to ``[1, 3, H, W]`` in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def to_image(tensor: torch.Tensor) -> Image:
    """``[1, 3, H, W]`` in 0..1 (clipped) to ``uint8 [H, W, 3]``."""
    pixels = tensor[0].detach().float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return (pixels * 255 + 0.5).astype(np.uint8)


def at_diameter(sample: Sample, diameter: float, multiple: int, work: Callable[[torch.Tensor], torch.Tensor]) -> Image:
    """Run a network on a sample's image at the resolution that it was trained at, and come back.

    Args:
        sample: its first seal is scaled to ``diameter`` (smaller ones stay as they are).
        diameter: longest side in pixels.
        multiple: sides are mirrored out to multiples of this.
        work: ``[1, 3, h, w]`` in 0..1 to the same.
    """
    image = sample.stamped
    height, width = image.shape[:2]
    longest = max(sample.seals[0].coverage.shape) if sample.seals else diameter
    factor = min(1.0, diameter / longest)
    size = (max(multiple, round(width * factor)), max(multiple, round(height * factor)))
    small = image if size == (width, height) else _resized(image, size, cv2.INTER_AREA)
    padded = np.pad(small, ((0, -size[1] % multiple), (0, -size[0] % multiple), (0, 0)), mode="symmetric")
    result = to_image(work(to_tensor(padded)))[: size[1], : size[0]]
    if size != (width, height):
        result = _resized(result, (width, height), cv2.INTER_CUBIC)
    return np.ascontiguousarray(result)


def _resized(image: Image, size: tuple[int, int], how: int) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
