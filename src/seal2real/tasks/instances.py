"""Seals as instances on a network's maps: from outlines to the maps that training wants, and from found maps
back to outlines.

Every pixel of a seal points at the seal's middle (Panoptic-DeepLab, Cheng et al. 2020). Pixels that point at one middle
are one seal, whose outline is their convex hull; of what was found twice, at several scales or in several looks, the
better one stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.sample import Mask, Polygon
from seal2real.tasks.crops import SHAPES, filled, longest_side, middle

CHANNELS = ("region", "centre", "offset x", "offset y", *SHAPES)
BLANK = 255  # shape of what is no seal
_UNIT = 64.0  # pixels of the maps that an offset of 1 means
_MOST = 40  # seals of an image
_APART = 9  # pixels within which there is one middle
_GAP = 0.035  # of a seal's length, across which ink hangs together
_OWN = 0.3  # share of what hangs together that lies within a seal, from which on it is the seal's
_GROWN = 2.5  # times the area that an outline may grow to


class Outlined(Protocol):
    """Anything with an outline."""

    @property
    def polygon(self) -> Polygon:
        """``[n, 2]``, convex."""


Found = TypeVar("Found", bound=Outlined)


@dataclass(frozen=True)
class Candidate:
    """What may be a seal.

    Attributes:
        polygon: ``[n, 2]`` convex outline in some coordinates.
        shape: one of `seal2real.tasks.crops.SHAPES`.
        confidence: 0..1.
        fitting: how well its size suits the network, 0..1.
    """

    polygon: Polygon
    shape: str
    confidence: float
    fitting: float = 1.0


def targets(outlines: Sequence[npt.NDArray[np.float64]], shapes: Sequence[int], side: int) -> dict[str, np.ndarray]:
    """What the half-size maps are to show.

    Args:
        outlines: ``[n, 2]`` each, in window coordinates of the full size.
        shapes: index of each in `SHAPES`.
        side: of the maps.

    Returns:
        ``region`` and ``centre`` ``float32 [1, S, S]`` in 0..1, ``offset`` ``float32 [2, S, S]`` (x, y) in units of 64
        pixels, ``shape`` ``int64 [S, S]`` (`BLANK` where there is no seal).
    """
    region = np.zeros((side, side), np.float32)
    centre = np.zeros((side, side), np.float32)
    offset = np.zeros((2, side, side), np.float32)
    shape = np.full((side, side), BLANK, np.int64)
    ys, xs = (np.mgrid[:side, :side] + 0.5).astype(np.float32)
    for outline, kind in zip(outlines, shapes, strict=True):
        points = np.asarray(outline / 2, np.float32)
        inside = filled(points, side, side)
        if not inside.any():
            continue
        x, y = middle(points)
        sigma = max(1.5, 0.06 * longest_side(points))
        centre = np.maximum(centre, np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * sigma**2)))
        region[inside], shape[inside] = 1.0, kind
        offset[0][inside], offset[1][inside] = (x - xs[inside]) / _UNIT, (y - ys[inside]) / _UNIT
    return {"region": region[None], "centre": centre[None], "offset": offset, "shape": shape}


def instances(maps: npt.NDArray[np.float32], floor: float = 0.3) -> list[Candidate]:
    """Pixels of the region, gathered by the middles that they point at.

    Args:
        maps: ``float32 [4 + shapes, H, W]``: `CHANNELS`, the first two as probabilities.
        floor: least warmth of a middle, 0..1.

    Returns:
        At most 40, the largest first; polygons in pixels of the maps, those of specks left out.
    """
    region, heat = maps[0], maps[1]
    inside = (region > 0.5).astype(np.uint8)
    if not inside.any():
        return []
    xs, ys = _peaks(heat, floor)
    count, labels, _, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    rows, columns = np.nonzero(inside)
    pointed = np.stack((columns + 0.5 + maps[2][rows, columns] * _UNIT, rows + 0.5 + maps[3][rows, columns] * _UNIT), 1)
    middles = np.stack((xs + 0.5, ys + 0.5), 1)
    owner = _gathered(pointed, middles, labels[rows, columns], count)
    found = []
    numbers, sizes = np.unique(owner, return_counts=True)
    for number in numbers[np.argsort(-sizes, kind="stable")][:_MOST]:
        own = owner == number
        part = np.zeros_like(inside)
        part[rows[own], columns[own]] = 1
        polygon = _outline(part)
        if polygon is None:
            continue
        score = float(region[rows[own], columns[own]].mean())
        # of a whole seal the pixels fill the outline, and its middle is warm
        filled = min(1.0, float(own.sum()) / max(float(cv2.contourArea(polygon)), 1.0))
        x, y = (int(np.clip(round(v), 0, n - 1)) for v, n in zip(middle(polygon), region.shape[::-1], strict=True))
        warm = float(heat[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].max())
        votes = maps[4:, rows[own], columns[own]].mean(1)
        confidence = score * filled * min(1.0, 0.4 + warm)
        found.append(Candidate(polygon, SHAPES[int(votes.argmax())], confidence))
    return found


def _peaks(heat: npt.NDArray[np.float32], floor: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The warmest places (x, y), the warmest first; a plateau, which a sure network makes of its middle, is one."""
    smooth = cv2.GaussianBlur(heat, (0, 0), 1.0)
    highest = (cv2.dilate(smooth, np.ones((_APART, _APART), np.uint8)) == smooth) & (heat > floor)
    count, _, _, centres = cv2.connectedComponentsWithStats(
        cv2.dilate(highest.astype(np.uint8), np.ones((3, 3), np.uint8)), connectivity=8
    )
    xs, ys = np.rint(centres[1:count]).astype(np.int64).T
    warmest = np.argsort(-smooth[ys, xs], kind="stable")[:_MOST]
    return xs[warmest], ys[warmest]


def _gathered(
    pointed: npt.NDArray[np.float64], middles: npt.NDArray[np.float64], labels: npt.NDArray[np.int32], count: int
) -> npt.NDArray[np.int64]:
    """Number of the instance that each pixel belongs to: the nearest middle; of a part of the region that has none
    near, the part itself (a seal whose middle is off the image)."""
    if not len(middles):
        return labels.astype(np.int64)
    distance = np.full(len(pointed), np.inf)
    nearest = np.zeros(len(pointed), np.int64)
    for number, spot in enumerate(middles):
        away = ((pointed - spot) ** 2).sum(1)
        closer = away < distance
        distance[closer], nearest[closer] = away[closer], number
    owner = nearest + count
    names, sizes = np.unique(labels, return_counts=True)
    for label in names[np.argsort(-sizes, kind="stable")][:_MOST]:
        own = labels == label
        extent = np.sqrt(own.sum())
        far = np.sqrt(distance[own]) > 0.5 * extent
        if far.mean() > 0.5:
            owner[own] = label
    return owner


def _outline(part: npt.NDArray[np.uint8]) -> Polygon | None:
    """The convex outline of what hangs together most; None if that is a speck."""
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < 12:
        return None
    hull = cv2.approxPolyDP(cv2.convexHull(largest), 0.4, True)[:, 0].astype(np.float32)
    centre = hull.mean(0)
    away = hull - centre  # contours run through the middles of the border's pixels: half a pixel inside
    hull = hull + 0.5 + 0.5 * away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-3)
    return np.asarray(hull, np.float32) if len(hull) >= 3 else None


def with_its_ink(polygon: Polygon, ink: Mask, elsewhere: Mask | None = None) -> Polygon:
    """An outline that was found too small, grown to all ink that hangs together with what is inside it.

    Args:
        polygon: ``[n, 2]``, convex.
        ink: ``bool [H, W]`` in the same coordinates.
        elsewhere: ``bool [H, W]``: where other seals lie; what they share with this one is this one's too.

    Returns:
        ``float32 [m, 2]``, convex; the polygon itself where no ink leads on, or far too much.
    """
    inside = filled(polygon, *ink.shape)
    if elsewhere is not None:
        ink = ink & (inside | ~elsewhere)
    reach = max(1, round(_GAP * longest_side(polygon)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    count, labels = cv2.connectedComponents(cv2.dilate(ink.astype(np.uint8), kernel))
    every, own = (np.bincount(labels[pixels], minlength=count) for pixels in (ink, ink & inside))
    more = ink & ((own > _OWN * every)[labels])
    if not (more & ~inside).any():
        return polygon
    points = np.argwhere(more)[:, ::-1].astype(np.float32) + 0.5
    hull = cv2.convexHull(np.concatenate((points, np.asarray(polygon, np.float32))))[:, 0]
    fits = cv2.contourArea(hull) < _GROWN * cv2.contourArea(np.asarray(polygon, np.float32))
    return np.asarray(hull, np.float32) if fits else polygon


def fitness(polygon: Polygon) -> float:
    """How well a seal of this size suits the network, 0.05..1: 1 for 60 to 240 pixels, less beyond."""
    longest = longest_side(polygon)
    return float(np.clip(min(longest / 60, 240 / max(longest, 1e-3)), 0.05, 1.0))


def overlap(first: Polygon, second: Polygon) -> float:
    """IoU of two convex polygons ``[n, 2]``, 0..1."""
    common, one, other = _common(first, second)
    return common / max(one + other - common, 1e-6)


def best(candidates: Sequence[Candidate], polygon: Polygon) -> Candidate | None:
    """The one that lies most on a polygon; None if none has an IoU above 0.2 with it."""
    rated = [(overlap(candidate.polygon, polygon), candidate) for candidate in candidates]
    rated = [pair for pair in rated if pair[0] > 0.2]
    return max(rated, key=lambda pair: pair[0])[1] if rated else None


def without_doubles(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of those that were found at several scales, the one whose size suits best."""
    return apart(sorted(candidates, key=lambda c: -c.confidence * c.fitting), 0.5)[:_MOST]


def apart(found: Sequence[Found], share: float) -> list[Found]:
    """Without those that lie on another.

    Args:
        found: the best first.
        share: of the smaller one's area, in 0..1; of two that have as much in common, the first stays.
    """
    kept: list[Found] = []
    for each in found:
        if all(_shared(each.polygon, other.polygon) < share for other in kept):
            kept.append(each)
    return kept


def _shared(first: Polygon, second: Polygon) -> float:
    """Common area, as a share of the smaller one's."""
    common, one, other = _common(first, second)
    return common / max(min(one, other), 1e-3)


def _common(first: Polygon, second: Polygon) -> tuple[float, float, float]:
    """Area that two convex polygons share, and that of each."""
    one, other = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return float(cv2.intersectConvexConvex(one, other)[0]), float(cv2.contourArea(one)), float(cv2.contourArea(other))
