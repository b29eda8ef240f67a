"""Further rounds: the prompts are tuned again, now to tell the forger's output from real seals, then the forger again.

As in CLIP-LIT (Liang et al. 2023, section 3.2), where the prompt pair is refined against the enhancer's results. The
fake prompt of stage 1 knows flat pastes alone; once the forger has left those behind, real minus fake says nothing more
of what is still wrong with it, and the prior's pull fades or points along differences that are long gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from seal2real.forger.batches import make_micro_batch
from seal2real.forger.checkpoint import Validate
from seal2real.forger.layered import LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.forger.stage2 import ForgerSettings, train_forger
from seal2real.prior.backbone import Backbone
from seal2real.prior.machine import Meter, make_optimizer
from seal2real.prior.pool import Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import PromptSettings, prompt_errors, prompt_loss
from seal2real.prior.training import Budget, Log, Run, Streams, average_gradients

PASTED = 0.25  # share of flat pastes among the fakes: what a paste looks like must not be forgotten
SEED_STEP = 15_485_863  # between the rounds' seeds
_STREAM = 3_000_017  # apart from the streams of the stages


def part_of(stage: str, number: int) -> str:
    """Name of a stage ("stage1", "stage2") of a round, from 1, in a run's states and metrics."""
    return stage if number == 1 else f"round{number}-{stage}"


def train_rounds(
    rounds: int,
    forger: LayeredForger | ResidualForger,
    backbone: Backbone | None,
    prompts: Prompts | None,
    real: RealCrops,
    pool: Pool,
    settings: ForgerSettings,
    prompt_settings: PromptSettings,
    run: Run,
    accelerator: Any,
    seed: int,
    size: int,
    diameters: tuple[float, float],
    minutes: float | None,
    save_every: float,
    picture_every: int,
    report: Callable[[str, int, int, float], None],
    validate: Validate | None,
    meter: Meter | None,
) -> LayeredForger | ResidualForger:
    """Stage 2, as often as asked, each time but the first after tuning the prompts; resumes from the run's states.

    Arguments as for `train_forger` and `tune_prompts`; ``report`` is called with (what, done, of, loss), ``minutes``
    limits all rounds together.

    Returns:
        The forger of the last round that was begun; where there is validation, the best that was judged in any.

    Raises:
        Seal2RealError, UsageError: as `train_forger`.
    """
    started = time.monotonic()

    def left() -> float | None:
        return None if minutes is None else max(0.0, minutes - (time.monotonic() - started) / 60)

    def told(what: str, number: int, of: int) -> Callable[[int, float], None]:
        name = what if number == 1 else f"round {number}, {what}"
        return lambda done, loss: report(name, done, of, loss)

    averaged = forger
    for number in range(1, rounds + 1):
        here = seed + (number - 1) * SEED_STEP
        if number > 1 and backbone is not None and prompts is not None:
            still = _copy(averaged).to(accelerator.device).requires_grad_(False)
            ready = tune_prompts(
                prompts, backbone, still, real, pool, prompt_settings, run, accelerator, here, size, diameters,
                settings.capture, part_of("stage1", number), left(), save_every,
                told("stage 1", number, prompt_settings.steps),
            )  # fmt: skip
            averaged = still  # of the state, where there is one
            if not ready:
                break
            if accelerator.is_main_process:
                prompts.save(run.folder / f"prompts-round{number}.safetensors")
            forger = _copy(still)
            # the forger is near: the prior joins as soon as the new critic knows it
            settings = replace(settings, prior_after=min(0.5, settings.critic_warmup / settings.steps))
        state = run.folder / "state"
        if number < rounds and (state / f"{part_of('stage1', number + 1)}.json").is_file():
            continue  # that state holds the forger that this round gave
        part = part_of("stage2", number)
        averaged = train_forger(
            forger, backbone, prompts, real, pool, settings, run, accelerator, here, size, diameters, left(),
            save_every, picture_every, told("stage 2", number, settings.steps), validate, meter, part,
        )  # fmt: skip
        accelerator.wait_for_everyone()
        if run.done[part] < settings.steps and not (state / f"over-{part}.json").is_file():
            break  # out of time
    return averaged


def _copy(forger: LayeredForger | ResidualForger) -> LayeredForger | ResidualForger:
    """Another network with the same weights."""
    config: dict[str, Any] = {**forger.config, "widths": tuple(forger.config["widths"])}  # type: ignore[arg-type]
    del config["kind"]
    network = type(forger)(**config)
    network.load_state_dict(forger.state_dict())
    return network


def tune_prompts(
    prompts: Prompts,
    backbone: Backbone,
    forger: nn.Module,
    real: RealCrops,
    pool: Pool,
    settings: PromptSettings,
    run: Run,
    accelerator: Any,
    seed: int,
    size: int,
    diameters: tuple[float, float],
    capture: tuple[float, float],
    part: str,
    minutes: float | None = None,
    save_every: float = 180.0,
    progress: Callable[[int, float], None] | None = None,
) -> bool:
    """Tune the prompts in place against a forger that stands still; resumes from the run's state.

    Args:
        prompts: of the round before.
        backbone: frozen, as stage 1 left it.
        forger: of the round before. It is kept in the state: at resume it is that of the state, whatever is given.
        real: seals.
        pool: drawn layers.
        settings: of stage 1; the U-Net does not learn here.
        run: where states and metrics go.
        accelerator: device, precision, processes.
        seed: of every choice.
        size: side of the patches in pixels.
        diameters: seals are scaled to a longest side within these limits.
        capture: resolutions of captures, relative to the patches.
        part: name in the run's states and metrics.
        minutes: wall-clock limit.
        save_every: seconds between states.
        progress: called with (steps done, loss).

    Returns:
        Whether all steps are done.

    Raises:
        Seal2RealError: a loss that is not finite.
    """
    device = accelerator.device
    prompts.requires_grad_(True)
    if isinstance(forger, LayeredForger):
        forger.autocast = accelerator.autocast
    groups = [{"params": list(prompts.parameters()), "lr": settings.learning_rate, "weight_decay": 0.0}]
    optimizers = {"adam": make_optimizer(settings.optimizer, groups, (0.9, 0.99))}
    modules: dict[str, nn.Module] = {"prompts": prompts, "forger": forger}
    done = run.load_state(part, modules, optimizers)
    if done == 0:  # validation may yet replace the best checkpoint, which this round began with
        run.save_state(part, 0, modules, optimizers)
    pasted = int(PASTED * settings.batch)
    is_real = torch.arange(2 * settings.batch, device=device) < settings.batch
    saved = time.monotonic()
    for step in Budget(accelerator, settings.steps, minutes).remaining(done):
        log = Log()
        for micro in range(settings.accumulate):
            streams = Streams(seed + _STREAM, step, accelerator.process_index * settings.accumulate + micro, device)
            with torch.no_grad():
                batch = make_micro_batch(forger, real, pool, streams, settings.batch, size, diameters, device, capture)
                flat = F.interpolate(batch.pasted[:pasted], (size, size), mode="area")
                with accelerator.autocast():
                    latents = backbone.encode(torch.cat((batch.real, flat, batch.forged[pasted:]))).float()
            times = streams.timesteps(len(latents), 0.0, 1.0, backbone.steps)
            noise = streams.normal(*latents.shape)
            errors = prompt_errors(backbone, prompts, latents, noise, times, accelerator.autocast)
            denoise, contrast, values = prompt_loss(*errors, is_real, settings.contrast, latents[0].numel())
            loss = denoise + contrast
            accelerator.backward(loss / settings.accumulate)
            log.add({"loss": float(loss.detach()), **values}, 1 / settings.accumulate)
        parameters = list(prompts.parameters())
        average_gradients(accelerator, parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, 1.0))
        optimizers["adam"].step()
        optimizers["adam"].zero_grad(set_to_none=True)
        done = step + 1
        shown = log.averaged(accelerator)
        run.log(part, done, {**shown, "norm": norm})
        if progress:
            progress(done, shown["loss"])
        if time.monotonic() - saved > save_every:
            run.save_state(part, done, modules, optimizers)
            saved = time.monotonic()
    run.save_state(part, done, modules, optimizers)
    prompts.requires_grad_(False)
    return done >= settings.steps
