"""A network that reads the knobs' dials off an image: how pale the ink, how dark the paper, how blurred the scan.

It learns from images that the press-and-scan model has made, where the dials are known, and gives a normal posterior of
their logits (amortised simulation-based inference, Cranmer et al. 2020). Of what cannot be seen in an image it says so:
there the posterior is the prior.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.forger.batches import Forged, forge_captured
from seal2real.forger.layered import LayeredForger
from seal2real.physics.knobs import KNOBS
from seal2real.physics.operators import to_ycbcr
from seal2real.press.inks import COLOURS
from seal2real.prior.config import check_positive, check_seed
from seal2real.prior.pool import Pool
from seal2real.prior.stage1 import log_uniform
from seal2real.prior.training import (
    Budget,
    Log,
    Run,
    Streams,
    drawing_workers,
    initial_weights,
    make_accelerator,
    start_run,
)
from seal2real.weights import load_into, read_json, save_module, shipped

PATCH = 96  # side in pixels of what is looked at
DIAMETERS = (144.0, 240.0)  # longest side of a seal in pixels, log-uniform
PRIOR_WIDTH = 1.25  # of the dials that are learned from, times the untrained forger's
LEAST_EXPLAINED = 0.15  # of a knob's variance, for it to be read at all
MAY_DIFFER = ("steps", "minutes", "save_every")  # at resume
_PART = "estimator"
_JUDGED = 12  # batches
_JUDGE_STREAM = 1_000_003
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)  # of luma and chroma
_QUIET = (0.05, 0.15, 0.35, 0.6)  # of local contrast, from the quietest places
_STEEP = (0.5, 0.8, 0.95, 0.99)  # of slopes
_OCTAVES = 5
_MEASURES = 3 * len(_QUANTILES) + 3 * _OCTAVES * (3 + len(_QUIET)) + 3 * 3 + 3 + 2 * len(_STEEP)


@dataclass(frozen=True)
class EstimatorConfig:
    """Settings of an estimator's training."""

    steps: int = 6000
    minutes: float | None = None  # wall-clock limit of this call; None for none
    batch: int = 32
    learning_rate: float = 1.5e-3  # AdamW, after a warm-up, falling along a cosine
    width: int = 24  # channels of the first level
    pool: int = 1200  # drawn seal crops
    pages: str | None = None  # folder of real backgrounds, for a share of the crops
    save_every: float = 180.0  # seconds between states
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self)
        check_positive(self, "steps", "minutes", "batch", "learning_rate", "pool", "width")


class KnobEstimator(nn.Module):
    """Fixed measurements (see `describe`) beside learned features.

    Args:
        width: channels of the first level.
        explained: see `explained`; empty until it is trained.
    """

    def __init__(self, width: int = 24, explained: Mapping[str, float] | None = None):
        super().__init__()
        self.width = width
        self.explained = dict(explained or {})
        layers: list[nn.Module] = []
        channels = 3
        for out in (width, 2 * width, 3 * width):
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.SiLU()]
            layers += [nn.Conv2d(out, out, 3, stride=2, padding=1), nn.SiLU()]
            channels = out
        self.body = nn.Sequential(*layers)
        self.norm = nn.BatchNorm1d(_MEASURES, affine=False, momentum=None)
        wide = 256
        self.head = nn.Sequential(
            nn.Linear(_MEASURES + 2 * channels + len(COLOURS), wide),
            nn.SiLU(),
            nn.Linear(wide, wide),
            nn.SiLU(),
            nn.Linear(wide, 2 * len(KNOBS)),
        )
        prior = torch.tensor([knob.start for knob in KNOBS]).logit()
        self.register_buffer("prior_mean", prior, persistent=False)
        self.register_buffer("prior_spread", torch.tensor([knob.spread for knob in KNOBS]) * PRIOR_WIDTH, False)
        self.prior_mean: torch.Tensor
        self.prior_spread: torch.Tensor

    def forward(self, images: torch.Tensor, colour: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The dials' posterior.

        Args:
            images: ``[B, 3, S, S]`` in 0..1; patches with ink on them, of seals that measure `DIAMETERS`.
            colour: ``[B]`` indices into `COLOURS`.

        Returns:
            (mean, standard deviation) of the logits, each ``[B, K]``.
        """
        inks = F.one_hot(colour, len(COLOURS)).float()
        found = self.body(images * 2 - 1).float()
        learned = torch.cat((found.mean((2, 3)), (found.var((2, 3)) + 1e-6).sqrt()), 1)
        measured = self.norm(describe(images)).clamp(-6, 6)
        mean, spread = self.head(torch.cat((measured, learned, inks), 1)).chunk(2, 1)
        return self.prior_mean + self.prior_spread * mean, (self.prior_spread.log() + spread).clamp(-4.0, 1.5).exp()

    def seen(self) -> torch.Tensor:
        """``bool [K]``: the knobs that it can read; of the others it says no more than the prior does."""
        shares = [self.explained.get(knob.name, 0.0) for knob in KNOBS]
        return torch.tensor(shares, device=self.prior_mean.device) >= LEAST_EXPLAINED

    def save(self, folder: Path, dtype: torch.dtype | None = None) -> None:
        """Write config.json and model.safetensors."""
        save_module(self, folder, {"width": self.width, "explained": self.explained}, dtype)

    @classmethod
    def load(cls, folder: Path) -> KnobEstimator:
        """From a folder of config.json and model.safetensors.

        Raises:
            Seal2RealError: a file is missing, damaged, or of another kind of network.
        """
        config = read_json(folder / "config.json")
        estimator = cls(int(config["width"]), config["explained"])
        load_into(estimator, folder / "model.safetensors")
        return estimator.eval().requires_grad_(False)


def estimator_folder(name: str) -> Path:
    """Where an estimator lies: "shipped", a folder of one, or the folder of its run.

    Raises:
        Seal2RealError: no such folder, or no estimator in it.
    """
    if name == "shipped":
        return shipped("estimator")
    folder = Path(name) / _PART if (Path(name) / _PART).is_dir() else Path(name)
    if not (folder / "config.json").is_file():
        raise Seal2RealError(
            f"{name}: no estimator here (no config.json); give 'shipped' or a run of pretrain-estimator"
        )
    return folder


@torch.no_grad()
def describe(images: torch.Tensor) -> torch.Tensor:
    """What a densitometer and a few filters measure.

    Levels of luma and chroma; contrast in five octaves: overall, on bare paper, on ink, and in the quietest places;
    mean colours and shares of paper and ink; steepness of edges.

    Args:
        images: ``[B, 3, H, W]`` in 0..1, 32 pixels or more a side.

    Returns:
        ``[B, M]``.
    """
    planes = to_ycbcr(images.float())
    quantiles = _quantiles(planes.flatten(2), _QUANTILES)
    paper_colour = quantiles[:, :, _QUANTILES.index(0.5)].clone()
    paper_colour[:, 0] = quantiles[:, 0, _QUANTILES.index(0.75)]
    away = planes - paper_colour[:, :, None, None]
    chroma = away[:, 1:].square().sum(1, keepdim=True).sqrt()
    near = F.max_pool2d(chroma + away[:, :1].abs(), 7, 1, 3)
    paper, ink = torch.sigmoid((0.12 - near) / 0.03), torch.sigmoid((chroma - 0.08) / 0.02)
    weights = torch.cat((torch.ones_like(paper), paper, ink), 1) + 1e-4
    total = weights.sum((2, 3))
    colours = torch.einsum("bwhx,bchx->bwc", weights, planes) / total[..., None]
    found = [quantiles.flatten(1), colours.flatten(1), (total / total[:, :1]).log()]
    rest, mask = planes, weights
    for _ in range(_OCTAVES):
        detail = (rest - F.avg_pool2d(F.pad(rest, (1, 1, 1, 1), mode="replicate"), 3, 1)).square()
        energy = torch.einsum("bwhx,bchx->bwc", mask, detail) / mask.sum((2, 3))[..., None]
        quiet = _quantiles(F.avg_pool2d(detail, min(5, detail.shape[-1]), 2).flatten(2), _QUIET)
        found += [(energy + 1e-7).log().flatten(1), (quiet + 1e-8).log().flatten(1)]
        rest, mask = F.avg_pool2d(rest, 2), F.avg_pool2d(mask, 2)
    for plane in (planes[:, 0], chroma[:, 0]):
        slopes = torch.cat((plane.diff(dim=1).flatten(1), plane.diff(dim=2).flatten(1)), 1).abs()
        found.append((_quantiles(slopes, _STEEP) + 1e-4).log())
    return torch.cat(found, 1)


def _quantiles(values: torch.Tensor, levels: tuple[float, ...]) -> torch.Tensor:
    """Quantiles along the last dimension, in its place."""
    return values.quantile(torch.tensor(levels, device=values.device), dim=-1).movedim(0, -1)


def train_estimator(
    config: EstimatorConfig, out: Path, resume: bool = False, progress: Callable[[int, float], None] | None = None
) -> dict[str, float]:
    """Train an estimator and write it to ``out/estimator``.

    Args:
        config: settings.
        out: run folder.
        resume: go on with the run in ``out``.
        progress: called with (steps done, loss).

    Returns:
        Share of the prior's variance that it explains, by knob: 0 cannot be seen, 1 is known exactly.

    Raises:
        Seal2RealError: a loss that is not finite.
        UsageError: settings that do not fit, or ``out`` holds something else.
    """
    accelerator = make_accelerator("no", out)
    run = Run(out, config, resume, accelerator.is_main_process, MAY_DIFFER)
    start_run(accelerator, run)
    device = accelerator.device
    with initial_weights(config.seed):
        estimator = KnobEstimator(config.width).to(device)
    model = _wide_model().to(device)
    optimizer = torch.optim.AdamW(estimator.parameters(), lr=config.learning_rate, weight_decay=1e-3)
    modules, optimizers = {"estimator": estimator}, {"adam": optimizer}
    done = run.load_state(_PART, modules, optimizers)
    pages = Path(config.pages) if config.pages else None
    pool = Pool.build(config.pool, config.seed, pages, workers=drawing_workers(accelerator))
    saved = time.monotonic()
    for step in Budget(accelerator, config.steps, config.minutes).remaining(done):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _schedule(step, config.steps)
        made, truth = _known(model, pool, Streams(config.seed, step, 0, device), config.batch, device)
        mean, spread = estimator(made["forged"], made["colour"])
        loss = (0.5 * ((truth - mean) / spread).square() + spread.log()).mean()
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(estimator.parameters(), 1.0)
        optimizer.step()
        done = step + 1
        log = Log()
        log.add({"loss": float(loss.detach())})
        values = log.averaged(accelerator)
        run.log(_PART, done, {**values, "norm": float(norm)})
        if progress:
            progress(done, values["loss"])
        if time.monotonic() - saved > config.save_every:
            run.save_state(_PART, done, modules, optimizers)
            saved = time.monotonic()
    run.save_state(_PART, done, modules, optimizers)
    estimator.eval()
    estimator.explained = explained(estimator, model, pool, config.seed, device)
    if accelerator.is_main_process:
        estimator.save(out / _PART)
    accelerator.end_training()
    return estimator.explained


@torch.no_grad()
def explained(
    estimator: KnobEstimator, model: LayeredForger, pool: Pool, seed: int, device: torch.device
) -> dict[str, float]:
    """Share of the variance of known dials that the estimator explains, by knob, on patches not seen before."""
    truths, means = [], []
    for number in range(_JUDGED):
        made, truth = _known(model, pool, Streams(seed, number, _JUDGE_STREAM, device), 32, device)
        truths.append(truth)
        means.append(estimator(made["forged"], made["colour"])[0])
    truth, mean = torch.cat(truths), torch.cat(means)
    left = (truth - mean).square().mean(0) / truth.var(0)
    return {knob.name: round(1 - float(share), 3) for knob, share in zip(KNOBS, left, strict=True)}


@torch.no_grad()
def _known(
    model: LayeredForger, pool: Pool, streams: Streams, count: int, device: torch.device
) -> tuple[Forged, torch.Tensor]:
    """Patches, and the logits ``[B, K]`` of the dials that made them."""
    colours = [str(name) for name in streams.numpy.choice(list(COLOURS), size=count)]
    diameter = log_uniform(streams.numpy, DIAMETERS)
    made = forge_captured(model, pool, streams, colours, PATCH, diameter, device)
    assert made["impression"] is not None
    return made, made["impression"].dials.clamp(0.01, 0.99).logit()


def _wide_model() -> LayeredForger:
    """The press-and-scan model alone, its dials drawn a little wider than the untrained forger's."""
    with initial_weights(0):
        model = LayeredForger(residual=False)
    with torch.no_grad():
        model.knobs.spread.add_(float(np.log(PRIOR_WIDTH)))
    return model.requires_grad_(False)


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 100) * 0.5 * (1 + float(np.cos(np.pi * step / steps)))
