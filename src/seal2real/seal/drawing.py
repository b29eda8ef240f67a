"""From a layout in millimetres to pixels: antialiased coverage, and every polygon by the same transform."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import skia

from seal2real.errors import MissingGlyphError, UsageError
from seal2real.sample import FloatMap, Polygon, SealArt, TextLine
from seal2real.seal.design import SealDesign, nearest
from seal2real.seal.fonts import font_name, missing_characters
from seal2real.seal.geometry import Layout, Mark
from seal2real.seal.kinds import layout_of

MARGIN = 2  # pixels around the outline, so that no antialiased edge is cut
MAX_PIXELS = 120_000_000
RGB = tuple[int, int, int]
# One colour for each class of ink, to draw a design with; impressions on pages vary (see `seal2real.press`).
INK_RGB: dict[str, RGB] = {"red": (222, 30, 48), "blue": (38, 58, 168), "violet": (98, 52, 150), "black": (34, 34, 40)}


def draw(design: SealDesign, dpi: float, angle: float = 0.0) -> SealArt:
    """Draw a seal.

    Args:
        design: what to draw.
        dpi: resolution, > 0.
        angle: rotation in degrees, clockwise. The outlines are turned before they are rasterised, so that a turned
            seal is as sharp as an upright one.

    Returns:
        The art; the seal's centre lies in the centre of ``coverage``.

    Raises:
        MissingGlyphError: if a font lacks characters; it names all that the text in question has of them.
        UsageError: on an unknown kind or font, or a resolution or angle out of range.
    """
    if not 10.0 <= dpi <= 2400.0:
        raise UsageError(f"dpi is {dpi:g}; give a resolution between 10 and 2400")
    if not math.isfinite(angle):
        raise UsageError(f"angle is {angle:g}; give degrees, such as 12.5")
    layout = lay_out(design)
    linear = turn_matrix(angle) * (dpi / 25.4)
    turned = layout.outline @ linear.T
    # symmetric about the centre, so that the centre of the array is the centre of the seal
    width, height = (int(np.ceil(2.0 * np.abs(turned[:, k]).max())) + 2 * MARGIN for k in (0, 1))
    if width * height > MAX_PIXELS:
        raise UsageError(f"{width} x {height} pixels are too many; give a lower dpi than {dpi:g}, or a smaller seal")
    to_pixels = mover(linear, (width / 2.0, height / 2.0))
    return SealArt(
        kind=design.kind,
        coverage=rasterise(layout, skia_matrix(linear, (width / 2.0, height / 2.0)), width, height),
        outline=to_pixels(layout.outline),
        lines=moved_lines(layout, to_pixels),
        dpi=float(dpi),
        size_mm=design.size_mm,
        design=design.to_dict(),
    )


def lay_out(design: SealDesign) -> Layout:
    """The geometry of a design, as `layout_of`, but an error on missing glyphs names all of them.

    Raises:
        MissingGlyphError: if a font lacks characters.
        UsageError: on an unknown kind or font, a size that is not positive, a text that is empty or missing.
    """
    try:
        return layout_of(design)
    except MissingGlyphError as error:
        fonts = [design.font, *(str(value) for key, value in design.options.items() if "font" in key)]
        texts = "".join(text for text in design.texts.values() if error.character in text)
        for font in fonts:
            if font_name(font) == error.font and error.character in (missing := missing_characters(texts, font)):
                raise MissingGlyphError(missing, error.font) from None
        raise


def turn_matrix(angle: float) -> npt.NDArray[np.float64]:
    """``[2, 2]``: a turn by ``angle`` degrees, clockwise on the screen (y down)."""
    turn = np.deg2rad(angle)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    return np.array([[cos, -sin], [sin, cos]])


def skia_matrix(linear: npt.NDArray[np.float64], shift: tuple[float, float]) -> skia.Matrix:
    """The affine map ``linear @ point + shift``."""
    (a, b), (c, d) = linear.tolist()
    return skia.Matrix.MakeAll(a, b, shift[0], c, d, shift[1], 0.0, 0.0, 1.0)


def mover(linear: npt.NDArray[np.float64], shift: tuple[float, float]) -> Callable[[Polygon], Polygon]:
    """The same map for points ``[n, 2]``."""
    return lambda points: (points @ linear.T + np.array(shift)).astype(np.float32)


def moved_lines(layout: Layout, move: Callable[[Polygon], Polygon]) -> tuple[TextLine, ...]:
    """The layout's text lines under a map of points."""
    return tuple(
        TextLine(line.text, move(line.polygon), tuple(move(quad) for quad in line.characters), line.curved, line.role)
        for line in layout.lines
    )


def rasterise(layout: Layout, matrix: skia.Matrix, width: int, height: int) -> FloatMap:
    """Coverage ``float32 [height, width]`` in 0..1 of the layout's marks under ``matrix`` (millimetres to pixels)."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(width, height), pixels, width)
    canvas = surface.getCanvas()
    canvas.concat(matrix)
    # Skia strokes to a quarter of a pixel; a finer outline keeps pixels and vectors alike.
    fineness = 4.0 * float(np.hypot(matrix.getScaleX(), matrix.getSkewY()))
    for mark in layout.marks:
        paint = skia.Paint(AntiAlias=True)
        if mark.clear:
            paint.setBlendMode(skia.BlendMode.kDstOut)
        canvas.drawPath(filled_outline(mark, fineness), paint)
    surface.flushAndSubmit()
    return np.multiply(pixels, np.float32(1.0 / 255.0), dtype=np.float32)


def filled_outline(mark: Mark, fineness: float) -> skia.Path:
    """A mark in millimetres as a path to fill: stroked, thickened and rounded to within ``0.25 / fineness`` mm."""
    paint = skia.Paint(AntiAlias=True)
    if not mark.fill:
        paint.setStyle(skia.Paint.kStroke_Style)
    elif mark.width > 0:
        paint.setStyle(skia.Paint.kStrokeAndFill_Style)
    paint.setStrokeWidth(mark.width)
    paint.setStrokeJoin(skia.Paint.kRound_Join if mark.rounding > 0 else skia.Paint.kMiter_Join)
    if mark.rounding > 0:
        paint.setPathEffect(skia.CornerPathEffect.Make(mark.rounding))
    filled = skia.Path()
    paint.getFillPath(mark.path, filled, None, fineness)
    return filled


def ink_rgb(colour: str | None, design: SealDesign | None = None) -> RGB:
    """The colour to draw with, 0..255 per channel.

    Args:
        colour: a class ("red", "blue", "violet", "black") or "#rrggbb"; None takes the design's own, else red.
        design: where its own colour stands (``options["ink"]``).

    Raises:
        UsageError: on an unknown colour.
    """
    if colour is None:
        colour = str(design.options.get("ink", "red")) if design is not None else "red"
    if colour in INK_RGB:
        return INK_RGB[colour]
    if re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
    raise UsageError(f"no ink colour {colour!r}, nor a value such as #d01c2c; {nearest(colour, INK_RGB)}")


def picture(art: SealArt, colour: str | RGB | None = None, paper: bool = False) -> npt.NDArray[np.uint8]:
    """A drawn seal as an image.

    Args:
        art: the seal.
        colour: as for `ink_rgb`, or the channels themselves; None takes the design's own.
        paper: lay it on white paper.

    Returns:
        ``uint8 [H, W, 4]`` RGBA, the ink's colour everywhere and the coverage as alpha; on paper ``uint8 [H, W, 3]``
        RGB.

    Raises:
        UsageError: on an unknown colour.
    """
    rgb = colour if isinstance(colour, tuple) else ink_rgb(colour, SealDesign.from_dict(art.design))
    ink = np.array(rgb, dtype=np.float32)
    if paper:
        mixed = 255.0 + art.coverage[..., None] * (ink - 255.0)
        return np.rint(mixed).astype(np.uint8)
    image = np.empty((*art.coverage.shape, 4), dtype=np.uint8)
    image[..., :3] = ink.astype(np.uint8)
    image[..., 3] = np.rint(art.coverage * 255.0).astype(np.uint8)
    return image
