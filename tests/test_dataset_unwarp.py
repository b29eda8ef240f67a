"""Straightening lines: what is drawn along an arc must come out straight, upright and in reading order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.unwarp import unwarp_line


def arc_polygon(centre: tuple[float, float], inner: float, outer: float, start: float, span: float) -> np.ndarray:
    """A line on the upper arc of a circle, read clockwise; angles in degrees from the x axis, clockwise."""
    angles = np.radians(np.linspace(start, start + span, 40))
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([np.array(centre) + outer * ray, (np.array(centre) + inner * ray)[::-1]]).astype(np.float32)


def arc_picture(inner: float, outer: float, marks: list[float]) -> np.ndarray:
    """White, with a black dot at mid height of the band at each angle (degrees)."""
    image = np.full((400, 400), 255, np.uint8)
    for angle in np.radians(marks):
        middle = (inner + outer) / 2
        x, y = 200 + middle * np.cos(angle), 200 + middle * np.sin(angle)
        cv2.circle(image, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 6 * 16, 0, -1, cv2.LINE_AA, shift=4)
    return image


def dots(crop: np.ndarray) -> np.ndarray:
    """Centres of the dark dots, left to right, in pixel edges' coordinates."""
    _, _, _, centres = cv2.connectedComponentsWithStats((crop < 128).astype(np.uint8))
    found = centres[1:] + 0.5
    return found[np.argsort(found[:, 0])]


@given(start=st.floats(-250, -120), span=st.floats(60, 260))
@settings(max_examples=25, deadline=None)
def test_arc_becomes_straight_and_even(start: float, span: float) -> None:
    shares = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    image = arc_picture(120, 160, list(start + shares * span))
    crop = unwarp_line(image, arc_polygon((200, 200), 120, 160, start, span), margin=0.0)
    found = dots(crop)
    assert len(found) == 5
    assert np.allclose(found[:, 1], crop.shape[0] / 2, atol=1.0)
    assert np.allclose(found[:, 0] / crop.shape[1], shares, atol=0.012)


def test_slanted_pairs_are_followed() -> None:
    """Partners of the two edges are joined by number, not by their shares of two unequal lengths (ovals need that)."""
    top = np.array([[0, 10], [20, 10], [100, 10]], np.float32)
    bottom = np.array([[0, 50], [60, 50], [100, 50]], np.float32)
    image = np.full((60, 100), 255, np.uint8)
    cv2.line(image, (20, 10), (60, 50), 0, 3, cv2.LINE_AA)
    crop = unwarp_line(image, np.concatenate([top, bottom[::-1]]), margin=0.0)
    darkest = crop[2:-2].argmin(axis=1)
    assert np.ptp(darkest) <= 6, "the slanted stroke between partners becomes upright"


def test_natural_size_follows_the_line() -> None:
    crop = unwarp_line(arc_picture(120, 160, []), arc_polygon((200, 200), 120, 160, -180, 180), margin=0.0)
    assert crop.shape[0] == 40
    assert crop.shape[1] == pytest.approx(np.pi * 140, rel=0.01)


def test_straight_axis_aligned_line_is_a_plain_crop() -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    polygon = np.array([[10, 20], [70, 20], [70, 45], [10, 45]], np.float32)
    assert np.array_equal(unwarp_line(image, polygon, margin=0.0), image[20:45, 10:70])


def test_upside_down_line_is_turned_upright() -> None:
    image = np.random.default_rng(1).integers(0, 255, (60, 90), dtype=np.uint8)
    polygon = np.array([[70, 45], [10, 45], [10, 20], [70, 20]], np.float32)
    assert np.array_equal(unwarp_line(image, polygon, margin=0.0), image[20:45, 10:70][::-1, ::-1])


def test_margin_shows_the_surroundings_and_off_image_is_white() -> None:
    image = np.zeros((30, 100), np.uint8)
    crop = unwarp_line(image, np.array([[0, 5], [99, 5], [99, 25], [0, 25]], np.float32), margin=0.5)
    assert crop.shape == (40, 119)
    assert crop[2, 60] == 255
    assert crop[20, 60] == 0


@pytest.mark.parametrize("shape", [(3, 2), (5, 2), (2, 2), (4, 3)])
def test_odd_polygons_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even count"):
        unwarp_line(np.zeros((9, 9), np.uint8), np.zeros(shape, np.float32))


@given(
    st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=4, max_size=4),
)
@settings(max_examples=50, deadline=None)
def test_any_quad_gives_a_crop(points: list[tuple[float, float]]) -> None:
    crop = unwarp_line(np.zeros((80, 100, 3), np.uint8), np.array(points, np.float32))
    assert crop.ndim == 3 and crop.size > 0
