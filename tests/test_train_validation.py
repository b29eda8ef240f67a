"""Validation during stage 2: real judgements, the best checkpoint, and runs that are stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import TINY
from seal2real import load_forger
from seal2real.errors import Seal2RealError
from seal2real.forger.train import train
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.config import read_config
from seal2real.report.validation import Validation
from seal2real.weights import read_json, read_tensors


def configured(real: Path, **values: Any) -> TrainConfig:
    base = {**TINY, "real": str(real), "stage": "2", "prior": "none", "validate_every": 1}
    return read_config(TrainConfig, {**base, **values}, "test")


def scores(*values: float, **more: float) -> Callable[..., dict[str, float]]:
    """A judge that gives these distances in turn, of whatever it is shown."""
    given = iter(values)
    return lambda forger, real: {"kid": next(given), **more}


def test_a_real_validation_judges_and_keeps_the_best(real_seals: Path, tmp_path: Path) -> None:
    train(configured(real_seals), tmp_path / "run", validate=Validation(count=6, dpi=100))
    best = read_json(tmp_path / "run" / "best.json")
    assert best["step"] in (1, 2) and best["change"] > 0.01 and best["variety"] > 0.002 and 0 <= best["c2st"] <= 1
    kept = read_tensors(tmp_path / "run" / "best" / "model.safetensors")
    shipped = read_tensors(tmp_path / "run" / "forger" / "model.safetensors")
    assert all(torch.equal(kept[name], shipped[name]) for name in kept)


def test_the_forger_is_the_best_checkpoint_not_the_last(real_seals: Path, tmp_path: Path) -> None:
    train(configured(real_seals, steps=1), tmp_path / "short")
    train(configured(real_seals, steps=3), tmp_path / "long", validate=scores(1.0, 3.0, 2.0))
    names = [read_tensors(tmp_path / run / "forger" / "model.safetensors") for run in ("short", "long")]
    assert all(torch.equal(names[0][key], names[1][key]) for key in names[0])
    assert read_json(tmp_path / "long" / "best.json") == {"step": 1, "kid": 1.0}


def test_a_resumed_run_keeps_the_earlier_best(real_seals: Path, tmp_path: Path) -> None:
    train(configured(real_seals, steps=1), tmp_path, validate=scores(1.0))
    train(configured(real_seals, steps=2), tmp_path, resume=True, validate=scores(2.0))
    assert read_json(tmp_path / "best.json")["step"] == 1
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text.count('"validation"') == 2


def test_it_stops_when_nothing_gets_better(real_seals: Path, tmp_path: Path) -> None:
    report = train(configured(real_seals, steps=9, patience=2), tmp_path, validate=scores(3.0, 1.0, 2.0, 2.0))
    assert report.steps["stage2"] == 4


@pytest.mark.parametrize(("values", "reason"), [({"change": 0.001}, "hardly differ"), ({"variety": 0.0}, "look alike")])
def test_a_run_gone_wrong_is_stopped_and_says_why(
    values: dict[str, float], reason: str, real_seals: Path, tmp_path: Path
) -> None:
    with pytest.raises(Seal2RealError, match=f"stage 2 stopped at step 2.*{reason}"):
        train(configured(real_seals, steps=9), tmp_path, validate=scores(1.0, 2.0, **values))
    assert load_forger(str(tmp_path / "best")) is not None


def test_a_constant_forger_is_seen_to_lack_variety_and_change(real_seals: Path) -> None:
    """The two alarms on real forgers: one that pastes, one as it is."""
    from seal2real.forger.forge import Forger
    from seal2real.forger.residual import ResidualForger
    from seal2real.prior.real import RealCrops

    real = RealCrops.from_folder(real_seals)
    pasting = Validation(count=6, dpi=100)(Forger(ResidualForger(), "zero"), real)
    untrained = load_forger("untrained")
    assert untrained is not None
    pressing = Validation(count=6, dpi=100)(untrained, real)
    assert pasting["change"] < 0.01 < pressing["change"]
    assert pasting["variety"] < 0.002 < pressing["variety"]
    assert pressing["kid"] < pasting["kid"]  # the "real" ones here are the untrained forger's


def test_too_few_real_seals_leave_validation_out(real_seals: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    (one / "0.png").write_bytes((real_seals / "0.png").read_bytes())
    train(configured(one), tmp_path / "run", validate=Validation(count=4, dpi=100))
    assert not (tmp_path / "run" / "best.json").exists() and (tmp_path / "run" / "forger").is_dir()
