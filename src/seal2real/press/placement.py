"""Where people put seals, and how crooked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.compose import compose
from seal2real.press.inks import random_ink
from seal2real.sample import Anchor, Page, PlacedSeal, Polygon, Sample, SealArt, TextLine
from seal2real.seal import KINDS, SealDesign, draw, kind_of, random_design

# How much each kind of anchor attracts a seal (relative).
ANCHOR_PULL = {
    "signature": 3.0,
    "date": 3.0,
    "company-name": 2.5,
    "photo": 1.0,
    "table-edge": 0.8,
    "free": 0.8,
    "total": 0.7,
    "title": 0.3,
}
# Seals split over the edges of stacked sheets, and seals just anywhere: on a page that is signed, and on another.
PAGE_EDGE_SHARES = (0.04, 0.40)
ANYWHERE_SHARES = (0.06, 0.30)
COUNT_SHARES = (0.68, 0.23, 0.09)  # one, two, three seals on a page


def random_angle(rng: Generator, kind: str = "") -> float:
    """Rotation in degrees, clockwise: mostly within 25 degrees, now and then anything."""
    roll = rng.random()
    if roll < 0.04:
        return float(rng.uniform(-180.0, 180.0))
    if roll < 0.30 or (kind in KINDS and KINDS[kind].upright):
        return float(rng.normal(0.0, 3.5))
    return float(rng.normal(0.0, 11.0))


def random_centre(rng: Generator, page: Page, size: tuple[float, float]) -> tuple[tuple[float, float], str]:
    """A centre for a seal, in page pixels, and the role of the anchor ("page-edge" and "free" for none).

    Args:
        rng: source of every choice.
        page: where.
        size: (width, height) of the seal in pixels.
    """
    height, width = page.image.shape[:2]
    pull = np.array([ANCHOR_PULL.get(anchor.role, 0.5) for anchor in page.anchors])
    unsigned = int(pull.sum() < 1.0)
    roll = rng.random()
    if roll < PAGE_EDGE_SHARES[unsigned]:
        share = float(rng.uniform(-0.25, 0.25))  # of the seal's size, beyond the edge
        if rng.random() < 0.9:
            x = width + share * size[0] if rng.random() < 0.8 else share * size[0]
            return (x, float(rng.uniform(0.15, 0.85)) * height), "page-edge"
        return (float(rng.uniform(0.15, 0.85)) * width, height + share * size[1]), "page-edge"
    if roll < PAGE_EDGE_SHARES[unsigned] + ANYWHERE_SHARES[unsigned] or not page.anchors:
        return _inside(
            float(rng.uniform(0.0, width)), float(rng.uniform(0.0, height)), size, (width, height), slack=0.1
        ), "free"
    anchor = page.anchors[int(rng.choice(len(pull), p=pull / pull.sum()))]
    x, y = _over(rng, anchor, size)
    return _inside(x, y, size, (width, height), slack=0.12), anchor.role


def _over(rng: Generator, anchor: Anchor, size: tuple[float, float]) -> tuple[float, float]:
    """A centre over an anchor, as the habit for its role is."""
    x, y, w, h = anchor.bbox
    if anchor.role == "date":  # 骑年盖月: the ring over the year and the month, that is the left half of the date
        along, lift = float(rng.uniform(0.15, 0.75)), float(rng.normal(-0.12, 0.15))
    elif anchor.role == "signature":
        along, lift = float(rng.uniform(0.2, 0.9)), float(rng.normal(0.0, 0.14))
    elif anchor.role == "company-name":
        along, lift = float(rng.uniform(0.25, 0.85)), float(rng.normal(0.12, 0.18))
    elif anchor.role == "table-edge":
        along, lift = float(rng.uniform(0.1, 0.9)), float(rng.normal(0.0, 0.3))
    elif anchor.role == "photo":  # half on the photograph's lower right corner
        along, lift = float(rng.normal(0.95, 0.12)), 0.0
        return x + along * w, y + float(rng.normal(0.9, 0.1)) * h
    else:
        along, lift = float(rng.uniform(0.0, 1.0)), 0.0
        if anchor.role == "free":
            return x + along * w, y + float(rng.uniform(0.0, 1.0)) * h
    spill = float(rng.normal(0.0, 0.12)) * size[0]
    return x + along * w + spill, y + h / 2.0 + lift * size[1]


def _inside(x: float, y: float, size: tuple[float, float], page: tuple[int, int], slack: float) -> tuple[float, float]:
    """The nearest centre that keeps the seal on the page but for ``slack`` of its size."""
    limits = []
    for value, extent, whole in zip((x, y), size, page, strict=True):
        reach = extent * (0.5 - slack)
        limits.append(float(np.clip(value, min(reach, whole / 2.0), max(whole - reach, whole / 2.0))))
    return limits[0], limits[1]


def shifted(lines: Sequence[TextLine], offset: tuple[float, float]) -> tuple[TextLine, ...]:
    """Text lines moved by (x, y) pixels."""
    move = np.asarray(offset, dtype=np.float32)
    return tuple(
        replace(line, polygon=line.polygon + move, characters=tuple(quad + move for quad in line.characters))
        for line in lines
    )


def place(
    art: SealArt,
    page: Page,
    rng: Generator,
    *,
    centre: tuple[float, float] | None = None,
    angle: float | None = None,
    colour: str | None = None,
    absorbance: npt.NDArray[np.float32] | None = None,
) -> PlacedSeal:
    """Lay a seal on a page. It is drawn anew at the page's resolution and angle, so that it stays sharp.

    Args:
        art: the seal; its ``design`` is what counts.
        page: where to.
        rng: source of every choice that is not given.
        centre: of the seal, in page pixels; None for an anchor's.
        angle: degrees, clockwise; None for a random one.
        colour: colour class; None for a random one.
        absorbance: ``float32 [3]`` of the full ink; None for a random ink of the colour.

    Raises:
        UsageError: on an unknown colour, or an ink without its colour class.
        MissingGlyphError: if the design's font lacks a character.
    """
    if absorbance is not None and colour is None:
        raise UsageError("an ink was given without its colour class; give colour too (red, blue, violet or black)")
    angle = random_angle(rng, art.kind) if angle is None else float(angle)
    drawn = draw(SealDesign.from_dict(art.design), page.dpi, angle)
    if centre is None:
        centre, _ = random_centre(rng, page, _frame(drawn))
    if absorbance is None:
        colour, absorbance = _ink(rng, drawn, colour)
    return _lay(drawn, centre, angle, str(colour), absorbance)


def _frame(art: SealArt) -> tuple[float, float]:
    height, width = art.coverage.shape
    return float(width), float(height)


def _ink(rng: Generator, art: SealArt, colour: str | None) -> tuple[str, npt.NDArray[np.float32]]:
    """An ink as the seal's kind has it, unless the colour is asked for or belongs to the design."""
    return random_ink(rng, colour or art.design["options"].get("ink"), kind_of(art.kind).colours)


def _lay(
    drawn: SealArt, centre: tuple[float, float], angle: float, colour: str, absorbance: npt.NDArray[np.float32]
) -> PlacedSeal:
    """A seal that is drawn at the page's resolution and angle, with its centre at the nearest possible pixel."""
    width, height = _frame(drawn)
    offset = (round(centre[0] - width / 2.0), round(centre[1] - height / 2.0))
    return PlacedSeal(
        kind=drawn.kind,
        colour=colour,
        offset=offset,
        coverage=drawn.coverage,
        absorbance=np.asarray(absorbance, dtype=np.float32),
        angle=angle,
        outline=_moved(drawn.outline, offset),
        lines=shifted(drawn.lines, offset),
        visible=drawn.coverage >= 0.5,
        design=drawn.design,
    )


def _moved(points: Polygon, offset: tuple[float, float]) -> Polygon:
    return (points + np.asarray(offset, dtype=np.float32)).astype(np.float32)


def is_chinese(page: Page) -> bool:
    """Whether the page has Chinese text; where its text is not known, it may."""
    text = "".join(box.text for box in page.text)
    return not text or any("\u4e00" <= character <= "\u9fff" for character in text)


def stamp_page(
    page: Page,
    rng: Generator,
    count: int | None = None,
    kinds: Sequence[str] | None = None,
    colour: str | None = None,
) -> Sample:
    """Stamp a page as people do: random designs, places and inks, then the traditional composition.

    Args:
        page: the clean page.
        rng: source of every choice.
        count: number of seals; None for one to three, mostly one.
        kinds: names of the kinds to choose from; None for all, by their shares on pages with or without Chinese text.
        colour: colour class of the ink; None for the usual mix.

    Raises:
        UsageError: on an unknown kind or colour, an empty list of kinds, or a negative count.
    """
    if kinds is not None and not kinds:
        raise UsageError("the list of seal kinds is empty; name at least one, or leave it out for all")
    if count is not None and count < 0:
        raise UsageError(f"the number of seals is {count}; give 0 or more")
    if count is None:
        count = 1 + int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))
    allowed = list(KINDS.values()) if kinds is None else [kind_of(name) for name in kinds]
    foreign = kinds is None and not is_chinese(page)
    shares = np.array([kind.foreign_share if foreign else kind.share for kind in allowed])
    seals: list[PlacedSeal] = []
    for _ in range(count):
        kind = allowed[int(rng.choice(len(allowed), p=shares / shares.sum()))]
        seals.append(_add(page, rng, random_design(rng, kind.name), seals, colour))
    return compose(page, seals)


def _add(page: Page, rng: Generator, design: SealDesign, seals: Sequence[PlacedSeal], colour: str | None) -> PlacedSeal:
    """One more seal, which keeps off the others most of the time."""
    angle = random_angle(rng, design.kind)
    drawn = draw(design, page.dpi, angle)
    may_overlap = rng.random() < 0.12
    for _ in range(8):
        centre, _ = random_centre(rng, page, _frame(drawn))
        if may_overlap or not any(_close(centre, _frame(drawn), other) for other in seals):
            break
    colour, absorbance = _ink(rng, drawn, colour)
    return _lay(drawn, centre, angle, colour, absorbance)


def _close(centre: tuple[float, float], size: tuple[float, float], other: PlacedSeal) -> bool:
    h, w = other.coverage.shape
    dx, dy = centre[0] - (other.offset[0] + w / 2.0), centre[1] - (other.offset[1] + h / 2.0)
    return abs(dx) < (size[0] + w) / 2.0 and abs(dy) < (size[1] + h) / 2.0
