"""What of a seal's text can be read: each character by itself, on partial strikes, at edges and on sheets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.dataset.formats.native import encode_sample
from seal2real.dataset.legibility import LinePart, seal_parts
from seal2real.press import Riding, compose, place, stamp_sheets
from seal2real.press.strikes import partial_strike, visible_of
from seal2real.sample import Page, PlacedSeal, Sample
from seal2real.seal import complete_design, draw

DPI, HEIGHT, WIDTH = 150.0, 420, 420
PAGE = Page(np.full((HEIGHT, WIDTH, 3), 250, np.uint8), DPI, (), (), "blank")
DESIGN = complete_design({"kind": "company", "text": "岚陵市瀚途货运代理有限公司", "colour": "red"})
SEED = st.integers(0, 2**31)


def struck(x: float = WIDTH / 2) -> PlacedSeal:
    return place(draw(DESIGN, DPI), PAGE, np.random.default_rng(0), centre=(x, HEIGHT / 2), angle=0.0)


def parts_of(folder: Path, sample: Sample, seal: int = 0) -> list[tuple[dict[str, Any], list[LinePart]]]:
    """As the exporters get them: from the files of a native dataset."""
    encoded = encode_sample(sample, 0, "train")
    for path, data in encoded.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return seal_parts(folder, encoded.row, encoded.row["seals"][seal])


def shares_of(parts: list[LinePart]) -> list[float]:
    return [share for part in parts for share in part.characters]


def inside(quad: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """``bool [H, W]``: pixels whose middle is in a quad, by its four sides."""
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    signs = []
    for (x0, y0), (x1, y1) in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        signs.append((x1 - x0) * (ys - y0) - (y1 - y0) * (xs - x0))
    stack = np.stack(signs)
    return np.asarray((stack >= 0).all(axis=0) | (stack <= 0).all(axis=0))


def test_a_clean_strike_can_be_read_whole(tmp_path: Path) -> None:
    for line, parts in parts_of(tmp_path, compose(PAGE, [struck()])):
        (part,) = parts
        assert part.whole and part.legible and part.text == line["text"]
        assert min(part.characters) > 0.99 and part.visible > 0.99


@settings(max_examples=15, deadline=None)
@given(SEED)
def test_characters_of_a_partial_strike_are_judged_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    seal = partial_strike(struck(), np.random.default_rng(seed))
    sample = compose(PAGE, [seal])
    full, seen = (seal.on_page(layer, HEIGHT, WIDTH) for layer in (seal.full_mask, seal.visible))
    for line, parts in parts_of(tmp_path_factory.mktemp("partial"), sample):
        shares = shares_of(parts)
        assert len(shares) == len(line["text"]), "no character is left out"
        text = "".join(part.text for part in parts)
        assert text == line["text"]
        for quad, share in zip(line["characters"], shares, strict=True):
            area = inside(np.array(quad), (HEIGHT, WIDTH))
            truth = (full & seen & area).sum() / max((full & area).sum(), 1)
            assert share == pytest.approx(truth, abs=0.06)
        for part in parts:
            assert part.legible == (min(part.characters) >= 0.5)
            assert part.legible or max(part.characters) < 0.5


def test_half_of_a_seal_is_half_of_its_text(tmp_path: Path) -> None:
    seal = struck()
    contact = np.ones_like(seal.coverage)
    contact[:, : contact.shape[1] // 2] = 0.0  # the die did not touch the paper left of the middle
    seal = replace(seal, contact=contact, visible=visible_of(seal.coverage, contact, seal.absorbance))
    ((line, parts), *_) = parts_of(tmp_path, compose(PAGE, [seal]))
    middle = len(line["text"]) // 2
    assert [part.legible for part in parts] == [False, True]
    assert parts[1].text in (line["text"][middle:], line["text"][middle + 1 :])
    assert not parts[0].whole and not parts[1].whole
    assert cv2.boundingRect(parts[1].polygon)[0] > WIDTH / 2 - 12


@settings(max_examples=15, deadline=None)
@given(st.floats(-80, 500))
def test_characters_at_the_edge_count_by_what_is_on_the_image(
    tmp_path_factory: pytest.TempPathFactory, x: float
) -> None:
    seal = struck(x)
    for line, parts in parts_of(tmp_path_factory.mktemp("edge"), compose(PAGE, [seal])):
        quads = np.array(line["characters"])
        there = [index for index, quad in enumerate(quads) if quad[:, 0].max() > 0 and quad[:, 0].min() < WIDTH]
        shares = shares_of(parts)
        assert abs(len(shares) - len(there)) <= 2  # slivers are no regions
        legible = "".join(part.text for part in parts if part.legible)
        sure = [i for i in there if quads[i, :, 0].min() >= 0 and quads[i, :, 0].max() <= WIDTH]
        assert all(line["text"][index] in legible for index in sure)
        wide = [i for i, quad in enumerate(quads) if not 0 <= quad[:, 0].mean() <= WIDTH]
        for part in parts:
            assert (part.polygon >= 0).all() and (part.polygon <= [WIDTH, HEIGHT]).all()
        if len(there) == len(shares):
            for index, share in zip(there, shares, strict=True):
                assert share <= 0.75 if index in wide else share >= 0.25


@settings(max_examples=10, deadline=None)
@given(SEED, st.integers(2, 5))
def test_every_character_of_a_cross_page_seal_is_read_on_one_sheet_at_most(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sheets: int
) -> None:
    rng = np.random.default_rng(seed)
    riding = replace(Riding.random(rng, sheets, "right"), turn=0.0)
    samples = stamp_sheets([PAGE] * sheets, rng, DESIGN, riding=riding)
    name = DESIGN.texts["name"]
    count = np.zeros(len(name), int)
    for sheet, sample in enumerate(samples):
        for line, parts in parts_of(tmp_path_factory.mktemp(f"sheet{sheet}"), sample):
            if line["role"] != "name":
                continue
            for part in parts:
                for character, share in zip(part.text, part.characters, strict=True):
                    assert part.legible == (share >= 0.5)
                    count[name.index(character)] += part.legible
    assert count.max() <= 1
    assert count.sum() >= len(name) - 2 * (sheets - 1)  # those that a cut goes through are lost, the others are there


def test_spaces_go_with_their_neighbours(tmp_path: Path) -> None:
    design = complete_design({"kind": "notice", "texts": {"notice": "NOT PAID"}})
    art = draw(design, DPI)
    sample = compose(PAGE, [place(art, PAGE, np.random.default_rng(0), centre=(210.0, 210.0), angle=0.0)])
    ((_, (part,)), *_) = parts_of(tmp_path, sample)
    assert part.text == "NOT PAID" and part.legible and min(part.characters) > 0.9
