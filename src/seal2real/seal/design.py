"""What a seal is drawn from: plain values, enough to draw it again."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seal2real.errors import UsageError

LARGEST_MM = 500.0  # of a seal or any part of it; the largest real ones have 60 to 80


@dataclass(frozen=True)
class SealDesign:
    """The parameters of one seal. Plain JSON values only, so that a label file can carry it.

    Attributes:
        kind: registry name, e.g. "company".
        size_mm: (width, height) over the outer edge of the ring or frame, in millimetres.
        texts: role to text: "name", "purpose", "code", "tax-number", "date", "notice", "serial", "place".
        font: a style of `seal2real.seal.fonts` ("song", "fangsong", "hei", ...), the path of a font file, or the name
            of an installed family.
        ring_mm: width of the ring or frame in millimetres; 0 for none.
        star_mm: diameter of the star's circumscribed circle in millimetres; 0 for no star.
        height_mm: height of the main text's characters in millimetres.
        condense: largest width of a character as a share of its height; long names get narrower than that.
        weight: width in millimetres by which the strokes of the glyphs are thickened.
        options: further values of the kind (JSON values). "ink" is the class of colour where it belongs to the design
            ("red", "blue", "violet", "black"), "wear" (0 to 1) how worn its impressions are if all are alike.
    """

    kind: str
    size_mm: tuple[float, float]
    texts: dict[str, str]
    font: str = "song"
    ring_mm: float = 1.0
    star_mm: float = 0.0
    height_mm: float = 5.0
    condense: float = 0.8
    weight: float = 0.12
    options: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = asdict(self)
        values["size_mm"] = list(self.size_mm)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SealDesign:
        """The inverse of `to_dict`.

        Raises:
            UsageError: on an unknown or a missing key, or a value of a wrong type or out of range.
        """
        known = list(cls.__dataclass_fields__)
        for key in values:
            if key not in known:
                raise UsageError(f"unknown key {key!r} in a seal design; {nearest(key, known)}")
        if missing := [key for key in ("kind", "size_mm", "texts") if key not in values]:
            raise UsageError(f"key {missing[0]!r} is missing in a seal design; give kind, size_mm and texts")
        return cls(**{key: check_value(key, value) for key, value in values.items()})


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message on an unknown name: the known one that is nearest to it, and all of them if they are few."""
    names = list(known)
    if not names:
        return "none is known here"
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"use one of {', '.join(map(str, names))}"


def check_value(key: str, value: Any) -> Any:
    """The value of one field of a `SealDesign`, checked.

    Args:
        key: name of the field.
        value: plain value; a pair for ``size_mm`` may be a list.

    Returns:
        The value in the field's own type.

    Raises:
        UsageError: it has another type, or is out of range.
    """
    return _CHECKS[key](key, value)


def _number(lowest: float, highest: float, exclusive: bool) -> Callable[[str, Any], float]:
    def check(key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{key} is {value!r}; give a number")
        low = value <= lowest if exclusive else value < lowest
        if low or value > highest or not math.isfinite(value):
            bound = f"above {lowest:g}" if exclusive else f"from {lowest:g}"
            raise UsageError(f"{key} is {value!r}; give a number {bound} to {highest:g}")
        return float(value)

    return check


def _size(key: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise UsageError(f"{key} is {value!r}; give [width, height] in millimetres")
    for part in value:
        if isinstance(part, bool) or not isinstance(part, int | float):
            raise UsageError(f"{key} is {value!r}; give [width, height] in millimetres")
        if not (0.0 < part <= LARGEST_MM):
            raise UsageError(f"{key} is {list(value)}; give sizes > 0 and up to {LARGEST_MM:g} millimetres")
    return float(value[0]), float(value[1])


def _string(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key} is {value!r}; give a name")
    return value


def _texts(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{key} is {value!r}; give roles and their texts, such as 'name: ...'")
    for role, text in value.items():
        if not isinstance(role, str) or not isinstance(text, str):
            raise UsageError(f"{key}: {role} is {text!r}; give text in quotes")
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise UsageError(f"{key}: {role} has a line break or another control character; take it out")
    return dict(value)


def _options(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{key} is {value!r}; give names and values, such as 'inset_mm: 0.8'")
    return {str(name): part for name, part in value.items()}


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "kind": _string,
    "size_mm": _size,
    "texts": _texts,
    "font": _string,
    "ring_mm": _number(0.0, LARGEST_MM, exclusive=False),
    "star_mm": _number(0.0, LARGEST_MM, exclusive=False),
    "height_mm": _number(0.0, LARGEST_MM, exclusive=True),
    "condense": _number(0.0, 5.0, exclusive=True),
    "weight": _number(0.0, 5.0, exclusive=False),
    "options": _options,
}
