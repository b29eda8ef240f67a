"""The outline of a round or oval seal, and the seal unrolled about its middle.

The outermost ink in every direction lies on the ring; an ellipse is laid through it that most of it agrees with
(RANSAC, Fischler and Bolles 1981), so that a worn ring, a ring that is cut off, and ink beside it do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.sample import Image, Mask
from seal2real.tasks.curves import TextCurve

_DIRECTIONS = 180  # in which the outermost ink is looked for
_TRIES = 250  # of RANSAC
_NEAR = 0.02  # of the radius: ink that close to an ellipse agrees with it
_FLATTEST = 0.4  # shorter by longer axis
_LEAST = 0.6  # share of the directions that agree, or it is no ring
_ROUNDS = 3  # each about the middle that the last one found
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ring:
    """The outer edge of a round or oval seal.

    A place on it is told by its ``turn`` (radians, clockwise on the screen, 0 to the right) and its ``radius`` (1 on
    the ring, 0 in the middle), both as if the ellipse were squeezed into a circle along its axes.

    Attributes:
        middle: ``float64 [2]``, x and y.
        shape: ``float64 [2, 2]``: from the unit circle to the ellipse about its middle.
        support: share of the directions whose outermost ink lies on it, 0..1.
    """

    middle: Points
    shape: Points
    support: float

    @property
    def radius(self) -> float:
        """In pixels: the geometric mean of the half axes."""
        return float(np.sqrt(abs(np.linalg.det(self.shape))))

    def at(self, turn: npt.ArrayLike, radius: npt.ArrayLike) -> Points:
        """Image coordinates ``[..., 2]`` of places."""
        unit = np.stack(np.broadcast_arrays(np.cos(turn), np.sin(turn)), -1) * np.asarray(radius)[..., None]
        return np.asarray(unit @ self.shape.T + self.middle, np.float64)

    def unrolled(self, image: Image, inner: float, outer: float, start: float, turns: float, height: int) -> Image:
        """A band between two radii as a straight strip, clockwise from ``start``, the outer edge on top.

        Returns:
            ``uint8 [height, w, ...]``: as wide as the band is long halfway between both radii.
        """
        long = 2 * np.pi * turns * (inner + outer) / 2
        width = max(8, round(height * long / (outer - inner)))
        turn = start + (np.arange(width) + 0.5) / width * 2 * np.pi * turns
        radius = outer - (np.arange(height) + 0.5) / height * (outer - inner)
        spots = self.at(turn[None], radius[:, None]).astype(np.float32) - np.float32(0.5)  # cv2 counts from the middles
        return np.asarray(
            cv2.remap(image, spots[..., 0], spots[..., 1], cv2.INTER_CUBIC, borderValue=(255, 255, 255)), np.uint8
        )

    def arc(self, turns: tuple[float, float], radii: tuple[float, float], confidence: float) -> TextCurve:
        """A line of text between two turns and two radii, read clockwise, its tops outwards."""
        points = self.at(np.linspace(*turns, 65), np.mean(radii))
        along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
        count = int(np.clip(round((turns[1] - turns[0]) * 8), 6, 48))
        even = np.linspace(0, along[-1], count)
        middle = np.stack([np.interp(even, along, points[:, axis]) for axis in (0, 1)], 1)
        height = abs(radii[1] - radii[0]) * self.radius
        return TextCurve(middle, height, column=False, curved=True, confidence=confidence, way=0.5)


def fit_ring(ink: Mask) -> Ring | None:
    """The ring of a seal.

    Args:
        ink: ``bool [H, W]``: that of the seal alone.

    Returns:
        None where the outermost ink is no ellipse: the seal is square, lacks its ring, or mostly lies off the image.
    """
    points = np.argwhere(ink)[:, ::-1].astype(np.float64) + 0.5
    if len(points) < 50:
        return None
    middle = np.asarray(cv2.minAreaRect(cv2.convexHull(points.astype(np.float32)))[0], np.float64)
    found = None
    for _ in range(_ROUNDS):
        edge = _outermost(points, middle)
        found = _agreed(edge)
        if found is None:
            return None
        middle = np.asarray(found[0], np.float64)
    edge = _outermost(points, middle)
    assert found is not None
    (x, y), (width, height), angle = found
    support = float((np.abs(_off(found, edge)) < 1.5 * _NEAR * max(width, height) / 2).sum()) / _DIRECTIONS
    if support < _LEAST:
        return None
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    return Ring(np.array([x, y]), turn @ np.diag([width / 2, height / 2]) @ turn.T, support)


def _outermost(points: Points, middle: Points) -> Points:
    """The farthest point in each direction that has any."""
    away = points - middle
    distance = np.hypot(*away.T)
    direction = ((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi)) % 1.0 * _DIRECTIONS).astype(int) % _DIRECTIONS
    order = np.lexsort((distance, direction))
    last = np.flatnonzero(np.diff(direction[order], append=-1))
    return points[order[last]]


_Ellipse = tuple[tuple[float, float], tuple[float, float], float]  # as of cv2


def _off(ellipse: _Ellipse, points: Points) -> Points:
    """How far points lie off an ellipse, about, in pixels."""
    (x, y), (width, height), angle = ellipse
    away = points - (x, y)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    across = (away[:, 0] * cos + away[:, 1] * sin) / (width / 2)
    down = (away[:, 1] * cos - away[:, 0] * sin) / (height / 2)
    return np.asarray((np.hypot(across, down) - 1) * (width + height) / 4, np.float64)


def _agreed(edge: Points) -> _Ellipse | None:
    """The ellipse that most points of an edge agree with."""
    if len(edge) < _DIRECTIONS // 4:
        return None
    rng = np.random.default_rng(0)  # the same answer for the same ink
    size = float(np.ptp(edge, axis=0).max()) / 2
    best = np.zeros(len(edge), bool)
    for _ in range(_TRIES):
        ellipse = _ellipse(edge[rng.choice(len(edge), 6, replace=False)])
        if ellipse is not None and 0.6 * size < max(ellipse[1]) / 2 < 1.5 * size:
            near = np.abs(_off(ellipse, edge)) < _NEAR * size
            best = near if near.sum() > best.sum() else best
    return _ellipse(edge[best]) if best.sum() >= 6 else None


def _ellipse(points: Points) -> _Ellipse | None:
    try:
        ellipse = cv2.fitEllipseDirect(points.astype(np.float32))
    except cv2.error:
        return None
    short, long = sorted(ellipse[1])
    if not np.isfinite([*ellipse[0], *ellipse[1]]).all() or short < 4 or short < _FLATTEST * long:
        return None
    return (ellipse[0][0], ellipse[0][1]), (ellipse[1][0], ellipse[1][1]), ellipse[2]
