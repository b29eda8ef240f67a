"""Seals on pages: placement, composition and crops keep ink and labels together."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import UsageError
from seal2real.press import COLOURS, absorbance_of, compose, crop_sample, place, random_ink, stamp_page
from seal2real.sample import Anchor, Page, TextBox
from seal2real.seal import draw, random_design

SEED = st.integers(0, 2**31)


def paper(width: int = 827, height: int = 1169, dpi: float = 100.0) -> Page:
    image = np.full((height, width, 3), 250, np.uint8)
    text = []
    for row in range(20):
        y = 60 + row * 50
        cv2.putText(image, "words of a contract", (80, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 1, cv2.LINE_AA)
        letters = tuple((80.0 + 12.0 * k, y - 16.0, 12.0 * (k != 5), 20.0) for k in range(19))
        text.append(TextBox("words of a contract", (80.0, y - 16.0, 228.0, 20.0), letters))
    anchors = (Anchor("date", (500.0, 950.0, 160.0, 20.0)), Anchor("signature", (450.0, 880.0, 200.0, 30.0)))
    return Page(image, dpi, tuple(text), anchors, "test")


PAGE = paper()


@settings(max_examples=12, deadline=None)
@given(SEED, st.integers(1, 4))
def test_stamped_is_the_page_times_the_light_that_the_ink_lets_through(seed: int, count: int) -> None:
    sample = stamp_page(PAGE, np.random.default_rng(seed), count=count)
    assert len(sample.seals) == count
    assert np.array_equal(sample.clean, PAGE.image)
    height, width = sample.size
    absorbance = sum(s.on_page(s.inked, height, width)[..., None] * s.absorbance for s in sample.seals)
    expected = PAGE.image * np.exp(-absorbance)
    assert np.abs(sample.stamped - expected).max() <= 0.51
    assert np.allclose(sample.ink, 1.0 - np.exp(-absorbance).min(axis=-1), atol=1e-5)
    untouched = sample.ink == 0.0
    assert np.array_equal(sample.stamped[untouched], sample.clean[untouched])
    for seal in sample.seals:
        assert seal.window(height, width) is not None
        assert not (seal.visible & ~seal.full_mask).any()
        assert seal.contact is not None or np.array_equal(seal.visible, seal.full_mask)
        assert seal.authenticity == "paste"


@settings(max_examples=30, deadline=None)
@given(SEED)
def test_outlines_lie_around_the_ink_on_the_page(seed: int) -> None:
    sample = stamp_page(PAGE, np.random.default_rng(seed), count=1)
    seal = sample.seals[0]
    height, width = seal.coverage.shape
    low, high = seal.outline.min(axis=0) - seal.offset, seal.outline.max(axis=0) - seal.offset
    rows, columns = np.flatnonzero(seal.coverage.any(axis=1)), np.flatnonzero(seal.coverage.any(axis=0))
    assert columns[0] >= low[0] - 2.5
    assert rows[0] >= low[1] - 2.5
    assert columns[-1] + 1 <= high[0] + 2.5
    assert rows[-1] + 1 <= high[1] + 2.5
    assert low.min() >= 0
    assert high[0] <= width
    assert high[1] <= height
    for line in seal.lines:
        for quad in line.characters:
            assert cv2.pointPolygonTest(seal.outline, tuple(map(float, quad.mean(axis=0))), True) > 0


def test_same_generator_same_page() -> None:
    first, second = (stamp_page(PAGE, np.random.default_rng(5), count=3) for _ in range(2))
    assert first.stamped.tobytes() == second.stamped.tobytes()
    assert [seal.design for seal in first.seals] == [seal.design for seal in second.seals]


def test_kinds_and_colour_can_be_chosen() -> None:
    sample = stamp_page(PAGE, np.random.default_rng(1), count=6, kinds=["invoice", "notice"], colour="violet")
    assert {seal.kind for seal in sample.seals} == {"invoice", "notice"}
    assert {seal.colour for seal in sample.seals} == {"violet"}
    for kinds, colour in ((["hexagon"], None), (None, "pink")):
        with pytest.raises(UsageError):
            stamp_page(PAGE, np.random.default_rng(1), kinds=kinds, colour=colour)
    assert stamp_page(PAGE, np.random.default_rng(1), count=0).ink.sum() == 0.0


def test_seals_go_where_the_anchors_are_and_now_and_then_over_the_edge() -> None:
    near, over = 0, 0
    for seed in range(150):
        seal = stamp_page(PAGE, np.random.default_rng(seed), count=1).seals[0]
        x, y = seal.outline.mean(axis=0)
        near += 380 < x < 760 and 780 < y < 1080
        over += bool((seal.outline < 0).any() or (seal.outline > [827, 1169]).any())
    assert near > 100
    assert over > 3


def test_ink_of_overlapping_seals_adds_up() -> None:
    rng = np.random.default_rng(0)
    art = draw(random_design(rng, "company"), 100)
    ink = absorbance_of((220.0, 40.0, 40.0))
    seals = [
        place(art, PAGE, rng, centre=(400.0 + shift, 600.0), angle=0.0, colour="red", absorbance=ink)
        for shift in (0, 40)
    ]
    sample = compose(PAGE, seals)
    both = seals[0].on_page(seals[0].coverage, 1169, 827) * seals[1].on_page(seals[1].coverage, 1169, 827) > 0.99
    assert both.any()
    assert np.allclose(sample.ink[both], 1.0 - np.exp(-2.0 * ink.max()), atol=1e-3)


def test_place_wants_the_colour_of_a_given_ink() -> None:
    art = draw(random_design(np.random.default_rng(0), "company"), 100)
    with pytest.raises(UsageError, match="colour"):
        place(art, PAGE, np.random.default_rng(0), absorbance=absorbance_of((220.0, 40.0, 40.0)))


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_inks_look_as_their_class_says(colour: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        name, absorbance = random_ink(rng, colour)
        assert name == colour
        assert absorbance.shape == (3,)
        assert (absorbance > 0).all()
        red, green, blue = absorbance
        assert {
            "red": red < min(green, blue),
            "blue": blue < min(red, green),
            "violet": blue < green and red < green,
            "black": absorbance.min() > 0.5,
        }[colour]


@settings(max_examples=40, deadline=None)
@given(SEED, st.sampled_from([64, 160, 256, 1500]))
def test_a_crop_keeps_every_layer_and_label_in_place(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    sample = stamp_page(PAGE, rng, count=2)
    crop = crop_sample(sample, 1, size, rng)
    left, top, width, height = crop.provenance["crop"]
    assert (width, height) == (size, size)
    assert crop.size == (size, size)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + size, 827), min(top + size, 1169)
    rows, columns = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    for own, whole in ((crop.stamped, sample.stamped), (crop.clean, sample.clean), (crop.ink, sample.ink)):
        assert np.array_equal(own[rows, columns], whole[y0:y1, x0:x1])
    assert np.array_equal(crop.page.image[rows, columns], PAGE.image[y0:y1, x0:x1])
    again = compose(crop.page, crop.seals)
    assert np.array_equal(again.stamped[rows, columns], crop.stamped[rows, columns])
    target = next(seal for seal in crop.seals if seal.design == sample.seals[1].design)
    moved = target.outline - sample.seals[1].outline
    assert np.allclose(moved, [-left, -top], atol=1e-3)
    window, inside = sample.seals[1].window(1169, 827), target.window(size, size)
    assert window is not None
    assert inside is not None
    frame = window[0][0].stop - window[0][0].start, window[0][1].stop - window[0][1].start
    if max(frame) <= size <= 827:
        assert (inside[0][0].stop - inside[0][0].start, inside[0][1].stop - inside[0][1].start) == frame
    for text in crop.page.text:
        x, y, w, h = text.bbox
        assert -1e-3 <= x <= x + w <= size + 1e-3
        assert -1e-3 <= y <= y + h <= size + 1e-3
        assert len(text.characters) == len(text.text)
        assert text.text.strip() in "words of a contract"
        assert text.text


def test_crops_of_nothing_are_refused() -> None:
    rng = np.random.default_rng(0)
    sample = stamp_page(PAGE, rng, count=1)
    for index, size in ((1, 64), (0, 0)):
        with pytest.raises(UsageError):
            crop_sample(sample, index, size, rng)


def test_pages_without_chinese_text_get_other_seals() -> None:
    def kinds(page: Page) -> list[str]:
        return [stamp_page(page, np.random.default_rng(seed), count=1).seals[0].kind for seed in range(80)]

    chinese = replace(PAGE, text=(TextBox("合同编号", (10.0, 10.0, 80.0, 20.0)),))
    assert kinds(chinese).count("company") > kinds(chinese).count("ring")
    assert kinds(PAGE).count("ring") > 2 * kinds(PAGE).count("company")


def test_bad_counts_and_empty_kinds_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="number of seals"):
        stamp_page(PAGE, rng, count=-1)
    with pytest.raises(UsageError, match="list of seal kinds is empty"):
        stamp_page(PAGE, rng, kinds=[])
