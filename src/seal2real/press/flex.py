"""A die of rubber bends: its impression is a little off the design, the labels with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.press.strikes import visible_of
from seal2real.sample import FloatMap, PlacedSeal, Polygon

_CELLS = 3  # of the field across a seal: it bends as a whole, strokes stay straight
_WHOLE = 40.0  # millimetres across, from which on a seal bends fully; smaller ones less
_MOST = 0.6  # millimetres that a point may move along either axis


def bent(seal: PlacedSeal, dpi: float, rng: Generator) -> PlacedSeal:
    """The seal of a die that bent as it was pressed: points move by some tenths of a millimetre, neighbours alike.

    Ink, masks, outline, lines and characters move together. In ``effects``: "bend_mm", by how much (root mean square).

    Args:
        seal: as placed, struck whole and once.
        dpi: of the page.
        rng: source of the field.
    """
    scale = dpi / 25.4
    share = min(1.0, max(seal.coverage.shape) / scale / _WHOLE)
    amount = share * float(np.clip(rng.gamma(3.0, 0.06), 0.05, 0.4))
    margin = int(np.ceil(_MOST * scale)) + 1
    coverage = np.pad(seal.coverage, margin)
    moves = _field(coverage.shape, amount * scale, _MOST * scale, rng)
    ys, xs = np.indices(coverage.shape, dtype=np.float32)
    # what ends at p came from p minus its move, which hardly differs from the move of p
    there = (xs - moves[..., 0], ys - moves[..., 1])
    coverage = np.asarray(cv2.remap(coverage, *there, cv2.INTER_LINEAR), np.float32)
    offset = (seal.offset[0] - margin, seal.offset[1] - margin)

    def moved(points: Polygon) -> Polygon:
        return (points + _at(moves, points - np.asarray(offset, np.float32))).astype(np.float32)

    lines = tuple(
        replace(line, polygon=moved(line.polygon), characters=tuple(moved(quad) for quad in line.characters))
        for line in seal.lines
    )
    return replace(
        seal,
        offset=offset,
        coverage=coverage,
        outline=moved(_finer(seal.outline, 4 * scale)),
        lines=lines,
        visible=visible_of(coverage, None, seal.absorbance),
        effects={**seal.effects, "bend_mm": round(amount, 3)},
    )


def _finer(polygon: Polygon, step: float) -> Polygon:
    """A polygon with points on its edges, at most ``step`` apart, for edges bend too."""
    parts = []
    for here, there in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        count = max(1, int(np.ceil(float(np.linalg.norm(there - here)) / step)))
        parts.append(here + (there - here) * (np.arange(count, dtype=np.float32) / count)[:, None])
    return np.concatenate(parts).astype(np.float32)


def _field(shape: tuple[int, int], amount: float, most: float, rng: Generator) -> FloatMap:
    """``float32 [h, w, 2]``: smooth moves in x and y, in pixels, of no mean."""
    height, width = shape
    coarse = rng.normal(size=(_CELLS, _CELLS, 2)).astype(np.float32)
    field = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    field = field - field.mean((0, 1))
    strength = np.float32(amount / max(float(np.sqrt((field**2).mean())), 1e-6))
    return np.asarray(np.clip(field * strength, -most, most), np.float32)


def _at(moves: FloatMap, points: Polygon) -> npt.NDArray[np.float32]:
    """The moves ``[n, 2]`` of points ``[n, 2]`` of the frame, between the middles of pixels."""
    spots = np.asarray(points, np.float32)[:, None] - np.float32(0.5)
    return np.asarray(
        cv2.remap(moves, spots[..., 0], spots[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
    )
