"""What of a seal's text can be read on an image: lines may run off it, and ink may be worn away.

A line is cut where its characters leave the image. What is left is legible if at least `VISIBLE_SHARE` of its design's
ink can be seen. Trainers of text detectors ignore the rest ("don't care", by custom written ``###``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seal2real.errors import Seal2RealError
from seal2real.sample import Mask, Polygon

ILLEGIBLE = "###"
VISIBLE_SHARE = 0.5  # of the design's ink inside a line; with less, people guess
_MIN_AREA = 4.0  # square pixels; a smaller part is no region to label


@dataclass(frozen=True)
class LinePart:
    """A run of a line's characters that are alike in being on the image or at its edge.

    Attributes:
        text: its characters; of those at the edge, what they would say.
        polygon: ``[n, 2]``, n even: along the top edge in reading order, back along the bottom edge; on the image.
        visible: share 0..1 of the design's ink inside the polygon that can be seen.
        legible: whether the characters lie on the image and enough of their ink can be seen.
        whole: whether this is the whole line.
    """

    text: str
    polygon: Polygon
    visible: float
    legible: bool
    whole: bool


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
    return [(line, line_parts(line, (row["height"], row["width"]), masks)) for line in seal["lines"]]


def line_parts(
    line: dict[str, Any], size: tuple[int, int], masks: tuple[Mask, Mask] | None, threshold: float = VISIBLE_SHARE
) -> list[LinePart]:
    """The parts of a line that touch the image, in reading order.

    Args:
        line: ``seals[].lines[]`` of a native row: ``text``, ``polygon``, ``characters``.
        size: (height, width) of the image in pixels.
        masks: ``bool [H, W]`` of the seal's design, and of the ink of it that can be seen; None where nobody knows.
        threshold: share of the design's ink that a legible part shows at least, 0..1.

    Returns:
        Whole lines keep their polygon. Where a line is cut, the parts' polygons follow the characters; characters
        whose middle is off the image, yet which reach onto it, are illegible parts; the rest is left out.
    """
    height, width = size
    text, quads = line["text"] or "", np.asarray(line.get("characters") or [], dtype=np.float32).reshape(-1, 4, 2)
    whole = np.asarray(line["polygon"], dtype=np.float32)
    if len(quads) != len(text) or not text:  # no box per character: the line stands or falls as one
        text, quads = [text], whole[None]
        runs = [("on" if _inside(whole, height, width).mean() >= 0.5 else "edge", [0])]
    else:
        places = [_place(quad, height, width) for quad in quads]
        runs = [(place, list(run)) for place, run in groupby(range(len(places)), key=places.__getitem__)]
    parts = []
    for place, run in runs:
        if place == "off":
            continue
        entire = len(run) == len(quads)
        polygon = np.clip(whole if entire else _band(quads[run]), 0, [width, height]).astype(np.float32)
        if cv2.contourArea(polygon) < _MIN_AREA:
            continue
        share = _visible_share(polygon, *masks) if masks is not None else 1.0
        part = "".join(text[index] for index in run)
        legible = place == "on" and share >= threshold and part != ILLEGIBLE
        parts.append(LinePart(part, polygon, share, legible, entire))
    return parts


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


def _inside(points: np.ndarray, height: int, width: int) -> Mask:
    return np.asarray(((points >= 0) & (points < [width, height])).all(axis=-1))


def _place(quad: Polygon, height: int, width: int) -> str:
    if _inside(quad.mean(axis=0), height, width):
        return "on"
    low, high = quad.min(axis=0), quad.max(axis=0)
    return "edge" if (high > 0).all() and (low < [width, height]).all() else "off"


def _band(quads: Polygon) -> Polygon:
    """Polygon around neighbouring characters ``[n, 4, 2]``: corners at the ends, the middles of their edges between."""
    top = [quads[0, 0], *quads[:, :2].mean(axis=1), quads[-1, 1]]
    bottom = [quads[0, 3], *quads[:, 2:].mean(axis=1), quads[-1, 2]]
    return np.array([*top, *bottom[::-1]], dtype=np.float32)


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
