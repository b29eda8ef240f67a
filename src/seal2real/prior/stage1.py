"""Stage 1: a real and a fake prompt, learned from unlabelled real seals against drawn ones.

``L_prompts = E ||eps - eps(z_t, t, T_own)||^2 + lambda * contrast``, where contrast is the cross-entropy of the
diffusion classifier ``softmax(-err(T_real), -err(T_fake))`` with the same noise and timestep for both prompts. Textual
inversion (Gal et al. 2023) for the first term, the diffusion classifier (Li et al. 2023) for the second, the prompt
pair as in CLIP-LIT (Liang et al. 2023). The contrast moves the prompts; a U-Net that adapts follows the
first term, and little of the second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.press.inks import COLOURS, random_ink
from seal2real.prior.adapters import Adapter
from seal2real.prior.backbone import Backbone
from seal2real.prior.machine import Cost, Meter, make_optimizer
from seal2real.prior.pool import LayerBatch, Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.training import Budget, Log, Run, Streams, average_gradients, initial_weights

TEMPERATURE = 20.0  # of the classifier, in units of summed squared error over the latents
_AHEAD = 10_009  # slot of the streams of what is encoded ahead, far from those of micro-batches


@dataclass(frozen=True)
class PromptSettings:
    """Settings of stage 1."""

    steps: int = 240  # optimiser steps
    batch: int = 8  # real and as many fake patches per micro-batch
    accumulate: int = 1  # micro-batches per step and process
    learning_rate: float = 2e-3  # of the prompts (AdamW)
    contrast: float = 0.5  # lambda, weight of the classifier's cross-entropy
    adapt: str = "full"  # the U-Net learns too: "none", "lora", "full"
    adapt_learning_rate: float = 1e-4
    adapt_contrast: float = 0.05  # share of the contrast that the U-Net feels too
    lora_rank: int = 16
    optimizer: str = "adamw"  # "adamw", "adamw8bit"
    cache: int = 0  # pairs of patches that are encoded ahead and drawn from; 0 encodes new ones in every step
    real_words: str = "a real seal"
    fake_words: str = "a fake seal"


def paste(layers: LayerBatch, absorbance: torch.Tensor) -> torch.Tensor:
    """The traditional composition: flat ink ``absorbance [B, 3]``, multiply blend; ``[B, 3, S, S]`` in 0..1."""
    return layers.page * torch.exp(-layers.coverage * absorbance[:, :, None, None])


def pasted_patches(
    pool: Pool, rng: np.random.Generator, colours: list[str], size: int, diameter: float, device: torch.device | str
) -> torch.Tensor:
    """Pasted patches in these ink colours: ``[B, 3, S, S]`` in 0..1."""
    layers = pool.batch(rng, len(colours), size, diameter)
    inks = torch.from_numpy(np.stack([random_ink(rng, colour)[1] for colour in colours]))
    return paste(layers, inks).to(device)


def real_patches(
    real: RealCrops, rng: np.random.Generator, count: int, size: int, diameter: float, balance: bool = True
) -> tuple[torch.Tensor, list[str]]:
    """Real patches with a small colour jitter, and the ink colours of their seals.

    Args:
        real: the seals.
        rng: source of every choice.
        count: number of patches.
        size: side in pixels.
        diameter: seals are scaled to this longest side.
        balance: draw the colour class first, by the geometric mean of its share here and in the drawn data, so that one
            large class does not swamp the others.

    Returns:
        (``[B, 3, S, S]`` in 0..1, colours).
    """
    classes, counts = np.unique([crop.colour for crop in real.crops], return_counts=True)
    shares = np.sqrt(counts * [COLOURS[str(c)] for c in classes]) if balance else counts.astype(float)
    colours = [str(c) for c in rng.choice(classes, size=count, p=shares / shares.sum())]
    patches = np.stack([real.patch(rng, size, diameter, colour)[0] for colour in colours])
    images = torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255
    jitter = torch.from_numpy(rng.normal(1.0, 0.015, (count, 3, 1, 1)).astype(np.float32))
    return (images * jitter).clamp(0, 1), colours


def prompt_errors(
    backbone: Backbone,
    prompts: Prompts,
    latents: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
    autocast: Callable[[], Any],
    unet: nn.Module | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean squared noise errors ``[B]`` under the real and under the fake prompt, with the same noise and timestep;
    ``unet`` as for `Backbone.predict_noise`."""
    noisy = backbone.add_noise(latents, noise, timesteps)
    count = len(latents)
    both = torch.cat((prompts.real.expand(count, -1, -1), prompts.fake.expand(count, -1, -1)))
    with autocast():
        eps = backbone.predict_noise(torch.cat((noisy, noisy)), torch.cat((timesteps, timesteps)), both, unet)
    errors = (eps - torch.cat((noise, noise))).square().mean((1, 2, 3))
    return errors[:count], errors[count:]


def prompt_loss(
    real_error: torch.Tensor, fake_error: torch.Tensor, is_real: torch.Tensor, weight: float, size: int
) -> tuple[torch.Tensor, torch.Tensor, dict[str, float]]:
    """The two terms of ``L_prompts`` of the module's docstring.

    Args:
        real_error: ``[B]`` from `prompt_errors`.
        fake_error: the same under the fake prompt.
        is_real: ``[B]`` bool.
        weight: lambda.
        size: values per latent, to turn means into sums.

    Returns:
        (denoising loss, ``lambda`` * contrast, log).
    """
    own = torch.where(is_real, real_error, fake_error).mean()
    logit = (fake_error - real_error) * (size / TEMPERATURE)
    contrast = F.binary_cross_entropy_with_logits(logit, is_real.float())
    right = ((logit > 0) == is_real).float().mean()
    log = {"denoise": float(own.detach()), "contrast": float(contrast.detach()), "accuracy": float(right)}
    return own, weight * contrast, log


def train_prompts(
    backbone: Backbone,
    real: RealCrops,
    pool: Pool,
    settings: PromptSettings,
    run: Run,
    accelerator: Any,
    seed: int,
    diameters: tuple[float, float],
    minutes: float | None = None,
    save_every: float = 180.0,
    progress: Callable[[int, float], None] | None = None,
    image_size: int | None = None,
) -> tuple[Prompts, nn.Module | None, Cost | None]:
    """Learn the prompts and, where asked, adapt the U-Net; resumes from the run's state.

    Args:
        backbone: prepared on the device; with ``settings.adapt`` "full" its U-Net is changed in place.
        real: seals that the real prompt is learned from.
        pool: what pasted patches are cut from.
        settings: of the stage.
        run: where states and metrics go.
        accelerator: device, precision, processes.
        seed: of every choice.
        diameters: seals are scaled to a longest side within these limits.
        minutes: wall-clock limit.
        save_every: seconds between states.
        progress: called with (steps done, loss).
        image_size: side of the patches in pixels; None takes the backbone's.

    Returns:
        (prompts; what was adapted: an `Adapter` that is off, the whole U-Net, or None; what it cost).

    Raises:
        Seal2RealError: a loss that is not finite.
    """
    device, size = accelerator.device, image_size or backbone.image_size
    prompts = Prompts.start(backbone, settings.real_words, settings.fake_words).to(device)
    backbone.requires_grad_(False)
    groups: list[dict[str, Any]] = [
        {"params": list(prompts.parameters()), "lr": settings.learning_rate, "weight_decay": 0.0}
    ]
    modules: dict[str, nn.Module] = {"prompts": prompts}
    unet: nn.Module | None = None
    if settings.adapt != "none":
        with initial_weights(seed):
            unet = Adapter(backbone.unet, "stage1", settings.lora_rank) if settings.adapt == "lora" else backbone.unet
        modules["unet"] = unet.requires_grad_(True)
        groups.append({"params": list(unet.parameters()), "lr": settings.adapt_learning_rate, "weight_decay": 0.01})
    optimizer = make_optimizer(settings.optimizer, groups, (0.9, 0.99))
    optimizers = {"adam": optimizer}
    done = run.load_state("stage1", modules, optimizers)
    parameters = [p for group in groups for p in group["params"]]

    @torch.no_grad()
    def pairs(streams: Streams, count: int) -> torch.Tensor:
        """Latents of real patches, then of as many pasted ones in the same ink colours and sizes."""
        diameter = log_uniform(streams.numpy, diameters)
        images, colours = real_patches(real, streams.numpy, count, size, diameter)
        fakes = pasted_patches(pool, streams.numpy, colours, size, diameter, device)
        with accelerator.autocast():
            return backbone.encode(torch.cat((images.to(device), fakes)))

    cached = _encode_ahead(pairs, settings, seed, accelerator) if settings.cache and done < settings.steps else None

    def micro_batch(step: int, slot: int) -> tuple[torch.Tensor, torch.Tensor, dict[str, float]]:
        streams = Streams(seed, step, slot, device)
        if cached is None:
            latents = pairs(streams, settings.batch)
        else:
            chosen = torch.from_numpy(streams.numpy.integers(len(cached), size=settings.batch)).to(device)
            latents = cached[chosen].transpose(0, 1).flatten(0, 1).float()
        is_real = torch.arange(len(latents), device=device) < settings.batch
        timesteps = streams.timesteps(len(latents), 0.0, 1.0, backbone.steps)
        noise = streams.normal(*latents.shape)
        real_error, fake_error = prompt_errors(backbone, prompts, latents, noise, timesteps, accelerator.autocast, unet)
        return prompt_loss(real_error, fake_error, is_real, settings.contrast, latents[0].numel())

    saved = time.monotonic()
    meter = Meter(accelerator)
    for step in Budget(accelerator, settings.steps, minutes).remaining(done):
        log = Log()
        for micro in range(settings.accumulate):
            share = 1 / settings.accumulate
            denoise, contrast, values = micro_batch(step, accelerator.process_index * settings.accumulate + micro)
            # the contrast teaches the prompts: a U-Net that took all of it would learn to fail under the other
            # prompt, and stage 2 could not trust its scores
            felt = settings.adapt_contrast if unet is not None else 1.0
            pulls: tuple[torch.Tensor, ...] = ()
            if felt < 1:
                rest = (1 - felt) * contrast * share
                pulls = torch.autograd.grad(rest, list(prompts.parameters()), retain_graph=True)
            accelerator.backward((denoise + felt * contrast) * share)
            for parameter, pull in zip(prompts.parameters() if pulls else (), pulls, strict=True):
                parameter.grad = pull if parameter.grad is None else parameter.grad + pull
            log.add({"loss": float((denoise + contrast).detach()), **values}, share)
        average_gradients(accelerator, parameters)
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done = step + 1
        meter.step()
        values = log.averaged(accelerator)
        run.log("stage1", done, {**values, "norm": float(norm)})
        accelerator.log({f"stage1/{name}": value for name, value in values.items()}, step=done)
        if progress:
            progress(done, values["loss"])
        if time.monotonic() - saved > save_every:
            run.save_state("stage1", done, modules, optimizers)
            saved = time.monotonic()
        meter.skip()
    run.save_state("stage1", done, modules, optimizers)
    backbone.requires_grad_(False)
    return prompts, unet, meter.cost()


def _encode_ahead(
    pairs: Callable[[Streams, int], torch.Tensor], settings: PromptSettings, seed: int, accelerator: Any
) -> torch.Tensor:
    """``[cache, 2, c, h, w]`` latents of (real, pasted), the same whatever the number of processes: each process
    encodes every n-th group of a batch, and all get all of them."""
    groups = -(-settings.cache // settings.batch)
    mine = []
    for index in range(accelerator.process_index, groups, accelerator.num_processes):
        latents = pairs(Streams(seed, index, _AHEAD, accelerator.device), settings.batch)
        mine.append(latents.unflatten(0, (2, settings.batch)).to(torch.bfloat16))
    while len(mine) < -(-groups // accelerator.num_processes):
        mine.append(torch.zeros_like(mine[0] if mine else latents))  # for the gathering alone
    found = torch.stack(mine)  # [groups / processes, 2, batch, c, h, w]
    if accelerator.num_processes > 1:
        found = accelerator.gather(found[None]).transpose(0, 1).flatten(0, 1)[:groups]
    return found.transpose(1, 2).flatten(0, 1)[: settings.cache]


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number drawn log-uniformly within limits."""
    low, high = limits
    return float(low * (high / low) ** rng.random())
