"""The diffusion classifier (Li et al. 2023) with the learned prompts: how well it tells held-out real seals from pasted
ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seal2real.prior.backbone import Backbone
from seal2real.prior.pool import Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import log_uniform, pasted_patches, prompt_errors
from seal2real.prior.training import Streams


@dataclass(frozen=True)
class PromptReport:
    """How well the prompts tell held-out real seals from pasted ones.

    Attributes:
        accuracy: share of right answers over images of a whole seal (the mean over several patches), real and fake
            weighed equally.
        low, high: 95 % interval, from resampling the held-out files.
        auc: area under the ROC curve, over images.
        real, fake: number of images.
        patch_accuracy: the same for single patches; 0 where it was not measured.
    """

    accuracy: float
    low: float
    high: float
    auc: float
    real: int
    fake: int
    patch_accuracy: float = 0.0


def judge_prompts(
    backbone: Backbone,
    prompts: Prompts,
    real: RealCrops,
    pool: Pool,
    autocast: Callable[[], Any],
    seed: int,
    diameters: tuple[float, float],
    calibration: RealCrops | None = None,
    patches_per_seal: int = 6,
    draws: int = 24,
    image_size: int | None = None,
    at_once: int | None = None,
) -> PromptReport:
    """The diffusion classifier on held-out seals: which prompt explains a patch better, over ``draws`` noises.

    Args:
        backbone: the model.
        prompts: the pair to judge.
        real: held-out real seals.
        pool: what pasted patches are cut from, in the ink colours of the real ones.
        autocast: context for the U-Net passes.
        seed: of every choice.
        diameters: seals are scaled to a longest side within these limits.
        calibration: seals of the training, on which the weights of the noise levels (a diagonal linear discriminant)
            and the bias (the prior odds of real) are set; None weighs all alike and leaves the bias at 0.
        patches_per_seal: patches of every real seal.
        draws: noise and timestep pairs per patch, the same for every patch and both prompts.
        image_size: side of the patches in pixels; None takes the backbone's.
        at_once: patches that go through the U-Net together, under each prompt.
    """
    measure = (backbone, prompts, pool, autocast, seed, diameters, image_size or backbone.image_size, at_once or 32)
    bias, patch_bias, weights = 0.0, 0.0, np.ones(draws, np.float32)
    if calibration is not None:
        levels, _ = _margins(*measure, calibration, 2, draws)
        single = levels.reshape(-1, 2, draws)
        gap = single[:, 0].mean(0) - single[:, 1].mean(0)
        weights = np.maximum(gap, 0) / (single[:, 0].var(0) + single[:, 1].var(0) + 1e-12)
        bias, patch_bias = _best_cut((levels @ weights).mean(1)), _best_cut(single @ weights)
    levels, owner = _margins(*measure, real, patches_per_seal, draws)
    patches = levels @ weights
    scores = patches.mean(1)
    hit = _right(scores, bias)
    rng = np.random.default_rng(seed)
    by_file = np.array([hit[owner == name].mean() for name in np.unique(owner)])
    boot = [by_file[rng.integers(len(by_file), size=len(by_file))].mean() for _ in range(2000)]
    low, high = (float(v) for v in np.percentile(boot, [2.5, 97.5]))
    wins = (scores[:, :1] > scores[None, :, 1]).mean()
    by_patch = _right(patches.reshape(-1, 2), patch_bias).mean()
    return PromptReport(float(hit.mean()), low, high, float(wins), len(scores), len(scores), float(by_patch))


def _right(scores: npt.NDArray[np.float32], cut: float) -> npt.NDArray[np.float64]:
    """Share of right answers ``[N]`` of scores ``[N, 2]`` of a real and a pasted one."""
    return np.asarray(np.stack((scores[:, 0] > cut, scores[:, 1] <= cut), 1).mean(1))


def _best_cut(scores: npt.NDArray[np.float32]) -> float:
    """The cut between real and pasted ones, ``[N, 2]``, with the most right answers."""
    cuts = np.sort(scores.ravel())
    return float(cuts[int(np.argmax([_right(scores, float(cut)).mean() for cut in cuts]))])


@torch.no_grad()
def _margins(
    backbone: Backbone,
    prompts: Prompts,
    pool: Pool,
    autocast: Callable[[], Any],
    seed: int,
    diameters: tuple[float, float],
    size: int,
    at_once: int,
    real: RealCrops,
    patches_per_seal: int,
    draws: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """How much better the real prompt explains patches at each noise level, ``[seals, patches, 2, draws]`` of real and
    of pasted ones; the file of each seal."""
    device = backbone.alphas_cumprod.device
    streams = Streams(seed, 0, 10_007, device)
    images, owners = [], []
    for crop in real.crops:
        single = RealCrops([crop])
        for _ in range(patches_per_seal):
            diameter = log_uniform(streams.numpy, diameters)
            patch, _ = single.patch(streams.numpy, size, diameter)
            images.append(torch.from_numpy(patch).permute(2, 0, 1).float() / 255)
            fake = pasted_patches(pool, streams.numpy, [crop.colour], size, diameter, "cpu")[0]
            images.append(fake)
        owners.append(crop.group)
    every = torch.stack(images)
    margin = torch.zeros(len(every), draws, device=device)
    with autocast():
        shape = backbone.encode(every[:1].to(device)).shape[1:]
    times = (torch.linspace(0.02, 0.95, draws, device=device) * backbone.steps).long()
    noises = streams.normal(draws, *shape)
    for start in range(0, len(every), at_once):
        with autocast():
            latents = backbone.encode(every[start : start + at_once].to(device))
        for draw, (at, noise) in enumerate(zip(times, noises, strict=True)):
            count = len(latents)
            real_error, fake_error = prompt_errors(
                backbone, prompts, latents, noise.expand(count, *shape), at.expand(count), autocast
            )
            # relative to their size: errors fall a hundredfold from low to high noise
            margin[start : start + count, draw] = (fake_error - real_error) / (fake_error + real_error)
    return margin.cpu().numpy().reshape(len(owners), patches_per_seal, 2, draws), np.array(owners)
