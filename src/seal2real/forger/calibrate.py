"""Calibration of the press-and-scan model: its knobs' joint distribution, read off the real images.

The estimator gives each real seal a posterior of its dials; the knob network is fitted to draws of all of them, by
sliced Wasserstein distance (Bonneel et al. 2015). Stage 2 then begins near the real images, and is held near.

It prevents what the adversary alone does with a few dozen images: dials that go together (grey paper, little noise) are
learned one by one and each too wide, or only the commonest look is learned. It takes seconds, and no labels.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from seal2real.errors import UsageError
from seal2real.forger.batches import without_photocopies
from seal2real.forger.estimator import DIAMETERS, PATCH, KnobEstimator, estimator_folder
from seal2real.forger.forge import load_forger
from seal2real.forger.layered import CODE_SIZE, LayeredForger
from seal2real.forger.networks import KnobNetwork
from seal2real.physics.knobs import KNOBS
from seal2real.press.inks import COLOURS
from seal2real.prior.config import check_positive
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import log_uniform
from seal2real.prior.training import Streams, initial_weights
from seal2real.weights import save_module

_STREAM = 20_011  # of the random numbers, far from those of training steps
_DIRECTIONS = 64
_LEAST = 8  # draws of a colour in a batch that are compared


@dataclass(frozen=True)
class CalibrationSettings:
    """Settings of the calibration."""

    breadth: float = 0.1  # share of looks that stay anywhere in the untrained forger's ranges; 1 changes nothing
    views: int = 12  # patches of each real seal whose dials are read
    draws: int = 64  # of each real seal's posterior
    steps: int = 800
    batch: int = 512
    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        if not 0 <= self.breadth <= 1:
            raise UsageError(f"breadth is {self.breadth:g}; it must be 0 (the real images' looks alone) to 1")
        check_positive(self, "views", "draws", "steps", "batch", "learning_rate")


def calibrate(
    forger: LayeredForger,
    real: RealCrops,
    estimator: KnobEstimator,
    seed: int,
    settings: CalibrationSettings | None = None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> float:
    """Fit a forger's knob network, in place, to what can be read off real seals.

    Args:
        forger: its knobs move, of those that the estimator can read; the others and the residual network stay. The
            inks' own colours go back to the untrained ones, from which the knobs are counted.
        real: real seals.
        estimator: reads them.
        seed: of every choice.
        settings: of the calibration.
        progress: called with (steps done, distance).

    Returns:
        The distance that is left, in squares of the dials' untrained spreads.
    """
    settings = settings or CalibrationSettings()
    wanted, colours = looks_of(real, estimator, seed, settings)
    with torch.no_grad():  # the estimator reads the inks' strength and hue against these
        forger.base.copy_(LayeredForger(residual=False).base)
    return fit_knobs(forger.knobs, wanted, colours, seed, settings, estimator.seen(), progress)


def calibrate_folder(
    real: Path,
    out: Path,
    start_from: str = "default",
    estimator: str = "shipped",
    seed: int = 0,
    settings: CalibrationSettings | None = None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> RealCrops:
    """A forger with the looks of a folder of real images, in seconds: its knobs are calibrated, the rest is another's.

    Args:
        real: folder of real images.
        out: run folder; ``out/forger`` is written.
        start_from: whose residual network it takes: "default", "untrained" (none), or a RUN folder.
        estimator: see `seal2real.forger.estimator.estimator_folder`.
        seed: of every choice.
        settings: of the calibration.
        progress: called with (steps done, distance).

    Returns:
        The real seals that were found.

    Raises:
        Seal2RealError: no usable real image, no such forger or estimator, or ``out`` cannot be written.
        UsageError: a forger without knobs (image to image), or ``out`` holds a run already.
    """
    if (out / "forger").exists() or (out / "config.yaml").exists():
        raise UsageError(f"{out}: holds a run already; give a new folder")
    with initial_weights(seed):  # an untrained forger's coupling network is drawn here
        loaded = load_forger(start_from)
    network = None if loaded is None else loaded.original()
    if not isinstance(network, LayeredForger):
        raise UsageError(f"start_from is {start_from}, which has no knobs; give a layered forger")
    crops = without_photocopies(RealCrops.from_folder(real))
    calibrate(network.cpu(), crops, KnobEstimator.load(estimator_folder(estimator)), seed, settings, progress)
    save_module(network, out / "forger", network.config)
    return crops


@torch.no_grad()
def looks_of(
    real: RealCrops, estimator: KnobEstimator, seed: int, settings: CalibrationSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws of the dials of real seals: logits ``[N, K]`` and ink colours ``[N]``.

    Ink colours weigh as in documents, whatever their share of the folder, since all have the scan in common; within a
    colour files weigh alike, however many seals they hold.
    """
    device = estimator.prior_mean.device
    means, spreads, colours = [], [], []
    for index, crop in enumerate(real.crops):
        streams, single = Streams(seed, index, _STREAM, device), RealCrops([crop])
        patches = [
            single.patch(streams.numpy, PATCH, log_uniform(streams.numpy, DIAMETERS))[0] for _ in range(settings.views)
        ]
        images = torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2).float().div(255).to(device)
        colour = torch.full((len(images),), list(COLOURS).index(crop.colour), device=device)
        mean, spread = estimator(images, colour)
        means.append(mean.mean(0))
        spreads.append(spread.mean(0))  # patches of one seal share their errors: more of them make it no surer
        colours.append(colour[0])
    owners = [(crop.colour, crop.group) for crop in real.crops]
    files = Counter(colour for colour, _ in set(owners))
    weights = np.array([COLOURS[colour] / files[colour] / owners.count((colour, group)) for colour, group in owners])
    rng = np.random.default_rng([seed, _STREAM])
    count = settings.draws * len(owners)
    chosen = torch.from_numpy(rng.choice(len(owners), count, p=weights / weights.sum())).to(device)
    noise = torch.from_numpy(rng.standard_normal((count, len(KNOBS))).astype(np.float32)).to(device)
    return torch.stack(means)[chosen] + torch.stack(spreads)[chosen] * noise, torch.stack(colours)[chosen]


def fit_knobs(
    network: KnobNetwork,
    wanted: torch.Tensor,
    colours: torch.Tensor,
    seed: int,
    settings: CalibrationSettings,
    seen: torch.Tensor | None = None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> float:
    """Move a knob network until its logits are distributed as ``wanted [N, K]``, colour by colour; of the knobs that
    are not ``seen [K]``, as they were."""
    device = wanted.device
    before = copy.deepcopy(network).requires_grad_(False)
    seen = torch.ones(len(KNOBS), dtype=torch.bool, device=device) if seen is None else seen
    scale = torch.tensor([knob.spread for knob in KNOBS], device=device)
    with initial_weights(0):
        untrained = LayeredForger(residual=False).knobs.to(device).requires_grad_(False)
    moving = [parameter for name, parameter in network.named_parameters() if name != "device_offset"]
    optimizer = torch.optim.Adam(moving, lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    axes, distance = torch.eye(len(KNOBS), device=device), torch.zeros((), device=device)
    for step in range(settings.steps):
        streams, count = Streams(seed, step, _STREAM + 1, device), settings.batch
        chosen = torch.from_numpy(streams.numpy.integers(len(wanted), size=count)).to(device)
        colour = colours[chosen]
        anywhere = untrained.logits(streams.normal(count, CODE_SIZE), colour)
        kept = before.logits(streams.normal(count, CODE_SIZE), colour)
        goal = torch.where(seen, wanted[chosen], kept)
        goal = torch.where(streams.uniform(count, 1) < settings.breadth, anywhere, goal)
        made = network.logits(streams.normal(count, CODE_SIZE), colour)
        directions = torch.cat((axes, F.normalize(streams.normal(len(KNOBS), _DIRECTIONS), dim=0)), 1)
        distance = torch.zeros((), device=device)
        for each in colour.unique():
            rows = colour == each
            if int(rows.sum()) >= _LEAST:
                ours, theirs = ((logits[rows] / scale @ directions).sort(0).values for logits in (made, goal))
                distance = distance + (ours - theirs).square().mean() * rows.float().mean()
        optimizer.zero_grad(set_to_none=True)
        distance.backward()
        optimizer.step()
        schedule.step()
        progress(step + 1, float(distance.detach()))
    return float(distance.detach())
