"""The knob estimator and the calibration: what can be seen in an image is read off it, and a forger then looks so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from run_helpers import configured
from seal2real import TemplatePages, crop_sample, load_forger, save_image, stamp_page
from seal2real.cli import run as run_command
from seal2real.errors import Seal2RealError, UsageError
from seal2real.forger.calibrate import CalibrationSettings, calibrate, calibrate_folder, fit_knobs
from seal2real.forger.estimator import (
    PATCH,
    EstimatorConfig,
    KnobEstimator,
    describe,
    estimator_folder,
    train_estimator,
)
from seal2real.forger.forge import Forger
from seal2real.forger.layered import CODE_SIZE, LayeredForger
from seal2real.forger.train import train
from seal2real.physics.knobs import INDEX, KNOBS
from seal2real.press.inks import COLOURS
from seal2real.prior.real import RealCrops
from seal2real.seeding import rng_for
from seal2real.weights import read_tensors

FEW = CalibrationSettings(views=2, draws=8, steps=12, batch=64)
SHORT = {"batch": 4, "pool": 8, "save_every": 0.0, "width": 8}


@pytest.fixture(scope="module")
def grey_scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blurred seals on dark paper, made by the press-and-scan model with known dials."""
    folder = tmp_path_factory.mktemp("grey")
    network = LayeredForger(residual=False)
    with torch.no_grad():
        for name, dial in (("paper_level", 0.2), ("blur", 0.85)):
            network.knobs.start[INDEX[name]] = torch.tensor(dial).logit()
            network.knobs.spread[INDEX[name]] = -3.0
    forger, pages = Forger(network, "grey"), TemplatePages(150)
    for index in range(6):
        rng = rng_for(8, index)
        sample = crop_sample(stamp_page(pages.page(rng), rng, 1, ["company"], "red"), 0, 320, rng)
        save_image(folder / f"{index}.png", forger.forge(sample, rng).stamped)
    return folder


def dials(forger: LayeredForger, colour: str = "red", count: int = 2000) -> torch.Tensor:
    code = torch.randn(count, CODE_SIZE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return forger.dials(code, torch.full((count,), list(COLOURS).index(colour)))


def test_the_shipped_estimator_reads_what_can_be_seen(grey_scans: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        forger, before = LayeredForger(residual=False), LayeredForger(residual=False)
    calibrate(forger, RealCrops.from_folder(grey_scans), KnobEstimator.load(estimator_folder("shipped")), 0)
    found, untrained = dials(forger), dials(before)
    paper, blur = INDEX["paper_level"], INDEX["blur"]
    assert untrained[:, paper].median() > 0.6 and found[:, paper].median() < 0.45
    assert found[:, blur].median() > untrained[:, blur].median() + 0.1
    hidden = INDEX["double_shift"]  # nothing shows it: it stays as it was
    assert abs(float(found[:, hidden].median() - untrained[:, hidden].median())) < 0.1
    # one in ten looks stays anywhere in the untrained ranges
    assert 0.01 < float((found[:, paper] > 0.6).float().mean()) < 0.25


def test_fitted_knobs_follow_their_goal_jointly() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LayeredForger(residual=False).knobs
    rng = np.random.default_rng(0)
    wanted = torch.tensor([knob.start for knob in KNOBS]).logit().repeat(4000, 1)
    wanted += torch.tensor([knob.spread for knob in KNOBS]) * torch.from_numpy(
        rng.standard_normal((4000, len(KNOBS))).astype(np.float32)
    )
    paper, noise = INDEX["paper_level"], INDEX["noise"]
    grey = torch.from_numpy(rng.random(4000) < 0.5)
    wanted[:, paper] = torch.where(grey, -2.0, 2.5) + 0.2 * wanted[:, paper]
    wanted[:, noise] = torch.where(grey, -4.0, 0.0) + 0.2 * wanted[:, noise]
    left = fit_knobs(
        network, wanted, torch.zeros(4000, dtype=torch.long), 0, CalibrationSettings(breadth=0.0, steps=400)
    )
    code = torch.randn(3000, CODE_SIZE, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        made = network.logits(code, torch.zeros(3000, dtype=torch.long))
    dark = made[:, paper] < 0.3
    assert left < 0.1 and 0.4 < float(dark.float().mean()) < 0.6
    assert made[dark][:, noise].mean() < -2.0 < -1.2 < made[~dark][:, noise].mean()


def test_knobs_that_are_not_seen_stay_as_the_forger_had_them() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LayeredForger(residual=False).knobs
    paper, grain = INDEX["paper_level"], INDEX["grain"]
    with torch.no_grad():
        network.start[grain] = 3.0
    seen = torch.zeros(len(KNOBS), dtype=torch.bool)
    seen[paper] = True
    wanted = torch.full((200, len(KNOBS)), -4.0)
    colours = torch.zeros(200, dtype=torch.long)
    fit_knobs(network, wanted, colours, 0, CalibrationSettings(breadth=0.0, steps=120, batch=128), seen)
    code = torch.randn(1000, CODE_SIZE, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        made = network.logits(code, torch.zeros(1000, dtype=torch.long))
    assert made[:, paper].mean() < -3.0 and made[:, grain].mean() > 2.5


def test_calibration_depends_on_images_and_seed_alone(real_seals: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        found = calibrate_folder(real_seals, tmp_path / name, "untrained", seed=seed, settings=FEW)
        assert len(found) == 6
    one, two, other = (
        read_tensors(tmp_path / name / "forger" / "model.safetensors") for name in ("one", "two", "other")
    )
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    assert load_forger(str(tmp_path / "one")) is not None


def test_a_calibrated_forger_keeps_the_residual_network(real_seals: Path, tmp_path: Path) -> None:
    calibrate_folder(real_seals, tmp_path, settings=FEW)
    made, default = load_forger(str(tmp_path)), load_forger("default")
    assert made is not None and default is not None
    ours, theirs = made.original().state_dict(), default.original().state_dict()
    for name in ours:
        same = torch.equal(ours[name].float(), theirs[name].float())
        assert same or name.startswith("knobs.") or name == "base", name
    assert not torch.equal(ours["knobs.start"].float(), theirs["knobs.start"].float())


def test_training_begins_at_the_calibration_and_resumes_with_it(
    real_seals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seal2real.forger.start.CalibrationSettings", lambda breadth: FEW)
    values: dict[str, Any] = {"stage": "2", "prior": "none", "steps": 1, "knob_learning_rate": 1e-9, "ema": 0.0}
    train(configured(real_seals, "compact", **values, calibrate="shipped"), tmp_path / "run")
    start = read_tensors(tmp_path / "run" / "state" / "calibrated.safetensors")
    trained = read_tensors(tmp_path / "run" / "forger" / "model.safetensors")
    assert torch.allclose(trained["knobs.start"], start["start"], atol=1e-5)
    fresh = LayeredForger().knobs.start
    assert not torch.allclose(start["start"], fresh, atol=0.05)
    train(configured(real_seals, "compact", **{**values, "steps": 2}, calibrate="shipped"), tmp_path / "run", True)
    train(configured(real_seals, "compact", **{**values, "steps": 2}, calibrate="shipped"), tmp_path / "whole")
    one, two = (read_tensors(tmp_path / name / "forger" / "model.safetensors") for name in ("run", "whole"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_an_estimator_trains_resumes_and_loads(tmp_path: Path) -> None:
    whole = train_estimator(EstimatorConfig(steps=3, **SHORT), tmp_path / "whole")
    train_estimator(EstimatorConfig(steps=1, **SHORT), tmp_path / "parts")
    again = train_estimator(EstimatorConfig(steps=3, **SHORT), tmp_path / "parts", True)
    # the schedule of the first step differs; from there on the runs see the same images
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3] and set(whole) == set(again) == {knob.name for knob in KNOBS}
    loaded = KnobEstimator.load(estimator_folder(str(tmp_path / "whole")))
    assert loaded.explained == whole and int(loaded.seen().sum()) < len(KNOBS)
    mean, spread = loaded(torch.rand(2, 3, PATCH, PATCH), torch.tensor([0, 1]))
    assert mean.shape == spread.shape == (2, len(KNOBS)) and bool((spread > 0).all())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1), st.sampled_from((32, 64, 96)))
def test_measurements_are_finite_for_any_image(seed: int, level: float, side: int) -> None:
    images = torch.full((2, 3, side, side), level)
    images[1] = torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))
    found = describe(images)
    assert found.shape[0] == 2 and bool(found.isfinite().all())
    assert (found - describe(images.flip(3))).abs().median() < 0.02  # mirrored, it is the same look


def test_the_command_says_what_it_found(real_seals: Path, tmp_path: Path, capsys: Any) -> None:
    assert run_command(["calibrate", "--real", str(real_seals), "--out", str(tmp_path / "own")]) == 0
    printed = capsys.readouterr().out
    told = re.search(r"real seals: (.*); 0 files skipped", printed)
    assert told and "4 red" in told[1] and sum(int(count) for count in re.findall(r"\d+", told[1])) == 6
    assert f"generate OUT --forger {tmp_path / 'own'}" in printed.replace("\n", " ")
    assert run_command(["calibrate", "--real", str(real_seals), "--out", str(tmp_path / "own")]) == 2
    assert "holds a run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"start_from": "none"}, UsageError, "has no knobs"),
        ({"start_from": "NOWHERE"}, Seal2RealError, "no such folder"),
        ({"estimator": "NOWHERE"}, Seal2RealError, "no estimator here"),
        ({"real": Path("NOWHERE")}, Seal2RealError, "no such folder"),
    ],
)
def test_mistakes(
    values: dict[str, Any], kind: type[Exception], message: str, real_seals: Path, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        calibrate_folder(**{"real": real_seals, "out": tmp_path / "run", "settings": FEW, **values})
    assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match="breadth is 2"):
        CalibrationSettings(breadth=2)
    with pytest.raises(UsageError, match="breadth is -1"):
        configured(tmp_path, "compact", breadth=-1.0)
