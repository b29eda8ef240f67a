"""Label validity: do the labels still say what the image shows?

Two questions. Does the labelled visible ink agree with the ink that can be measured, from the difference to the clean
twin and from the stamped image alone? And are the characters that a recogniser reads in a flat paste of the seal still
read in the image, so that realism did not eat the glyphs?
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.dataset.formats.native import NativeSample, Row, load_sample
from seal2real.dataset.unwarp import unwarp_line
from seal2real.errors import UsageError
from seal2real.physics.ink_measure import measure_ink
from seal2real.report.sources import paste_flat, paste_rng
from seal2real.sample import Image, Mask

Recogniser = Callable[[Image], str]
VISIBLE = 0.18  # absorbance of the darkest channel at which generated labels call ink visible
DARK_PRINT = 0.55  # share of the paper's light below which ink cannot be told from print
LINE_HEIGHT = 48  # pixels; what line recognisers are trained on


@dataclass(frozen=True)
class LabelValidity:
    """How well labels and images agree.

    Attributes:
        seals: how many seals were measured.
        iou_clean: mean IoU of the labelled visible ink with the ink measured from stamped against clean.
        iou_clean_low: 10th percentile of it.
        iou_stamped: mean IoU with the ink measured from the stamped image alone; dark print is left out.
        characters: characters in the labels of the lines that were read.
        read_pasted, read_forged: characters read in the flat paste, and in the image; None without a recogniser.
        kept: share of those read in the paste that are still read in the image; None without a recogniser, or if
            nothing was read.
    """

    seals: int
    iou_clean: float
    iou_clean_low: float
    iou_stamped: float
    characters: int = 0
    read_pasted: int | None = None
    read_forged: int | None = None
    kept: float | None = None


def iou(first: Mask, second: Mask, where: Mask | None = None) -> float:
    """Intersection over union of two masks, within ``where``; 1 if both are empty."""
    if where is not None:
        first, second = first & where, second & where
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def ink_agreement(sample: NativeSample, number: int) -> tuple[float, float] | None:
    """IoU of labelled and measured ink around one seal.

    Ink of other seals that reach into the window counts as well, on both sides. For an impression, ink measured
    against the clean twin is what absorbs at least `VISIBLE`, as the label is defined; for a flat paste, the threshold
    is found in the image.

    Returns:
        (against the clean twin, from the stamped image alone), or None if the seal leaves no window to measure in.
    """
    seal = sample.row["seals"][number]
    x, y, w, h = (round(v) for v in seal["bbox"])
    margin = round(0.1 * max(w, h))
    rows = slice(max(0, y - margin), y + h + margin)
    columns = slice(max(0, x - margin), x + w + margin)
    stamped, clean = sample.stamped[rows, columns], sample.clean[rows, columns]
    if min(stamped.shape[:2]) < 24:
        return None
    labelled = np.any([mask[rows, columns] for mask in sample.visible], axis=0)
    if not labelled.any():
        return None
    stamped, clean = np.ascontiguousarray(stamped), np.ascontiguousarray(clean)
    fixed = VISIBLE if seal.get("authenticity") == "impression" else None
    against_clean = measure_ink(stamped, clean, threshold=fixed).mask
    paper = np.percentile(clean.reshape(-1, 3), 90, axis=0) + 1.0
    dark = (clean / paper).max(axis=2) < DARK_PRINT
    bare = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    alone = measure_ink(stamped)
    # The label of a paste ends at half coverage, that of an impression where ink fades out: so does the measurement.
    from_stamped = alone.mask if fixed is not None else alone.mask & (alone.strength > alone.threshold)
    return iou(labelled, against_clean, bare), iou(labelled, from_stamped, bare)


def characters_read(truth: str, reading: str) -> npt.NDArray[np.bool_]:
    """Which characters of ``truth`` are found in ``reading``, in order: ``bool [len(truth)]``."""
    found = np.zeros(len(truth), bool)
    for block in SequenceMatcher(None, truth, reading, autojunk=False).get_matching_blocks():
        found[block.a : block.a + block.size] = True
    return found


def rapidocr_recogniser() -> Recogniser:
    """The line recogniser of rapidocr (PP-OCR), offline.

    Raises:
        UsageError: rapidocr is not installed.
    """
    try:
        from rapidocr import RapidOCR
    except ImportError:
        raise UsageError(
            "reading the seals again needs rapidocr; install it with: pip install 'seal2real[ocr]'"
        ) from None
    engine = RapidOCR(params={"Global.log_level": "critical"})
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)

    def read(line: Image) -> str:
        result: Any = engine(np.ascontiguousarray(line[..., ::-1]), use_det=False, use_cls=False, use_rec=True)
        return "".join(result.txts or ())

    return read


def label_validity(
    dataset: Path, rows: Sequence[Row], recogniser: Recogniser | None = None, max_lines: int = 150
) -> LabelValidity:
    """Measure the labels of a native dataset.

    Args:
        dataset: its folder.
        rows: the rows to look at.
        recogniser: reads an unwarped line; None leaves the reading out.
        max_lines: at most this many lines are read, in order.
    """
    agreements: list[tuple[float, float]] = []
    characters = pasted_count = forged_count = both = lines = 0
    for row in rows:
        sample = load_sample(dataset, row)
        for number in range(len(row["seals"])):
            agreement = ink_agreement(sample, number)
            if agreement is not None:
                agreements.append(agreement)
        if recogniser is None or lines >= max_lines:
            continue
        flat = paste_flat(sample.clean, sample.full, [seal["colour"] for seal in row["seals"]], paste_rng(row))
        for line in (line for seal in row["seals"] for line in seal["lines"]):
            if not line["crop"] or not line["text"] or lines >= max_lines:
                continue
            polygon = np.asarray(line["polygon"], dtype=np.float32)
            in_paste, in_image = (
                characters_read(line["text"], recogniser(unwarp_line(image, polygon, height=LINE_HEIGHT)))
                for image in (flat, sample.stamped)
            )
            lines += 1
            characters += len(line["text"])
            pasted_count += int(in_paste.sum())
            forged_count += int(in_image.sum())
            both += int((in_paste & in_image).sum())
    values = np.array(agreements) if agreements else np.zeros((0, 2))
    mean = values.mean(axis=0) if len(values) else np.array([np.nan, np.nan])
    return LabelValidity(
        seals=len(values),
        iou_clean=float(mean[0]),
        iou_clean_low=float(np.percentile(values[:, 0], 10)) if len(values) else float("nan"),
        iou_stamped=float(mean[1]),
        characters=characters,
        read_pasted=pasted_count if recogniser else None,
        read_forged=forged_count if recogniser else None,
        kept=both / pasted_count if recogniser and pasted_count else None,
    )
