"""What is written on a page by hand: signatures on the lines for them, and dates that were left open.

Places come from the template's own marks, and from what the text says (签字：, Signature:, 年 月 日), so that a user's
pages can be signed as well.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from seal2real.page import words_en, words_zh
from seal2real.page.layout import open_dates
from seal2real.page.pen import Hand, Writing, lay, random_hand, sign, write
from seal2real.page.text import chance, choose
from seal2real.sample import Anchor, Box, Image, TextBox

_SIGNED = re.compile(
    r"(签\s*[字名章]|法定代表人|授权代表|委托代理人|代理人|经办人|负责人|审核|复核|批准|制[单表]|主检|验收人|保管员|会计|收款人"
    r"|signature|signed( by)?|by|witness)[^：:]{0,14}[：:]\s*_*$",
    re.IGNORECASE,
)
_DATED = re.compile(r"(日\s*期|date)\s*([：:]|_{3})[_\s/.-]*$", re.IGNORECASE)
_BLANK = re.compile(r"_{3,}")
_YEAR = re.compile(r"(?<!\d)20[012]\d(?=\s?[年./-]|$)")
_INK = 140  # grey value below which a pixel counts as print


@dataclass(frozen=True)
class Spot:
    """A place to write: what ("signature" or "date"), and a box in pixels whose lower edge is the line."""

    what: str
    box: Box


def written(
    image: Image, dpi: float, text: Sequence[TextBox], pens: Sequence[Anchor], rng: Generator, share: float = 0.8
) -> tuple[Image, tuple[TextBox, ...], int]:
    """A page filled in by hand.

    Args:
        image: ``uint8 [H, W, 3]``; it is not changed.
        dpi: its resolution.
        text: what is printed.
        pens: places that the template marks.
        rng: source of every choice.
        share: of the places that are filled, 0 to 1.

    Returns:
        The image, a box for each run of written figures (a signature has none), and the count of places filled.
    """
    image = image.copy()
    chinese = any("\u4e00" <= c <= "\u9fff" for line in text for c in line.text)
    spots = [Spot(pen.role, pen.bbox) for pen in pens]
    spots += [s for s in _spots_of(text, image, dpi) if not any(_meet(s.box, known.box) for known in spots)]
    gaps = [parts for parts, _ in open_dates(text)]
    day = _day_for(text, rng)
    made: list[TextBox] = []
    places = 0
    hands = [random_hand(rng)]
    for spot in sorted(spots, key=lambda s: (round(s.box[1] / dpi * 2), s.box[0])):
        if spot.what == "date" and any(_meet(spot.box, box) for line in gaps for box in line.values()):
            continue
        if not chance(rng, share):
            continue
        places += 1
        if chance(rng, 0.5):
            hands.append(random_hand(rng))
        if spot.what == "date":
            made += _write_date(image, dpi, spot.box, day, hands[-1], chinese, rng)
        else:
            name = words_zh.person(rng) if chinese and not chance(rng, 0.04) else words_en.person(rng)
            _sign(image, dpi, spot.box, name, hands[-1], rng)
    for line in gaps:
        if chance(rng, share):
            places += 1
            hand = hands[int(rng.integers(len(hands)))]
            for part, box in line.items():
                number = {"year": day.year, "year2": day.year % 100, "month": day.month, "day": day.day}[part]
                digits = f"{number:02d}" if part != "year" and chance(rng, 0.5) else str(number)
                made += _fit(image, dpi, box, digits, hand, rng)
        day += datetime.timedelta(days=int(rng.integers(0, 5)))
    return image, tuple(made), places


def _day_for(text: Sequence[TextBox], rng: Generator) -> datetime.date:
    """A day that fits the printed ones: in the last year that the page names."""
    years = [int(y) for line in text for y in _YEAR.findall(line.text)]
    day = words_zh.moment(rng)
    return day.replace(year=max(years), day=min(day.day, 28)) if years else day


def _sign(image: Image, dpi: float, box: Box, name: str, hand: Hand, rng: Generator) -> None:
    x, y, w, h = box
    scale = dpi / 25.4
    chinese = any("\u4e00" <= c <= "\u9fff" for c in name)
    height = float(np.clip(rng.normal(8.0 if chinese else 7.0, 1.8), 4.5, 12.5))
    height = min(height, max(2.2 * h / scale, 4.5))
    writing = sign(rng, name, hand, height)
    bx, by, bw, bh = writing.box
    if bw * scale > 1.25 * w:  # hands keep to the blank, more or less
        height *= max(1.25 * w / (bw * scale), 0.4)
        writing = sign(rng, name, hand, height)
        bx, by, bw, bh = writing.box
    free = max(w - bw * scale, 0.0)
    left = x + free * float(rng.uniform(0.1, 0.7)) - bx * scale
    sink = float(rng.normal(0.10, 0.12)) * height * scale
    base = y + h - (by + bh) * scale + sink if by + bh > 0 else y + h + sink
    base = max(base, y + h - 0.25 * height * scale)
    left = float(np.clip(left, -bx * scale + 2, image.shape[1] - (bx + bw) * scale - 2))
    lay(image, writing.strokes, (left, base), hand, dpi, rng)


def _write_date(
    image: Image, dpi: float, box: Box, day: datetime.date, hand: Hand, chinese: bool, rng: Generator
) -> list[TextBox]:
    forms = ("{y}年{m}月{d}日", "{y}.{m}.{d}", "{y}-{m:02d}-{d:02d}", "{y}/{m}/{d}")
    if not chinese:
        forms = ("{d:02d}/{m:02d}/{y}", "{d}.{m}.{y}", "{y}-{m:02d}-{d:02d}", "{m}/{d}/{y}")
    text = choose(rng, forms).format(y=day.year, m=day.month, d=day.day)
    return _fit(image, dpi, box, text, hand, rng)


def _fit(image: Image, dpi: float, box: Box, text: str, hand: Hand, rng: Generator) -> list[TextBox]:
    """Write text on the line that is the box's lower edge, small enough to keep within it."""
    x, y, w, h = box
    scale = dpi / 25.4
    height = float(np.clip(rng.normal(1.25 * h / scale, 0.5), 3.0, 6.5))
    for _ in range(4):
        writing = write(rng, text, hand, height)
        bx, _, bw, _ = writing.box
        if bw * scale <= 1.02 * w or height < 1.6:
            break
        height *= max(0.98 * w / (bw * scale), 0.5)
    left = x + max(w - bw * scale, 0.0) * float(rng.uniform(0.25, 0.75)) - bx * scale
    base = y + 0.9 * h + float(rng.normal(0.0, 0.06)) * height * scale
    lay(image, writing.strokes, (left, base), hand, dpi, rng)
    made = _text_box(writing, left, base, scale, image.shape[1], image.shape[0])
    return [made] if made is not None else []


def _text_box(writing: Writing, left: float, base: float, scale: float, width: int, height: int) -> TextBox | None:
    boxes = [(left + x * scale, base + y * scale, w * scale, h * scale) for x, y, w, h in writing.boxes]
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        return None
    return TextBox(writing.text, (x0, y0, x1 - x0, y1 - y0), tuple(boxes))


def _spots_of(text: Sequence[TextBox], image: Image, dpi: float) -> list[Spot]:
    """Blanks behind words such as 签字： and Date:, on the line and free of print."""
    spots = []
    grey = image[..., 1]
    mm = dpi / 25.4
    for line in text:
        label = line.text.rstrip()
        what = "date" if _DATED.search(label) else "signature" if _SIGNED.search(label) else ""
        if not what or len(label) > 40:
            continue
        x, y, w, h = line.bbox
        if _BLANK.search(line.text) and line.characters:
            first, last = line.characters[line.text.index("_")], line.characters[line.text.rindex("_")]
            spots.append(Spot(what, (first[0], y, last[0] + last[2] - first[0], h)))
            continue
        after = [t for t in text if t is not line and t.bbox[0] >= x + w and abs(t.bbox[1] - y) < h]
        follower = min(after, key=lambda t: t.bbox[0], default=None)
        stop = follower.bbox[0] if follower else 1e9
        if follower and stop - x - w < 28 * mm and not re.search(r"[：:（(]", follower.text):
            continue  # a cell of the same table: filled already
        right = min(stop - 1.5 * mm, x + w + 36 * mm, image.shape[1] - 8 * mm)
        box = (x + w + 1 * mm, y, right - x - w - 1 * mm, h)
        if box[2] > (14 if what == "date" else 10) * mm and _is_free(grey, box):
            spots.append(Spot(what, box))
    return spots


def _is_free(grey: np.ndarray, box: Box) -> bool:
    """Whether there is no print; a line below does not count."""
    x, y, w, h = box
    part = grey[int(max(y, 0)) : int(y + 0.85 * h), int(max(x, 0)) : int(x + w)]
    return part.size > 0 and float((part < _INK).mean()) < 0.004


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
