"""Where people put seals, and how crooked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.inks import random_ink
from seal2real.press.settings import DEFAULT, PressSettings
from seal2real.press.strikes import size_of
from seal2real.sample import Anchor, Box, Page, PlacedSeal, Polygon, SealArt, TextLine
from seal2real.seal import KINDS, SealDesign, draw, kind_of

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
_HEAD_PULL = 0.15  # share of it that a place in the head of a signed page keeps
_APART = 35.0  # millimetres above where a page is signed, from which on it is the head
ANYWHERE_SHARES = (0.06, 0.45)  # seals just anywhere: on a page that is signed, and on another


def random_angle(rng: Generator, kind: str = "", settings: PressSettings = DEFAULT) -> float:
    """Rotation in degrees, clockwise: mostly within 25 degrees; by the settings' rates upside down, or anything."""
    roll = rng.random()
    if roll < settings.any_angle:
        return float(rng.uniform(-180.0, 180.0))
    if roll < settings.any_angle + settings.upside_down:
        angle = float(rng.normal(0.0, 8.0))
        return angle + (180.0 if angle < 0 else -180.0)
    if roll > 0.74 or (kind in KINDS and KINDS[kind].upright):
        return float(rng.normal(0.0, 3.5))
    return float(rng.normal(0.0, 11.0))


def is_signed(page: Page) -> bool:
    """Whether the page has a place that attracts a seal."""
    return sum(ANCHOR_PULL.get(anchor.role, 0.5) for anchor in page.anchors) >= 1.0


def random_centre(
    rng: Generator, page: Page, size: tuple[float, float], settings: PressSettings = DEFAULT
) -> tuple[tuple[float, float], str]:
    """A centre for a seal, in page pixels, and the role of the anchor ("free" for none, "off-page" for an edge).

    Args:
        rng: source of every choice.
        page: where.
        size: (width, height) of the seal in pixels.
        settings: how often a seal runs off the page, or is put over the signature.
    """
    height, width = page.image.shape[:2]
    if rng.random() < settings.off_page:
        return off_page(rng, size, (width, height)), "off-page"
    anchors = page.anchors
    signatures = tuple(anchor for anchor in anchors if anchor.role == "signature")
    over_signature = False
    if settings.over_signature is not None and signatures:
        over_signature = bool(rng.random() < settings.over_signature)
        anchors = signatures if over_signature else tuple(a for a in anchors if a.role != "signature")
    anywhere = not over_signature and rng.random() < ANYWHERE_SHARES[not is_signed(page)]
    if anywhere or not anchors:
        x, y = float(rng.uniform(0.0, width)), float(rng.uniform(0.0, height))
        return _inside(x, y, size, (width, height), slack=0.0), "free"
    signing = signing_places(page)
    pull = np.array(
        [
            ANCHOR_PULL.get(anchor.role, 0.5) * (_HEAD_PULL if _heads(anchor, signing, page.dpi) else 1.0)
            for anchor in anchors
        ]
    )
    anchor = anchors[int(rng.choice(len(pull), p=pull / pull.sum()))]
    x, y = _over(rng, anchor, size)
    return _inside(x, y, size, (width, height), slack=0.0), anchor.role


def signing_places(page: Page) -> tuple[Anchor, ...]:
    """Where a page is signed: its signatures; without any, the lowest of its dates and names."""
    signatures = tuple(anchor for anchor in page.anchors if anchor.role == "signature")
    others = [anchor for anchor in page.anchors if anchor.role in ("date", "company-name")]
    return signatures or tuple(sorted(others, key=lambda anchor: anchor.bbox[1])[-1:])


def in_head(box: Box, page: Page) -> bool:
    """Whether something is far above all places where the page is signed."""
    return _above(box, signing_places(page), page.dpi)


def _heads(anchor: Anchor, signing: Sequence[Anchor], dpi: float) -> bool:
    return anchor.role in ("date", "company-name", "title") and _above(anchor.bbox, signing, dpi)


def _above(box: Box, signing: Sequence[Anchor], dpi: float) -> bool:
    foot = box[1] + box[3] + _APART * dpi / 25.4
    return bool(signing) and all(anchor.bbox[1] > foot for anchor in signing)


def off_page(rng: Generator, size: tuple[float, float], page: tuple[int, int]) -> tuple[float, float]:
    """A centre from which 12 to 60 % of the seal's width or height lie beyond an edge of the page (width, height)."""
    edge = int(rng.choice(4, p=(0.4, 0.32, 0.18, 0.1)))  # bottom, right, left, top
    axis = 1 if edge in (0, 3) else 0
    beyond = float(rng.uniform(0.12, 0.6)) * size[axis]
    across = page[axis] + beyond - size[axis] / 2.0 if edge in (0, 1) else size[axis] / 2.0 - beyond
    along = float(rng.uniform(0.1, 0.9)) * page[1 - axis]
    return (across, along) if axis == 0 else (along, across)


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
        centre, _ = random_centre(rng, page, size_of(drawn))
    if absorbance is None:
        colour, absorbance = ink_of(rng, drawn, colour)
    return lay(drawn, centre, angle, str(colour), absorbance)


def ink_of(rng: Generator, art: SealArt, colour: str | None) -> tuple[str, npt.NDArray[np.float32]]:
    """An ink as the seal's kind has it, unless the colour is asked for or belongs to the design."""
    return random_ink(rng, colour or art.design["options"].get("ink"), kind_of(art.kind).colours)


def lay(
    drawn: SealArt, centre: tuple[float, float], angle: float, colour: str, absorbance: npt.NDArray[np.float32]
) -> PlacedSeal:
    """A seal that is drawn at the page's resolution and angle, with its centre at the nearest possible pixel.

    A wear of its own, which its design asks for, is told in ``effects`` ("wear", 0 to 1).
    """
    width, height = size_of(drawn)
    wear = drawn.design["options"].get("wear")
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
        effects={} if wear is None else {"wear": float(wear)},
    )


def _moved(points: Polygon, offset: tuple[float, float]) -> Polygon:
    return (points + np.asarray(offset, dtype=np.float32)).astype(np.float32)


def is_chinese(page: Page) -> bool:
    """Whether the page has Chinese text; where its text is not known, it may."""
    text = "".join(box.text for box in page.text)
    return not text or any("\u4e00" <= character <= "\u9fff" for character in text)
