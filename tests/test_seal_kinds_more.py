"""Every kind of seal: sizes, reading order, lines clear of each other and of the ring, and exact characters."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from seal2real.errors import MissingGlyphError, UsageError
from seal2real.sample import SealArt
from seal2real.seal import KINDS, SealDesign, check_coverage, draw, layout_of, names, random_design, sealscript
from seal2real.seal.emblems import EMBLEMS, emblem
from seal2real.seal.fonts import STYLES
from seal2real.seal.geometry import Layout, ellipse_points
from seal2real.seal.kinds.personal import columns
from seal2real.seal.lettering import is_cjk
from seal2real.seal.sealscript import strokes, thin

KIND = st.sampled_from(sorted(KINDS))
SEED = st.integers(0, 2**31)
FIRST = ("company", "department", "invoice", "personal-square", "personal-rectangle", "notice", "ring", "oval")


def design_of(kind: str, seed: int) -> SealDesign:
    return random_design(np.random.default_rng(seed), kind)


def fill(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round((points - 0.5) * 256).astype(np.int32)], 1, cv2.LINE_8, 8)
    return mask > 0


def quads_of(art: SealArt) -> np.ndarray:
    return np.concatenate([np.stack(line.characters) for line in art.lines])


@settings(max_examples=60, deadline=None)
@given(KIND, SEED, st.integers(0, 10**6))
def test_changing_a_character_changes_ink_only_in_its_own_quad(kind: str, seed: int, which: int) -> None:
    design = design_of(kind, seed)
    places = [
        (role, k) for role, text in design.texts.items() for k, c in enumerate(text) if is_cjk(c) and c not in "（）："
    ]
    assume(places)
    role, at = places[which % len(places)]
    text = design.texts[role]
    other = "国" if text[at] != "国" else "中"
    changed = replace(design, texts={**design.texts, role: text[:at] + other + text[at + 1 :]})
    before, after = draw(design, 300), draw(changed, 300)
    assume(before.coverage.shape == after.coverage.shape)
    lines = zip(before.lines, after.lines, strict=False)
    moved = [(one, two) for one, two in lines if one.text != two.text]
    # a word that is not known any more may be broken elsewhere; then there is nothing to compare
    assume(len(moved) == 1 and np.allclose(quads_of(before), quads_of(after), atol=0.01))
    one, two = moved[0]
    k = next(k for k, pair in enumerate(zip(one.text, two.text, strict=True)) if pair[0] != pair[1])
    quad = one.characters[k]
    # a path of other complexity is antialiased a little otherwise all over; ink that comes or goes is more than that
    difference = np.abs(before.coverage - after.coverage) > 0.35
    assert difference.any()
    height = float(np.linalg.norm(quad[3] - quad[0]))
    # strokes may stand out of the face of the character by their weight and by the slope of FangSong
    slack = design.weight / 2.0 * 300 / 25.4 + 0.10 * max(height, float(np.linalg.norm(quad[1] - quad[0]))) + 1.5
    y, x = np.nonzero(difference)
    distance = [cv2.pointPolygonTest(quad, (float(u) + 0.5, float(v) + 0.5), True) for u, v in zip(x, y, strict=True)]
    assert sum(d < -slack for d in distance) <= 4  # single pixels where outlines touch


@settings(max_examples=80, deadline=None)
@given(KIND, SEED)
def test_lines_keep_clear_of_each_other_and_of_the_ring(kind: str, seed: int) -> None:
    design = design_of(kind, seed)
    art = draw(design, 200)
    masks = []
    for line in art.lines:
        mask = np.zeros(art.coverage.shape, bool)
        for quad in line.characters:
            mask |= fill(quad, art.coverage.shape)
        masks.append(mask)
    for i, one in enumerate(masks):
        for two in masks[:i]:
            shared = (one & two).sum()
            assert shared <= 0.03 * min(one.sum(), two.sum()), (art.lines[i].text, shared)
    ring = design.ring_mm * 200 / 25.4
    inside = [cv2.pointPolygonTest(art.outline, (float(x), float(y)), True) for x, y in quads_of(art).reshape(-1, 2)]
    assert min(inside) >= ring - 2.0


@settings(max_examples=60, deadline=None)
@given(KIND, SEED)
def test_every_text_of_the_design_is_labelled_in_full(kind: str, seed: int) -> None:
    design = design_of(kind, seed)
    drawn = "".join(line.text for line in layout_of(design).lines)

    def bare(text: str) -> list[str]:
        return sorted(text.replace(" ", ""))

    wanted = "".join(design.texts.values()) + "".join(design.options.get("fields", []))
    wanted += "**" if design.options.get("around") and design.texts.get("place") else ""
    assert bare(drawn) == bare(wanted)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_draws_many_designs_with_no_glyph_missing(kind: str) -> None:
    seen = set()
    for seed in range(12):
        design = design_of(kind, 1000 + seed)
        layout = layout_of(design)
        assert layout.lines
        assert design.kind == kind
        seen.add(str(design.texts))
        for text in design.texts.values():
            check_coverage(text, design.font)
    assert len(seen) > 8


@pytest.mark.parametrize(
    ("kind", "shortest", "longest"),
    [
        ("government", 41.0, 46.0),
        ("hr", 36.0, 42.0),
        ("branch", 36.0, 42.0),
        ("bilingual", 39.0, 46.0),
        ("dater", 24.0, 40.0),
        ("triangle", 17.0, 47.0),
        ("cyrillic", 35.0, 46.0),
        ("latin", 35.0, 46.0),
        ("hanko", 10.0, 19.0),
        ("hanko-company", 20.0, 28.0),
        ("hanko-representative", 16.0, 19.0),
        ("personal-oval", 9.0, 26.0),
    ],
)
def test_sizes_are_those_of_real_seals(kind: str, shortest: float, longest: float) -> None:
    for seed in range(30):
        assert shortest <= max(design_of(kind, seed).size_mm) <= longest


def test_the_usual_mix_stays_one_of_chinese_office_seals() -> None:
    shares = {name: kind.share for name, kind in KINDS.items()}
    total = sum(shares.values())
    assert sum(share for name, share in shares.items() if name not in FIRST) <= 0.2 * total
    chinese = ("company", "department", "invoice", "personal-square", "personal-rectangle")
    assert sum(shares[name] for name in chinese) >= 0.6 * total


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("李明", ["李", "明"]),
        ("李明华", ["李", "明华"]),
        ("李明华印", ["李明", "华印"]),
        ("李明之印", ["李明", "之印"]),
        ("李明华之印", ["李明华", "之印"]),
    ],
)
def test_personal_seals_read_from_the_right_column(text: str, expected: list[str]) -> None:
    assert columns(text) == expected
    art = draw(SealDesign("personal-square", (20.0, 20.0), {"name": text}, font="seal", weight=0.1), 200)
    assert [line.text for line in art.lines] == expected
    assert art.lines[0].polygon[:, 0].min() > art.lines[1].polygon[:, 0].max()


def test_a_japanese_company_seal_reads_down_its_columns_from_the_right() -> None:
    art = draw(SealDesign("hanko-company", (24.0, 24.0), {"name": "株式会社青浜商事印"}, font="seal"), 200)
    assert [line.text for line in art.lines] == ["株式会", "社青浜", "商事印"]
    left = [float(line.polygon[:, 0].min()) for line in art.lines]
    assert left == sorted(left, reverse=True)
    for line in art.lines:
        tops = [float(quad[0, 1]) for quad in line.characters]
        assert tops == sorted(tops)


def test_cyrillic_stamps_carry_their_numbers() -> None:
    for seed in range(40):
        design = design_of("cyrillic", seed)
        digits = [
            sum(c.isdigit() for c in design.texts[role]) for role in ("code", "tax-number") if role in design.texts
        ]
        sole = design.texts["name"].upper().startswith("ИНДИВИД")
        assert digits[0] in ({15, 27} if sole else {13, 23})
        if len(digits) > 1:
            assert digits[1] == (12 if sole else 10)


def test_a_side_of_a_triangle_carries_its_text_along() -> None:
    texts = {"name": "ООО «Гормет»", "place": "ИНН 1234567890", "code": "Г. ЛУГОВОЕ", "notice": "ДЛЯ СПРАВОК"}
    art = draw(SealDesign("triangle", (42.0, 36.4), texts, font="hei", height_mm=3.2), 200)
    heading = {}
    for line in art.lines:
        along = line.polygon[1] - line.polygon[0]
        heading[line.role] = float(np.degrees(np.arctan2(along[1], along[0])))
    assert heading["name"] == pytest.approx(-60.0, abs=0.5)
    assert heading["place"] == pytest.approx(60.0, abs=0.5)
    assert heading["code"] == pytest.approx(0.0, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(names.words("surnames") + names.words("given") + tuple("之印株式会社")))
def test_seal_script_fills_its_square_with_lines_that_lie_or_stand(character: str) -> None:
    path = STYLES["seal"].path
    lines = strokes(path, character)
    assert lines is strokes(path, character)
    points = np.concatenate(lines)
    assert points.min() >= -1e-6
    assert points.max() <= 1.0 + 1e-6
    if character not in "一":
        assert np.allclose(points.max(axis=0) - points.min(axis=0), 1.0, atol=1e-6)
    steps = np.concatenate([np.abs(np.diff(line, axis=0)) for line in lines])
    length = np.hypot(steps[:, 0], steps[:, 1])
    assert length[steps.min(axis=1) < 1e-9].sum() > 0.2 * length.sum()


def test_seal_script_has_one_stroke_width_even_in_a_tall_cell() -> None:
    art = draw(SealDesign("personal-square", (20.0, 20.0), {"name": "王田"}, font="seal", ring_mm=0.0, weight=0.2), 600)
    ink = art.coverage > 0.5
    # widths on the middle lines, away from crossings: nearly all alike
    widths = 2.0 * distance_transform_edt(ink)[thin(ink)]
    assert np.percentile(widths, 75) < 1.25 * np.percentile(widths, 25)


def test_thinning_keeps_a_line_connected_and_one_pixel_wide() -> None:
    image = np.zeros((40, 60), bool)
    image[15:22, 5:55] = True
    middle = thin(image)
    assert middle.sum(axis=0).max() == 1
    assert cv2.connectedComponents(middle.astype(np.uint8), connectivity=8)[0] == 2
    assert set(np.nonzero(middle)[0].tolist()) <= {17, 18, 19}


@pytest.mark.parametrize("name", sorted(EMBLEMS))
def test_emblems_keep_inside_their_circle(name: str) -> None:
    layout = Layout(ellipse_points(12.0, 12.0), marks=emblem(name, 16.0, (1.0, -2.0)))
    boxes = [mark.path.computeTightBounds() for mark in layout.marks if not mark.clear]
    assert boxes
    for box, mark in zip(boxes, [mark for mark in layout.marks if not mark.clear], strict=True):
        half = mark.width / 2.0
        assert box.left() - half >= 1.0 - 8.3
        assert box.right() + half <= 1.0 + 8.3
        assert box.top() - half >= -2.0 - 8.3
        assert box.bottom() + half <= -2.0 + 8.3


def test_an_unknown_emblem_is_refused_in_one_line() -> None:
    design = replace(design_of("government", 3), options={"emblem": "dragon"})
    with pytest.raises(UsageError, match="no emblem 'dragon'"):
        draw(design, 200)


def test_seal_script_names_the_character_that_the_font_lacks() -> None:
    with pytest.raises(MissingGlyphError):
        draw(SealDesign("personal-square", (20.0, 20.0), {"name": "李\U0001f600"}, font="seal"), 200)


@pytest.mark.parametrize("option", ["inner_line_mm", "waves", "star_line_mm", "hairlines", "ring_gaps"])
def test_each_security_feature_changes_the_ink_and_no_letter(option: str) -> None:
    values = {"inner_line_mm": 0.2, "waves": 90, "star_line_mm": 0.2, "hairlines": [20.0], "ring_gaps": [40.0, 200.0]}
    extra = {"hairlines": {"hairline_mm": 0.15}, "ring_gaps": {"ring_gap_mm": 0.3}}.get(option, {})
    plain = SealDesign("company", (40.0, 40.0), {"name": "岚陵市瀚途科技有限公司"}, star_mm=13.0)
    marked = replace(plain, options={option: values[option], **extra})
    one, two = draw(plain, 300), draw(marked, 300)
    assert np.abs(one.coverage - two.coverage).max() > 0.3
    assert [line.text for line in one.lines] == [line.text for line in two.lines]


@pytest.mark.parametrize(
    "key",
    [
        "institutions", "courts", "banks", "streets", "finance_purposes", "contract_purposes", "hr_purposes",
        "inspection_zh", "dater_purposes", "incoming_titles", "incoming_fields", "cyrillic_purposes",
        "cyrillic_regions", "japanese_surnames", "japanese_first", "japanese_second", "japanese_trades",
        "japanese_offices",
    ],
)  # fmt: skip
def test_every_style_covers_the_new_word_lists(key: str) -> None:
    for style in STYLES:
        check_coverage("".join(names.words(key)), style)


def test_seal_script_loses_no_stroke() -> None:
    path = STYLES["seal"].path
    for character in set("".join(names.words("surnames")[:40]) + "代表取締役之印株式会社岚机密有限公司财务专用章"):
        image, pen = sealscript._raster(path, character)
        middle = thin(image)
        nodes, edges = sealscript._graph(middle, pen)
        canvas = np.zeros(image.shape, np.uint8)
        for line in sealscript._snap(nodes, edges, pen):
            cv2.polylines(canvas, [np.round(line * 16).astype(np.int32)], False, 1, int(1.6 * pen), cv2.LINE_8, 4)
        assert ((canvas > 0) & middle).sum() > 0.9 * middle.sum(), character
