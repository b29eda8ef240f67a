"""What tests of training runs share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from conftest import TINY
from seal2real.forger.train_config import TrainConfig
from seal2real.prior.config import read_config
from seal2real.weights import read_tensors


def configured(real: Path, backbone: Path | str, **values: Any) -> TrainConfig:
    return read_config(TrainConfig, {"real": str(real), "backbone": str(backbone), **TINY, **values}, "test")


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_same_run(first: Path, second: Path) -> None:
    """The same figures at every step, and the same weights and prompts."""
    assert metrics(first) == metrics(second)
    names = ["forger/model.safetensors", *(path.name for path in sorted(first.glob("prompts*.safetensors")))]
    for name in names:
        one, other = read_tensors(first / name), read_tensors(second / name)
        assert all(torch.equal(one[key], other[key]) for key in one), name
