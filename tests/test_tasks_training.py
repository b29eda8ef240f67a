"""Every task is trained for two steps on a small generated dataset, stopped, resumed, saved and used."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seal2real.cli import run
from seal2real.dataset.generate import GenerateConfig, generate
from seal2real.errors import Seal2RealError, UsageError
from seal2real.prior.training import initial_weights
from seal2real.tasks.authenticity import AuthenticityLesson
from seal2real.tasks.compare import CompareLesson, SealComparer, platt
from seal2real.tasks.crops import CropSet
from seal2real.tasks.fitting import FitConfig, Lesson, fit, rate
from seal2real.tasks.lines import LineLesson
from seal2real.tasks.networks import TaskUNet, new_network
from seal2real.tasks.recognise import LineNetwork, SealRecogniser
from seal2real.tasks.recognise_lesson import RecogniseLesson
from seal2real.tasks.remove import RemoveLesson, Remover
from seal2real.tasks.segment import Segmenter, SegmentLesson
from seal2real.tasks.trainers import TRAINERS
from seal2real.weights import read_tensors

TINY = FitConfig(steps=2, batch=2, precision="no", save_every=0.0)
WIDTHS = (8, 8, 8)
LESSONS = {
    "segment": SegmentLesson,
    "remove": RemoveLesson,
    "lines": LineLesson,
    "recognise": RecogniseLesson,
    "authenticity": AuthenticityLesson,
    "compare": CompareLesson,
}


def made(task: str, folder: Path) -> Lesson:
    return LESSONS[task](CropSet([folder], None))


def small(lesson: Any) -> torch.nn.Module:
    if isinstance(lesson, RecogniseLesson):
        with initial_weights(0):
            return LineNetwork(len(lesson.characters), (8, 8, 8, 8), 1)
    sizes = {"segment": (1, 9, 3), "remove": (3, 0, 7), "lines": (0, 7, 3), "authenticity": (0, 3, 6)}
    full, half, inputs = sizes.get(lesson.name, (0, 1, 6))
    return new_network(0, full, half, WIDTHS, inputs)


@pytest.mark.parametrize("task", LESSONS)
def test_a_batch_depends_on_its_generator_alone(task: str, verification_set: Path) -> None:
    first, second = (made(task, verification_set).batch(np.random.default_rng(3), 3) for _ in range(2))
    other = made(task, verification_set).batch(np.random.default_rng(4), 3)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(first[name].shape != other[name].shape or not torch.equal(first[name], other[name]) for name in first)
    images = next(iter(first.values()))
    assert images.dtype == torch.float32 and float(images.min()) >= 0 and float(images.max()) <= 1.25


@pytest.mark.parametrize("task", LESSONS)
def test_a_resumed_training_repeats_the_undisturbed_one(task: str, verification_set: Path, tmp_path: Path) -> None:
    lesson = made(task, verification_set)
    whole = fit(small(lesson), lesson, TINY, tmp_path / "whole")
    fit(small(lesson), lesson, FitConfig(steps=2, batch=2, precision="no", minutes=1e-9), tmp_path / "parts")
    assert json.loads((tmp_path / "parts/state" / f"{lesson.name}.json").read_text())["step"] < 2
    again = fit(small(lesson), lesson, TINY, tmp_path / "parts", resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.allclose(tensor, again.state_dict()[name], atol=1e-6), name
    before = small(lesson).state_dict()
    assert any(not torch.equal(tensor, before[name]) for name, tensor in whole.state_dict().items())
    rows = [json.loads(line) for line in (tmp_path / "parts/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in rows)


@pytest.mark.parametrize("task", LESSONS)
def test_training_lowers_the_loss(task: str, verification_set: Path, tmp_path: Path) -> None:
    lesson = made(task, verification_set)
    batch = lesson.batch(np.random.default_rng(0), 6)
    network = small(lesson)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3 if task == "remove" else 5e-3)
    losses = []
    for _ in range(60 if task == "remove" else 25):
        loss, _ = lesson.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    # taking the ink back leaves removal little to learn in so few steps
    assert losses[-1] < (0.995 if task == "remove" else 0.9) * losses[0]


def test_a_model_of_another_version_is_refused(tmp_path: Path) -> None:
    new_network(0, 3, 0, WIDTHS, 4).save(tmp_path, kind="remover")
    with pytest.raises(Seal2RealError, match=r"a model of another version \(.*inputs=4.*inputs=7.*\); train it again"):
        Remover.from_pretrained(tmp_path)


def test_a_loss_that_is_not_finite_stops_and_names_the_step(verification_set: Path, tmp_path: Path) -> None:
    class Broken(SegmentLesson):
        def loss(self, network: TaskUNet, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, float]]:
            loss, values = super().loss(network, batch)
            return loss * float("nan"), values

    with pytest.raises(Seal2RealError, match=r"stopped at step 1, loss is nan"):
        lesson = Broken(CropSet([verification_set], None))
        fit(small(lesson), lesson, TINY, tmp_path / "run")


def test_the_command_trains_a_model_that_the_tools_take(
    verification_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["train-task", "segment", str(verification_set), "--out", str(out), "--steps", "1", "--batch", "1"]
    assert run(arguments) == 0
    assert str(out / "model") in capsys.readouterr().out
    tensors = read_tensors(out / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    segmenter = Segmenter.from_pretrained(out)
    assert isinstance(segmenter.segment(np.full((40, 50, 3), 255, np.uint8)), list)
    assert run(arguments) == 2
    assert "already holds a run" in capsys.readouterr().err
    with pytest.raises(Seal2RealError, match="expected a comparer, found segmenter"):
        SealComparer.from_pretrained(out)


def test_every_trainer_writes_a_model_that_loads(verification_set: Path, tmp_path: Path) -> None:
    TRAINERS["compare"].train([verification_set], tmp_path / "compare", TINY, widths=WIDTHS)
    calibration = SealComparer.from_pretrained(tmp_path / "compare").calibration
    assert calibration["pairs"] > 0 and {"scale", "offset", "thresholds"} <= calibration.keys()
    TRAINERS["recognise"].train([verification_set], tmp_path / "recognise", TINY)
    recogniser = SealRecogniser.from_pretrained(tmp_path / "recognise")
    text, confidence = recogniser(np.full((20, 90, 3), 200, np.uint8))
    assert set(text) <= set(recogniser.characters) and 0 <= confidence <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segmnet", "DATA", "--out", "RUN"], "did you mean 'segment'?"),
        (["segment", "NOPE", "--out", "RUN"], "no such folder"),
        (["segment", "DATA", "--out", "RUN", "--steps", "0"], "steps is 0"),
        (["segment", "DATA", "--out", "RUN", "--seed", "-1"], "seed is -1"),
        (["segment", "DATA", "--out", "DATA"], "is not empty"),
    ],
)
def test_bad_training_commands_are_one_line(
    arguments: list[str], message: str, verification_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"DATA": str(verification_set), "RUN": str(tmp_path / "run"), "NOPE": str(tmp_path / "nope")}
    assert run(["train-task", *(named.get(argument, argument) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_data_that_lacks_what_a_task_needs_is_told(tmp_path: Path) -> None:
    generate(GenerateConfig(count=2, crops=96, dpi=60, forger="none", validation=0, test=0), tmp_path / "d", workers=1)
    crops = CropSet([tmp_path / "d"])
    with pytest.raises(Seal2RealError, match="no impression in the data"):
        AuthenticityLesson(crops)
    with pytest.raises(Seal2RealError, match="needs references"):
        CompareLesson(crops)
    with pytest.raises(Seal2RealError, match="no sample of split 'test'"):
        CropSet([tmp_path / "d"], "test")


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [rate(step, 100, 10) for step in range(100)]
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert int(np.argmax(rates)) in (9, 10)
    assert rates[-1] < 0.001 and all(a >= b for a, b in pairwise(rates[10:]))


def test_platt_makes_answers_probabilities() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 4000)
    same = rng.random(4000) < 1 / (1 + np.exp(1.7 * logits - 0.4))
    scale, offset = platt(logits, same)
    assert (scale, offset) == (pytest.approx(1.7, rel=0.15), pytest.approx(0.4, abs=0.15))


def test_a_pickle_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    new_network(0, 1, 9, WIDTHS).save(tmp_path / "model", kind="segmenter")
    torch.save({}, tmp_path / "model" / "model.safetensors")
    with pytest.raises(Seal2RealError, match="pickled checkpoints are refused"):
        Segmenter.from_pretrained(tmp_path)
    with pytest.raises((UsageError, Seal2RealError)):
        Segmenter.from_pretrained(tmp_path / "nothing")
