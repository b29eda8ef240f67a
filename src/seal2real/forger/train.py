"""The whole training: real images in, prompts and a forger out."""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.batches import device_parts, without_photocopies
from seal2real.forger.checkpoint import Validate
from seal2real.forger.forge import Forger
from seal2real.forger.layered import LayeredForger
from seal2real.forger.presets import PRESETS
from seal2real.forger.rounds import train_rounds
from seal2real.forger.stage2 import ForgerSettings
from seal2real.forger.start import calibrate_knobs, check_inputs, first_forger, is_calibrated
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.adapters import Adapter
from seal2real.prior.backbone import Backbone, is_compact, load_backbone
from seal2real.prior.classifier import PromptReport, judge_prompts
from seal2real.prior.compact import CompactBackbone
from seal2real.prior.config import read_config_file
from seal2real.prior.machine import Cost, Meter, make_accelerator
from seal2real.prior.pool import CROP, DIAMETER, Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import PromptSettings, train_prompts
from seal2real.prior.training import Run, drawing_workers, start_run
from seal2real.weights import read_json, save_module, write_json

log = logging.getLogger(__name__)
MAY_DIFFER = (
    "stage",
    "steps",
    "minutes",
    "save_every",
    "picture_every",
    "prompt_steps",
    "tracker",
    "rounds",
)  # at resume
HELD_OUT = 0.25  # of the real files, for the judgement of stage 1


@dataclass(frozen=True)
class TrainReport:
    """What a run gave.

    Attributes:
        out: the run's folder.
        seals: real seals that were trained on.
        held_out: real seals kept for the judgement of stage 1; 0 where there were too few to keep any.
        skipped: (file, reason in one line) for every file that gave no seal.
        prompts: stage 1's judgement; None where it never ran.
        steps: steps done so far, by stage ("stage1", "stage2").
        cost: seconds per step and peak memory, by stage; of a stage without steps in this call, of its last one.
    """

    out: Path
    seals: int
    held_out: int
    skipped: list[tuple[Path, str]]
    prompts: PromptReport | None
    steps: dict[str, int]
    cost: dict[str, Cost] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """What a run would start from: the real seals, the backbone and the machine.

    Attributes:
        seals: real seals to train on, by ink colour.
        held_out: real seals kept for the judgement of stage 1.
        skipped: (file, reason in one line).
        backbone: its name and parameters; None where none is needed.
        image_size: patch side in pixels.
        device, precision, processes: where it would run.
    """

    seals: dict[str, int]
    held_out: int
    skipped: list[tuple[Path, str]]
    backbone: str | None
    image_size: int
    device: str
    precision: str
    processes: int


def survey(config: TrainConfig) -> Survey:
    """Everything that `train` checks before its first step, without writing anything.

    Raises:
        Seal2RealError, UsageError: as `train`.
    """
    accelerator = make_accelerator(config.precision)
    check_inputs(config)
    real, backbone, size = _open(config)
    training, held_out = _split(real, config.seed)
    what = None
    if backbone is not None:
        what = f"{config.backbone} ({sum(p.numel() for p in backbone.unet.parameters()) / 1e6:.1f} million parameters)"
    return Survey(
        dict(Counter(crop.colour for crop in training.crops)),
        len(held_out),
        real.skipped,
        what,
        size,
        str(accelerator.device),
        accelerator.mixed_precision,
        accelerator.num_processes,
    )


def train(
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    progress: Callable[[str, int, int, float], None] | None = None,
    validate: Callable[[Forger, RealCrops], dict[str, float]] | None = None,
) -> TrainReport:
    """Run stage 1, stage 2, or both.

    Args:
        config: settings.
        out: run folder: ``config.yaml``, ``prompts.safetensors``, ``forger/``, ``backbone/`` (where it was adapted),
            ``metrics.jsonl``, ``samples/``, ``state/``, ``report.json``.
        resume: go on with the run in ``out``.
        progress: called with (what, done, of, loss).
        validate: judges the forger every ``config.validate_every`` steps against all real seals (see
            `seal2real.report.validation`); its "kid", lower being better, chooses the checkpoint that is kept.

    Raises:
        Seal2RealError: no usable real image, no such backbone, stage 2 without stage 1's prompts, a loss that is not
            finite.
        UsageError: settings that do not fit, or ``out`` holds something else.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    accelerator = make_accelerator(config.precision, out, config.tracker)
    config, accumulate = _share_out(config, out, accelerator.num_processes)
    run = Run(out, config, resume, accelerator.is_main_process, MAY_DIFFER)
    check_inputs(config)
    real, backbone, size = _open(config)
    start_run(accelerator, run)
    training, held_out = _split(real, config.seed)
    report = progress or (lambda *_: None)
    pages = Path(config.pages) if config.pages else None
    pool = Pool.build(
        config.pool, config.seed, pages, workers=drawing_workers(accelerator),
        progress=lambda n: report("drawing", n, config.pool, 0.0), diameter=config.pool_diameter,
    )  # fmt: skip

    prompts, judgement = None, None
    cost = _known_cost(out)
    if backbone is not None:
        backbone = _prepared(backbone, config, accelerator)
    if backbone is not None and config.stage in ("1", "all"):
        prompts, adapted, took = _train_prompts(config, accumulate, backbone, training, pool, run, accelerator, report)
        cost |= {"stage1": took} if took else {}
        if accelerator.is_main_process:
            prompts.save(out / "prompts.safetensors")
            if isinstance(adapted, Adapter):
                adapted.save(out / "backbone", _place(config))
            elif adapted is not None:
                backbone.save(out / "backbone")
        if isinstance(adapted, Adapter):  # merged in fp32, as it will be at the next reading of it
            del adapted, backbone
            accelerator.wait_for_everyone()
            backbone = _prepared(load_backbone(str(out / "backbone")), config, accelerator)
        held_pool = Pool.build(min(64, config.pool), config.seed + 1, pages, workers=1, diameter=config.pool_diameter)
        judgement = judge_prompts(
            backbone, prompts, _some(held_out if len(held_out) else training, config), held_pool, accelerator.autocast,
            config.seed, config.diameters, _some(training, config), config.judge_patches, config.judge_draws, size,
            None if is_compact(config.backbone) else config.prompt_batch,
        )  # fmt: skip
    elif (out / "report.json").is_file():
        known = read_json(out / "report.json").get("prompts")
        judgement = PromptReport(**known) if known else None
    if backbone is not None and prompts is None:
        path = out / "prompts.safetensors"
        if not path.is_file():
            raise Seal2RealError(f"{path}: stage 2 needs the prompts of stage 1; run with --stage 1 or all first")
        if _adaptation(config, backbone) != "none":
            backbone = _prepared(load_backbone(str(out / "backbone")), config, accelerator)
        prompts = Prompts.load(path, backbone).to(accelerator.device)
    if config.stage in ("2", "all"):
        judge = None if validate is None else lambda network: validate(Forger(network, out.name), real)
        took = _train_forger(
            config, accumulate, backbone, prompts, training, pool, run, accelerator, size, report, judge
        )
        cost |= {"stage2": took} if took else {}
    accelerator.wait_for_everyone()
    accelerator.end_training()
    result = TrainReport(out, len(training), len(held_out), real.skipped, judgement, dict(run.done), cost)
    if accelerator.is_main_process:
        skipped = [[str(path), why] for path, why in result.skipped]
        write_json(out / "report.json", {**asdict(result), "out": str(out), "skipped": skipped})
    return result


def _open(config: TrainConfig) -> tuple[RealCrops, Backbone | None, int]:
    """The real seals, the backbone where one is needed, and the patch side."""
    real = without_photocopies(RealCrops.from_folder(Path(config.real)))
    needed = config.stage in ("1", "all") or config.prior != "none" or config.adversary == "features"
    backbone = load_backbone(config.backbone).requires_grad_(False) if needed else None
    size = config.image_size or (backbone.image_size if backbone else 64)
    if backbone is not None and size % backbone.multiple:
        raise UsageError(f"image_size is {size}; this backbone needs a multiple of {backbone.multiple}")
    least = math.ceil(1.02 * size * DIAMETER / CROP)
    if config.diameters[0] < least:
        raise UsageError(
            f"diameters start at {config.diameters[0]:.0f}, too small for patches of {size} pixels; let them start at "
            f"{least}, take a smaller image_size, or a preset ({', '.join(PRESETS)})"
        )
    return real, backbone, size


def _share_out(config: TrainConfig, out: Path, processes: int) -> tuple[TrainConfig, int]:
    """The settings with the micro-batches of a step, and each process's share of them.

    Raises:
        UsageError: a resumed run's micro-batches cannot be shared out evenly.
    """
    total = config.micro_batches
    if total is None and (out / "config.yaml").is_file():
        known = read_config_file(out / "config.yaml").get("micro_batches")
        total = None if known is None else int(known)
    total = total or processes * config.accumulate
    if total % processes:
        raise UsageError(
            f"a step of this run has {total} micro-batches, which {processes} processes cannot share; take a number "
            f"of processes that divides {total}"
        )
    return replace(config, micro_batches=total), total // processes


def _prepared(backbone: Backbone, config: TrainConfig, accelerator: Any) -> Backbone:
    full = config.stage != "2" and _adaptation(config, backbone) == "full"  # then its weights are no longer frozen
    return backbone.prepare(accelerator.device, "fp32" if full else config.weights, config.checkpointing)


def _some(real: RealCrops, config: TrainConfig) -> RealCrops:
    """At most ``judge_seals`` of them, taken evenly."""
    if config.judge_seals is None or len(real) <= config.judge_seals:
        return real
    chosen = np.linspace(0, len(real) - 1, config.judge_seals).round().astype(int)
    return RealCrops([real.crops[index] for index in chosen], real.skipped)


def _known_cost(out: Path) -> dict[str, Cost]:
    if not (out / "report.json").is_file():
        return {}
    return {stage: Cost(**values) for stage, values in read_json(out / "report.json").get("cost", {}).items()}


def _place(config: TrainConfig) -> str:
    """The backbone by a name that holds from other folders too: "compact" and hub ids as they are."""
    return str(Path(config.backbone).resolve()) if Path(config.backbone).is_dir() else config.backbone


def _train_prompts(
    config: TrainConfig,
    accumulate: int,
    backbone: Backbone,
    training: RealCrops,
    pool: Pool,
    run: Run,
    accelerator: Any,
    report: Callable[[str, int, int, float], None],
) -> tuple[Prompts, nn.Module | None, Cost | None]:
    settings = _prompt_settings(config, accumulate, _adaptation(config, backbone))
    return train_prompts(
        backbone, training, pool, settings, run, accelerator, config.seed, config.diameters,
        save_every=config.save_every, progress=lambda n, loss: report("stage 1", n, settings.steps, loss),
        image_size=config.image_size,
    )  # fmt: skip


def _prompt_settings(config: TrainConfig, accumulate: int, adapt: str) -> PromptSettings:
    return PromptSettings(
        steps=config.prompt_steps,
        batch=config.prompt_batch,
        accumulate=accumulate,
        learning_rate=config.prompt_learning_rate,
        contrast=config.contrast,
        adapt=adapt,
        adapt_learning_rate=config.adapt_learning_rate,
        adapt_contrast=config.adapt_contrast,
        lora_rank=config.lora_rank,
        optimizer=config.optimizer,
        cache=config.cache,
        real_words=config.real_words,
        fake_words=config.fake_words,
    )


def _train_forger(
    config: TrainConfig,
    accumulate: int,
    backbone: Backbone | None,
    prompts: Prompts | None,
    training: RealCrops,
    pool: Pool,
    run: Run,
    accelerator: Any,
    size: int,
    report: Callable[[str, int, int, float], None],
    validate: Validate | None,
) -> Cost | None:
    shared = {field.name for field in fields(ForgerSettings)} & {field.name for field in fields(TrainConfig)}
    settings = ForgerSettings(**{name: getattr(config, name) for name in shared})
    adapters = config.critic == "lora" or (config.critic == "auto" and not is_compact(config.backbone))
    settings = replace(settings, accumulate=accumulate, critic_rank=config.lora_rank if adapters else None)
    if prompts is not None:
        prompts.requires_grad_(False)
    forger = first_forger(config)
    if is_calibrated(config) and isinstance(forger, LayeredForger):
        calibrate_knobs(forger, config, training, run, accelerator, report)
    if device_parts(training) and isinstance(forger, LayeredForger):
        if config.adversary == "pixel":
            forger.learn_devices()
        else:
            log.warning("real images are sorted by device, which adversary pixel alone can use; learned as one")
    meter = Meter(accelerator)
    averaged = train_rounds(
        config.rounds, forger, backbone, prompts, training, pool, settings,
        _prompt_settings(config, accumulate, "none"), run, accelerator, config.seed, size, config.diameters,
        config.minutes, config.save_every, config.picture_every, report, validate, meter,
    )  # fmt: skip
    if accelerator.is_main_process:
        save_module(averaged, run.folder / "forger", averaged.config)
    return meter.cost()


def _adaptation(config: TrainConfig, backbone: Backbone) -> str:
    """How stage 1 adapts the U-Net: a compact one as a whole, a large one by low-rank adapters."""
    if config.adapt != "auto":
        return config.adapt
    return "full" if isinstance(backbone, CompactBackbone) else "lora"


def _split(real: RealCrops, seed: int) -> tuple[RealCrops, RealCrops]:
    """Seals to train on and held-out ones, apart by file; with fewer than four files none is held out."""
    groups = sorted({crop.group for crop in real.crops})
    if len(groups) < 4:
        log.warning("only %d real files: stage 1 is judged on the images it was trained on", len(groups))
        return real, RealCrops([])
    order = np.random.default_rng(seed).permutation(len(groups))
    held = {groups[index] for index in order[: max(1, round(HELD_OUT * len(groups)))]}
    return (
        RealCrops([crop for crop in real.crops if crop.group not in held], real.skipped),
        RealCrops([crop for crop in real.crops if crop.group in held], []),
    )
