"""The contact sheets of `docs/pages/`: a picture per template, of pages as they come by chance, and one of red things.

python docs/make_page_sheets.py [TEMPLATE ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from seal2real.page import TEMPLATES, TemplatePages
from seal2real.page.red import red_things

HEIGHT, GAP, COUNT = 560, 8, 3
HERE = Path(__file__).parent / "pages"


def row(pictures: list[np.ndarray]) -> Image.Image:
    """Pictures side by side at one height."""
    small = [Image.fromarray(p) for p in pictures]
    small = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT), Image.Resampling.LANCZOS) for p in small]
    sheet = Image.new("RGB", (sum(p.width + GAP for p in small) + GAP, HEIGHT + 2 * GAP), (150, 150, 150))
    left = GAP
    for picture in small:
        sheet.paste(picture, (left, GAP))
        left += picture.width + GAP
    return sheet


def main() -> None:
    """Write the sheets that are named, or all."""
    HERE.mkdir(exist_ok=True)
    for name in sys.argv[1:] or [*TEMPLATES, "red"]:
        if name == "red":
            source = TemplatePages(120, ["letter-zh", "invoice-en", "contract-zh"], pen=1.0, red=0.0)
            pages = [source.page(np.random.default_rng(seed)) for seed in range(COUNT)]
            generators = [np.random.default_rng(seed) for seed in range(COUNT)]
            shown = [red_things(p.image, 120, p.text, g, 5)[0] for p, g in zip(pages, generators, strict=True)]
        else:
            source = TemplatePages(120, [name], pen=1.0, red=0.0)
            shown = [source.page(np.random.default_rng(seed)).image for seed in range(COUNT)]
        path = HERE / f"{name}.jpg"
        row(shown).save(path, quality=78, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
