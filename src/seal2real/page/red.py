"""Red things that are no seals: logos, badges, banners, red frames and codes, marks of a red pen.

A detector that has met none of them takes them for seals. They belong to the clean page, so that they are in the clean
twin too, and in no mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pylopdf_fonts_zh_cn
import skia
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d

from seal2real.page import words_en, words_zh
from seal2real.page.pen import Stroke, lay, random_hand, write
from seal2real.page.text import chance, choose, digits
from seal2real.sample import Box, Image, TextBox
from seal2real.seal.fonts import glyph

_CELL = 2.0  # millimetres of a cell in which print is looked for
_MARKS_ZH = ("急 件", "特 急", "内部资料", "机密★一年", "请勿外传", "试 行", "征求意见稿")
_MARKS_EN = ("URGENT", "CONFIDENTIAL", "DRAFT", "INTERNAL USE ONLY", "REVISED VERSION", "IMPORTANT NOTICE")
_NOTES_ZH = ("同意", "已核", "请核对", "已付", "存档", "见附件", "注意", "急")
_NOTES_EN = ("OK", "checked", "see file", "paid", "urgent", "please check")


@dataclass
class _Sheet:
    """A page that is being decorated."""

    image: Image
    mm: float  # pixels per millimetre
    text: Sequence[TextBox]
    rng: Generator
    added: list[TextBox]
    chinese: bool

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) in millimetres."""
        height, width = self.image.shape[:2]
        return width / self.mm, height / self.mm

    def free(self, width: float, height: float, top: float = 0.0, bottom: float = 1.0) -> tuple[float, float] | None:
        """The top left, in millimetres, of a random blank place of this size; None if there is none.

        ``top`` and ``bottom`` bound it, as shares of the page.
        """
        cells = (int(self.size[1] / _CELL), int(self.size[0] / _CELL))
        mean = cv2.resize(self.image, cells[::-1], interpolation=cv2.INTER_AREA).min(axis=2)
        dark = mean < np.median(mean) - 1  # one black pixel in a cell is enough; tinted paper counts as blank
        used = np.pad(np.cumsum(np.cumsum(dark, axis=0, dtype=np.int32), axis=1), ((1, 0), (1, 0)))
        h, w = int(np.ceil(height / _CELL)) + 1, int(np.ceil(width / _CELL)) + 1
        if h >= cells[0] or w >= cells[1]:
            return None
        count = used[h:, w:] - used[:-h, w:] - used[h:, :-w] + used[:-h, :-w]
        ys, xs = np.nonzero(count == 0)
        edge = 6.0 / _CELL
        keep = (ys >= max(top * cells[0], edge)) & (ys + h <= min(bottom * cells[0], cells[0] - edge))
        keep &= (xs >= edge) & (xs + w <= cells[1] - edge)
        if not keep.any():
            return None
        pick = int(self.rng.integers(int(keep.sum())))
        return float(xs[keep][pick] + 0.5) * _CELL, float(ys[keep][pick] + 0.5) * _CELL

    def paint(self, box: Box, draw: Callable[[skia.Canvas], None]) -> None:
        """Let ``draw`` print into a box; it and the canvas are in millimetres of the page."""
        x0, y0 = max(int(box[0] * self.mm) - 2, 0), max(int(box[1] * self.mm) - 2, 0)
        x1 = min(int((box[0] + box[2]) * self.mm) + 3, self.image.shape[1])
        y1 = min(int((box[1] + box[3]) * self.mm) + 3, self.image.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        layer = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
        info = skia.ImageInfo.Make(x1 - x0, y1 - y0, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
        canvas = skia.Surface.MakeRasterDirect(info, layer, layer.strides[0]).getCanvas()
        canvas.translate(-x0, -y0)
        canvas.scale(self.mm, self.mm)
        draw(canvas)
        part = self.image[y0:y1, x0:x1]
        over = layer[..., :3] + part.astype(np.uint16) * (255 - layer[..., 3:].astype(np.uint16)) / 255.0
        part[...] = np.clip(np.rint(over), 0, 255).astype(np.uint8)

    def line_of_text(self) -> TextBox | None:
        """A random line of the page's text, long enough to be marked."""
        lines = [t for t in self.text if t.bbox[2] > 8 * self.mm and t.bbox[3] < 9 * self.mm]
        return choose(self.rng, lines) if lines else None


def red_things(
    image: Image, dpi: float, text: Sequence[TextBox], rng: Generator, count: int | None = None
) -> tuple[Image, tuple[TextBox, ...], tuple[str, ...]]:
    """A page with red things that are no seals.

    Args:
        image: ``uint8 [H, W, 3]``; it is not changed.
        dpi: its resolution.
        text: the page's text; what a red pen marks, and what must stay legible.
        rng: source of every choice.
        count: how many to try; None for one to three.

    Returns:
        The image, boxes for the text that was added, and the names of what was added (of `THINGS`).
    """
    chinese = not text or any("\u4e00" <= c <= "\u9fff" for line in text for c in line.text)
    sheet = _Sheet(image.copy(), dpi / 25.4, text, rng, [], chinese)
    names = list(THINGS)
    wanted = 1 + int(rng.choice(3, p=(0.6, 0.28, 0.12))) if count is None else count
    order = rng.permutation(len(names))[:wanted]
    done = tuple(names[int(k)] for k in order if THINGS[names[int(k)]](sheet))
    return sheet.image, tuple(sheet.added), done


def _red(rng: Generator) -> int:
    """A red of print, as ARGB."""
    hue, depth = rng.uniform(-6.0, 8.0), rng.uniform(0.72, 1.0)
    pixel = np.array([[[int(hue) % 180, int(rng.uniform(175, 255)), int(255 * depth * 0.92)]]], np.uint8)
    r, g, b = (int(v) for v in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])
    return int(skia.Color(r, g, b))


def _fill(colour: int) -> skia.Paint:
    return skia.Paint(AntiAlias=True, Color=colour)


def _line(colour: int, width: float) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True, Color=colour, StrokeWidth=width)
    paint.setStyle(skia.Paint.kStroke_Style)
    return paint


def _word(text: str, x: float, y: float, height: float, bold: bool = True) -> tuple[skia.Path, list[Box], float]:
    """Printed text from (x, y), the baseline's start, in millimetres: its outline, a box per character, its width."""
    path, boxes, at = skia.Path(), [], x
    font = str(pylopdf_fonts_zh_cn.sans_path() if bold else pylopdf_fonts_zh_cn.serif_path())
    for character in text:
        shape = glyph(font, character)
        outline = skia.Path(shape.path)
        outline.transform(skia.Matrix.MakeAll(height, 0, at, 0, height, y, 0, 0, 1))
        path.addPath(outline)
        left, top, right, bottom = shape.bounds
        boxes.append((at + left * height, y + top * height, (right - left) * height, (bottom - top) * height))
        at += shape.advance * height
    return path, boxes, at - x


def _print(sheet: _Sheet, text: str, x: float, y: float, height: float, colour: int) -> None:
    """Print a line of text and note its boxes."""
    path, boxes, width = _word(text, x, y, height)
    sheet.paint((x - 1, y - height * 1.2, width + 2, height * 1.6), lambda c: c.drawPath(path, _fill(colour)))
    pixels = [tuple(v * sheet.mm for v in box) for box in boxes]
    inked = [b for b in pixels if b[2] > 0]
    x0, y0 = min(b[0] for b in inked), min(b[1] for b in inked)
    x1, y1 = max(b[0] + b[2] for b in inked), max(b[1] + b[3] for b in inked)
    sheet.added.append(TextBox(text, (x0, y0, x1 - x0, y1 - y0), tuple(pixels)))  # type: ignore[arg-type]


def _initial(sheet: _Sheet) -> str:
    return words_zh.place(sheet.rng)[0] if sheet.chinese else words_en.place(sheet.rng)[0]


def _logo(sheet: _Sheet) -> bool:
    """A firm's mark in the head or the foot: a disc, ring, shield or bars, with or without its initial."""
    rng, size = sheet.rng, float(sheet.rng.uniform(9, 22))
    at = sheet.free(size, size, 0.0, 0.3) or sheet.free(size, size)
    if at is None:
        return False
    x, y = at
    colour, form = _red(rng), choose(rng, ("disc", "ring", "shield", "bars", "petals"))
    middle, radius = (x + size / 2, y + size / 2), size / 2

    def draw(canvas: skia.Canvas) -> None:
        if form == "disc":
            canvas.drawCircle(*middle, radius, _fill(colour))
        elif form == "ring":
            canvas.drawCircle(*middle, radius * 0.85, _line(colour, size * 0.11))
        elif form == "shield":
            path = skia.Path()
            path.moveTo(x + size * 0.1, y)
            path.lineTo(x + size * 0.9, y)
            path.lineTo(x + size * 0.9, y + size * 0.5)
            path.quadTo(x + size * 0.85, y + size * 0.85, x + size * 0.5, y + size)
            path.quadTo(x + size * 0.15, y + size * 0.85, x + size * 0.1, y + size * 0.5)
            path.close()
            canvas.drawPath(path, _fill(colour))
        elif form == "bars":
            for k in range(3):
                canvas.drawRect(
                    skia.Rect.MakeXYWH(
                        x + k * size * 0.35, y + (2 - k) * size * 0.2, size * 0.25, size * (0.6 + 0.2 * k)
                    ),
                    _fill(colour),
                )
        else:
            for k in range(5):
                angle = 2 * np.pi * k / 5
                canvas.drawCircle(
                    middle[0] + radius * 0.5 * np.sin(angle),
                    middle[1] - radius * 0.5 * np.cos(angle),
                    radius * 0.45,
                    _fill(colour),
                )
            canvas.drawCircle(*middle, radius * 0.3, _fill(skia.ColorWHITE))
        if form in ("disc", "shield", "ring"):
            tall = size * 0.52
            path, _, width = _word(_initial(sheet), 0, 0, tall)
            path.offset(middle[0] - width / 2, middle[1] + tall * 0.36)
            canvas.drawPath(path, _fill(colour if form == "ring" else skia.ColorWHITE))

    sheet.paint((x, y, size, size), draw)
    return True


def _badge(sheet: _Sheet) -> bool:
    """A printed round badge with text in it: a solid disc with a light rim, as of a trade mark or a quality label."""
    rng, size = sheet.rng, float(sheet.rng.uniform(16, 30))
    at = sheet.free(size, size)
    if at is None:
        return False
    x, y = at[0] + size / 2, at[1] + size / 2
    colour = _red(rng)
    words = (
        ("优质产品", "品质保证", "放心消费", "诚信经营", "绿色环保")
        if sheet.chinese
        else ("QUALITY", "APPROVED", "SINCE 1987", "PREMIUM")
    )
    text = choose(rng, words)
    scallops = int(rng.integers(16, 30)) if chance(rng, 0.5) else 0

    def draw(canvas: skia.Canvas) -> None:
        radius = size / 2
        if scallops:
            path = skia.Path()
            for k in range(2 * scallops):
                reach = radius * (1.0 if k % 2 else 0.92)
                point = (x + reach * np.cos(np.pi * k / scallops), y + reach * np.sin(np.pi * k / scallops))
                (path.lineTo if k else path.moveTo)(*point)
            path.close()
            canvas.drawPath(path, _fill(colour))
        else:
            canvas.drawCircle(x, y, radius, _fill(colour))
        canvas.drawCircle(x, y, radius * 0.82, _line(skia.ColorWHITE, size * 0.015))
        tall = min(size * 0.24, 0.7 * size / _word(text, 0, 0, 1.0)[2])
        path, _, width = _word(text, 0, 0, tall)
        path.offset(x - width / 2, y + tall * 0.36)
        canvas.drawPath(path, _fill(skia.ColorWHITE))

    sheet.paint((x - size / 2, y - size / 2, size, size), draw)
    return True


def _banner(sheet: _Sheet) -> bool:
    """A red band along the head or the foot of the sheet."""
    rng = sheet.rng
    height, (width, tall) = float(rng.uniform(2.5, 8)), sheet.size
    top = chance(rng, 0.65)
    y = 0.0 if top else tall - height
    grey = sheet.image[int(y * sheet.mm) : int((y + height) * sheet.mm)]
    if grey.size == 0 or float((grey.min(axis=2) < 200).mean()) > 0.001:
        return False
    colour = _red(rng)
    sheet.paint((0, y, width, height), lambda c: c.drawRect(skia.Rect.MakeXYWH(0, y, width, height), _fill(colour)))
    return True


def _code(sheet: _Sheet) -> bool:
    """A two-dimensional code in red."""
    rng, size = sheet.rng, float(sheet.rng.uniform(15, 26))
    at = sheet.free(size, size)
    if at is None:
        return False
    modules = cv2.QRCodeEncoder.create().encode(digits(rng, int(rng.integers(8, 40))))
    colour = _red(rng)

    def draw(canvas: skia.Canvas) -> None:
        module = size / modules.shape[0]
        paint = _fill(colour)
        paint.setAntiAlias(False)
        for row, column in zip(*np.nonzero(modules == 0), strict=True):
            canvas.drawRect(skia.Rect.MakeXYWH(at[0] + column * module, at[1] + row * module, module, module), paint)

    sheet.paint((*at, size, size), draw)
    return True


def _printed_mark(sheet: _Sheet) -> bool:
    """A printed word in red: 急件, CONFIDENTIAL, a running number. No frame, for boxed words are stamps."""
    rng = sheet.rng
    text = f"No. {digits(rng, 7)}" if chance(rng, 0.3) else choose(rng, _MARKS_ZH if sheet.chinese else _MARKS_EN)
    height = float(rng.uniform(4, 8))
    width = _word(text, 0, 0, height)[2]
    at = sheet.free(width + 6, height * 1.9, 0.0, 0.35) or sheet.free(width + 6, height * 1.9)
    if at is None:
        return False
    colour = _red(rng)
    _print(sheet, text, at[0] + 3, at[1] + height * 1.2, height, colour)
    return True


def _frame(sheet: _Sheet) -> bool:
    """A red frame or a light red field around a line of the text."""
    line = sheet.line_of_text()
    if line is None:
        return False
    rng = sheet.rng
    x, y, w, h = (v / sheet.mm for v in line.bbox)
    colour, pad = _red(rng), float(rng.uniform(0.6, 1.6))
    box = (x - 2 * pad, y - pad, w + 4 * pad, h + 2 * pad)
    if chance(rng, 0.5):
        stroke = float(rng.uniform(0.25, 0.7))
        sheet.paint(box, lambda c: c.drawRect(skia.Rect.MakeXYWH(*box), _line(colour, stroke)))
    else:  # as a marker: what is light turns red, print stays
        x0, y0 = max(int(box[0] * sheet.mm), 0), max(int(box[1] * sheet.mm), 0)
        part = sheet.image[y0 : int((box[1] + box[3]) * sheet.mm), x0 : int((box[0] + box[2]) * sheet.mm)]
        part[...] = (part * np.array([1.0, *rng.uniform(0.68, 0.85, 2)])).astype(np.uint8)
    return True


def _pen_mark(sheet: _Sheet) -> bool:
    """Marks of a red pen on the text: circled, underlined, ticked, crossed, with a word in the margin."""
    rng = sheet.rng
    hand = random_hand(rng, "red")
    done = False
    for _ in range(int(rng.integers(1, 5))):
        line = sheet.line_of_text()
        if line is None:
            break
        x, y, w, h = (v / sheet.mm for v in line.bbox)
        start = float(rng.uniform(0.0, 0.6)) * w if w > 30 else 0.0
        reach = min(float(rng.uniform(12, 45)), w - start)
        form = choose(rng, ("circle", "underline", "wave", "tick", "cross", "note"))
        if form == "circle":
            turn = np.linspace(0, 2 * np.pi * float(rng.uniform(1.0, 1.15)), 60) + rng.uniform(0, 6)
            swell = 1 + 0.06 * np.sin(turn * 0.5 + rng.uniform(0, 6)) + 0.03 * np.linspace(0, 1, 60)
            px = x + start + reach / 2 + (reach / 2 + 2.0) * swell * np.cos(turn)
            py = y + h / 2 + (h / 2 + 1.6) * swell * np.sin(turn)
        elif form in ("underline", "wave"):
            px = np.linspace(x + start, x + start + reach, 60)
            py = np.full(60, y + h + 0.8) + gaussian_filter1d(rng.normal(0, 0.8, 60), 8)
            if form == "wave":
                py = py + 0.6 * np.sin((px - x) * 2.6)
        elif form == "tick":
            left = x - 5.0 if chance(rng, 0.5) else x + w + 2.0
            corner = np.array([[0, -1.5], [1.2, 0.6], [4.5, -4.5]]) * rng.uniform(0.8, 1.6)
            px = np.interp(np.linspace(0, 2, 40), [0, 1, 2], corner[:, 0]) + left
            py = np.interp(np.linspace(0, 2, 40), [0, 1, 2], corner[:, 1]) + y + h
        elif form == "cross":
            px = np.linspace(x + start, x + start + min(reach, 20), 30)
            py = np.full(30, y + h / 2) + np.linspace(0.4, -0.4, 30)
        else:
            note = choose(rng, _NOTES_ZH if sheet.chinese else _NOTES_EN)
            written = write(rng, note, hand, float(rng.uniform(5, 9)))
            bx, by, bw, bh = written.box
            at = sheet.free(bw + 2, bh + 2)
            if at is not None:
                origin = ((at[0] + 1 - bx) * sheet.mm, (at[1] + 1 - by) * sheet.mm)
                lay(sheet.image, written.strokes, origin, hand, sheet.mm * 25.4, rng)
                done = True
            continue
        points = np.stack([px, py], axis=1) + gaussian_filter1d(rng.normal(0, 0.3, (len(px), 2)), 5, axis=0)
        widths = hand.pen * np.clip(1 + gaussian_filter1d(rng.normal(0, 1.5, len(px)), 6), 0.6, 1.4)
        lay(sheet.image, (Stroke(points, widths),), (0.0, 0.0), hand, sheet.mm * 25.4, rng)
        done = True
    return done


THINGS: dict[str, Callable[[_Sheet], bool]] = {
    "logo": _logo,
    "badge": _badge,
    "banner": _banner,
    "code": _code,
    "mark": _printed_mark,
    "frame": _frame,
    "pen": _pen_mark,
}
