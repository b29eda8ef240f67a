"""Cutting a square around one seal out of a sample, with every label in the crop's coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.placement import shifted
from seal2real.sample import Box, PlacedSeal, Sample, TextBox


def crop_sample(sample: Sample, seal_index: int, size: int, rng: Generator) -> Sample:
    """A square crop around one seal, with jitter.

    The seal lies wholly inside if it fits; else the crop lies somewhere on it. Where the page is smaller than the crop,
    white paper is added.

    Args:
        sample: a stamped page.
        seal_index: which of ``sample.seals`` the crop is about.
        size: side of the crop in pixels, > 0.
        rng: source of the jitter.

    Returns:
        A sample of ``[size, size]``: the page's text and anchors are clipped to the crop, other seals stay if their
        frames meet the crop, and ``provenance["crop"]`` is the crop's box on the page.

    Raises:
        UsageError: if there is no such seal, or ``size`` is not positive.
    """
    if not 0 <= seal_index < len(sample.seals):
        raise UsageError(f"no seal {seal_index} in a sample with {len(sample.seals)}; count from 0")
    if size < 1:
        raise UsageError(f"crop size is {size}; give at least 1 pixel")
    height, width = sample.size
    seal = sample.seals[seal_index]
    window = seal.window(height, width)
    rows, columns = window[0] if window is not None else (slice(0, height), slice(0, width))
    left = _start(rng, columns.start, columns.stop, size, width)
    top = _start(rng, rows.start, rows.stop, size, height)
    return _cropped(sample, left, top, size)


def crop_page(sample: Sample, size: int, rng: Generator) -> Sample:
    """A square crop somewhere on the page, mostly about something red or about print: for pages without seals.

    Args:
        sample: a page.
        size: side of the crop in pixels, > 0.
        rng: source of every choice.

    Returns:
        As from `crop_sample`.

    Raises:
        UsageError: ``size`` is not positive.
    """
    if size < 1:
        raise UsageError(f"crop size is {size}; give at least 1 pixel")
    height, width = sample.size
    small = sample.stamped[::8, ::8].astype(np.int16)
    red = small[..., 0] - np.maximum(small[..., 1], small[..., 2]) > 60
    roll = rng.random()
    if roll < 0.7 and red.any():
        at = np.flatnonzero(red)
        y, x = divmod(int(at[int(rng.integers(len(at)))]), red.shape[1])
        y, x = 8 * y, 8 * x
    elif roll < 0.95 and sample.page.text:
        box = sample.page.text[int(rng.integers(len(sample.page.text)))].bbox
        x, y = int(box[0] + rng.random() * box[2]), int(box[1] + box[3] / 2.0)
    else:
        x, y = int(rng.integers(width)), int(rng.integers(height))
    return _cropped(sample, _start(rng, x, x + 1, size, width), _start(rng, y, y + 1, size, height), size)


def _cropped(sample: Sample, left: int, top: int, size: int) -> Sample:
    page = sample.page
    seals = [_moved(other, -left, -top) for other in sample.seals]
    return replace(
        sample,
        page=replace(
            page,
            image=_cut(page.image, left, top, size, 255),
            text=tuple(part for text in page.text if (part := _clip_text(text, left, top, size)) is not None),
            anchors=tuple(
                replace(anchor, bbox=box)
                for anchor in page.anchors
                if (box := _clip(anchor.bbox, left, top, size)) is not None
            ),
        ),
        stamped=_cut(sample.stamped, left, top, size, 255),
        clean=_cut(sample.clean, left, top, size, 255),
        ink=_cut(sample.ink, left, top, size, 0),
        seals=tuple(other for other in seals if other.window(size, size) is not None),
        provenance={**sample.provenance, "crop": [left, top, size, size]},
    )


def _start(rng: Generator, first: int, last: int, size: int, whole: int) -> int:
    """Where the crop begins along one axis, so that first..last lies in it (or it lies in them)."""
    low, high = sorted((last - size, first))
    if size <= whole:  # stay on the page where that is possible
        low, high = max(low, 0), min(high, whole - size)
    return int(rng.integers(low, high + 1))


def _cut(layer: np.ndarray, left: int, top: int, size: int, fill: int) -> np.ndarray:
    height, width = layer.shape[:2]
    out = np.full((size, size, *layer.shape[2:]), fill, dtype=layer.dtype)
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + size, height), min(left + size, width)
    if y0 < y1 and x0 < x1:
        out[y0 - top : y1 - top, x0 - left : x1 - left] = layer[y0:y1, x0:x1]
    return out


def _moved(seal: PlacedSeal, dx: int, dy: int) -> PlacedSeal:
    return replace(
        seal,
        offset=(seal.offset[0] + dx, seal.offset[1] + dy),
        outline=seal.outline + np.array([dx, dy], dtype=np.float32),
        lines=shifted(seal.lines, (dx, dy)),
    )


def _clip(box: Box, left: int, top: int, size: int) -> Box | None:
    x, y, w, h = box
    x0, y0 = max(x - left, 0.0), max(y - top, 0.0)
    x1, y1 = min(x + w - left, float(size)), min(y + h - top, float(size))
    return (x0, y0, x1 - x0, y1 - y0) if x0 < x1 and y0 < y1 else None


def _clip_text(text: TextBox, left: int, top: int, size: int) -> TextBox | None:
    """The part of a text box inside the crop: the characters whose middle is inside, where they are known."""
    box = _clip(text.bbox, left, top, size)
    if box is None:
        return None
    if not text.characters:
        return TextBox(text.text, box)
    kept = [
        index
        for index, (x, y, w, h) in enumerate(text.characters)
        if 0 <= x + w / 2 - left < size and 0 <= y + h / 2 - top < size
    ]
    inked = [index for index in kept if not text.text[index].isspace()]
    if not inked:
        return None
    kept = [index for index in kept if inked[0] <= index <= inked[-1]]
    boxes = []
    for index in kept:
        x, y, w, h = text.characters[index]
        x0, y0, x1, y1 = np.clip([x - left, y - top, x + w - left, y + h - top], 0.0, float(size)).tolist()
        boxes.append((x0, y0, x1 - x0, y1 - y0))
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    return TextBox("".join(text.text[index] for index in kept), (x0, y0, x1 - x0, y1 - y0), tuple(boxes))
