"""Checks of the stamped and the clean image."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from seal2real.dataset.checks.finding import WARNING, Problem
from seal2real.dataset.checks.opened import Opened
from seal2real.images import read_synthetic_mark

_BLOCK = 16  # pixels of a JPEG block with chroma at half resolution: what one pixel of ink can change
_ROUNDING = 5.0  # levels by which two encodings of nearly equal pixels may differ


def size(opened: Opened) -> Iterator[Problem]:
    """Every image has the size that the row gives."""
    width, height = opened.size
    for picture in (opened.stamped, opened.clean, opened.ink, *opened.full, *opened.visible):
        if picture is not None and picture.size != (width, height):
            yield Problem(
                picture.path, f"is {picture.width} x {picture.height} pixels; the row says {width} x {height}"
            )


def synthetic_mark(opened: Opened) -> Iterator[Problem]:
    """Stamped and clean image say in their metadata that they are synthetic."""
    for picture in (opened.stamped, opened.clean):
        if picture is not None and not read_synthetic_mark(opened.root / picture.path):
            yield Problem(picture.path, "does not say in its metadata that it is synthetic", WARNING)


def clean(opened: Opened) -> Iterator[Problem]:
    """Where there is no ink, the clean image is the stamped one.

    JPEG codes blocks apart from each other, so a block without ink, whose neighbours have none either, differs by no
    more than rounding; a coefficient at a rounding edge may fall to either side, which grows with the quantisation.
    """
    stamped, twin, ink = opened.stamped, opened.clean, opened.ink
    if stamped is None or twin is None or ink is None or not stamped.size == twin.size == ink.size:
        return
    height, width = ink.pixels.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    inked = cv2.threshold(ink.pixels, 0, 255, cv2.THRESH_BINARY)[1]
    inked = cv2.copyMakeBorder(
        inked, 0, rows * _BLOCK - height, 0, columns * _BLOCK - width, cv2.BORDER_CONSTANT, value=(0,)
    )
    # The mean of a block with one pixel of ink is 255 / 256, which rounds to 1.
    blocks = cv2.resize(inked, (columns, rows), interpolation=cv2.INTER_AREA)
    blank = (cv2.dilate(blocks, np.ones((3, 3), np.uint8)) == 0).astype(np.uint8)
    tall, wide = stamped.pixels.shape[:2]
    mask = cv2.resize(blank, None, fx=_BLOCK // 2, fy=_BLOCK // 2, interpolation=cv2.INTER_NEAREST)[:tall, :wide]
    if not mask.any():
        return
    allowed = _ROUNDING + max(stamped.step, twin.step) / 2
    most = cv2.norm(stamped.pixels, twin.pixels, cv2.NORM_INF, mask)
    if most <= allowed:
        return
    apart = cv2.absdiff(stamped.pixels, twin.pixels).max(axis=2) * mask
    y, x = np.unravel_index(int(apart.argmax()), apart.shape)
    share = float((apart > allowed).sum() / mask.sum())
    yield Problem(
        twin.path,
        f"differs from the stamped image by up to {most:.0f} levels where there is no ink "
        f"(at x {2 * x}, y {2 * y}; {share:.1%} of the ground)",
    )
