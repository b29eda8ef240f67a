"""Stage 2: the forger network, trained with the prompts' priors, a content loss, and an adversarial phase.

``L = p * L_prior + w * L_content + v * L_adversarial``. The adversarial phase comes first and fits the press-and-scan
model; the prior joins when the forger is near, for the difference of two score networks is mostly noise while it is
far.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
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
from seal2real.forger.batches import CAPTURE_SCALES, Micro, device_parts, make_micro_batch, picture_rows
from seal2real.forger.checkpoint import Checkpoints, Validate
from seal2real.forger.content import image_content_loss, layer_content_loss
from seal2real.forger.layered import LayeredForger
from seal2real.forger.priors import Critic, prior_loss
from seal2real.forger.residual import ResidualForger
from seal2real.physics.devices import DEVICES
from seal2real.press.inks import COLOURS
from seal2real.prior.backbone import Backbone
from seal2real.prior.machine import Meter
from seal2real.prior.pool import Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.training import Budget, Ema, Log, Run, Streams, average_gradients, initial_weights
from seal2real.weights import write_json

_STREAM = 1_000_003  # apart from stage 1's streams
HEAD_SHARE = 0.01  # of the head's lesson in the critic's, as in DMD2


@dataclass(frozen=True)
class ForgerSettings:
    """Settings of stage 2."""

    steps: int = 3000  # optimiser steps of the forger
    batch: int = 16  # patches per micro-batch
    capture: tuple[float, float] = CAPTURE_SCALES  # resolution of a capture, relative to the patches that are compared
    accumulate: int = 1  # micro-batches per step and process
    prior: str = "vsd"  # "none", "sds", "contrast", "vsd"
    prior_weight: float = 1.0  # p
    prior_after: float = 0.5  # share of the steps after which the prior joins
    prior_times: tuple[float, float] = (0.02, 0.5)  # of T, that the prior looks at: more noise leaves colours only
    critic_steps: int = 2  # of the critic (forgery prompt), per step of the forger
    critic_warmup: int = 150  # steps that the critic learns alone before the prior joins
    critic_learning_rate: float = 1e-4
    critic_rank: int | None = None  # of adapters on the frozen U-Net; None learns a copy of it
    adversary: str = "pixel"  # "none", "pixel", "features", "bottleneck"
    adversary_weight: float = 1.0  # v
    penalty: float = 0.1  # R1 weight, of the order of 0.0002 * pixels / batch (Karras et al. 2020)
    penalty_every: int = 4  # steps between penalties (weighted up accordingly)
    content_weight: float = 1.0  # w
    variety_weight: float = 3.0  # of the knobs' drift: a few dozen real images must not narrow the look to theirs
    learning_rate: float = 3e-4  # of the residual network (Adam)
    knob_learning_rate: float = 3e-3  # of the knobs' starts and spreads, the ink's colour
    adversary_learning_rate: float = 5e-4
    ema: float = 0.995  # decay of the moving average
    validate_every: int = 200  # steps between validations, where there is one
    patience: int | None = None  # validations without a better one until the run stops


class Stage2:
    """Forger, judges and their optimisers, and the turns that they take in a step.

    Args:
        forger: the network to train.
        backbone, prompts: from stage 1; None where neither prior nor adversary asks for them.
        settings: of the run.
        accelerator: device, precision, processes.
        seed: of the discriminator's initial weights.
        devices: capture devices that the pixel discriminator is told; 0 where real images are not sorted by device.

    Raises:
        UsageError: a prior or adversary without a backbone or without prompts.
    """

    def __init__(
        self,
        forger: LayeredForger | ResidualForger,
        backbone: Backbone | None,
        prompts: Prompts | None,
        settings: ForgerSettings,
        accelerator: Any,
        seed: int,
        devices: int = 0,
    ):
        device = accelerator.device
        self.settings, self.accelerator, self.backbone, self.prompts = settings, accelerator, backbone, prompts
        self.forger = forger.to(device)
        if isinstance(forger, LayeredForger):
            forger.autocast = accelerator.autocast
        self.ema = Ema(forger, settings.ema)
        self.modules: dict[str, nn.Module] = {"forger": forger, "ema": self.ema.module}
        if isinstance(forger, LayeredForger):  # the looks that it begins with, which a few real images must not narrow
            self.anchor = copy.deepcopy(forger.knobs).requires_grad_(False)
            self.modules["anchor"] = self.anchor
        self.optimizers: dict[str, torch.optim.Optimizer] = {"forger.adam": _forger_optimizer(forger, settings)}
        self.critic: Critic | None = None
        self.discriminator: PixelDiscriminator | FeatureDiscriminator | None = None
        if settings.adversary == "bottleneck" and settings.prior != "vsd":
            raise UsageError("adversary bottleneck is a head on vsd's critic; give prior vsd with it")
        if settings.prior != "none" or settings.adversary == "features":
            if backbone is None or prompts is None:
                raise UsageError("this prior or adversary needs a backbone and the prompts of stage 1")
            if settings.prior == "vsd":
                with initial_weights(seed):
                    self.critic = Critic(
                        backbone, prompts.real, settings.critic_rank, settings.adversary == "bottleneck"
                    ).to(device)
                self.modules["critic"] = self.critic
                self.optimizers["critic.adam"] = torch.optim.AdamW(
                    self.critic.parameters(), lr=settings.critic_learning_rate, betas=(0.0, 0.99)
                )
        with initial_weights(seed):
            if settings.adversary == "pixel":
                self.discriminator = PixelDiscriminator(len(COLOURS), devices=devices).to(device)
            elif settings.adversary == "features" and backbone is not None and prompts is not None:
                self.discriminator = FeatureDiscriminator(backbone, prompts.real).to(device)
        if self.discriminator is not None:
            self.modules["adversary"] = self.discriminator
            self.optimizers["adversary.adam"] = torch.optim.Adam(
                self.discriminator.parameters(), lr=settings.adversary_learning_rate, betas=(0.0, 0.99)
            )
        self.prior_from = int(settings.prior_after * settings.steps)

    def step(self, step: int, batches: list[Micro], log: Log) -> None:
        """The discriminator's turn, the critic's, then the forger's."""
        if self.discriminator is not None:
            self.discriminator_turn(step, batches, log)
        judges = self.critic is not None and self.critic.head is not None  # then it is there from the first step
        if self.critic is not None and (judges or step >= self.prior_from - self.settings.critic_warmup):
            self.critic_turn(batches, log)
        self.forger_turn(step, batches, log)
        self.ema.update(self.forger, step)

    def discriminator_turn(self, step: int, batches: list[Micro], log: Log) -> None:
        """Tell real patches from forged ones."""
        assert self.discriminator is not None
        settings, share = self.settings, 1 / len(batches)
        penalise = step % settings.penalty_every == 0 and isinstance(self.discriminator, PixelDiscriminator)
        for batch in batches:
            seen = batch.real.requires_grad_(penalise)
            real_logits = self._judge(seen, batch)
            loss = discriminator_loss(real_logits, self._judge(batch.forged.detach(), batch))
            log.add({"adversary": float(loss.detach())}, share)
            if penalise:
                penalty = gradient_penalty(real_logits.mean((1, 2, 3)), seen)
                log.add({"penalty": float(penalty.detach())}, share)
                loss = loss + 0.5 * settings.penalty * settings.penalty_every * penalty
            self.accelerator.backward(loss * share)
        log.add({"adversary_norm": self._apply("adversary.adam", self.discriminator, 10.0)})

    def critic_turn(self, batches: list[Micro], log: Log) -> None:
        """Learn what the forger makes, under the forgery prompt."""
        assert self.critic is not None and self.backbone is not None
        share = 1 / len(batches)
        for turn in range(self.settings.critic_steps):
            for batch in batches:
                latents = self.backbone.encode(batch.forged.detach())
                times = batch.streams.timesteps(len(latents), 0.0, 1.0, self.backbone.steps)
                noise = batch.streams.normal(*latents.shape)
                with self.accelerator.autocast():
                    loss, values = self.critic.loss(self.backbone, latents, noise, times)
                if self.critic.head is not None:
                    told = discriminator_loss(self._judge(batch.real, batch), self._judge(batch.forged.detach(), batch))
                    loss = loss + HEAD_SHARE * told
                    values = {**values, "adversary": float(told.detach())}
                self.accelerator.backward(loss * share)
                if turn == self.settings.critic_steps - 1:
                    log.add(values, share)
            norm = self._apply("critic.adam", self.critic, 1.0)
        log.add({"critic_norm": norm})

    def forger_turn(self, step: int, batches: list[Micro], log: Log) -> None:
        """Follow the content loss, the judges and the prior."""
        share = 1 / len(batches)
        for batch in batches:
            loss = self._forger_loss(batch, step >= self.prior_from, log, share)
            self.accelerator.backward(loss * share)
            log.add({"loss": float(loss.detach())}, share)
        if self.discriminator is not None:
            # it took part in the forger's backward pass, but that is not its lesson
            self.optimizers["adversary.adam"].zero_grad(set_to_none=True)
        if self.critic is not None:
            self.optimizers["critic.adam"].zero_grad(set_to_none=True)
        log.add({"norm": self._apply("forger.adam", self.forger, 1.0)})

    def _forger_loss(self, batch: Micro, with_prior: bool, log: Log, share: float) -> torch.Tensor:
        settings = self.settings
        if batch.impression is not None:
            coverage = batch.drawn.coverage.to(batch.forged.device)
            content, values = layer_content_loss(batch.impression, coverage)
        else:
            content, values = image_content_loss(batch.native, batch.pasted)
        log.add(values, share)
        loss = settings.content_weight * content
        if isinstance(self.forger, LayeredForger):
            drift = self.forger.knobs.drift(self.anchor)
            log.add({"drift": float(drift.detach())}, share)
            loss = loss + settings.variety_weight * drift
        if settings.adversary != "none":
            fooled = generator_loss(self._judge(batch.forged, batch))
            log.add({"fooled": float(fooled.detach())}, share)
            loss = loss + settings.adversary_weight * fooled
        if with_prior and settings.prior != "none" and self.backbone is not None and self.prompts is not None:
            latents = self.backbone.encode(batch.forged)
            times = batch.streams.timesteps(len(latents), *settings.prior_times, self.backbone.steps)
            noise = batch.streams.normal(*latents.shape)
            pull, values = prior_loss(
                settings.prior, self.backbone, self.prompts, self.critic, latents, noise, times,
                self.accelerator.autocast,
            )  # fmt: skip
            log.add(values, share)
            loss = loss + settings.prior_weight * pull
        return loss

    def _judge(self, images: torch.Tensor, batch: Micro) -> torch.Tensor:
        exact = images.requires_grad and images.is_leaf  # the penalty's second derivative wants fp32
        images = augment(images, batch.streams.torch)
        with nullcontext() if exact else self.accelerator.autocast():
            if self.critic is not None and self.critic.head is not None and self.backbone is not None:
                latents = self.backbone.encode(images)
                times = batch.streams.timesteps(len(images), 0.02, 0.98, self.backbone.steps)
                logits = self.critic.judge(self.backbone, latents, batch.streams.normal(*latents.shape), times)
            elif isinstance(self.discriminator, FeatureDiscriminator):
                latents = self.discriminator.backbone.encode(images)
                times = batch.streams.timesteps(len(images), 0.02, 0.6, self.discriminator.backbone.steps)
                logits = self.discriminator(latents, batch.streams.normal(*latents.shape), times)
            else:
                assert self.discriminator is not None
                logits = self.discriminator(images, batch.colour, batch.device)
            return logits.float()

    def _apply(self, name: str, module: nn.Module, limit: float) -> float:
        parameters = [p for p in module.parameters() if p.requires_grad]
        average_gradients(self.accelerator, parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, limit))
        self.optimizers[name].step()
        self.optimizers[name].zero_grad(set_to_none=True)
        return norm


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
    validate: Validate | None = None,
    meter: Meter | None = None,
    part: str = "stage2",
) -> LayeredForger | ResidualForger:
    """Train a forger; resumes from the run's state. Returns its moving average; where there is validation, the best
    that was judged.

    Raises:
        Seal2RealError: a loss is not finite, nothing is learned, or all variety is lost; the newest state before it
            and the best checkpoint are kept.
        UsageError: a prior or adversary without a backbone or without prompts.
    """
    device = accelerator.device
    by_device = device_parts(real) if forger.config.get("devices") else {}
    stage = Stage2(forger, backbone, prompts, settings, accelerator, seed, len(DEVICES) if by_device else 0)
    done = run.load_state(part, stage.modules, stage.optimizers)
    saved = time.monotonic()

    def draw(step: int, micro: int) -> Micro:
        slot = accelerator.process_index * settings.accumulate + micro
        streams = Streams(seed + _STREAM, step, slot, device)
        return make_micro_batch(
            stage.forger, real, pool, streams, settings.batch, size, diameters, device, settings.capture,
            by_device,
        )  # fmt: skip

    def picture() -> None:
        columns = 12 if size < 128 else 4
        rows = picture_rows(stage.ema.module, real, pool, seed, size, diameters, device, settings.capture, columns)
        run.picture(f"{part}-{done:06d}", rows)

    checkpoints = Checkpoints(run, validate, settings.validate_every, settings.patience, accelerator, part)
    run.drop_metrics(checkpoints.part, done)  # what came after the state will come again
    for step in Budget(accelerator, settings.steps, minutes).remaining(done):
        log = Log()
        if meter:
            meter.skip()  # pictures, states and validation belong to no step
        stage.step(step, [draw(step, micro) for micro in range(settings.accumulate)], log)
        if meter:
            meter.step()
        done = step + 1
        values = log.averaged(accelerator)
        run.log(part, done, values)
        if progress:
            progress(done, values["loss"])
        if done % 20 == 0:
            accelerator.log({f"{part}/{name}": value for name, value in values.items()}, step=done)
        if done % picture_every == 0:
            picture()
        late = checkpoints.look(done, stage.ema.module)
        if time.monotonic() - saved > save_every:
            run.save_state(part, done, stage.modules, stage.optimizers)
            saved = time.monotonic()
        if late:
            if accelerator.is_main_process:
                write_json(run.folder / "state" / f"over-{part}.json", {"step": done})
            break
    run.save_state(part, done, stage.modules, stage.optimizers)
    picture()
    return checkpoints.best_of(stage.ema.module)


def _forger_optimizer(forger: nn.Module, settings: ForgerSettings) -> torch.optim.Optimizer:
    quick: list[nn.Parameter] = []
    slow: list[nn.Parameter] = []
    for name, parameter in forger.named_parameters():
        (quick if name.split(".")[-1] in ("start", "spread", "offset", "device_offset", "base") else slow).append(
            parameter
        )
    groups = [{"params": slow, "lr": settings.learning_rate}]
    if quick:
        groups.append({"params": quick, "lr": settings.knob_learning_rate})
    return torch.optim.Adam(groups, betas=(0.0, 0.99))
