"""YOLO text labels as Ultralytics reads them: outlines for segmentation, or boxes for detection.

``data.yaml``, ``images/{split}/NAME.jpg`` and ``labels/{split}/NAME.txt``, splits named train, val and test. A line of
a label file is ``class x1 y1 x2 y2 ...`` (the seal's outer polygon, cut at the image's edge) or ``class x y width
height`` (centre and size of its box), all divided by the image's width and height. A page without seals has an empty
label file.

Format: https://docs.ultralytics.com/datasets/segment/ and https://docs.ultralytics.com/datasets/detect/.
``data.yaml`` has no ``path``, so that its own folder is the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import (
    IMAGE_SUFFIXES,
    SPLIT_NAMES,
    SPLITS,
    ImageReader,
    clip_polygon,
    image_row,
    link_file,
    points_box,
    seal_categories,
    seal_row,
)
from seal2real.dataset.formats.native import Row, read_rows
from seal2real.errors import Seal2RealError

_SLACK = 1e-6  # of normalised coordinates, for the rounding of whoever wrote them


def write(dataset: Path, out: Path, progress: Progress = lambda done: None, *, boxes: bool = False) -> None:
    """Write a native dataset for YOLO.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.
        boxes: boxes for detection, rather than outlines for segmentation.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file is missing.
    """
    categories = seal_categories(read_rows(dataset))
    used = set()
    with new_folder(out) as folder:
        for row in rows_to_export(dataset, progress):
            split = SPLITS[row["split"]]
            used.add(split)
            path = Path(row["file_name"])
            link_file(dataset, row["file_name"], folder / "images" / split / path.name)
            lines = [_label(seal, categories, row["width"], row["height"], boxes) for seal in row["seals"]]
            labels = folder / "labels" / split / f"{path.stem}.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text("".join(f"{line}\n" for line in lines if line), encoding="ascii")
        (folder / "data.yaml").write_text(_settings(categories, used), encoding="utf-8")


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """Rows and files of a YOLO dataset of outlines or boxes, ours or another's.

    As Ultralytics does it: the splits are folders, lists of folders or ``.txt`` files of image paths; the labels of
    ``.../images/.../NAME.jpg`` are ``.../labels/.../NAME.txt``; an image without a label file has no seal.

    Raises:
        Seal2RealError: a file is missing, or a label breaks the format's rules; it names the file and the line.
    """
    path = settings_file(folder)
    if path is None:
        raise Seal2RealError(f"{folder}: no YOLO dataset, it has no YAML file with 'names'")
    settings = _load_settings(path)
    names = settings["names"]
    kinds = dict(names) if isinstance(names, dict) else dict(enumerate(names))
    root = path.parent / settings["path"] if settings.get("path") else path.parent
    if not root.is_dir():
        root = path.parent  # a path that was right on another machine
    images = ImageReader()
    splits: dict[Path, str] = {}
    for key in ("train", "val", "test"):
        for image in _images_of(root, settings.get(key), path):
            if image not in splits or image.parent.name == key:  # one folder may serve for two splits
                splits[image] = SPLIT_NAMES[key]
    for image, split in splits.items():
        name, data, width, height = images.read(image, path)
        seals = _read_labels(_label_path(image), kinds, width, height)
        yield image_row(name, width, height, split, seals, "yolo"), {name: data}


def settings_file(folder: Path) -> Path | None:
    """The YAML file of a YOLO dataset; None if the folder has none."""
    candidates = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")], key=lambda path: path.stem != "data")
    return next((path for path in candidates if "names" in _load_settings(path)), None)


def _load_settings(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise Seal2RealError(f"{path}: cannot be read ({reason})") from None
    return settings if isinstance(settings, dict) else {}


def _settings(categories: list[str], used: set[str]) -> str:
    """The text of ``data.yaml``."""
    lines = ["# Documents with seals, made by Seal2Real. Paths are relative to this file."]
    for split in ("train", "val", "test"):
        if split in used:
            lines.append(f"{split}: images/{split}")
        elif split != "test":  # trainers demand both
            other = next(name for name in ("train", "val", "test") if name in used)
            lines.append(f"{split}: images/{other}  # this dataset has no {split} split")
    names = yaml.safe_dump({"names": dict(enumerate(categories))}, sort_keys=False, allow_unicode=True)
    return "\n".join(lines) + "\n" + names


def _label(seal: Row, categories: list[str], width: int, height: int, boxes: bool) -> str | None:
    """A line of a label file; None if nothing of the seal's outline lies on the image."""
    if boxes:
        x, y, w, h = seal["bbox"]
        values = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
    else:
        polygon = clip_polygon(seal["polygon"], width, height)
        values = [value for x, y in polygon for value in (x / width, y / height)]
    if not values:
        return None
    numbers = " ".join(f"{min(max(value, 0.0), 1.0):.6f}" for value in values)
    return f"{categories.index(seal['kind'])} {numbers}"


def _images_of(root: Path, entry: Any, named_by: Path) -> list[Path]:
    """The images of a split: of a folder, a list of folders, or a text file of paths."""
    found: dict[Path, None] = {}
    for place in entry if isinstance(entry, list) else [entry] if entry else []:
        path = root / place
        if path.is_dir():
            found |= dict.fromkeys(sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES))
        elif path.is_file():
            lines = path.read_text(encoding="utf-8").split("\n")
            found |= dict.fromkeys(path.parent / line.strip() for line in lines if line.strip())
        else:
            raise Seal2RealError(f"{path}: no such folder, yet {named_by} names it")
    return list(found)


def _label_path(image: Path) -> Path:
    """Where Ultralytics looks for an image's labels: the last folder ``images`` of the path becomes ``labels``."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _read_labels(path: Path, kinds: dict[Any, str], width: int, height: int) -> list[Row]:
    if not path.is_file():
        return []
    seals = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            kind, values = _checked(text.split(), kinds)
        except ValueError as error:
            raise Seal2RealError(f"{path}, line {number}: {error}") from None
        if len(values) == 4:
            x, y, w, h = (value * side for value, side in zip(values, (width, height, width, height), strict=True))
            seals.append(seal_row(kind, (x - w / 2, y - h / 2, w, h)))
        else:
            polygon = [(x * width, y * height) for x, y in zip(values[::2], values[1::2], strict=True)]
            seals.append(seal_row(kind, points_box(polygon), polygon))
    return seals


def _checked(words: list[str], kinds: dict[Any, str]) -> tuple[str, list[float]]:
    """The class and the numbers of a label line, after the checks that Ultralytics makes."""
    values = [float(word) for word in words[1:]]
    index = float(words[0])
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise ValueError(f"{len(words)} columns; give 5 (a box), or 1 and 3 or more pairs (an outline)")
    if index not in kinds:
        raise ValueError(f"class {words[0]} is not among the {len(kinds)} names of the YAML file")
    wrong = [value for value in values if not -_SLACK <= value <= 1 + _SLACK]
    if wrong:
        raise ValueError(f"{wrong[0]} is not in 0..1; coordinates are shares of the image's width and height")
    return kinds[int(index)], values


FORMAT = Format("yolo", "YOLO segmentation: outlines in text files, data.yaml", write, read)
DETECT = Format("yolo-detect", "YOLO detection: boxes in text files, data.yaml", partial(write, boxes=True), read)
