"""Do the labels still hold after forging? Ink masks against measured ink, and glyphs read again.

python benchmarks/labels.py --forger RUN --wear 0.2 --capture 0.2
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from realism import EVALUATION_SEED, loaded
from seal2real.errors import Seal2RealError
from seal2real.images import write_atomic
from seal2real.page import TemplatePages
from seal2real.report.labels import LabelValidity, rapidocr_recogniser, sample_validity
from seal2real.report.variants import Variant, drawn_samples, forged_by, made, pasted, simulated

GOAL_IOU, GOAL_KEPT = 0.90, 0.97
ROWS = (
    ("ink IoU, stamped and clean", "iou_clean"),
    ("  its 10th percentile", "iou_clean_low"),
    ("  without the edge pixels", "iou_clean_core"),
    ("ink IoU, stamped alone", "iou_stamped"),
    ("  without the edge pixels", "iou_stamped_core"),
    ("characters read in the paste", "read_pasted"),
    ("characters read in the result", "read_forged"),
    ("kept, of those read in the paste", "kept"),
)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forger", nargs="*", default=["default"], help="'default', 'untrained' or RUN folders")
    parser.add_argument("--count", type=int, default=60, help="seals")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--wear", type=float, default=0.2, help="of the light style, 0..1")
    parser.add_argument("--capture", type=float, default=0.2, help="of the light style, 0..1")
    parser.add_argument("--lines", type=int, default=120, help="text lines to read")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED)
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    light = {"wear": arguments.wear, "capture": arguments.capture}
    samples = drawn_samples(arguments.count, TemplatePages(arguments.dpi), arguments.dpi, arguments.seed)
    variants: dict[str, Variant] = {"pasted": pasted, "simulated": simulated}
    for name in arguments.forger:
        forger = loaded(name)
        variants[f"{name}, as learned"] = forged_by(forger)
        variants[f"{name}, light"] = forged_by(forger, light)
    reader = rapidocr_recogniser()
    found: dict[str, LabelValidity] = {}
    for name, variant in variants.items():
        results = made(samples, variant, arguments.seed)
        found[name] = sample_validity(samples, results, reader, arguments.lines)
    table = Table(title="Label validity", caption=f"goals: ink IoU {GOAL_IOU}, kept {GOAL_KEPT:.0%} in the light style")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for title, key in ROWS:
        table.add_row(title, *(_shown(getattr(validity, key)) for validity in found.values()))
    Console(width=40 + 22 * len(found)).print(table)
    if arguments.out:
        plain = {name: _plain(validity) for name, validity in found.items()}
        write_atomic(arguments.out, (json.dumps({"light": light, **plain}, indent=1) + "\n").encode())


def _shown(value: float | int | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def _plain(validity: LabelValidity) -> dict[str, float | int | None]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(validity).items()}


if __name__ == "__main__":
    try:
        main()
    except Seal2RealError as error:
        raise SystemExit(str(error)) from None
