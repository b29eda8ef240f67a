"""A design into a file: PNG, JPEG, SVG or PDF, and the labels that go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seal2real.errors import UsageError
from seal2real.images import encode_jpeg, encode_png, write_atomic
from seal2real.sample import Polygon, TextLine
from seal2real.seal.design import SealDesign
from seal2real.seal.drawing import RGB, draw, ink_rgb, picture
from seal2real.seal.vector import pdf_of, svg_of, trace

SUFFIXES = (".png", ".jpg", ".jpeg", ".svg", ".pdf")


def check_suffix(path: Path | str) -> str:
    """The suffix of a file to write, in lower case.

    Raises:
        UsageError: it is none of `SUFFIXES`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: the suffix chooses the format; use one of {', '.join(SUFFIXES)}")
    return suffix


def save_seal(
    design: SealDesign,
    path: Path | str,
    *,
    dpi: float = 600.0,
    colour: str | RGB | None = None,
    angle: float = 0.0,
    paper: bool = False,
    quality: int = 95,
) -> dict[str, Any]:
    """Draw a design into a file that says that it is synthetic. The file appears whole or not at all.

    Args:
        design: what to draw.
        path: the file; its suffix chooses the format: .png (RGBA over nothing, RGB on paper), .jpg (on paper), .svg or
            .pdf (in millimetres, as large as the seal).
        dpi: resolution of pixels; vectors need none.
        colour: "red", "blue", "violet", "black", "#rrggbb" or channels 0..255; None takes the design's own, else red.
        angle: rotation in degrees, clockwise.
        paper: lay it on white paper. JPEG files always are.
        quality: of JPEG files, 1 to 100.

    Returns:
        The labels, plain JSON values: ``file`` (the path as given), ``width``, ``height`` and ``unit`` ("px", or "mm"
        for vectors) of the frame, ``dpi`` (None for vectors), ``kind``, ``size_mm``, ``angle``, ``colour`` (channels),
        ``outline`` (the seal's polygon), ``lines`` (text, role, curved, polygon, characters: text and polygon of each)
        in reading order, ``design``. Points are [x, y] from the frame's top left, in the unit.

    Raises:
        UsageError: an unknown suffix, colour, kind or font, or a resolution out of range.
        MissingGlyphError: if a font lacks characters.
        Seal2RealError: the file cannot be written, or the outlines cannot be cut cleanly.
    """
    suffix = check_suffix(path)
    rgb = colour if isinstance(colour, tuple) else ink_rgb(colour, design)
    frame: dict[str, Any]
    if suffix in (".svg", ".pdf"):
        art = trace(design, angle)
        data = svg_of(art, design, rgb, paper).encode() if suffix == ".svg" else pdf_of(art, design, rgb, paper)
        frame = {"width": round(art.width_mm, 4), "height": round(art.height_mm, 4), "unit": "mm", "dpi": None}
        outline, lines = art.outline, art.lines
    else:
        drawn = draw(design, dpi, angle)
        image = picture(drawn, rgb, paper or suffix != ".png")
        data = encode_png(image, dpi, level=6) if suffix == ".png" else encode_jpeg(image, quality, dpi)
        height, width = drawn.coverage.shape
        frame = {"width": width, "height": height, "unit": "px", "dpi": float(dpi)}
        outline, lines = drawn.outline, drawn.lines
    write_atomic(path, data)
    return {
        "file": str(path),
        **frame,
        "kind": design.kind,
        "size_mm": list(design.size_mm),
        "angle": float(angle),
        "colour": list(rgb),
        "outline": _points(outline),
        "lines": [_line(line) for line in lines],
        "design": design.to_dict(),
    }


def _line(line: TextLine) -> dict[str, Any]:
    return {
        "text": line.text,
        "role": line.role,
        "curved": line.curved,
        "polygon": _points(line.polygon),
        "characters": [
            {"text": character, "polygon": _points(quad)}
            for character, quad in zip(line.text, line.characters, strict=True)
        ],
    }


def _points(polygon: Polygon) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in np.round(polygon.astype(np.float64), 3).tolist()]
