"""Settings of a whole training run."""

from __future__ import annotations

from dataclasses import dataclass

from seal2real.errors import UsageError
from seal2real.forger.adversary import ADVERSARIES
from seal2real.forger.calibrate import CalibrationSettings
from seal2real.forger.layered import LayeredForger
from seal2real.forger.priors import PRIORS
from seal2real.forger.residual import ResidualForger
from seal2real.forger.stage2 import ForgerSettings
from seal2real.prior.config import PRECISIONS, check_choices, check_positive, check_seed
from seal2real.prior.machine import OPTIMIZERS, TRACKERS
from seal2real.prior.pool import DIAMETER
from seal2real.prior.stage1 import PromptSettings

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
    calibrate: str = "shipped"  # the knobs before stage 2: by the "shipped" estimator, one in a folder, or "none": not
    breadth: float = CalibrationSettings.breadth  # of the calibration
    pages: str | None = None  # folder of the user's own clean pages, for a share of the backgrounds
    preset: str | None = None  # where other settings come from: see `seal2real.forger.presets`
    pool: int = 1200  # drawn seal crops to learn from
    pool_diameter: int = DIAMETER  # longest side of a drawn seal in pixels
    image_size: int | None = None  # patch side in pixels; None takes the backbone's
    diameters: tuple[float, float] = (144.0, 240.0)  # longest side of a seal in pixels, log-uniform
    capture: tuple[float, float] = ForgerSettings.capture
    real_words: str = PromptSettings.real_words  # that the real prompt starts from
    fake_words: str = PromptSettings.fake_words
    prompt_steps: int = PromptSettings.steps
    prompt_batch: int = PromptSettings.batch
    prompt_learning_rate: float = PromptSettings.learning_rate
    cache: int = PromptSettings.cache
    adapt: str = "auto"  # of the U-Net in stage 1: "none", "lora", "full"; "auto" is full if compact, else lora
    adapt_learning_rate: float = PromptSettings.adapt_learning_rate
    adapt_contrast: float = PromptSettings.adapt_contrast
    lora_rank: int = PromptSettings.lora_rank  # of every adapter
    optimizer: str = PromptSettings.optimizer  # of stage 1
    judge_seals: int | None = None  # held-out seals that stage 1 is judged on, and as many to calibrate; None for all
    judge_patches: int = 6  # of each
    judge_draws: int = 24  # noises per patch
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
    critic: str = "auto"  # of vsd: "full" (a copy of the U-Net), "lora" (adapters on it); "auto" is full if compact
    critic_learning_rate: float = ForgerSettings.critic_learning_rate
    rounds: int = 1  # of stage 2; before each but the first the prompts learn to tell the forger's output from real
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
    weights: str = "fp32"  # what frozen weights are kept in: "fp32", "bf16"
    checkpointing: bool = False  # activations are computed again in backward passes, not kept
    micro_batches: int | None = None  # per step, of all processes; None: accumulate times the processes at the start
    tracker: str = "auto"  # "tensorboard", "wandb", "trackio", "none", "auto" (TensorBoard where installed)
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
            critic=("auto", "full", "lora"),
            weights=("fp32", "bf16"),
            optimizer=OPTIMIZERS,
            tracker=TRACKERS,
            precision=PRECISIONS,
        )
        check_seed(self)
        check_positive(self, "pool", "image_size", "prompt_steps", "prompt_batch", "steps", "batch", "accumulate")
        check_positive(self, "validate_every", "patience", "prompt_learning_rate", "lora_rank", "pool_diameter")
        check_positive(self, "judge_seals", "judge_patches", "judge_draws", "micro_batches")
        if not 0 <= self.breadth <= 1:
            raise UsageError(f"breadth is {self.breadth:g}; it must be 0 to 1")
        if self.cache < 0:
            raise UsageError(f"cache is {self.cache}; it must be 0 (none) or more")
        check_positive(self, "minutes", "critic_steps", "learning_rate", "knob_learning_rate", "picture_every")
        check_positive(self, "rounds")
        if self.rounds > 1 and self.prior == "none":
            raise UsageError("rounds tune the prompts, and prior none does not use them; choose a prior, or rounds 1")
        if self.adversary != "none" and self.batch == 1 and self.stage != "1":
            raise UsageError("batch is 1, and the adversary compares the patches of a batch; give 2 or more")
        if self.adversary == "bottleneck" and self.prior != "vsd":
            raise UsageError("adversary bottleneck is a head on vsd's critic; give prior vsd with it")
        if self.prior == "none" and self.adversary == "none" and self.stage != "1":
            raise UsageError("prior and adversary are both 'none': nothing would teach the forger; choose at least one")
