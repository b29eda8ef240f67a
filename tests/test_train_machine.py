"""Trainings on other machines: numbers of processes, presets, optimisers, trackers, and losses that are no numbers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from conftest import TINY
from seal2real.cli import run as command
from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.presets import PRESETS, preset, with_preset
from seal2real.forger.train import train
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.config import read_config
from seal2real.prior.machine import make_accelerator, make_optimizer
from seal2real.weights import read_tensors
from test_train_run import ROOT, configured, environment, metrics


def started(processes: int, real: Path, backbone: Path, out: Path, steps: int, *more: str) -> None:
    config = out.parent / "two.yaml"
    config.write_text(yaml.safe_dump({**TINY, "tracker": "none", "adversary": "none", "cache": 4}))
    launcher = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
    words = ["train.py", "--real", str(real), "--backbone", str(backbone), "--out", str(out), "--config", str(config)]
    done = subprocess.run(
        [*launcher, *words, "--steps", str(steps), *more],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_run_of_two_processes_goes_on_with_one(real_seals: Path, compact_folder: Path, tmp_path: Path) -> None:
    started(2, real_seals, compact_folder, tmp_path / "two", 1)
    shared = {"tracker": "none", "adversary": "none", "cache": 4}
    train(configured(real_seals, compact_folder, **shared), tmp_path / "two", resume=True)
    train(configured(real_seals, compact_folder, **shared, accumulate=2), tmp_path / "one")
    for one, two in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        assert one.pop("part") == two.pop("part")
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)
    ours, theirs = (read_tensors(tmp_path / run / "forger" / "model.safetensors") for run in ("one", "two"))
    # Adam turns the rounding of gradients near zero into a part of such a weight's step, here 3e-4.
    apart = torch.cat([(ours[key] - theirs[key]).abs().flatten() for key in ours])
    assert apart.max() < 3e-4 and (apart > 1e-5).float().mean() < 1e-3


def test_micro_batches_that_cannot_be_shared_out(real_seals: Path, compact_folder: Path, tmp_path: Path) -> None:
    from seal2real.forger.train import _share_out

    config = configured(real_seals, compact_folder, accumulate=3)
    assert _share_out(config, tmp_path, 2)[1] == 3
    (tmp_path / "config.yaml").write_text("micro_batches: 6\n")
    assert [_share_out(config, tmp_path, n)[1] for n in (1, 2, 3, 6)] == [6, 3, 2, 1]
    with pytest.raises(UsageError, match="6 micro-batches, which 4 processes cannot share; take a number"):
        _share_out(config, tmp_path, 4)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_and_what_is_given_goes_before_them(name: str, diffusion_folder: Path) -> None:
    for backbone in ("compact", str(diffusion_folder)):
        values = preset(name, backbone)
        config = read_config(TrainConfig, {"real": "DIR", "backbone": backbone, **values}, name)
        assert config.preset == name and config.prompt_batch == values["prompt_batch"]
        assert config.batch > 1  # the discriminator compares the patches of a batch
        own = with_preset({"real": "DIR", "backbone": backbone, "preset": name, "batch": 3})
        assert own == {**values, "real": "DIR", "backbone": backbone, "batch": 3}
    with pytest.raises(UsageError, match="preset is '13gb'; choose from cpu, 12gb, 24gb, 80gb"):
        preset("13gb")


def test_a_run_shows_what_its_preset_set(
    real_seals: Path, diffusion_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({**TINY, "cache": 3, "image_size": 32}))
    words = ["train", "--real", str(real_seals), "--backbone", str(diffusion_folder), "--out", str(tmp_path / "run")]
    assert command([*words, "--config", str(tmp_path / "c.yaml"), "--preset", "cpu", "--tracker", "none"]) == 0
    printed = capsys.readouterr().out
    assert "stage 1: " in printed and " s a step, at most " in printed and "GiB of memory" in printed
    values = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (values["preset"], values["weights"], values["cache"], values["batch"]) == ("cpu", "bf16", 3, 2)
    assert values["checkpointing"] is True and values["judge_draws"] == 6
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["cost"]["stage2"]["steps"] == 2 and report["cost"]["stage1"]["peak_memory_gib"] > 0
    assert not (tmp_path / "run" / "logs").exists()


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_a_loss_that_is_no_number_stops_stage_1_and_leaves_no_bad_state(
    adapt: str, real_seals: Path, diffusion_folder: Path, tmp_path: Path
) -> None:
    values = {"adapt": adapt, "stage": "1", "tracker": "none"}
    train(configured(real_seals, diffusion_folder, **values), tmp_path / "good")
    wild: dict[str, Any] = {**values, "adapt_learning_rate": 1e30, "prompt_steps": 9}
    with pytest.raises(Seal2RealError, match=r"stage1 stopped at step \d, .* lower the learning rates") as caught:
        train(configured(real_seals, diffusion_folder, **wild), tmp_path / "wild")
    assert "\n" not in str(caught.value)
    for state in (tmp_path / "wild" / "state").glob("stage1-*/tensors.safetensors"):
        assert all(tensor.isfinite().all() for tensor in read_tensors(state).values() if tensor.is_floating_point())


def test_optimisers_and_trackers_that_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = torch.nn.Parameter(torch.zeros(3))
    if importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(UsageError, match=r"needs bitsandbytes .*; pip install bitsandbytes, or take 'adamw'"):
            make_optimizer("adamw8bit", [{"params": [parameter]}], (0.9, 0.99))
    if importlib.util.find_spec("wandb") is None:
        with pytest.raises(UsageError, match="tracker 'wandb' is not installed; pip install wandb, or take another"):
            make_accelerator("no", tmp_path, "wandb")
    with pytest.raises(UsageError, match="tracker is 'paper'; choose from auto, tensorboard, wandb, trackio, none"):
        read_config(TrainConfig, {"real": "DIR", "tracker": "paper"}, "here")
