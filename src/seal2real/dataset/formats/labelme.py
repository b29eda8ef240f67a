"""LabelMe: one JSON beside each image, for people who correct labels by hand.

``{split}/NAME.jpg`` and ``{split}/NAME.json``. A seal is a polygon whose label is its kind; a text line is a polygon
labelled ``text`` whose description is its text. The group id ties lines to their seal. ``attributes`` of a shape
(colour, angle, authenticity; role) are kept by LabelMe when it saves. Polygons may reach past the image's edge.

Format: as the ``LabelFile`` of LabelMe 5 and 6 reads and writes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import (
    SPLIT_NAMES,
    SPLITS,
    ImageReader,
    attributes_of,
    clip_polygon,
    image_row,
    line_row,
    link_file,
    points_box,
    read_json,
    seal_row,
    write_json,
)
from seal2real.dataset.formats.native import Row
from seal2real.errors import Seal2RealError

TEXT = "text"  # label of a text line
_VERSION = "5.5.0"  # of the layout
_CIRCLE_POINTS = 64


def write(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """Write a native dataset for LabelMe.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file is missing.
    """
    with new_folder(out) as folder:
        for row in rows_to_export(dataset, progress):
            path = Path(row["file_name"])
            place = folder / SPLITS[row["split"]]
            link_file(dataset, row["file_name"], place / path.name)
            record = {
                "version": _VERSION,
                "flags": {},
                "shapes": [shape for number, seal in enumerate(row["seals"], 1) for shape in _shapes(seal, number)],
                "imagePath": path.name,
                "imageData": None,
                "imageHeight": row["height"],
                "imageWidth": row["width"],
            }
            write_json(place / f"{path.stem}.json", record, indent=1)


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """Rows and files of a folder of LabelMe files, ours or another's, with subfolders.

    Seals may be polygons, rectangles or circles. The split is the subfolder's name (train, val, test), else train.
    Text lines belong to the seal of their group, else to the one around their middle. Images without a JSON are not
    labelled yet: they are left out.

    Raises:
        Seal2RealError: a file is missing or breaks the format; it names it.
    """
    files = label_files(folder)
    if not files:
        raise Seal2RealError(f"{folder}: no LabelMe folder, it has no JSON file with 'shapes'")
    images = ImageReader()
    for path in files:
        record = read_json(path)
        if not isinstance(record, dict) or "shapes" not in record:
            continue
        try:
            picture = path.parent / PureWindowsPath(record["imagePath"]).as_posix()
            name, data, width, height = images.read(picture, path)
            seals = _read_seals(record["shapes"], width, height)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Seal2RealError(f"{path}: not as LabelMe writes it ({error!r})") from error
        tops = path.relative_to(folder).parts
        split = SPLIT_NAMES.get(tops[0].lower(), "train") if len(tops) > 1 else "train"
        yield image_row(name, width, height, split, seals, "labelme"), {name: data}


def label_files(folder: Path) -> list[Path]:
    """The JSON files of a LabelMe folder, in order of their names; empty if the first holds no shapes."""
    files = sorted(folder.rglob("*.json"))
    first = read_json(files[0]) if files else None
    return files if isinstance(first, dict) and "shapes" in first and "imagePath" in first else []


def _shapes(seal: Row, group: int) -> Iterator[dict[str, Any]]:
    yield _shape(
        seal["kind"],
        seal["polygon"],
        group,
        attributes=attributes_of(seal),
    )
    for line in seal["lines"]:
        attributes = {key: line[key] for key in ("role", "curved")}
        yield _shape(TEXT, line["polygon"], group, line["text"], attributes=attributes)


def _shape(
    label: str, points: Sequence[Sequence[float]], group: int, description: str = "", **more: Any
) -> dict[str, Any]:
    shape = {"label": label, "points": points, "group_id": group, "description": description, "shape_type": "polygon"}
    return {**shape, "flags": {}, "mask": None, **more}


def _read_seals(shapes: list[dict[str, Any]], width: int, height: int) -> list[Row]:
    seals: list[tuple[Any, Row]] = []
    for shape in shapes:
        if shape["label"] == TEXT:
            continue
        outline = _outline(shape)
        inside = clip_polygon(outline, width, height)
        known = attributes_of(shape.get("attributes"))
        seals.append((shape.get("group_id"), seal_row(shape["label"], points_box(inside or outline), outline, **known)))
    for shape in shapes:
        if shape["label"] == TEXT:
            points = _outline(shape)
            owner = _owner(shape.get("group_id"), points, seals)
            attributes = shape.get("attributes") or {}
            line = line_row(
                shape.get("description") or "", points, attributes.get("role", "name"), attributes.get("curved")
            )
            if owner is None:
                raise ValueError(f"text {line['text']!r} lies in no seal; give it the group id of one")
            owner["lines"].append(line)
    return [seal for _, seal in seals]


def _owner(group: int | None, points: Sequence[Sequence[float]], seals: list[tuple[Any, Row]]) -> Row | None:
    """The seal that a line belongs to: the one of its group, else the smallest box around its middle."""
    if group is not None:
        for number, seal in seals:
            if number == group:
                return seal
    x, y, w, h = points_box(points)
    middle = (x + w / 2, y + h / 2)
    around = [seal for _, seal in seals if _holds(seal["bbox"], middle)]
    return min(around, key=lambda seal: seal["bbox"][2] * seal["bbox"][3], default=None)


def _holds(box: Sequence[float], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[0] + box[2] and box[1] <= point[1] <= box[1] + box[3]


def _outline(shape: dict[str, Any]) -> list[list[float]]:
    """The polygon of a shape."""
    points = [[float(x), float(y)] for x, y in shape["points"]]
    kind = shape.get("shape_type", "polygon")
    if kind == "polygon" and len(points) >= 3:
        return points
    if kind == "rectangle" and len(points) == 2:
        (a, b), (c, d) = points
        left, right, top, bottom = min(a, c), max(a, c), min(b, d), max(b, d)
        return [[left, top], [right, top], [right, bottom], [left, bottom]]
    if kind == "circle" and len(points) == 2:  # the centre, and a point on the circle
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        turns = [2 * math.pi * index / _CIRCLE_POINTS for index in range(_CIRCLE_POINTS)]
        return [[x + radius * math.cos(turn), y + radius * math.sin(turn)] for turn in turns]
    raise ValueError(f"a {kind} of {len(points)} points labelled {shape['label']!r}; use polygon, rectangle or circle")


FORMAT = Format("labelme", "LabelMe: polygons of seals and text lines, to correct by hand", write, read)
