"""Measuring seal ink in an image, without labels and without a model.

The paper's colour is estimated locally from the bright side of each block; what is darker than the paper is absorbance
(Beer-Lambert). Black print absorbs all channels alike, coloured ink does not, so the *chroma* of the absorbance, taken
along the direction of the dominant ink, separates a coloured seal from text, pen and shadow. A threshold (Otsu 1979)
with hysteresis (Canny 1986) makes the mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.sample import FloatMap, Image, Mask

ColourClass = Literal["red", "blue", "violet", "black"]

# Orthonormal axes of the plane of chroma in absorbance space (rows), both at right angles to grey (1, 1, 1).
CHROMA_AXES = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]], dtype=np.float32) / np.sqrt([[2.0], [6.0]]).astype(
    np.float32
)
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
MIN_CHROMA = 0.06  # chroma of paper noise and JPEG fringes stays below this
MIN_ABSORBANCE = 0.12
LOW = 0.45  # lower threshold of the hysteresis, as a share of the upper one
MIN_COLOURED_SHARE = 0.09  # of what is dark, weighted by strength, so that the seal counts as coloured


@dataclass(frozen=True)
class InkMeasurement:
    """What was measured.

    Attributes:
        mask: ``bool [H, W]``: visible seal ink.
        absorbance: ``float32 [H, W, 3]`` >= 0 against the local paper (or the clean twin). It holds everything that
            is darker than the paper, print too; take it inside ``mask`` for the ink alone.
        colour: class of the ink.
        median: ``float32 [3]``: median absorbance per RGB channel inside the mask; zeros if the mask is empty.
        strength: ``float32 [H, W]``: the map that was thresholded (chroma along the ink's own direction for coloured
            ink, mean absorbance for black).
        threshold: the upper threshold on ``strength``.
    """

    mask: Mask
    absorbance: FloatMap
    colour: ColourClass
    median: npt.NDArray[np.float32]
    strength: FloatMap
    threshold: float


def estimate_paper(image: Image, block: int | None = None) -> FloatMap:
    """Local paper colour, without what is printed on it.

    Per channel: the 85th percentile of each block, a closing over 5 x 5 blocks (fills what is all ink), a median and a
    blur, then linear interpolation back to pixels.

    Args:
        image: ``uint8 [H, W, 3]``.
        block: side of a block in pixels; by default a 24th of the shorter side, within 4..32.

    Returns:
        ``float32 [H, W, 3]`` in 1..255.
    """
    height, width = image.shape[:2]
    side = block or int(np.clip(min(height, width) // 24, 4, 32))
    rows, columns = max(1, -(-height // side)), max(1, -(-width // side))
    smooth = cv2.medianBlur(np.ascontiguousarray(image), 3) if min(height, width) >= 3 else image
    padded = np.pad(smooth, ((0, rows * side - height), (0, columns * side - width), (0, 0)), mode="symmetric")
    blocks = padded.reshape(rows, side, columns, side, 3).transpose(0, 2, 4, 1, 3).reshape(rows, columns, 3, -1)
    rank = int(0.85 * (blocks.shape[-1] - 1))
    grid = np.ascontiguousarray(np.partition(blocks, rank, axis=-1)[..., rank])
    grid = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE)
    if min(rows, columns) >= 5:
        grid = cv2.medianBlur(grid, 5)
    paper = cv2.GaussianBlur(grid.astype(np.float32), (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(paper, (columns * side, rows * side), interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.clip(paper, 1.0, 255.0)


def absorbance_against(image: Image, paper: npt.NDArray[np.generic]) -> FloatMap:
    """``A = max(0, -log(image / paper))`` per channel, both lifted by half a grey level against zeros.

    Args:
        image: ``uint8 [H, W, 3]``.
        paper: ``[H, W, 3]`` in 0..255: `estimate_paper` or the clean twin.

    Returns:
        ``float32 [H, W, 3]`` >= 0.
    """
    ratio = (image.astype(np.float32) + 0.5) / (np.asarray(paper, dtype=np.float32) + 0.5)
    return np.maximum(-np.log(ratio), 0.0)


def measure_ink(image: Image, clean: Image | None = None, threshold: float | None = None) -> InkMeasurement:
    """Find the visible seal ink of an image.

    Args:
        image: ``uint8 [H, W, 3]``. Without ``clean`` it should be a crop in which the seal is the main coloured (or
            the main black) thing; a black seal cannot be told from black print.
        clean: ``uint8 [H, W, 3]`` the same scene without seals; then the ink is what differs.
        threshold: with ``clean``, the absorbance of the strongest channel from which on a pixel counts as ink; None
            finds it in the image (Otsu). Either way luma is thresholded, since JPEG smears chroma over two pixels;
            ``threshold`` is carried over by the ink's own colour (absorbances of one ink are proportional).

    Returns:
        The measurement. The mask may be empty.

    Raises:
        ValueError: shapes that do not fit.
    """
    if image.ndim != 3 or image.shape[2] != 3 or (clean is not None and clean.shape != image.shape):
        raise ValueError("measure_ink wants uint8 [H, W, 3], and a clean twin of the same shape")
    if clean is not None:
        absorbance = absorbance_against(image, clean)
        strength = ((1.0 - np.exp(-absorbance)) @ LUMA).astype(np.float32)
        level = max(_otsu(strength[strength > MIN_ABSORBANCE / 3]), MIN_ABSORBANCE / 2)
        mask = _hysteresis(strength, level, 1.0)
        median = _median_inside(absorbance, mask)
        if threshold is not None and mask.any():
            level = float((1.0 - np.exp(-threshold * median / median.max())) @ LUMA)
            mask = _hysteresis(strength, level, 1.0)
        threshold = level
        return InkMeasurement(mask, absorbance, colour_class(median), median, strength, threshold)
    paper = estimate_paper(image)
    absorbance = absorbance_against(image, paper)
    # Thresholds are on the share of light absorbed: in black print a grey level of noise would be a large log ratio.
    absorptance: FloatMap = (1.0 - np.exp(-absorbance)).astype(np.float32)
    direction = dominant_chroma(absorptance)
    if direction is None:
        strength = absorptance.mean(axis=2)
        floor = MIN_ABSORBANCE
    else:
        strength = chroma_along(absorptance, direction)
        floor = MIN_CHROMA
    threshold = max(_otsu(strength[strength > floor / 2]), floor)
    mask = _hysteresis(strength, threshold, LOW)
    median = _median_inside(absorbance, mask)
    colour: ColourClass = "black" if direction is None else colour_class(median)
    return InkMeasurement(mask, absorbance, colour, median, strength, threshold)


def chroma_along(absorbance: FloatMap, direction: npt.NDArray[np.float32]) -> FloatMap:
    """Chroma of the absorbance along a unit ``direction`` ``[2]`` of the chroma plane: ``float32 [H, W]`` >= 0."""
    return np.maximum(absorbance @ (CHROMA_AXES.T @ direction), 0.0).astype(np.float32)


def dominant_chroma(absorbance: FloatMap) -> npt.NDArray[np.float32] | None:
    """Direction of the main ink in the chroma plane, or None where what is dark is mainly grey.

    The angles of all pixels, weighted by their chroma, make a circular histogram; its smoothed peak is the ink. A pen
    of another colour over the seal makes a lower peak, and is left out.
    """
    small = cv2.blur(absorbance, (3, 3))
    plane = small @ CHROMA_AXES.T
    chroma = np.hypot(plane[..., 0], plane[..., 1])
    coloured = chroma > MIN_CHROMA
    dark = small.mean(axis=2) > MIN_ABSORBANCE
    weight = np.where(coloured, chroma, 0.0)
    if weight.sum() < MIN_COLOURED_SHARE * small.mean(axis=2)[dark | coloured].sum() or coloured.sum() < 9:
        return None
    angle = np.arctan2(plane[..., 1], plane[..., 0])
    bins = 72
    counts = np.bincount(((angle / (2 * np.pi) * bins) % bins).astype(int).ravel() % bins, weight.ravel(), bins)
    smooth = sum(np.roll(counts, shift) * w for shift, w in zip(range(-3, 4), (1, 2, 3, 4, 3, 2, 1), strict=True))
    peak = (int(np.argmax(smooth)) + 0.5) * 2 * np.pi / bins
    near = np.abs(np.angle(np.exp(1j * (angle - peak)))) < np.deg2rad(25)
    mean = (plane * (weight * near)[..., None]).sum(axis=(0, 1))
    length = float(np.hypot(*mean))
    return (mean / length).astype(np.float32) if length > 0 else None


def colour_class(absorbance: npt.NDArray[np.float32]) -> ColourClass:
    """The class of an ink by its absorbance ``[3]`` per RGB channel.

    Red ink passes red; blue ink absorbs red most; violet absorbs green most, and red more than blue; where the channels
    differ by less than a fifth of the largest, the ink is black (or grey).
    """
    red, green, blue = (float(value) for value in absorbance)
    largest, smallest = max(red, green, blue), min(red, green, blue)
    if largest <= 0 or largest - smallest < 0.2 * largest:
        return "black"
    if red <= min(green, blue) or (blue > red and green > red * 0.9):
        return "red"
    if green > red * 0.92 and red > blue:
        return "violet"
    return "blue"


def _median_inside(absorbance: FloatMap, mask: Mask) -> npt.NDArray[np.float32]:
    if not mask.any():
        return np.zeros(3, np.float32)
    return np.median(absorbance[mask], axis=0).astype(np.float32)


def _otsu(values: npt.NDArray[np.float32]) -> float:
    """Otsu's threshold of values >= 0 (256 bins up to the 99.5th percentile)."""
    if values.size < 2:
        return float("inf") if values.size == 0 else float(values[0])
    top = max(float(np.percentile(values, 99.5)), 1e-6)
    levels = np.clip(values * (255.0 / top), 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(levels.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (float(level) + 0.5) * top / 255.0


def _hysteresis(strength: FloatMap, threshold: float, low_share: float) -> Mask:
    """Pixels above ``low_share * threshold`` that hang together with one above ``threshold``; specks are removed."""
    low = (strength > threshold * low_share).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(low, connectivity=8)
    if count <= 1:
        return np.zeros(strength.shape, bool)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[strength > threshold])] = True
    speck = max(3.0, 8.0 * (min(strength.shape) / 400.0) ** 2)
    keep &= stats[:, cv2.CC_STAT_AREA] >= speck
    keep[0] = False
    return keep[labels]
