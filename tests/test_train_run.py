"""Whole trainings on tiny networks: priors, adversaries, forgers and backbones; resumed, killed, in two processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from conftest import TINY
from run_helpers import assert_same_run, configured, metrics
from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger import load_forger
from seal2real.forger.train import train
from seal2real.prior.backbone import load_backbone
from seal2real.prior.prompts import Prompts
from seal2real.weights import read_tensors, write_tensors

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def prompted(real_seals: Path, compact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has stage 1 behind it."""
    run = tmp_path_factory.mktemp("prompted") / "run"
    train(configured(real_seals, compact_folder, stage="1"), run)
    return run


def test_stage_1_leaves_prompts_that_moved_and_a_judgement(prompted: Path, compact_folder: Path) -> None:
    backbone = load_backbone(str(compact_folder))
    learned, start = Prompts.load(prompted / "prompts.safetensors", backbone), Prompts.start(backbone)
    assert not torch.equal(learned.real, start.real) and not torch.equal(learned.fake, start.fake)
    report = json.loads((prompted / "report.json").read_text())
    assert (report["seals"], report["held_out"], report["skipped"]) == (4, 2, [])
    judged = report["prompts"]
    assert 0 <= judged["low"] <= judged["accuracy"] <= judged["high"] <= 1 and judged["real"] == judged["fake"] == 2
    assert [row["step"] for row in metrics(prompted)] == [1, 2]


@pytest.mark.parametrize(
    ("forger", "prior", "adversary"),
    [
        ("layered", "vsd", "pixel"),
        ("layered", "contrast", "features"),
        ("layered", "none", "pixel"),
        ("residual", "sds", "pixel"),
        ("residual", "vsd", "features"),
        ("residual", "contrast", "none"),
    ],
)
def test_stage_2_trains_saves_and_resumes_exactly(
    forger: str, prior: str, adversary: str, real_seals: Path, compact_folder: Path, prompted: Path, tmp_path: Path
) -> None:
    shared = {"stage": "2", "forger": forger, "prior": prior, "adversary": adversary}
    for name in ("whole", "parts"):
        shutil.copytree(prompted, tmp_path / name)
        config = yaml.safe_load((tmp_path / name / "config.yaml").read_text())
        (tmp_path / name / "config.yaml").write_text(yaml.safe_dump({**config, **shared}))
    train(configured(real_seals, compact_folder, **shared), tmp_path / "whole", resume=True)
    train(configured(real_seals, compact_folder, **shared, steps=1), tmp_path / "parts", resume=True)
    (tmp_path / "parts" / "metrics.jsonl").open("a").write('{"part": "stage2", "step": 2, "loss"')  # torn by a crash
    train(configured(real_seals, compact_folder, **shared), tmp_path / "parts", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    made = load_forger(str(tmp_path / "whole"))
    assert made is not None and made.network.kind == forger
    fresh = load_forger("untrained")
    assert fresh is not None
    if forger == "layered":
        theirs = dict(fresh.network.named_parameters())
        assert any(not torch.equal(p, theirs[name]) for name, p in made.network.named_parameters())
    row = metrics(tmp_path / "whole")[-1]
    assert ("prior" in row, "critic" in row) == (prior != "none", prior == "vsd")
    assert ("adversary" in row) == (adversary != "none")
    assert len(list((tmp_path / "whole" / "samples").glob("*.png"))) == 1
    assert [path.name for path in (tmp_path / "whole" / "state").glob("stage2-*")] == ["stage2-0000002"]


def test_the_critic_learns_alone_before_the_prior_joins(
    real_seals: Path, compact_folder: Path, prompted: Path, tmp_path: Path
) -> None:
    shared = {"stage": "2", "prior": "vsd", "adversary": "pixel", "steps": 4, "prior_after": 0.75, "critic_warmup": 2}
    shutil.copytree(prompted, tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump({**config, **shared}))
    train(configured(real_seals, compact_folder, **shared), tmp_path / "run", resume=True)
    rows = [row for row in metrics(tmp_path / "run") if row["part"] == "stage2"]
    assert [("critic" in row, "prior" in row) for row in rows] == [(False, False), *[(True, False)] * 2, (True, True)]
    # from the real prompt on, the two scores part only by what the critic learned in three steps
    assert 0 < rows[-1]["grad"] < 0.1


@pytest.mark.parametrize("adapt", ["none", "lora", "full"])
def test_stable_diffusion_goes_through_both_stages(
    adapt: str, real_seals: Path, diffusion_folder: Path, tmp_path: Path
) -> None:
    config = configured(real_seals, diffusion_folder, adapt=adapt)
    report = train(config, tmp_path / "whole")
    assert report.prompts is not None and report.steps == {"stage1": 2, "stage2": 2}
    adapted = tmp_path / "whole" / "backbone"
    assert adapted.is_dir() == (adapt != "none") and (adapted / "adapter").is_dir() == (adapt == "lora")
    assert {stage: cost.steps for stage, cost in report.cost.items()} == {"stage1": 2, "stage2": 2}
    assert all(cost.seconds_per_step > 0 and 0.1 < cost.peak_memory_gib < 30 for cost in report.cost.values())
    state = next((tmp_path / "whole" / "state").glob("stage2-*")) / "tensors.safetensors"
    assert not any(key.startswith("critic/unet.conv") for key in read_tensors(state))  # adapters, not the base
    if adapt != "none":
        before, after = load_backbone(str(diffusion_folder)).unet, load_backbone(str(adapted)).unet
        names = {name for name, _ in before.named_parameters()}
        assert {name for name, _ in after.named_parameters()} == names  # a plain U-Net again, without adapters
        old = dict(before.named_parameters())
        moved = {name for name, p in after.named_parameters() if not torch.equal(p, old[name])}
        assert moved and (adapt == "full" or all(".to_" in name for name in moved))
    # the same in two calls, one stage each, the second cut short and resumed
    train(configured(real_seals, diffusion_folder, adapt=adapt, stage="1"), tmp_path / "parts")
    train(configured(real_seals, diffusion_folder, adapt=adapt, stage="2", steps=1), tmp_path / "parts", resume=True)
    train(config, tmp_path / "parts", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_an_adapted_compact_backbone_is_what_stage_2_uses(
    adapt: str, real_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    config = configured(real_seals, compact_folder, adapt=adapt, stage="1")
    train(config, tmp_path)
    old = dict(load_backbone(str(compact_folder)).unet.named_parameters())
    new = dict(load_backbone(str(tmp_path / "backbone")).unet.named_parameters())
    assert old.keys() == new.keys() and any(not torch.equal(old[name], new[name]) for name in old)
    train(configured(real_seals, compact_folder, adapt=adapt, stage="2"), tmp_path, resume=True)
    critic = read_tensors(next((tmp_path / "state").glob("stage2-*")) / "tensors.safetensors")
    drift = [(critic[f"critic/unet.{name}"] - new[name]).abs().max() for name in new]
    assert max(drift) < 1e-3  # the critic began at the adapted network


def command(real: Path, backbone: Path, out: Path, *more: str) -> list[str]:
    config = out.parent / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY))
    plain = ["--real", str(real), "--backbone", str(backbone), "--out", str(out), "--config", str(config)]
    return ["train.py", *plain, *more]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize("stage", ["1", "2"])
def test_killed_in_either_stage_with_adapters_it_goes_on_exactly(
    stage: str, real_seals: Path, diffusion_folder: Path, tmp_path: Path
) -> None:
    lean = {"checkpointing": True, "cache": 4, "critic_warmup": 0, "tracker": "none"}
    many, few = ({"prompt_steps": 500}, {"steps": 500}), ({"prompt_steps": 3}, {"steps": 3})
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({**TINY, **lean, **many[int(stage) - 1]}))
    killed, state = tmp_path / "killed", tmp_path / "killed" / "state" / f"stage{stage}.json"
    words = command(real_seals, diffusion_folder, killed)
    words[words.index("--config") + 1] = str(tmp_path / "more.yaml")
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = json.loads(state.read_text())["step"]
    values = {**lean, **few[int(stage) - 1]}
    values = {key: done + 2 if key in ("steps", "prompt_steps") else value for key, value in values.items()}
    train(configured(real_seals, diffusion_folder, **values), killed, resume=True)
    train(configured(real_seals, diffusion_folder, **values), tmp_path / "whole")
    assert_same_run(killed, tmp_path / "whole")


def test_killed_and_resumed_it_gives_the_same_losses(
    real_seals: Path, compact_folder: Path, prompted: Path, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, *command(real_seals, compact_folder, killed, "--steps", "500")],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    state = killed / "state" / "stage2.json"
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = json.loads(state.read_text())["step"] if state.exists() else 0
    assert 0 < done < 500, "it was not killed in the middle of stage 2"
    assert not (killed / "report.json").exists()
    steps = done + 3
    assert train(configured(real_seals, compact_folder, steps=steps), killed, resume=True).steps["stage2"] == steps
    shutil.copytree(prompted, whole)
    train(configured(real_seals, compact_folder, steps=steps, stage="2"), whole, resume=True)
    assert_same_run(killed, whole)


def test_two_processes_do_what_one_does_with_twice_the_batches(
    real_seals: Path, compact_folder: Path, tmp_path: Path
) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    done = subprocess.run(
        [*launcher, *command(real_seals, compact_folder, tmp_path / "two")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("stage 1: the prompts tell") == done.stdout.count("next:") == 1  # one process talks
    train(configured(real_seals, compact_folder, accumulate=2), tmp_path / "one")
    for one, two in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        assert one.pop("part") == two.pop("part")
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)
    for name in ("forger/model.safetensors", "prompts.safetensors"):
        one, two = read_tensors(tmp_path / "one" / name), read_tensors(tmp_path / "two" / name)
        assert all(torch.allclose(one[key], two[key], atol=1e-6) for key in one)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_state(
    real_seals: Path, compact_folder: Path, prompted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(prompted, run)
    train(configured(real_seals, compact_folder, stage="2"), run, resume=True)
    weights = run / "state" / "stage2-0000002" / "tensors.safetensors"
    tensors = read_tensors(weights)
    tensors["forger/residual.stem.weight"][0] = float("nan")
    write_tensors(weights, tensors)
    with pytest.raises(Seal2RealError, match=r"stage2 stopped at step 3, .* is nan; lower the learning rates"):
        train(configured(real_seals, compact_folder, stage="2", steps=5), run, resume=True)
    assert [path.name for path in (run / "state").glob("stage2-*")] == ["stage2-0000002"]


def test_stage_2_without_prompts(real_seals: Path, compact_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Seal2RealError, match="needs the prompts of stage 1"):
        train(configured(real_seals, compact_folder, stage="2"), tmp_path / "run")


def test_prompts_of_another_backbone(real_seals: Path, compact_folder: Path, prompted: Path, tmp_path: Path) -> None:
    shutil.copytree(prompted, tmp_path / "run")
    write_tensors(tmp_path / "run" / "prompts.safetensors", {k: torch.zeros(1, 77, 768) for k in ("real", "fake")})
    with pytest.raises(Seal2RealError, match=r"has shape \[1, 77, 768\], this backbone needs \[1, \d+, 32\]"):
        train(configured(real_seals, compact_folder, stage="2"), tmp_path / "run", resume=True)


def test_a_changed_setting_at_resume(real_seals: Path, compact_folder: Path, prompted: Path) -> None:
    with pytest.raises(UsageError, match="seed was 0 and is now 5; a resumed run keeps it"):
        train(configured(real_seals, compact_folder, stage="1", seed=5), prompted, resume=True)
    with pytest.raises(UsageError, match="already holds a run; add --resume"):
        train(configured(real_seals, compact_folder, stage="1"), prompted)
