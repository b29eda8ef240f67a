"""What the tasks are measured by. Pure functions of answers and truths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from seal2real.errors import UsageError
from seal2real.sample import Box, Image, Mask, Polygon

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MaskAgreement:
    """Of a found and a true mask, each 0..1."""

    iou: float
    precision: float
    recall: float
    f1: float


def mask_agreement(found: Mask, truth: Mask, counted: Mask | None = None) -> MaskAgreement:
    """IoU, precision, recall and F1 of pixels, all 1 if both masks are empty.

    Args:
        found: ``bool [H, W]``.
        truth: ``bool [H, W]``.
        counted: pixels that count; None for all.
    """
    if counted is not None:
        found, truth = found & counted, truth & counted
    both, either = int((found & truth).sum()), int((found | truth).sum())
    if either == 0:
        return MaskAgreement(1.0, 1.0, 1.0, 1.0)
    precision = both / max(1, int(found.sum()))
    recall = both / max(1, int(truth.sum()))
    return MaskAgreement(both / either, precision, recall, 2 * both / (int(found.sum()) + int(truth.sum())))


def box_within(outline: Polygon, size: tuple[int, int]) -> Box:
    """The box of what an outline ``[n, 2]`` covers of an image of (height, width), in pixels."""
    low, high = (np.clip(corner, 0, (size[1], size[0])) for corner in (outline.min(0), outline.max(0)))
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def box_iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    across = max(0.0, min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0]))
    down = max(0.0, min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1]))
    both = across * down
    return both / max(first[2] * first[3] + second[2] * second[3] - both, 1e-6)


def average_precision(
    found: Sequence[Sequence[tuple[Box, float]]], truth: Sequence[Sequence[Box]], sizes: Sequence[tuple[int, int]]
) -> dict[str, float]:
    """COCO's average precision of boxes by pycocotools: ``ap`` (mean over IoU 0.50 to 0.95), ``ap50``, ``ap75``.

    Args:
        found: per image, boxes with their confidence.
        truth: per image, boxes.
        sizes: per image, (height, width).

    Raises:
        UsageError: pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise UsageError(
            "average precision needs pycocotools; install it with: pip install 'seal2real[formats]'"
        ) from None
    import contextlib
    import io

    images = [{"id": number, "height": size[0], "width": size[1]} for number, size in enumerate(sizes, 1)]
    annotations: list[dict[str, Any]] = []
    for number, boxes in enumerate(truth, 1):
        for box in boxes:
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": list(box),
                "area": box[2] * box[3], "iscrowd": 0,
            })  # fmt: skip
    results = [
        {"image_id": number, "category_id": 1, "bbox": list(box), "score": score}
        for number, boxes in enumerate(found, 1)
        for box, score in boxes
    ]
    if not results or not annotations:
        perfect = float(not results and not annotations)
        return {"ap": perfect, "ap50": perfect, "ap75": perfect}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"info": {}, "images": images, "annotations": annotations, "categories": [{"id": 1, "name": ""}]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ap, ap50, ap75 = (float(value) for value in evaluation.stats[:3])
    return {"ap": ap, "ap50": ap50, "ap75": ap75}


def auc(scores: Scores, truth: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve (the chance that a true one scores above a false one); NaN without both."""
    many, few = int(truth.sum()), int((~truth).sum())
    if not many or not few:
        return float("nan")
    return float((rankdata(scores)[truth].sum() - many * (many + 1) / 2) / (many * few))


def equal_error_rate(scores: Scores, truth: npt.NDArray[np.bool_]) -> float:
    """Rate at which as many false ones pass as true ones are refused, between the thresholds next to it; NaN without
    both."""
    if truth.all() or not truth.any():
        return float("nan")
    thresholds = np.concatenate((np.unique(scores), [np.inf]))
    refused = np.array([(scores[truth] < threshold).mean() for threshold in thresholds])
    passed = np.array([(scores[~truth] >= threshold).mean() for threshold in thresholds])
    apart = refused - passed
    after = int(np.argmax(apart >= 0))
    if after == 0:
        return float((refused[0] + passed[0]) / 2)
    share = -apart[after - 1] / max(apart[after] - apart[after - 1], 1e-12)
    return float(passed[after - 1] + share * (passed[after] - passed[after - 1]))


def edit_distance(read: str, truth: str) -> int:
    """Levenshtein's: characters to insert, delete or exchange."""
    previous = np.arange(len(truth) + 1)
    for row, character in enumerate(read, 1):
        exchanged = previous[:-1] + np.array([character != other for other in truth], int)
        current = np.concatenate(([row], np.minimum(exchanged, previous[1:] + 1)))
        # insertions run along the row
        current = np.minimum.accumulate(current - np.arange(len(current))) + np.arange(len(current))
        previous = current
    return int(previous[-1])


def characters_read(truth: str, reading: str) -> npt.NDArray[np.bool_]:
    """Which characters of ``truth`` are found in ``reading``, in order: ``bool [len(truth)]``."""
    found = np.zeros(len(truth), bool)
    for block in SequenceMatcher(None, truth, reading, autojunk=False).get_matching_blocks():
        found[block.a : block.a + block.size] = True
    return found


@dataclass(frozen=True)
class Reading:
    """How well lines were read.

    Attributes:
        lines: true ones.
        right: share of them that were read exactly.
        error: character error rate: edits by true characters; lines that were not found count whole.
    """

    lines: int
    right: float
    error: float


def reading(pairs: Sequence[tuple[str, str]]) -> Reading:
    """Of (read, true) texts, compared as they are; NaN without any."""
    if not pairs:
        return Reading(0, float("nan"), float("nan"))
    edits = sum(edit_distance(read, truth) for read, truth in pairs)
    right = sum(read == truth for read, truth in pairs)
    return Reading(len(pairs), right / len(pairs), edits / max(1, sum(len(truth) for _, truth in pairs)))


def matched(read: Sequence[str], truth: Sequence[str]) -> list[tuple[str, str]]:
    """Each true line with the line that was read for it: those that need the fewest edits together; "" if none."""
    from scipy.optimize import linear_sum_assignment

    if not read or not truth:
        return [("", line) for line in truth]
    cost = np.array([[edit_distance(line, wanted) - len(wanted) for line in read] for wanted in truth])
    rows, columns = linear_sum_assignment(np.minimum(cost, 0))
    found = {int(row): read[int(column)] for row, column in zip(rows, columns, strict=True) if cost[row, column] < 0}
    return [(found.get(number, ""), wanted) for number, wanted in enumerate(truth)]


def psnr(image: Image, truth: Image, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, at most 99, of images ``uint8 [H, W, 3]``, where ``bool [H, W]`` says."""
    error = (image.astype(np.float64) - truth) ** 2
    mean = float(error.mean() if where is None else error[where].mean() if where.any() else 0.0)
    return 99.0 if mean <= 255**2 / 10**9.9 else 10 * float(np.log10(255**2 / mean))


def ssim(image: Image, truth: Image, where: Mask | None = None) -> float:
    """Structural similarity of the luma of images ``uint8 [H, W, 3]`` (Wang et al. 2004: Gaussian window of 1.5 pixels,
    K 0.01 and 0.03), the mean over ``where``, ``bool [H, W]``."""
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float64) for each in (image, truth))

    def blurred(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = blurred(first), blurred(second)
    var_a, var_b = blurred(first**2) - mean_a**2, blurred(second**2) - mean_b**2
    both = blurred(first * second) - mean_a * mean_b
    index = ((2 * mean_a * mean_b + one) * (2 * both + two)) / ((mean_a**2 + mean_b**2 + one) * (var_a + var_b + two))
    return float(index.mean() if where is None else index[where].mean() if where.any() else 1.0)


def grouped(values: Sequence[float], groups: Sequence[str]) -> tuple[float, Mapping[str, float]]:
    """The mean over groups, so that a large one does not outweigh the others, and each group's own mean."""
    names = list(dict.fromkeys(groups))
    means = {name: float(np.mean([v for v, g in zip(values, groups, strict=True) if g == name])) for name in names}
    return float(np.mean(list(means.values()))) if means else float("nan"), means
