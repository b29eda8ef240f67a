"""Checks of texts: the seals' against a dictionary, the page's against its place."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.checks.finding import Problem
from seal2real.dataset.checks.geometry import fill_polygon
from seal2real.dataset.checks.opened import Opened
from seal2real.errors import UsageError

_COORDINATE_ROUNDING = 0.011  # pixels: sums of two numbers of 2 decimals
_SHARE_ROUNDING = 0.021  # shares are rounded to 2 decimals


def read_dictionary(path: Path) -> frozenset[str]:
    """The characters of a dictionary file: UTF-8, one a line as recognisers want it, or any number a line.

    Raises:
        UsageError: no such file, not UTF-8, or without any character.
    """
    try:
        characters = frozenset(path.read_text(encoding="utf-8-sig")) - set("\r\n")
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'cannot be read').lower()}; give a text file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8; give a text file in UTF-8, one character a line") from None
    if not characters:
        raise UsageError(f"{path}: holds no character; give a text file in UTF-8, one character a line")
    return characters | {" "}


@cache
def is_drawable(character: str) -> bool:
    """Whether any of the fonts that come with the package has a glyph for a character, or it is a space."""
    from seal2real.errors import MissingGlyphError
    from seal2real.seal.fonts import STYLES, check_coverage

    if character == " ":
        return True
    if character.isspace() or unicodedata.category(character)[0] == "C":  # control, unassigned, private, surrogate
        return False
    for style in STYLES:
        try:
            check_coverage(character, style)
        except MissingGlyphError:
            continue
        return True
    return False


def characters(opened: Opened) -> Iterator[Problem]:
    """Every character of a seal's text is in the dictionary."""
    allowed = opened.dictionary
    for number, seal in enumerate(opened.row["seals"]):
        for index, line in enumerate(seal["lines"]):
            odd = sorted({c for c in line["text"] if not (is_drawable(c) if allowed is None else c in allowed)})
            if odd:
                shown = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in odd[:5])
                yield Problem(opened.file, f"seals[{number}].lines[{index}].text has {shown}, not in the dictionary")


def page_text(opened: Opened) -> Iterator[Problem]:
    """The page's text lies on the image, is readable, and its shares under seals are those of outlines and masks."""
    boxes = opened.row["text"]
    width, height = opened.size
    outlines = np.zeros((height, width), np.uint8)
    for seal in opened.row["seals"]:
        fill_polygon(outlines, np.asarray(seal["polygon"], np.float64))
    sound = all(picture is not None and picture.size == opened.size for picture in opened.visible)
    for number, box in enumerate(boxes):
        x, y, w, h = box["bbox"]
        if x + w < -1 or y + h < -1 or x > width + 1 or y > height + 1:
            yield Problem(opened.file, f"text[{number}] {_short(box['text'])} lies off the image: {box['bbox']}")
            return
        if "\ufffd" in box["text"]:
            yield Problem(opened.file, f"text[{number}] {_short(box['text'])} holds a character that could not be read")
            return
        for name, layer in (("under_seal", outlines), *((("under_ink", opened.inked),) if sound else ())):
            if box[name] is None or abs(_share(layer, x, y, w, h) - box[name]) <= _SHARE_ROUNDING:
                continue
            shares = [_share(layer, *nudged) for nudged in _nudged(x, y, w, h)]
            if not min(shares) - _SHARE_ROUNDING <= box[name] <= max(shares) + _SHARE_ROUNDING:
                share = _share(layer, x, y, w, h)
                yield Problem(
                    opened.file, f"text[{number}] {_short(box['text'])}: {name} is {box[name]}; it is {share:.2f}"
                )
                return


def _share(layer: npt.NDArray[np.uint8], x: float, y: float, w: float, h: float) -> float:
    """Share of the pixels that a box touches which are set."""
    rows = slice(max(0, int(np.floor(y))), max(0, int(np.ceil(y + h))))
    columns = slice(max(0, int(np.floor(x))), max(0, int(np.ceil(x + w))))
    window = layer[rows, columns]
    return cv2.countNonZero(window) / window.size if window.size else 0.0


def _nudged(x: float, y: float, w: float, h: float) -> Iterator[tuple[float, float, float, float]]:
    """Boxes that would be rounded to this one: an edge that is nearly whole may touch one more row of pixels."""
    nudges = (-_COORDINATE_ROUNDING, _COORDINATE_ROUNDING)
    for left, top, right, bottom in itertools.product(nudges, repeat=4):
        yield x + left, y + top, w + right - left, h + bottom - top


def _short(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:19] + "…")
