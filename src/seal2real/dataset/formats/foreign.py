"""Building rows of the native schema from what other formats carry, and the geometry that they ask for.

What a format does not carry is null in the row: ``clean``, ``ink``, masks, crops, and also kind, colour or angle.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image

from seal2real.dataset.formats.native import METADATA, Row, encode_mask
from seal2real.errors import Seal2RealError
from seal2real.sample import Mask

SPLITS = {"train": "train", "validation": "val", "test": "test"}  # ours -> as trainers name their folders
SPLIT_NAMES = {"train": "train", "val": "validation", "validation": "validation", "valid": "validation", "test": "test"}
ATTRIBUTES = ("colour", "angle", "authenticity")  # of a seal, where a format carries them
UNKNOWN = "unknown"  # kind of a seal, where the format does not tell
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)  # EXIF: tag, and its values that swap width and height


def link_file(dataset: Path, path: str, target: Path) -> None:
    """Give a file of the dataset a second name; where the file system cannot, copy it. Its bytes stay as they are.

    Raises:
        Seal2RealError: there is no such file.
    """
    source = dataset / path
    if not source.is_file():
        raise Seal2RealError(f"{source}: image missing, yet {METADATA} names it; generate the dataset again")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


class ImageReader:
    """Takes the images of a dataset over, each under a name of its own."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def read(self, path: Path, named_by: Path | str) -> tuple[str, bytes, int, int]:
        """The native file name, the bytes, and the width and height as displayed (EXIF turned) in pixels.

        Args:
            path: the image.
            named_by: the label file that speaks of it, for the message.

        Raises:
            Seal2RealError: the image is missing or cannot be read.
        """
        try:
            data = path.read_bytes()
            with PIL.Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                if image.getexif().get(_ORIENTATION) in _SIDEWAYS:
                    width, height = height, width
        except FileNotFoundError:
            raise Seal2RealError(f"{path}: image missing, yet {named_by} names it; put it there") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise Seal2RealError(f"{path}, named by {named_by}: not a readable image ({error})") from None
        stem, number = path.stem, 1
        while stem in self._names:
            number += 1
            stem = f"{path.stem}-{number}"
        self._names.add(stem)
        return f"stamped/{stem}{path.suffix.lower()}", data, width, height


def seal_row(
    kind: str,
    bbox: Sequence[float],
    polygon: Iterable[Sequence[float]] | None = None,
    *,
    lines: Sequence[Row] = (),
    colour: str | None = None,
    angle: float | None = None,
    authenticity: str | None = None,
) -> Row:
    """A seal of the native schema, without masks.

    Args:
        kind: its kind, or `UNKNOWN`.
        bbox: x, y, width, height, pixels.
        polygon: outline; without one, the corners of ``bbox``.
        lines: rows made by `line_row`.
        colour: ink colour class, where it is known.
        angle: degrees clockwise, where it is known.
        authenticity: "impression" or "paste", where it is known.
    """
    x, y, w, h = (as_number(value) for value in bbox)
    corners = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]
    return {
        "kind": kind,
        "colour": colour,
        "bbox": [x, y, w, h],
        "angle": angle,
        "polygon": corners if polygon is None else as_points(polygon),
        "mask_full": None,
        "mask_visible": None,
        "lines": list(lines),
        "authenticity": authenticity,
        "design": {},
    }


def line_row(
    text: str, polygon: Iterable[Sequence[float]], role: str = "name", curved: bool | None = None, **more: Any
) -> Row:
    """A text line of the native schema; a line of more than four points counts as curved where nothing tells."""
    points = as_points(polygon)
    curved = len(points) > 4 if curved is None else curved
    return {"text": text, "role": role, "polygon": points, "characters": [], "curved": curved, "crop": None, **more}


def image_row(name: str, width: int, height: int, split: str, seals: Sequence[Row], origin: str) -> Row:
    """A row of the native schema.

    Args:
        name: path of the image.
        width: of the image, pixels.
        height: of the image, pixels.
        split: "train", "validation" or "test".
        seals: rows made by `seal_row`.
        origin: name of the format that it was read from.
    """
    return {
        "file_name": name,
        "clean": None,
        "ink": None,
        "width": width,
        "height": height,
        "dpi": None,
        "split": split,
        "seals": list(seals),
        "text": [],
        "objects": {"bbox": [seal["bbox"] for seal in seals], "categories": [0] * len(seals)},
        "provenance": {"converted_from": origin},
    }


def add_masks(name: str, seals: Sequence[Row], masks: Sequence[tuple[Mask | None, Mask | None]]) -> dict[str, bytes]:
    """Name the masks of an image's seals in their rows, and encode them.

    Args:
        name: native path of the image.
        seals: rows made by `seal_row`.
        masks: per seal the full and the visible mask, ``bool [H, W]``; None where it is not known.

    Returns:
        Relative path -> bytes.
    """
    files = {}
    for number, (seal, pair) in enumerate(zip(seals, masks, strict=True)):
        for key, mask in zip(("full", "visible"), pair, strict=True):
            if mask is not None:
                path = f"masks/{Path(name).stem}_{number}_{key}.png"
                seal[f"mask_{key}"] = path
                files[path] = encode_mask(mask)
    return files


def split_rank(split: str) -> tuple[int, str]:
    """Sorts splits: ours first, in their order, then any others by name."""
    order = list(SPLITS)
    return (order.index(split) if split in SPLITS else len(order), split)


def attributes_of(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is known of a seal's colour, angle and authenticity; None where it is not."""
    return {name: (values or {}).get(name) for name in ATTRIBUTES}


def joined_text(seal: Row) -> str:
    """The text of a seal's lines in reading order, one below the other."""
    return "\n".join(line["text"] for line in seal["lines"])


def mask_box(mask: Mask) -> list[int] | None:
    """Tight box [x, y, width, height] of a mask, None if it is empty."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    return [x, y, w, h] if w and h else None


def points_box(points: Iterable[Sequence[float]]) -> list[float]:
    """Box [x, y, width, height] around points."""
    array = np.asarray(list(points), dtype=np.float64).reshape(-1, 2)
    (left, top), (right, bottom) = array.min(axis=0), array.max(axis=0)
    return [float(left), float(top), float(right - left), float(bottom - top)]


def clip_polygon(points: Iterable[Sequence[float]], width: float, height: float) -> list[list[float]]:
    """The part of a polygon inside ``[0, width] x [0, height]``; empty if they do not meet.

    Sutherland and Hodgman, "Reentrant polygon clipping", 1974: cut by one side of the rectangle after the other. Parts
    of a polygon that falls apart stay joined along the rectangle's edge.
    """
    polygon = [[float(x), float(y)] for x, y in points]
    for axis, limit, sign in ((0, 0.0, 1), (0, float(width), -1), (1, 0.0, 1), (1, float(height), -1)):
        kept = []
        for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            inside, next_inside = ((point[axis] - limit) * sign >= 0 for point in (here, there))
            if inside:
                kept.append(here)
            if inside != next_inside:
                part = (limit - here[axis]) / (there[axis] - here[axis])
                crossing = [a + part * (b - a) for a, b in zip(here, there, strict=True)]
                crossing[axis] = limit
                kept.append(crossing)
        polygon = kept
    return polygon if len(polygon) >= 3 else []


def as_number(value: float) -> float:
    """A coordinate as the native format writes it: 2 decimals, no minus zero."""
    return round(float(value), 2) + 0.0


def as_points(points: Iterable[Sequence[float]]) -> list[list[float]]:
    """Points as the native format writes them."""
    return [[as_number(x), as_number(y)] for x, y in points]


def read_json(path: Path) -> Any:
    """A JSON file.

    Raises:
        Seal2RealError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Seal2RealError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    except ValueError as error:
        raise Seal2RealError(f"{path}: not JSON ({error}); write it again") from None


def json_line(value: Any) -> str:
    """A value as JSON on one line, readable UTF-8."""
    return json.dumps(value, ensure_ascii=False)


def write_json(path: Path, value: Any, indent: int | None = None) -> None:
    """Write a JSON file, readable UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False) + "\n", encoding="utf-8")


def seal_categories(rows: Iterable[Row]) -> list[str]:
    """The kinds of seal that class numbers count in: all that the package knows, in the order of its registry, then
    any others of these rows by name. So one kind has one number in all datasets that the package draws.
    """
    from seal2real.seal.kinds import KINDS

    found = {seal["kind"] for row in rows for seal in row["seals"]}
    return [*KINDS, *sorted(found - KINDS.keys())]
