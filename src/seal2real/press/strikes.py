"""How a die meets the sheet: twice, not fully, or across the edges of several sheets. Ink and labels go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.sample import FloatMap, Mask, PlacedSeal, Polygon, SealArt, TextLine
from seal2real.seal import SealDesign, draw

VISIBLE_ABSORBANCE = 0.18  # of the strongest channel, from which on flat ink counts as visible, as for forged ink
_SHEETS = {2: 0.36, 3: 0.25, 4: 0.15, 5: 0.10, 6: 0.08, 8: 0.06}  # how many sheets share a seal
_Number = TypeVar("_Number", float, npt.NDArray[np.floating])
Edge = Literal["left", "right", "top", "bottom"]
EDGES: dict[Edge, float] = {"right": 0.72, "left": 0.16, "bottom": 0.08, "top": 0.04}


def visible_of(coverage: FloatMap, contact: FloatMap | None, absorbance: npt.NDArray[np.float32]) -> Mask:
    """``bool [h, w]``: where flat ink can be seen: on the design, if the die left enough of it."""
    design = coverage >= 0.5
    if contact is None:
        return design
    return np.asarray(design & (contact * float(absorbance.max()) >= VISIBLE_ABSORBANCE))


def double_strike(seal: PlacedSeal, dpi: float, rng: Generator) -> PlacedSeal:
    """The same die put down again, 0.4 to 3 mm off, slightly turned, and mostly fainter.

    Coverage and masks hold both strikes, the outline goes around both; the text lines are those of the first. In
    ``effects``: "shift_mm" [x, y], "turn" in degrees, "strength" of the second strike, 0..1.
    """
    scale = dpi / 25.4
    distance = float(np.clip(rng.gamma(2.2, 0.5), 0.4, 3.0))
    heading = float(rng.uniform(0.0, 2.0 * np.pi))
    shift = np.rint(np.array([np.cos(heading), np.sin(heading)]) * distance * scale).astype(int)
    turn = float(np.clip(rng.normal(0.0, 2.2), -6.0, 6.0))
    strength = float(rng.uniform(0.3, 1.0))
    second = draw(SealDesign.from_dict(seal.design), dpi, seal.angle + turn)
    first = seal.inked
    # both frames have the seal's centre in their middle; a common one holds both
    height, width = first.shape
    tall, wide = second.coverage.shape
    left, top = (width - wide) // 2 + int(shift[0]), (height - tall) // 2 + int(shift[1])
    x0, y0 = min(0, left), min(0, top)
    size = (max(height, top + tall) - y0, max(width, left + wide) - x0)
    here = _laid(first, (-x0, -y0), size)
    again = _laid(second.coverage, (left - x0, top - y0), size)
    coverage = (1.0 - (1.0 - _laid(seal.coverage, (-x0, -y0), size)) * (1.0 - again)).astype(np.float32)
    inked = 1.0 - (1.0 - here) * (1.0 - strength * again)
    contact = np.where(coverage > 0, inked / np.maximum(coverage, 1e-6), 1.0).astype(np.float32)
    offset = (seal.offset[0] + x0, seal.offset[1] + y0)
    corner = np.array([seal.offset[0] + left, seal.offset[1] + top], dtype=np.float32)
    outline = _hull(np.concatenate([seal.outline, second.outline + corner]))
    told = {
        "shift_mm": [round(float(v) / scale, 2) for v in shift],
        "turn": round(turn, 2),
        "strength": round(strength, 2),
    }
    return replace(
        seal,
        offset=offset,
        coverage=coverage,
        contact=contact,
        outline=outline,
        visible=visible_of(coverage, contact, seal.absorbance),
        effects={**seal.effects, "double-strike": told},
    )


def partial_strike(seal: PlacedSeal, rng: Generator) -> PlacedSeal:
    """A die that did not rest fully: tilted, so that one side is missing, or hollow in the middle.

    The design, its mask and its lines stay whole; ``contact`` and the visible mask lose what was not printed. In
    ``effects``: "form" ("edge" or "middle") and "missing", the share of the design that cannot be seen.
    """
    rows, columns = np.flatnonzero(seal.coverage.any(axis=1)), np.flatnonzero(seal.coverage.any(axis=0))
    if not len(rows):
        return seal
    height, width = seal.coverage.shape
    reach = max(rows[-1] - rows[0], columns[-1] - columns[0], 2) / 2.0
    ys = ((np.arange(height, dtype=np.float32) - (rows[0] + rows[-1]) / 2.0) / reach)[:, None]
    xs = ((np.arange(width, dtype=np.float32) - (columns[0] + columns[-1]) / 2.0) / reach)[None, :]
    # paper and pad under the sheet are not flat: the border of the contact wanders
    wobble = cv2.resize(rng.normal(size=(7, 7)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    fine = cv2.resize(rng.normal(size=(26, 26)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    form = "edge" if rng.random() < 0.8 else "middle"
    if form == "edge":
        heading = float(rng.uniform(0.0, 2.0 * np.pi))
        missing, ramp = float(rng.uniform(0.08, 0.45)), float(rng.uniform(0.10, 0.40))
        inside = xs * float(np.cos(heading)) + ys * float(np.sin(heading)) - (2.0 * missing - 1.0)
    else:
        hollow, ramp = float(rng.uniform(0.30, 0.65)), float(rng.uniform(0.15, 0.45))
        x, y = (float(v) for v in rng.normal(0.0, 0.1, 2))
        inside = np.hypot(xs - x, ys - y) - hollow
    level = (inside + 0.07 * wobble + 0.035 * fine) / ramp + 0.5
    contact = np.clip(level, 0.0, 1.0)
    contact = contact * contact * (3.0 - 2.0 * contact)  # smoothstep
    if seal.contact is not None:
        contact = contact * seal.contact
    contact = contact.astype(np.float32)
    visible = visible_of(seal.coverage, contact, seal.absorbance)
    share = 1.0 - float(visible.sum()) / max(int(seal.full_mask.sum()), 1)
    told = {"form": form, "missing": round(share, 3)}
    return replace(seal, contact=contact, visible=visible, effects={**seal.effects, "partial-strike": told})


@dataclass(frozen=True)
class Riding:
    """How a seal is split over the edges of sheets.

    Attributes:
        edge: of the page, where its part lies.
        sheets: how many sheets share the seal.
        style: "fan": the sheets are fanned out, each shows a strip at the same edge; "spread": two sheets side by side,
            a half on each.
        along: place along the edge, 0..1 of its length.
        uneven: ``[sheets]`` width of each sheet's strip relative to an even split.
        turn: degrees by which the sheet above lies askew.
    """

    edge: Edge
    sheets: int
    style: Literal["fan", "spread"]
    along: float
    uneven: tuple[float, ...]
    turn: float

    @classmethod
    def random(cls, rng: Generator, sheets: int | None = None, edge: Edge | None = None) -> Riding:
        """As people do it: mostly fanned at the right edge, two to eight sheets.

        Raises:
            UsageError: ``sheets`` is not 2 or more.
        """
        if sheets is None:
            shares = np.array(list(_SHEETS.values()))
            sheets = list(_SHEETS)[int(rng.choice(len(shares), p=shares / shares.sum()))]
        if sheets < 2:
            raise UsageError(f"a cross-page seal lies on 2 sheets or more, not {sheets}")
        spread = sheets == 2 and rng.random() < 0.5
        if edge is None:
            shares = np.array(list(EDGES.values()))
            edge = list(EDGES)[int(rng.choice(len(shares), p=shares / shares.sum()))]
        along = float(np.clip(rng.normal(0.5, 0.16), 0.15, 0.85))
        uneven = tuple(float(v) for v in np.exp(rng.normal(0.0, 0.12, sheets)))
        return cls(edge, sheets, "spread" if spread else "fan", along, uneven, float(rng.normal(0.0, 0.5)))

    def side(self, sheet: int) -> Edge:
        """The edge of this sheet that has its part: of two sheets side by side, the second's is the opposite one."""
        opposite: dict[Edge, Edge] = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
        return opposite[self.edge] if self.style == "spread" and sheet == 1 else self.edge


def riding_centre(riding: Riding, sheet: int, size: tuple[float, float], page: tuple[int, int]) -> tuple[float, float]:
    """Centre of the whole seal in the pixels of one sheet.

    Args:
        riding: how it is split.
        sheet: 0 is the top sheet.
        size: (width, height) of the seal in pixels.
        page: (width, height) of the sheet in pixels.
    """
    side = riding.side(sheet)
    axis = 0 if side in ("left", "right") else 1
    bounds = _bounds(riding, size[axis])
    cut = bounds[1] if riding.style == "spread" else bounds[sheet + 1]  # where this sheet's edge cuts the seal
    edge = float(page[axis]) if side in ("right", "bottom") else 0.0
    forward = 1.0 if riding.edge in ("right", "bottom") else -1.0  # the way from the top sheet to the next
    across = edge + forward * (size[axis] / 2.0 - cut)
    other = riding.along * page[1 - axis]
    return (across, other) if axis == 0 else (other, across)


def riding_part(
    seal: PlacedSeal, riding: Riding, sheet: int, size: tuple[float, float], page: tuple[int, int], dpi: float
) -> PlacedSeal:
    """What of a seal at `riding_centre` falls on one sheet: of a fanned one, what the sheet above does not cover.

    The cut takes the design away, for it lies on another sheet: coverage, outline, masks and text lines lose it. What
    runs off the page stays, as with any seal. In ``effects``: "edge", "sheet" (0 is the top one), "sheets", "style",
    and "strip": from where to where the sheet has the seal, in shares of its drawn width (height, at the top or bottom
    edge), for those who put the parts together again.
    """
    axis = 0 if riding.edge in ("left", "right") else 1
    cuts = [round(cut / size[axis], 4) for cut in _bounds(riding, size[axis])[sheet : sheet + 2]]
    told = {"edge": riding.side(sheet), "sheet": sheet, "sheets": riding.sheets, "style": riding.style, "strip": cuts}
    seal = replace(seal, effects={**seal.effects, "riding": told})
    if sheet == 0 or riding.style == "spread":
        return seal
    bounds = _bounds(riding, size[axis])
    strip = bounds[sheet + 1] - bounds[sheet]
    height, width = seal.coverage.shape
    ys = (np.arange(height, dtype=np.float32) + 0.5 + seal.offset[1])[:, None]
    xs = (np.arange(width, dtype=np.float32) + 0.5 + seal.offset[0])[None, :]
    across, along = (xs, ys) if axis == 0 else (ys, xs)
    far = riding.edge in ("right", "bottom")
    lean = float(np.tan(np.deg2rad(riding.turn)))
    middle = seal.offset[1 - axis] + (height, width)[axis] / 2.0

    def beyond(a: _Number, b: _Number) -> _Number:
        """Signed distance in pixels from the edge of the sheet above, positive on this sheet."""
        cut = (page[axis] - strip if far else strip) + lean * (b - middle)
        return a - cut if far else cut - a

    distance = beyond(across, along)
    # the paper's thickness holds the die off for a tenth of a millimetre or two
    step = 0.15 * dpi / 25.4
    here = np.clip(distance - step + 0.5, 0.0, 1.0).astype(np.float32)
    coverage = seal.coverage * here
    lines = tuple(
        part for line in seal.lines for part in _kept(line, lambda p: beyond(float(p[axis]), float(p[1 - axis])) > 0)
    )
    outline = _clipped(seal.outline, beyond(seal.outline[:, axis], seal.outline[:, 1 - axis]))
    return replace(
        seal,
        coverage=coverage,
        outline=outline,
        lines=lines,
        visible=visible_of(coverage, seal.contact, seal.absorbance) & seal.visible,
    )


def _bounds(riding: Riding, extent: float) -> list[float]:
    """Where the sheets' edges cut the seal, in pixels from its side on the top sheet: ``sheets + 1`` numbers."""
    shares = np.asarray(riding.uneven)
    return [0.0, *(np.cumsum(shares / shares.sum()) * extent).tolist()]


def _kept(line: TextLine, keeps: Callable[[Polygon], bool]) -> Iterator[TextLine]:
    """The runs of a line's characters whose middle is kept, each as a line."""
    if len(line.characters) != len(line.text):
        yield line
        return
    flags = [keeps(quad.mean(axis=0)) for quad in line.characters]
    if all(flags):
        yield line
        return
    for kept, run in groupby(range(len(flags)), key=flags.__getitem__):
        indices = list(run)
        if not kept:
            continue
        quads = tuple(line.characters[index] for index in indices)
        text = "".join(line.text[index] for index in indices)
        yield replace(line, text=text, characters=quads, polygon=_band(quads))


def _clipped(polygon: Polygon, distance: npt.NDArray[np.floating]) -> Polygon:
    """The part of a polygon where a signed ``distance`` ``[n]`` of its points is positive (Sutherland and Hodgman)."""
    points: list[npt.NDArray[np.floating]] = []
    for index in range(len(polygon)):
        here, there = distance[index - 1], distance[index]
        if (here > 0) != (there > 0):
            points.append(polygon[index - 1] + (polygon[index] - polygon[index - 1]) * (here / (here - there)))
        if there > 0:
            points.append(polygon[index])
    if len(points) == 3:  # an outline has four points or more
        points.insert(1, (points[0] + points[1]) / 2.0)
    return np.array(points, dtype=np.float32) if points else polygon


def _band(quads: Sequence[Polygon]) -> Polygon:
    """Around neighbouring characters: along their tops, back along their bottoms."""
    top = [point for quad in quads for point in (quad[0], quad[1])]
    bottom = [point for quad in quads for point in (quad[3], quad[2])]
    return np.array([*top, *bottom[::-1]], dtype=np.float32)


def _laid(layer: FloatMap, corner: tuple[int, int], size: tuple[int, int]) -> FloatMap:
    """A layer on an empty one of ``size`` (height, width), its corner at (x, y)."""
    out = np.zeros(size, dtype=np.float32)
    out[corner[1] : corner[1] + layer.shape[0], corner[0] : corner[0] + layer.shape[1]] = layer
    return out


def _hull(points: Polygon) -> Polygon:
    """The convex polygon around points, clockwise on the screen."""
    hull = np.asarray(cv2.convexHull(points.astype(np.float32)), np.float32).reshape(-1, 2)
    x, y = hull[:, 0].astype(float), hull[:, 1].astype(float)
    area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return hull if area > 0 else np.ascontiguousarray(hull[::-1])


def size_of(art: SealArt) -> tuple[float, float]:
    """(width, height) in pixels of a drawn seal's frame."""
    height, width = art.coverage.shape
    return float(width), float(height)
