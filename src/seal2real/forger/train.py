"""The whole training: real images in, prompts and a forger out."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.adversary import ADVERSARIES
from seal2real.forger.checkpoint import Validate
from seal2real.forger.forge import Forger
from seal2real.forger.layered import LayeredForger
from seal2real.forger.priors import PRIORS
from seal2real.forger.residual import ResidualForger
from seal2real.forger.stage2 import ForgerSettings, train_forger
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.compact import CompactBackbone
from seal2real.prior.config import PRECISIONS, check_choices, check_positive, check_seed
from seal2real.prior.pool import Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import PromptReport, PromptSettings, judge_prompts, train_prompts
from seal2real.prior.training import Run, drawing_workers, initial_weights, make_accelerator, start_run
from seal2real.weights import read_json, save_module, write_json

log = logging.getLogger(__name__)
MAY_DIFFER = ("stage", "steps", "minutes", "save_every", "picture_every", "prompt_steps")  # at resume
HELD_OUT = 0.25  # of the real files, for the judgement of stage 1
FORGERS: dict[str, type[LayeredForger] | type[ResidualForger]] = {"layered": LayeredForger, "residual": ResidualForger}


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run. Prompts and forger have their own in `PromptSettings` and `ForgerSettings`; those that matter
    most are repeated here."""

    real: str  # folder of real images
    stage: str = "all"  # "1", "2", "all"
    backbone: str = "compact"  # "compact", a diffusers folder, a hub id
    forger: str = "layered"  # "layered", "residual"
    start_from: str | None = None  # folder of a forger to go on from; None starts at the press-and-scan model
    pages: str | None = None  # folder of the user's own clean pages, for a share of the backgrounds
    pool: int = 1200  # drawn seal crops to learn from
    image_size: int | None = None  # patch side in pixels; None takes the backbone's
    diameters: tuple[float, float] = (144.0, 240.0)  # longest side of a seal in pixels, log-uniform
    prompt_steps: int = PromptSettings.steps
    prompt_batch: int = PromptSettings.batch
    adapt: str = "auto"  # of the U-Net in stage 1: "none", "lora", "full"; "auto" is full if compact, else lora
    adapt_learning_rate: float = PromptSettings.adapt_learning_rate
    adapt_contrast: float = PromptSettings.adapt_contrast
    contrast: float = PromptSettings.contrast
    steps: int = ForgerSettings.steps
    batch: int = ForgerSettings.batch
    accumulate: int = ForgerSettings.accumulate
    prior: str = ForgerSettings.prior
    prior_weight: float = ForgerSettings.prior_weight
    prior_after: float = ForgerSettings.prior_after
    prior_times: tuple[float, float] = ForgerSettings.prior_times
    critic_steps: int = ForgerSettings.critic_steps
    critic_warmup: int = ForgerSettings.critic_warmup
    critic_learning_rate: float = ForgerSettings.critic_learning_rate
    adversary: str = ForgerSettings.adversary
    adversary_weight: float = ForgerSettings.adversary_weight
    content_weight: float = ForgerSettings.content_weight
    variety_weight: float = ForgerSettings.variety_weight
    learning_rate: float = ForgerSettings.learning_rate
    knob_learning_rate: float = ForgerSettings.knob_learning_rate
    ema: float = ForgerSettings.ema
    validate_every: int = ForgerSettings.validate_every
    patience: int | None = ForgerSettings.patience
    minutes: float | None = None  # wall-clock limit of stage 2
    precision: str = "auto"  # "no" (fp32), "bf16", "auto" (bf16 where the device has it)
    save_every: float = 180.0  # seconds between states
    picture_every: int = 250  # steps between sample grids
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(
            self,
            stage=("1", "2", "all"),
            forger=tuple(FORGERS),
            prior=PRIORS,
            adversary=ADVERSARIES,
            adapt=("auto", "none", "lora", "full"),
            precision=PRECISIONS,
        )
        check_seed(self)
        check_positive(self, "pool", "image_size", "prompt_steps", "prompt_batch", "steps", "batch", "accumulate")
        check_positive(self, "validate_every", "patience")
        check_positive(self, "minutes", "critic_steps", "learning_rate", "knob_learning_rate", "picture_every")
        if self.prior == "none" and self.adversary == "none" and self.stage != "1":
            raise UsageError("prior and adversary are both 'none': nothing would teach the forger; choose at least one")


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
    """

    out: Path
    seals: int
    held_out: int
    skipped: list[tuple[Path, str]]
    prompts: PromptReport | None
    steps: dict[str, int]


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
    accelerator = make_accelerator(config.precision, out)
    run = Run(out, config, resume, accelerator.is_main_process, MAY_DIFFER)
    real, backbone, size = _open(config)
    start_run(accelerator, run)
    training, held_out = _split(real, config.seed)
    report = progress or (lambda *_: None)
    pages = Path(config.pages) if config.pages else None
    pool = Pool.build(
        config.pool, config.seed, pages, workers=drawing_workers(accelerator),
        progress=lambda n: report("drawing", n, config.pool, 0.0),
    )  # fmt: skip

    prompts, judgement = None, None
    if backbone is not None and config.stage in ("1", "all"):
        prompts = _train_prompts(config, backbone, training, pool, run, accelerator, report)
        held_pool = Pool.build(min(64, config.pool), config.seed + 1, pages, workers=1)
        judged = held_out if len(held_out) else training
        judgement = judge_prompts(
            backbone, prompts, judged, held_pool, accelerator.autocast, config.seed, config.diameters, training
        )
        if accelerator.is_main_process:
            prompts.save(out / "prompts.safetensors")
            if _adaptation(config, backbone) != "none":
                backbone.save(out / "backbone")
    elif (out / "report.json").is_file():
        known = read_json(out / "report.json").get("prompts")
        judgement = PromptReport(**known) if known else None
    if backbone is not None and prompts is None:
        path = out / "prompts.safetensors"
        if not path.is_file():
            raise Seal2RealError(f"{path}: stage 2 needs the prompts of stage 1; run with --stage 1 or all first")
        if _adaptation(config, backbone) != "none":
            backbone = load_backbone(str(out / "backbone")).to(accelerator.device).requires_grad_(False)
        prompts = Prompts.load(path, backbone).to(accelerator.device)
    if config.stage in ("2", "all"):
        judge = None if validate is None else lambda network: validate(Forger(network, out.name), real)
        _train_forger(config, backbone, prompts, training, pool, run, accelerator, size, report, judge)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    result = TrainReport(out, len(training), len(held_out), real.skipped, judgement, dict(run.done))
    if accelerator.is_main_process:
        skipped = [[str(path), why] for path, why in result.skipped]
        write_json(out / "report.json", {**asdict(result), "out": str(out), "skipped": skipped})
    return result


def _open(config: TrainConfig) -> tuple[RealCrops, Backbone | None, int]:
    """The real seals, the backbone where one is needed, and the patch side."""
    real = RealCrops.from_folder(Path(config.real))
    needed = config.stage in ("1", "all") or config.prior != "none" or config.adversary == "features"
    backbone = load_backbone(config.backbone).requires_grad_(False) if needed else None
    size = config.image_size or (backbone.image_size if backbone else 64)
    if backbone is not None and size % backbone.multiple:
        raise UsageError(f"image_size is {size}; this backbone needs a multiple of {backbone.multiple}")
    return real, backbone, size


def _train_prompts(
    config: TrainConfig,
    backbone: Backbone,
    training: RealCrops,
    pool: Pool,
    run: Run,
    accelerator: Any,
    report: Callable[[str, int, int, float], None],
) -> Prompts:
    settings = PromptSettings(
        steps=config.prompt_steps,
        batch=config.prompt_batch,
        accumulate=config.accumulate,
        contrast=config.contrast,
        adapt=_adaptation(config, backbone),
        adapt_learning_rate=config.adapt_learning_rate,
        adapt_contrast=config.adapt_contrast,
    )
    return train_prompts(
        backbone.to(accelerator.device), training, pool, settings, run, accelerator, config.seed, config.diameters,
        save_every=config.save_every, progress=lambda n, loss: report("stage 1", n, settings.steps, loss),
    )  # fmt: skip


def _train_forger(
    config: TrainConfig,
    backbone: Backbone | None,
    prompts: Prompts | None,
    training: RealCrops,
    pool: Pool,
    run: Run,
    accelerator: Any,
    size: int,
    report: Callable[[str, int, int, float], None],
    validate: Validate | None,
) -> None:
    shared = {field.name for field in fields(ForgerSettings)} & {field.name for field in fields(TrainConfig)}
    settings = ForgerSettings(**{name: getattr(config, name) for name in shared})
    if backbone is not None:
        backbone = backbone.to(accelerator.device)
    if prompts is not None:
        prompts.requires_grad_(False)
    if config.start_from is None:
        with initial_weights(config.seed):
            forger = FORGERS[config.forger]()
    else:
        forger = Forger.load(Path(config.start_from)).network.train().requires_grad_(True)
        if forger.kind != config.forger:
            raise UsageError(f"start_from: {config.start_from} holds a {forger.kind} forger, not a {config.forger} one")
    averaged = train_forger(
        forger, backbone, prompts, training, pool, settings, run, accelerator, config.seed, size, config.diameters,
        config.minutes, config.save_every, config.picture_every,
        lambda n, loss: report("stage 2", n, settings.steps, loss), validate,
    )  # fmt: skip
    if accelerator.is_main_process:
        save_module(averaged, run.folder / "forger", averaged.config)


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
