"""Each method of the comparison on tiny data: shapes, determinism, and that it does what its name says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seal2real.baselines import KINDS, FlatBaseline, Material, make_baseline
from seal2real.baselines.base import at_diameter, coverage_of
from seal2real.baselines.colour import moments_matched, ranks_matched, to_lab
from seal2real.baselines.cut import patch_nce
from seal2real.baselines.fda import low_amplitudes_of
from seal2real.baselines.translation import Generator
from seal2real.errors import Seal2RealError, UsageError
from seal2real.page import TemplatePages
from seal2real.report.variants import drawn_samples
from seal2real.sample import Sample

GAN = {"steps": 2, "width": 8, "blocks": 1, "size": 32, "batch": 2, "diameter": 96.0}
TRAINING = {
    "adversary": "pixel",
    "prior": "none",
    "steps": 2,
    "batch": 2,
    "precision": "no",
    "diameters": [96.0, 128.0],
}
SETTINGS = {
    "cut": GAN,
    "cyclegan": GAN,
    "forger": {"name": "untrained"},
    "training": TRAINING,
    "sdedit": {"prompt": "words", "strength": 0.2, "steps": 5, "diameter": 96.0},
}
SEED = 4


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return drawn_samples(2, TemplatePages(100), 100, seed=3, kinds=("company",), colours=["red", "blue"])


@pytest.fixture(scope="module")
def material(real_seals: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    return Material(real_seals, tmp_path_factory.mktemp("work") / "row", pool_size=8)


def settings_of(kind: str, compact_folder: Path) -> dict:
    return {**SETTINGS.get(kind, {}), **({"backbone": str(compact_folder)} if kind == "sdedit" else {})}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "augraphy"])
def test_every_method(kind: str, samples: list[Sample], material: Material, compact_folder: Path) -> None:
    """Same size, other pixels (but for the paste), the same again for the same seed; flat methods keep the labels."""
    results = []
    for _ in range(2):
        baseline = make_baseline(kind, settings_of(kind, compact_folder))
        baseline.fit(material, SEED)
        results.append([baseline.apply(sample, np.random.default_rng(i)) for i, sample in enumerate(samples)])
        baseline.close()
    for before, one, two in zip(samples, *results, strict=True):
        assert one.stamped.dtype == np.uint8 and one.stamped.shape == before.stamped.shape
        assert np.array_equal(one.stamped, two.stamped)
        assert np.array_equal(one.stamped, before.stamped) == (kind == "pasted")
        if isinstance(baseline, FlatBaseline):
            assert not baseline.layers
            assert one.clean is before.clean and one.seals is before.seals
    assert (baseline.parameters > 0) == (baseline.learns or kind == "calibrated")


@pytest.mark.parametrize("kind", ["simulated", "colour", "fda", "sdedit", "forger"])
def test_noise_gives_variety(kind: str, samples: list[Sample], material: Material, compact_folder: Path) -> None:
    baseline = make_baseline(kind, settings_of(kind, compact_folder))
    baseline.fit(material, SEED)
    one, two = (baseline.apply(samples[0], np.random.default_rng(i)).stamped for i in range(2))
    assert not np.array_equal(one, two)


def test_one_noise_for_all(samples: list[Sample]) -> None:
    baseline = make_baseline("forger", {"name": "untrained", "noise": False})
    one, two = (baseline.apply(samples[0], np.random.default_rng(i)).stamped for i in range(2))
    assert np.array_equal(one, two)


def test_colour_matching_moves_ink_and_paper_towards_a_real_seal(samples: list[Sample], material: Material) -> None:
    sample = samples[0]
    baseline = make_baseline("colour")
    baseline.fit(material, SEED)
    reference = [crop for crop in material.crops.crops if crop.colour == "red"]
    result = to_lab(baseline.apply(sample, np.random.default_rng(0)).stamped)
    coverage = coverage_of(sample)
    for where, real in (
        (coverage >= 0.99, [to_lab(crop.image)[crop.mask].mean(0) for crop in reference]),
        (coverage <= 0, [np.median(to_lab(crop.image)[~crop.mask], axis=0) for crop in reference]),
    ):
        before, after = np.median(to_lab(sample.stamped)[where], axis=0), np.median(result[where], axis=0)
        nearest = min(real, key=lambda target: np.linalg.norm(after - target))
        assert np.linalg.norm(after - nearest) < 0.7 * np.linalg.norm(before - nearest) + 1.5


def test_matching_carries_statistics_over() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal((50, 20, -10), (4, 6, 5), (4000, 3)).astype(np.float32)
    target = rng.normal((70, -5, 15), (8, 3, 10), (3000, 3)).astype(np.float32)
    for match in (moments_matched, ranks_matched):
        result = match(own, own, target)
        assert np.allclose(result.mean(0), target.mean(0), atol=0.1)
        assert np.allclose(result.std(0), target.std(0), rtol=0.03)
    flat = np.full((100, 3), 30, np.float32)
    assert np.allclose(ranks_matched(flat, flat, target), np.median(target, axis=0), atol=0.1)
    assert np.allclose(moments_matched(flat, flat, target), target.mean(0), atol=0.1)


def test_fda_takes_low_amplitudes_and_keeps_the_phase() -> None:
    rng = np.random.default_rng(0)
    own = rng.integers(90, 130, (60, 80, 3)).astype(np.uint8)
    target = np.clip(rng.normal((180, 90, 60), 10, (60, 80, 3)), 0, 255).astype(np.uint8)
    result = low_amplitudes_of(own, target, 0.02)
    assert np.allclose(result.mean((0, 1)), target.mean((0, 1)), atol=1)  # the lowest frequency is the mean
    high = [each - each.mean((0, 1)) for each in (own.astype(float), result.astype(float))]
    assert np.corrcoef(high[0].ravel(), high[1].ravel())[0, 1] > 0.95
    same = low_amplitudes_of(own, own, 0.1)
    assert np.abs(same.astype(int) - own).max() <= 1


def test_contrast_is_least_where_places_agree() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(2, 16, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert patch_nce(vectors, vectors, 0.07) < 0.2
    assert patch_nce(vectors, vectors.roll(1, 1), 0.07) > 5
    opposite = patch_nce(vectors, torch.zeros_like(vectors), 0.07)
    assert float(opposite) == pytest.approx(np.log(16), abs=1e-4)  # nothing to tell places apart by


def test_training_moves_the_generator_and_seeds_matter(material: Material) -> None:
    weights = []
    for steps, seed in ((1, 0), (2, 0), (1, 1)):
        baseline = make_baseline("cut", {**GAN, "steps": steps})
        baseline.fit(material, seed)
        weights.append(torch.cat([p.flatten() for p in baseline.generator.parameters()]))
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_time_limit_stops_the_training(material: Material) -> None:
    baseline = make_baseline("cut", {**GAN, "steps": 100_000})
    baseline.fit(material, 0, minutes=0.002)
    assert baseline.generator is not None


def test_generator_features_fit_their_heads() -> None:
    network = Generator(8, 3)
    found = network.features(torch.rand(1, 3, 32, 48))
    assert [each.shape[1] for each in found] == network.feature_widths
    assert network(torch.rand(1, 3, 32, 48)).shape == (1, 3, 32, 48)


def test_networks_see_the_seal_at_their_size(samples: list[Sample]) -> None:
    seen: list[tuple[int, ...]] = []

    def work(image: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(image.shape))
        return image

    result = at_diameter(samples[0], 64.0, 16, work)
    assert result.shape == samples[0].stamped.shape
    longest = max(samples[0].seals[0].coverage.shape)
    expected = max(samples[0].size) * 64 / longest
    assert all(side % 16 == 0 for side in seen[0][2:]) and expected <= max(seen[0][2:]) < expected + 17
    exact = at_diameter(samples[0], 10_000.0, 16, work)
    assert np.array_equal(exact, samples[0].stamped)


def test_a_worker_that_lacks_augraphy_is_told_in_one_line(samples: list[Sample]) -> None:
    for python in (sys.executable, "/no/such/python"):
        baseline = make_baseline("augraphy", {"python": python})
        with pytest.raises(Seal2RealError, match="augraphy") as error:
            baseline.apply(samples[0], np.random.default_rng(0))
        baseline.close()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("colours", {}, "did you mean 'colour'"),
        ("fda", {"betta": 0.1}, "did you mean 'beta'"),
        ("fda", {"beta": 0.9}, "beta is 0.9"),
        ("colour", {"how": "magic"}, "choose from moments, histogram"),
        ("training", {"seed": 3}, "same for all"),
        ("training", {"priors": "vsd"}, "did you mean 'prior'"),
        ("training", {"noise": "off"}, "expected true or false"),
        ("sdedit", {"strength": 0.0}, "strength is 0"),
        ("cut", {"size": 30}, "multiple of 4"),
        ("forger", {"name": "none"}, "kind 'pasted'"),
    ],
)
def test_settings_that_do_not_fit(kind: str, settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        make_baseline(kind, settings, "row 'x'")
    assert "\n" not in str(error.value)


def test_what_is_not_fitted_says_so(samples: list[Sample]) -> None:
    for kind in ("colour", "fda", "cut", "sdedit", "training"):
        with pytest.raises(UsageError, match="fit"):
            make_baseline(kind, SETTINGS.get(kind)).apply(samples[0], np.random.default_rng(0))
