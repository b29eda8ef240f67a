"""From a layout in millimetres to pixels: antialiased coverage, and every polygon by the same transform."""

from __future__ import annotations

import numpy as np
import skia

from seal2real.errors import UsageError
from seal2real.sample import FloatMap, Polygon, SealArt, TextLine
from seal2real.seal.design import SealDesign
from seal2real.seal.geometry import Layout, Mark
from seal2real.seal.kinds import layout_of

MARGIN = 2  # pixels around the outline, so that no antialiased edge is cut


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
        MissingGlyphError: if the font lacks a character.
        UsageError: on an unknown kind or font, or a resolution out of range.
    """
    if not 10.0 <= dpi <= 2400.0:
        raise UsageError(f"dpi is {dpi:g}; give a resolution between 10 and 2400")
    layout = layout_of(design)
    scale = dpi / 25.4
    turn = np.deg2rad(angle)
    cos, sin = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
    linear = np.array([[cos, -sin], [sin, cos]])
    turned = layout.outline @ linear.T
    # symmetric about the centre, so that the centre of the array is the centre of the seal
    width, height = (int(np.ceil(2.0 * np.abs(turned[:, k]).max())) + 2 * MARGIN for k in (0, 1))
    shift = np.array([width / 2.0, height / 2.0])

    def to_pixels(points: Polygon) -> Polygon:
        return (points @ linear.T + shift).astype(np.float32)

    matrix = skia.Matrix.MakeAll(cos, -sin, width / 2.0, sin, cos, height / 2.0, 0.0, 0.0, 1.0)
    return SealArt(
        kind=design.kind,
        coverage=rasterise(layout, matrix, width, height),
        outline=to_pixels(layout.outline),
        lines=tuple(
            TextLine(
                line.text,
                to_pixels(line.polygon),
                tuple(to_pixels(quad) for quad in line.characters),
                line.curved,
                line.role,
            )
            for line in layout.lines
        ),
        dpi=float(dpi),
        size_mm=design.size_mm,
        design=design.to_dict(),
    )


def rasterise(layout: Layout, matrix: skia.Matrix, width: int, height: int) -> FloatMap:
    """Coverage ``float32 [height, width]`` in 0..1 of the layout's marks under ``matrix`` (millimetres to pixels)."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(width, height), pixels, width)
    canvas = surface.getCanvas()
    canvas.concat(matrix)
    for mark in layout.marks:
        canvas.drawPath(mark.path, _paint(mark))
    surface.flushAndSubmit()
    return pixels.astype(np.float32) * np.float32(1.0 / 255.0)


def _paint(mark: Mark) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True)
    if not mark.fill:
        paint.setStyle(skia.Paint.kStroke_Style)
    elif mark.width > 0:
        paint.setStyle(skia.Paint.kStrokeAndFill_Style)
    paint.setStrokeWidth(mark.width)
    paint.setStrokeJoin(skia.Paint.kRound_Join if mark.rounding > 0 else skia.Paint.kMiter_Join)
    if mark.rounding > 0:
        paint.setPathEffect(skia.CornerPathEffect.Make(mark.rounding))
    if mark.clear:
        paint.setBlendMode(skia.BlendMode.kDstOut)
    return paint
