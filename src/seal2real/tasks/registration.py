"""Laying one impression of a seal onto another: size and place by the outline, the turn by the ink, then affine."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.sample import FloatMap, Image, Mask, Polygon
from seal2real.tasks.crops import View, longest_side, middle

SIDE = 256  # of the common frame
LENGTH = 224.0  # longest side of the seal in it
_ANGLES = 360
_RADII = 128
_TURNS = 4  # candidates that are refined
_STEPS = 40  # of a refinement
_APART = 12  # degrees between two candidates


@dataclass(frozen=True)
class Ink:
    """An impression, ready to be laid on another.

    Attributes:
        grey: ``uint8 [SIDE, SIDE]``: the picture, paper bright.
        ink: ``float32 [SIDE, SIDE]`` in 0..1.
        seen: ``bool [SIDE, SIDE]``: what lies on the image.
        view: from the image into this frame.
        size: (height, width) of the image.
    """

    grey: Image
    ink: FloatMap
    seen: Mask
    view: View
    size: tuple[int, int]


@dataclass(frozen=True)
class Registration:
    """How a reference lies on a query.

    Attributes:
        matrix: ``float64 [2, 3]``, from the reference's frame to the query's, pixel middles at whole numbers (cv2).
        correlation: of both inks, blurred, -1..1.
        turn: of the query against the reference, degrees clockwise.
    """

    matrix: npt.NDArray[np.float64]
    correlation: float
    turn: float

    def laid(self, layer: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """A layer of the reference's frame in the query's."""
        return cv2.warpAffine(
            layer, self.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=(fill,) * 4,
        )  # fmt: skip


def framed(image: Image, ink: Mask, outline: Polygon) -> Ink:
    """An impression in the common frame.

    Args:
        image: ``uint8 [H, W, 3]``.
        ink: ``bool [H, W]``.
        outline: ``[n, 2]`` of the seal.
    """
    view = View.about(middle(outline), LENGTH / max(longest_side(outline), 1.0), 0.0, SIDE)
    grey = np.asarray(view.of(image, 255), np.uint8).min(2)
    seen = view.of(np.full(image.shape[:2], 255, np.uint8), 0) > 127
    return Ink(grey, view.cover(ink), np.asarray(seen), view, (image.shape[0], image.shape[1]))


def register(reference: Ink, query: Ink) -> Registration:
    """The best of several turns, each refined by the enhanced correlation coefficient (ECC, Evangelidis and Psarakis
    2008)."""
    first, second = (np.asarray(cv2.GaussianBlur(each.ink, (0, 0), 2.0), np.float32) for each in (reference, query))
    best: Registration | None = None
    for turn in _likely_turns(first, second):
        found = _refined(first, second, turn)
        if best is None or found.correlation > best.correlation:
            best = found
    assert best is not None
    return best


def _likely_turns(first: FloatMap, second: FloatMap) -> list[float]:
    """Turns of the second against the first at which their rings of ink agree best."""
    rings = [_polar(each) for each in (first, second)]
    spectrum = np.conj(np.fft.rfft(rings[0], axis=0)) * np.fft.rfft(rings[1], axis=0)
    agreement = np.fft.irfft(spectrum.sum(1), _ANGLES)
    turns: list[float] = []
    for shift in np.argsort(-agreement):
        turn = float(shift) * 360 / _ANGLES
        if all(abs((turn - other + 180) % 360 - 180) >= _APART for other in turns):
            turns.append(turn)
        if len(turns) == _TURNS:
            break
    return turns


def _polar(ink: FloatMap) -> FloatMap:
    """``[angles, radii]``, every ring without its mean, outer ones weighing as they are long."""
    centre = (SIDE / 2 - 0.5, SIDE / 2 - 0.5)
    polar = cv2.warpPolar(ink, (_RADII, _ANGLES), centre, SIDE / 2, cv2.INTER_LINEAR)
    weight = np.sqrt(np.arange(_RADII, dtype=np.float32) + 0.5)
    return np.asarray((polar - polar.mean(0)) * weight, np.float32)


def _refined(first: FloatMap, second: FloatMap, turn: float) -> Registration:
    middle_point = SIDE / 2 - 0.5
    start = cv2.getRotationMatrix2D((middle_point, middle_point), -turn, 1.0)
    # ECC moves the input onto the template: its matrix leads from the template's frame to the input's
    inverse = cv2.invertAffineTransform(start).astype(np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, 1e-4)
    try:
        _, matrix = cv2.findTransformECC(second, first, inverse, cv2.MOTION_AFFINE, criteria)
    except cv2.error:  # it does not converge where nothing fits
        matrix = inverse
    forward = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    scale = float(np.sqrt(abs(np.linalg.det(forward[:, :2]))))
    if not 0.8 < scale < 1.25:
        forward = np.asarray(start, np.float64)
    laid = cv2.warpAffine(first, forward, (SIDE, SIDE))
    together = float(np.corrcoef(laid.ravel(), second.ravel())[0, 1]) if laid.std() > 0 and second.std() > 0 else 0.0
    angle = float(np.rad2deg(np.arctan2(forward[1, 0], forward[0, 0])))
    return Registration(np.asarray(forward, np.float64), together, angle)
