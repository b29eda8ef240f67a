"""Seals on whole pages: found by their coloured ink and their shape (a closed ring or frame of plausible size)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.physics.ink_measure import CHROMA_AXES, absorbance_against, estimate_paper
from seal2real.sample import Box, Image, Mask

SEARCH_CHROMA = 0.045  # of absorptance; lower than inside a crop, since shapes are checked afterwards
SEARCH_SIDE = 1000  # pages are searched at this long side


@dataclass(frozen=True)
class FoundSeal:
    """A seal found on a page.

    Attributes:
        box: box in image pixels.
        score: plausibility 0..1: share of the outline (ring or frame) that carries ink.
        shape: "round" (circle or oval) or "rectangular".
    """

    box: Box
    score: float
    shape: str


def find_seals(image: Image) -> list[FoundSeal]:
    """Coloured seals on a page, most plausible first.

    At a reduced size, pixels are grouped by the hue of their absorbance (up to three inks); each group is closed over
    gaps of about 3 mm of an A4 page, and a component counts if its size is within 3.5 to 40 % of the longer side, its
    sides within 1:3, and its outline carries ink all around: as an ellipse (round, oval) or as a frame (rectangular).

    Args:
        image: ``uint8 [H, W, 3]``.

    Returns:
        The seals; empty if there is none.
    """
    height, width = image.shape[:2]
    factor = min(1.0, SEARCH_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = image
    if factor < 1:
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    absorptance = 1.0 - np.exp(-absorbance_against(small, estimate_paper(small)))
    plane = cv2.blur(absorptance, (3, 3)) @ CHROMA_AXES.T
    chroma = np.hypot(plane[..., 0], plane[..., 1])
    angle = np.arctan2(plane[..., 1], plane[..., 0])
    long_side = max(small.shape[:2])
    reach = max(3, round(0.011 * long_side)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    found: list[FoundSeal] = []
    for peak in _hue_peaks(angle, chroma):
        near = np.abs(np.angle(np.exp(1j * (angle - peak)))) < np.deg2rad(35)
        ink = near & (chroma > SEARCH_CHROMA)
        closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        for label in range(1, count):
            x, y, w, h = (int(v) for v in stats[label, :4])
            if not 0.035 * long_side <= max(w, h) <= 0.4 * long_side or max(w, h) > 3 * min(w, h):
                continue
            part = (labels[y : y + h, x : x + w] == label) & ink[y : y + h, x : x + w]
            if not 0.04 <= part.mean() <= 0.7:
                continue
            ring, frame = ring_share(part), frame_share(part)
            round_like = ring > 0.7 and corner_share(part) < 0.3
            if not round_like and frame < 0.75:
                continue
            box = (x / factor, y / factor, w / factor, h / factor)
            found.append(FoundSeal(box, ring if round_like else frame, "round" if round_like else "rectangular"))
    return _without_nested(found)


def ring_share(part: Mask) -> float:
    """Share of 48 sectors of the box's ellipse with ink in the outer 18 % of the radius."""
    height, width = part.shape
    ys, xs = np.nonzero(part)
    dx, dy = (xs + 0.5) / width * 2 - 1, (ys + 0.5) / height * 2 - 1
    radius = np.hypot(dx, dy)
    sector = ((np.arctan2(dy, dx) / (2 * np.pi) + 0.5) * 48).astype(int) % 48
    return float(len(np.unique(sector[(radius > 0.82) & (radius < 1.06)])) / 48)


def corner_share(part: Mask) -> float:
    """Ink density outside the box's ellipse, relative to the density in the whole box."""
    height, width = part.shape
    ys, xs = np.mgrid[:height, :width]
    outside = np.hypot((xs + 0.5) / width * 2 - 1, (ys + 0.5) / height * 2 - 1) > 1.05
    return float(part[outside].mean() / max(part.mean(), 1e-6)) if outside.any() else 0.0


def frame_share(part: Mask) -> float:
    """Share of the tightest rotated box's outline that carries ink (near 1 for a frame, about one half for print)."""
    points = np.argwhere(part)[:, ::-1].astype(np.float32)
    if len(points) < 20:
        return 0.0
    (cx, cy), (w, h), angle = cv2.minAreaRect(points)
    turn = np.deg2rad(angle)
    across = (points - (cx, cy)) @ np.array([np.cos(turn), np.sin(turn)]) / max(w, 1) * 2
    along = (points - (cx, cy)) @ np.array([-np.sin(turn), np.cos(turn)]) / max(h, 1) * 2
    bins = 48
    seen = 0
    for near, far in ((across, along), (along, across)):
        for sign in (-1, 1):
            place = ((far[near * sign > 0.88] + 1) / 2 * bins).astype(int).clip(0, bins - 1)
            seen += len(np.unique(place))
    return seen / (4 * bins)


def _hue_peaks(angle: npt.NDArray[np.float32], chroma: npt.NDArray[np.float32]) -> list[float]:
    """Up to three angles of the chroma plane where ink gathers, strongest first."""
    coloured = chroma > SEARCH_CHROMA
    if coloured.sum() < 40:
        return []
    bins = 36
    place = ((angle[coloured] / (2 * np.pi)) % 1 * bins).astype(int) % bins
    counts = np.bincount(place, chroma[coloured], bins)
    counts = (
        counts + 0.7 * (np.roll(counts, 1) + np.roll(counts, -1)) + 0.3 * (np.roll(counts, 2) + np.roll(counts, -2))
    )
    peaks: list[float] = []
    total = counts.sum()
    for _ in range(3):
        best = int(np.argmax(counts))
        if counts[best] < 0.01 * total:
            break
        peaks.append((best + 0.5) * 2 * np.pi / bins)
        counts[[(best + shift) % bins for shift in range(-4, 5)]] = 0
    return peaks


def _without_nested(found: list[FoundSeal]) -> list[FoundSeal]:
    """Drop boxes that lie mostly inside a larger one (the same seal in two hues, a star inside its ring)."""
    kept: list[FoundSeal] = []
    for seal in sorted(found, key=lambda s: -s.box[2] * s.box[3]):
        x, y, w, h = seal.box
        for other in kept:
            ox, oy, ow, oh = other.box
            shared = max(0.0, min(x + w, ox + ow) - max(x, ox)) * max(0.0, min(y + h, oy + oh) - max(y, oy))
            if shared > 0.6 * w * h:
                break
        else:
            kept.append(seal)
    return sorted(kept, key=lambda s: -s.score)
