"""Later rounds, the head on the critic's bottleneck, and real images sorted by device, on tiny networks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from conftest import TINY
from run_helpers import assert_same_run, configured, metrics
from seal2real import load_forger
from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.batches import device_parts, make_micro_batch, without_photocopies
from seal2real.forger.layered import LayeredForger
from seal2real.forger.priors import Critic
from seal2real.forger.train import train
from seal2real.prior.backbone import load_backbone
from seal2real.prior.pool import Pool
from seal2real.prior.real import RealCrops
from seal2real.prior.training import Streams
from seal2real.weights import read_json, read_tensors

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def two_rounds(real_seals: Path, compact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("rounds") / "run"
    train(configured(real_seals, compact_folder, rounds=2), run)
    return run


def test_a_second_round_tunes_the_prompts_and_the_forger_again(
    two_rounds: Path, real_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    parts = [(row["part"], row["step"]) for row in metrics(two_rounds)]
    assert parts == [(part, step) for part in ("stage1", "stage2", "round2-stage1", "round2-stage2") for step in (1, 2)]
    first, second = (read_tensors(two_rounds / f"{name}.safetensors") for name in ("prompts", "prompts-round2"))
    assert all(not torch.equal(first[key], second[key]) for key in ("real", "fake"))
    # a run of one round, given another later, is the same run
    train(configured(real_seals, compact_folder), tmp_path)
    once = read_tensors(tmp_path / "forger" / "model.safetensors")
    twice = read_tensors(two_rounds / "forger" / "model.safetensors")
    assert any(not torch.equal(once[key], twice[key]) for key in once)
    train(configured(real_seals, compact_folder, rounds=2), tmp_path, resume=True)
    assert_same_run(two_rounds, tmp_path)


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_killed_in_the_second_round_it_goes_on_the_same(
    stage: str, real_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    key, plain = {"stage1": "prompt_steps", "stage2": "steps"}[stage], {"critic_warmup": 0}
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump({**TINY, **plain, "rounds": 2, key: 400}))
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    # what comes before is short: steps may differ at resume, and a round that another followed is over
    train(configured(real_seals, compact_folder, rounds=1 if stage == "stage1" else 2, **plain), killed)
    before = 0 if stage == "stage1" else TINY["steps"]
    shutil.copytree(killed, whole)
    command = ["train.py", "--real", str(real_seals), "--backbone", str(compact_folder), "--out", str(killed)]
    process = subprocess.Popen(
        [sys.executable, *command, "--config", str(config), "--resume", "--stage", "2"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    state = killed / "state" / f"round2-{stage}.json"
    while process.poll() is None and time.monotonic() < deadline:
        if state.exists() and read_json(state)["step"] > before:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = read_json(state)["step"]
    assert before < done < 400, "it was not killed within this stage"
    shared = {"rounds": 2, key: done + 2, "stage": "2", **plain}
    train(configured(real_seals, compact_folder, **shared), killed, resume=True)
    train(configured(real_seals, compact_folder, **shared), whole, resume=True)
    assert_same_run(whole, killed)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rounds": 2, "prior": "none"}, "rounds tune the prompts"),
        ({"rounds": 0}, "rounds is 0"),
        ({"adversary": "bottleneck", "prior": "sds"}, "give prior vsd"),
    ],
)
def test_rounds_and_heads_that_make_no_sense(values: dict[str, Any], message: str, real_seals: Path) -> None:
    with pytest.raises(UsageError, match=message):
        configured(real_seals, "compact", **values)


def test_a_head_on_the_critics_bottleneck_learns_and_resumes(
    real_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    shared = {"adversary": "bottleneck"}
    for steps in (1, 2):
        train(configured(real_seals, compact_folder, steps=steps, **shared), tmp_path / "parts", resume=steps > 1)
    train(configured(real_seals, compact_folder, **shared), tmp_path / "whole")
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "parts")
    rows = [row for row in metrics(tmp_path / "whole") if row["part"] == "stage2"]
    assert all({"adversary", "fooled", "critic", "prior"} <= row.keys() for row in rows)


def test_the_head_sees_the_critics_network_and_passes_gradients_to_images(compact_folder: Path) -> None:
    backbone = load_backbone(str(compact_folder)).requires_grad_(False)
    critic = Critic(backbone, backbone.embed("real"), head=True)
    latents = backbone.encode(torch.rand(2, 3, 32, 32)).requires_grad_()
    noise, times = torch.randn_like(latents), torch.tensor([100, 500])
    logits = critic.judge(backbone, latents, noise, times)
    logits.sum().backward()
    assert latents.grad is not None and float(latents.grad.abs().max()) > 0
    down, up = (next(block.parameters()) for block in (critic.unet.down_blocks[0], critic.unet.up_blocks[0]))
    assert down.grad is not None and up.grad is None  # only the way down was computed
    assert critic.prompt.grad is not None
    assert not critic.unet.mid_block._forward_hooks


@pytest.fixture(scope="session")
def sorted_seals(real_seals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same seals in folders by device, two of six in none."""
    folder = tmp_path_factory.mktemp("sorted")
    for index, device in enumerate(("scan", "Phone", "scan", "photos", "", "")):
        (folder / device).mkdir(exist_ok=True)
        shutil.copy(real_seals / f"{index}.png", folder / device)
    return folder


def test_real_images_sorted_by_device_move_the_devices_apart(
    sorted_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    real = RealCrops.from_folder(sorted_seals)
    assert {device: len(part) for device, part in device_parts(real).items()} == {"phone": 2, "scan": 2}
    train(configured(sorted_seals, compact_folder, stage="2", prior="none", steps=4), tmp_path / "run")
    moved = read_tensors(tmp_path / "run" / "forger" / "model.safetensors")["knobs.device_offset"]
    assert float(moved[:2].abs().max()) > 0 and float(moved[2].abs().max()) == 0  # no photocopies are learned
    assert read_json(tmp_path / "run" / "forger" / "config.json")["devices"] is True
    assert load_forger(str(tmp_path / "run")) is not None


def test_batches_hold_patches_of_one_device_and_of_any(sorted_seals: Path) -> None:
    real = RealCrops.from_folder(sorted_seals)
    forger, pool = LayeredForger((8,), devices=True), Pool.build(8, 0, workers=1)
    seen = set()
    for step in range(8):
        streams = Streams(0, step, 0)
        batch = make_micro_batch(forger, real, pool, streams, 4, 32, (96.0, 128.0), "cpu", by_device=device_parts(real))
        assert batch.device is not None and len(batch.real) == len(batch.forged) == len(batch.device) == 4
        assert len(set(batch.device.tolist()) - {0}) <= 1
        seen |= set(batch.device.tolist())
    assert seen == {0, 1, 2}
    plain = make_micro_batch(forger, real, pool, Streams(0, 0, 0), 4, 32, (96.0, 128.0), "cpu")
    assert plain.device is None


def test_photocopies_are_not_learned_from(real_seals: Path, tmp_path: Path) -> None:
    (tmp_path / "photocopies").mkdir()
    shutil.copy(real_seals / "0.png", tmp_path / "photocopies")
    with pytest.raises(Seal2RealError, match="all real images are photocopies"):
        without_photocopies(RealCrops.from_folder(tmp_path))
    shutil.copy(real_seals / "1.png", tmp_path)
    kept = without_photocopies(RealCrops.from_folder(tmp_path))
    assert len(kept) == 1 and "a photocopy" in kept.skipped[0][1]
