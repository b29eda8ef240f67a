"""Segmenters, readers and removers on trial: on real labelled scans, and on the controlled set. Each trial gives plain
figures by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.labelled_scans import LabelledScan
from seal2real.sample import Box, Image, Sample
from seal2real.tasks.line_images import normalised
from seal2real.tasks.measures import (
    average_precision,
    box_iou,
    box_within,
    characters_read,
    grouped,
    mask_agreement,
    matched,
    psnr,
    reading,
    ssim,
)
from seal2real.tasks.read import SealReader
from seal2real.tasks.recognise import Recogniser
from seal2real.tasks.segment import Segmenter, ink_of

Figures = dict[str, Any]
_LEGIBLE = 200  # pixels across, from which on a seal's lines are to be read
_COVERED = 0.12  # share of a character's box that is ink, from which on it counts as under it


def segment_trial(segmenter: Segmenter, scans: Sequence[LabelledScan], papers: Sequence[Image] = ()) -> Figures:
    """Ink and boxes on real seals; false alarms on papers without any.

    Args:
        segmenter: on trial.
        scans: real seals; those without a mask count for the boxes alone.
        papers: without a seal.

    Returns:
        ``iou`` and ``f1``: means over collections (black seals apart: ``iou_black``); ``iou_each``; ``ap``, ``ap50``;
        ``found``: share of the seals whose box is met with IoU 0.5; ``false_alarms``: seals found per paper.
    """
    boxes, truths, sizes = [], [], []
    rows: list[tuple[LabelledScan, float, float]] = []
    hits = 0
    for scan in scans:
        seals = segmenter.segment(scan.image, 0.05)
        height, width = scan.image.shape[:2]
        boxes.append([(seal.bbox, seal.confidence) for seal in seals])
        low, high = scan.outline.min(0), scan.outline.max(0)
        truth = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
        truths.append([truth])
        sizes.append((height, width))
        sure = [seal for seal in seals if seal.confidence >= 0.5]
        hits += any(box_iou(seal.bbox, truth) >= 0.5 for seal in sure)
        if scan.ink is not None:
            agreement = mask_agreement(ink_of(sure, height, width), scan.ink, scan.counted)
            rows.append((scan, agreement.iou, agreement.f1))
    coloured = [row for row in rows if row[0].colour != "black"]
    black = [row for row in rows if row[0].colour == "black"]
    iou, each = grouped([row[1] for row in coloured], [row[0].collection for row in coloured])
    f1, _ = grouped([row[2] for row in coloured], [row[0].collection for row in coloured])
    alarms = [len(segmenter.segment(paper)) for paper in papers]
    return {
        "iou": iou,
        "f1": f1,
        "iou_images": float(np.mean([row[1] for row in coloured])) if coloured else None,
        "iou_black": grouped([row[1] for row in black], [row[0].collection for row in black])[0] if black else None,
        "iou_each": {row[0].name: round(row[1], 4) for row in rows},
        "iou_collections": dict(each),
        "found": hits / max(1, len(scans)),
        **average_precision(boxes, truths, sizes),
        "false_alarms": float(np.mean(alarms)) if alarms else None,
    }


def segment_controlled(segmenter: Segmenter, samples: Sequence[Sample]) -> Figures:
    """The same on the controlled set, whose masks are exact: ``iou``, ``ap``, ``ap50``, ``ap75``, ``false_alarms``."""
    boxes, truths, sizes, ious, alarms = [], [], [], [], []
    for sample in samples:
        seals = segmenter.segment(sample.stamped, 0.05)
        sure = [seal for seal in seals if seal.confidence >= 0.5]
        if not sample.seals:
            alarms.append(len(sure))
            continue
        ious.append(mask_agreement(ink_of(sure, *sample.size), sample.mask).iou)
        boxes.append([(seal.bbox, seal.confidence) for seal in seals])
        truths.append([box_within(seal.outline, sample.size) for seal in sample.seals])
        sizes.append(sample.size)
    found = average_precision(boxes, truths, sizes)
    return {
        "iou": float(np.mean(ious)), **found, "false_alarms": float(np.mean(alarms)) if alarms else None,
    }  # fmt: skip


def read_trial(reader: SealReader, scans: Sequence[LabelledScan]) -> Figures:
    """Lines of real seals that are known for sure, compared without white space.

    Returns:
        ``right`` (share of lines read exactly), ``error`` (CER) and ``lines`` of all; ``legible``: the same of round
        seals at least 200 pixels across; ``each``: what was read for what.
    """
    everything: list[tuple[str, str]] = []
    legible: list[tuple[str, str]] = []
    each: dict[str, list[tuple[str, str]]] = {}
    for scan in scans:
        if not scan.lines:
            continue
        found = reader.read(scan.image)
        lines = [normalised(line.text) for seal in found for line in seal.lines]
        pairs = matched(lines, [normalised(line) for line in scan.lines])
        each[scan.name] = pairs
        everything += pairs
        sides = np.sort(np.ptp(scan.outline, axis=0))
        if sides[1] >= _LEGIBLE and sides[1] < 1.15 * sides[0] and scan.colour != "black":
            legible += pairs
    whole, part = reading(everything), reading(legible)
    return {
        "right": whole.right,
        "error": whole.error,
        "lines": whole.lines,
        "legible": {"right": part.right, "error": part.error, "lines": part.lines},
        "each": each,
    }


def read_controlled(reader: SealReader, samples: Sequence[Sample]) -> Figures:
    """``right``, ``error`` and ``lines`` on the controlled set, of lines that lie wholly on the image."""
    pairs: list[tuple[str, str]] = []
    for sample in samples:
        height, width = sample.size
        wanted = [
            normalised(line.text)
            for seal in sample.seals
            for line in seal.lines
            if normalised(line.text) and (line.polygon >= 0).all() and (line.polygon <= (width, height)).all()
        ]
        lines = [normalised(line.text) for seal in reader.read(sample.stamped) for line in seal.lines]
        pairs += matched(lines, wanted)
    found = reading(pairs)
    return {"right": found.right, "error": found.error, "lines": found.lines}


def remove_controlled(
    ways: dict[str, Callable[[Sample], Image]], samples: Sequence[Sample], recogniser: Recogniser | None
) -> dict[str, Figures]:
    """Ways to take seals off, on the controlled set.

    Args:
        ways: name to a function from a sample to the page without seals; "raw" and "clean" are added.
        samples: with text under their seals.
        recogniser: reads the page's lines; None leaves the reading out.

    Returns:
        For each way ``psnr`` and ``ssim`` where there is ink and close to it; ``characters``: share of the page's
        characters under ink that are read.
    """
    every = {"raw": lambda s: s.stamped, **ways, "clean": lambda s: s.clean}
    figures: dict[str, Figures] = {}
    for name, way in every.items():
        quality, likeness, right, total = [], [], 0, 0
        for sample in samples:
            if not sample.mask.any():
                continue
            image = way(sample)
            near = cv2.dilate(sample.mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
            quality.append(psnr(image, sample.clean, near))
            likeness.append(ssim(image, sample.clean, near))
            if recogniser is not None:
                got, of = characters_under_seals(image, sample, recogniser)
                right, total = right + got, total + of
        figures[name] = {
            "psnr": float(np.mean(quality)),
            "ssim": float(np.mean(likeness)),
            "characters": right / total if total else None,
            "of": total,
        }
    return figures


def characters_under_seals(image: Image, sample: Sample, recogniser: Recogniser) -> tuple[int, int]:
    """How many of the page's characters that have ink on them are read, and how many there are.

    Each line of the page's text is read whole; of its characters those count whose box holds enough ink.
    """
    ink = np.asarray(cv2.integral(sample.mask.astype(np.uint8)), np.int32)
    height, width = sample.size
    right = total = 0
    for box in sample.page.text:
        x, y, w, h = box.bbox
        rows, columns = slice(max(0, int(y) - 2), int(y + h) + 3), slice(max(0, int(x) - 2), int(x + w) + 3)
        if h < 8 or not box.characters or image[rows, columns].size == 0:
            continue
        covered = [_ink_share(ink, character, (height, width)) >= _COVERED for character in box.characters]
        if not any(covered):
            continue
        read = normalised(recogniser(np.ascontiguousarray(image[rows, columns]))[0])
        kept = [(normalised(c), over) for c, over in zip(box.text, covered, strict=True) if normalised(c)]
        found = characters_read("".join(c[:1] for c, _ in kept), read)
        right += int(sum(bool(hit) for hit, (_, over) in zip(found, kept, strict=True) if over))
        total += sum(over for _, over in kept)
    return right, total


def _ink_share(integral: npt.NDArray[np.int32], box: Box, size: tuple[int, int]) -> float:
    """Share of a box that is ink."""
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(size[1], int(np.ceil(box[0] + box[2]))), min(size[0], int(np.ceil(box[1] + box[3])))
    if x1 <= x0 or y1 <= y0:
        return 0.0
    inside = integral[y1, x1] - integral[y0, x1] - integral[y1, x0] + integral[y0, x0]
    return float(inside) / ((x1 - x0) * (y1 - y0))
