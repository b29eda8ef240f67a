"""Forgers as methods among others: one that is there already, one that is calibrated, one that is trained."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from seal2real.baselines.base import Baseline, Clock, Material
from seal2real.errors import UsageError
from seal2real.forger import Forger, load_forger
from seal2real.forger.calibrate import CalibrationSettings, calibrate_folder
from seal2real.forger.layered import LayeredForger
from seal2real.forger.train import train
from seal2real.forger.train_config import TrainConfig
from seal2real.physics.strength import USUAL_CAPTURE, USUAL_WEAR, drawn
from seal2real.prior.config import read_config
from seal2real.sample import Sample
from seal2real.seeding import rng_for

_LEAST_MINUTES = 0.01
_OWN = ("real", "seed", "stage", "minutes", "pool")  # of a run's settings: what the comparison sets for all


class _ForgerBaseline(Baseline):
    """Applies ``self.forger``."""

    forger: Forger | None = None
    noise = True

    def style(self, rng: np.random.Generator) -> Mapping[str, float] | None:
        """Of the next sample, for `Forger.forge`; None as learned."""
        return None

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample forged; from the image-to-image forger, with the labels of the paste.

        Raises:
            UsageError: `fit` has not been called.
        """
        if self.forger is None:
            raise UsageError("there is no forger yet; call fit first")
        style = self.style(rng)
        forged = self.forger.forge(sample, rng if self.noise else rng_for(0, 0, "one noise for all"), style)
        return forged if self.layers else replace(sample, stamped=forged.stamped)

    def _take(self, forger: Forger) -> None:
        self.forger, self.layers = forger, forger.takes_layers
        self.parameters = sum(parameter.numel() for parameter in forger.network.parameters())


@dataclass(frozen=True)
class NamedSettings:
    """Settings of a forger that is there."""

    name: str = "default"  # "default", "untrained", or the folder of a run
    wear: float = 0.5  # 0..1, 0.5 is as learned
    capture: float = 0.5  # 0..1, 0.5 is as learned
    usual: bool = False  # draw both for every sample, as `generate` does
    noise: bool = True  # False gives every seal the same random code and fields


class NamedForger(_ForgerBaseline):
    """A forger by name or folder."""

    kind = "forger"
    Settings = NamedSettings

    def __init__(self, settings: NamedSettings):
        super().__init__(settings)
        forger = load_forger(settings.name)
        if forger is None:
            raise UsageError("forger 'none' changes nothing: that is the kind 'pasted'")
        self._take(forger)
        self.parameters = 0 if settings.name == "untrained" else self.parameters
        self.noise = settings.noise

    def style(self, rng: np.random.Generator) -> Mapping[str, float] | None:
        """As the settings ask for; an image-to-image forger has none."""
        if not self.layers:
            return None
        own = self.settings
        wear, capture = (USUAL_WEAR, USUAL_CAPTURE) if own.usual else (own.wear, own.capture)
        return {"wear": drawn(wear, rng), "capture": drawn(capture, rng)}


@dataclass(frozen=True)
class CalibratedSettings:
    """Settings of a forger whose knobs are read off the real images, without training."""

    start_from: str = "untrained"  # whose residual network it takes: "untrained" (none), "default", a run
    breadth: float = CalibrationSettings.breadth

    def __post_init__(self) -> None:
        CalibrationSettings(breadth=self.breadth)


class CalibratedForger(_ForgerBaseline):
    """The press-and-scan model calibrated on the real images."""

    kind = "calibrated"
    Settings = CalibratedSettings

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:
        """Seconds, whatever time there is."""
        out, settings = material.work / "run", self.settings
        shutil.rmtree(out, ignore_errors=True)
        start = time.monotonic()
        calibrate_folder(
            material.real, out, settings.start_from, seed=seed, settings=CalibrationSettings(breadth=settings.breadth)
        )
        self.minutes = (time.monotonic() - start) / 60
        self._take(Forger.load(out))
        self.parameters = sum(parameter.numel() for parameter in self._knobs())

    def _knobs(self) -> Iterator[torch.Tensor]:
        assert self.forger is not None
        network = self.forger.network
        assert isinstance(network, LayeredForger)
        return network.knobs.parameters()


class TrainedForger(_ForgerBaseline):
    """A forger trained for the comparison; its settings are those of a training run, and ``noise``."""

    kind = "training"
    Settings = TrainConfig
    learns = True

    def __init__(self, settings: TrainConfig, noise: bool = True):
        super().__init__(settings)
        self.noise = noise
        self.layers = settings.forger == "layered"

    @classmethod
    def read(cls, values: Mapping[str, Any], where: str) -> TrainedForger:
        """From plain values.

        Raises:
            UsageError: as `read_config`, or a setting that the comparison sets for all.
        """
        for key in _OWN:
            if key in values:
                raise UsageError(f"{where}: {key} is the same for all methods; set it for the whole comparison")
        rest = dict(values)
        noise = rest.pop("noise", True)
        if not isinstance(noise, bool):
            raise UsageError(f"{where}: noise is {noise!r}; expected true or false")
        return cls(read_config(TrainConfig, {**rest, "real": ""}, where), noise)

    def fit(self, material: Material, seed: int, minutes: float | None = None) -> None:
        """Stage 1 where a prior or adversary asks for prompts, then stage 2 for what is left of the time."""
        out = material.work / "run"
        shutil.rmtree(out, ignore_errors=True)  # a training that was cut short has no honest time
        config = replace(self.settings, real=str(material.real), seed=seed, pool=material.pool_size, stage="1")
        clock = Clock()
        prompted = config.prior != "none" or config.adversary == "features"
        if prompted:
            train(config, out, progress=clock)
            clock.stop()
        left = None if minutes is None else max(_LEAST_MINUTES, minutes - clock.minutes)
        train(replace(config, stage="2", minutes=left), out, prompted, clock, material.validate)
        clock.stop()
        self.minutes = clock.minutes
        self._take(Forger.load(out))
