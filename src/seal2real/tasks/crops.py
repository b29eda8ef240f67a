"""What tasks are trained on: rows of native datasets, and random views of them.

Every example depends on the generator that is passed in alone. All sources of data are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.dataset.formats.native import NativeSample, Row, load_sample, read_rows
from seal2real.errors import Seal2RealError
from seal2real.physics.jpeg import jpeg_file
from seal2real.sample import FloatMap, Image, Mask, Polygon

SHAPES = ("round", "oval", "square", "rectangle", "triangle")
_SAME = 1.12  # sides that differ by less are equal
_FILLS = {"triangle": 0.5, "round": float(np.pi / 4), "square": 1.0}  # of the tightest rotated box
Label = Mapping[str, Any]  # of a seal, as in a native row
Place = tuple[int, int]  # of a seal: index of its row, number in it
_KEPT = 64  # decoded rows that are kept


@dataclass(frozen=True)
class View:
    """A square window onto an image, scaled and turned.

    Attributes:
        matrix: ``float64 [2, 3]``, image coordinates to window coordinates (pixel j covers [j, j+1) in both).
        size: side of the window in pixels.
    """

    matrix: npt.NDArray[np.float64]
    size: int

    @property
    def scale(self) -> float:
        """Window pixels per image pixel."""
        return float(np.hypot(*self.matrix[0, :2]))

    @classmethod
    def about(cls, centre: tuple[float, float], scale: float, turn: float, size: int) -> View:
        """The window's middle at ``centre`` of the image; ``turn`` in degrees, clockwise on the screen."""
        cos, sin = scale * np.cos(np.deg2rad(turn)), scale * np.sin(np.deg2rad(turn))
        rotation = np.array([[cos, -sin], [sin, cos]])
        shift = size / 2 - rotation @ np.asarray(centre, np.float64)
        return cls(np.column_stack((rotation, shift)), size)

    def points(self, polygon: Polygon) -> npt.NDArray[np.float64]:
        """A polygon ``[n, 2]`` in window coordinates."""
        return np.asarray(polygon, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def of(self, image: np.ndarray, fill: int | None = None) -> np.ndarray:
        """The window's pixels.

        Args:
            image: ``uint8 [H, W]`` or ``[H, W, 3]``.
            fill: value of what lies off the image; None continues its edge.
        """
        matrix = self.matrix
        if self.scale < 0.8:  # sampling alone would alias
            height, width = image.shape[:2]
            small = max(1, round(width * self.scale)), max(1, round(height * self.scale))
            image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            matrix = matrix.copy()
            matrix[:, :2] /= (small[0] / width, small[1] / height)
        # cv2 counts from the pixels' middles
        shift = matrix[:, :2] @ (0.5, 0.5) + matrix[:, 2] - 0.5
        how = cv2.INTER_CUBIC if image.ndim == 3 else cv2.INTER_LINEAR
        border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
        return cv2.warpAffine(
            image, np.column_stack((matrix[:, :2], shift)), (self.size, self.size),
            flags=how, borderMode=border, borderValue=(fill or 0,) * 3,
        )  # fmt: skip

    def cover(self, *masks: Mask) -> FloatMap:
        """How much of each of the window's pixels lies in any of these masks ``bool [H, W]``: ``float32`` in 0..1."""
        total = np.zeros((self.size, self.size), np.float32)
        for mask in masks:
            total = np.maximum(total, self.of(mask.view(np.uint8) * 255, 0) / np.float32(255))
        return total


def outline_of(seal: Label) -> Polygon:
    """``float32 [n, 2]`` of a labelled seal."""
    return np.asarray(seal["polygon"], np.float32)


class CropSet:
    """Rows of native datasets, whose images are read when they are asked for.

    Args:
        datasets: their folders.
        split: of the rows; None takes all.

    Raises:
        UsageError: a folder is no dataset.
        Seal2RealError: no row is left.
    """

    def __init__(self, datasets: Sequence[Path], split: str | None = "train"):
        self.rows: list[tuple[Path, Row]] = [
            (folder, row) for folder in datasets for row in read_rows(folder) if split in (None, row["split"])
        ]
        if not self.rows:
            where = ", ".join(map(str, datasets))
            raise Seal2RealError(f"{where}: no sample of split {split!r}; generate more, or with other shares")
        self.load = lru_cache(_KEPT)(self._load)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Row:
        """One line of metadata."""
        return self.rows[index][1]

    def seals(self, wanted: Callable[[Label], bool] = lambda seal: True) -> list[Place]:
        """Where all labelled seals are, or those that are wanted, in the order of the rows."""
        return [
            (index, number)
            for index, (_, row) in enumerate(self.rows)
            for number, seal in enumerate(row["seals"])
            if wanted(seal)
        ]

    def seal(self, place: Place) -> Label:
        """The label of one seal."""
        label: Label = self.rows[place[0]][1]["seals"][place[1]]
        return label

    def _load(self, index: int) -> NativeSample:
        return load_sample(*self.rows[index], lines=False)


def shape_of(outline: Polygon) -> str:
    """One of `SHAPES`, by how much of its tightest rotated box an outline fills, and by the box's sides."""
    points = np.asarray(outline, np.float32)
    sides = sorted(max(side, 1e-3) for side in cv2.minAreaRect(points)[1])
    fill = float(cv2.contourArea(points)) / (sides[0] * sides[1])
    shape = min(_FILLS, key=lambda name: abs(_FILLS[name] - fill))
    if shape == "triangle" or sides[1] / sides[0] < _SAME:
        return shape
    return "oval" if shape == "round" else "rectangle"


def longest_side(outline: Polygon) -> float:
    """Of the tightest rotated box of a polygon ``[n, 2]``, in pixels."""
    return float(max(cv2.minAreaRect(np.asarray(outline, np.float32))[1]))


def middle(outline: Polygon) -> tuple[float, float]:
    """The middle (x, y) of the tightest rotated box of a polygon ``[n, 2]``."""
    x, y = cv2.minAreaRect(np.asarray(outline, np.float32))[0]
    return float(x), float(y)


def filled(outline: npt.NDArray[np.floating], height: int, width: int) -> Mask:
    """``bool [height, width]``: the pixels of a polygon ``[n, 2]``, its points taken to a sixteenth of a pixel."""
    part = np.zeros((height, width), np.uint8)
    cv2.fillPoly(part, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return np.asarray(part > 0)


def random_turn(rng: Generator) -> float:
    """Of a scan in degrees: mostly upright, some lie on their side or head."""
    quarter = 90.0 * int(rng.integers(4)) if rng.random() < 0.25 else 0.0
    return quarter + float(rng.normal(0, 4) if rng.random() < 0.7 else rng.uniform(-30, 30))


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """A value between the two, uniform in its logarithm."""
    return float(low * (high / low) ** rng.random())


def shaken(image: Image, rng: Generator) -> Image:
    """The same picture ``uint8 [H, W, 3]`` from a slightly other device: gain per channel, gamma, noise, and JPEG at a
    random quality.

    Mild, so that what a source of data lacks is not made up for here.
    """
    values = image.astype(np.float32) / 255.0
    if rng.random() < 0.5:
        gain = rng.uniform(0.94, 1.0, 1) * rng.uniform(0.97, 1.0, 3)
        values = values ** np.float32(rng.uniform(0.9, 1.12)) * gain.astype(np.float32)
    if rng.random() < 0.25:
        noise = rng.standard_normal(image.shape[:2], np.float32)[..., None]
        values = values + noise * np.float32(rng.uniform(0, 0.015))
    result = np.asarray(np.clip(values * 255.0 + 0.5, 0, 255), np.uint8)
    if rng.random() < 0.5:
        result = jpeg_file(np.ascontiguousarray(result[..., ::-1]), float(rng.integers(45, 96)))
    return result
