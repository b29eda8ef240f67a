"""Seals as vector drawings, SVG and PDF in true millimetres, from the very geometry that is rasterised elsewhere.

Strokes, thickened glyphs and rounded corners become filled outlines, and what a mark takes away (intaglio letters,
gaps in the ring, hairlines) is cut out of them, so that any program can fill, engrave or cut what it reads: there are
no strokes, masks, fonts or blend modes in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
import skia

from seal2real.errors import Seal2RealError
from seal2real.images import COMMENT, SYNTHETIC_SOURCE
from seal2real.sample import FloatMap, Polygon, TextLine
from seal2real.seal.design import SealDesign
from seal2real.seal.drawing import (
    RGB,
    filled_outline,
    ink_rgb,
    lay_out,
    moved_lines,
    mover,
    rasterise,
    skia_matrix,
    turn_matrix,
)
from seal2real.seal.geometry import Layout

# Outlines are worked on in micrometres: the path operations below keep absolute tolerances of about 1/1000 of a unit.
_UNITS = 1000.0
_POINTS_PER_MM = 72.0 / 25.4
_CHECK_DPI = 150.0
_LETTERS = {skia.Path.kLine_Verb: "L", skia.Path.kQuad_Verb: "Q", skia.Path.kCubic_Verb: "C"}
_MOST_STRAY_INK = 0.02  # share of the ink by which outlines and pixels may differ; antialiasing alone makes 0.003


@dataclass(frozen=True)
class VectorArt:
    """A seal as filled outlines; x to the right, y down, millimetres from the top left of its frame.

    Attributes:
        paths: filled outlines in drawing order, each with its own fill rule. They may overlap.
        width_mm, height_mm: of the frame, which is as large as the turned seal; the seal's centre is its centre.
        outline: ``[n, 2]`` outer polygon.
        lines: text lines in reading order.
    """

    paths: tuple[skia.Path, ...]
    width_mm: float
    height_mm: float
    outline: Polygon
    lines: tuple[TextLine, ...]


def trace(design: SealDesign, angle: float = 0.0) -> VectorArt:
    """The outlines of a seal.

    Args:
        design: what to draw.
        angle: rotation in degrees, clockwise.

    Raises:
        MissingGlyphError: if a font lacks characters.
        UsageError: on an unknown kind or font, or a text that is empty or missing.
        Seal2RealError: the outlines cannot be cut cleanly.
    """
    layout = lay_out(design)
    linear = turn_matrix(angle)
    corners = np.abs(layout.outline @ linear.T).max(axis=0)
    width, height = 2.0 * float(corners[0]), 2.0 * float(corners[1])
    move = mover(linear, (width / 2.0, height / 2.0))
    matrix = skia_matrix(linear, (width / 2.0, height / 2.0))
    matrix.preScale(1.0 / _UNITS, 1.0 / _UNITS)
    paths = []
    for path in _outlines(layout, design.kind):
        moved = skia.Path(path)
        moved.transform(matrix)
        paths.append(moved)
    return VectorArt(tuple(paths), width, height, move(layout.outline), moved_lines(layout, move))


def _outlines(layout: Layout, kind: str) -> list[skia.Path]:
    """Filled outlines in micrometres from the centre, checked against the rasterised layout."""
    for simplify in (False, True):  # path operations can fail on near-coincident curves; tidied ones do better
        paths = _cut(layout, simplify)
        if paths is not None and _agree(layout, paths):
            return paths
    raise Seal2RealError(f"this {kind} seal cannot be turned into clean outlines; change a size a little, or write PNG")


def _cut(layout: Layout, simplify: bool) -> list[skia.Path] | None:
    paths: list[skia.Path] = []
    for mark in layout.marks:
        filled = filled_outline(mark, _UNITS)
        filled.transform(skia.Matrix.Scale(_UNITS, _UNITS))
        if simplify and (filled := skia.Simplify(filled)) is None:
            return None
        if not mark.clear:
            paths.append(filled)
            continue
        bounds = filled.getBounds()
        for index, path in enumerate(paths):
            if skia.Rect.Intersects(path.getBounds(), bounds):
                cut = skia.Op(path, filled, skia.PathOp.kDifference_PathOp)
                if cut is None:
                    return None
                paths[index] = cut
    return [path for path in paths if not path.isEmpty()]


def _agree(layout: Layout, paths: list[skia.Path]) -> bool:
    """Whether outlines and layout put the same ink on a coarse raster."""
    scale = _CHECK_DPI / 25.4
    width, height = (int(np.ceil(2.0 * scale * extent)) + 4 for extent in np.abs(layout.outline).max(axis=0).tolist())
    linear, shift = np.eye(2) * scale, (width / 2.0, height / 2.0)
    expected = rasterise(layout, skia_matrix(linear, shift), width, height)
    matrix = skia_matrix(linear / _UNITS, shift)
    found = fill_paths(paths, matrix, width, height)
    # Along edges two rasterisers differ by fractions of a pixel; a lost or a swollen piece shows after a slight blur.
    stray = np.abs(_blurred(found) - _blurred(expected))
    return float(stray[stray > 0.2].sum()) <= _MOST_STRAY_INK * float(expected.sum()) + 4.0


def _blurred(coverage: FloatMap) -> FloatMap:
    padded = np.pad(coverage, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9.0, dtype=np.float32)


def fill_paths(
    paths: list[skia.Path] | tuple[skia.Path, ...], matrix: skia.Matrix, width: int, height: int
) -> FloatMap:
    """Coverage ``float32 [height, width]`` in 0..1 of filled outlines under ``matrix``."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(width, height), pixels, width)
    canvas = surface.getCanvas()
    canvas.concat(matrix)
    for path in paths:
        canvas.drawPath(path, skia.Paint(AntiAlias=True))
    surface.flushAndSubmit()
    return pixels.astype(np.float32) * np.float32(1.0 / 255.0)


def to_svg(design: SealDesign, *, colour: str | RGB | None = None, angle: float = 0.0, paper: bool = False) -> str:
    """A seal as an SVG document in millimetres, as large as the seal.

    Args:
        design: what to draw.
        colour: "red", "blue", "violet", "black", "#rrggbb" or channels 0..255; None takes the design's own, else red.
        angle: rotation in degrees, clockwise.
        paper: lay it on white paper.

    Returns:
        The document; equal designs give equal text. Its metadata says that it is synthetic.

    Raises:
        UsageError, MissingGlyphError, Seal2RealError: as for `trace`; UsageError on an unknown colour.
    """
    return svg_of(trace(design, angle), design, colour, paper)


def svg_of(art: VectorArt, design: SealDesign, colour: str | RGB | None = None, paper: bool = False) -> str:
    """The SVG document of traced outlines (see `to_svg`)."""
    ink = "#{:02x}{:02x}{:02x}".format(*(colour if isinstance(colour, tuple) else ink_rgb(colour, design)))
    width, height = _number(art.width_mm), _number(art.height_mm)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
        f' viewBox="0 0 {width} {height}">',
        f"<title>{escape(_title(design))}</title>",
        f"<desc>{escape(COMMENT)}</desc>",
        '<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_SOURCE}"/></rdf:RDF></metadata>',
    ]
    if paper:
        lines.append(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
    lines.append(f'<g fill="{ink}">')
    for path in art.paths:
        even = path.getFillType() == skia.PathFillType.kEvenOdd
        rule = ' fill-rule="evenodd"' if even else ""
        lines.append(f'<path{rule} d="{"".join(_commands(path))}"/>')
    lines += ["</g>", "</svg>", ""]
    return "\n".join(lines)


def to_pdf(design: SealDesign, *, colour: str | RGB | None = None, angle: float = 0.0, paper: bool = False) -> bytes:
    """A seal as a PDF of one page, as large as the seal.

    Args:
        design: what to draw.
        colour: as for `to_svg`.
        angle: rotation in degrees, clockwise.
        paper: lay it on white paper.

    Returns:
        The file's bytes; equal designs give equal bytes. Its document information says that it is synthetic.

    Raises:
        UsageError, MissingGlyphError, Seal2RealError: as for `to_svg`.
    """
    return pdf_of(trace(design, angle), design, colour, paper)


def pdf_of(art: VectorArt, design: SealDesign, colour: str | RGB | None = None, paper: bool = False) -> bytes:
    """The PDF of traced outlines (see `to_pdf`)."""
    rgb = colour if isinstance(colour, tuple) else ink_rgb(colour, design)
    information = skia.PDF.Metadata()
    information.fTitle, information.fSubject, information.fCreator = _title(design), COMMENT, "Seal2Real"
    information.fKeywords = SYNTHETIC_SOURCE
    information.fRasterDPI = 72.0 * _UNITS  # nothing is rasterised; but a page is as large as a whole number of these
    stream = skia.DynamicMemoryWStream()
    document = skia.PDF.MakeDocument(stream, information)
    canvas = document.beginPage(art.width_mm * _POINTS_PER_MM, art.height_mm * _POINTS_PER_MM)
    if paper:
        canvas.drawColor(skia.ColorWHITE)
    canvas.scale(_POINTS_PER_MM, _POINTS_PER_MM)
    for path in art.paths:
        canvas.drawPath(path, skia.Paint(Color=skia.Color(*rgb)))
    document.endPage()
    document.close()
    return bytes(stream.detachAsData())


def _title(design: SealDesign) -> str:
    return f"{design.kind} seal: {', '.join(text for text in design.texts.values() if text)}"


def _commands(path: skia.Path) -> Iterator[str]:
    """SVG path commands, three decimals (micrometres)."""
    pieces = skia.Path.Iter(path, False)
    while True:
        verb, points = pieces.next()
        if verb == skia.Path.kDone_Verb:
            return
        if verb == skia.Path.kMove_Verb:
            yield f"M{_point(points[0])}"
        elif verb == skia.Path.kClose_Verb:
            yield "Z"
        elif verb == skia.Path.kConic_Verb:  # arcs of circles, as 2 ** 3 parabolas: within a micrometre
            parabolas = skia.Path.ConvertConicToQuads(points[0], points[1], points[2], pieces.conicWeight(), 3)
            for middle, end in zip(parabolas[1::2], parabolas[2::2], strict=True):
                yield f"Q{_point(middle)} {_point(end)}"
        else:
            yield _LETTERS[verb] + " ".join(map(_point, points[1:]))


def _point(point: skia.Point) -> str:
    return f"{_number(point.x())} {_number(point.y())}"


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


__all__ = ["VectorArt", "fill_paths", "pdf_of", "svg_of", "to_pdf", "to_svg", "trace"]
