"""A photocopier without colour: a lamp and a grey sensor, a hard tone curve, black toner on white paper.

Red ink comes out dark, since the lamps are green and blue where the sensor looks, pale blue may vanish, off-white paper
turns white, and toner lies in grains with stray specks around. Toner is laid down by `print_copy`, black alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from seal2real.physics.print_copy import Printer, print_pages
from seal2real.sample import FloatMap, Image

_BLACK_ONLY = (0.0, 0.0, 0.0)  # strengths of cyan, magenta and yellow
_SPECK = 40  # grey level that a stray speck is to have


@dataclass(frozen=True)
class Copier:
    """One copier at its present setting.

    Attributes:
        response: share of red, green and blue light in what the sensor sees; sums to 1.
        white: grey level, 0..1, from which on paper is left bare (background suppression).
        black: grey level below which toner is solid.
        gamma: exponent on what lies between; above 1 is darker.
        blur_mm: standard deviation of the lens and of the toner's transfer.
        specks: share of points with stray toner.
        printer: lays the toner down.
    """

    response: tuple[float, float, float]
    white: float
    black: float
    gamma: float
    blur_mm: float
    specks: float
    printer: Printer

    @classmethod
    def random(cls, rng: Generator) -> Copier:
        """An office's copier: two of three screen their dots, the others scatter them."""
        red, blue = float(rng.uniform(0.12, 0.32)), float(rng.uniform(0.1, 0.22))
        screened = bool(rng.random() < 0.65)
        return cls(
            response=(red, 1.0 - red - blue, blue),
            white=float(rng.uniform(0.84, 0.94)),
            black=float(rng.uniform(0.12, 0.34)),
            gamma=float(rng.uniform(0.85, 1.5)),
            blur_mm=float(rng.uniform(0.03, 0.07)),
            specks=float(10.0 ** rng.uniform(-5.3, -3.7)),
            printer=Printer(
                process="laser" if screened else "inkjet",
                lines_per_inch=float(rng.uniform(105.0, 190.0)),
                registration_mm=((0.0, 0.0),) * 4,
                strength=(*_BLACK_ONLY, float(rng.uniform(0.92, 1.15))),
                black_share=1.0,
                spread_mm=float(rng.uniform(0.02, 0.05)),
                softness=float(rng.uniform(0.1, 0.35)),
                scatter=float(rng.uniform(0.05, 0.18)),
                specks=0.0,  # those of `Printer` are of any colour
                contrast=1.0,
            ),
        )

    def told(self) -> dict[str, Any]:
        """Plain JSON values for a label."""
        values = asdict(self)
        printer = values.pop("printer")
        values["response"] = [round(share, 3) for share in self.response]
        plain = {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
        return {**plain, "process": printer["process"], "lines_per_inch": round(printer["lines_per_inch"], 1)}

    def tone(self, light: FloatMap) -> FloatMap:
        """Grey that the copy is to show, ``float32 [H, W]`` in 0..1, for light ``[H, W, 3]`` in 0..1 off the sheet."""
        grey = cv2.transform(np.ascontiguousarray(light, np.float32), np.array([self.response], np.float32))
        shown = np.clip((grey - self.black) / np.float32(self.white - self.black), 0.0, 1.0)
        return np.asarray(np.power(shown, np.float32(self.gamma)), np.float32)


def copy_sheets(images: Sequence[Image], dpi: float, copier: Copier, rng: Generator) -> list[Image]:
    """Photocopy versions of one sheet, such as with and without its seals.

    Args:
        images: ``uint8 [H, W, 3]``, all of one size.
        dpi: their resolution.
        copier: which one.
        rng: source of grain and specks, the same for all versions: where they are alike, so are the copies.

    Returns:
        ``uint8 [H, W, 3]`` each, neutral but for the toner's own tint: the copy as an ideal scanner would see it.
    """
    height, width = images[0].shape[:2]
    specks = np.flatnonzero(rng.random(height * width, dtype=np.float32) < copier.specks)
    sigma = copier.blur_mm * dpi / 25.4
    greys = []
    for image in images:
        grey = copier.tone(image * np.float32(1 / 255))
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
        levels = cv2.convertScaleAbs(grey, alpha=255.0)
        flat = levels.reshape(-1)
        flat[specks] = np.minimum(flat[specks], _SPECK)
        greys.append(np.asarray(cv2.merge([levels] * 3), np.uint8))
    return print_pages(greys, dpi, copier.printer, rng)
