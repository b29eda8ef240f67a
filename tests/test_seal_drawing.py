"""Drawn seals: the labels lie where the ink lies, for every kind, size and angle."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import MissingGlyphError, UsageError
from seal2real.sample import Polygon, SealArt
from seal2real.seal import KINDS, STYLES, SealDesign, check_coverage, draw, random_design
from seal2real.seal.lettering import is_cjk

KIND = st.sampled_from(sorted(KINDS))
SEED = st.integers(0, 2**31)
ANGLE = st.floats(-180, 180)


def inside(points: Polygon, shape: tuple[int, int]) -> np.ndarray:
    """``bool [H, W]``: pixels whose centre lies in the polygon (8-fold supersampled fill)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round((points - 0.5) * 256).astype(np.int32)], 255, cv2.LINE_AA, 8)
    return mask >= 128


def area(points: Polygon) -> float:
    x, y = points[:, 0].astype(float), points[:, 1].astype(float)
    return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def art_of(kind: str, seed: int, dpi: float = 200.0, angle: float = 0.0) -> SealArt:
    return draw(random_design(np.random.default_rng(seed), kind), dpi, angle)


@settings(max_examples=60, deadline=None)
@given(KIND, SEED, ANGLE, st.sampled_from([100.0, 150.0, 200.0, 300.0]))
def test_labels_lie_where_the_ink_lies(kind: str, seed: int, angle: float, dpi: float) -> None:
    art = art_of(kind, seed, dpi, angle)
    coverage = art.coverage
    assert coverage.dtype == np.float32
    assert coverage.min() >= 0.0
    assert coverage.max() <= 1.0
    assert coverage.max() > 0.99
    hull = inside(cv2.convexHull(art.outline)[:, 0], coverage.shape)
    grown = cv2.dilate(hull.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert coverage[~grown].sum() == 0.0  # all the ink is inside the outline ...
    assert not (coverage[[0, -1]].any() or coverage[:, [0, -1]].any())  # ... and none is cut off by the frame
    assert art.lines
    for line in art.lines:
        assert len(line.polygon) >= 4
        assert len(line.polygon) % 2 == 0
        assert len(line.characters) == len(line.text)
        for character, quad in zip(line.text, line.characters, strict=True):
            assert quad.shape == (4, 2)
            assert area(quad) > 0.0  # clockwise on the screen: top-left, top-right, bottom-right, bottom-left
            distance = min(cv2.pointPolygonTest(art.outline, (float(x), float(y)), True) for x, y in quad)
            assert distance > -1.0
            if not character.isspace() and abs(area(quad)) > 30.0:
                mask = inside(quad, coverage.shape)
                ink = coverage[mask].mean()
                # a bold I or a dash is nothing but ink
                assert 0.02 < ink < (0.99 if is_cjk(character) else 1.01), (character, ink)


@settings(max_examples=40, deadline=None)
@given(KIND, SEED)
def test_characters_of_a_line_keep_apart_and_fill_the_line(kind: str, seed: int) -> None:
    art = art_of(kind, seed, 300.0)
    for line in art.lines:
        masks = [inside(quad, art.coverage.shape) for quad in line.characters]
        whole = inside(line.polygon, art.coverage.shape)
        count = np.sum(masks, axis=0)
        assert (count > 1).sum() <= 0.12 * (count > 0).sum() + 4 * len(masks)
        covered = (whole & (count > 0)).sum() / max((count > 0).sum(), 1)
        assert covered > 0.9, (line.text, covered)


@settings(max_examples=40, deadline=None)
@given(KIND, SEED)
def test_reading_order_runs_along_the_top_edge(kind: str, seed: int) -> None:
    for line in art_of(kind, seed).lines:
        if not line.curved:
            continue
        half = len(line.polygon) // 2
        top = line.polygon[:half]
        nearest = [int(np.argmin(np.linalg.norm(top - quad[:2].mean(axis=0), axis=1))) for quad in line.characters]
        assert nearest == sorted(nearest)
        # the top of each character is nearer to the top edge than its foot is
        for quad in line.characters:
            head, foot = quad[:2].mean(axis=0), quad[2:].mean(axis=0)
            assert np.linalg.norm(top - head, axis=1).min() < np.linalg.norm(top - foot, axis=1).min()


@settings(max_examples=40, deadline=None)
@given(KIND, SEED, ANGLE)
def test_turning_turns_ink_and_labels_alike(kind: str, seed: int, angle: float) -> None:
    flat, turned = art_of(kind, seed), art_of(kind, seed, angle=angle)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    matrix = np.array([[cos, -sin], [sin, cos]])

    def about_centre(art: SealArt, points: np.ndarray) -> np.ndarray:
        height, width = art.coverage.shape
        return points - [width / 2.0, height / 2.0]

    def centroid(art: SealArt) -> np.ndarray:
        y, x = np.indices(art.coverage.shape)
        weights = art.coverage / art.coverage.sum()
        return np.array([((x + 0.5) * weights).sum(), ((y + 0.5) * weights).sum()])

    # a bias of 2 % in the antialiased edge of a thin ring moves its centroid by a quarter of a pixel
    assert np.allclose(about_centre(turned, centroid(turned)), matrix @ about_centre(flat, centroid(flat)), atol=0.5)
    for line, other in zip(flat.lines, turned.lines, strict=True):
        expected = about_centre(flat, line.polygon) @ matrix.T
        assert np.allclose(about_centre(turned, other.polygon), expected, atol=0.01)
    assert turned.coverage.sum() == pytest.approx(flat.coverage.sum(), rel=0.03)


@settings(max_examples=40, deadline=None)
@given(KIND, SEED, ANGLE)
def test_a_design_from_its_json_draws_the_same_bytes(kind: str, seed: int, angle: float) -> None:
    design = random_design(np.random.default_rng(seed), kind)
    assert design == random_design(np.random.default_rng(seed), kind)
    again = SealDesign.from_dict(json.loads(json.dumps(design.to_dict())))
    assert again == design
    first, second = draw(design, 150, angle), draw(again, 150, angle)
    assert first.coverage.tobytes() == second.coverage.tobytes()
    assert first.design == json.loads(json.dumps(second.design))


@pytest.mark.parametrize("kind", ["company", "department"])
def test_the_ring_leaves_a_gap_below_and_the_name_keeps_inside_it(kind: str) -> None:
    for seed in range(40):
        design = random_design(np.random.default_rng(seed), kind)
        art = draw(design, 200)
        height, width = art.coverage.shape
        name = next(line for line in art.lines if line.role == "name")
        offset = name.polygon - [width / 2.0, height / 2.0]
        from_top = np.rad2deg(np.arctan2(offset[:, 0], -offset[:, 1]))
        assert from_top.max() - from_top.min() <= 270.5
        radius = np.linalg.norm(offset, axis=1) * 25.4 / 200
        line = design.options.get("inner_line_mm", 0.0)
        wave = 0.55 if design.options.get("waves") else 0.0
        inner_edge = design.size_mm[0] / 2.0 - design.ring_mm - (line + 0.5 if line else 0.0) - wave
        assert 0.3 < inner_edge - radius.max() < 1.6


def test_sizes_are_true_to_millimetres() -> None:
    design = SealDesign("company", (40.0, 40.0), {"name": "岚陵市瀚途科技有限公司"}, star_mm=14.0)
    for dpi in (100, 200, 300):
        rows = np.flatnonzero((draw(design, dpi).coverage > 0.5).any(axis=1))
        assert (rows[-1] - rows[0] + 1) == pytest.approx(40.0 * dpi / 25.4, abs=1.5)


def test_intaglio_is_the_plate_without_the_glyphs() -> None:
    options = {"arrangement": "columns", "corner_mm": 0.0, "margin_mm": 0.5, "gap_mm": 0.5}
    relief = SealDesign("personal-square", (20.0, 20.0), {"name": "李明华印"}, ring_mm=0.5, weight=0.0, options=options)
    plate = SealDesign(
        "personal-square",
        (20.0, 20.0),
        {"name": "李明华印"},
        ring_mm=0.0,
        weight=0.0,
        options={**options, "intaglio": True},
    )
    positive, negative = draw(relief, 200), draw(plate, 200)
    inner = inside(positive.lines[0].polygon, positive.coverage.shape)
    assert np.allclose(positive.coverage[inner] + negative.coverage[inner], 1.0, atol=0.02)
    assert [line.text for line in positive.lines] == ["李明", "华印"]  # the right column is read first
    assert positive.lines[0].polygon[:, 0].min() > positive.lines[1].polygon[:, 0].max()


def test_a_long_name_is_condensed() -> None:
    def width_over_height(name: str) -> float:
        art = draw(SealDesign("company", (40.0, 40.0), {"name": name}, height_mm=5.5), 200)
        quad = art.lines[0].characters[0]
        return float(np.linalg.norm(quad[1] - quad[0]) / np.linalg.norm(quad[3] - quad[0]))

    assert width_over_height("岚陵市财政局") > width_over_height("岚陵市瀚途国际货运代理股份有限公司")


def test_a_missing_glyph_names_the_character_and_the_font() -> None:
    design = SealDesign("company", (40.0, 40.0), {"name": "岚陵\U0001f600公司"})
    with pytest.raises(MissingGlyphError, match=r"Noto Serif SC.*U\+1F600"):
        draw(design, 200)
    with pytest.raises(MissingGlyphError):
        check_coverage("\U0001f600", "hei")
    for style in STYLES:
        check_coverage("国印0A", style)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "hexagon"}, "no seal kind 'hexagon'"),
        ({"font": "/nowhere.ttf"}, "no font style or font file"),
        ({"size": [1, 1]}, "unknown key 'size'"),
        ({"texts": {}}, "needs 'name'"),
        ({"texts": {"name": " "}}, "is empty"),
        ({"size_mm": [0, 40]}, "give sizes > 0"),
    ],
)
def test_bad_designs_are_refused_in_one_line(change: dict[str, object], message: str) -> None:
    values = SealDesign("company", (40.0, 40.0), {"name": "岚陵市财政局"}).to_dict() | change
    with pytest.raises(UsageError, match=message):
        draw(SealDesign.from_dict(values), 200)


def test_a_font_file_that_is_none_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "font.ttf"
    path.write_bytes(b"not a font")
    with pytest.raises(UsageError, match="cannot read the font file"):
        draw(SealDesign("company", (40.0, 40.0), {"name": "财政局"}, font=str(path)), 200)


def test_random_designs_are_of_every_kind() -> None:
    rng = np.random.default_rng(0)
    assert {random_design(rng).kind for _ in range(3000)} == set(KINDS)
    with pytest.raises(UsageError):
        random_design(rng, "hexagon")
