"""Text lines as curves: from the labels of a line to the maps that training wants, and from found maps back to
curves in reading order.

What hangs together on the maps is a part of a line; parts of which one leads to the next are joined, and a straight
line or an arc is laid through the pixels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.unwarp import line_edges, unwarp_line
from seal2real.sample import Image, Polygon
from seal2real.tasks.crops import View, filled

CHANNELS = ("line", "along x", "along y", "height", "column", "axis x", "axis y")
_BAND = 0.5  # share of a line's height that is marked
_UNIT = 8.0  # pixels of the maps that a height of 1 means
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TextCurve:
    """A line of text on an image.

    Attributes:
        middle: ``float64 [n, 2]``: points along the middle of the line, in reading order, evenly spaced.
        height: of the line across its direction, in pixels.
        column: the characters stand one below the other, upright.
        curved: whether it is an arc.
        confidence: 0..1.
        way: 0..1, how sure it is that the line is not read the other way round.
    """

    middle: Points
    height: float
    column: bool
    curved: bool
    confidence: float
    way: float = 1.0

    @property
    def reverse(self) -> TextCurve:
        """The same line, read the other way round."""
        return replace(self, middle=self.middle[::-1].copy())

    @property
    def length(self) -> float:
        """Along the middle, in pixels."""
        return float(np.linalg.norm(np.diff(self.middle, axis=0), axis=1).sum())

    def positions(self, points: Points) -> npt.NDArray[np.float64]:
        """How far along the middle points ``[n, 2]`` lie, ``[n]`` as shares of its length, by what is nearest."""
        starts, steps = self.middle[:-1], np.diff(self.middle, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        away = points[:, None] - starts
        along = np.clip((away * steps).sum(2) / np.maximum(lengths**2, 1e-9), 0.0, 1.0)
        nearest = np.linalg.norm(away - along[..., None] * steps, axis=2).argmin(1)
        done = np.concatenate(([0.0], np.cumsum(lengths)))
        rows = np.arange(len(points))
        return np.asarray((done[nearest] + along[rows, nearest] * lengths[nearest]) / max(done[-1], 1e-9))

    @property
    def polygon(self) -> Polygon:
        """``[2n, 2]``: along the upper edge in reading order, back along the lower (of a column: the right edge, then
        the left)."""
        across = _normals(self.middle) * self.height / 2
        return np.asarray(np.concatenate((self.middle - across, (self.middle + across)[::-1])), np.float32)

    def straightened(self, image: Image, height: int) -> Image:
        """The line as one straight row of characters, ``uint8 [height, w, 3]``."""
        strip = unwarp_line(image, self.polygon, height=height)
        if not self.column:
            return np.asarray(strip, np.uint8)
        cells = max(1, round(self.length / self.height))
        parts = np.array_split(strip, cells, axis=1)
        side = max(part.shape[1] for part in parts)
        upright = [np.rot90(cv2.resize(part, (side, height)), -1) for part in parts]  # what was on the left is on top
        row = np.concatenate(upright, axis=1)
        return np.asarray(cv2.resize(row, (max(4, round(row.shape[1] * height / row.shape[0])), height)), np.uint8)

    def moved(self, scale: float, shift: tuple[float, float]) -> TextCurve:
        """The curve at ``scale * p + shift``."""
        return replace(self, middle=self.middle * scale + np.asarray(shift), height=self.height * scale)


def curve_of(line: Mapping[str, Any]) -> tuple[Points, Points, bool] | None:
    """A labelled line along its reading direction.

    Args:
        line: as in a native row: ``polygon`` and ``characters``.

    Returns:
        Its upper and its lower edge ``[n, 2]`` (of a column the right and the left one), and whether it is a column;
        None of a degenerate line.
    """
    top, bottom = line_edges(np.asarray(line["polygon"], np.float32))
    if min(np.linalg.norm(top - bottom, axis=1).mean(), np.linalg.norm(np.diff(top, axis=0), axis=1).sum()) < 1:
        return None
    if len(line["characters"]) >= 2:
        centres = np.asarray([np.mean(quad, 0) for quad in line["characters"]], np.float64)
        advance = centres[-1] - centres[0]
        down = bottom.mean(0) - top.mean(0)
        across = top[-1] - top[0]
        if len(top) == 2 and abs(advance @ down) * np.linalg.norm(across) > abs(advance @ across) * np.linalg.norm(
            down
        ):
            # a column is read downwards: its right edge lies where a row has its top
            return np.stack((top[-1], bottom[-1])), np.stack((top[0], bottom[0])), True
    return top, bottom, False


def line_maps(lines: Sequence[tuple[Points, Points, bool]], view: View) -> npt.NDArray[np.float32]:
    """What the network is to say of lines.

    Args:
        lines: both edges of each ``[n, 2]`` on the image, and whether it is a column, as from `curve_of`.
        view: the window onto the image, of side S.

    Returns:
        ``float32 [7, S/2, S/2]``: `CHANNELS`; the first and the fifth 0 or 1, heights in units of 8 pixels of the maps.
    """
    side = view.size // 2
    maps = np.zeros((len(CHANNELS), side, side), np.float32)
    for top, bottom, column in lines:
        upper, lower = (view.points(np.asarray(edge, np.float32)) / 2 for edge in (top, bottom))
        centre = (upper + lower) / 2
        height = float(np.linalg.norm(lower - upper, axis=1).mean())
        trim = 0.15 * height / max(float(np.linalg.norm(np.diff(centre, axis=0), axis=1).sum()), 1e-6)
        stations = np.linspace(min(trim, 0.4), 1 - min(trim, 0.4), max(len(centre), 2))
        upper, lower = (_along(edge, centre, stations) for edge in (upper, lower))
        centre = (upper + lower) / 2
        inner, outer = centre + (upper - centre) * _BAND, centre + (lower - centre) * _BAND
        for first in range(len(centre) - 1):
            quad = np.stack((inner[first], inner[first + 1], outer[first + 1], outer[first]))
            here = filled(quad, side, side)
            along = centre[first + 1] - centre[first]
            along = along / max(float(np.linalg.norm(along)), 1e-6)
            axis = along[0] ** 2 - along[1] ** 2, 2 * along[0] * along[1]
            for channel, value in enumerate((1.0, *along, height / _UNIT, float(column), *axis)):
                maps[channel][here] = value
    return maps


def _along(edge: Points, centre: Points, stations: npt.NDArray[np.float64]) -> Points:
    """An edge at shares of the centre line's length."""
    steps = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    where = np.concatenate(([0.0], np.cumsum(steps))) / max(float(steps.sum()), 1e-9)
    return np.stack([np.interp(stations, where, edge[:, axis]) for axis in (0, 1)], 1)


def curves_of(maps: npt.NDArray[np.float32], threshold: float = 0.5) -> list[TextCurve]:
    """Curves through what a network marked, in pixels of its maps; in no order.

    Args:
        maps: ``float32 [7, H, W]``: `CHANNELS`, of which the first and the fifth are logits.
        threshold: of the first one's probability, 0..1.
    """
    score = 1 / (1 + np.exp(-maps[0]))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((score > threshold).astype(np.uint8), connectivity=8)
    parts = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] < 10:
            continue
        rows, columns = np.nonzero(labels == number)
        parts.append(_Part.of(maps, score, rows, columns))
    return [curve for part in _joined(parts) if (curve := part.curve()) is not None]


def in_order(curves: Sequence[TextCurve], centre: float) -> list[TextCurve]:
    """Curves in the order in which a seal is read; ``centre`` is its middle, x and y alike."""

    def rank(curve: TextCurve) -> tuple[int, float]:
        if curve.column:
            return 1, -float(curve.middle[:, 0].mean())
        if not curve.curved:
            return 1, float(curve.middle[:, 1].mean())
        away = curve.middle - centre
        steps = np.diff(curve.middle, axis=0)
        turning = float((away[:-1, 0] * steps[:, 1] - away[:-1, 1] * steps[:, 0]).sum())
        outside = -float(np.linalg.norm(away, axis=1).mean())
        return (0, outside) if turning > 0 else (2, outside)

    return sorted(curves, key=rank)


@dataclass(frozen=True)
class _Part:
    """Pixels of one line: places, unit vectors along it (all pointing the way that it is read), how far the network
    agrees to that (-1..1), weights."""

    points: Points
    along: Points
    votes: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    height: float
    column: bool

    @classmethod
    def of(cls, maps: npt.NDArray[np.float32], score: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> _Part:
        way = maps[1:3, rows, columns].T.astype(np.float64)
        half = np.arctan2(maps[6, rows, columns], maps[5, rows, columns]).astype(np.float64) / 2
        along = _one_way(np.stack((columns + 0.5, rows + 0.5), 1), np.stack((np.cos(half), np.sin(half)), 1))
        votes = (along * way).sum(1)
        if votes.sum() < 0:
            along, votes = -along, -votes
        height = float(np.median(maps[3, rows, columns])) * _UNIT
        points = np.stack((columns + 0.5, rows + 0.5), 1)
        column = bool(maps[4, rows, columns].mean() > 0)
        return cls(points, along, votes, score[rows, columns].astype(np.float64), max(height, 1.0), column)

    def with_part(self, other: _Part) -> _Part:
        """Both as one."""
        first, second = len(self.points), len(other.points)
        return _Part(
            np.concatenate((self.points, other.points)),
            np.concatenate((self.along, other.along)),
            np.concatenate((self.votes, other.votes)),
            np.concatenate((self.score, other.score)),
            (first * self.height + second * other.height) / (first + second),
            self.column,
        )

    def curve(self) -> TextCurve | None:
        """A straight line or an arc through the pixels, drawn out by the ends that were left unmarked."""
        mean = self.along.mean(0)
        straight = float(np.linalg.norm(mean)) > 0.985
        middle_points = self._straight(mean) if straight else self._arc()
        if middle_points is None:
            return None
        confidence = float(self.score.mean())
        way = float(np.clip(self.votes.mean(), 0, 1))
        return TextCurve(middle_points, self.height, self.column and straight, not straight, confidence, way)

    def _straight(self, mean: Points) -> Points | None:
        along = mean / np.linalg.norm(mean)
        across = np.array([-along[1], along[0]])
        t, s = self.points @ along, self.points @ across
        slope, offset = np.polyfit(t, s, 1) if np.ptp(t) > 2 * self.height else (0.0, float(s.mean()))
        stations = np.linspace(float(t.min()) - self._more, float(t.max()) + self._more, 16)
        return stations[:, None] * along + (slope * stations + offset)[:, None] * across

    def _arc(self) -> Points | None:
        """Normals of an arc meet in its middle; radii are smoothed over the angle, so that ovals are followed too."""
        # the middle c lies on every normal: along . (c - p) = 0
        solution, _, rank, _ = np.linalg.lstsq(self.along, (self.along * self.points).sum(1), rcond=None)
        if rank < 2:
            return None
        away = self.points - solution
        angle, radius = np.arctan2(away[:, 1], away[:, 0]), np.linalg.norm(away, axis=1)
        turning = float(np.median(away[:, 0] * self.along[:, 1] - away[:, 1] * self.along[:, 0]))
        order = np.sort(angle)
        gaps = np.diff(np.concatenate((order, [order[0] + 2 * np.pi])))
        start = order[(int(np.argmax(gaps)) + 1) % len(order)]
        position = (angle - start) % (2 * np.pi)
        more = self._more / max(float(np.median(radius)), 1.0)
        degree = 4 if np.ptp(position) > 1.5 else 2
        shape = np.polynomial.Polynomial.fit(position, radius, degree)
        inside = np.linspace(position.min(), position.max(), 48)
        stations = np.concatenate(([inside[0] - more], inside, [inside[-1] + more]))
        radii = shape(np.clip(stations, inside[0], inside[-1]))
        turned = stations + start
        points = solution + radii[:, None] * np.stack((np.cos(turned), np.sin(turned)), 1)
        points = points if turning > 0 else points[::-1]
        return _evenly(points, 64)

    @property
    def _more(self) -> float:
        """Length that training leaves unmarked at each end."""
        return 0.18 * self.height

    def ends(self) -> tuple[Points, Points, Points, Points]:
        """First and last point, and the directions there."""
        curve = self.curve()
        points = self.points[[0, -1]] if curve is None else curve.middle
        return points[0], points[-1], points[1] - points[0], points[-1] - points[-2]


def _one_way(points: Points, axes: Points) -> Points:
    """Axes turned so that neighbours point the same way: from pixel to pixel, each like the nearest that is settled."""
    shifts = points - points.min(0)
    grid = np.full(tuple((shifts.max(0) + 1).astype(int)[::-1]), -1)
    places = shifts.astype(int)[:, ::-1]
    grid[tuple(places.T)] = np.arange(len(points))
    settled = axes.copy()
    seen = np.zeros(len(points), bool)
    for start in range(len(points)):
        if seen[start]:
            continue
        seen[start] = True
        waiting = deque([start])
        while waiting:
            own = waiting.popleft()
            row, column = places[own]
            for other in grid[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].ravel():
                if other >= 0 and not seen[other]:
                    seen[other] = True
                    if settled[own] @ settled[other] < 0:
                        settled[other] = -settled[other]
                    waiting.append(other)
    return settled


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Parts of one line that wear or print has cut: the end of one leads to the beginning of another."""
    parts = list(parts)
    joined = True
    while joined:
        joined = False
        for first in parts:
            for second in parts:
                if first is not second and _leads(first, second):
                    parts = [part for part in parts if part is not first and part is not second]
                    parts.append(first.with_part(second))
                    joined = True
                    break
            if joined:
                break
    return parts


def _leads(first: _Part, second: _Part) -> bool:
    ratio = first.height / second.height
    if first.column != second.column or not 0.7 < ratio < 1.43:
        return False
    height = (first.height + second.height) / 2
    _, last, _, leaving = first.ends()
    start, _, entering, _ = second.ends()
    gap = start - last
    leaving, entering = (v / max(float(np.linalg.norm(v)), 1e-6) for v in (leaving, entering))
    ahead, aside = float(gap @ leaving), abs(float(gap[0] * leaving[1] - gap[1] * leaving[0]))
    return -0.3 * height < ahead < 0.9 * height and aside < 0.35 * height and float(leaving @ entering) > 0.85


def _normals(points: Points) -> Points:
    """Unit vectors across a polyline, to the right of its direction (y down: below text that reads to the right)."""
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return np.stack((-along[:, 1], along[:, 0]), 1)


def _evenly(points: Points, count: int) -> Points:
    where = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    stations = np.linspace(0, where[-1], count)
    return np.stack([np.interp(stations, where, points[:, axis]) for axis in (0, 1)], 1)
