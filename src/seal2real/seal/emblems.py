"""Neutral emblems for the centre of a seal: no state's, no party's, no firm's.

Each is a function of the diameter in millimetres; its marks keep inside that circle about the origin.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import skia

from seal2real.errors import UsageError
from seal2real.seal.geometry import Mark, polygon_mark, ring, segments


def _circle(x: float, y: float, radius: float, clear: bool = False) -> Mark:
    path = skia.Path()
    path.addCircle(x, y, radius)
    return Mark(path, clear=clear)


def _curve(points: np.ndarray, width: float, clear: bool = False) -> Mark:
    """An open line of this width through ``[n, 2]`` points."""
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in points], False)
    return Mark(path, width=width, fill=False, clear=clear, rounding=width)


def _leaf(x: float, y: float, angle: float, length: float, width: float) -> skia.Path:
    """A pointed leaf from (x, y) in the direction of ``angle`` (radians, clockwise from the right)."""
    path = skia.Path()
    cos, sin = np.cos(angle), np.sin(angle)

    def at(along: float, across: float) -> tuple[float, float]:
        return float(x + along * cos - across * sin), float(y + along * sin + across * cos)

    path.moveTo(*at(0.0, 0.0))
    path.quadTo(*at(0.45 * length, width), *at(length, 0.0))
    path.quadTo(*at(0.45 * length, -width), *at(0.0, 0.0))
    path.close()
    return path


def wreath(diameter: float) -> list[Mark]:
    """Two ears of grain around a sun over hills and water, a knot below: the weight of a state's emblem."""
    r = diameter / 2.0
    marks = []
    for side in (-1.0, 1.0):
        ears = skia.Path()
        for angle in np.deg2rad(np.linspace(24.0, 150.0, 12)):  # from the foot up, measured from straight down
            x, y = side * 0.8 * r * np.sin(angle), 0.8 * r * np.cos(angle)
            heading = np.arctan2(-np.sin(angle), side * np.cos(angle))  # along the branch, upwards
            for lean in (-0.62, 0.62):
                ears.addPath(_leaf(x, y, heading + lean, 0.26 * r, 0.075 * r))
        marks.append(Mark(ears))
        bend = np.deg2rad(np.linspace(4.0, 158.0, 30))
        marks.append(_curve(np.stack([side * 0.8 * r * np.sin(bend), 0.8 * r * np.cos(bend)], axis=1), 0.035 * r))
    marks.append(ring(0.56 * r, 0.56 * r, 0.05 * r))
    # the sun and its rays
    marks.append(_circle(0.0, -0.2 * r, 0.13 * r))
    spokes = np.deg2rad(np.arange(180, 361, 22.5))
    marks.append(
        segments(
            [
                (0.18 * r * c, (0.18 * s - 0.2) * r, 0.28 * r * c, (0.28 * s - 0.2) * r)
                for c, s in zip(np.cos(spokes), np.sin(spokes), strict=True)
            ],
            0.035 * r,
        )
    )
    hills = np.array(
        [(-0.5, 0.14), (-0.28, -0.12), (-0.12, 0.02), (0.1, -0.2), (0.32, 0.04), (0.4, -0.04), (0.5, 0.14)]
    )
    marks.append(polygon_mark(np.concatenate([hills, [(0.47, 0.18), (-0.47, 0.18)]]) * r))
    for k, y in enumerate((0.24, 0.33, 0.42)):
        half = (0.46, 0.4, 0.3)[k]
        x = np.linspace(-half, half, 25)
        marks.append(_curve(np.stack([x, y + 0.018 * np.sin(x * 26.0 + k)], axis=1) * r, 0.045 * r))
    # the knot: a small gear and two ribbons
    marks.extend(_gear(0.0, 0.78 * r, 0.17 * r, 10))
    for side in (-1.0, 1.0):
        ribbon = np.array([(0.14, 0.8), (0.36, 0.72), (0.5, 0.82), (0.42, 0.88), (0.3, 0.82), (0.14, 0.9)])
        marks.append(polygon_mark(ribbon * [side * r, r]))
    return marks


def _gear(x: float, y: float, radius: float, teeth: int) -> list[Mark]:
    # a tooth: up, along the top, down, along the foot; its top somewhat narrower than its foot
    corner = np.array([0.0, 0.12, 0.42, 0.54])
    angles = 2.0 * np.pi * (np.arange(teeth)[:, None] + corner - 0.27).ravel() / teeth
    radii = np.tile(np.array([0.8, 1.0, 1.0, 0.8]) * radius, teeth)
    rim = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)
    return [polygon_mark(rim), _circle(x, y, 0.5 * radius, clear=True)]


def gear(diameter: float) -> list[Mark]:
    """A gear wheel with an open book in its hole."""
    r = diameter / 2.0
    marks = _gear(0.0, 0.0, r, 14)
    marks.append(_circle(0.0, 0.0, 0.68 * r, clear=True))
    for side in (-1.0, 1.0):
        page = np.array([(0.03, -0.22), (0.25, -0.34), (0.52, -0.24), (0.52, 0.26), (0.25, 0.16), (0.03, 0.3)])
        marks.append(polygon_mark(page * [side * r, r]))
        marks.append(
            segments(
                [(side * 0.12 * r, y * r, side * 0.43 * r, (y - 0.04) * r) for y in (-0.12, 0.0, 0.12)], 0.04 * r, True
            )
        )
    return marks


def globe(diameter: float) -> list[Mark]:
    """Meridians and parallels."""
    r = diameter / 2.0
    pen = 0.06 * r
    marks = [ring(r, r, 1.4 * pen), ring(0.5 * r, r, pen)]
    marks.append(segments([(0.0, -0.97 * r, 0.0, 0.97 * r), (-0.97 * r, 0.0, 0.97 * r, 0.0)], pen))
    for y in (-0.5, 0.5):
        half = (1.0 - y * y) ** 0.5 - 0.03
        marks.append(segments([(-half * r, y * r, half * r, y * r)], pen))
    return marks


def peaks(diameter: float) -> list[Mark]:
    """Two peaks over a bar, in a ring."""
    r = diameter / 2.0
    left = np.array([(-0.66, 0.3), (-0.18, -0.5), (0.04, -0.1), (-0.14, 0.3)])
    right = np.array([(-0.02, 0.3), (0.28, -0.28), (0.66, 0.3)])
    return [
        ring(r, r, 0.08 * r),
        polygon_mark(left * r),
        polygon_mark(right * r),
        segments([(-0.66 * r, 0.45 * r, 0.66 * r, 0.45 * r)], 0.1 * r),
    ]


def anchor(diameter: float) -> list[Mark]:
    """An anchor."""
    r = diameter / 2.0
    pen = 0.13 * r
    bend = np.deg2rad(np.linspace(20.0, 160.0, 25))
    arc = np.stack([0.68 * r * np.cos(bend), 0.02 * r + 0.72 * r * np.sin(bend)], axis=1)
    marks = [
        _curve(arc, pen),
        segments([(0.0, -0.6 * r, 0.0, 0.8 * r), (-0.36 * r, -0.32 * r, 0.36 * r, -0.32 * r)], pen),
    ]
    eye = skia.Path()
    eye.addCircle(0.0, -0.75 * r, 0.16 * r)
    marks.append(Mark(eye, width=0.09 * r, fill=False))
    for side in (-1.0, 1.0):
        barb = np.array([(0.84, 0.02), (0.4, 0.3), (0.78, 0.46)])
        marks.append(polygon_mark(barb * [side * r, r]))
    return marks


def leaf(diameter: float) -> list[Mark]:
    """Three leaves on a stem."""
    r = diameter / 2.0
    path = skia.Path()
    for angle, length in ((-90.0, 1.25), (-148.0, 0.9), (-32.0, 0.9)):
        path.addPath(_leaf(0.0, 0.28 * r, float(np.deg2rad(angle)), length * r, 0.42 * r * length))
    vein = segments([(0.0, 0.2 * r, 0.0, -0.7 * r)], 0.06 * r, clear=True)
    return [Mark(path), vein, segments([(0.0, 0.2 * r, 0.0, 0.95 * r)], 0.1 * r)]


def petals(diameter: float) -> list[Mark]:
    """Four quarter discs, turned like a windmill."""
    r = diameter / 2.0
    arc = np.deg2rad(np.linspace(0.0, 90.0, 19))
    shape = np.concatenate([[(0.05, 0.05)], np.stack([0.05 + 0.66 * np.sin(arc), 0.71 - 0.66 * np.cos(arc)], axis=1)])
    marks = []
    for quarter in range(4):
        cos, sin = (1, 0, -1, 0)[quarter], (0, 1, 0, -1)[quarter]
        marks.append(polygon_mark(shape @ np.array([[cos, sin], [-sin, cos]]) * r))
    return marks


def scales(diameter: float) -> list[Mark]:
    """A balance."""
    r = diameter / 2.0
    pen = 0.08 * r
    marks = [
        segments([(0.0, -0.75 * r, 0.0, 0.72 * r), (-0.66 * r, -0.52 * r, 0.66 * r, -0.52 * r)], pen),
        segments([(-0.36 * r, 0.76 * r, 0.36 * r, 0.76 * r)], 1.6 * pen),
        _circle(0.0, -0.8 * r, 0.1 * r),
    ]
    for side in (-0.62, 0.62):
        cords = [(side * r, -0.52 * r, (side + end) * r, 0.12 * r) for end in (-0.26, 0.26)]
        marks.append(segments(cords, 0.5 * pen))
        bowl = np.array([(side + 0.3 * np.cos(t), 0.12 + 0.22 * np.sin(t)) for t in np.linspace(0.0, np.pi, 15)])
        marks.append(polygon_mark(bowl * r))
    return marks


EMBLEMS: dict[str, Callable[[float], list[Mark]]] = {
    "wreath": wreath,
    "gear": gear,
    "globe": globe,
    "peaks": peaks,
    "anchor": anchor,
    "leaf": leaf,
    "petals": petals,
    "scales": scales,
}
LOGOS = ("gear", "globe", "peaks", "anchor", "leaf", "petals", "scales")


def emblem(name: str, diameter: float, centre: tuple[float, float] = (0.0, 0.0)) -> list[Mark]:
    """Marks of the emblem of this name inside a circle.

    Args:
        name: a key of `EMBLEMS`.
        diameter: of the circle in millimetres.
        centre: of the circle in millimetres.

    Raises:
        UsageError: on an unknown name.
    """
    if name not in EMBLEMS:
        raise UsageError(f"no emblem {name!r}; use one of {', '.join(EMBLEMS)}")
    marks = EMBLEMS[name](diameter)
    for mark in marks:
        mark.path.offset(*centre)
    return marks
