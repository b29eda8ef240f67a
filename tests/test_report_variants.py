from __future__ import annotations

import cv2
import numpy as np
import pytest

from seal2real.forger import load_forger
from seal2real.page import TemplatePages
from seal2real.report.c2st import JudgeBudget
from seal2real.report.compare import compare, feature_gaps
from seal2real.report.evaluate import seal_sheet
from seal2real.report.features import DIMENSIONS, FEATURE_NAMES, statistics
from seal2real.report.labels import mask_agreement, sample_validity
from seal2real.report.protocol import Protocol
from seal2real.report.variants import crops_of, drawn_samples, forged_by, made, pasted, simulated


@pytest.fixture(scope="module")
def samples():
    return drawn_samples(4, TemplatePages(100), 100, seed=3, kinds=("company",))


def test_drawn_samples_depend_on_seed_and_index_alone(samples):
    again = drawn_samples(2, TemplatePages(100), 100, seed=3, kinds=("company",))
    for one, two in zip(samples, again, strict=False):
        assert np.array_equal(one.stamped, two.stamped)
    for sample in samples:
        assert len(sample.seals) >= 1
        assert sample.seals[0].colour != "black"
        assert max(sample.size) < 1.6 * max(sample.seals[0].coverage.shape)
        assert min(sample.size) > max(sample.seals[0].coverage.shape)


@pytest.mark.parametrize("variant", [pasted, simulated, "untrained"])
def test_variants_keep_what_labels_rest_on(samples, variant):
    variant = forged_by(load_forger("untrained")) if variant == "untrained" else variant
    once, twice = made(samples[:2], variant, 5), made(samples[:2], variant, 5)
    for before, one, two in zip(samples, once, twice, strict=False):
        assert np.array_equal(one.stamped, two.stamped)
        assert one.stamped.dtype == np.uint8
        assert one.stamped.shape == one.clean.shape == before.stamped.shape
        drawn = before.seals[0].on_page((before.seals[0].coverage > 0).astype(np.uint8), *one.size)
        bare = cv2.dilate(drawn, np.ones((53, 53), np.uint8)) == 0  # beyond 2.5 mm and a block of JPEG
        assert bare.any()
        assert np.abs(one.stamped[bare].astype(int) - one.clean[bare]).max() <= 2
        assert one.seals[0].visible.sum() > 0.2 * one.seals[0].full_mask.sum()
        if variant is not pasted:
            assert not np.array_equal(one.stamped, before.stamped)


def test_every_sample_gives_a_crop(samples):
    crops = crops_of(made(samples, simulated))
    assert {crop.source for crop in crops} <= {f"sample {i}" for i in range(len(samples))}
    assert len(crops) >= 3
    sheet = seal_sheet({"a": crops, "b": crops[:1]}, np.random.default_rng(0), columns=3, side=60)
    assert sheet.shape == (2 * 82, 3 * 64, 3)


def test_the_telling_statistic_is_found(samples):
    """Two sets that differ in paper tint alone: the yellow-blue mean must lead, and the table says so."""
    crops = crops_of(samples)
    patches = np.stack([crop.image[:64, :64] for crop in crops])
    tinted = patches.copy()
    tinted[..., 2] = (tinted[..., 2] * 0.8).astype(np.uint8)
    gaps = feature_gaps(statistics(patches), statistics(tinted))
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == DIMENSIONS == len(gaps)
    assert [abs(gap.shift) for gap in gaps] == sorted((abs(gap.shift) for gap in gaps), reverse=True)
    by_name = {gap.name: gap for gap in gaps}
    assert by_name["yellow-blue mean"].shift > 1
    assert by_name["paper B"].other < by_name["paper B"].real
    assert by_name["paper R"].shift == pytest.approx(0, abs=1e-6)


def test_a_comparison_explains_itself(samples):
    real, other = crops_of(made(samples, simulated, 1)), crops_of(samples)
    budget = JudgeBudget(folds=2, repeats=1, cnn_steps=0, bootstraps=50)
    result = compare(real, {"pasted": other}, budget=budget, protocol=Protocol(per_source=8), floor_splits=0)
    table = result.explain("pasted", 5)
    assert table.row_count == 5
    written = result.to_json()["rows"][0]["gaps"]
    assert written[0]["name"] == next(iter(table.columns[0].cells))


def test_validity_of_samples(samples):
    forged = made(samples, forged_by(load_forger("untrained"), {"wear": 0.1, "capture": 0.0}))
    validity = sample_validity(samples, forged)
    assert validity.seals == sum(len(sample.seals) for sample in samples)
    assert validity.iou_clean > 0.7
    assert validity.iou_clean_core > validity.iou_clean
    assert validity.kept is None
    texts = iter([line.text for sample in samples for seal in sample.seals for line in seal.lines for _ in range(2)])
    read = sample_validity(samples, forged, lambda image: next(texts), max_lines=2)
    assert read.kept == 1.0
    assert read.read_pasted == read.characters > 0


def test_a_seal_off_the_image_is_not_measured(samples):
    sample = samples[0]
    labelled = np.ones(sample.size, bool)
    assert mask_agreement(sample.stamped, sample.clean, labelled, (-90, -90, 80, 80), True) is None
    assert mask_agreement(sample.stamped, sample.clean, ~labelled, (0, 0, 80, 80), True) is None
