"""The picture of the README: flat pastes, the same seals made real, and what is known of them.

python docs/make_front.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import seal2real as s2r

SIDE = 300
GAP = 6
TITLES = ("pasted", "made real", "its mask", "its clean twin", "its lines and characters")
PICKS = (  # seed, page, kind
    (5, "contract-zh", "company"),
    (1, "invoice-en", "latin"),
    (7, "report-zh", "department"),
    (5, "invoice-en", "latin"),
)
HERE = Path(__file__).parent


def row(seed: int, template: str, kind: str) -> list[np.ndarray]:
    """One sample as the pictures that `TITLES` names, ``uint8 [SIDE, SIDE, 3]`` each."""
    rng = np.random.default_rng(seed)
    page = s2r.TemplatePages(dpi=200, templates=(template,)).page(rng)
    flat = s2r.stamp_page(page, rng, count=1, kinds=[kind])
    real = s2r.load_forger("default").forge(flat, rng, {"device": "scan"})
    seal = real.seals[0]
    marked = real.stamped.copy()
    for line in seal.lines:
        for quad in line.characters:
            cv2.polylines(marked, [np.rint(quad).astype(np.int32)], True, (30, 90, 220), 1, cv2.LINE_AA)
        cv2.polylines(marked, [np.rint(line.polygon).astype(np.int32)], True, (20, 160, 60), 2, cv2.LINE_AA)
    mask = np.repeat(255 - 255 * real.mask[..., None].astype(np.uint8), 3, 2)
    low, high = seal.outline.min(0), seal.outline.max(0)
    half = 0.62 * float((high - low).max())
    x, y = (low + high) / 2
    box = tuple(int(v) for v in (x - half, y - half, x + half, y + half))
    return [
        np.asarray(Image.fromarray(part).crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
        for part in (flat.stamped, real.stamped, mask, real.clean, marked)
    ]


def main() -> None:
    rows = [row(*pick) for pick in PICKS]
    top = 26
    width = len(TITLES) * (SIDE + GAP) - GAP
    sheet = Image.new("RGB", (width, top + len(rows) * (SIDE + GAP) - GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(TITLES):
        pen.text((column * (SIDE + GAP) + 2, 4), title, fill=(40, 40, 40), font=ImageFont.load_default(15))
        for number, parts in enumerate(rows):
            place = column * (SIDE + GAP), top + number * (SIDE + GAP)
            sheet.paste(Image.fromarray(parts[column]), place)
    sheet.save(HERE / "front.jpg", quality=80)


if __name__ == "__main__":
    main()
