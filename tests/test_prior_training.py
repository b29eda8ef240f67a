"""What training loops share: settings, random streams, states, averages, budgets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.config import read_config, read_config_file
from seal2real.prior.training import Budget, Ema, Log, Run, Streams, initial_weights


@dataclass(frozen=True)
class Settings:
    steps: int = 5
    rate: float = 0.1
    minutes: float | None = None


@pytest.fixture(scope="module")
def accelerator() -> Accelerator:
    return Accelerator(cpu=True, mixed_precision="no")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stpes": 3}, "here: unknown key 'stpes'; did you mean 'steps'?"),
        ({"prompt_step": 3}, "did you mean 'prompt_steps'?"),
        ({"steps": "many"}, "here: steps is 'many'; expected int"),
        ({"steps": True}, "here: steps is True; expected int"),
        ({"minutes": "soon"}, "here: minutes is 'soon'; expected float or null"),
        ({"diameters": [1.0]}, r"here: diameters is \[1.0\]; expected tuple"),
        ({"prior": "hope"}, "prior is 'hope'; choose from none, sds, contrast, vsd"),
        ({"batch": -1}, "batch is -1; it must be above 0"),
        ({"prior": "none", "adversary": "none"}, "nothing would teach the forger"),
    ],
)
def test_wrong_settings_are_explained(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_config(TrainConfig, {"real": "DIR", **values}, "here")


def test_settings_take_yamls_own_types(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("stage: 2\nminutes: 3\ndiameters: [100, 200]\nprecision: no\npages:\n")
    config = read_config(TrainConfig, {"real": "DIR", **read_config_file(tmp_path / "c.yaml")}, "here")
    assert (config.stage, config.minutes, config.diameters) == ("2", 3.0, (100.0, 200.0))
    assert (config.precision, config.pages) == ("no", None)
    with pytest.raises(UsageError, match="here: real is missing"):
        read_config(TrainConfig, {}, "here")


@pytest.mark.parametrize(
    ("text", "message"), [("- a", "expected 'key: value' lines, found a list"), ("a: [", "not readable as YAML")]
)
def test_settings_files_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_config_file(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no such file"):
        read_config_file(tmp_path / "d.yaml")


@given(seed=st.integers(0, 99), step=st.integers(0, 99), slot=st.integers(0, 9))
def test_streams_follow_seed_step_and_slot(seed: int, step: int, slot: int) -> None:
    one, same = Streams(seed, step, slot), Streams(seed, step, slot)
    first = one.normal(4)
    assert torch.equal(first, same.normal(4)) and one.numpy.random() == same.numpy.random()
    for other in (Streams(seed + 1, step, slot), Streams(seed, step + 1, slot), Streams(seed, step, slot + 1)):
        assert not torch.equal(first, other.normal(4))


@given(low=st.floats(0, 0.9), width=st.floats(0.01, 0.1))
def test_timesteps_stay_within_their_limits(low: float, width: float) -> None:
    times = Streams(0, 0, 0).timesteps(200, low, low + width, 1000)
    assert (
        times.dtype == torch.int64 and int(times.min()) >= int(low * 1000) and int(times.max()) <= (low + width) * 1000
    )


def test_initial_weights_leave_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    with initial_weights(3):
        first = nn.Linear(3, 3).weight
    with initial_weights(3):
        second = nn.Linear(3, 3).weight
    assert torch.equal(first, second) and torch.equal(before, torch.get_rng_state())


def test_the_average_moves_towards_the_weights_and_slows_down() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema = Ema(module, 0.9)
    nn.init.ones_(module.weight)
    ema.update(module, 0)
    assert float(ema.module.weight) == pytest.approx(0.9)  # 1 - (0 + 1) / (0 + 10)
    for _ in range(3):
        ema.update(module, 10_000)
    assert float(ema.module.weight) == pytest.approx(1 - 0.1 * 0.9**3)
    assert not ema.module.weight.requires_grad


def test_log_averages_micro_batches(accelerator: Accelerator) -> None:
    log = Log()
    log.add({"a": 1.0}, 0.5)
    log.add({"a": 4.0, "b": 2.0}, 0.5)
    assert log.averaged(accelerator) == {"a": 2.5, "b": 1.0}


def test_budget_ends_with_its_steps_or_its_minutes(accelerator: Accelerator) -> None:
    assert list(Budget(accelerator, 5, None).remaining(2)) == [2, 3, 4]
    assert list(Budget(accelerator, 5, 60).remaining(0)) == [0, 1, 2, 3, 4]
    assert list(Budget(accelerator, 5, -1).remaining(0)) == []


def stepped(steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    with initial_weights(0):
        module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    optimizer = torch.optim.AdamW([{"params": module[0].parameters(), "lr": 0.1}, {"params": module[1].parameters()}])
    for step in range(steps):
        step_once(module, optimizer, step)
    return module, optimizer


def step_once(module: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    optimizer.zero_grad()
    module(Streams(0, step, 0).normal(2, 3)).square().mean().backward()
    optimizer.step()


def test_a_state_brings_back_weights_and_optimiser(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Settings(), False)
    run.write_config()
    module, optimizer = stepped(3)
    run.save_state("part", 3, {"m": module}, {"m.adam": optimizer})
    step_once(module, optimizer, 3)

    again, its_optimizer = stepped(0)
    resumed = Run(tmp_path / "run", Settings(), True)
    assert resumed.load_state("part", {"m": again}, {"m.adam": its_optimizer}) == 3 == resumed.done["part"]
    assert its_optimizer.param_groups[0]["lr"] == 0.1
    step_once(again, its_optimizer, 3)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), again.parameters(), strict=True))

    run.save_state("part", 4, {"m": module}, {"m.adam": optimizer})
    assert [path.name for path in (tmp_path / "run" / "state").glob("part-*")] == ["part-0000004"]
    wrong = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1))
    with pytest.raises(Seal2RealError, match="the state does not fit this model"):
        resumed.load_state("part", {"m": wrong}, {})


def test_metrics_after_the_state_are_dropped_at_resume(tmp_path: Path) -> None:
    run = Run(tmp_path, Settings(), False)
    run.write_config()
    for step in (1, 2, 3):
        run.log("a", step, {"loss": step / 3})
        run.log("b", step, {"loss": 1.0})
    module, optimizer = stepped(1)
    run.save_state("a", 2, {"m": module}, {"m.adam": optimizer})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"part": "a", "st')  # a crash in the middle of a line
    Run(tmp_path, Settings(), True).load_state("a", {"m": module}, {"m.adam": optimizer})
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["part"], row["step"]) for row in rows] == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("b", 3)]


def test_a_value_that_is_no_number_stops(tmp_path: Path) -> None:
    run = Run(tmp_path, Settings(), False)
    with pytest.raises(Seal2RealError, match="part stopped at step 7, norm is inf; lower the learning rates"):
        run.log("part", 7, {"loss": 0.5, "norm": float("inf")})
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_folder_is_taken_only_where_it_is_right(tmp_path: Path) -> None:
    Run(tmp_path / "run", Settings(), False).write_config()
    with pytest.raises(UsageError, match="already holds a run; add --resume"):
        Run(tmp_path / "run", Settings(), False)
    with pytest.raises(UsageError, match="steps was 5 and is now 9; a resumed run keeps it"):
        Run(tmp_path / "run", Settings(steps=9), True)
    Run(tmp_path / "run", Settings(steps=9), True, may_differ=("steps",)).write_config()
    assert read_config_file(tmp_path / "run" / "config.yaml")["steps"] == 9
    (tmp_path / "other").mkdir()
    Run(tmp_path / "other", Settings(), False)
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        Run(tmp_path / "other", Settings(), True)


def test_a_process_that_is_not_the_main_one_writes_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Settings(), False, main=False)
    run.write_config()
    run.log("part", 1, {"loss": 1.0})
    run.picture("x", [torch.zeros(1, 3, 2, 2)])
    module, optimizer = stepped(1)
    run.save_state("part", 1, {"m": module}, {"m.adam": optimizer})
    assert not (tmp_path / "run").exists()
