"""Digital pastes made on the spot: a drawn seal, or one cut out of a scan, laid on a scanned page.

The judge of authenticity is tried on them on real papers; the recogniser learns to read them on generated ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from seal2real.press.placement import lay
from seal2real.press.tampering import Paste, flat_picture, paste_picture
from seal2real.sample import Image, Mask, PlacedSeal, Polygon
from seal2real.seal import SealDesign, draw

Picture = tuple[PlacedSeal, Image]  # a seal at the origin, and its picture in its frame
DRAWN_COLOURS = {  # absorbance of red, green and blue light, at least and at most
    "red": ((0.0, 1.2, 1.0), (0.15, 2.4, 2.2)),
    "blue": ((1.2, 0.7, 0.0), (2.4, 1.6, 0.3)),
    "violet": ((0.7, 1.2, 0.0), (1.5, 2.2, 0.5)),
}
_LEAST = 100  # pixels of ink that a paste needs


def drawn_picture(rng: Generator, design: SealDesign, dpi: float, colour: str = "red") -> Picture:
    """A seal as a program draws it: flat colour on white.

    Args:
        rng: source of its angle and shade.
        design: of the seal.
        dpi: of the page that it is meant for.
        colour: "red", "blue" or "violet".
    """
    drawn = draw(design, dpi, float(rng.normal(0, 8)))
    absorbance = np.asarray(rng.uniform(*DRAWN_COLOURS[colour]), np.float32)
    seal = lay(drawn, (0.0, 0.0), 0.0, colour, absorbance)
    return seal, flat_picture(seal)


def cut_picture(image: Image, ink: Mask, outline: Polygon) -> Picture:
    """A seal as it stands on a scan.

    Args:
        image: ``uint8 [H, W, 3]``.
        ink: ``bool [H, W]`` of the seal.
        outline: ``[n, 2]`` on the image.
    """
    coverage = ink.astype(np.float32)
    return PlacedSeal("company", "red", (0, 0), coverage, np.ones(3, np.float32), 0.0, outline, (), ink, {}), image


def lay_down(
    paper: Image, picture: Picture, offset: tuple[int, int], dpi: float, way: Paste
) -> tuple[Image, Mask] | None:
    """A picture of a seal on a scanned page, and its ink.

    Args:
        paper: ``uint8 [H, W, 3]``.
        picture: as from `drawn_picture` or `cut_picture`.
        offset: (x, y) of its frame, which may reach beyond the page.
        dpi: of the page.
        way: how it is laid on.

    Returns:
        ``uint8 [H, W, 3]`` and ``bool [H, W]``; None if hardly any ink shows.
    """
    seal, pixels = picture
    placed = replace(seal, offset=offset)
    done = paste_picture(paper, placed, pixels, dpi, way)
    window = placed.window(*paper.shape[:2])
    ink = np.zeros(paper.shape[:2], bool)
    if window is not None:
        ink[window[0]] = done.visible[window[1]]
    return (done.image, ink) if ink.sum() > _LEAST else None
