"""Small signs between the texts of a ring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

from seal2real.seal.geometry import Mark, segments


def separators(kind: str, radius: float, angles: Sequence[float], size: float) -> list[Mark]:
    """Signs on a circle, each upright to its centre.

    Args:
        kind: "star", "asterisk" or "dot".
        radius: of the circle, in millimetres.
        angles: degrees from the top, clockwise.
        size: diameter of a sign in millimetres.
    """
    marks = []
    for angle in angles:
        turn = np.deg2rad(angle)
        centre = radius * np.array([np.sin(turn), -np.cos(turn)])
        if kind == "asterisk":
            spokes = turn + np.deg2rad([90.0, 30.0, -30.0])
            reach = 0.5 * size * np.stack([np.cos(spokes), np.sin(spokes)], axis=1)
            lines = [(*(centre - r), *(centre + r)) for r in reach]
            marks.append(segments(lines, 0.16 * size))
        else:
            path = skia.Path()
            if kind == "dot":
                path.addCircle(float(centre[0]), float(centre[1]), 0.22 * size)
            else:
                points = turn - np.pi / 2.0 + np.deg2rad(36.0 * np.arange(10))
                radii = np.where(np.arange(10) % 2 == 0, 0.5, 0.191) * size
                corners = centre + radii[:, None] * np.stack([np.cos(points), np.sin(points)], axis=1)
                path.addPoly([skia.Point(float(x), float(y)) for x, y in corners], True)
            marks.append(Mark(path))
    return marks
