"""Typefaces for seals: styles built on two free Chinese fonts, the user's own font files, and glyph outlines.

No free simplified FangSong, Kai or Li typeface comes by pip, so those looks are approximated from Noto Serif SC and
Noto Sans SC: FangSong by even weight and strokes that climb to the right, Li by flat wide letters, and so on. Point
`SealDesign.font` at a font file to have the real thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import skia

from seal2real.errors import MissingGlyphError, UsageError


@dataclass(frozen=True)
class FontStyle:
    """How a font file is turned into a look.

    Attributes:
        path: the font file.
        shear: rise of the horizontal strokes per unit of width (0.05 is about 3 degrees).
        bolder: thickening of the strokes, as a share of the character's height, beside the design's own weight.
        stretch: preferred width of a character relative to that of an ordinary style.
        rounding: radius that rounds the corners of strokes, as a share of the character's height.
    """

    path: str
    shear: float = 0.0
    bolder: float = 0.0
    stretch: float = 1.0
    rounding: float = 0.0


_SERIF = str(pylopdf_fonts_zh_cn.serif_path())
_SANS = str(pylopdf_fonts_zh_cn.sans_path())

STYLES: dict[str, FontStyle] = {
    "song": FontStyle(_SERIF, bolder=0.006),
    "bold-song": FontStyle(_SERIF, bolder=0.024),
    "fangsong": FontStyle(_SERIF, shear=0.055, bolder=0.010, stretch=0.92),
    "kai": FontStyle(_SERIF, shear=0.075, bolder=0.018, rounding=0.02),
    "hei": FontStyle(_SANS, bolder=0.004),
    "bold-hei": FontStyle(_SANS, bolder=0.030),
    "li": FontStyle(_SANS, bolder=0.022, stretch=1.25, rounding=0.06),
}


@dataclass(frozen=True)
class Glyph:
    """An outline in em units (1 em = 1.0), y down, baseline at 0.

    Attributes:
        path: skia path.
        advance: horizontal advance.
        bounds: (left, top, right, bottom) of the ink; zeros if there is none.
    """

    path: skia.Path
    advance: float
    bounds: tuple[float, float, float, float]


def font_style(name: str) -> FontStyle:
    """The style of this name, or one made of the font file at this path.

    Raises:
        UsageError: if it is neither.
    """
    if name in STYLES:
        return STYLES[name]
    if Path(name).is_file():
        return FontStyle(name)
    raise UsageError(f"no font style or font file {name!r}; use one of {', '.join(STYLES)} or the path of a font file")


@lru_cache(maxsize=32)
def _typeface(path: str) -> skia.Typeface:
    typeface = skia.Typeface.MakeFromFile(path)
    if typeface is None:
        raise UsageError(f"cannot read the font file {path!r}; give a TrueType or OpenType font")
    return typeface


@lru_cache(maxsize=32)
def _font(path: str) -> skia.Font:
    font = skia.Font(_typeface(path), 1000.0)
    font.setHinting(skia.FontHinting.kNone)
    font.setSubpixel(True)
    font.setLinearMetrics(True)
    return font


@lru_cache(maxsize=8192)
def glyph(path: str, character: str) -> Glyph:
    """The outline of one character in the font file at ``path``.

    Raises:
        MissingGlyphError: if the font has no glyph for it.
        UsageError: if the font cannot be read.
    """
    font = _font(path)
    index = font.unicharToGlyph(ord(character))
    if index == 0:
        raise MissingGlyphError(character, _typeface(path).getFamilyName() or path)
    outline = skia.Path(font.getPath(index) or skia.Path())
    outline.transform(skia.Matrix.Scale(0.001, 0.001))
    box = outline.computeTightBounds()
    return Glyph(
        outline,
        float(font.getWidths([index])[0]) / 1000.0,
        (float(box.left()), float(box.top()), float(box.right()), float(box.bottom())),
    )


def check_coverage(text: str, font: str) -> None:
    """Make sure that ``font`` (a style or a path) has every character of ``text``; white space is not looked at.

    Raises:
        MissingGlyphError: naming the first character that is missing.
        UsageError: if there is no such font.
    """
    path = font_style(font).path
    for character in text:
        if not character.isspace():
            glyph(path, character)
