"""Pretraining of the compact backbone: trains, resumes exactly, leaves a backbone that loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.backbone import load_backbone
from seal2real.prior.pretrain import PretrainConfig, pretrain

TINY: dict[str, Any] = {
    "batch": 2,
    "pool": 8,
    "widths": (16, 16),
    "image_size": 32,
    "precision": "no",
    "save_every": 0.0,
    "warmup": 1,
}


def losses(run: Path) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"]) for row in rows]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrain") / "run"
    pretrain(PretrainConfig(steps=3, **TINY), folder)
    return folder


def test_resumed_equals_undisturbed(run: Path, tmp_path: Path) -> None:
    pretrain(PretrainConfig(steps=1, **TINY), tmp_path)
    seen: list[int] = []
    again = pretrain(PretrainConfig(steps=3, **TINY), tmp_path, True, lambda done, loss: seen.append(done))
    assert seen == [2, 3]
    assert losses(tmp_path) == losses(run) and len(losses(run)) == 3
    saved = load_backbone(str(run / "backbone")).state_dict()
    assert all(torch.equal(value, saved[name]) for name, value in again.state_dict().items())


def test_accumulated_batches_are_averaged(tmp_path: Path) -> None:
    pretrain(PretrainConfig(steps=1, **{**TINY, "accumulate": 2}), tmp_path / "two")
    pretrain(PretrainConfig(steps=1, **TINY), tmp_path / "one")
    one, two = losses(tmp_path / "one")[0][1], losses(tmp_path / "two")[0][1]
    assert one != two and 0.3 * one < two < 3 * one
    row = json.loads((tmp_path / "two" / "metrics.jsonl").read_text())
    assert row["images"] == 4


def test_the_result_is_the_average_not_the_last_weights(run: Path) -> None:
    from seal2real.weights import read_tensors

    state = read_tensors(next((run / "state").glob("pretrain-*")) / "tensors.safetensors")
    saved = load_backbone(str(run / "backbone")).state_dict()
    name = "unet.conv_in.weight"
    assert torch.equal(saved[name], state[f"ema/{name}"]) and not torch.equal(saved[name], state[f"model/{name}"])


def test_a_sample_grid_is_left_to_look_at(run: Path) -> None:
    from seal2real.images import load_rgb

    (picture,) = (run / "samples").glob("*.png")
    assert load_rgb(picture).shape == (2 * 4 * 32, 2 * 8 * 32, 3)


def test_a_huge_learning_rate_stops_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(Seal2RealError, match=r"pretrain stopped at step \d+, \w+ is (nan|inf)") as caught:
        pretrain(PretrainConfig(steps=8, **{**TINY, "learning_rate": 1e30}), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps is 0; it must be above 0"),
        ({"widths": (16, 18)}, "every level needs a multiple of 4"),
        ({"image_size": 30}, "image_size is 30; 2 levels need a multiple of 4"),
        ({"precision": "fp8"}, "precision is 'fp8'; choose from auto, bf16, no"),
    ],
)
def test_settings_that_do_not_fit(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        pretrain(PretrainConfig(**{**TINY, **values}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
