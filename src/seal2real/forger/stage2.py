"""Stage 2: the forger network, trained with the prompts' priors, a content loss, and an adversarial phase.

``L = p * L_prior + w * L_content + v * L_adversarial``. The adversarial phase comes first and fits the press-and-scan
model; the prior joins when the forger is near, for the difference of two score networks is mostly noise while it is
far.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.errors import UsageError
from seal2real.forger.adversary import (
    FeatureDiscriminator,
    PixelDiscriminator,
    augment,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from seal2real.forger.content import image_content_loss, layer_content_loss
from seal2real.forger.layered import CODE_SIZE, Impression, LayeredForger
from seal2real.forger.priors import TIME_RANGE, Critic, prior_loss
from seal2real.forger.residual import ResidualForger
from seal2real.physics.press_scan import InkNoise, ScanNoise
from seal2real.press.inks import COLOURS, random_ink
from seal2real.prior.backbone import Backbone
from seal2real.prior.pool import LayerBatch, Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import log_uniform, paste, real_patches
from seal2real.prior.training import Budget, Ema, Log, Run, Streams, average_gradients, initial_weights

_COLOUR_INDEX = {colour: index for index, colour in enumerate(COLOURS)}
CAPTURE_SCALES = (1.0, 1.7)  # resolution of a capture, relative to the patches that are compared
BLOCK = 8  # of JPEG, in pixels
_STREAM = 1_000_003  # apart from stage 1's streams


@dataclass(frozen=True)
class ForgerSettings:
    """Settings of stage 2."""

    steps: int = 3000  # optimiser steps of the forger
    batch: int = 16  # patches per micro-batch
    accumulate: int = 1  # micro-batches per step and process
    prior: str = "vsd"  # "none", "sds", "contrast", "vsd"
    prior_weight: float = 0.5  # p
    prior_after: float = 0.7  # share of the steps after which the prior joins
    critic_steps: int = 2  # of the critic (forgery prompt), per step of the forger
    critic_learning_rate: float = 5e-5
    adversary: str = "pixel"  # "none", "pixel", "features"
    adversary_weight: float = 1.0  # v
    penalty: float = 0.1  # R1 weight, of the order of 0.0002 * pixels / batch (Karras et al. 2020)
    penalty_every: int = 4  # steps between penalties (weighted up accordingly)
    content_weight: float = 1.0  # w
    variety_weight: float = 0.1  # of the knobs' drift: a few dozen real images must not narrow the look to theirs
    learning_rate: float = 3e-4  # of the residual network (Adam)
    knob_learning_rate: float = 3e-3  # of the knobs' starts and spreads, the ink's colour
    adversary_learning_rate: float = 5e-4
    ema: float = 0.995  # decay of the moving average


@dataclass
class Micro:
    """One micro-batch.

    Attributes:
        streams: its randomness.
        real: ``[B, 3, S, S]`` real patches.
        colour: ``[B]`` ink colour indices, of real and forged alike.
        forged: ``[B, 3, S, S]``.
        drawn, pasted, native: layers, traditional composition and forged patches at the resolution of the capture.
        impression: the forger's layers at that resolution; None from the image-to-image forger.
    """

    streams: Streams
    real: torch.Tensor
    colour: torch.Tensor
    forged: torch.Tensor
    drawn: LayerBatch
    pasted: torch.Tensor
    native: torch.Tensor
    impression: Impression | None


def make_micro_batch(
    forger: nn.Module,
    real: RealCrops,
    pool: Pool,
    streams: Streams,
    count: int,
    size: int,
    diameters: tuple[float, float],
    device: torch.device | str,
) -> Micro:
    """Real patches, and forged ones in the same ink colours.

    Real seals reach the common diameter by scaling from whatever resolution they were captured at, and their JPEG
    blocks with them. So do the forged ones: they are forged at a capture resolution of their own, cut at a random phase
    of the 8 x 8 blocks, and scaled.
    """
    diameter = log_uniform(streams.numpy, diameters)
    images, colours = real_patches(real, streams.numpy, count, size, diameter)
    capture = log_uniform(streams.numpy, CAPTURE_SCALES)
    side = round(size * capture)
    drawn = pool.batch(streams.numpy, count, side + BLOCK, diameter * capture)
    inks = torch.from_numpy(np.stack([random_ink(streams.numpy, colour)[1] for colour in colours]))
    pasted = paste(drawn, inks).to(device)
    colour = torch.tensor([_COLOUR_INDEX[c] for c in colours], device=device)
    native, impression = forge_patches(forger, drawn, pasted, colour, streams)
    top, left = streams.numpy.integers(BLOCK, size=2)
    forged = native[..., top : top + side, left : left + side]
    forged = F.interpolate(forged, (size, size), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    return Micro(streams, images.to(device), colour, forged, drawn, pasted, native, impression)


def forge_patches(
    forger: nn.Module, layers: LayerBatch, pasted: torch.Tensor, colour: torch.Tensor, streams: Streams
) -> tuple[torch.Tensor, Impression | None]:
    """Forged patches ``[B, 3, S, S]`` in 0..1 by either kind of forger, and the layers where there are any."""
    count, side = len(layers), layers.page.shape[-1]
    device = pasted.device
    if isinstance(forger, ResidualForger):
        return forger(pasted, streams.normal(*pasted.shape)), None
    impression = forger(
        layers.page.to(device),
        layers.coverage.to(device),
        colour,
        layers.px_per_mm.to(device),
        streams.normal(count, CODE_SIZE),
        InkNoise.draw(count, side, side, streams.torch),
        ScanNoise.draw(count, side, side, streams.torch),
    )
    return impression.stamped, impression


def train_forger(
    forger: LayeredForger | ResidualForger,
    backbone: Backbone | None,
    prompts: Prompts | None,
    real: RealCrops,
    pool: Pool,
    settings: ForgerSettings,
    run: Run,
    accelerator: Any,
    seed: int,
    size: int,
    diameters: tuple[float, float],
    minutes: float | None = None,
    save_every: float = 180.0,
    picture_every: int = 250,
    progress: Callable[[int, float], None] | None = None,
) -> LayeredForger | ResidualForger:
    """Train a forger; resumes from the run's state. Returns its moving average.

    Raises:
        Seal2RealError: a loss is not finite; the newest state before it is kept.
        UsageError: a prior or adversary without a backbone or without prompts.
    """
    device = accelerator.device
    forger = forger.to(device)
    ema = Ema(forger, settings.ema)
    if isinstance(forger, LayeredForger):
        forger.autocast = accelerator.autocast
    modules: dict[str, nn.Module] = {"forger": forger, "ema": ema.module}
    optimizers: dict[str, torch.optim.Optimizer] = {"forger.adam": _forger_optimizer(forger, settings)}
    uses_prior = settings.prior != "none"
    if (uses_prior or settings.adversary == "features") and (backbone is None or prompts is None):
        raise UsageError("this prior or adversary needs a backbone and the prompts of stage 1")
    critic: Critic | None = None
    if settings.prior == "vsd" and backbone is not None and prompts is not None:
        critic = Critic(backbone, prompts.fake).to(device)
        modules["critic"] = critic
        optimizers["critic.adam"] = torch.optim.AdamW(
            critic.parameters(), lr=settings.critic_learning_rate, betas=(0.0, 0.99)
        )
    discriminator: PixelDiscriminator | FeatureDiscriminator | None = None
    with initial_weights(seed):
        if settings.adversary == "pixel":
            discriminator = PixelDiscriminator(len(COLOURS)).to(device)
        elif settings.adversary == "features" and backbone is not None and prompts is not None:
            discriminator = FeatureDiscriminator(backbone, prompts.real).to(device)
    if discriminator is not None:
        modules["adversary"] = discriminator
        optimizers["adversary.adam"] = torch.optim.Adam(
            discriminator.parameters(), lr=settings.adversary_learning_rate, betas=(0.0, 0.99)
        )
    done = run.load_state("stage2", modules, optimizers)
    saved = time.monotonic()
    prior_from = int(settings.prior_after * settings.steps)

    def judge(images: torch.Tensor, colour: torch.Tensor, streams: Streams) -> torch.Tensor:
        exact = images.requires_grad and images.is_leaf  # the penalty's second derivative wants fp32
        images = augment(images, streams.torch)
        with nullcontext() if exact else accelerator.autocast():
            if isinstance(discriminator, FeatureDiscriminator):
                latents = discriminator.backbone.encode(images)
                times = streams.timesteps(len(images), 0.02, 0.6, discriminator.backbone.steps)
                logits = discriminator(latents, streams.normal(*latents.shape), times)
            else:
                assert discriminator is not None
                logits = discriminator(images, colour)
            return logits.float()

    def judge_loss(batch: Micro, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        penalise = step % settings.penalty_every == 0 and isinstance(discriminator, PixelDiscriminator)
        seen = batch.real.requires_grad_(penalise)
        real_logits = judge(seen, batch.colour, batch.streams)
        loss = discriminator_loss(real_logits, judge(batch.forged.detach(), batch.colour, batch.streams))
        judged = {"adversary": float(loss.detach())}
        if penalise:
            penalty = gradient_penalty(real_logits.mean((1, 2, 3)), seen)
            judged["penalty"] = float(penalty.detach())
            loss = loss + 0.5 * settings.penalty * settings.penalty_every * penalty
        return loss, judged

    def apply(name: str, module: nn.Module, limit: float) -> float:
        parameters = [p for p in module.parameters() if p.requires_grad]
        average_gradients(accelerator, parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, limit))
        optimizers[name].step()
        optimizers[name].zero_grad(set_to_none=True)
        return norm

    for step in Budget(accelerator, settings.steps, minutes).remaining(done):
        log = Log()
        with_prior = uses_prior and step >= prior_from
        micro_batches = []
        for micro in range(settings.accumulate):
            slot = accelerator.process_index * settings.accumulate + micro
            streams = Streams(seed + _STREAM, step, slot, device)
            micro_batches.append(make_micro_batch(forger, real, pool, streams, settings.batch, size, diameters, device))

        # the judges' turn
        share = 1 / settings.accumulate
        if discriminator is not None:
            for micro_batch in micro_batches:
                loss, judged = judge_loss(micro_batch, step)
                accelerator.backward(loss * share)
                log.add(judged, share)
            apply("adversary.adam", discriminator, 10.0)
        if critic is not None and with_prior and backbone is not None:
            for turn in range(settings.critic_steps):
                for micro_batch in micro_batches:
                    streams = micro_batch.streams
                    latents = backbone.encode(micro_batch.forged.detach())
                    times = streams.timesteps(len(latents), 0.0, 1.0, backbone.steps)
                    with accelerator.autocast():
                        loss, critic_log = critic.loss(backbone, latents, streams.normal(*latents.shape), times)
                    accelerator.backward(loss * share)
                    if turn == settings.critic_steps - 1:
                        log.add(critic_log, share)
                apply("critic.adam", critic, 1.0)

        # the forger's turn
        for micro_batch in micro_batches:
            streams, forged = micro_batch.streams, micro_batch.forged
            if micro_batch.impression is not None:
                loss, content_log = layer_content_loss(micro_batch.impression, micro_batch.drawn.coverage.to(device))
            else:
                loss, content_log = image_content_loss(micro_batch.native, micro_batch.pasted)
            loss = settings.content_weight * loss
            log.add(content_log, share)
            if isinstance(forger, LayeredForger):
                drift = forger.knobs.drift()
                log.add({"drift": float(drift.detach())}, share)
                loss = loss + settings.variety_weight * drift
            if discriminator is not None:
                fooled = generator_loss(judge(forged, micro_batch.colour, streams))
                log.add({"fooled": float(fooled.detach())}, share)
                loss = loss + settings.adversary_weight * fooled
            if with_prior and backbone is not None and prompts is not None:
                latents = backbone.encode(forged)
                times = streams.timesteps(len(latents), *TIME_RANGE, backbone.steps)
                noise = streams.normal(*latents.shape)
                pull, prior_log = prior_loss(
                    settings.prior, backbone, prompts, critic, latents, noise, times, accelerator.autocast
                )
                log.add(prior_log, share)
                loss = loss + settings.prior_weight * pull
            accelerator.backward(loss * share)
            log.add({"loss": float(loss.detach())}, share)
        if discriminator is not None:
            # it took part in the forger's backward pass, but that is not its lesson
            optimizers["adversary.adam"].zero_grad(set_to_none=True)
        norm = apply("forger.adam", forger, 1.0)
        ema.update(forger, step)
        done = step + 1
        values = {**log.averaged(accelerator), "norm": norm}
        run.log("stage2", done, values)
        if progress:
            progress(done, values["loss"])
        if done % 20 == 0:
            accelerator.log({f"stage2/{name}": value for name, value in values.items()}, step=done)
        if done % picture_every == 0:
            run.picture(f"stage2-{done:06d}", picture_rows(ema.module, real, pool, seed, size, diameters, device))
        if time.monotonic() - saved > save_every:
            run.save_state("stage2", done, modules, optimizers)
            saved = time.monotonic()
    run.save_state("stage2", done, modules, optimizers)
    run.picture(f"stage2-{done:06d}", picture_rows(ema.module, real, pool, seed, size, diameters, device))
    return ema.module


def _forger_optimizer(forger: nn.Module, settings: ForgerSettings) -> torch.optim.Optimizer:
    quick: list[nn.Parameter] = []
    slow: list[nn.Parameter] = []
    for name, parameter in forger.named_parameters():
        (quick if name.split(".")[-1] in ("start", "spread", "offset", "base") else slow).append(parameter)
    groups = [{"params": slow, "lr": settings.learning_rate}]
    if quick:
        groups.append({"params": quick, "lr": settings.knob_learning_rate})
    return torch.optim.Adam(groups, betas=(0.0, 0.99))


@torch.no_grad()
def picture_rows(
    forger: nn.Module,
    real: RealCrops,
    pool: Pool,
    seed: int,
    size: int,
    diameters: tuple[float, float],
    device: torch.device | str,
    columns: int = 12,
) -> list[torch.Tensor]:
    """Two rows of real patches, two pasted, two of the same forged: what a person compares."""
    rows: list[list[torch.Tensor]] = [[], [], []]
    for part in range(2):
        streams = Streams(seed, part, 20_011, device)
        batch = make_micro_batch(forger, real, pool, streams, columns, size, diameters, device)
        pasted = F.interpolate(batch.pasted, (size, size), mode="area")
        for row, patches in zip(rows, (batch.real, pasted, batch.forged), strict=True):
            row.append(patches)
    return [patches for row in rows for patches in row]
