"""The native format: a Hugging Face ``imagefolder`` with one ``metadata.jsonl``.

Pure functions: a `Sample` becomes a row (plain JSON) and the bytes of its files; a row becomes arrays again. Nothing
here decides where or when files are written.

Coordinates are pixels rounded to 2 decimals, x to the right, y down; ``bbox`` is ``[x, y, width, height]``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seal2real.dataset.formats.fields import field_problems, parse_row
from seal2real.dataset.unwarp import unwarp_line
from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import as_url, encode_jpeg, encode_png
from seal2real.sample import Image, Mask, PlacedSeal, Polygon, Sample, TextLine

METADATA = "metadata.jsonl"
CATEGORIES = ("seal",)  # what objects.categories counts in
FOLDERS = ("stamped", "clean", "ink", "masks", "lines", "references")
Row = dict[str, Any]


@dataclass(frozen=True)
class EncodedSample:
    """A sample ready to be written.

    Attributes:
        row: one line of ``metadata.jsonl``.
        files: relative path -> bytes.
    """

    row: Row
    files: dict[str, bytes]


@dataclass(frozen=True)
class NativeSample:
    """A sample read back.

    Attributes:
        row: its line of ``metadata.jsonl``.
        stamped, clean: ``uint8 [H, W, 3]`` RGB.
        ink: ``uint8 [H, W]``, 255 = all light of the darkest channel absorbed.
        full, visible: one ``bool [H, W]`` per seal: the design, and the ink that can be seen.
        lines: per seal, per line the unwarped crop ``uint8 [h, w, 3]``, or None where the line runs off the image.
    """

    row: Row
    stamped: Image
    clean: Image
    ink: Image
    full: tuple[Mask, ...]
    visible: tuple[Mask, ...]
    lines: tuple[tuple[Image | None, ...], ...]


def encode_sample(sample: Sample, index: int, split: str, jpeg_quality: int = 92) -> EncodedSample:
    """The row and the files of one sample.

    Args:
        sample: what to write. Seals of which nothing lies on the image are left out.
        index: number of the sample; it names the files.
        split: "train", "validation" or "test".
        jpeg_quality: 1..100, for the stamped and the clean image.
    """
    name = f"{index:06d}"
    height, width = sample.size
    dpi = sample.page.dpi
    files = {
        f"stamped/{name}.jpg": encode_jpeg(sample.stamped, jpeg_quality, dpi=dpi),
        f"clean/{name}.jpg": encode_jpeg(sample.clean, jpeg_quality, dpi=dpi),
        f"ink/{name}.png": _encode_layer(
            np.asarray(cv2.convertScaleAbs(sample.ink, alpha=255.0), np.uint8)
        ),  # rounds, saturates
    }
    seals: list[dict[str, Any]] = []
    cover = np.zeros((height, width), dtype=np.uint8)
    inked = np.zeros((height, width), dtype=np.uint8)
    for seal in sample.seals:
        full = seal.on_page(seal.full_mask, height, width)
        bbox = _mask_box(full)
        if bbox is None:
            continue
        visible = seal.on_page(seal.visible, height, width)
        stem = f"masks/{name}_{len(seals)}"
        files[f"{stem}_full.png"] = encode_mask(full)
        files[f"{stem}_visible.png"] = encode_mask(visible)
        lines = []
        for number, line in enumerate(seal.lines):
            crop_path = f"lines/{name}_{len(seals)}_{number}.png" if _lies_on(line, height, width) else None
            if crop_path:
                files[crop_path] = encode_png(unwarp_line(sample.stamped, line.polygon))
            lines.append(_line_row(line, crop_path))
        cv2.fillPoly(cover, [_fixed_point(seal.outline)], 1, shift=4)
        inked |= visible.view(np.uint8)
        seal_row = _seal_row(seal, bbox, stem, lines)
        if seal.reference is not None:
            seal_row["reference"] = f"references/{name}_{len(seals)}.jpg"
            files[seal_row["reference"]] = encode_jpeg(seal.reference, jpeg_quality, dpi=dpi)
        seals.append(seal_row)

    row: Row = {
        "file_name": f"stamped/{name}.jpg",
        "clean": f"clean/{name}.jpg",
        "ink": f"ink/{name}.png",
        "width": width,
        "height": height,
        "dpi": _number(dpi),
        "split": split,
        "seals": seals,
        "text": [
            {
                "text": box.text,
                "bbox": [_number(v) for v in box.bbox],
                "under_seal": _share(cover, box.bbox),
                "under_ink": _share(inked, box.bbox),
            }
            for box in sample.page.text
        ],
        "objects": {"bbox": [seal["bbox"] for seal in seals], "categories": [0] * len(seals)},
        "provenance": sample.provenance,
    }
    return EncodedSample(row, files)


def row_files(row: Row) -> list[str]:
    """Relative paths of all files that a row names. A dataset that came from another format may lack some: null."""
    paths = [row["file_name"], row["clean"], row["ink"]]
    for seal in row["seals"]:
        paths += [seal["mask_full"], seal["mask_visible"]]
        paths += [line["crop"] for line in seal["lines"]]
        paths.append(seal.get("reference"))
    return [path for path in paths if path]


def dump_row(row: Row) -> str:
    """One line of ``metadata.jsonl``, newline included."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def read_rows(dataset: Path) -> Iterator[Row]:
    """The rows of a dataset, one by one.

    Args:
        dataset: the folder that holds ``metadata.jsonl``.

    Raises:
        UsageError: no such dataset.
        Seal2RealError: a line is not a row, or a field is missing or of the wrong type; it names the line.
    """
    path = dataset / METADATA
    require_folder(dataset)
    if not path.is_file():
        raise UsageError(f"{dataset} is no dataset: it has no {METADATA}; make one with: seal2real generate {dataset}")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = parse_row(line)
                problem = next(iter(field_problems(row, converted=True)), None)
            except (ValueError, RecursionError) as error:
                problem = " ".join(str(error).split())
            if problem is not None:
                raise Seal2RealError(
                    f"{path}, line {number}: not a row of the native format ({problem}); see all that is wrong with: "
                    f"seal2real validate {dataset}"
                )
            yield row


def require_folder(dataset: Path) -> None:
    """Check that a dataset's folder is there.

    Raises:
        UsageError: it is not, or it is a URL: datasets are written to URLs, and read from folders.
    """
    if dataset.is_dir():
        return
    url = as_url(dataset)
    if url is not None:
        what = "copy the dataset to a folder and give that"
        if url.startswith("file:"):
            what = f"give its path: {url.removeprefix('file://')}"
        raise UsageError(f"{url} is a URL, and datasets are read from folders of this machine; {what}")
    if dataset.exists():
        raise UsageError(f"{dataset} is a file; give the folder of a dataset")
    raise UsageError(f"{dataset}: no such folder; give the folder of a dataset made by seal2real generate")


def load_sample(dataset: Path, row: Row, lines: bool = True) -> NativeSample:
    """The images of a row.

    Args:
        dataset: the folder.
        row: of its ``metadata.jsonl``.
        lines: read the crops of lines too; without, there are none.

    Raises:
        Seal2RealError: a file is missing or no image (it names the file), or the dataset came from a format that does
            not carry all of them.
    """
    absent = [name for name in ("clean", "ink") if not row[name]]
    absent += [name for seal in row["seals"] for name in ("mask_full", "mask_visible") if not seal[name]]
    if absent:
        raise Seal2RealError(
            f"{dataset}: {row['file_name']} has no {absent[0]}; the format that it was converted from does not carry it"
        )
    return NativeSample(
        row=row,
        stamped=_load(dataset / row["file_name"], cv2.IMREAD_COLOR_RGB),
        clean=_load(dataset / row["clean"], cv2.IMREAD_COLOR_RGB),
        ink=_load(dataset / row["ink"], cv2.IMREAD_GRAYSCALE),
        full=tuple(_load(dataset / seal["mask_full"], cv2.IMREAD_GRAYSCALE) > 127 for seal in row["seals"]),
        visible=tuple(_load(dataset / seal["mask_visible"], cv2.IMREAD_GRAYSCALE) > 127 for seal in row["seals"]),
        lines=tuple(
            tuple(
                _load(dataset / line["crop"], cv2.IMREAD_COLOR_RGB) if line["crop"] else None for line in seal["lines"]
            )
            for seal in (row["seals"] if lines else ())
        ),
    )


def load_reference(dataset: Path, seal: Mapping[str, Any]) -> Image:
    """The image ``uint8 [H, W, 3]`` of a seal's genuine impression, in a dataset made for verification.

    Raises:
        Seal2RealError: the seal has none, or the file is missing or damaged.
    """
    if not seal.get("reference"):
        raise Seal2RealError(f"{dataset}: a seal has no reference; generate the dataset with --authenticity")
    return _load(dataset / seal["reference"], cv2.IMREAD_COLOR_RGB)


def _seal_row(seal: PlacedSeal, bbox: list[int], stem: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": seal.kind,
        "colour": seal.colour,
        "bbox": bbox,
        "angle": _number(seal.angle),
        "polygon": _points(seal.outline),
        "mask_full": f"{stem}_full.png",
        "mask_visible": f"{stem}_visible.png",
        "lines": lines,
        "authenticity": seal.authenticity,
        "design": seal.design,
    }
    # what most seals lack is not written: a column of empty objects has no type for readers that infer it
    if seal.effects:
        row["effects"] = seal.effects
    if seal.reference is not None:
        row["genuine"] = seal.genuine
        row["altered"] = seal.altered
    return row


def _line_row(line: TextLine, crop: str | None) -> dict[str, Any]:
    return {
        "text": line.text,
        "role": line.role,
        "polygon": _points(line.polygon),
        "characters": [_points(quad) for quad in line.characters],
        "curved": line.curved,
        "crop": crop,
    }


def _load(path: Path, flags: int) -> Image:
    # Our own files, of a known kind; a user's images go through `seal2real.images` instead.
    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), flags)
    except FileNotFoundError:
        raise Seal2RealError(f"{path} is missing, yet {METADATA} names it; generate the dataset again") from None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise Seal2RealError(f"{path} is damaged; generate the dataset again")
    return np.asarray(pixels, dtype=np.uint8)


def encode_mask(mask: Mask) -> bytes:
    """1-bit PNG: full pages of it cost 5 ms and a few kilobytes."""
    flags = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 1]
    return cv2.imencode(".png", mask.view(np.uint8) * 255, flags)[1].tobytes()


def _encode_layer(layer: Image) -> bytes:
    """8-bit PNG at the fastest setting that still shrinks the empty parts to nothing."""
    flags = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    flags += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]  # the choice of filters takes four times as long
    return cv2.imencode(".png", layer, flags)[1].tobytes()


def _mask_box(mask: Mask) -> list[int] | None:
    """Tight box of a mask, None if it is empty."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    return [x, y, w, h] if w and h else None


def _lies_on(line: TextLine, height: int, width: int) -> bool:
    """Whether the whole line can be read on the image: every character's centre lies on it."""
    centres = np.array([quad.mean(axis=0) for quad in line.characters] or [line.polygon.mean(axis=0)])
    return bool((centres >= 0).all() and (centres < [width, height]).all())


def _share(layer: Image, bbox: tuple[float, float, float, float]) -> float:
    """Share of a box's area that a 0/1 layer covers, rounded to 2 decimals."""
    x, y, w, h = bbox
    window = layer[
        max(0, int(np.floor(y))) : max(0, int(np.ceil(y + h))), max(0, int(np.floor(x))) : max(0, int(np.ceil(x + w)))
    ]
    return round(cv2.countNonZero(window) / window.size, 2) if window.size else 0.0


def _fixed_point(polygon: Polygon) -> np.ndarray:
    """Points for cv2 with ``shift=4`` (1/16 px); its pixel centres are whole numbers, ours lie at a half."""
    return np.rint((np.asarray(polygon) - 0.5) * 16).astype(np.int32)


def _number(value: float) -> float:
    # Always a float: readers that infer a column's type from its first rows would stumble over a mixture.
    return round(float(value), 2) + 0.0  # no -0.0


def _points(points: Polygon) -> list[list[float]]:
    rounded: list[list[float]] = (np.asarray(points, np.float64).round(2) + 0.0).tolist()
    return rounded
