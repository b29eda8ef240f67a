"""Checks of masks, boxes and ink against each other."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from seal2real.dataset.checks.finding import WARNING, Problem
from seal2real.dataset.checks.geometry import fill_polygon
from seal2real.dataset.checks.opened import Opened

SPREAD_MM = 1.6  # how far ink may run past the design: spread, halo and a double strike together
_HAIRLINE_MM = 0.3  # thinner lines fall out of a design's mask where pixels are wider
_STRAY_SHARE = 0.005  # of a visible mask that may lie farther out
_FAINT = 3  # level of the ink map below which nobody sees it
_DRY_SHARE = 0.3  # of a visible mask that may be so faint, where a smooth edge or a blur crosses the threshold
_BLURRED_SHARE = 0.75  # of strong ink that may not be visible; a poor scan blurs thin lines away
_STRONG = 96  # level of the ink map at which ink must be accounted for by a mask


def mask(opened: Opened) -> Iterator[Problem]:
    """Masks are black and white, and a full mask is not empty."""
    for pictures, boxes in ((opened.full, opened.boxes), (opened.visible, opened.visible_boxes)):
        for picture, box in zip(pictures, boxes, strict=True):
            if picture is None or picture.size != opened.size:
                continue
            if box is None:
                if pictures is opened.full:
                    yield Problem(picture.path, "is empty")
                continue
            window = picture.pixels[opened.around(box, 0)]
            between = int(np.count_nonzero((window > 0) & (window < 255)))
            if between:
                yield Problem(picture.path, f"is no mask: {between} pixels are neither 0 nor 255")


def bbox(opened: Opened) -> Iterator[Problem]:
    """A seal's box is the tight box of its full mask."""
    for seal, picture, box in zip(opened.row["seals"], opened.full, opened.boxes, strict=True):
        if picture is None or box is None:
            continue
        if max(abs(given - tight) for given, tight in zip(seal["bbox"], box, strict=True)) > 0.5:
            yield Problem(picture.path, f"the mask's box is {list(box)}; the row says {seal['bbox']}")


def visible(opened: Opened) -> Iterator[Problem]:
    """Visible ink lies within the design, give or take the spread of ink."""
    margin = round(SPREAD_MM * opened.pixels_per_mm) + 2
    coarse = opened.pixels_per_mm * _HAIRLINE_MM < 1
    masks = zip(opened.row["seals"], opened.full, opened.visible, opened.boxes, opened.visible_boxes, strict=True)
    for seal, full, seen, box, seen_box in masks:
        if full is None or seen is None or box is None or seen.size != opened.size:
            continue
        if seen_box is None:
            yield Problem(seen.path, "is empty: nothing of this seal can be seen", WARNING)
            continue
        window = opened.around(box, margin)
        inside = seen.pixels[window] > 0
        design = (full.pixels[window] > 0).view(np.uint8)
        if coarse:
            corner = [window[1].start, window[0].start]
            fill_polygon(design, np.asarray(seal["polygon"], np.float64) - corner)
        total = cv2.countNonZero(seen.pixels)
        distance = cv2.distanceTransform(1 - design, cv2.DIST_L2, 5)
        near = int(np.count_nonzero(inside & (distance <= SPREAD_MM * opened.pixels_per_mm)))
        far = total - near
        if far > _STRAY_SHARE * total:
            yield Problem(
                seen.path, f"{far / total:.1%} of it lies more than {SPREAD_MM} mm from the design in {full.path}"
            )


def ink(opened: Opened) -> Iterator[Problem]:
    """There is ink where the visible masks say, and strong ink nowhere else."""
    layer = opened.ink
    if layer is None or layer.size != opened.size:
        return
    known = all(picture is not None and picture.size == opened.size for picture in (*opened.full, *opened.visible))
    for picture, box in zip(opened.visible, opened.visible_boxes, strict=True):
        if picture is None or box is None:
            continue
        window = opened.around(box, 0)
        seen = picture.pixels[window] > 0
        dry = float(np.count_nonzero(seen & (layer.pixels[window] < _FAINT)) / np.count_nonzero(seen))
        if dry > _DRY_SHARE:
            yield Problem(layer.path, f"holds no ink in {dry:.0%} of {picture.path}")
    if not known:
        return
    strong = cv2.threshold(layer.pixels, _STRONG, 255, cv2.THRESH_BINARY)[1]
    total = cv2.countNonZero(strong)
    if not total:
        return
    reach = round(SPREAD_MM * opened.pixels_per_mm)
    accounted = 0
    for box in opened.boxes:
        if box is not None:
            window = opened.around(box, reach)
            accounted += cv2.countNonZero(strong[window])
            strong[window] = 0
    stray = total - accounted
    # A seal that touches the image with less than a pixel of its design is left out of the row; its halo may stay.
    if stray > max(_STRAY_SHARE * total, opened.pixels_per_mm**2):
        x, y, w, h = cv2.boundingRect(strong)
        yield Problem(layer.path, f"holds ink that is of no seal: {stray} pixels within [{x}, {y}, {w}, {h}]")
    for picture, box in zip(opened.visible, opened.boxes, strict=True):
        if picture is None or box is None:
            continue
        window = opened.around(box, reach)
        dark = layer.pixels[window] > _STRONG
        missed = dark & (cv2.dilate(opened.inked[window], np.ones((5, 5), np.uint8)) == 0)
        if missed.sum() > max(_BLURRED_SHARE * dark.sum(), opened.pixels_per_mm**2):
            share = missed.sum() / dark.sum()
            yield Problem(picture.path, f"leaves out {share:.0%} of the strong ink around its seal", WARNING)
