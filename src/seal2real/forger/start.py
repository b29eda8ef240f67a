"""What stage 2 begins with: a new forger, calibrated on the real images, or one to go on from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from seal2real.errors import UsageError
from seal2real.forger.calibrate import CalibrationSettings, calibrate
from seal2real.forger.estimator import KnobEstimator, estimator_folder
from seal2real.forger.forge import Forger
from seal2real.forger.layered import LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.forger.train_config import FORGERS, TrainConfig
from seal2real.page import FolderPages
from seal2real.prior.real import RealCrops
from seal2real.prior.training import Run, initial_weights
from seal2real.weights import load_into, write_tensors


def first_forger(config: TrainConfig) -> LayeredForger | ResidualForger:
    """What stage 2 begins with, before any calibration."""
    if config.start_from is None:
        with initial_weights(config.seed):
            return FORGERS[config.forger]()
    forger = Forger.load(Path(config.start_from)).original()
    if forger.kind != config.forger:
        raise UsageError(f"start_from: {config.start_from} holds a {forger.kind} forger, not a {config.forger} one")
    return forger


def is_calibrated(config: TrainConfig) -> bool:
    """Whether stage 2 begins with a calibration: a forger to go on from has its looks already."""
    return config.calibrate != "none" and config.forger == "layered" and config.start_from is None


def check_inputs(config: TrainConfig) -> None:
    """Open what is needed only later, so that a wrong name shows before the first step."""
    if config.pages:
        FolderPages(Path(config.pages))
    if config.stage != "1":
        first_forger(config)
        if is_calibrated(config):
            KnobEstimator.load(estimator_folder(config.calibrate))


def calibrate_knobs(
    forger: LayeredForger,
    config: TrainConfig,
    training: RealCrops,
    run: Run,
    accelerator: Any,
    report: Callable[[str, int, int, float], None],
) -> None:
    """Bring the knobs near the real images, or back to where they were brought before."""
    path = run.folder / "state" / "calibrated.safetensors"
    if accelerator.is_main_process and not path.is_file():
        settings = CalibrationSettings(breadth=config.breadth)
        calibrate(
            forger, training, KnobEstimator.load(estimator_folder(config.calibrate)), config.seed, settings,
            lambda step, distance: report("calibration", step, settings.steps, distance),
        )  # fmt: skip
        write_tensors(path, forger.knobs.state_dict())
    accelerator.wait_for_everyone()
    load_into(forger.knobs, path)
