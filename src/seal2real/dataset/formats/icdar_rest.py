"""ICDAR 2023 ReST (reading the seal title): polygons and texts of the seals' titles.

``{split}_labels.json`` holds ``{"gt_1": [{"points": [[x, y], ...], "transcription": "..."}, ...], ...}``, keys numbered
from 1 in the order of the dataset; ``{split}_images/gt_1.jpg`` is the image of that key. Points go round clockwise,
from the first character's top along the title and back. The title of a seal is its lines with role "name", or its first
line. What cannot be read, as it runs off the image or is worn away, says ``###``, the custom of these contests.

Format: https://rrc.cvc.uab.es/?ch=20&com=tasks. The page does not name the folders; these are those of ICDAR 2019
ArT, whose layout of labels it shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import (
    IMAGE_SUFFIXES,
    SPLIT_NAMES,
    SPLITS,
    UNKNOWN,
    ImageReader,
    as_points,
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
from seal2real.dataset.legibility import seal_parts
from seal2real.errors import Seal2RealError

ILLEGIBLE = "###"
TITLE = "name"  # role of the lines that are a seal's title


def write(dataset: Path, out: Path, progress: Progress = lambda done: None) -> None:
    """Write the titles of a native dataset's seals as ICDAR 2023 ReST.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file is missing.
    """
    labels: dict[str, dict[str, Any]] = {}
    with new_folder(out) as folder:
        for number, row in enumerate(rows_to_export(dataset, progress), 1):
            split, key = SPLITS[row["split"]], f"gt_{number}"
            link_file(dataset, row["file_name"], folder / f"{split}_images" / f"{key}{Path(row['file_name']).suffix}")
            titles = [title for seal in row["seals"] for title in _titles(dataset, row, seal)]
            labels.setdefault(split, {})[key] = titles
        for split, found in labels.items():
            write_json(folder / f"{split}_labels.json", found)


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """Rows and files of an ICDAR 2023 ReST dataset.

    The format knows titles, not seals: each title becomes a seal of unknown kind, whose box is that of the title. What
    cannot be read (``###``) has an empty text.

    Raises:
        Seal2RealError: a file is missing or damaged; it names it.
    """
    files = label_files(folder)
    if not files:
        raise Seal2RealError(f"{folder}: no ICDAR ReST dataset, it has no JSON file with keys gt_1, gt_2, ...")
    images = ImageReader()
    for path in files:
        tag = path.stem.split("_")[0].lower()
        pictures = _pictures(folder, path.stem.removesuffix("_labels"))
        for key, items in read_json(path).items():
            picture = pictures.get(key) or pictures.get(key.removeprefix("gt_")) or path.parent / f"{key}.jpg"
            name, data, width, height = images.read(picture, path)
            try:
                seals = [_read_title(item, width, height) for item in items]
            except (KeyError, TypeError, ValueError) as error:
                raise Seal2RealError(f"{path}, {key}: not a list of points and transcription ({error!r})") from error
            yield image_row(name, width, height, SPLIT_NAMES.get(tag, "train"), seals, "icdar-rest"), {name: data}


def label_files(folder: Path) -> list[Path]:
    """The label files of a ReST dataset, in order of their names."""
    found = []
    for path in sorted(folder.glob("*.json")):
        record = read_json(path)
        if isinstance(record, dict) and record and all(key.startswith("gt_") for key in record):
            found.append(path)
    return found


def _titles(dataset: Path, row: Row, seal: Row) -> Iterator[dict[str, Any]]:
    found = seal_parts(dataset, row, seal)
    for _, parts in [item for item in found if item[0]["role"] == TITLE] or found[:1]:
        for part in parts:
            text = part.text if part.legible and part.text else ILLEGIBLE
            yield {"points": as_points(part.polygon), "transcription": text}


def _pictures(folder: Path, name: str) -> dict[str, Path]:
    """Images by stem: those of ``{name}_images/``, else ``images/``, else the folder itself."""
    places = [folder / f"{name}_images", folder / name, folder / "images", folder]
    place = next(place for place in places if place.is_dir())
    return {path.stem: path for path in sorted(place.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}


def _read_title(item: dict[str, Any], width: int, height: int) -> Row:
    points = as_points(item["points"])
    text = item["transcription"]
    if len(points) < 3 or not isinstance(text, str):
        raise ValueError(f"{len(points)} points with transcription {text!r}")
    line = line_row("" if text == ILLEGIBLE else text, points, TITLE)
    return seal_row(UNKNOWN, points_box(clip_polygon(points, width, height) or points), points, lines=[line])


FORMAT = Format("icdar-rest", "ICDAR 2023 ReST: polygons and texts of the seals' titles", write, read)
