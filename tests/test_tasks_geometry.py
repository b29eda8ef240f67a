"""Views, text lines and registration: geometry that must come back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.seal import draw, random_design
from seal2real.seeding import rng_for
from seal2real.tasks.crops import SHAPES, View, filled, longest_side, middle, shape_of
from seal2real.tasks.instances import instances, overlap, targets, with_its_ink
from seal2real.tasks.lines import LENGTH, SIDE, TextCurve, curve_of, curves_of, in_order, line_maps
from seal2real.tasks.registration import framed, register

ANGLES = st.floats(-180, 180)


def ellipse(a: float, b: float, turn: float = 0.0, centre: tuple[float, float] = (100, 90)) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x, y = a * np.cos(t), b * np.sin(t)
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return np.stack((centre[0] + c * x - s * y, centre[1] + s * x + c * y), 1).astype(np.float32)


@given(ANGLES, st.floats(0.3, 2.0), st.floats(20, 80), st.floats(20, 80))
@settings(max_examples=30, deadline=None)
def test_a_view_moves_pixels_and_points_alike(turn: float, scale: float, x: float, y: float) -> None:
    image = np.zeros((100, 100), np.uint8)
    row, column = int(y), int(x)
    image[row - 2 : row + 3, column - 2 : column + 3] = 255
    view = View.about((50.0, 50.0), scale, turn, 240)
    shown = np.asarray(view.of(image, 0), np.float64)
    ys, xs = np.mgrid[:240, :240] + 0.5
    seen = np.array([(shown * xs).sum(), (shown * ys).sum()]) / shown.sum()
    wanted = view.points(np.array([[column + 0.5, row + 0.5]], np.float32))[0]
    assert np.abs(seen - wanted).max() < 0.6
    assert view.scale == pytest.approx(scale)


@given(st.floats(20, 60), st.floats(1.3, 2.5), ANGLES)
def test_shapes_are_told_by_their_outlines(size: float, ratio: float, turn: float) -> None:
    assert shape_of(ellipse(size, size, turn)) == "round"
    assert shape_of(ellipse(size * ratio, size, turn)) == "oval"
    box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    rotation = np.array([[c, -s], [s, c]], np.float32)
    assert shape_of((box * size) @ rotation) == "square"
    assert shape_of((box * [size * ratio, size]).astype(np.float32) @ rotation) == "rectangle"
    assert shape_of((np.array([[0, -1], [1, 1], [-1, 1]], np.float32) * size) @ rotation) == "triangle"
    assert set(SHAPES) == {"round", "oval", "square", "rectangle", "triangle"}


@pytest.mark.parametrize("kind", ["company", "oval", "notice", "personal-square", "ring", "finance", "latin"])
@pytest.mark.parametrize("turn", [0.0, 77.0, -160.0])
def test_lines_come_back_from_perfect_maps(kind: str, turn: float) -> None:
    drawn = draw(random_design(rng_for(5, 1, "lines"), kind), 150.0)
    scale = LENGTH / longest_side(drawn.outline)
    view = View.about(middle(drawn.outline), scale, turn, SIDE)
    rows = [
        {"polygon": line.polygon, "characters": [np.asarray(quad) for quad in line.characters]} for line in drawn.lines
    ]
    edges = [edge for edge in map(curve_of, rows) if edge is not None]
    maps = line_maps(edges, view)
    logits = maps.copy()
    logits[[0, 4]] = maps[[0, 4]] * 12 - 6
    found = curves_of(logits)
    for top, bottom, column in edges:
        middles = (view.points(top.astype(np.float32)) + view.points(bottom.astype(np.float32))) / 4

        def away(curve: TextCurve, middles: np.ndarray = middles) -> float:
            return float(np.linalg.norm(curve.middle[[0, -1]] - middles[[0, -1]], axis=1).max())

        best = min(found, key=away)
        assert away(best) < max(0.95 * best.height, 3.0)
        assert best.column == column


def test_a_seal_is_read_from_the_outer_arc_inwards_and_down() -> None:
    def arc(radius: float, start: float, stop: float) -> TextCurve:
        t = np.deg2rad(np.linspace(start, stop, 30))
        return TextCurve(50 + radius * np.stack((np.cos(t), np.sin(t)), 1), 8, False, True, 1.0)

    def row(y: float) -> TextCurve:
        return TextCurve(np.stack((np.linspace(30, 70, 8), np.full(8, y)), 1), 8, False, False, 1.0)

    outer, inner, below = arc(40, 150, 390), arc(28, 180, 360), arc(40, 130, 50)
    wanted = [outer, inner, row(45), row(60), below]
    shuffled = [below, wanted[3], inner, wanted[2], outer]
    assert [c.middle.tolist() for c in in_order(shuffled, 50.0)] == [c.middle.tolist() for c in wanted]


@given(st.floats(-170, 170), st.floats(0.7, 1.4), st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_an_impression_is_laid_on_its_turned_and_scaled_self(turn: float, scale: float, index: int) -> None:
    drawn = draw(random_design(rng_for(8, index, "register"), "company"), 120.0)
    ink = drawn.coverage > 0.5
    image = np.repeat((255 * (1 - drawn.coverage)).astype(np.uint8)[..., None], 3, 2)
    centre = middle(drawn.outline)
    view = View.about(centre, scale, turn, int(max(ink.shape) * 1.5))
    other = np.asarray(view.of(image, 255), np.uint8)
    found = register(
        framed(image, ink, drawn.outline),
        framed(other, other[..., 0] < 128, view.points(drawn.outline).astype(np.float32)),
    )
    assert found.correlation > 0.93
    assert abs((found.turn - turn + 180) % 360 - 180) < 3


def test_another_die_is_not_laid_well() -> None:
    first, second = (draw(random_design(rng_for(9, i, "register"), "company"), 120.0) for i in (1, 2))
    frames = [
        framed(np.repeat((255 * (1 - d.coverage)).astype(np.uint8)[..., None], 3, 2), d.coverage > 0.5, d.outline)
        for d in (first, second)
    ]
    assert register(*frames).correlation < 0.93
    assert register(frames[0], frames[0]).correlation > 0.99


def _ring(middle: tuple[int, int], radius: float) -> np.ndarray:
    y, x = np.mgrid[:300, :300]
    return np.abs(np.hypot(x - middle[0], y - middle[1]) - radius) < 3


@given(turn=st.integers(0, 3), radius=st.floats(50, 80))
@settings(max_examples=12, deadline=None)
def test_an_outline_that_cuts_a_ring_grows_to_all_of_it(turn: int, radius: float) -> None:
    ink = _ring((130, 140), radius)
    cut = ink & (np.mgrid[:300, :300][1] < 130 + 0.4 * radius)  # what was found
    ink, cut = np.rot90(ink, turn), np.rot90(cut, turn)
    found = cv2.convexHull(np.argwhere(cut)[:, ::-1].astype(np.float32))[:, 0]
    whole = cv2.contourArea(cv2.convexHull(np.argwhere(ink)[:, ::-1].astype(np.float32)))
    grown = with_its_ink(found, ink)
    assert cv2.contourArea(grown) > 0.97 * whole > 1.05 * cv2.contourArea(found)
    assert cv2.isContourConvex(grown)


def test_ink_of_its_own_and_far_too_much_ink_do_not_belong_to_an_outline() -> None:
    ring = _ring((90, 90), 60)
    outline = cv2.convexHull(np.argwhere(ring)[:, ::-1].astype(np.float32) + 0.5)[:, 0]
    assert np.array_equal(with_its_ink(outline, ring | _ring((230, 230), 50)), outline)
    other = _ring((90, 208), 60)  # the two touch
    assert not np.array_equal(with_its_ink(outline, ring | other), outline)
    hull = cv2.convexHull(np.argwhere(other)[:, ::-1].astype(np.float32) + 0.5)[:, 0]
    assert np.array_equal(with_its_ink(outline, ring | other, filled(hull, 300, 300)), outline)
    table = ring.copy()
    table[150:152, 90:295] = table[150:295, 293:295] = True  # a red table's lines, which run into the ring
    assert np.array_equal(with_its_ink(outline, table), outline)


@given(radius=st.floats(24, 56), flat=st.floats(0.5, 0.98), x=st.integers(60, 68), y=st.integers(60, 68))
@settings(max_examples=20, deadline=None)
def test_a_sure_network_finds_one_seal_where_there_is_one(radius: float, flat: float, x: int, y: int) -> None:
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    outline = 2 * np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), 1)
    wanted = targets([outline], [0], 128)
    heat = np.minimum(wanted["centre"], np.float32(flat)) / flat  # a plateau, as where a sigmoid is saturated
    shapes = np.zeros((len(SHAPES), 128, 128), np.float32)
    offset = wanted["offset"] + np.random.default_rng(x).normal(0, 0.06, (2, 128, 128)).astype(np.float32)
    found = instances(np.concatenate((wanted["region"], heat, offset, shapes)))
    assert len(found) == 1
    assert overlap(found[0].polygon, np.asarray(outline / 2, np.float32)) > 0.9
