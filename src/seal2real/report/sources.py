"""Where the compared seals come from: a folder of real images, a labelled real set, a generated dataset."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.formats.native import METADATA, Row, load_sample, read_rows
from seal2real.dataset.labelled_scans import LABELS, labelled_scans
from seal2real.errors import Seal2RealError
from seal2real.physics.ink_measure import measure_ink
from seal2real.press.inks import random_ink
from seal2real.prior.real import RealCrop, RealCrops
from seal2real.report.protocol import SealCrop
from seal2real.sample import Image, Polygon
from seal2real.seeding import rng_for

MARGIN = 0.12  # room around a seal, as a share of its diameter


def crop_seal(
    image: Image, outline: Polygon, source: str, collection: str = "", colour: str | None = None
) -> SealCrop | None:
    """Cut one seal from its surroundings and measure its ink.

    Args:
        image: ``uint8 [H, W, 3]``.
        outline: ``[n, 2]`` the seal's outer polygon in pixels; what is outside counts as no ink.
        source: the document.
        collection: where the document comes from; empty means the document itself.
        colour: colour class if it is known, else the measured one.

    Returns:
        The crop, or None if no ink can be measured, or less than half of the seal lies on the image.
    """
    height, width = image.shape[:2]
    outline = np.asarray(outline, dtype=np.float32)
    diameter = float(max(cv2.minAreaRect(outline)[1]))
    margin = MARGIN * diameter
    low, high = outline.min(axis=0) - margin, outline.max(axis=0) + margin
    left, top = (int(v) for v in np.maximum(np.floor(low), 0))
    right, bottom = (int(v) for v in np.minimum(np.ceil(high), (width, height)))
    if right - left < 16 or bottom - top < 16 or (right - left) * (bottom - top) < 0.5 * float(np.prod(high - low)):
        return None
    part = np.ascontiguousarray(image[top:bottom, left:right])
    ink = measure_ink(part)
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(outline - (left, top)).astype(np.int32)], 1)
    reach = max(3, round(0.02 * diameter)) | 1
    mask = ink.mask & (cv2.dilate(inside, np.ones((reach, reach), np.uint8)) > 0)
    if mask.sum() < 30:
        return None
    return SealCrop(part, mask, colour or ink.colour, diameter, source, collection or source)


def real_seals(folder: Path, black: bool = True) -> list[SealCrop]:
    """The real seals of a folder.

    If a ``labels.json`` lies in it or beside it (a list of ``{name, source, repo, colour, seal}``), seals are cut by
    the given outlines, and ``repo`` is the collection; otherwise they are found as for training, and each file stands
    for itself.

    Args:
        folder: images, or a labelled set with an ``images/`` folder.
        black: whether to keep black and grey seals.

    Raises:
        Seal2RealError: no usable seal.
    """
    labels = next((place / LABELS for place in (folder, folder.parent) if (place / LABELS).is_file()), None)
    crops = labelled_seals(labels) if labels else [from_real(crop) for crop in RealCrops.from_folder(folder).crops]
    crops = [crop for crop in crops if black or crop.colour != "black"]
    if not crops:
        raise Seal2RealError(f"{folder}: no usable seal in it; give scans of stamped documents")
    return crops


def from_real(crop: RealCrop) -> SealCrop:
    """A found real seal as a crop to compare: cut to the same margin as all others."""
    x, y, w, h = crop.seal_box
    margin = MARGIN * crop.diameter
    rows = slice(max(0, int(y - margin)), int(np.ceil(y + h + margin)))
    columns = slice(max(0, int(x - margin)), int(np.ceil(x + w + margin)))
    return SealCrop(
        crop.image[rows, columns], crop.mask[rows, columns], crop.colour, crop.diameter, crop.group, crop.group
    )


def labelled_seals(labels: Path) -> list[SealCrop]:
    """The seals of a ``labels.json`` (see `real_seals`); entries with ``mask_ok`` false are left out.

    Raises:
        Seal2RealError: the file is no such list, or an image is missing.
    """
    scans = [scan for scan in labelled_scans(labels.parent) if scan.trusted]
    crops = [crop_seal(scan.image, scan.outline, scan.source, scan.collection) for scan in scans]
    return [crop for crop in crops if crop is not None]


def dataset_rows(dataset: Path, limit: int, rng: np.random.Generator) -> list[Row]:
    """At most ``limit`` rows that hold seals, drawn at random, in their own order.

    Raises:
        Seal2RealError: there is none.
    """
    rows = [row for row in read_rows(dataset) if row["seals"]]
    if not rows:
        raise Seal2RealError(f"{dataset / METADATA}: no sample with a seal; generate some first")
    if len(rows) > limit:
        rows = [rows[i] for i in sorted(rng.choice(len(rows), limit, replace=False))]
    return rows


def generated_seals(dataset: Path, rows: Sequence[Row]) -> tuple[list[SealCrop], list[SealCrop]]:
    """The seals of a native dataset, as they are and as flat pastes.

    Returns:
        (stamped, pasted): crops of the stamped images, and of the same seals laid flat on the clean twins.
    """
    stamped: list[SealCrop] = []
    pasted: list[SealCrop] = []
    for row in rows:
        sample = load_sample(dataset, row)
        flat = paste_flat(sample.clean, sample.full, [seal["colour"] for seal in row["seals"]], paste_rng(row))
        source = str(row["file_name"])
        for seal in row["seals"]:
            outline = np.asarray(seal["polygon"], dtype=np.float32)
            for image, crops in ((sample.stamped, stamped), (flat, pasted)):
                crop = crop_seal(image, outline, source, colour=seal["colour"])
                if crop is not None:
                    crops.append(crop)
    return stamped, pasted


def paste_rng(row: Row) -> np.random.Generator:
    """The random stream for the flat paste of one sample: the same wherever it is pasted again."""
    return rng_for(0, zlib.crc32(str(row["file_name"]).encode()), "paste")


def paste_flat(
    clean: Image, masks: Sequence[npt.NDArray[np.bool_]], colours: Sequence[str], rng: np.random.Generator
) -> Image:
    """Lay seals flat onto a clean page: ``page * exp(-mask * A)`` with inks of the given colour classes.

    Args:
        clean: ``uint8 [H, W, 3]``.
        masks: ``bool [H, W]`` per seal. A seal's edge is softened by half a pixel, as antialiased drawing has it.
        colours: colour class per seal.
        rng: draws the ink within its class.
    """
    total = np.zeros(clean.shape, np.float32)
    for mask, colour in zip(masks, colours, strict=True):
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        window = slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2)
        _, ink = random_ink(rng, colour)
        soft = cv2.GaussianBlur(mask[window].astype(np.float32), (0, 0), 0.5)
        total[window] += soft[..., None] * ink
    return np.clip(clean * np.exp(-total) + 0.5, 0, 255).astype(np.uint8)
