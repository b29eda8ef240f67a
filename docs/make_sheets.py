"""The contact sheets of `docs/seals/`: one picture per kind, of designs as they come by chance, in the kind's inks.

python docs/make_sheets.py [KIND ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from seal2real.press.inks import random_ink
from seal2real.seal import KINDS, draw, random_design

COLUMNS, ROWS = 4, 2
DPI = 130.0  # small seals are drawn larger, so that their strokes can be seen
GAP = 14
HERE = Path(__file__).parent / "seals"


def cell(kind: str, index: int, dpi: float) -> np.ndarray:
    """One impression ``uint8 [H, W, 3]`` in flat ink on white."""
    rng = np.random.default_rng([20, index])
    design = random_design(rng, kind)
    _, absorbance = random_ink(rng, design.options.get("ink"), KINDS[kind].colours)
    coverage = draw(design, dpi, angle=float(rng.normal(0.0, 2.0))).coverage
    return (255.0 * np.exp(-coverage[..., None] * absorbance)).round().astype(np.uint8)


def sheet(kind: str) -> Image.Image:
    """``COLUMNS`` x ``ROWS`` designs of a kind at one scale."""
    sizes = [random_design(np.random.default_rng([20, index]), kind).size_mm for index in range(COLUMNS * ROWS)]
    dpi = min(DPI * max(44.0 / max(map(max, sizes)), 0.75), 300.0)
    cells = [cell(kind, index, dpi) for index in range(COLUMNS * ROWS)]
    height, width = (max(part.shape[axis] for part in cells) + GAP for axis in (0, 1))
    page = np.full((ROWS * height + GAP, COLUMNS * width + GAP, 3), 255, np.uint8)
    for index, part in enumerate(cells):
        row, column = divmod(index, COLUMNS)
        top = GAP // 2 + row * height + (height - part.shape[0]) // 2 + GAP // 2
        left = GAP // 2 + column * width + (width - part.shape[1]) // 2 + GAP // 2
        page[top : top + part.shape[0], left : left + part.shape[1]] = part
    return Image.fromarray(page).quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def main() -> None:
    """Write the sheets that are named, or all."""
    HERE.mkdir(exist_ok=True)
    for kind in sys.argv[1:] or KINDS:
        path = HERE / f"{kind}.png"
        sheet(kind).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
