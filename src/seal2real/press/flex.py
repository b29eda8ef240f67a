"""A die of rubber bends: its impression is a little off the design, the labels with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.press.strikes import visible_of
from seal2real.sample import FloatMap, PlacedSeal, Polygon

_CELLS = 4  # of the field across a seal: it bends as a whole, strokes stay straight
_MOST = 0.45  # millimetres that a point may move along either axis


def bent(seal: PlacedSeal, dpi: float, rng: Generator) -> PlacedSeal:
    """The seal of a die that bent as it was pressed: points move by some tenths of a millimetre, neighbours alike.

    Ink, masks, outline, lines and characters move together. In ``effects``: "bend_mm", by how much (root mean square).

    Args:
        seal: as placed, struck whole and once.
        dpi: of the page.
        rng: source of the field.
    """
    scale = dpi / 25.4
    amount = float(np.clip(rng.gamma(2.0, 0.06), 0.03, 0.3))
    margin = int(np.ceil(_MOST * scale)) + 1
    coverage = np.pad(seal.coverage, margin)
    moves = _field(coverage.shape, amount * scale, _MOST * scale, rng)
    ys, xs = np.indices(coverage.shape, dtype=np.float32)
    # what ends at p came from p minus its move, which hardly differs from the move of p
    coverage = cv2.remap(coverage, xs - moves[..., 0], ys - moves[..., 1], cv2.INTER_LINEAR)
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
        coverage=np.asarray(coverage, np.float32),
        outline=moved(seal.outline),
        lines=lines,
        visible=visible_of(coverage, None, seal.absorbance),
        effects={**seal.effects, "bend_mm": round(amount, 3)},
    )


def _field(shape: tuple[int, int], amount: float, most: float, rng: Generator) -> FloatMap:
    """``float32 [h, w, 2]``: smooth moves in x and y, in pixels, of no mean."""
    height, width = shape
    coarse = rng.normal(size=(_CELLS, _CELLS, 2)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    field -= field.mean((0, 1))
    field *= amount / max(float(np.sqrt((field**2).mean())), 1e-6)
    return np.asarray(np.clip(field, -most, most), np.float32)


def _at(moves: FloatMap, points: Polygon) -> npt.NDArray[np.float32]:
    """The moves ``[n, 2]`` of points ``[n, 2]`` of the frame, between the middles of pixels."""
    spots = np.asarray(points, np.float32)[:, None] - np.float32(0.5)
    return np.asarray(
        cv2.remap(moves, spots[..., 0], spots[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
    )
