"""What fonts cover: the package's styles, installed families, and font files of the user."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seal2real.errors import UsageError
from seal2real.seal.fonts import (
    STYLES,
    SUFFIXES,
    font_faces,
    font_family,
    font_style,
    installed_families,
    missing_characters,
)


@dataclass(frozen=True)
class FontCoverage:
    """One font and what it has.

    Attributes:
        font: what to write into a design's ``font``: a style, an installed family, or a file (with "#n" for a face).
        source: "style", "installed" or "file".
        family: the family name that the font gives itself.
        covers: script to share 0..1 of its characters that the font has, in the order of `scripts`.
        missing: characters of the text that was asked for which the font lacks; None if no text was.
    """

    font: str
    source: str
    family: str
    covers: dict[str, float]
    missing: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the font has all of the text that was asked for."""
        return not self.missing

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@cache
def scripts() -> dict[str, str]:
    """The characters that a font is judged by, for each script.

    GB/T 2312-1980 orders 6763 Chinese characters: level 1 (rows 16 to 55, 3755 common ones, by sound) and level 2 (rows
    56 to 87, 3008 rarer ones, by radical). Kana are the letters of JIS X 0208 rows 4 and 5; Cyrillic is the Russian
    alphabet; Latin is A to Z; accented are the other letters of ISO 8859-1 and -2; Vietnamese are its vowels with all
    their marks, and đ.
    """
    accented = bytes(range(0xA1, 0x100))
    decoded = "".join(accented.decode(code) for code in ("iso8859-1", "iso8859-2"))
    letters = dict.fromkeys(c for c in decoded if unicodedata.category(c) in ("Lu", "Ll") and c != "µ")
    return {
        "gb2312-1": _rows("gb2312", 16, 55),
        "gb2312-2": _rows("gb2312", 56, 87),
        "latin": string.ascii_letters,
        "accented": "".join(letters),
        "vietnamese": _vietnamese(),
        "cyrillic": "".join(map(chr, range(0x0410, 0x0450))) + "Ёё",
        "kana": _rows("euc_jp", 4, 5),
        "digits": "0123456789",
    }


def _vietnamese() -> str:
    """Letters with a mark, composed: twelve vowels with five tones each, and the seven letters that Latin lacks."""
    tones = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    marked = [unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in tones] + ["đ"]
    lower = [letter for letter in marked if letter not in string.ascii_letters]
    return "".join(lower) + "".join(letter.upper() for letter in lower)


def _rows(code: str, first: int, last: int) -> str:
    """The characters of these rows of a 94 by 94 set in its 8-bit encoding."""
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(first, last + 1) for cell in range(1, 95))
    return "".join(cell.decode(code, errors="ignore") for cell in cells)


def font_coverage(font: str, source: str = "file", text: str | None = None) -> FontCoverage:
    """What one font covers.

    Args:
        font: as for `seal2real.seal.fonts.font_style`.
        source: where it comes from.
        text: what it is to set.

    Raises:
        UsageError: if there is no such font, or it cannot be read.
    """
    shares = {name: 1.0 - len(missing_characters(every, font)) / len(every) for name, every in scripts().items()}
    missing = None if text is None else missing_characters(text, font)
    return FontCoverage(font, source, font_family(font), shares, missing)


def list_fonts(
    paths: Iterable[Path | str] = (), text: str | None = None
) -> tuple[list[FontCoverage], list[tuple[str, str]]]:
    """What is there to set seals in.

    Args:
        paths: font files, and folders that are searched for them; if none is given, the package's styles and the
            families that are installed on this machine are listed.
        text: what the fonts are to set.

    Returns:
        (fonts, skipped): ``skipped`` holds (font, reason in one line) of what lies in a folder or is installed but
        cannot be read.

    Raises:
        UsageError: a path is missing, a file is no font, or a folder holds none.
    """
    fonts: list[FontCoverage] = []
    skipped: list[tuple[str, str]] = []
    named = [Path(path) for path in paths]
    if not named:
        fonts += [font_coverage(style, "style", text) for style in STYLES]
        candidates = [(family, "installed") for family in installed_families()]
    else:
        candidates = [(str(path), "file") for entry in named for path in _files(entry)]
    for font, source in candidates:
        try:
            faces = font_faces(font) if source == "file" else [font]
            fonts += [font_coverage(face, source, text) for face in faces]
        except UsageError as error:  # noqa: PERF203
            if source == "file" and Path(font) in named:
                raise
            skipped.append((font, str(error)))
    return fonts, skipped


def _files(entry: Path) -> list[Path]:
    if not entry.is_dir():
        font_style(str(entry))  # explains what is missing
        return [entry]
    files = sorted(path for path in entry.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise UsageError(f"{entry}: holds no font files; give .ttf, .otf, .ttc or .woff2 files")
    return files
