"""Pastes made on the spot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.press.tampering import Paste
from seal2real.seal import random_design
from seal2real.tasks.pastes import cut_picture, drawn_picture, lay_down

PLAIN = Paste("drawn", "over", 1.0, False, 0.0, 1.0, None, 0.0, "keyed")


def paper(height: int = 300, width: int = 360) -> np.ndarray:
    return np.full((height, width, 3), 240, np.uint8)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), x=st.integers(-60, 260), y=st.integers(-60, 200))
def test_what_changes_is_the_ink(seed: int, x: int, y: int) -> None:
    rng = np.random.default_rng(seed)
    picture = drawn_picture(rng, random_design(rng, "company"), 100, str(rng.choice(["red", "blue", "violet"])))
    laid = lay_down(paper(), picture, (x, y), 100, PLAIN)
    assert laid is not None
    image, ink = laid
    changed = (image != paper()).any(2)
    assert image.shape == (300, 360, 3) and ink.shape == (300, 360)
    assert not (ink & ~changed).any()
    strong = np.abs(image.astype(int) - 240).max(2) > 100
    assert ink[strong].mean() > 0.99


def test_off_the_page_there_is_no_paste() -> None:
    rng = np.random.default_rng(0)
    picture = drawn_picture(rng, random_design(rng, "company"), 100)
    assert lay_down(paper(), picture, (400, 0), 100, PLAIN) is None


@pytest.mark.parametrize(("colour", "most"), [("red", 0), ("blue", 2), ("violet", 2)])
def test_colours(colour: str, most: int) -> None:
    rng = np.random.default_rng(1)
    laid = lay_down(paper(), drawn_picture(rng, random_design(rng, "company"), 150, colour), (10, 10), 150, PLAIN)
    assert laid is not None
    assert laid[0][laid[1]].mean(0).argmax() == most


def test_a_cut_seal_lands_where_it_is_laid() -> None:
    source = paper(80, 90)
    source[20:60, 30:70] = (200, 30, 40)
    ink = (source != 240).any(2)
    outline = np.array([[30, 20], [70, 20], [70, 60], [30, 60]], np.float32)
    way = Paste("cut", "over", 1.0, True, 0.0, 1.0, None, 0.0, "keyed")
    laid = lay_down(paper(), cut_picture(source, ink, outline), (100, 50), 200, way)
    assert laid is not None
    image, found = laid
    assert np.array_equal(np.argwhere(found).min(0), (70, 130)) and np.array_equal(
        np.argwhere(found).max(0), (109, 169)
    )
    assert np.array_equal(image[90, 150], (200, 30, 40)) and np.array_equal(image[0, 0], (240, 240, 240))
