"""Label validity: do the labels still say what the image shows?

Two questions. Does the labelled visible ink agree with the ink that can be measured, from the difference to the clean
twin and from the stamped image alone? And are the characters that a recogniser reads in a flat paste of the seal still
read in the image, so that realism did not eat the glyphs?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from seal2real.dataset.formats.native import NativeSample, Row, load_sample
from seal2real.dataset.unwarp import unwarp_line
from seal2real.physics.ink_measure import measure_ink
from seal2real.report.sources import paste_flat, paste_rng
from seal2real.sample import Image, Mask, Polygon, Sample
from seal2real.tasks.measures import characters_read
from seal2real.tasks.pp_ocr import ready_recogniser

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
        iou_clean_core, iou_stamped_core: the same without one pixel on either side of the measured edge.
        characters: characters in the labels of the lines that were read.
        read_pasted, read_forged: characters read in the flat paste, and in the image; None without a recogniser.
        kept: share of those read in the paste that are still read in the image; None without a recogniser, or if
            nothing was read.
    """

    seals: int
    iou_clean: float
    iou_clean_low: float
    iou_stamped: float
    iou_clean_core: float
    iou_stamped_core: float
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


@dataclass(frozen=True)
class InkAgreement:
    """IoU of labelled and measured ink around one seal, 0..1.

    Attributes:
        clean: against the ink measured from stamped and clean together.
        stamped: against the ink measured from the stamped image alone.
        clean_core, stamped_core: the same without one pixel on either side of the measured edge, which no measurement
            places better than that.
    """

    clean: float
    stamped: float
    clean_core: float
    stamped_core: float


def ink_agreement(sample: NativeSample, number: int) -> InkAgreement | None:
    """Agreement of label and image around one seal of a dataset; None if the seal leaves no window to measure in."""
    seal = sample.row["seals"][number]
    labelled = np.any(sample.visible, axis=0)
    return mask_agreement(
        sample.stamped, sample.clean, labelled, seal["bbox"], seal.get("authenticity") == "impression"
    )


def mask_agreement(
    stamped: Image, clean: Image, labelled: Mask, bbox: Sequence[float], impression: bool
) -> InkAgreement | None:
    """Agreement of a labelled mask with the ink that can be measured, in a box and a little around it.

    Ink of other seals that reach into the window counts as well, on both sides. Dark print is left out. For an
    impression, ink measured against the clean twin is what absorbs at least `VISIBLE`, as the label is defined; for a
    flat paste, the threshold is found in the image.

    Args:
        stamped: ``uint8 [H, W, 3]``.
        clean: its clean twin, of the same shape.
        labelled: ``bool [H, W]``: visible ink of all seals.
        bbox: x, y, width, height of the seal in pixels.
        impression: whether it was made to look real.

    Returns:
        The agreement, or None if the box leaves no window to measure in, or nothing is labelled there.
    """
    x, y, w, h = (round(v) for v in bbox)
    margin = round(0.1 * max(w, h))
    rows = slice(max(0, y - margin), max(0, y + h + margin))
    columns = slice(max(0, x - margin), max(0, x + w + margin))
    stamped, clean = np.ascontiguousarray(stamped[rows, columns]), np.ascontiguousarray(clean[rows, columns])
    labelled = labelled[rows, columns]
    if min(stamped.shape[:2]) < 24 or not labelled.any():
        return None
    fixed = VISIBLE if impression else None
    against_clean = measure_ink(stamped, clean, threshold=fixed).mask
    paper = np.percentile(clean.reshape(-1, 3), 90, axis=0) + 1.0
    dark = (clean / paper).max(axis=2) < DARK_PRINT
    bare = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    alone = measure_ink(stamped)
    # The label of a paste ends at half coverage, that of an impression where ink fades out: so does the measurement.
    from_stamped = alone.mask if impression else alone.mask & (alone.strength > alone.threshold)
    return InkAgreement(
        iou(labelled, against_clean, bare),
        iou(labelled, from_stamped, bare),
        iou(labelled, against_clean, bare & ~_edge(against_clean)),
        iou(labelled, from_stamped, bare & ~_edge(from_stamped)),
    )


def _edge(mask: Mask) -> Mask:
    """One pixel on either side of a mask's edge."""
    plain, kernel = mask.astype(np.uint8), np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(plain, kernel) != cv2.erode(plain, kernel))


def rapidocr_recogniser() -> Recogniser:
    """The line recogniser of rapidocr (PP-OCR), offline.

    Raises:
        UsageError: rapidocr is not installed.
    """
    read = ready_recogniser()
    return lambda line: read(line)[0]


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
    tally = _Tally(recogniser, max_lines)
    for row in rows:
        sample = load_sample(dataset, row)
        for number in range(len(row["seals"])):
            tally.measure(ink_agreement(sample, number))
        if not tally.reads:
            continue
        flat = paste_flat(sample.clean, sample.full, [seal["colour"] for seal in row["seals"]], paste_rng(row))
        for line in (line for seal in row["seals"] for line in seal["lines"]):
            if line["crop"]:
                tally.read(line["text"], np.asarray(line["polygon"], dtype=np.float32), flat, sample.stamped)
    return tally.result()


def sample_validity(
    pasted: Sequence[Sample], made: Sequence[Sample], recogniser: Recogniser | None = None, max_lines: int = 150
) -> LabelValidity:
    """Measure the labels of samples in memory.

    Args:
        pasted: as composed flat; what is read in them is what could be read.
        made: the same samples, forged.
        recogniser: reads an unwarped line; None leaves the reading out.
        max_lines: at most this many lines are read, in order; those that run off the image are left out.
    """
    tally = _Tally(recogniser, max_lines)
    for flat, sample in zip(pasted, made, strict=True):
        height, width = sample.size
        labelled = np.zeros((height, width), bool)
        for seal in sample.seals:
            labelled |= seal.on_page(seal.visible, height, width)
        for seal in sample.seals:
            window = seal.window(height, width)
            if window is not None:
                rows, columns = window[0]
                box = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
                impression = seal.authenticity == "impression"
                tally.measure(mask_agreement(sample.stamped, sample.clean, labelled, box, impression))
            for line in seal.lines:
                if (line.polygon >= 0).all() and (line.polygon <= (width, height)).all():
                    tally.read(line.text, line.polygon, flat.stamped, sample.stamped)
    return tally.result()


class _Tally:
    """Counts of what was measured and read."""

    def __init__(self, recogniser: Recogniser | None, max_lines: int):
        self.recogniser, self.max_lines = recogniser, max_lines
        self.agreements: list[InkAgreement] = []
        self.lines = self.characters = self.pasted = self.forged = self.both = 0

    @property
    def reads(self) -> bool:
        """Whether more lines are wanted."""
        return self.recogniser is not None and self.lines < self.max_lines

    def measure(self, agreement: InkAgreement | None) -> None:
        if agreement is not None:
            self.agreements.append(agreement)

    def read(self, text: str, polygon: Polygon, flat: Image, image: Image) -> None:
        text = "".join(text.split())  # spaces are no glyphs: OCR sets them by the gaps
        if self.recogniser is None or not self.reads or not text:
            return
        in_paste, in_image = (
            characters_read(text, "".join(self.recogniser(unwarp_line(each, polygon, height=LINE_HEIGHT)).split()))
            for each in (flat, image)
        )
        self.lines += 1
        self.characters += len(text)
        self.pasted += int(in_paste.sum())
        self.forged += int(in_image.sum())
        self.both += int((in_paste & in_image).sum())

    def result(self) -> LabelValidity:
        found = [[a.clean, a.stamped, a.clean_core, a.stamped_core] for a in self.agreements]
        values = np.array(found) if found else np.full((1, 4), np.nan)
        mean = [float(value) for value in values.mean(axis=0)]
        reads = self.recogniser is not None
        return LabelValidity(
            seals=len(found),
            iou_clean=mean[0],
            iou_clean_low=float(np.percentile(values[:, 0], 10)),
            iou_stamped=mean[1],
            iou_clean_core=mean[2],
            iou_stamped_core=mean[3],
            characters=self.characters,
            read_pasted=self.pasted if reads else None,
            read_forged=self.forged if reads else None,
            kept=self.both / self.pasted if reads and self.pasted else None,
        )
