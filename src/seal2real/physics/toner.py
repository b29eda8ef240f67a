"""Uneven print: toner broadens strokes, lies thinner in places and frays at its edges, where typesetting is even and
sharp.

Only pixels in and beside the print change, a few per cent of a page, so that it takes milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from seal2real.physics.operators import blur_plane, gaussian_taps
from seal2real.sample import Image

_PRINTED = 240  # grey level below which a pixel is printed
_TILE = 512  # side in pixels of the noise, which repeats; a power of two
_GOOD = 0.35  # share of printers that leave nothing to see


@dataclass(frozen=True)
class Toner:
    """What one printer leaves on paper.

    Attributes:
        fading: how much of its density the print loses where it is thin, about: 0 (even) to 1.
        patch_mm: size of thin patches (standard deviation of their smoothing).
        fraying: how much the edges of strokes waver, 0 to 1.
        gain_mm: by how much strokes are broader than typeset, on either side; below 0 narrower.
    """

    fading: float
    patch_mm: float
    fraying: float
    gain_mm: float = 0.0

    @classmethod
    def random(cls, rng: Generator, strength: float = 1.0) -> Toner:
        """A printer of an office: a third of them print evenly; few as thin as it was typeset.

        Args:
            rng: source of the choice.
            strength: of all that it does, 0 to 1.
        """
        level = max(0.0, (float(rng.random()) - _GOOD) / (1.0 - _GOOD)) * strength
        return cls(
            fading=level * float(rng.uniform(0.1, 0.6)),
            patch_mm=float(np.exp(rng.uniform(np.log(0.06), np.log(0.3)))),
            fraying=level * float(rng.uniform(0.2, 1.0)),
            gain_mm=strength * float(rng.uniform(-0.012, 0.04)),
        )


def print_unevenly(page: Image, dpi: float, toner: Toner, rng: Generator) -> Image:
    """The page as this printer prints it.

    Args:
        page: ``uint8 [H, W, 3]``, evenly printed on white.
        dpi: its resolution.
        toner: the printer's.
        rng: source of the noise.

    Returns:
        Another image of the same shape; the same one where the print is even.
    """
    if toner.gain_mm:
        page = _broadened(page, toner.gain_mm * dpi / 25.4)
    if toner.fading == 0 and toner.fraying == 0:
        return page
    page = np.ascontiguousarray(page)
    width = page.shape[1]
    printed = np.flatnonzero(cv2.extractChannel(page, 1) < _PRINTED)
    noise = rng.integers(0, 256, (_TILE, _TILE), np.uint8).astype(np.float32) / np.float32(128) - 1  # -1 to 1
    sigma = toner.patch_mm * dpi / 25.4
    patches = blur_plane(noise, gaussian_taps(sigma, sigma))
    patches /= max(float(patches.std()), 1e-6)
    thin = (np.float32(0.5 * toner.fading) * np.maximum(patches + np.float32(0.3), 0)).clip(0, 0.9)
    where = ((printed // width) & (_TILE - 1)) * _TILE + ((printed % width) & (_TILE - 1))
    share = 1 - thin.ravel()[where]
    missing = (255 - page.reshape(-1, 3)[printed]).astype(np.float32)
    if toner.fraying:
        # half-covered pixels are edges; there the stroke ends a little earlier or later
        density = missing[:, 1] * np.float32(1 / 255)
        share += np.float32(2.0 * toner.fraying) * noise.ravel()[where] * (1 - density)
    missing *= share[:, None]
    uneven = page.copy()
    uneven.reshape(-1, 3)[printed] = 255 - np.clip(missing, 0, 255).astype(np.uint8)
    return uneven


def _broadened(page: Image, pixels: float) -> Image:
    """The page with all that is dark broader by so many pixels; below 0 narrower."""
    reach = max(1, int(np.ceil(abs(pixels))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    moved = (cv2.erode if pixels > 0 else cv2.dilate)(page, disc)
    share = abs(pixels) / reach
    return np.asarray(cv2.addWeighted(moved, share, page, 1 - share, 0), np.uint8)
