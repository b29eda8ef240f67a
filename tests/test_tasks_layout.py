"""Rings and the lines about them: what is drawn in a known place is found there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.seal import draw, random_design
from seal2real.seeding import rng_for
from seal2real.tasks.layout import LayoutFinder, close_up, intaglio
from seal2real.tasks.rings import fit_ring

SIDE = 400


def ring_ink(middle: tuple[float, float], axes: tuple[float, float], angle: float, gap: float = 0.0) -> np.ndarray:
    """A ring of ink, part of it lacking, with a blot in its middle."""
    ink = np.zeros((SIDE, SIDE), np.uint8)
    fixed = tuple(round(16 * (value - 0.5)) for value in middle), tuple(round(16 * value) for value in axes)
    cv2.ellipse(ink, fixed[0], fixed[1], angle, gap, 360, 1, 5, cv2.LINE_8, 4)
    cv2.circle(ink, (round(middle[0]), round(middle[1])), 12, 1, -1)
    return ink > 0


@given(
    st.tuples(st.floats(180, 220), st.floats(180, 220)),
    st.tuples(st.floats(70, 150), st.floats(0.6, 1.0)),
    st.floats(0, 180),
    st.floats(0, 80),
)
@settings(max_examples=15, deadline=None)
def test_a_worn_ring_is_found(middle: tuple[float, float], size: tuple[float, float], angle: float, gap: float) -> None:
    axes = size[0], size[0] * size[1]
    found = fit_ring(ring_ink(middle, axes, angle, gap))
    assert found is not None
    assert np.abs(found.middle - middle).max() < 2.5
    assert found.radius == pytest.approx(np.sqrt(axes[0] * axes[1]) + 2.5, abs=2.5)  # the outer edge of the line
    turns = np.linspace(0, 2 * np.pi, 50)
    away = found.at(turns, 1.0) - middle
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    along, across = away @ (cos, sin) / (axes[0] + 2.5), away @ (-sin, cos) / (axes[1] + 2.5)
    assert np.abs(np.hypot(along, across) - 1).max() < 0.05


def test_what_is_no_ring_is_none() -> None:
    square = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(square, (60, 60), (320, 320), 1, 6)
    assert fit_ring(square > 0) is None
    assert fit_ring(np.zeros((SIDE, SIDE), bool)) is None
    assert fit_ring(ring_ink((200, 200), (120, 120), 0, 200)) is None  # less than half of it


def test_a_strip_shows_what_lies_on_the_ring() -> None:
    ink = ring_ink((200, 190), (140, 110), 20)
    ring = fit_ring(ink)
    assert ring is not None
    x, y = ring.at(np.pi / 2, 0.8)  # below the middle
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    cv2.circle(picture, (round(x - 0.5), round(y - 0.5)), 5, (255, 255, 255), -1)
    strip = ring.unrolled(picture, 0.6, 1.0, 0.0, 1.0, 100)
    rows, columns = np.nonzero(strip[..., 0] > 127)
    assert rows.mean() == pytest.approx(50, abs=3)
    assert columns.mean() / strip.shape[1] == pytest.approx(0.25, abs=0.01)
    line = ring.arc((np.pi / 2 - 0.5, np.pi / 2 + 0.5), (0.7, 0.9), 1.0)
    steps = np.linalg.norm(np.diff(line.middle, axis=0), axis=1)
    assert steps.std() < 0.02 * steps.mean()
    assert np.linalg.norm(line.middle - (x, y), axis=1).min() < 8
    assert line.middle[0][0] > line.middle[-1][0]  # clockwise: from the right to the left below the middle


@pytest.mark.parametrize("turn", [0.0, 40.0, -100.0])
def test_the_text_of_a_ring_is_found_by_its_gaps(turn: float) -> None:
    """Without a detector: a line that runs where the seal's name stands is among those found."""
    drawn = draw(random_design(rng_for(5, 3, "layout"), "company"), 200.0, turn)
    grey = np.uint8(255 * (1 - np.clip(drawn.coverage, 0, 1)))
    image = np.stack([np.full_like(grey, 255), grey, grey], 2)
    close = close_up(np.pad(image, ((20, 20), (20, 20), (0, 0)), constant_values=255), np.pad(drawn.coverage > 0.5, 20))
    assert close is not None and len(close.pictures) == 2
    name = max(drawn.lines, key=lambda line: cv2.contourArea(np.asarray(line.polygon, np.float32)))
    wanted = np.asarray(name.polygon, np.float32) + 20
    best = 0.0
    for curve in LayoutFinder(lambda picture: []).find(close):
        masks = []
        for polygon in (wanted, close.on_image(curve).polygon):
            mask = np.zeros((image.shape[0] + 40, image.shape[1] + 40), np.uint8)
            masks.append(cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1) > 0)
        best = max(best, (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
    assert best > 0.7


@pytest.mark.parametrize("turn", [0.0, 12.0, -9.0])
def test_a_name_seal_has_columns(turn: float) -> None:
    """White characters on a field of ink: the negative is looked at, in columns from the right."""
    ink = np.zeros((200, 220), np.uint8)
    corners = cv2.boxPoints(((110.0, 100.0), (120.0, 120.0), turn))
    cv2.fillPoly(ink, [np.round(corners).astype(np.int32)], 1)
    for x, y in ((85, 75), (135, 75), (85, 125), (135, 125)):
        cv2.drawMarker(ink, (x, y), 0, cv2.MARKER_STAR, 30, 4)
    image = np.where(ink[..., None] > 0, np.array([200, 30, 40]), 255).astype(np.uint8)
    close = close_up(image, ink > 0)
    assert intaglio(ink > 0) and close is not None
    inside = close.ink
    assert all(picture[inside].mean() > 128 > picture[~inside].mean() for picture in close.pictures[:1])
    found = [close.on_image(curve) for curve in LayoutFinder(lambda picture: []).find(close)]
    columns = [curve for curve in found if curve.column and 45 < curve.height < 60]
    assert len(columns) == 2
    along = columns[0].middle[-1] - columns[0].middle[0]
    assert np.rad2deg(np.arctan2(-along[0], along[1])) == pytest.approx(turn, abs=2)  # downwards


def test_no_ink_no_close_up() -> None:
    assert close_up(np.full((50, 50, 3), 255, np.uint8), np.zeros((50, 50), bool)) is None
