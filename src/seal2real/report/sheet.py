"""Contact sheets: a dataset at a glance, stamped / clean / mask side by side with each seal enlarged."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import sans_path

from seal2real.dataset.formats.native import NativeSample, Row, load_sample, read_rows
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_jpeg, write_atomic
from seal2real.sample import Image

PREVIEW = "preview.jpg"
_PANE = 300  # height of a sample's panes, pixels
_GAP, _MARGIN, _CAPTION, _HEADER = 8, 26, 36, 64
_PAPER, _CARD, _INK, _FAINT, _FRAME = (238, 239, 242), (255, 255, 255), (32, 34, 40), (112, 116, 126), (206, 209, 216)
_MASK_VISIBLE, _MASK_WORN = (196, 36, 44), (244, 190, 170)


def contact_sheet(dataset: Path, count: int = 24, columns: int | None = None) -> Image:
    """A picture of the first samples of a dataset.

    Each sample shows the stamped image, its clean twin, the masks (dark: visible ink; pale: ink of the design that the
    paper did not take) and, on pages, up to four seals enlarged.

    Args:
        dataset: folder with ``metadata.jsonl``.
        count: most samples to show.
        columns: samples beside each other; None chooses by the samples' shape.

    Returns:
        ``uint8 [H, W, 3]``.

    Raises:
        UsageError: no dataset there, or ``count`` below 1.
        Seal2RealError: the dataset is empty or damaged.
    """
    if count < 1:
        raise UsageError(f"count is {count}; it must be at least 1")
    rows: list[Row] = []
    total = 0
    for row in read_rows(dataset):
        total += 1
        if len(rows) < count:
            rows.append(row)
    if not rows:
        raise Seal2RealError(f"{dataset} holds no samples; generate some first")
    width = _pane_width(rows)
    cells = [_cell(load_sample(dataset, row), width) for row in rows]
    return _arrange(cells, columns, _title(dataset, rows, total))


def write_preview(dataset: Path, out: Path | None = None, count: int = 24) -> Path:
    """Write `contact_sheet` as JPEG, by default ``preview.jpg`` inside the dataset; returns the path."""
    path = out or dataset / PREVIEW
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        raise UsageError(f"{path}: the sheet is a JPEG file; give a name that ends in .jpg")
    write_atomic(path, encode_jpeg(contact_sheet(dataset, count), 90))
    return path


def _pane_width(rows: list[Row]) -> int:
    """Width of a pane, pixels: the samples' median shape, so that one wide page does not stretch the sheet."""
    return int(np.clip(np.median([row["width"] / row["height"] for row in rows]) * _PANE, 0.6 * _PANE, 1.6 * _PANE))


def _cell(sample: NativeSample, width: int) -> Image:
    """One sample: three panes of this width, on pages a fourth with its seals enlarged, and a caption."""
    masks = np.full_like(sample.stamped, 255)
    for full, visible in zip(sample.full, sample.visible, strict=True):
        masks[full & ~visible] = _MASK_WORN
        masks[visible] = _MASK_VISIBLE
    panes = [_contain(picture, (width, _PANE)) for picture in (sample.stamped, sample.clean, masks)]
    if max(sample.ink.shape) > 1.5 * _PANE:  # on small crops the seal is large enough as it is
        panes.append(_zooms(sample.stamped, [seal["bbox"] for seal in sample.row["seals"]]))
    wide = sum(pane.shape[1] for pane in panes) + _GAP * (len(panes) + 1)
    cell = np.full((_PANE + _CAPTION + _GAP, wide, 3), _CARD, dtype=np.uint8)
    x = _GAP
    for pane in panes:
        w = pane.shape[1]
        cell[_GAP : _GAP + _PANE, x : x + w] = pane
        x += w + _GAP
    _write_caption(cell, sample.row)
    return cell


def _contain(image: Image, size: tuple[int, int]) -> Image:
    """The image scaled to fit into (width, height), framed, in the middle of an empty pane."""
    height, width = image.shape[:2]
    scale = min((size[0] - 2) / width, (size[1] - 2) / height)
    small = _framed(_fit(image, (max(1, round(width * scale)), max(1, round(height * scale)))))
    pane = np.full((size[1], size[0], 3), _CARD, dtype=np.uint8)
    y, x = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    pane[y : y + small.shape[0], x : x + small.shape[1]] = small
    return pane


def _framed(image: Image) -> Image:
    return np.asarray(cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=_FRAME), np.uint8)


def _zooms(image: Image, boxes: list[list[int]]) -> Image:
    """A square pane with the first four seals: one fills it, two share it as strips, more as quarters."""
    pane = np.full((_PANE, _PANE, 3), _CARD, dtype=np.uint8)
    half = (_PANE - _GAP) // 2
    wide = _PANE if len(boxes) <= 2 else half
    tall = _PANE if len(boxes) <= 1 else half
    for number, box in enumerate(boxes[:4]):
        row, column = (number, 0) if len(boxes) == 2 else divmod(number, 2)
        y, x = row * (half + _GAP), column * (half + _GAP)
        pane[y : y + tall, x : x + wide] = _framed(_zoom(image, box, (wide - 2, tall - 2)))
    return pane


def _zoom(image: Image, bbox: list[int], size: tuple[int, int]) -> Image:
    """A seal and its surroundings, scaled to ``size`` (width, height)."""
    height, width = image.shape[:2]
    x, y, w, h = bbox
    scale = max(w * 1.12 / size[0], h * 1.12 / size[1], 8 / min(size))  # page pixels per pixel of the sheet
    wide, tall = round(size[0] * scale), round(size[1] * scale)
    left, top = int(x + w / 2 - wide / 2), int(y + h / 2 - tall / 2)
    padded = np.full((tall, wide, 3), _PAPER, dtype=np.uint8)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + wide, width), min(top + tall, height)
    padded[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return _fit(padded, size)


def _fit(image: Image, size: tuple[int, int]) -> Image:
    shrinks = image.shape[1] > size[0]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8)


def _arrange(cells: list[Image], columns: int | None, title: tuple[str, str]) -> Image:
    tall = cells[0].shape[0]
    widest = max(cell.shape[1] for cell in cells)
    if columns is None:  # about four wide for three tall
        ideal = (1.33 * len(cells) * (tall + _GAP) / (widest + _GAP)) ** 0.5
        columns = int(np.clip(round(ideal), 1, len(cells)))
    lines = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    width = 2 * _MARGIN + columns * widest + (columns - 1) * _MARGIN // 2
    height = _HEADER + _MARGIN + len(lines) * (tall + _MARGIN // 2) + _MARGIN // 2
    sheet = np.full((height, width, 3), _PAPER, dtype=np.uint8)
    for i, line in enumerate(lines):
        y = _HEADER + _MARGIN // 2 + i * (tall + _MARGIN // 2)
        for j, cell in enumerate(line):
            x = _MARGIN + j * (widest + _MARGIN // 2)
            sheet[y : y + tall, x : x + widest] = _CARD
            sheet[y : y + tall, x : x + cell.shape[1]] = cell
            cv2.rectangle(sheet, (x - 1, y - 1), (x + widest, y + tall), _FRAME, 1)

    def letter(draw: ImageDraw.ImageDraw) -> None:
        draw.text((_MARGIN, 16), title[0], font=_font(20), fill=_INK)
        draw.text((_MARGIN, 42), title[1], font=_font(14), fill=_FAINT)

    return _drawn(sheet, letter)


def _title(dataset: Path, rows: list[Row], total: int) -> tuple[str, str]:
    provenance = rows[0].get("provenance", {})
    shown = f"{len(rows)} of {total} samples" if total > len(rows) else f"{total} samples"
    details = f"forger {provenance.get('forger', '?')}, seed {provenance.get('seed', '?')}, {rows[0]['dpi']:g} dpi"
    legend = "stamped | clean | masks (dark: visible ink, pale: worn away) | seals enlarged"
    return f"{dataset.resolve().name}: {shown}, all synthetic ({details})", legend


def _write_caption(cell: Image, row: Row) -> None:
    texts = [
        f"{seal['kind']}, {seal['colour']}: " + " / ".join(line["text"] for line in seal["lines"])
        for seal in row["seals"]
    ]
    room = cell.shape[1] - 2 * _GAP

    def letter(draw: ImageDraw.ImageDraw) -> None:
        y = _GAP + _PANE + 10
        number = Path(row["file_name"]).stem
        draw.text((_GAP, y), number, font=_font(13), fill=_INK)
        start = _GAP + draw.textlength(number + "  ", font=_font(13))
        text = "   ".join(texts) or "no seal"
        while text and start + draw.textlength(text, font=_font(13)) > room + _GAP:
            text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
        draw.text((start, y), text, font=_font(13), fill=_FAINT)

    cell[:] = _drawn(cell, letter)


def _drawn(image: Image, letter: Callable[[ImageDraw.ImageDraw], None]) -> Image:
    canvas = PillowImage.fromarray(image)
    letter(ImageDraw.Draw(canvas))
    return np.array(canvas)


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(sans_path()), size)
