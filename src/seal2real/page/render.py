"""From a template to pixels: typst typesets a PDF, pdfium renders it and tells where every character stands.

A template marks a place for seals with a link to ``seal2real:ROLE`` (see ``templates/common.typ``). Links end up in the
PDF as rectangles with an address and leave no trace in the picture, so a place needs no search and cannot be confused
with the page's text.
"""

from __future__ import annotations

import ctypes
import functools
import json
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seal2real.errors import Seal2RealError
from seal2real.page.layout import open_dates
from seal2real.sample import Anchor, Box, Image, TextBox

if TYPE_CHECKING:
    import pypdfium2
    import typst

TEMPLATES = Path(__file__).parent / "templates"
ANCHOR_SCHEME = "seal2real:"
_ROLES = frozenset({"signature", "date", "company-name", "table-edge", "total", "photo", "title", "free"})
_WRITTEN = frozenset({"signature", "date", "initials"})
_POINTS_PER_INCH = 72.0
_SCAN_SHARE = 0.85
_RUN_GAP = 1.6  # spaces are multiples of a quarter em; the limit is not one, so that no run hangs on rounding
_pdfium = threading.RLock()  # pdfium is not thread-safe


@dataclass(frozen=True)
class RenderedPage:
    """What one PDF page gives.

    Attributes:
        image: ``uint8 [H, W, 3]``.
        text: one box per run of text, in the order of the PDF's content, with a box per character (tight around the
            glyph; zero width for spaces), in pixels.
        anchors: the places that the PDF's ``seal2real:`` links mark, in pixels.
        pens: places for handwriting that the template marks (``seal2real:pen-WHAT``), with "signature", "date" or
            "initials" as the role.
        scanned: whether one raster picture covers the page, as in a PDF that a scanner made.
    """

    image: Image
    text: tuple[TextBox, ...]
    anchors: tuple[Anchor, ...]
    pens: tuple[Anchor, ...]
    scanned: bool


@functools.cache
def _compiler() -> tuple[typst.Compiler, int]:
    """The process's typst compiler: fonts are read once (about 0.1 s), and typst keeps its own cache between pages.

    Returns:
        The compiler and the id of the process that made it.
    """
    import pylopdf_fonts_zh_cn
    import typst

    # System fonts would make a page depend on the machine.
    folder = str(Path(pylopdf_fonts_zh_cn.__file__).parent)
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[folder])
    return typst.Compiler(input=str(TEMPLATES / "common.typ"), root=str(TEMPLATES), font_paths=fonts), os.getpid()


def typeset(template: str, data: dict[str, Any]) -> bytes:
    """Typeset a template of `TEMPLATES`.

    Args:
        template: file name without ``.typ``.
        data: JSON values; the template reads them from ``sys.inputs.data``.

    Returns:
        A PDF, the same bytes for the same arguments.

    Raises:
        Seal2RealError: the template does not compile with these data, or this process was forked from one that had
            typeset already.
    """
    import typst

    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    path = str(TEMPLATES / f"{template}.typ")
    compiler, owner = _compiler()
    if owner != os.getpid():  # typst's threads do not survive a fork, and the call would wait for them for ever
        raise Seal2RealError("pages were typeset before this process was forked; start worker processes with 'spawn'")
    try:
        pdf = compiler.compile(input=path, format="pdf", sys_inputs=inputs, timestamp=0, pdf_tags=False)
    except typst.TypstError as error:
        raise Seal2RealError(f"template {template!r} does not compile: {error}; report this with the seed") from error
    if not isinstance(pdf, bytes):
        raise Seal2RealError(f"template {template!r} gave no PDF; the installed typst package is too old or too new")
    return pdf


def open_pdf(source: bytes | Path) -> pypdfium2.PdfDocument:
    """Open a PDF from memory or a file.

    Raises:
        Seal2RealError: it is encrypted, damaged, or has no pages.
    """
    import pypdfium2

    name = "the typeset page" if isinstance(source, bytes) else str(source)
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            reason = "is encrypted" if "assword" in str(error) else "is not a PDF that can be read"
            raise Seal2RealError(f"{name} {reason}; leave it out, or save it again without protection") from error
        if len(document) == 0:
            document.close()
            raise Seal2RealError(f"{name} has no pages; leave it out")
    return document


def render(document: pypdfium2.PdfDocument, index: int, dpi: float) -> RenderedPage:
    """Render one page with its text and anchors.

    Args:
        document: an open PDF.
        index: page number from 0; negative counts from the end.
        dpi: resolution; the image has ``ceil(points * dpi / 72)`` pixels each way.

    Raises:
        Seal2RealError: pdfium cannot load or draw the page.
    """
    import pypdfium2

    with _pdfium:
        try:
            page = document[index % len(document)]
            # Form fields of foreign PDFs (filled by hand, or a signature's appearance) belong to the picture.
            bitmap = page.render(scale=dpi / _POINTS_PER_INCH, rev_byteorder=True)
            pixels = bitmap.to_numpy()
        except pypdfium2.PdfiumError as error:
            raise Seal2RealError(f"page {index + 1} of the PDF cannot be drawn: {error}; leave the file out") from error
        image = np.ascontiguousarray(pixels[..., :3])
        if image.shape[2] != 3:
            image = np.repeat(image[..., :1], 3, axis=2)
        to_pixels = _Frame(page, image.shape[1], image.shape[0])
        text = tuple(_text_boxes(page, to_pixels))
        anchors, pens = _places(document, page, to_pixels)
        scanned = _is_scan(page, to_pixels)
        bitmap.close()
        page.close()
    return RenderedPage(image, text, anchors, pens, scanned)


class _Frame:
    """The map from PDF user space (points, y up) to the rendered image, with crop box and page rotation."""

    def __init__(self, page: pypdfium2.PdfPage, width: int, height: int):
        self.left, self.bottom, self.right, self.top = page.get_bbox()
        self.rotation = page.get_rotation()
        across, down = self.right - self.left, self.top - self.bottom
        if self.rotation in (90, 270):
            across, down = down, across
        self.sx, self.sy = width / across, height / down
        self.width, self.height = width, height

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A box of user space in pixels."""
        if self.rotation == 0:
            x0, x1, y0, y1 = left - self.left, right - self.left, self.top - top, self.top - bottom
        elif self.rotation == 90:
            x0, x1, y0, y1 = bottom - self.bottom, top - self.bottom, left - self.left, right - self.left
        elif self.rotation == 180:
            x0, x1, y0, y1 = self.right - right, self.right - left, bottom - self.bottom, top - self.bottom
        else:
            x0, x1, y0, y1 = self.top - top, self.top - bottom, self.right - right, self.right - left
        return x0 * self.sx, y0 * self.sy, (x1 - x0) * self.sx, (y1 - y0) * self.sy

    def holds(self, box: Box) -> bool:
        """Whether the box lies on the page (a pixel of rounding is forgiven)."""
        x, y, w, h = box
        return x >= -1 and y >= -1 and x + w <= self.width + 1 and y + h <= self.height + 1


def union(boxes: list[Box]) -> Box:
    """The smallest box around boxes (at least one)."""
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    return x0, y0, x1 - x0, y1 - y0


@dataclass(frozen=True)
class _Glyph:
    character: str
    box: Box  # tight around the ink
    # The glyph's advance by the font's height, in points: steadier than the ink, and the same at every dpi, so that
    # lines are told apart by it.
    cell: Box


def _glyphs(page: pypdfium2.PdfPage, frame: _Frame) -> Iterator[_Glyph | None]:
    """The page's characters in content order; None where a line ends."""
    import pypdfium2.raw as pdfium

    textpage = page.get_textpage()
    try:
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        loose = pdfium.FS_RECTF()
        high = 0
        for index in range(textpage.count_chars()):
            code = pdfium.FPDFText_GetUnicode(textpage.raw, index)
            if 0xD800 <= code < 0xDC00:  # the first half of a surrogate pair
                high = code
                continue
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
            high = 0
            character = chr(code)
            if character in "\r\n\x00\x02\ufffe\uffff":
                yield None
                continue
            pdfium.FPDFText_GetCharBox(textpage.raw, index, left, right, bottom, top)
            pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, loose)
            box = frame.box(left.value, bottom.value, right.value, top.value)
            x, y, w, h = frame.box(loose.left, loose.bottom, loose.right, loose.top)
            yield _Glyph(character, box, (x / frame.sx, y / frame.sy, w / frame.sx, h / frame.sy))
    finally:
        textpage.close()


def _text_boxes(page: pypdfium2.PdfPage, frame: _Frame) -> Iterator[TextBox]:
    """Runs of characters that stand side by side; a gap of more than 1.6 character heights starts a new run."""
    run: list[_Glyph] = []
    space = False
    for glyph in _glyphs(page, frame):
        if glyph is None:
            if run:
                yield _run_box(run)
            run, space = [], False
            continue
        if glyph.character.isspace():
            space = bool(run)
            continue
        if glyph.box[2] <= 0 or glyph.box[3] <= 0 or not frame.holds(glyph.box):
            continue
        if run and not _follows(run[-1], glyph):
            yield _run_box(run)
            run, space = [], False
        if run and space:
            previous = run[-1].box
            gap = (previous[0] + previous[2], previous[1], 0.0, previous[3])
            run.append(_Glyph(" ", gap, run[-1].cell))
        run.append(glyph)
        space = False
    if run:
        yield _run_box(run)


def _follows(previous: _Glyph, glyph: _Glyph) -> bool:
    (x0, y0, w0, h0), (x1, y1, _, h1) = previous.cell, glyph.cell
    height = max(h0, h1)
    level = abs((y0 + h0 / 2) - (y1 + h1 / 2)) < 0.6 * min(max(h0, 1e-6), max(h1, 1e-6))
    return level and -0.8 * height < x1 - (x0 + w0) < _RUN_GAP * height


def _run_box(run: list[_Glyph]) -> TextBox:
    boxes = [glyph.box for glyph in run]
    return TextBox("".join(g.character for g in run), union([b for b in boxes if b[2] > 0]), tuple(boxes))


def _places(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, frame: _Frame
) -> tuple[tuple[Anchor, ...], tuple[Anchor, ...]]:
    """Places for seals and places for pens.

    typst keeps only the innermost of nested links, so that a line to be signed comes as its label and its blank: a
    place for a pen joins the place for a seal of its role that it touches, or is one itself.
    """
    anchors, pens = [], []
    for role, box in _links(document, page, frame):
        if role in _ROLES:
            anchors.append(Anchor(role, box))
        elif (what := role.removeprefix("pen-")) in _WRITTEN and what != role:
            pens.append(Anchor(what, box))
    for pen in pens:
        if pen.role not in _ROLES:
            continue
        near = [a for a in anchors if a.role == pen.role and _touch(a.bbox, pen.bbox)]
        for anchor in near:
            anchors.remove(anchor)
        anchors.append(Anchor(pen.role, union([pen.bbox, *(a.bbox for a in near)])))
    return tuple(anchors), tuple(pens)


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes meet, or stand side by side with less than a third of their height between them."""
    slack = 0.3 * max(a[3], b[3])
    return (
        a[0] < b[0] + b[2] + slack and b[0] < a[0] + a[2] + slack and a[1] < b[1] + b[3] + 1 and b[1] < a[1] + a[3] + 1
    )


def _links(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, frame: _Frame) -> Iterator[tuple[str, Box]]:
    import pypdfium2.raw as pdfium

    position, link, rect = ctypes.c_int(0), pdfium.FPDF_LINK(), pdfium.FS_RECTF()
    while pdfium.FPDFLink_Enumerate(page.raw, position, link):
        action = pdfium.FPDFLink_GetAction(link)
        if not action:
            continue
        size = pdfium.FPDFAction_GetURIPath(document.raw, action, None, 0)
        address = ctypes.create_string_buffer(size)
        pdfium.FPDFAction_GetURIPath(document.raw, action, address, size)
        uri = address.value.decode("utf-8", "replace")
        if uri.startswith(ANCHOR_SCHEME) and pdfium.FPDFLink_GetAnnotRect(link, rect):
            box = frame.box(rect.left, rect.bottom, rect.right, rect.top)
            if math.isfinite(sum(box)) and frame.holds(box):
                yield uri.removeprefix(ANCHOR_SCHEME), box


def _is_scan(page: pypdfium2.PdfPage, frame: _Frame) -> bool:
    import pypdfium2.raw as pdfium

    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=2):
        x, y, w, h = frame.box(*picture.get_bounds())
        across, down = min(x + w, frame.width) - max(x, 0), min(y + h, frame.height) - max(y, 0)
        if across > 0 and down > 0 and across * down > _SCAN_SHARE * frame.width * frame.height:
            return True
    return False


_DATE = re.compile(
    r"\d{4}\s*[年./-]\s*\d{1,2}\s*[月./-]\s*\d{1,2}|年\s*月\s*日|日\s*期\s*[：:]|\bdated?\b", re.IGNORECASE
)
_SIGN = re.compile(
    r"盖\s*章|签\s*[字章名署]|公\s*章|印\s*章|[（(]\s*章\s*[）)]|\bsign(ed|ature)?\b|\bseal\b|\bstamp\b"
    r"|\bauthori[sz]ed by\b|\bl\.\s?s\.",
    re.IGNORECASE,
)
_COMPANY = re.compile(r"公司|委员会|事务所|\b(Ltd|Inc|LLC|GmbH|Corp)\b\.?")
_TOTAL = re.compile(r"合\s*计|总\s*计|价税|\btotal\b", re.IGNORECASE)


def anchors_from_text(text: tuple[TextBox, ...]) -> tuple[Anchor, ...]:
    """Guess the places for seals on a foreign page from what its text says (dates, 盖章, 公司, signature, total)."""
    found = []
    for role, pattern in (("signature", _SIGN), ("date", _DATE), ("company-name", _COMPANY), ("total", _TOTAL)):
        for line in text:
            match = pattern.search(line.text)
            if match is None:
                continue
            inked = [b for b in line.characters[match.start() : match.end()] if b[2] > 0]
            # A long line that only mentions a company: the name itself counts, not the whole line.
            box = union(inked) if inked and len(line.text) > 24 else line.bbox
            found.append(Anchor(role, box))
    known = [a.bbox for a in found if a.role == "date"]
    found += [Anchor("date", box) for _, box in open_dates(text) if not any(_touch(box, k) for k in known)]
    return tuple(found)
