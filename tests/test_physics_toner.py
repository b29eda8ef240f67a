"""Uneven print."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from seal2real import Forger, TemplatePages, stamp_page
from seal2real.physics.toner import Toner, print_unevenly
from seal2real.sample import Image
from seal2real.seeding import rng_for


@pytest.fixture(scope="module")
def page() -> Image:
    image = TemplatePages(100).page(rng_for(2, 0)).image.copy()
    image[100:140, 80:400] = 15
    return image


@pytest.mark.parametrize(("fading", "fraying"), [(0.5, 0.0), (0.0, 0.8), (0.6, 1.0)])
def test_print_wears_and_bare_paper_stays_bare(page: Image, fading: float, fraying: float) -> None:
    toner = Toner(fading, 0.15, fraying)
    uneven = print_unevenly(page, 100, toner, rng_for(1, 0))
    assert uneven.dtype == np.uint8 and uneven.shape == page.shape
    bare = page[..., 1] >= 240
    assert np.array_equal(uneven[bare], page[bare])
    assert (uneven != page).any(-1)[~bare].mean() > 0.2
    solid = (page < 20).all(-1)
    lighter = (uneven[solid].astype(int) - page[solid]).mean(-1)
    assert (lighter.mean() > 5) == (fading > 0), "solid strokes fade, edges alone fray"
    assert np.array_equal(uneven, print_unevenly(page, 100, toner, rng_for(1, 0)))
    assert not np.array_equal(uneven, print_unevenly(page, 100, toner, rng_for(1, 1)))


def test_even_print_is_the_page_itself(page: Image) -> None:
    assert print_unevenly(page, 100, Toner(0.0, 0.1, 0.0), rng_for(1, 0)) is page


def test_printers_differ_and_some_leave_nothing_to_see() -> None:
    toners = [Toner.random(rng_for(0, index)) for index in range(200)]
    even = sum(toner.fading == 0 and toner.fraying == 0 for toner in toners)
    assert 40 < even < 100
    assert all(0 <= toner.fading <= 0.6 and 0 <= toner.fraying <= 1 for toner in toners)
    assert min(toner.gain_mm for toner in toners) < 0 < 0.03 < max(toner.gain_mm for toner in toners) <= 0.04
    none = [Toner.random(rng_for(0, index), 0.0) for index in range(20)]
    assert all(toner.fading == toner.fraying == toner.gain_mm == 0 for toner in none)


@pytest.mark.parametrize("dpi", [100, 400])
@pytest.mark.parametrize("gain_mm", [-0.02, 0.02, 0.1])
def test_strokes_are_broader_by_millimetres(dpi: int, gain_mm: float) -> None:
    image = np.full((200, 200, 3), 255, np.uint8)
    image[60:140] = 0  # a stroke 80 pixels high
    printed = print_unevenly(image, dpi, Toner(0.0, 0.1, 0.0, gain_mm), rng_for(1, 0))
    height = float((1 - printed[:, 100, 1] / 255.0).sum())
    assert height == pytest.approx(80 + 2 * gain_mm * dpi / 25.4, abs=0.02)
    assert (printed[:40] == 255).all() and (printed[160:] == 255).all()


def test_views_of_larger_images_are_printed_too(page: Image) -> None:
    toner = Toner(0.5, 0.15, 0.5)
    part = page[10:300, 5:400]
    whole = print_unevenly(np.ascontiguousarray(part), 100, toner, rng_for(1, 0))
    assert np.array_equal(print_unevenly(part, 100, toner, rng_for(1, 0)), whole)


def test_worse_captures_show_worse_print_and_scanned_pages_keep_theirs(untrained: Forger, page: Image) -> None:
    rng = rng_for(3, 1)
    sample = stamp_page(replace(TemplatePages(100).page(rng), image=page), rng, 1, ["company"], "red")

    def unevenness(capture: float) -> float:
        forged = (untrained.forge(sample, rng_for(5, seed), {"capture": capture}).clean for seed in range(6))
        return max(float(cv2.GaussianBlur(image, (0, 0), 1.5)[105:135, 90:390, 1].std()) for image in forged)

    assert unevenness(0.5) > 2 * unevenness(0.0)
    scanned = replace(sample, page=replace(sample.page, scanned=True))
    assert np.array_equal(untrained.forge(scanned, rng_for(5, 0)).clean, page)
