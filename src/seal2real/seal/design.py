"""What a seal is drawn from: plain values, enough to draw it again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from seal2real.errors import UsageError


@dataclass(frozen=True)
class SealDesign:
    """The parameters of one seal. Plain JSON values only, so that a label file can carry it.

    Attributes:
        kind: registry name, e.g. "company".
        size_mm: (width, height) over the outer edge of the ring or frame, in millimetres.
        texts: role to text: "name", "purpose", "code", "tax-number", "date", "notice", "serial", "place".
        font: a style of `seal2real.seal.fonts` ("song", "fangsong", "hei", ...) or the path of a font file.
        ring_mm: width of the ring or frame in millimetres; 0 for none.
        star_mm: diameter of the star's circumscribed circle in millimetres; 0 for no star.
        height_mm: height of the main text's characters in millimetres.
        condense: largest width of a character as a share of its height; long names get narrower than that.
        weight: width in millimetres by which the strokes of the glyphs are thickened.
        options: further values of the kind (JSON values).
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
    def from_dict(cls, values: dict[str, Any]) -> SealDesign:
        """The inverse of `to_dict`.

        Raises:
            UsageError: on an unknown or a missing key.
        """
        known = set(cls.__dataclass_fields__)
        if unknown := sorted(set(values) - known):
            raise UsageError(f"unknown key {unknown[0]!r} in a seal design; known: {', '.join(sorted(known))}")
        if missing := [key for key in ("kind", "size_mm", "texts") if key not in values]:
            raise UsageError(f"key {missing[0]!r} is missing in a seal design; give kind, size_mm and texts")
        width, height = values["size_mm"]
        return cls(**{**values, "size_mm": (float(width), float(height))})
