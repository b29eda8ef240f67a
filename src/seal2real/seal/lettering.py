"""Setting text on arcs and on straight lines: glyph outlines and the polygons that label them, in millimetres."""

from __future__ import annotations

import numpy as np
import skia

from seal2real.errors import UsageError
from seal2real.sample import TextLine
from seal2real.seal.fonts import FontStyle, Glyph, font_style, glyph
from seal2real.seal.geometry import Layout, Mark
from seal2real.seal.sealscript import strokes

# The part of the em square that Chinese characters fill (the ideographic character face): about 92 % of it.
_FACE = (0.04, -0.84, 0.96, 0.08)
# Seal script: width of its strokes and white on each side of a character, as shares of the cell's shorter side.
_SCRIPT_PEN, _SCRIPT_PAD = 0.072, 0.05


def is_cjk(character: str) -> bool:
    """Whether the character is set in a full square."""
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\uff00" <= character <= "\uff60"


def _cells(
    text: str, style: FontStyle, space: float = 0.35
) -> tuple[list[Glyph | None], list[tuple[float, float]], tuple[float, float]]:
    """Glyphs, their horizontal extents in em (left, right), and the common vertical extent (top, bottom)."""
    glyphs = [None if character.isspace() else glyph(style.path, character) for character in text]
    if any(is_cjk(character) for character in text):
        top, bottom = _FACE[1], _FACE[3]
    else:
        inked = [g.bounds for g in glyphs if g is not None]
        top, bottom = min(b[1] for b in inked), max(b[3] for b in inked)
    extents = []
    for character, g in zip(text, glyphs, strict=True):
        if g is None:
            extents.append((0.0, space))
        elif is_cjk(character) and character not in "（）":
            extents.append((_FACE[0], _FACE[2]))
        else:
            extents.append((g.bounds[0] - 0.02, g.bounds[2] + 0.02))
    return glyphs, extents, (top, bottom)


class _Setter:
    """Collects glyphs put into cells: one path for the drawing, one quad per character for the labels."""

    def __init__(self, text: str, style: FontStyle, space: float = 0.35):
        if not text.strip():
            raise UsageError("a text of the seal is empty; give at least one character, or leave the text out")
        self.style = style
        self.text = text
        self.pen = 0.0
        self.path = skia.Path()
        self.quads: list[np.ndarray] = []
        self.glyphs, extents, (self.top, self.bottom) = _cells(text, style, space)
        self.extents = np.array(extents)
        span = self.bottom - self.top
        # width of each character's cell over its height, before condensing
        self.aspects = (self.extents[:, 1] - self.extents[:, 0]) / span * style.stretch

    def put(self, centres: np.ndarray, along: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> None:
        """Put every character into its cell.

        Args:
            centres: ``[n, 2]`` middles of the cells.
            along: ``[n, 2]`` unit vectors in reading direction; the characters' feet lie clockwise of it.
            widths: ``[n]`` widths of the cells.
            heights: ``[n]`` heights of the cells.
        """
        down = np.stack([-along[:, 1], along[:, 0]], axis=1)
        half_w, half_h = along * widths[:, None] / 2.0, down * heights[:, None] / 2.0
        corners = np.stack([-half_w - half_h, half_w - half_h, half_w + half_h, half_h - half_w], axis=1)
        self.quads = list((centres[:, None, :] + corners).astype(np.float32))
        if self.style.script:
            self._put_script(centres, half_w, half_h)
            return
        # em -> cell (with FangSong's climbing strokes) -> millimetres
        sx = widths / (self.extents[:, 1] - self.extents[:, 0])
        x_axis = sx[:, None] * (along - down * self.style.shear)
        y_axis = (heights / (self.bottom - self.top))[:, None] * down
        middle = self.extents.mean(axis=1)
        origin = centres - x_axis * middle[:, None] - y_axis * ((self.top + self.bottom) / 2.0)
        affine = np.stack([x_axis, y_axis, origin], axis=2).reshape(-1, 6).tolist()
        for shape, (xx, xy, x0, yx, yy, y0) in zip(self.glyphs, affine, strict=True):
            if shape is not None:
                self.path.addPath(shape.path, skia.Matrix.MakeAll(xx, xy, x0, yx, yy, y0, 0.0, 0.0, 1.0))

    def _put_script(self, centres: np.ndarray, half_w: np.ndarray, half_h: np.ndarray) -> None:
        """Middle lines of every character; stroked in millimetres, so that no cell makes them thicker."""
        sides = 2.0 * np.minimum(np.hypot(*half_w.T), np.hypot(*half_h.T))
        self.pen = _SCRIPT_PEN * float(sides.min())
        for character, centre, right, down, side in zip(self.text, centres, half_w, half_h, sides, strict=True):
            if character.isspace():
                continue
            across, along = (
                max(1.0 - 2.0 * _SCRIPT_PAD * side / (2.0 * np.hypot(*half)), 0.5) for half in (right, down)
            )
            lines = strokes(self.style.path, character)
            if not lines:
                continue
            unit = 2.0 * np.concatenate(lines) - 1.0
            points = (centre + unit[:, :1] * across * right + unit[:, 1:] * along * down).tolist()
            start = 0
            for line in lines:
                poly = points[start : start + len(line)]
                start += len(line)
                closed = all(abs(a - b) <= 1e-8 + 1e-5 * abs(b) for a, b in zip(poly[0], poly[-1], strict=True))
                self.path.addPoly([skia.Point(x, y) for x, y in (poly[:-1] if closed else poly)], closed)

    def mark(self, height: float, weight: float, clear: bool, contour: float = 0.0) -> Mark:
        if contour > 0 and not self.style.script:
            return Mark(self.path, contour, False, clear, self.style.rounding * height)
        if self.style.script:
            return Mark(self.path, self.pen + weight, False, clear, self.style.rounding * height)
        return Mark(self.path, weight + self.style.bolder * height, True, clear, self.style.rounding * height)


def straight_text(
    layout: Layout,
    text: str,
    *,
    role: str,
    font: str,
    centre: tuple[float, float],
    height: float,
    width: float,
    condense: float = 1.0,
    spacing: float = 0.12,
    weight: float = 0.0,
    clear: bool = False,
    turn: float = 0.0,
    contour: float = 0.0,
) -> float:
    """Set one straight line centred at a point.

    Args:
        layout: gets the mark and the label.
        text: the characters; spaces keep their place.
        role: of the line's label.
        font: style or path of a font file.
        centre: middle of the line in millimetres.
        height: of the characters in millimetres.
        width: most that the line may take in millimetres; the characters are condensed to fit.
        condense: widest that a character may be, relative to its natural width.
        spacing: gap between two characters as a share of the height.
        weight: thickening of the strokes in millimetres.
        clear: cut the glyphs out of the ink instead.
        turn: degrees, clockwise, by which the line is turned about its centre.
        contour: width in millimetres of the outline of hollow letters; 0 for full ones.

    Returns:
        The width taken, in millimetres.

    Raises:
        MissingGlyphError: if the font lacks a character.
    """
    setter = _Setter(text, font_style(font))
    natural = setter.aspects * height
    gaps = spacing * height * (len(text) - 1)
    scale = min(condense, max(width - gaps, 0.4 * width) / natural.sum())
    gap = min(spacing * height, max(width - natural.sum() * scale, 0.0) / max(len(text) - 1, 1))
    widths = natural * scale
    total = float(widths.sum() + gap * (len(text) - 1))
    cos, sin = float(np.cos(np.deg2rad(turn))), float(np.sin(np.deg2rad(turn)))
    along, down, middle = np.array([cos, sin]), np.array([-sin, cos]), np.asarray(centre, dtype=float)
    x = np.cumsum(widths) - widths / 2.0 - total / 2.0 + gap * np.arange(len(text))
    setter.put(middle + x[:, None] * along, np.tile(along, (len(text), 1)), widths, np.full_like(x, height))
    layout.marks.append(setter.mark(height, weight, clear, contour))
    half_w, half_h = along * total / 2.0, down * height / 2.0
    corners = [middle - half_w - half_h, middle + half_w - half_h, middle + half_w + half_h, middle - half_w + half_h]
    polygon = np.array(corners, dtype=np.float32)
    layout.lines.append(TextLine(text, polygon, tuple(setter.quads), False, role))
    return total


def vertical_text(
    layout: Layout,
    text: str,
    *,
    role: str,
    font: str,
    cells: np.ndarray,
    weight: float = 0.0,
    clear: bool = False,
) -> None:
    """Set one column, a character per cell, each filling its cell.

    The line's polygon still runs along the top of the characters: the label treats the column as a block whose reading
    order the quads give, its corners top-left, top-right, bottom-right, bottom-left.

    Args:
        layout: gets the mark and the label.
        text: the characters, top to bottom.
        role: of the line's label.
        font: style or path of a font file.
        cells: ``[len(text), 4]`` left, top, width, height in millimetres.
        weight: thickening of the strokes in millimetres.
        clear: cut the glyphs out of the ink instead.

    Raises:
        MissingGlyphError: if the font lacks a character.
    """
    setter = _Setter(text, font_style(font))
    setter.put(cells[:, :2] + cells[:, 2:] / 2.0, np.tile([1.0, 0.0], (len(text), 1)), cells[:, 2], cells[:, 3])
    layout.marks.append(setter.mark(float(cells[:, 3].mean()), weight, clear))
    left, top = float(cells[:, 0].min()), float(cells[:, 1].min())
    right, bottom = float((cells[:, 0] + cells[:, 2]).max()), float((cells[:, 1] + cells[:, 3]).max())
    polygon = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
    layout.lines.append(TextLine(text, polygon, tuple(setter.quads), False, role))


class _Arc:
    """The curve parallel to an ellipse, ``inset`` millimetres inside it, measured by its arc length."""

    def __init__(self, a: float, b: float, inset: float):
        self.a, self.b = a, b
        self.t = _TURNS
        points, normals = self.at(self.t)
        steps = np.diff(points - inset * normals, axis=0)
        self.length = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])

    def at(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points ``[n, 2]`` of the ellipse itself and unit outward normals there, for parameter angles in radians."""
        cos, sin = np.cos(t), np.sin(t)
        nx, ny = cos * self.b, sin * self.a
        scale = 1.0 / np.hypot(nx, ny)
        return np.stack([self.a * cos, self.b * sin], axis=1), np.stack([nx * scale, ny * scale], axis=1)

    def length_at(self, degrees: float) -> float:
        """Arc length at this parameter angle (clockwise from the right; -90 is the top)."""
        return float(np.interp(np.deg2rad(degrees), self.t, self.length))

    def turn_at(self, length: np.ndarray) -> np.ndarray:
        """Parameter angles in radians at these arc lengths."""
        return np.interp(length, self.length, self.t)


_TURNS = np.linspace(-np.pi - 2.0, 3.0 * np.pi - 2.0, 721)


def arc_text(
    layout: Layout,
    text: str,
    *,
    role: str,
    font: str,
    axes: tuple[float, float],
    inset: float,
    height: float,
    span: float,
    condense: float = 0.8,
    fill: float = 0.9,
    lower: bool = False,
    turn: float = 0.0,
    weight: float = 0.0,
    clear: bool = False,
    proportional: bool = False,
) -> None:
    """Set one line along an ellipse, even in arc length, every character upright to the curve.

    Args:
        layout: gets the mark and the label.
        text: the characters.
        role: of the line's label.
        font: style or path of a font file.
        axes: semi-axes of the ellipse that the text keeps inside of, in millimetres.
        inset: distance in millimetres from that ellipse to the nearest corner of a character.
        height: of the characters in millimetres.
        span: angle in degrees between the outer sides of the first and the last character.
        condense: widest that a character may be, relative to its natural width.
        fill: share of its pitch (at the narrow side) that a character may take at most.
        lower: set along the lower arc, left to right, with the feet of the characters outward; else along the upper
            arc, clockwise, with the heads outward.
        turn: degrees by which the middle of the line lies clockwise of the top (or of the bottom).
        weight: thickening of the strokes in millimetres.
        clear: cut the glyphs out of the ink instead.
        proportional: give each character the room of its own width (Latin, Cyrillic) instead of an even pitch.

    Raises:
        MissingGlyphError: if the font lacks a character.
    """
    setter = _Setter(text, font_style(font))
    count = len(text)
    # Room is measured where the characters are closest together: at their side towards the centre.
    arc = _Arc(*axes, inset + height)
    sign = -1.0 if lower else 1.0
    middle = (90.0 if lower else -90.0) + turn
    start, end = arc.length_at(middle - sign * span / 2.0), arc.length_at(middle + sign * span / 2.0)
    available = abs(end - start)
    natural = setter.aspects * height
    if proportional:
        scale = min(condense, fill * available / natural.sum())
        widths = natural * scale
        gap = (available - widths.sum()) / max(count - 1, 1)
        centres = np.cumsum(widths) - widths / 2.0 + gap * np.arange(count)
    else:
        widths = np.minimum(natural * condense, fill * available / count)
        centres = np.linspace(widths[0] / 2.0, available - widths[-1] / 2.0, count)
    if count == 1:
        centres = np.array([available / 2.0])
    # The corners of the outer side reach further out than its middle, by the sagitta of the cell.
    curvature = max(axes) / min(axes) ** 2
    sagitta = float(widths.max()) ** 2 * curvature / 8.0
    depth = inset + sagitta + height / 2.0
    points, normals = arc.at(arc.turn_at(start + sign * centres))
    along = np.stack([-normals[:, 1], normals[:, 0]], axis=1) * sign
    setter.put(points - depth * normals, along, widths, np.full(count, height))
    layout.marks.append(setter.mark(height, weight, clear))
    line = np.linspace(centres[0] - widths[0] / 2.0, centres[-1] + widths[-1] / 2.0, max(2 * count + 1, 5))
    points, normals = arc.at(arc.turn_at(start + sign * line))
    outer, inner = points - inset * normals, points - (inset + sagitta + height) * normals
    upper_edge, lower_edge = (inner, outer) if lower else (outer, inner)
    polygon = np.concatenate([upper_edge, lower_edge[::-1]]).astype(np.float32)
    layout.lines.append(TextLine(text, polygon, tuple(setter.quads), True, role))


def name_span(count: int, widest: float = 264.0) -> float:
    """Angle in degrees that a name of ``count`` characters takes on a ring; at least 96 degrees stay free below."""
    return float(np.interp(count, [2, 4, 6, 8, 10, 13, 17], [70, 150, 190, 215, 238, 254, widest]))
