"""Pascal VOC: an XML file per image, lists of images per split, and masks as palette PNGs.

``JPEGImages/``, ``Annotations/NAME.xml``, ``ImageSets/Main/`` and ``ImageSets/Segmentation/`` with train, val, trainval
and test lists, ``SegmentationClass/NAME.png`` and ``SegmentationObject/NAME.png``. Boxes count pixels from 1, both ends
inside. In the masks 0 is background; the class's number is its line in ``labels.txt`` (from 0, the background), the
object's its place in the XML file (from 1). Where seals overlap, the upper one has the pixel. Beside VOC's own elements
an object has ``attributes`` (colour, angle, authenticity), as CVAT writes them, and its text lines as ``part`` elements
with ``text``.

Format: "The PASCAL Visual Object Classes Challenge 2012 development kit" (Everingham and Winn).
"""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import PIL.Image

from seal2real.dataset.formats.base import Format, Progress
from seal2real.dataset.formats.folder import new_folder, rows_to_export
from seal2real.dataset.formats.foreign import (
    ATTRIBUTES,
    SPLIT_NAMES,
    SPLITS,
    ImageReader,
    add_masks,
    attributes_of,
    image_row,
    line_row,
    link_file,
    points_box,
    seal_categories,
    seal_row,
)
from seal2real.dataset.formats.native import Row, read_rows
from seal2real.dataset.legibility import load_mask
from seal2real.errors import Seal2RealError
from seal2real.sample import Mask

_VOID = 255  # of the masks: "do not care"


def write(
    dataset: Path,
    out: Path,
    progress: Progress = lambda done: None,
    *,
    mask: Literal["visible", "full"] = "visible",
) -> None:
    """Write a native dataset as Pascal VOC.

    Args:
        dataset: folder of the native dataset.
        out: folder to make.
        progress: called with the count of samples just done.
        mask: what the PNGs show: the ink that can be seen, or the whole design. Boxes are always the design's.

    Raises:
        UsageError: no such dataset, or ``out`` is not empty.
        Seal2RealError: a file is missing, or an image has more than 254 seals.
    """
    categories = seal_categories(read_rows(dataset))
    names: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    with new_folder(out) as folder:
        for name in ("Annotations", "ImageSets/Main", "ImageSets/Segmentation", "SegmentationClass"):
            (folder / name).mkdir(parents=True)
        (folder / "SegmentationObject").mkdir()
        for row in rows_to_export(dataset, progress):
            path = Path(row["file_name"])
            link_file(dataset, row["file_name"], folder / "JPEGImages" / path.name)
            tree = _annotation(row, out.name)
            data = ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True)
            (folder / "Annotations" / f"{path.stem}.xml").write_bytes(data + b"\n")
            if _has_masks(row):
                classes, objects = _masks(dataset, row, categories, mask)
                (folder / "SegmentationClass" / f"{path.stem}.png").write_bytes(_palette_png(classes))
                (folder / "SegmentationObject" / f"{path.stem}.png").write_bytes(_palette_png(objects))
            names[SPLITS[row["split"]]].append(path.stem)
        lists = {**names, "trainval": sorted(names["train"] + names["val"])}
        for kind in ("Main", "Segmentation"):
            for split, stems in lists.items():
                text = "".join(f"{stem}\n" for stem in stems)
                (folder / "ImageSets" / kind / f"{split}.txt").write_text(text, encoding="utf-8")
        (folder / "labels.txt").write_text("\n".join(["background", *categories]) + "\n", encoding="utf-8")


def read(folder: Path) -> Iterator[tuple[Row, dict[str, bytes]]]:
    """Rows and files of a Pascal VOC dataset, ours or another's.

    The outline of a seal is its box, the polygon of a text line that of its part. Without ImageSets all is train.

    Raises:
        Seal2RealError: a file is missing or damaged; it names it.
    """
    files = label_files(folder)
    if not files:
        raise Seal2RealError(f"{folder}: no Pascal VOC dataset, it has no Annotations/*.xml")
    splits = _read_splits(folder)
    images = ImageReader()
    for path in files:
        try:
            tree = ElementTree.fromstring(path.read_bytes())
            picture = folder / "JPEGImages" / _text(tree, "filename")
            name, data, width, height = images.read(picture, path)
            seals = [_read_object(item) for item in tree.iter("object")]
        except (ElementTree.ParseError, ValueError, OSError) as error:
            raise Seal2RealError(f"{path}: not a Pascal VOC annotation ({error})") from None
        row = image_row(name, width, height, splits.get(path.stem, "train"), seals, "voc")
        visible = _read_masks(folder / "SegmentationObject" / f"{path.stem}.png", len(seals), width, height)
        yield row, {name: data, **add_masks(name, seals, [(None, mask) for mask in visible])}


def label_files(folder: Path) -> list[Path]:
    """The XML files of a Pascal VOC dataset, in order of their names; empty if there are none."""
    return sorted(folder.glob("Annotations/*.xml"))


def _annotation(row: Row, folder: str) -> ElementTree.Element:
    tree = ElementTree.Element("annotation")
    _add(tree, "folder", folder)
    _add(tree, "filename", Path(row["file_name"]).name)
    _add(_add(tree, "source"), "database", "Seal2Real")
    size = _add(tree, "size")
    for name, value in (("width", row["width"]), ("height", row["height"]), ("depth", 3)):
        _add(size, name, value)
    _add(tree, "segmented", int(_has_masks(row)))
    for seal in row["seals"]:
        x, y, w, h = points_box(seal["polygon"])
        item = _add(tree, "object")
        _add(item, "name", seal["kind"])
        _add(item, "pose", "Unspecified")
        _add(item, "truncated", int(x < 0 or y < 0 or x + w > row["width"] or y + h > row["height"]))
        _add(item, "difficult", 0)
        _add_box(item, seal["bbox"])
        attributes = _add(item, "attributes")
        for name in ATTRIBUTES:
            if seal[name] is not None:
                attribute = _add(attributes, "attribute")
                _add(attribute, "name", name)
                _add(attribute, "value", seal[name])
        for line in seal["lines"]:
            part = _add(item, "part")
            _add(part, "name", line["role"])
            _add_box(part, points_box(line["polygon"]))
            _add(part, "text", line["text"])
    ElementTree.indent(tree)
    return tree


def _add(parent: ElementTree.Element, name: str, value: object = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    if value is not None:
        element.text = str(value)
    return element


def _add_box(parent: ElementTree.Element, box: Sequence[float]) -> None:
    x, y, w, h = box
    ends = {"xmin": math.floor(x) + 1, "ymin": math.floor(y) + 1, "xmax": math.ceil(x + w), "ymax": math.ceil(y + h)}
    element = _add(parent, "bndbox")
    for name, value in ends.items():
        _add(element, name, value)


def _has_masks(row: Row) -> bool:
    return all(seal["mask_full"] or seal["mask_visible"] for seal in row["seals"])


def _masks(dataset: Path, row: Row, categories: list[str], mask: str) -> tuple[npt.NDArray[np.uint8], ...]:
    """Class and object numbers, ``uint8 [H, W]`` each."""
    if len(row["seals"]) >= _VOID or len(categories) >= _VOID:
        raise Seal2RealError(f"{row['file_name']}: Pascal VOC masks count to 254 seals and kinds; use coco")
    classes = np.zeros((row["height"], row["width"]), dtype=np.uint8)
    objects = np.zeros_like(classes)
    other = "visible" if mask == "full" else "full"
    for number, seal in enumerate(row["seals"], 1):
        ink = load_mask(dataset / (seal[f"mask_{mask}"] or seal[f"mask_{other}"]))
        classes[ink] = categories.index(seal["kind"]) + 1
        objects[ink] = number
    return classes, objects


def _palette_png(numbers: npt.NDArray[np.uint8]) -> bytes:
    image = PIL.Image.frombytes("P", numbers.shape[::-1], numbers.tobytes())
    image.putpalette(colour_map().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def colour_map() -> npt.NDArray[np.uint8]:
    """The palette of the development kit's ``VOClabelcolormap``, ``uint8 [256, 3]``.

    The bits of the number, from the lowest, go in turn to red, green and blue, each time from the highest bit down.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for shift in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * shift + channel) & 1) << (7 - shift)).astype(np.uint8)
    return colours


def _read_splits(folder: Path) -> dict[str, str]:
    splits: dict[str, str] = {}
    for kind in ("Segmentation", "Main"):
        for tag in ("train", "val", "test"):
            path = folder / "ImageSets" / kind / f"{tag}.txt"
            if path.is_file():
                lines = path.read_text(encoding="utf-8").splitlines()
                splits |= {line.strip(): SPLIT_NAMES[tag] for line in lines if line.strip()}
    return splits


def _text(element: ElementTree.Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(f"<{element.tag}> without <{name}>")
    return found


def _box(element: ElementTree.Element) -> tuple[float, float, float, float]:
    box = element.find("bndbox")
    if box is None:
        raise ValueError(f"<{element.tag}> without <bndbox>")
    left, top, right, bottom = (float(_text(box, name)) for name in ("xmin", "ymin", "xmax", "ymax"))
    if right < left or bottom < top:
        raise ValueError(f"a box from {left:g}, {top:g} to {right:g}, {bottom:g}")
    return left - 1, top - 1, right - left + 1, bottom - top + 1


def _read_object(item: ElementTree.Element) -> Row:
    known = attributes_of({each.findtext("name", ""): each.findtext("value", "") for each in item.iter("attribute")})
    known["angle"] = None if known["angle"] is None else float(known["angle"])
    lines = []
    for part in item.findall("part"):
        x, y, w, h = _box(part)
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        lines.append(line_row(part.findtext("text", ""), corners, _text(part, "name")))
    return seal_row(_text(item, "name"), _box(item), lines=lines, **known)


def _read_masks(path: Path, count: int, width: int, height: int) -> list[Mask | None]:
    """The mask of each object; None where there is no file."""
    if not path.is_file():
        return [None] * count
    try:
        with PIL.Image.open(path) as image:
            numbers = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise Seal2RealError(f"{path}: not a readable mask ({error})") from None
    if numbers.shape != (height, width):
        raise Seal2RealError(f"{path}: {numbers.shape} is not a palette mask of {width} x {height} pixels")
    return [numbers == number for number in range(1, count + 1)]


FORMAT = Format("voc", "Pascal VOC: XML boxes, palette masks, ImageSets", write, read)
