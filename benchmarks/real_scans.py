"""The shipped models of segment, read, remove and verify on real labelled scans and on the controlled set.

    python benchmarks/real_scans.py --real DIR --papers DIR

DIR holds labels.json, images/, ink/ and ignore/ (see `seal2real.dataset.labelled_scans`); papers have no seal.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from seal2real.dataset.labelled_scans import labelled_scans
from seal2real.images import load_folder
from seal2real.physics.ink_measure import measure_ink
from seal2real.sample import Image, Sample
from seal2real.tasks import trials, verify_trials
from seal2real.tasks.authenticity import AuthenticityJudge
from seal2real.tasks.compare import SealComparer
from seal2real.tasks.controlled import controlled_sample
from seal2real.tasks.pp_ocr import ready_recogniser
from seal2real.tasks.read import ENGINES, SealReader
from seal2real.tasks.remove import Remover
from seal2real.tasks.segment import Segmenter

PAIRS = 640  # of impressions
SEED = 4242  # of the controlled set, as in the benchmark


def threshold(sample: Sample) -> Image:
    """Ink by its colour, painted over with the page's median."""
    result = sample.stamped.copy()
    result[measure_ink(sample.stamped).mask] = np.median(sample.stamped.reshape(-1, 3), 0)
    return result


def inpainting(sample: Sample) -> Image:
    """Ink by its colour, filled in by OpenCV (Telea 2004)."""
    ink = cv2.dilate(measure_ink(sample.stamped).mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.inpaint(sample.stamped, ink, 3, cv2.INPAINT_TELEA), np.uint8)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--real", type=Path, help="real labelled scans; without, the controlled set alone")
    parser.add_argument("--papers", type=Path, help="real papers without a seal")
    parser.add_argument("--controlled", type=int, default=60, help="samples of the controlled set")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="reads the seals")
    arguments = parser.parse_args()
    segmenter, recogniser = Segmenter.from_pretrained(), ready_recogniser()
    reader = SealReader(segmenter, engine=arguments.engine)
    remover = Remover.from_pretrained(segmenter=segmenter)
    table = Table("figure", "real", "controlled")
    samples = [controlled_sample(index, SEED, 0.15) for index in range(arguments.controlled)]
    controlled = trials.segment_controlled(segmenter, samples)
    real: trials.Figures = {}
    if arguments.real is not None:
        scans = labelled_scans(arguments.real)
        papers = [image for _, image in load_folder(arguments.papers)[0]] if arguments.papers else []
        real = trials.segment_trial(segmenter, scans, papers)
    for name in ("iou", "iou_black", "ap50", "ap", "found", "false_alarms"):
        table.add_row(name, shown(real.get(name)), shown(controlled.get(name)))
    read = trials.read_controlled(reader, samples)
    read_real = trials.read_trial(reader, scans) if real else {}
    legible = read_real.get("legible", {})
    for name in ("right", "error"):
        table.add_row(f"lines: {name}", shown(read_real.get(name)), shown(read[name]))
        table.add_row(f"lines of round seals from 200 px: {name}", shown(legible.get(name)), "")
    comparer = SealComparer.from_pretrained()
    pairs = verify_trials.compare_controlled(comparer, PAIRS)
    if real:
        judged = verify_trials.authenticity_trial(AuthenticityJudge.from_pretrained(), scans, papers)
        for name in ("auc_drawn", "eer_drawn", "auc_cut", "eer_cut"):
            table.add_row(f"impression or paste: {name}", shown(judged[name]), "")
    stamps = verify_trials.compare_trial(comparer, scans) if real else {}
    for name in ("auc", "eer", "f1"):
        table.add_row(f"same die: {name}", shown(stamps.get(name)), shown(pairs[name]))
    for name, share in pairs["by_change"].items():
        table.add_row(f"same die, {name} altered: refused", "", shown(share))
    ways = {"threshold": threshold, "inpainting": inpainting, "ours": lambda sample: remover.remove(sample.stamped)}
    for name, figures in trials.remove_controlled(ways, samples, recogniser).items():
        told = (
            f"{shown(figures['characters'])} of {figures['of']}, PSNR {figures['psnr']:.1f}, SSIM {figures['ssim']:.2f}"
        )
        table.add_row(f"characters under ink read: {name}", "", told)
    Console(width=120).print(table)


def shown(value: float | None) -> str:
    """Three digits, or a dash."""
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
