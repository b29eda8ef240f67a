from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.physics.ink_measure import absorbance_against, colour_class, estimate_paper, measure_ink

INKS = {
    "red": (220, 40, 50),
    "blue": (40, 60, 170),
    "violet": (110, 50, 150),
    "black": (40, 40, 44),
}


def scene(colour: str, size: int = 200, text: bool = True, seed: int = 0, strength: float = 1.0):
    """A ring with a star on shaded, noisy paper with black print: (stamped, clean, coverage)."""
    rng = np.random.default_rng(seed)
    shade = np.linspace(215, 245, size)[None, :, None] * np.array([1.0, 0.99, 0.96])
    paper = np.ascontiguousarray(np.broadcast_to(shade, (size, size, 3)), dtype=np.uint8)
    if text:
        for y in range(20, size, 34):
            cv2.putText(paper, "contract 2024", (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (30, 30, 30), 2, cv2.LINE_AA)
    cover = np.zeros((size, size), np.uint8)
    centre = (size // 2, size // 2)
    cv2.circle(cover, centre, int(0.4 * size), 255, 6, cv2.LINE_AA)
    cv2.circle(cover, centre, int(0.1 * size), 255, -1, cv2.LINE_AA)
    cover = cover.astype(np.float32) / 255
    ink = -np.log(np.array(INKS[colour]) / 255) * strength
    stamped = paper * np.exp(-cover[..., None] * ink)
    noise = rng.normal(0, 2, paper.shape)
    return (
        np.clip(stamped + noise, 0, 255).astype(np.uint8),
        np.clip(paper + noise, 0, 255).astype(np.uint8),
        cover,
    )


def iou(a, b, where=True):
    return (a & b & where).sum() / ((a | b) & where).sum()


@pytest.mark.parametrize("colour", ["red", "blue", "violet"])
def test_coloured_ink_is_told_from_black_print(colour):
    stamped, clean, cover = scene(colour)
    measured = measure_ink(stamped)
    assert measured.colour == colour
    bare = clean.min(axis=2) > 180
    assert iou(measured.mask, cover > 0.4, bare) > 0.85
    assert measured.mask[~bare & (cover == 0)].mean() < 0.02


def test_black_seal_on_empty_paper():
    stamped, _, cover = scene("black", text=False)
    measured = measure_ink(stamped)
    assert measured.colour == "black"
    assert iou(measured.mask, cover > 0.4) > 0.85


@pytest.mark.parametrize("colour", list(INKS))
def test_with_the_clean_twin_any_ink_is_found_exactly(colour):
    stamped, clean, cover = scene(colour)
    measured = measure_ink(stamped, clean)
    bare = clean.min(axis=2) > 150
    assert iou(measured.mask, cover >= 0.5, bare) > 0.93
    assert measured.colour == colour
    expected = -np.log(np.array(INKS[colour]) / 255)
    assert np.abs(measured.median - expected).max() < 0.15


def test_a_fixed_threshold_means_absorbance_of_the_strongest_channel():
    stamped, clean, cover = scene("red", text=False)
    strongest = -np.log(40 / 255) * cover
    measured = measure_ink(stamped, clean, threshold=0.5)
    assert iou(measured.mask, strongest > 0.5) > 0.97
    assert iou(measured.mask, strongest > 1.5) < 0.97


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), level=st.integers(120, 250))
def test_blank_paper_holds_hardly_any_ink(seed, level):
    rng = np.random.default_rng(seed)
    paper = np.clip(level + rng.normal(0, 1.5, (90, 120, 3)), 0, 255).astype(np.uint8)
    assert measure_ink(paper).mask.mean() < 0.01
    assert np.abs(estimate_paper(paper) - level).max() < 8


def test_paper_is_seen_through_print():
    stamped, clean, _ = scene("red")
    truth = np.linspace(215, 245, 200)
    assert np.abs(estimate_paper(stamped)[..., 0] - truth).max() < 14
    assert absorbance_against(clean, estimate_paper(clean)).min() >= 0


def test_colour_classes():
    for colour, rgb in INKS.items():
        assert colour_class(-np.log(np.array(rgb, np.float32) / 255)) == colour
    assert colour_class(np.zeros(3, np.float32)) == "black"


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="same shape"):
        measure_ink(np.zeros((5, 5, 3), np.uint8), np.zeros((6, 5, 3), np.uint8))
