"""Handwriting and red things: they are there, legible where labelled, of pen's measure, and the rng alone decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import UsageError
from seal2real.page import TEMPLATES, TemplatePages
from seal2real.page.layout import open_dates
from seal2real.page.pen import coverage, lay, random_hand, sign, write
from seal2real.page.red import THINGS, _Sheet, red_things
from seal2real.page.skeleton import strokes_of, thin, trace
from seal2real.page.writing import written
from seal2real.sample import TextBox
from test_page_templates import page_of


def test_skeleton_of_a_cross_is_two_straight_strokes() -> None:
    shape = np.zeros((61, 61), bool)
    shape[27:34, 6:55] = shape[6:55, 27:34] = True
    lines = thin(shape)
    assert 80 < lines.sum() < 110 and (shape[lines]).all()
    chains = trace(lines)
    assert len(chains) == 2 and all(len(c) > 38 for c in chains)


@pytest.mark.parametrize(("character", "count"), [("一", 1), ("十", 2), ("0", 1), ("1", 2), (".", 1), ("S", 1)])
def test_strokes_are_as_many_as_a_hand_makes(character: str, count: int) -> None:
    strokes, advance = strokes_of(character)
    assert len(strokes) <= count and 0.2 < advance <= 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.text("0123456789年月日./-", min_size=1, max_size=11), st.floats(2.5, 9.0))
def test_characters_boxes_hold_their_strokes(seed: int, text: str, height: float) -> None:
    rng = np.random.default_rng(seed)
    hand = random_hand(rng)
    writing = write(rng, text, hand, height)
    assert 0.3 <= hand.pen <= 0.7 and len(writing.boxes) == len(text)
    x, y, w, h = writing.box
    for bx, by, bw, bh in writing.boxes:
        assert x - 0.4 <= bx and y - 0.4 <= by and bx + bw <= x + w + 0.4 and by + bh <= y + h + 0.4
        assert bh < 2.0 * height and bw < 2.0 * height
    assert all(s.width.max() <= 1.0 and s.width.min() >= 0.05 for s in writing.strokes)
    again = write(np.random.default_rng(seed), text, random_hand(np.random.default_rng(seed)), height)
    assert len(again.text) == len(text)


@pytest.mark.parametrize("name", ["赵思远", "Mary K. Novak"])
def test_signatures_repeat_with_the_rng_and_differ_without(name: str) -> None:
    def signature(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        writing = sign(rng, name, random_hand(rng), 8.0)
        image = np.full((200, 500, 3), 255, np.uint8)
        lay(image, writing.strokes, (60.0, 120.0), random_hand(rng), 150, rng)
        return image

    first = signature(1)
    assert np.array_equal(first, signature(1)) and not np.array_equal(first, signature(2))
    assert 0.005 < (first.min(axis=2) < 128).mean() < 0.2


def test_a_stroke_is_as_wide_as_its_pen() -> None:
    rng = np.random.default_rng(3)
    writing = write(rng, "一", random_hand(rng), 20.0)
    scale = 40.0
    x, y, w, h = writing.box
    cover = coverage(
        writing.strokes, (-x * scale + 5, -y * scale + 5), scale, (int(h * scale) + 10, int(w * scale) + 10)
    )
    wide = cover.sum(axis=0)[cover.any(axis=0)][40:-40] / scale
    assert 0.15 < np.median(wide) < 0.9


def test_open_dates_of_every_form() -> None:
    def line(text: str) -> TextBox:
        boxes = tuple((30.0 + 20 * i, 50.0, 0.0 if c.isspace() else 18.0, 18.0) for i, c in enumerate(text))
        return TextBox(text, (30, 50, 20.0 * len(text), 18), boxes)

    def parts(text: str) -> list[set[str]]:
        return [set(found) for found, _ in open_dates((line(text),))]

    assert parts("日期：　　　　年　　月　　日") == [{"year", "month", "day"}]
    assert parts("2021年　　月　　日") == [{"month", "day"}]
    assert parts("20　　年　　月　　日") == [{"year2", "month", "day"}]
    assert parts("2021年3月5日") == [] and parts("自签订之年起") == []


@pytest.mark.parametrize("name", ["power-of-attorney-zh", "purchase-order-en", "contract-mixed", "letter-en"])
def test_written_pages_only_get_darker_and_their_figures_are_labelled(name: str) -> None:
    filled = 0
    for seed in range(4):
        plain, page = page_of(name, seed), page_of(name, seed, pen=1.0)
        assert page.anchors == plain.anchors and (page.image <= plain.image).all()
        assert page.text[: len(plain.text)] == plain.text
        filled += page.source.endswith(" +pen")
        for line in page.text[len(plain.text) :]:
            x, y, w, h = (int(v) for v in line.bbox)
            assert (page.image[y : y + h + 1, x : x + w + 1] < plain.image[y : y + h + 1, x : x + w + 1]).any()
            assert len(line.characters) == len(line.text) and any(c.isdigit() for c in line.text)
    assert filled >= 2


def test_nothing_is_written_where_nothing_is_to_be_signed() -> None:
    image = np.full((300, 400, 3), 255, np.uint8)
    text = (TextBox("普通正文内容", (20, 20, 120, 18), tuple((20.0 + 20 * i, 20.0, 18.0, 18.0) for i in range(6))),)
    out, added, places = written(image, 100, text, (), np.random.default_rng(0), share=1.0)
    assert np.array_equal(out, image) and added == () and places == 0


@pytest.mark.parametrize("thing", THINGS)
def test_every_red_thing_is_red_and_spares_the_text(thing: str) -> None:
    done = 0
    for seed in range(4):
        page = page_of("letter-zh" if seed % 2 else "invoice-en", seed, 80)
        sheet = _Sheet(page.image.copy(), 80 / 25.4, page.text, np.random.default_rng(seed), [], bool(seed % 2))
        if not THINGS[thing](sheet):
            continue
        done += 1
        changed = (sheet.image != page.image).any(axis=2)
        assert changed.any()
        red, green = (sheet.image[..., k][changed].astype(int) for k in range(2))
        assert (red > green + 15).mean() > 0.6
        if thing in ("logo", "badge", "code", "mark"):  # on blank paper only
            assert page.image[changed].min() > 200
    assert done >= 2


def test_red_things_are_told_by_the_source() -> None:
    page = page_of("contract-en", 2, 60, red=1.0)
    added = page.source.split(" +")[1:]
    assert added and all(a.startswith("red-") and a[4:] in THINGS for a in added)
    image, text, names = red_things(page.image, 60, page.text, np.random.default_rng(0), count=7)
    again = red_things(page.image, 60, page.text, np.random.default_rng(0), count=7)
    assert np.array_equal(image, again[0]) and names == again[2] and len(names) >= 3
    assert all(len(t.text) == len(t.characters) for t in text)


@pytest.mark.parametrize("bad", [{"pen": 1.5}, {"red": -0.1}, {"pen": float("nan")}])
def test_shares_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(UsageError, match="choose 0 to 1"):
        TemplatePages(100, **bad)


def test_written_pages_of_all_templates_stay_whole() -> None:
    for name in TEMPLATES:
        page = page_of(name, 11, 60, pen=1.0, red=1.0)
        height, width = page.image.shape[:2]
        for line in page.text:
            x, y, w, h = line.bbox
            assert x >= -1 and y >= -1 and x + w <= width + 1 and y + h <= height + 1, (name, line.text)
