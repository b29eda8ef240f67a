"""The traditional composition: flat ink multiplied onto the page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from seal2real.sample import Page, PlacedSeal, Sample


def compose(page: Page, seals: Sequence[PlacedSeal]) -> Sample:
    """Stamp a page: ``stamped = page * exp(-sum inked * absorbance)`` (Beer-Lambert, ink layers add up).

    Args:
        page: the clean page.
        seals: bottom-most first.

    Returns:
        The sample; its clean twin is the page's own image, and ``ink`` is 1 - exp(-A) of the darkest channel, 0..1.
    """
    height, width = page.image.shape[:2]
    stamped = page.image.copy()
    ink = np.zeros((height, width), dtype=np.float32)
    touched = [(seal, window) for seal in seals if (window := seal.window(height, width)) is not None]
    for rows, columns, members in _groups(touched):
        # planes, not pixels: numpy is slow along an axis of three
        total = np.zeros((3, rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
        for seal, (area, own) in members:
            inked = seal.inked[own]
            here = tuple(
                slice(part.start - whole.start, part.stop - whole.start)
                for part, whole in zip(area, (rows, columns), strict=True)
            )
            for plane, absorbance in zip(total, seal.absorbance.astype(np.float32), strict=True):
                plane[here] += inked * absorbance
        light = np.exp(np.negative(total, out=total), out=total)
        stamped[rows, columns] = (page.image[rows, columns] * cv2.merge(list(light)) + 0.5).astype(np.uint8)
        ink[rows, columns] = 1.0 - light.min(axis=0)
    return Sample(page=page, stamped=stamped, clean=page.image, ink=ink, seals=tuple(seals))


_Window = tuple[tuple[slice, slice], tuple[slice, slice]]


def _groups(touched: list[tuple[PlacedSeal, _Window]]) -> list[tuple[slice, slice, list[tuple[PlacedSeal, _Window]]]]:
    """Seals whose frames overlap, together with the rectangle around them, so that each pixel is composed once."""
    groups: list[tuple[slice, slice, list[tuple[PlacedSeal, _Window]]]] = []
    for seal, window in touched:
        rows, columns = window[0]
        members = [(seal, window)]
        merged = True
        while merged:  # the grown rectangle may meet a group that the smaller one missed
            merged = False
            for group in groups:
                if _meet(rows, group[0]) and _meet(columns, group[1]):
                    rows, columns = _join(rows, group[0]), _join(columns, group[1])
                    members = group[2] + members
                    groups.remove(group)
                    merged = True
                    break
        groups.append((rows, columns, members))
    return groups


def _meet(a: slice, b: slice) -> bool:
    return a.start < b.stop and b.start < a.stop


def _join(a: slice, b: slice) -> slice:
    return slice(min(a.start, b.start), max(a.stop, b.stop))
