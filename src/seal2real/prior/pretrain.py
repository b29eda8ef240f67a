"""Pretraining of the compact backbone on the attribute-captioned simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.press_scan import InkNoise, ScanNoise, press_and_scan
from seal2real.physics.simulator import random_dials
from seal2real.press.inks import COLOURS, INKS, absorbance_of
from seal2real.prior.compact import TOKENS, CompactBackbone
from seal2real.prior.config import PRECISIONS, check_choices, check_positive, check_seed
from seal2real.prior.pool import Pool
from seal2real.prior.training import (
    Budget,
    Ema,
    Log,
    Run,
    Streams,
    average_gradients,
    drawing_workers,
    initial_weights,
    make_accelerator,
    start_run,
)

MAY_DIFFER = ("steps", "minutes", "save_every", "picture_every")  # at resume
COLOUR_SHARES = (0.55, 0.17, 0.08, 0.20)  # red, blue, violet, black
TOKEN_DROPOUT = 0.1  # a token is left unsaid
CAPTION_DROPOUT = 0.1  # the whole caption is


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of a pretraining run."""

    steps: int = 20_000  # optimiser steps at most
    minutes: float | None = None  # wall-clock limit of this call; None for none
    batch: int = 32  # patches per step and process
    accumulate: int = 1  # micro-batches per step
    learning_rate: float = 3e-4  # AdamW, after a linear warm-up
    warmup: int = 300  # steps
    ema: float = 0.9995  # decay of the moving average
    pool: int = 1600  # drawn crops that patches are cut from
    pages: str | None = None  # folder of real backgrounds, for a share of the crops
    widths: tuple[int, ...] = (48, 96, 160)  # channels per level of the U-Net
    image_size: int = 64  # patch side in pixels
    diameters: tuple[float, float] = (128.0, 256.0)  # longest side of a seal in pixels, log-uniform
    precision: str = "auto"  # "no" (fp32), "bf16", "auto" (bf16 where the device has it)
    save_every: float = 180.0  # seconds between states
    picture_every: int = 2000  # steps between sample grids
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self, precision=PRECISIONS)
        check_seed(self)
        check_positive(self, "steps", "minutes", "batch", "accumulate", "learning_rate", "pool", "image_size")


def pretrain(
    config: PretrainConfig, out: Path, resume: bool = False, progress: Callable[[int, float], None] | None = None
) -> CompactBackbone:
    """Train a compact backbone and write it to ``out/backbone`` (a diffusers folder).

    Args:
        config: settings.
        out: run folder.
        resume: go on with the run in ``out``.
        progress: called with (steps done, loss).

    Returns:
        The averaged backbone.

    Raises:
        Seal2RealError: a loss that is not finite.
        UsageError: settings that do not fit, or ``out`` holds something else.
    """
    with initial_weights(config.seed):
        model = CompactBackbone.create(config.widths, image_size=config.image_size)
    accelerator = make_accelerator(config.precision, out)
    run = Run(out, config, resume, accelerator.is_main_process, MAY_DIFFER)
    start_run(accelerator, run)
    device = accelerator.device
    model = model.to(device)
    model.unet.to(memory_format=torch.channels_last)
    ema = Ema(model, config.ema)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.01)
    modules, optimizers = {"model": model, "ema": ema.module}, {"adam": optimizer}
    done = run.load_state("pretrain", modules, optimizers)
    pages = Path(config.pages) if config.pages else None
    pool = Pool.build(config.pool, config.seed, pages, workers=drawing_workers(accelerator))
    bases = torch.stack([torch.from_numpy(absorbance_of(ink.rgb)) for ink in INKS.values()])
    of_colour = [[i for i, ink in enumerate(INKS.values()) if ink.colour == colour] for colour in COLOURS]

    def micro_batch(step: int, slot: int) -> torch.Tensor:
        streams = Streams(config.seed, step, slot, device)
        low, high = config.diameters
        diameter = float(low * (high / low) ** streams.numpy.random())
        layers = pool.batch(streams.numpy, config.batch, config.image_size, diameter)
        colour = streams.numpy.choice(len(COLOURS), size=config.batch, p=COLOUR_SHARES)
        base = bases[[of_colour[c][streams.numpy.integers(len(of_colour[c]))] for c in colour]].to(device)
        dials = random_dials(config.batch, streams.torch)
        side = config.image_size
        with torch.no_grad():
            images, _ = press_and_scan(
                layers.page.to(device),
                layers.coverage.to(device),
                base,
                decode(dials),
                layers.px_per_mm.to(device),
                InkNoise.draw(config.batch, side, side, streams.torch),
                ScanNoise.draw(config.batch, side, side, streams.torch),
            )
            latents = model.encode(images)
        keep = streams.uniform(config.batch, TOKENS) >= TOKEN_DROPOUT
        keep &= streams.uniform(config.batch, 1) >= CAPTION_DROPOUT
        noise = streams.normal(*latents.shape)
        timesteps = streams.timesteps(config.batch, 0.0, 1.0, model.steps)
        with accelerator.autocast():
            prompt = model.caption(dials, torch.from_numpy(colour).to(device), keep)
            noisy = model.add_noise(latents, noise, timesteps).contiguous(memory_format=torch.channels_last)
            output = model.unet(noisy, timesteps, encoder_hidden_states=prompt, return_dict=False)[0]
        signal, sigma = model._signal(timesteps)
        return F.mse_loss(output.float(), signal * noise - sigma * latents)

    saved = time.monotonic()
    images = config.batch * config.accumulate * accelerator.num_processes  # per step
    for step in Budget(accelerator, config.steps, config.minutes).remaining(done):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (step + 1) / config.warmup)
        log = Log()
        for micro in range(config.accumulate):
            loss = micro_batch(step, accelerator.process_index * config.accumulate + micro) / config.accumulate
            accelerator.backward(loss)
            log.add({"loss": float(loss.detach())})
        average_gradients(accelerator, model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ema.update(model, step)
        done = step + 1
        values = log.averaged(accelerator)
        run.log("pretrain", done, {**values, "norm": float(norm), "images": done * images})
        if progress:
            progress(done, values["loss"])
        if done % 20 == 0:
            accelerator.log({f"pretrain/{name}": value for name, value in values.items()}, step=done)
        if done % config.picture_every == 0:
            run.picture(f"pretrain-{done:06d}", _grid(ema.module, config.seed))
        if time.monotonic() - saved > config.save_every:
            run.save_state("pretrain", done, modules, optimizers)
            saved = time.monotonic()
    run.save_state("pretrain", done, modules, optimizers)
    if accelerator.is_main_process:
        ema.module.save(out / "backbone")
        run.picture(f"pretrain-{done:06d}", _grid(ema.module, config.seed))
    accelerator.end_training()
    return ema.module


@torch.no_grad()
def _grid(model: CompactBackbone, seed: int, count: int = 8) -> list[torch.Tensor]:
    """Sampled patches: a row from "real", one from "fake", one from the empty caption, one red and worn."""
    from seal2real.prior.sampling import Predictor, denoise, times_of

    device = model.alphas_cumprod.device
    worn = torch.tensor([[knob.start for knob in KNOBS]], device=device)
    for name in ("grain", "dropout", "tilt"):
        worn[0, [knob.name for knob in KNOBS].index(name)] = 0.9
    everything = torch.ones(1, TOKENS, dtype=torch.bool, device=device)
    prompts = [model.embed("real"), model.embed("fake"), model.embed("")]
    prompts.append(model.caption(worn, torch.zeros(1, dtype=torch.long, device=device), everything))
    rows = []
    for number, prompt in enumerate(prompts):
        streams = Streams(seed, number, 0, device)
        noise = streams.normal(count, 12, model.image_size // 2, model.image_size // 2)
        rows.append(model.decode(denoise(model, Predictor(model, [(prompt, 1.0)]), noise, times_of(model, 30))))
    return rows
