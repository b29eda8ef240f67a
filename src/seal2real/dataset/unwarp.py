"""Straighten a text line by its polygon, so that a line recogniser can read a seal's arc."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.sample import Polygon

Points = npt.NDArray[np.float64]


def _interpolate(points: Points, stations: Points, positions: Points) -> Points:
    """The polyline with ``points[k]`` at ``stations[k]`` in 0..1, at ``positions``; straight on past its ends."""
    inside = np.stack([np.interp(positions, stations, points[:, axis]) for axis in (0, 1)], axis=1)
    before, after = np.minimum(positions, 0.0)[:, None], np.maximum(positions - 1.0, 0.0)[:, None]
    start = (points[1] - points[0]) / (stations[1] - stations[0])
    end = (points[-1] - points[-2]) / (stations[-1] - stations[-2])
    return inside + before * start + after * end


def line_edges(polygon: Polygon) -> tuple[Points, Points]:
    """The top and the bottom edge of a line's polygon, both in reading order, each ``[n/2, 2]``.

    Raises:
        ValueError: the polygon's count of points is odd or below 4.
    """
    points = np.asarray(polygon, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 4 or len(points) % 2:
        raise ValueError(f"a line's polygon has an even count of [x, y] points, at least 4; got shape {points.shape}")
    half = len(points) // 2
    return points[:half], points[half:][::-1]


def unwarp_line(
    image: np.ndarray, polygon: Polygon, *, height: int | None = None, margin: float = 0.1, fill: int = 255
) -> np.ndarray:
    """A straight crop of a text line that may run along an arc.

    The crop is the ruled surface between the line's two edges: each point of the top edge is joined to its partner, the
    bottom edge's point of the same number, and columns are spaced evenly along the middle of the band.

    Args:
        image: ``uint8 [H, W]`` or ``[H, W, 3]``.
        polygon: ``[n, 2]``, n even: along the top edge in reading order, back along the bottom edge, in pixels.
        height: height of the crop in pixels; None keeps the line's own height (at least 8).
        margin: room left around the line on all four sides, as a share of the line's height.
        fill: value of what lies off the image.

    Returns:
        ``uint8 [h, w]`` or ``[h, w, 3]``; w follows from the mean length of the two edges.

    Raises:
        ValueError: see `line_edges`.
    """
    top, bottom = line_edges(polygon)
    middle = (top + bottom) / 2
    steps = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    apart = np.concatenate([[True], steps > 1e-6])  # points upon each other have no direction
    if apart.sum() < 2:
        return np.full((height or 8, 4, *image.shape[2:]), fill, dtype=np.uint8)
    top, bottom, steps = top[apart], bottom[apart], steps[apart[1:]]
    length = float(steps.sum())
    stations = np.concatenate([[0.0], np.cumsum(steps) / length])
    thickness = max(float(np.average(np.linalg.norm(bottom - top, axis=1)[1:], weights=steps)), 1e-3)

    rows = height if height is not None else max(8, round(thickness * (1 + 2 * margin)))
    columns = max(4, round((length + 2 * margin * thickness) * rows / (thickness * (1 + 2 * margin))))
    columns = min(columns, 32_000)  # the limit of OpenCV's remap; only a sliver of a polygon comes near it
    pad = margin * thickness / length
    u = -pad + (np.arange(columns) + 0.5) / columns * (1 + 2 * pad)
    v = -margin + (np.arange(rows) + 0.5) / rows * (1 + 2 * margin)
    upper, lower = _interpolate(top, stations, u), _interpolate(bottom, stations, u)
    x, y = (upper[:, axis] + v[:, None] * (lower - upper)[:, axis] for axis in (0, 1))

    # Cut the neighbourhood first: remap of a small patch is much faster than of a page, and its limits are 32,767 px.
    tall, wide = image.shape[:2]
    ends = np.stack([part[[0, -1]] for part in (x, y)], axis=-1)  # columns are straight: they are farthest at an end
    left, upmost = np.clip(np.floor(ends.min(axis=(0, 1))) - 2, 0, [wide - 1, tall - 1]).astype(int)
    right, lowest = np.clip(np.ceil(ends.max(axis=(0, 1))) + 3, [left + 1, upmost + 1], [wide, tall]).astype(int)
    patch = image[upmost:lowest, left:right]
    # Pixel j covers [j, j+1), so that its centre lies at j + 0.5; cv2 counts from the centres.
    for part, first in ((x, left), (y, upmost)):
        part -= first
        part -= 0.5
    border = (fill,) * 3
    return cv2.remap(
        patch,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
