from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.labelled_scans import outline_of
from seal2real.errors import Seal2RealError, UsageError
from seal2real.report.c2st import JudgeBudget, auc, c2st, fit_logistic
from seal2real.report.compare import FLOOR, OTHER_REAL, compare
from seal2real.report.features import DIMENSIONS, onnx_encoder, standardise, statistics
from seal2real.report.kid import kid, mmd2, polynomial_kernel
from seal2real.report.protocol import Protocol, SealCrop, cut_patches, dark_text_share, match
from seal2real.report.sources import crop_seal, paste_flat

TINY = JudgeBudget(folds=2, repeats=1, cnn_steps=6, cnn_batch=16, bootstraps=200)
QUICK = JudgeBudget(folds=2, repeats=1, cnn_steps=0, bootstraps=200)
PROTOCOL = Protocol(per_source=16)


def seals(count: int, worn: bool, seed: int, size: int = 200) -> list[SealCrop]:
    """Rings with strokes: flat ink on white, or grainy ink under blur and noise on shaded paper."""
    crops = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        cover = np.zeros((size, size), np.uint8)
        middle, radius = size // 2, int(0.44 * size)
        cv2.circle(cover, (middle, middle), radius, 255, 5, cv2.LINE_AA)
        for _ in range(26):
            x, y = rng.integers(int(0.25 * size), int(0.75 * size), 2)
            dx, dy = rng.integers(-18, 19, 2)
            cv2.line(cover, (int(x), int(y)), (int(x + dx), int(y + dy)), 255, 3, cv2.LINE_AA)
        ink = cover.astype(np.float32) / 255
        paper = np.full((size, size, 3), 246.0)
        if worn:
            ink *= np.clip(0.8 + cv2.GaussianBlur(rng.normal(0, 0.9, ink.shape), (0, 0), 1.2), 0, 1.2)
            paper *= rng.uniform(0.9, 1.0, 3)
        image = paper * np.exp(-ink[..., None] * -np.log(np.array([220, 45, 50]) / 255))
        if worn:
            image = cv2.GaussianBlur(image, (0, 0), 0.9) + rng.normal(0, 3, image.shape)
        outline = outline_of({"cx": middle, "cy": middle, "rx": radius + 3, "ry": radius + 3})
        crop = crop_seal(np.clip(image, 0, 255).astype(np.uint8), outline, f"{seed}-{number}", f"{seed}-{number // 2}")
        assert crop is not None
        crops.append(crop)
    return crops


def test_flat_is_told_from_worn_and_worn_from_worn_is_not():
    real = seals(8, True, 0)
    result = compare(
        real,
        {"flat": seals(8, False, 1), "worn": seals(8, True, 2)},
        other_real=seals(8, True, 3),
        protocol=PROTOCOL,
        budget=TINY,
        floor_splits=2,
    )
    assert [row.name for row in result.rows] == [FLOOR, OTHER_REAL, "flat", "worn"]
    assert result.row("flat").headline.value > 0.95
    assert result.row("flat").kid.value > 10 * abs(result.row("worn").kid.value)
    assert result.row("flat").kid.p < 0.05 < result.row("worn").kid.p
    for name in (FLOOR, OTHER_REAL, "worn"):
        statistics_auc = result.row(name).judges["statistics"]
        assert statistics_auc.value < 0.75
        assert statistics_auc.low < 0.6
    for row in result.rows:
        for interval in row.judges.values():
            assert 0 <= interval.low <= interval.value <= interval.high <= 1
    json = result.to_json()
    assert {row["name"] for row in json["rows"]} == {FLOOR, OTHER_REAL, "flat", "worn"}
    assert result.to_table().row_count == 4


def test_equal_seed_equal_figures():
    real, flat = seals(4, True, 0), seals(4, False, 1)
    once, twice = (
        compare(real, {"flat": flat}, protocol=PROTOCOL, budget=TINY, floor_splits=1, seed=7).to_json()
        for _ in range(2)
    )
    assert once == twice


def test_documents_are_held_out_whole():
    """Patches that only carry their document's mark cannot be told apart when documents are held out."""
    rng = np.random.default_rng(0)
    crops = []
    for number in range(12):
        tone = int(rng.integers(60, 200))
        image = np.full((96, 96, 3), tone, np.uint8) + rng.integers(0, 3, (96, 96, 3), dtype=np.uint8)
        crops.append(SealCrop(image, np.ones((96, 96), bool), "red", 96.0, str(number), str(number)))
    protocol = Protocol(diameter=96, per_source=12, jpeg_quality=None)
    one, two = (cut_patches(part, protocol, np.random.default_rng(1)) for part in (crops[::2], crops[1::2]))
    result = c2st(one, two, np.random.default_rng(2), replace(QUICK, folds=3, repeats=8))
    within = fit_logistic(
        standardise(np.concatenate([statistics(one.patches), statistics(two.patches)]))[0],
        np.r_[np.zeros(len(one)), np.ones(len(two))],
        0.001,
    )
    seen = np.concatenate([statistics(one.patches), statistics(two.patches)])
    scores = standardise(seen)[0] @ within[:-1]
    assert auc(scores, np.r_[np.zeros(len(one)), np.ones(len(two))]) > 0.9  # the marks can be learnt by heart
    assert result.headline.value < 0.8
    assert result.headline.high - result.headline.low > 0.2  # and six documents a side make a wide interval


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 30), m=st.integers(1, 30), seed=st.integers(0, 999))
def test_auc_counts_pairs(n, m, seed):
    rng = np.random.default_rng(seed)
    zeros, ones = rng.integers(0, 5, n).astype(float), rng.integers(0, 5, m).astype(float)
    pairs = (ones[None] > zeros[:, None]).sum() + 0.5 * (ones[None] == zeros[:, None]).sum()
    assert auc(np.r_[zeros, ones], np.r_[np.zeros(n), np.ones(m)]) == pytest.approx(pairs / (n * m))


def test_logistic_regression_finds_the_direction():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    labels = (x[:, 2] + 0.3 * rng.normal(size=400) > 0).astype(float)
    weights = fit_logistic(x, labels, 0.01)
    assert np.argmax(np.abs(weights[:-1])) == 2
    balance = np.where(labels > 0.5, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())

    def loss(w):
        return np.logaddexp(0, -(2 * labels - 1) * (x @ w[:-1] + w[-1])) @ balance + 0.005 * w[:-1] @ w[:-1]

    assert all(loss(weights) < loss(weights + sign * step) for step in 0.05 * np.eye(6) for sign in (-1, 1))


def test_kid_is_unbiased_and_sees_a_shift():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(200):
        x, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 4))
        both = np.concatenate([x, y])
        values.append(mmd2(polynomial_kernel(both, both), np.arange(24) < 12))
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0 < max(values)
    names = np.array([f"d{i // 4}" for i in range(40)])
    near = kid(rng.normal(size=(40, 4)), rng.normal(size=(40, 4)), names, names, rng)
    far = kid(rng.normal(size=(40, 4)), rng.normal(1.5, 1, size=(40, 4)), names, names, rng)
    assert far.p < 0.01 < near.p
    assert far.value > near.value + 1


def test_statistics_are_finite_on_anything():
    rng = np.random.default_rng(0)
    odd = [np.zeros((64, 64, 3)), np.full((64, 64, 3), 255), rng.integers(0, 256, (64, 64, 3))]
    half = np.full((64, 64, 3), 240)
    half[:, :32] = (200, 30, 40)
    found = statistics(np.array([*odd, half], dtype=np.uint8))
    assert found.shape == (4, DIMENSIONS)
    assert np.isfinite(found).all()
    assert statistics(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, DIMENSIONS)


def test_matching_evens_out_ink_text_and_colour():
    crops = seals(6, True, 0)
    patches = cut_patches(crops, PROTOCOL, np.random.default_rng(0))
    blue = [replace(crop, colour="blue") for crop in seals(2, True, 5)]
    other = cut_patches([*seals(8, False, 1), *blue], PROTOCOL, np.random.default_rng(1))
    one, two = match(patches, other, PROTOCOL)
    assert len(one) == len(two) > 0.5 * len(patches)
    assert set(two.colours) == {"red"}
    assert np.abs(one.ink - two.ink).max() <= PROTOCOL.ink_caliper + 1e-6
    assert np.abs(one.text - two.text).max() <= PROTOCOL.text_caliper + 1e-6
    with pytest.raises(Seal2RealError, match="red against blue"):
        match(patches, cut_patches(blue, PROTOCOL, np.random.default_rng(1)), PROTOCOL)


def test_patches_are_shared_out_evenly():
    crops = seals(3, True, 0)
    crops = [crops[0], replace(crops[1], source=crops[0].source), crops[2]]
    patches = cut_patches(crops, PROTOCOL, np.random.default_rng(0))
    assert np.unique(patches.sources, return_counts=True)[1].tolist() == [16, 16]
    with pytest.raises(Seal2RealError, match="no seals"):
        cut_patches([], PROTOCOL, np.random.default_rng(0))


def test_dark_text_is_not_ink():
    patch = np.full((10, 10, 3), 240, np.uint8)
    patch[:2] = 30  # print
    patch[2:4] = (220, 40, 40)  # red ink
    mask = np.zeros((10, 10), bool)
    mask[2:4] = True
    assert dark_text_share(patch, mask) == pytest.approx(0.2)


def test_flat_paste_darkens_only_its_mask():
    clean = np.full((60, 60, 3), 230, np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    pasted = paste_flat(clean, [mask], ["red"], np.random.default_rng(0))
    assert (pasted[25:35, 25:35, 1] < 150).all()
    assert (pasted[:16] == 230).all()
    assert pasted[30, 30].argmax() == 0


def test_an_encoder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such encoder"):
        onnx_encoder(tmp_path / "x.onnx")
    (tmp_path / "x.onnx").write_bytes(b"not a model")
    pytest.importorskip("onnxruntime")
    with pytest.raises(Seal2RealError, match="not a usable ONNX model"):
        onnx_encoder(tmp_path / "x.onnx")
