"""Forging samples: labels stay exact, stamped and clean differ by ink alone, same choices give the same bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seal2real.errors import UsageError
from seal2real.forger.forge import Forger
from seal2real.forger.layered import LayeredForger
from seal2real.forger.residual import ResidualForger
from seal2real.forger.sheets import InkLayer, composed
from seal2real.page import TemplatePages
from seal2real.physics.knobs import KNOBS, decode
from seal2real.physics.page_scan import PageScan
from seal2real.press import compose, stamp_page
from seal2real.sample import Page, PlacedSeal, Sample
from seal2real.seeding import rng_for

DPI = 90


@cache
def a_sample(index: int, count: int = 1) -> Sample:
    page = TemplatePages(DPI).page(rng_for(11, index, "page"))
    return stamp_page(page, rng_for(11, index, "press"), count=count)


@pytest.fixture(scope="module")
def trained() -> Forger:
    """One whose residual network does something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = LayeredForger(widths=(8, 12))
        assert network.residual is not None
        torch.nn.init.normal_(network.residual.head.weight, std=0.1)
    return Forger(network, "trained")


def moved(seal: PlacedSeal, x: int, y: int) -> PlacedSeal:
    return replace(seal, offset=(x, y))


def reached(sample: Sample, pixels: int) -> np.ndarray:
    """``bool [H, W]``: within so many pixels of the seals' frames, which may lie off the page."""
    near = np.zeros(sample.size, bool)
    for seal in sample.seals:
        (x, y), (h, w) = seal.offset, seal.coverage.shape
        near[max(0, y - pixels) : max(0, y + h + pixels), max(0, x - pixels) : max(0, x + w + pixels)] = True
    return near


def assert_sound(sample: Sample, forged: Sample) -> None:
    """What holds for every forged sample."""
    assert forged.stamped.shape == forged.clean.shape == sample.page.image.shape
    assert forged.stamped.dtype == forged.clean.dtype == np.uint8
    assert forged.ink.shape == sample.size and forged.ink.dtype == np.float32
    assert forged.ink.min() >= 0 and forged.ink.max() <= 1
    assert forged.page is sample.page and len(forged.seals) == len(sample.seals)
    for before, after in zip(sample.seals, forged.seals, strict=True):
        assert after.visible.shape == after.coverage.shape and after.visible.dtype == bool
        assert after.authenticity == "impression"
        assert after.coverage is before.coverage and after.outline is before.outline and after.lines is before.lines
    # ink reaches 2.5 mm past a frame, the scan's filters 2.5 mm, JPEG a block and a pixel of chroma
    far = ~reached(sample, int(5 * DPI / 25.4) + 18)
    assert np.array_equal(forged.stamped[far], forged.clean[far])
    assert not forged.ink[~reached(sample, int(2.5 * DPI / 25.4) + 2)].any()


@settings(max_examples=10, deadline=None)
@given(index=st.integers(0, 7), count=st.integers(1, 3), seed=st.integers(0, 2**31 - 1))
def test_stamped_equals_clean_beyond_the_ink(untrained: Forger, index: int, count: int, seed: int) -> None:
    sample = a_sample(index, count)
    forged = untrained.forge(sample, np.random.default_rng(seed))
    assert_sound(sample, forged)
    if any(seal.visible.any() for seal in forged.seals):
        assert forged.ink.max() > 0.1
        assert (forged.stamped != forged.clean).any()


@settings(max_examples=8, deadline=None)
@given(x=st.floats(-1.2, 1.1), y=st.floats(-1.2, 1.1), seed=st.integers(0, 2**31 - 1))
def test_a_seal_over_the_edge_or_off_the_page(untrained: Forger, x: float, y: float, seed: int) -> None:
    sample = a_sample(0)
    height, width = sample.size
    seal = sample.seals[0]
    h, w = seal.coverage.shape
    offset = (int(x * w) if x < 0 else int(x * width), int(y * h) if y < 0 else int(y * height))
    sample = compose(sample.page, [moved(seal, *offset)])
    assert_sound(sample, untrained.forge(sample, np.random.default_rng(seed)))


def test_visible_ink_lies_where_the_stamped_page_is_darker(untrained: Forger) -> None:
    for index in range(4):
        forged = untrained.forge(a_sample(index), rng_for(0, index), {"wear": 0.2, "capture": 0.1})
        seal = forged.seals[0]
        window = seal.window(*forged.size)
        assert window is not None
        darker = (forged.clean[window[0]].astype(float) - forged.stamped[window[0]]).max(axis=2)
        light = forged.clean[window[0]].min(axis=2) > 150  # on print nothing can be seen
        shown, bare = seal.visible[window[1]] & light, ~seal.visible[window[1]] & light
        assert darker[shown].mean() > 40 > 15 > darker[bare].mean()
        ink = forged.ink[window[0]]
        assert ink[seal.visible[window[1]]].mean() > 3 * ink[~seal.visible[window[1]]].mean()


def test_overlapping_seals_add_their_ink(untrained: Forger) -> None:
    sample = a_sample(1)
    seal = sample.seals[0]
    x, y = seal.offset
    alone = untrained.forge(compose(sample.page, [seal]), np.random.default_rng(4))
    both = untrained.forge(compose(sample.page, [seal, moved(seal, x + 5, y + 4)]), np.random.default_rng(4))
    assert both.ink.sum() > 1.2 * alone.ink.sum()
    assert (both.ink >= alone.ink - 1e-6).all()  # the first seal's choices come first


def test_a_page_without_seals(untrained: Forger) -> None:
    sample = compose(a_sample(2).page, [])
    forged = untrained.forge(sample, np.random.default_rng(1))
    assert_sound(sample, forged)
    assert np.array_equal(forged.stamped, forged.clean)
    assert not np.array_equal(forged.clean, sample.page.image)  # it was scanned
    assert not forged.ink.any()


def test_a_scanned_page_keeps_its_pixels(untrained: Forger) -> None:
    pasted = a_sample(3)
    page: Page = replace(pasted.page, scanned=True)
    forged = untrained.forge(compose(page, pasted.seals), np.random.default_rng(1))
    assert forged.clean is page.image
    dry = cv2.dilate((forged.ink > 0).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert np.array_equal(forged.stamped[dry], page.image[dry])
    assert (forged.stamped != page.image).any()


@pytest.mark.parametrize("which", ["untrained", "trained"])
def test_same_rng_same_bytes(which: str, request: pytest.FixtureRequest) -> None:
    forger: Forger = request.getfixturevalue(which)
    sample = a_sample(4, 2)
    first, again, other = (forger.forge(sample, np.random.default_rng(seed)) for seed in (5, 5, 6))
    for name in ("stamped", "clean", "ink"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
        assert not np.array_equal(getattr(first, name), getattr(other, name)), name
    for one, two in zip(first.seals, again.seals, strict=True):
        assert np.array_equal(one.visible, two.visible)


def test_residual_network_changes_the_ink_alone(untrained: Forger, trained: Forger) -> None:
    sample = a_sample(5)
    plain, refined = (f.forge(sample, np.random.default_rng(2)) for f in (untrained, trained))
    assert_sound(sample, refined)
    assert np.array_equal(plain.clean, refined.clean)
    assert 0.001 < np.abs(plain.ink - refined.ink)[plain.ink > 0.2].mean() < 0.5


def test_the_residual_forger_takes_pages_in_bands_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResidualForger(widths=(8, 8, 8))
        torch.nn.init.normal_(network.network.head.weight, std=0.3)
    image = a_sample(0).stamped[:401, :120]
    forger = Forger(network, "flat")
    whole = forger.forge_image(image, np.random.default_rng(3))
    monkeypatch.setattr("seal2real.forger.forge._BAND", 128)
    banded = forger.forge_image(image, np.random.default_rng(3))
    assert np.abs(whole.astype(int) - image).mean() > 3
    assert np.abs(whole.astype(int) - banded).max() <= 1


def test_wear_takes_ink_away(untrained: Forger) -> None:
    """The more worn, the less of the design is seen, on average over impressions; the clean page does not care."""
    shares = []
    for wear in (0.0, 0.5, 1.0):
        shown = []
        for index in range(12):
            sample = a_sample(index % 4)
            seal = untrained.forge(sample, rng_for(1, index), {"wear": wear, "capture": 0.0}).seals[0]
            shown.append(seal.visible[seal.full_mask].mean())
        shares.append(float(np.mean(shown)))
    assert shares[0] > 0.97
    assert shares[0] > shares[1] > shares[2]


def test_capture_zero_is_close_to_the_page(untrained: Forger) -> None:
    page = a_sample(6).page
    sample = compose(page, [])
    near, far = (
        np.mean(
            [untrained.forge(sample, rng_for(2, i), {"capture": c}).clean.std(axis=(0, 1)).mean() for i in range(3)]
        )
        for c in (0.0, 1.0)
    )
    assert near > far  # contrast is lost


@pytest.mark.parametrize("style", [{"age": 0.5}, {"wear": 1.5}, {"capture": -0.1}])
def test_wrong_styles_are_refused(untrained: Forger, style: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(style))):
        untrained.forge(a_sample(0), np.random.default_rng(0), style)


@pytest.mark.parametrize("scanned", [True, False])
def test_paste_covers_print_and_dye_does_not(scanned: bool) -> None:
    page = np.full((96, 128, 3), 255, np.uint8)
    page[32:64] = 20  # a broad line of print across the seal
    ink = np.zeros((64, 64, 3), np.float32)
    ink[8:56, 8:56] = (0.1, 1.2, 1.4)
    scan = None if scanned else PageScan(decode(torch.zeros(1, len(KNOBS))), 5.0, 96, 128, torch.Generator())
    blur = np.ones(1, np.float32)
    dye, paste = (
        composed(page, [InkLayer(slice(16, 80), slice(32, 96), ink, body)], scan, blur)[1].astype(int)
        for body in (0.0, 0.4)
    )
    over_print, over_paper, beside = np.s_[42:54, 46:80], np.s_[26:28, 50:76], np.s_[:, :24]
    assert (paste[over_print] - dye[over_print])[..., 0].min() > 25, "red shows on black"
    assert np.abs(paste[over_paper] - dye[over_paper]).max() <= 12
    assert np.array_equal(paste[beside], dye[beside])


@pytest.mark.parametrize("seed", range(8))
def test_paper_is_grained_but_not_mottled(untrained: Forger, seed: int) -> None:
    blank = Page(np.full((500, 500, 3), 255, np.uint8), 100, (), (), "blank")
    forged = untrained.forge(compose(blank, ()), np.random.default_rng(seed), {"capture": 1.0})
    grey = forged.clean.astype(np.float32).mean(2)
    millimetre = 100 / 25.4
    clouds = cv2.GaussianBlur(grey, (0, 0), 0.5 * millimetre) - cv2.GaussianBlur(grey, (0, 0), 2 * millimetre)
    assert clouds[40:-40, 40:-40].std() < 1.6
