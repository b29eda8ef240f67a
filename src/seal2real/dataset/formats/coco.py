"""COCO instances: one JSON and one folder of images per split, masks as compressed RLE.

``annotations/instances_{split}.json`` and ``images/{split}/``, splits named train, val and test. A seal is one
annotation with ``iscrowd`` 0, since trainers drop crowds; run lengths rather than polygons, since ink has holes and
parts. Beside COCO's own keys an annotation has ``attributes`` (colour, angle, text, authenticity), ``lines``,
``polygon`` (the outline) and the other of the two masks; COCO's tools pass over these.

Format: https://cocodataset.org/#format-data; run lengths as pycocotools encodes them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import (
    SPLIT_NAMES,
    SPLITS,
    ImageReader,
    add_masks,
    attributes_of,
    image_row,
    joined_text,
    line_row,
    link_file,
    mask_box,
    read_json,
    seal_categories,
    seal_row,
    write_json,
)
from seal2real.dataset.formats.native import Row, read_rows
from seal2real.dataset.legibility import load_mask
from seal2real.errors import Seal2RealError
from seal2real.sample import Mask

_log = logging.getLogger(__name__)
_LINE_KEYS = ("text", "role", "polygon", "characters", "curved")


def write(
    dataset: Path,
    out: Path,
    progress: Progress = lambda done: None,
    *,
    mask: Literal["visible", "full"] = "visible",
) -> None:
    """Write a native dataset as COCO instances.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.
        mask: what ``segmentation``, ``area`` and ``bbox`` speak of: the ink that can be seen, or the whole design. The
            other one is in ``segmentation_full`` or ``segmentation_visible``. A seal that is empty in it is left out:
            COCO has no objects without area.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file is missing, or pycocotools is.
    """
    coder = _coder()
    categories = seal_categories(read_rows(dataset))
    numbers = {kind: number for number, kind in enumerate(categories, 1)}
    splits: dict[str, dict[str, Any]] = {}
    annotation_id = 0
    with new_folder(out) as folder:
        for image_id, row in enumerate(rows_to_export(dataset, progress), 1):
            split = SPLITS[row["split"]]
            name = Path(row["file_name"]).name
            link_file(dataset, row["file_name"], folder / "images" / split / name)
            record = splits.setdefault(split, _empty_split(split, numbers))
            image = {"id": image_id, "file_name": name, "width": row["width"], "height": row["height"]}
            record["images"].append({**image, "license": 1})
            for seal in row["seals"]:
                masks = {key: _seal_mask(dataset, seal, key) for key in ("visible", "full")}
                annotation = _annotation(coder, seal, masks, mask)
                if annotation is None:
                    _log.info("%s: a seal without %s ink is left out", row["file_name"], mask)
                    continue
                annotation_id += 1
                ids = {"id": annotation_id, "image_id": image_id, "category_id": numbers[seal["kind"]]}
                record["annotations"].append({**ids, **annotation})
        for split, record in splits.items():
            write_json(folder / "annotations" / f"instances_{split}.json", record)


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """Rows and files of a COCO dataset, ours or another's (polygons, run lengths, or boxes alone; crowds left out).

    Label files are ``annotations/*.json``, else ``{split}/_annotations.coco.json``. Images are looked for in
    ``images/{split}/``, ``images/``, the label file's folder and the split's. A segmentation is what can be seen,
    unless the annotation has both masks.

    Raises:
        Seal2RealError: a file is missing or damaged; it names it.
    """
    images = ImageReader()
    files = label_files(folder)
    if not files:
        raise Seal2RealError(f"{folder}: no COCO dataset, it has no annotations/*.json")
    for path in files:
        split = _split_of(path)
        record = read_json(path)
        try:
            kinds = {category["id"]: category["name"] for category in record["categories"]}
            annotations: dict[Any, list[Any]] = {image["id"]: [] for image in record["images"]}
            for annotation in record.get("annotations", ()):
                if not annotation.get("iscrowd"):
                    annotations[annotation["image_id"]].append(annotation)
            for image in record["images"]:
                picture = _find_image(folder, path, split, image["file_name"])
                name, data, width, height = images.read(picture, path)
                found = [_read_annotation(item, kinds, height, width) for item in annotations[image["id"]]]
                seals = [seal for seal, _ in found]
                row = image_row(name, width, height, split, seals, "coco")
                yield row, {name: data, **add_masks(name, seals, [masks for _, masks in found])}
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            raise Seal2RealError(f"{path}: not COCO instances ({error!r})") from error


def label_files(folder: Path) -> list[Path]:
    """The label files of a COCO dataset, in order of their names; empty if there are none."""
    found = sorted(path for path in folder.glob("annotations/*.json"))
    return found or sorted(folder.glob("*/_annotations.coco.json"))


def _coder() -> ModuleType:
    try:
        from pycocotools import mask
    except ImportError:
        raise Seal2RealError(
            "COCO needs pycocotools, which is not installed; run: pip install 'seal2real[formats]'"
        ) from None
    coder: ModuleType = mask
    return coder


def _empty_split(split: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "info": {"description": f"Documents with seals, made by Seal2Real: {split}", "version": "1.0"},
        "licenses": [{"id": 1, "name": "see the dataset that this was converted from", "url": ""}],
        "categories": [{"id": number, "name": kind, "supercategory": "seal"} for kind, number in numbers.items()],
        "images": [],
        "annotations": [],
    }


def _seal_mask(dataset: Path, seal: Row, key: str) -> Mask | None:
    path = seal[f"mask_{key}"]
    return load_mask(dataset / path) if path else None


def _annotation(coder: ModuleType, seal: Row, masks: dict[str, Mask | None], main: str) -> dict[str, Any] | None:
    """An annotation without its ids; None for a seal with nothing in its main mask."""
    other = "full" if main == "visible" else "visible"
    mask = masks[main] if masks[main] is not None else masks[other]
    extra: dict[str, Any] = {}
    if mask is None:  # the dataset came from boxes or outlines
        segmentation: Any = [[value for point in seal["polygon"] for value in point]]
        box, area = seal["bbox"], float(seal["bbox"][2] * seal["bbox"][3])
    else:
        found = mask_box(mask)
        if found is None:
            return None
        segmentation, box, area = _encode(coder, mask), found, float(np.count_nonzero(mask))
        second = masks[other]
        if second is not None and masks[main] is not None:
            extra[f"segmentation_{other}"] = _encode(coder, second)
    return {
        "segmentation": segmentation,
        "bbox": [float(value) for value in box],
        "area": area,
        "iscrowd": 0,
        "attributes": {
            "colour": seal["colour"],
            "angle": seal["angle"],
            "text": joined_text(seal),
            "authenticity": seal["authenticity"],
        },
        "polygon": seal["polygon"],
        "lines": [{key: line[key] for key in _LINE_KEYS} for line in seal["lines"]],
        **extra,
    }


def _encode(coder: ModuleType, mask: Mask) -> dict[str, Any]:
    code = coder.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in code["size"]], "counts": code["counts"].decode("ascii")}


def _decode(segmentation: Any, height: int, width: int) -> Mask | None:
    """Any of COCO's three spellings as ``bool [H, W]``; None if there is none."""
    if not segmentation:
        return None
    coder = _coder()
    code = segmentation
    if isinstance(code, list):
        code = coder.merge(coder.frPyObjects([part for part in code if len(part) >= 6], height, width))
    elif isinstance(code["counts"], list):
        code = coder.frPyObjects(code, height, width)
    mask = np.asarray(coder.decode(code), dtype=bool)
    if mask.shape != (height, width):
        raise ValueError(f"a mask of {mask.shape[1]} x {mask.shape[0]} on an image of {width} x {height}")
    return mask


def _read_annotation(
    annotation: dict[str, Any], kinds: Mapping[Any, str], height: int, width: int
) -> tuple[Row, tuple[Mask | None, Mask | None]]:
    """A seal's row, and its (full, visible) masks."""
    main = _decode(annotation.get("segmentation"), height, width)
    full = _decode(annotation.get("segmentation_full"), height, width)
    visible = _decode(annotation.get("segmentation_visible"), height, width)
    full, visible = (main, visible) if visible is not None else (full, main)
    box = mask_box(full) if full is not None else None
    seal = seal_row(
        kinds[annotation["category_id"]],
        box or annotation["bbox"],
        annotation.get("polygon"),
        lines=[line_row(**line) for line in annotation.get("lines") or ()],
        **attributes_of(annotation.get("attributes")),
    )
    return seal, (full, visible)


def _split_of(path: Path) -> str:
    """The split that a label file speaks of, by its name ("instances_val2017.json") or its folder's."""
    name = path.parent.name if path.name.startswith("_") else path.stem.rsplit("_", 1)[-1]
    return SPLIT_NAMES.get(name.rstrip("0123456789").lower(), "train")


def _find_image(folder: Path, labels: Path, split: str, name: str) -> Path:
    tag = SPLITS[split]
    pictures = folder / "images"
    places = [pictures / tag, pictures / split, pictures, labels.parent, folder / tag, folder]
    return next((place / name for place in places if (place / name).is_file()), places[0] / name)


FORMAT = Format("coco", "COCO instances: compressed RLE masks, boxes, attributes; one JSON per split", write, read)
