"""The records that travel from room to room: a drawn seal, a page, and the sample that joins them.

Conventions, everywhere in the package:

- Pixels: x to the right, y down; pixel (row i, column j) covers ``[j, j+1) x [i, i+1)``. Boxes are
  ``[x, y, width, height]``.
- Angles: degrees, clockwise on the screen (y down).
- Images: ``uint8 [H, W, 3]`` RGB. Coverage: ``float32 [H, W]`` in 0..1, antialiased.
- Ink: ``float32 [H, W, 3]`` absorbance A >= 0 per RGB channel. Light that passes is ``page * exp(-A)`` (Beer-Lambert).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Polygon = npt.NDArray[np.float32]  # [n, 2], x and y in pixels
Box = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class TextLine:
    """One line of a seal's text.

    Attributes:
        text: the characters, in reading order.
        polygon: ``[n, 2]`` with n even: n/2 points along the top edge in reading order, then n/2 back along the bottom
            edge. "Top" is the top of the characters, so a line on an arc reads upright when it is unwarped.
        characters: one ``[4, 2]`` quad per character of ``text`` (top-left, top-right, bottom-right, bottom-left as
            the reader sees the character).
        curved: whether the baseline is an arc.
        role: what the line says: "name", "purpose", "code", "tax-number", "date", "notice", "serial".
    """

    text: str
    polygon: Polygon
    characters: tuple[Polygon, ...]
    curved: bool
    role: str


@dataclass(frozen=True)
class SealArt:
    """A seal as drawn, before it touches paper. All coordinates in pixels of ``coverage``.

    Attributes:
        kind: registry name of the kind, e.g. "company".
        coverage: ``float32 [H, W]`` in 0..1: where the die carries ink. The array is just larger than the seal.
        outline: ``[n, 2]`` outer polygon of the whole seal (n >= 4, clockwise on the screen).
        lines: text lines in reading order.
        dpi: resolution of ``coverage``.
        size_mm: (width, height) of the seal in millimetres.
        design: what it was drawn from: plain JSON values, enough to draw it again.
    """

    kind: str
    coverage: FloatMap
    outline: Polygon
    lines: tuple[TextLine, ...]
    dpi: float
    size_mm: tuple[float, float]
    design: dict[str, Any]


@dataclass(frozen=True)
class TextBox:
    """A run of the page's own text (usually a line or a table cell).

    Attributes:
        text: the characters.
        bbox: box in page pixels.
        characters: one box per character of ``text``; empty where it is unknown (scanned backgrounds). Whitespace has
            a box of zero width.
    """

    text: str
    bbox: Box
    characters: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Anchor:
    """A place on a page where people put seals.

    Attributes:
        role: "signature", "date", "company-name", "table-edge", "total", "photo", "title", "free".
        bbox: box in page pixels around the thing itself (the date's text, the signature line).
    """

    role: str
    bbox: Box


@dataclass(frozen=True)
class Page:
    """A clean page.

    Attributes:
        image: ``uint8 [H, W, 3]``.
        dpi: resolution; pixels per millimetre is ``dpi / 25.4``.
        text: text boxes in reading order.
        anchors: places for seals; may be empty (then anything goes).
        source: "template:contract-zh", or the name of the user's file and its page.
        scanned: True if the image already went through a scanner or camera (a user's scan, a real background).
    """

    image: Image
    dpi: float
    text: tuple[TextBox, ...]
    anchors: tuple[Anchor, ...]
    source: str
    scanned: bool = False


@dataclass(frozen=True)
class PlacedSeal:
    """A seal on the page, with its labels in page pixels.

    Attributes:
        kind, design: as in `SealArt`.
        colour: ink colour class: "red", "blue", "violet" or "black".
        offset: (x, y) of the top-left pixel of ``coverage`` on the page; may be negative or reach past the page where
            the seal crosses its edge.
        coverage: ``float32 [h, w]`` in 0..1, after rotation, at the page's resolution: the design, unworn. Of a double
            strike, both strikes; of a cross-page seal, the part that falls on this sheet.
        absorbance: ``float32 [3]``: full ink's absorbance per RGB channel, for the traditional flat composition.
        angle: rotation in degrees, clockwise.
        outline: ``[n, 2]`` outer polygon, in page pixels, not clipped.
        lines: text lines in reading order, in page pixels, not clipped.
        visible: ``bool [h, w]``: where ink can be seen after wear (same frame as ``coverage``). Pasted seals that were
            struck whole: equal to ``coverage >= 0.5``.
        authenticity: "impression" (of a die, made to look real), "paste" (a digital picture on the page),
            "colour-copy" (printed together with its page) or "photocopy" (the same, by a copier without colour).
        contact: ``float32 [h, w]`` in 0..1: how much of a full film the die leaves there, by how it was put down (a
            missing edge, a fainter second strike); None is 1 everywhere. Wear comes on top of it.
        effects: what was done with the seal, by name (see `seal2real.press.PressSettings`): plain JSON values.
        altered: for a die that is not the genuine one, what differs from it: {"what", "was", "now"}; None if nothing.
        reference: ``uint8 [H, W, 3]`` an impression of the genuine die, to compare with; None where none was made.
    """

    kind: str
    colour: str
    offset: tuple[int, int]
    coverage: FloatMap
    absorbance: npt.NDArray[np.float32]
    angle: float
    outline: Polygon
    lines: tuple[TextLine, ...]
    visible: Mask
    design: dict[str, Any]
    authenticity: str = "paste"
    contact: FloatMap | None = None
    effects: dict[str, Any] = field(default_factory=dict)
    altered: dict[str, str] | None = None
    reference: Image | None = None

    @property
    def inked(self) -> FloatMap:
        """``float32 [h, w]`` in 0..1: coverage of a full film of ink as it was put down, before wear."""
        return self.coverage if self.contact is None else self.coverage * self.contact

    @property
    def genuine(self) -> bool:
        """Whether this is an impression of the genuine die, not a paste, a copy or another design."""
        return self.authenticity == "impression" and self.altered is None

    def window(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where the seal's frame meets a page of this size.

        Returns:
            (rows, columns) slices of the page and (rows, columns) slices of the seal's own arrays, of equal shape; None
            if the frame lies wholly off the page.
        """
        x, y = self.offset
        h, w = self.coverage.shape
        top, left, bottom, right = max(y, 0), max(x, 0), min(y + h, height), min(x + w, width)
        if top >= bottom or left >= right:
            return None
        return (slice(top, bottom), slice(left, right)), (slice(top - y, bottom - y), slice(left - x, right - x))

    def on_page(self, layer: np.ndarray, height: int, width: int) -> np.ndarray:
        """``layer`` (an array in the seal's frame, e.g. ``visible``) laid on an empty page ``[height, width]``."""
        page = np.zeros((height, width, *layer.shape[2:]), dtype=layer.dtype)
        window = self.window(height, width)
        if window is not None:
            page[window[0]] = layer[window[1]]
        return page

    @property
    def full_mask(self) -> Mask:
        """``bool [h, w]``: the design's mask, whether or not the ink took (coverage >= 0.5)."""
        return self.coverage >= 0.5


@dataclass(frozen=True)
class Sample:
    """One labelled image: layers first, then everything that is known of them.

    Attributes:
        page: the clean page before stamping (and before scanning).
        stamped: ``uint8 [H, W, 3]`` what a model is to see.
        clean: ``uint8 [H, W, 3]`` the same without seals, under the same scan: equal to ``stamped`` wherever there is
            no ink.
        ink: ``float32 [H, W]`` 0..1: visible ink, 1 - transmission of the darkest channel (1 - exp(-max_c A_c)).
        seals: the seals, bottom-most first.
        provenance: plain JSON values: seed, index, forger, version, ...
    """

    page: Page
    stamped: Image
    clean: Image
    ink: FloatMap
    seals: tuple[PlacedSeal, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.stamped.shape[:2]
        return height, width

    @property
    def mask(self) -> Mask:
        """``bool [H, W]``: where ink of any seal can be seen."""
        height, width = self.size
        seen = np.zeros((height, width), dtype=bool)
        for seal in self.seals:
            seen |= seal.on_page(seal.visible, height, width)
        return seen

    def with_provenance(self, **values: Any) -> Sample:
        """A copy with these values added to ``provenance``."""
        return replace(self, provenance={**self.provenance, **values})
