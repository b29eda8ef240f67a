"""The whole training: real images in, prompts and a forger out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.adversary import ADVERSARIES
from seal2real.forger.layered import LayeredForger
from seal2real.forger.priors import PRIORS
from seal2real.forger.residual import ResidualForger
from seal2real.forger.stage2 import ForgerSettings, train_forger
from seal2real.prior.backbone import Backbone, load_backbone
from seal2real.prior.pool import Pool
from seal2real.prior.prompts import Prompts
from seal2real.prior.real import RealCrops
from seal2real.prior.stage1 import PromptReport, PromptSettings, judge_prompts, train_prompts
from seal2real.prior.training import make_accelerator
from seal2real.weights import save_module, write_json

log = logging.getLogger(__name__)
MAY_DIFFER = ("stage", "steps", "minutes", "save_every", "picture_every", "prompt_steps")  # at resume
HELD_OUT = 0.25  # of the real files, for the judgement of stage 1
FORGERS = {"layered": LayeredForger, "residual": ResidualForger}


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run. Prompts and forger have their own in `PromptSettings` and `ForgerSettings`; those that matter most
    are repeated here."""

    real: str  # folder of real images
    stage: str = "all"  # "1", "2", "all"
    backbone: str = "compact"  # "compact", a diffusers folder, a hub id
    forger: str = "layered"  # "layered", "residual"
    pages: str | None = None  # folder of the user's own clean pages, for a share of the backgrounds
    pool: int = 1200  # drawn seal crops to learn from
    image_size: int | None = None  # patch side in pixels; None takes the backbone's
    diameters: tuple[float, float] = (144.0, 240.0)  # longest side of a seal in pixels, log-uniform
    prompt_steps: int = PromptSettings.steps
    prompt_batch: int = PromptSettings.batch
    adapt: str = PromptSettings.adapt  # of the backbone in stage 1: "none", "lora", "full"
    contrast: float = PromptSettings.contrast
    steps: int = ForgerSettings.steps
    batch: int = ForgerSettings.batch
    accumulate: int = ForgerSettings.accumulate
    prior: str = ForgerSettings.prior
    prior_weight: float = ForgerSettings.prior_weight
    prior_after: float = ForgerSettings.prior_after
    critic_steps: int = ForgerSettings.critic_steps
    adversary: str = ForgerSettings.adversary
    adversary_weight: float = ForgerSettings.adversary_weight
    content_weight: float = ForgerSettings.content_weight
    learning_rate: float = ForgerSettings.learning_rate
    knob_learning_rate: float = ForgerSettings.knob_learning_rate
    minutes: float | None = None  # wall-clock limit of stage 2
    precision: str = "auto"  # "no", "bf16", "fp16", "auto"
    save_every: float = 180.0  # seconds between states
    picture_every: int = 250  # steps between sample grids
    seed: int = 0

    def __post_init__(self) -> None:
        choices = {
            "stage": ("1", "2", "all"),
            "forger": tuple(FORGERS),
            "prior": PRIORS,
            "adversary": ADVERSARIES,
            "adapt": ("none", "lora", "full"),
            "precision": ("no", "bf16", "fp16", "auto"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is {getattr(self, name)!r}; choose from {', '.join(allowed)}")
        if self.prior == "none" and self.adversary == "none" and self.stage != "1":
            raise UsageError("prior and adversary are both 'none': nothing would teach the forger; choose at least one")


@dataclass(frozen=True)
class TrainReport:
    """What a run gave: the run's folder, the real images used and skipped, stage 1's judgement (None where it was not run)."""

    out: Path
    seals: int
    held_out: int
    skipped: list[tuple[Path, str]]
    prompts: PromptReport | None


def train(
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    progress: Callable[[str, int, int, float], None] | None = None,
) -> TrainReport:
    """Run stage 1, stage 2, or both.

    Args:
        config: settings.
        out: run folder: ``config.yaml``, ``prompts.safetensors``, ``forger/``, ``backbone/`` (where it was adapted),
            ``metrics.jsonl``, ``samples/``, ``state/``, ``report.json``.
        resume: go on with the run in ``out``.
        progress: called with (what, done, of, loss).

    Raises:
        Seal2RealError: no usable real image, no such backbone, stage 2 without stage 1's prompts, a loss that explodes.
        UsageError: settings that do not fit.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    real = RealCrops.from_folder(Path(config.real))
    backbone = load_backbone(config.backbone) if _needs_backbone(config) else None
    accelerator, run = make_accelerator(config.precision, out, config, resume, MAY_DIFFER)
    torch.manual_seed(config.seed)  # initial weights only; every later draw comes from `Streams`
    size = config.image_size or (backbone.image_size if backbone else 64)
    if backbone is not None:
        backbone = backbone.to(accelerator.device)
        if size % backbone.multiple:
            raise UsageError(f"image_size is {size}; this backbone needs a multiple of {backbone.multiple}")
    training, held_out = _split(real, config.seed)
    report = progress or (lambda *_: None)
    pages = Path(config.pages) if config.pages else None
    pool = Pool.build(config.pool, config.seed, pages, progress=lambda n: report("drawing", n, config.pool, 0.0))

    prompts, judgement = None, None
    if backbone is not None and config.stage in ("1", "all"):
        settings = PromptSettings(config.prompt_steps, config.prompt_batch, contrast=config.contrast, adapt=config.adapt)
        prompts = train_prompts(
            backbone, training, pool, settings, run, accelerator, config.seed, config.diameters, None, config.save_every,
            lambda n, loss: report("stage 1", n, settings.steps, loss),
        )  # fmt: skip
        held_pool = Pool.build(64, config.seed + 1, pages, workers=1)
        judgement = judge_prompts(
            backbone, prompts, held_out, held_pool, accelerator.autocast, config.seed, config.diameters
        )
        if accelerator.is_main_process:
            prompts.save(out / "prompts.safetensors")
            if config.adapt != "none":
                backbone.save(out / "backbone")
    elif backbone is not None:
        if config.adapt != "none" and (out / "backbone").is_dir():
            backbone = load_backbone(str(out / "backbone")).to(accelerator.device)
        path = out / "prompts.safetensors"
        if not path.is_file():
            raise Seal2RealError(f"{path}: stage 2 needs the prompts of stage 1; run with --stage 1 or all first")
        prompts = Prompts.load(path, backbone).to(accelerator.device)

    if config.stage in ("2", "all"):
        _train_forger(config, backbone, prompts, training, pool, out, run, accelerator, size, report)
    result = TrainReport(out, len(training), len(held_out), real.skipped, judgement)
    if accelerator.is_main_process:
        write_json(
            out / "report.json",
            {
                "seals": result.seals,
                "held_out": result.held_out,
                "skipped": [[str(path), why] for path, why in result.skipped],
                "prompts": asdict(judgement) if judgement else None,
            },
        )
    accelerator.end_training()
    return result


def _needs_backbone(config: TrainConfig) -> bool:
    return config.stage == "1" or config.prior != "none" or config.adversary == "features"


def _train_forger(config, backbone: Backbone | None, prompts, training, pool, out, run, accelerator, size, report) -> None:  # type: ignore[no-untyped-def]
    names = {field: getattr(config, field) for field in ForgerSettings.__dataclass_fields__ if hasattr(config, field)}
    settings = ForgerSettings(**names)
    if prompts is not None:
        prompts.requires_grad_(False)
    forger = train_forger(
        FORGERS[config.forger](), backbone, prompts, training, pool, settings, run, accelerator, config.seed, size,
        config.diameters, config.minutes, config.save_every, config.picture_every,
        lambda n, loss: report("stage 2", n, settings.steps, loss),
    )  # fmt: skip
    if accelerator.is_main_process:
        save_module(forger, out / "forger", forger.config)


def _split(real: RealCrops, seed: int) -> tuple[RealCrops, RealCrops]:
    """Seals to train on and held-out ones, apart by file; with fewer than four files all serve both ends."""
    groups = sorted({crop.group for crop in real.crops})
    if len(groups) < 4:
        log.warning("only %d real files: stage 1 is judged on the images it was trained on", len(groups))
        return real, real
    order = np.random.default_rng(seed).permutation(len(groups))
    held = {groups[index] for index in order[: max(1, round(HELD_OUT * len(groups)))]}
    return (
        RealCrops([crop for crop in real.crops if crop.group not in held], real.skipped),
        RealCrops([crop for crop in real.crops if crop.group in held], []),
    )
