"""Typefaces for seals: styles built on two free Chinese fonts, the user's own font files, and glyph outlines.

No free simplified FangSong, Kai or Li typeface comes by pip, so those looks are approximated from Noto Serif SC and
Noto Sans SC: FangSong by even weight and strokes that climb to the right, Li by flat wide letters, and so on. Point
`SealDesign.font` at a font file to have the real thing.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import skia

from seal2real.errors import MissingGlyphError, UsageError

SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2"})  # of font files


@dataclass(frozen=True)
class FontStyle:
    """How a font file is turned into a look.

    Attributes:
        path: the font file (`font_style` tells what else it may be).
        shear: rise of the horizontal strokes per unit of width (0.05 is about 3 degrees).
        bolder: thickening of the strokes, as a share of the character's height, beside the design's own weight.
        stretch: preferred width of a character relative to that of an ordinary style.
        rounding: radius that rounds the corners of strokes, as a share of the character's height.
        script: redraw the glyphs with even strokes that fill the cell (see `seal2real.seal.sealscript`).
    """

    path: str
    shear: float = 0.0
    bolder: float = 0.0
    stretch: float = 1.0
    rounding: float = 0.0
    script: bool = False


_SERIF = str(pylopdf_fonts_zh_cn.serif_path())
_SANS = str(pylopdf_fonts_zh_cn.sans_path())

STYLES: dict[str, FontStyle] = {
    "song": FontStyle(_SERIF, bolder=0.006),
    "bold-song": FontStyle(_SERIF, bolder=0.024),
    "fangsong": FontStyle(_SERIF, shear=0.055, bolder=0.010, stretch=0.92),
    "kai": FontStyle(_SERIF, shear=0.075, bolder=0.018, rounding=0.02),
    "hei": FontStyle(_SANS, bolder=0.004),
    "bold-hei": FontStyle(_SANS, bolder=0.030),
    "seal": FontStyle(_SANS, script=True, rounding=0.03),
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
    """What a font's name stands for.

    Args:
        name: a style ("song"), the path of a font file, one face of a collection ("msyh.ttc#1"), or the family name of
            a font that is installed on this machine ("DejaVu Sans").

    Raises:
        UsageError: if it is none of these.
    """
    if name in STYLES:
        return STYLES[name]
    if _split_face(name)[0].is_file():
        return FontStyle(name)
    if not _looks_like_a_path(name) and _installed_typeface(name) is not None:
        return FontStyle(name)
    near = difflib.get_close_matches(name, STYLES, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? The styles are" if near else "use a font file, an installed family, or one of"
    raise UsageError(f"no font style or font file {name!r}; {hint} {', '.join(STYLES)}")


def _looks_like_a_path(name: str) -> bool:
    return "/" in name or "\\" in name or Path(name).suffix.lower() in SUFFIXES


def _split_face(name: str) -> tuple[Path, int]:
    """``fonts.ttc#1`` is face 1 of a collection; anything else is face 0 of a file."""
    base, mark, face = name.rpartition("#")
    return (Path(base), int(face)) if mark and face.isdecimal() else (Path(name), 0)


def installed_families() -> list[str]:
    """Family names of the fonts that are installed on this machine, sorted."""
    with _quiet():
        manager = skia.FontMgr()
        return sorted({manager.getFamilyName(index) for index in range(manager.countFamilies())})


@lru_cache(maxsize=32)
def _installed_typeface(family: str) -> skia.Typeface | None:
    """The regular face of an installed family; None where the machine would take another family instead."""
    with _quiet():
        typeface = skia.FontMgr().matchFamilyStyle(family, skia.FontStyle.Normal())
    if typeface is None:
        return None
    names = {typeface.getFamilyName(), *(name[0] for name in typeface.getFamilyNames())}
    return typeface if family.casefold() in {name.casefold() for name in names} else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the font library below writes to stderr on its own about the machine's settings."""
    try:
        saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no stderr at all
        yield
        return
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@lru_cache(maxsize=32)
def _typeface(name: str) -> skia.Typeface:
    path, face = _split_face(name)
    if not path.is_file() and (installed := _installed_typeface(name)) is not None:
        return installed
    with _quiet():
        typeface = skia.Typeface.MakeFromFile(str(path), face)
    if typeface is None or typeface.countGlyphs() == 0:
        raise UsageError(f"cannot read the font file {name!r}; give a TrueType or OpenType font")
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
    found = font.getPath(index) if index else None
    if found is None:  # no such glyph, or a picture instead of an outline, as in fonts of coloured signs
        raise MissingGlyphError(character, font_name(path))
    outline = skia.Path(found)
    outline.transform(skia.Matrix.Scale(0.001, 0.001))
    box = outline.computeTightBounds()
    return Glyph(
        outline,
        float(font.getWidths([index])[0]) / 1000.0,
        (float(box.left()), float(box.top()), float(box.right()), float(box.bottom())),
    )


def missing_characters(text: str, font: str) -> str:
    """The characters of ``text`` that ``font`` has no glyph for, each once, in the order of the text.

    Args:
        text: what is to be set; white space is not looked at.
        font: as for `font_style`.

    Raises:
        UsageError: if there is no such font, or it cannot be read.
    """
    characters = [character for character in dict.fromkeys(text) if not character.isspace()]
    glyphs = _typeface(font_style(font).path).unicharsToGlyphs([ord(character) for character in characters])
    return "".join(character for character, index in zip(characters, glyphs, strict=True) if index == 0)


def check_coverage(text: str, font: str) -> None:
    """Make sure that ``font`` has every character of ``text``; white space is not looked at.

    Raises:
        MissingGlyphError: naming every character that is missing, and the font.
        UsageError: if there is no such font, or it cannot be read.
    """
    if missing := missing_characters(text, font):
        raise MissingGlyphError(missing, font_name(font))


def font_name(font: str) -> str:
    """What to call a font in a message: its family, and the file if it is the user's own."""
    path, family = font_style(font).path, font_family(font)
    return family if path in (_SERIF, _SANS, family) else f"{family} ({path})"


def font_family(font: str) -> str:
    """The family name that a font gives itself, or the font as it was named if it has none."""
    return _typeface(font_style(font).path).getFamilyName() or font


def font_faces(path: str) -> list[str]:
    """The faces of a font file, as a design names them: the path itself, and "path#1" and so on in a collection.

    Raises:
        UsageError: if it cannot be read as a font.
    """
    _typeface(path)
    faces = [path]
    with _quiet():
        while "#" not in path and skia.Typeface.MakeFromFile(path, len(faces)) is not None:
            faces.append(f"{path}#{len(faces)}")
    return faces
