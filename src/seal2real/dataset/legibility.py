"""What of a seal's text can be read on an image: lines may run off it, and ink may be missing or worn away.

Each character is judged by itself: it is legible if at least `VISIBLE_SHARE` of it can be seen. What runs off the
image, what lies on another sheet, and where the die left no ink, cannot be seen. A line is cut where its characters
turn from legible to illegible. Trainers of text detectors ignore the illegible ones ("don't care", by custom written
``###``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seal2real.errors import Seal2RealError
from seal2real.sample import Mask, Polygon

ILLEGIBLE = "###"
VISIBLE_SHARE = 0.5  # of a character; with less, people guess
_MIN_AREA = 4.0  # square pixels; a smaller part is no region to label
_GRID = 0.01  # pixels; the labels are written to that


@dataclass(frozen=True)
class LinePart:
    """A run of a line's characters that are alike in being legible or not.

    Attributes:
        text: its characters; of illegible ones, what they would say.
        polygon: ``[n, 2]``, n even: along the top edge in reading order, back along the bottom edge; on the image.
        visible: share 0..1 of the part that can be seen: the mean over its characters.
        legible: whether each of its characters can be read.
        whole: whether this is the whole line.
        characters: the share 0..1 of each character that can be seen; of white space, that of the character before it.
    """

    text: str
    polygon: Polygon
    visible: float
    legible: bool
    whole: bool
    characters: tuple[float, ...]


def seal_parts(dataset: Path, row: dict[str, Any], seal: dict[str, Any]) -> list[tuple[dict[str, Any], list[LinePart]]]:
    """The lines of a seal, each with its parts: see `line_parts`.

    Args:
        dataset: folder of the native dataset.
        row: a row of it.
        seal: one of its ``seals``; without masks, all of its ink counts as visible.

    Raises:
        Seal2RealError: a mask is missing or damaged.
    """
    masks = None
    if seal["lines"] and seal["mask_full"] and seal["mask_visible"]:
        masks = load_mask(dataset / seal["mask_full"]), load_mask(dataset / seal["mask_visible"])
    # the outline of a cross-page seal ends where the sheet above begins
    cut = np.asarray(seal["polygon"], np.float32) if "riding" in (seal.get("effects") or {}) else None
    return [(line, line_parts(line, (row["height"], row["width"]), masks, cut=cut)) for line in seal["lines"]]


def line_parts(
    line: dict[str, Any],
    size: tuple[int, int],
    masks: tuple[Mask, Mask] | None,
    threshold: float = VISIBLE_SHARE,
    *,
    cut: Polygon | None = None,
) -> list[LinePart]:
    """The parts of a line that touch the image, in reading order.

    Args:
        line: ``seals[].lines[]`` of a native row: ``text``, ``polygon``, ``characters``.
        size: (height, width) of the image in pixels.
        masks: ``bool [H, W]`` of the seal's design, and of the ink of it that can be seen; None where nobody knows.
        threshold: share of a legible character that can be seen at least, 0..1.
        cut: ``[n, 2]`` what of the seal lies on this sheet, of a cross-page seal; None for all of it.

    Returns:
        Whole lines keep their polygon. Where a line is cut, the parts' polygons follow the characters. Characters that
        are off the image altogether are left out. A line without a box per character stands or falls as one.
    """
    text, quads = line["text"] or "", np.asarray(line.get("characters") or [], dtype=np.float32).reshape(-1, 4, 2)
    whole = np.asarray(line["polygon"], dtype=np.float32)
    single = len(quads) != len(text) or not text
    shapes = [whole] if single else list(quads)
    text = [text] if single else text
    shares = _filled([_share(shape, size, masks, cut) for shape in shapes], text)
    kinds = ["off" if share is None else "on" if share >= threshold else "lost" for share in shares]
    parts = []
    for kind, group in groupby(range(len(kinds)), key=kinds.__getitem__):
        run = list(group)
        if kind == "off":
            continue
        entire = len(run) == len(shapes)
        polygon = whole if entire else _band(quads[run])
        polygon = _on_image(polygon, size)
        if len(polygon) < 4 or cv2.contourArea(polygon) < _MIN_AREA:
            continue
        part = "".join(text[index] for index in run)
        seen = tuple(float(shares[index] or 0.0) for index in run)
        legible = kind == "on" and part != ILLEGIBLE
        parts.append(LinePart(part, polygon, float(np.mean(seen)), legible, entire, seen))
    return parts


def _share(shape: Polygon, size: tuple[int, int], masks: tuple[Mask, Mask] | None, cut: Polygon | None) -> float | None:
    """Share 0..1 of a character (or a line) that can be seen; None if all of it is off the image.

    Of what is on the image it is the ink that counts, as far as masks tell of it. What is off it, or on another sheet,
    has no pixels here: there, area stands for ink.
    """
    height, width = size
    low, high = shape.min(axis=0), shape.max(axis=0)
    if (high <= 0).any() or (low >= [width, height]).any():
        return None
    here = 1.0
    if (low < 0).any() or (high > [width, height]).any() or cut is not None:
        here = _area_share(shape, (height, width), cut)
    if here <= 0.0:
        return None
    clipped = np.clip(shape, 0, [width, height]).astype(np.float32)
    return here * (1.0 if masks is None else _visible_share(clipped, *masks))


def _area_share(shape: Polygon, size: tuple[int, int], cut: Polygon | None) -> float:
    """Share of a polygon's area that lies on the image, and inside ``cut``."""
    from shapely import Polygon as Area
    from shapely import box, make_valid

    area = make_valid(Area(shape))
    if not area.area:
        return 0.0
    shown = area.intersection(box(0, 0, size[1], size[0]))
    if cut is not None:
        shown = shown.intersection(make_valid(Area(cut)))
    return min(1.0, float(shown.area / area.area))


def _filled(shares: list[float | None], text: Sequence[str]) -> list[float | None]:
    """White space has no ink: it goes with the character before it, or at the beginning with the one after."""
    inked = [index for index, character in enumerate(text) if character.strip()]
    if not inked:
        return shares
    return [
        share if text[index].strip() else shares[max((i for i in inked if i < index), default=inked[0])]
        for index, share in enumerate(shares)
    ]


def load_mask(path: Path) -> Mask:
    """A mask of the native format as ``bool [H, W]``.

    Raises:
        Seal2RealError: the file is missing or damaged.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        pixels = None
    if pixels is None:
        raise Seal2RealError(f"{path} is missing or damaged; generate the dataset again")
    return np.asarray(pixels > 127)


def _band(quads: Polygon) -> Polygon:
    """Polygon around neighbouring characters ``[n, 4, 2]``: corners at the ends, the middles of their edges between."""
    top = [quads[0, 0], *quads[:, :2].mean(axis=1), quads[-1, 1]]
    bottom = [quads[0, 3], *quads[:, 2:].mean(axis=1), quads[-1, 2]]
    return np.array([*top, *bottom[::-1]], dtype=np.float32)


def _on_image(polygon: Polygon, size: tuple[int, int]) -> Polygon:
    """What of a polygon lies on the image: a simple polygon of evenly many points that starts near the first of it.

    Its points are moved to the edge. Where that makes the outline cross itself, which trainers' metrics leave out, the
    outline is cut at the edge instead; of several pieces the largest is kept. Without any it is empty.
    """
    from shapely import Polygon as Area
    from shapely import box, get_parts, make_valid, set_precision
    from shapely.geometry.polygon import orient

    height, width = size
    moved = np.clip(polygon, 0, [width, height]).astype(np.float32)
    if Area(moved).is_valid:
        return moved
    cut = set_precision(make_valid(Area(polygon)).intersection(box(0, 0, width, height)), _GRID)
    largest = max(
        (piece for piece in get_parts(cut) if piece.geom_type == "Polygon"), key=lambda p: p.area, default=None
    )
    if largest is None:
        return moved[:0]
    points = np.array(orient(largest).exterior.coords[:-1])  # clockwise on the image, like the lines
    if len(points) % 2:
        points = np.insert(points, 1, (points[0] + points[1]) / 2, axis=0)
    first = int(np.argmin(np.linalg.norm(points - moved[0], axis=1)))
    return np.roll(points, -first, axis=0).astype(np.float32)


def _visible_share(polygon: Polygon, full: Mask, visible: Mask) -> float:
    x, y, w, h = cv2.boundingRect(np.rint(polygon).astype(np.int32))
    window = (slice(max(y - 1, 0), y + h + 1), slice(max(x - 1, 0), x + w + 1))
    inside = np.zeros(full[window].shape, dtype=np.uint8)
    # cv2 counts from the pixels' centres, in 1/16 px here; ours lie at a half.
    points = np.rint((polygon - [window[1].start + 0.5, window[0].start + 0.5]) * 16).astype(np.int32)
    cv2.fillPoly(inside, [points], 1, shift=4)
    design = full[window] & (inside > 0)
    ink = int(design.sum())
    return float((design & visible[window]).sum() / ink) if ink else 0.0
