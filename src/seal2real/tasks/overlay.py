"""Pictures of results: outlines, ink and words drawn onto the scan."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from seal2real.sample import FloatMap, Image
from seal2real.seal.fonts import font_style
from seal2real.tasks.read import ReadSeal
from seal2real.tasks.segment import Seal

_INK = (0, 160, 0)
_OUTLINE = (0, 90, 255)
_LINE = (255, 140, 0)


def draw_seals(image: Image, seals: Sequence[Seal], captions: Sequence[str] | None = None, ink: bool = True) -> Image:
    """The scan with found ink in green, outlines in blue, and a caption at each seal.

    Args:
        image: ``uint8 [H, W, 3]``.
        seals: that were found on it.
        captions: one for each; None says shape, colour and confidence.
        ink: show the ink too.
    """
    result = image.copy()
    height, width = image.shape[:2]
    for seal in seals:
        if ink:
            seen = seal.on_page(height, width)
            result[seen] = (0.45 * result[seen] + 0.55 * np.array(_INK)).astype(np.uint8)
        _outline(result, seal.polygon, _OUTLINE)
    texts = captions or [f"{seal.colour} {seal.shape} {seal.confidence:.2f}" for seal in seals]
    spots = [(seal.bbox[0], seal.bbox[1]) for seal in seals]
    return write(result, list(zip(texts, spots, strict=True)), _OUTLINE)


def draw_reading(image: Image, seals: Sequence[ReadSeal]) -> Image:
    """The scan with the lines of its seals outlined, and what they say beside each seal."""
    result = image.copy()
    texts: list[tuple[str, tuple[float, float]]] = []
    for found in seals:
        _outline(result, found.seal.polygon, _OUTLINE)
        x, y, _, height = found.seal.bbox
        size = _size(image)
        for number, line in enumerate(found.lines):
            _outline(result, line.polygon, _LINE)
            below = y + height + 2 + (number + 1) * 1.2 * size
            texts.append((f"{number + 1} {line.text} ({line.confidence:.2f})", (x, below)))
    return write(result, texts, _LINE)


def draw_heat(image: Image, heat: FloatMap) -> Image:
    """The scan, faded, with a map ``[H, W]`` in 0..1 in red."""
    faded = 255 - (255 - image.astype(np.float32)) * 0.5
    share = np.clip(heat, 0, 1)[..., None]
    return np.asarray(faded * (1 - share) + np.array([230.0, 0.0, 0.0]) * share + 0.5, np.float32).astype(np.uint8)


def write(image: Image, texts: Sequence[tuple[str, tuple[float, float]]], colour: tuple[int, int, int]) -> Image:
    """Words onto a picture, each with its lower left corner at a spot, on white."""
    picture = PillowImage.fromarray(image)
    drawing = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(font_style("hei").path), _size(image))
    for text, (x, y) in texts:
        left, top, right, bottom = drawing.textbbox((0, 0), text, font=font)
        x = float(np.clip(x, 0, max(0, image.shape[1] - right)))
        y = float(np.clip(y - bottom - 2, 0, max(0, image.shape[0] - bottom)))
        drawing.rectangle((x + left - 1, y + top - 1, x + right + 1, y + bottom + 1), fill="white")
        drawing.text((x, y), text, fill=colour, font=font)
    return np.asarray(picture, np.uint8)


def _outline(image: Image, polygon: np.ndarray, colour: tuple[int, int, int]) -> None:
    points = np.rint((np.asarray(polygon) - 0.5) * 16).astype(np.int32)
    thick = max(1, round(max(image.shape[:2]) / 900))
    cv2.polylines(image, [points], True, colour, thick, cv2.LINE_AA, shift=4)


def _size(image: Image) -> int:
    return int(np.clip(max(image.shape[:2]) / 60, 11, 40))
