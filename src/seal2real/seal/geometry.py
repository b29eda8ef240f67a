"""The geometry of one seal, in millimetres from its centre (x right, y down): what is drawn and what is labelled.

Drawing and labels both come from a `Layout`, so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import skia

from seal2real.sample import Polygon, TextLine


@dataclass(frozen=True)
class Mark:
    """One thing to draw.

    Attributes:
        path: outline in millimetres.
        width: stroke width in millimetres.
        fill: fill the outline (and stroke it too if ``width`` > 0); else stroke only.
        clear: take ink away instead of putting it.
        rounding: radius in millimetres that rounds the corners of the outline.
    """

    path: skia.Path
    width: float = 0.0
    fill: bool = True
    clear: bool = False
    rounding: float = 0.0


@dataclass
class Layout:
    """A seal's marks in drawing order, its text lines in reading order, and its outer polygon, all in millimetres."""

    outline: Polygon
    marks: list[Mark] = field(default_factory=list)
    lines: list[TextLine] = field(default_factory=list)


def ellipse_points(a: float, b: float, count: int = 96) -> Polygon:
    """``[count, 2]`` points of the ellipse with semi-axes a and b, clockwise on the screen from its right end."""
    t = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return np.stack([a * np.cos(t), b * np.sin(t)], axis=1).astype(np.float32)


def rectangle_points(width: float, height: float) -> Polygon:
    """The four corners of a centred rectangle, clockwise on the screen from the top left."""
    x, y = width / 2.0, height / 2.0
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]], dtype=np.float32)


def ring(a: float, b: float, width: float, clear: bool = False) -> Mark:
    """An elliptic ring whose OUTER edge has the semi-axes a and b."""
    path = skia.Path()
    half = width / 2.0
    path.addOval(skia.Rect.MakeLTRB(-a + half, -b + half, a - half, b - half))
    return Mark(path, width=width, fill=False, clear=clear)


def frame(width: float, height: float, thickness: float, radius: float = 0.0) -> Mark:
    """A rectangular frame with this outer size; ``radius`` rounds its corners."""
    half = thickness / 2.0
    rect = skia.Rect.MakeLTRB(-width / 2 + half, -height / 2 + half, width / 2 - half, height / 2 - half)
    path = skia.Path()
    path.addRoundRect(rect, radius, radius)
    return Mark(path, width=thickness, fill=False)


def star(diameter: float, y: float = 0.0, turn: float = 0.0) -> Mark:
    """A regular five-pointed star, circumscribed by a circle of ``diameter``, its top point up or turned by degrees.

    The inner radius of the pentagram is cos 72 deg / cos 36 deg = 0.382 of the outer one.
    """
    angles = np.deg2rad(-90.0 + turn + 36.0 * np.arange(10))
    radii = np.where(np.arange(10) % 2 == 0, 1.0, np.cos(np.deg2rad(72)) / np.cos(np.deg2rad(36))) * diameter / 2.0
    return polygon_mark(np.stack([radii * np.cos(angles), y + radii * np.sin(angles)], axis=1))


def polygon_mark(points: np.ndarray, clear: bool = False) -> Mark:
    """A filled polygon, ``[n, 2]`` millimetres."""
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in points], True)
    return Mark(path, clear=clear)


def segments(points: Sequence[tuple[float, float, float, float]], width: float, clear: bool = False) -> Mark:
    """Straight lines (x0, y0, x1, y1) of this width."""
    path = skia.Path()
    for x0, y0, x1, y1 in points:
        path.moveTo(x0, y0)
        path.lineTo(x1, y1)
    return Mark(path, width=width, fill=False, clear=clear)


def radial_gaps(a: float, b: float, width: float, angles: Sequence[float], gap: float) -> Mark:
    """Cuts of ``gap`` millimetres through a ring at these angles (degrees, clockwise from the right).

    Args:
        a: outer horizontal semi-axis of the ring.
        b: outer vertical semi-axis.
        width: width of the ring.
        angles: where to cut.
        gap: width of a cut in millimetres.
    """
    cuts = []
    for angle in np.deg2rad(np.asarray(angles, dtype=float)):
        x, y = a * np.cos(angle), b * np.sin(angle)
        normal = np.array([np.cos(angle) / a, np.sin(angle) / b])
        nx, ny = normal / np.linalg.norm(normal)
        reach = width * 1.25
        cuts.append((x - nx * reach, y - ny * reach, x + nx * 0.25 * width, y + ny * 0.25 * width))
    return segments(cuts, gap, clear=True)


def wave_ring(a: float, height: float, count: int, width: float, b: float | None = None) -> Mark:
    """A fine closed wave around an ellipse.

    Args:
        a: horizontal semi-axis of the wave's middle line.
        height: from trough to crest, in millimetres.
        count: crests.
        width: of the line.
        b: vertical semi-axis; None for a circle.
    """
    t = np.linspace(0.0, 2.0 * np.pi, 12 * count, endpoint=False)
    lift = 0.5 * height * np.sin(count * t)
    x, y = (a + lift) * np.cos(t), ((a if b is None else b) + lift) * np.sin(t)
    path = skia.Path()
    path.addPoly([skia.Point(float(u), float(v)) for u, v in zip(x, y, strict=True)], True)
    return Mark(path, width=width, fill=False)
