"""``seal2real evaluate``: is a generated dataset realistic, and are its labels valid?"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.report.c2st import JudgeBudget
from seal2real.report.compare import FLOOR, OTHER_REAL, Comparison, compare
from seal2real.report.features import Encoder, statistics
from seal2real.report.labels import LabelValidity, label_validity, rapidocr_recogniser
from seal2real.report.protocol import Protocol, SealCrop
from seal2real.report.sources import dataset_rows, generated_seals, real_seals
from seal2real.sample import Image
from seal2real.seeding import rng_for

GENERATED, PASTED = "generated", "pasted"


@dataclass(frozen=True)
class EvaluationReport:
    """What was found.

    Attributes:
        comparison: C2ST and KID of floor, generated and pasted against the real images, for coloured seals.
        black: the same for black seals; None where they were not asked for or cannot be compared.
        labels: validity of the labels.
        files: what was written, by name ("json", "plot", "sheet").
    """

    comparison: Comparison
    labels: LabelValidity
    files: dict[str, Path]
    black: Comparison | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is unknown is None."""
        validity = {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self.labels).items()
        }
        black = {"black": self.black.to_json()} if self.black is not None else {}
        return {"comparison": self.comparison.to_json(), **black, "labels": validity}

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [self.comparison.to_table()]
        parts += [self.black.to_table("Black seals")] if self.black is not None else []
        parts.append(_label_table(self.labels))
        parts += [f"note: {note}" for note in self.comparison.notes]
        parts += [f"{name}: {path}" for name, path in self.files.items()]
        return Group(*parts)

    def __str__(self) -> str:
        stream = io.StringIO()
        Console(file=stream, width=120, force_terminal=False).print(self)
        return stream.getvalue().rstrip()


def evaluate(
    dataset: Path | str,
    real: Path | str,
    out: Path | str | None = None,
    pasted: Path | str | None = None,
    seed: int = 0,
    *,
    other_real: Path | str | None = None,
    black: bool = False,
    max_samples: int = 60,
    encoder: Encoder = statistics,
    protocol: Protocol | None = None,
    budget: JudgeBudget | None = None,
    floor_splits: int = 4,
    ocr: bool | None = None,
) -> EvaluationReport:
    """Compare a generated dataset with real images, and check its labels.

    Args:
        dataset: a native dataset (``metadata.jsonl``).
        real: a folder of real images, or a labelled real set (``labels.json``).
        out: folder for ``evaluation.json``, ``evaluation.png`` (the plot; needs matplotlib) and ``patches.png``; None
            writes nothing.
        pasted: a native dataset of flat pastes for the ceiling; None lays the dataset's own seals flat on its own
            clean twins.
        seed: of every choice.
        other_real: a second folder of real images, of other origin, for the floor between collections.
        black: also compare black seals, apart from the coloured ones: their ink cannot be told from black print, and
            many of one design would outweigh all others.
        max_samples: samples of the dataset that are looked at, drawn at random.
        encoder: for the statistics judge and KID.
        protocol: how patches are cut and matched; None takes the default.
        budget: effort of the judges; None takes the default.
        floor_splits: random halvings of the real images for the split floor.
        ocr: whether to read the seals again; None does so if rapidocr is installed.

    Raises:
        UsageError: no such dataset or folder, or ``ocr`` is asked for and rapidocr is not installed.
        Seal2RealError: nothing that can be compared, or ``out`` cannot be written.
    """
    dataset, real = Path(dataset), Path(real)
    if max_samples < 4:
        raise UsageError(f"samples is {max_samples}; it must be at least 4, to hold documents out")
    if out is not None and Path(out).is_file():
        raise UsageError(f"{out} is a file; give a folder for the report")
    rows = dataset_rows(dataset, max_samples, rng_for(seed, 0, "samples"))
    real_crops = real_seals(real, black)
    other_crops = real_seals(Path(other_real), black) if other_real is not None else None
    stamped, flat = generated_seals(dataset, rows)
    if pasted is not None:
        other_rows = dataset_rows(Path(pasted), max_samples, rng_for(seed, 0, "samples"))
        flat, _ = generated_seals(Path(pasted), other_rows)
    if not stamped:
        raise Seal2RealError(f"{dataset}: none of its {len(rows)} samples holds ink that can be measured")

    def compared(in_black: bool) -> Comparison:
        def of_colour(crops: Sequence[SealCrop]) -> list[SealCrop]:
            return [crop for crop in crops if (crop.colour == "black") == in_black]

        return compare(
            of_colour(real_crops),
            {GENERATED: of_colour(stamped), PASTED: of_colour(flat)},
            other_real=of_colour(other_crops) if other_crops is not None else None,
            protocol=protocol,
            budget=budget,
            encoder=encoder,
            floor_splits=floor_splits,
            seed=seed,
        )

    comparison = compared(False)
    black_comparison: Comparison | None = None
    if black:
        try:
            black_comparison = compared(True)
        except Seal2RealError as error:
            comparison.notes.append(f"black seals were not compared: {error}")
    validity = label_validity(dataset, rows, _recogniser(ocr))
    report = EvaluationReport(comparison, validity, {}, black_comparison)
    return report if out is None else _write(report, Path(out))


def _recogniser(wanted: bool | None) -> Any:
    if wanted is False:
        return None
    try:
        return rapidocr_recogniser()
    except UsageError:
        if wanted:
            raise
        return None


def _write(report: EvaluationReport, out: Path) -> EvaluationReport:
    files = {"json": out / "evaluation.json", "sheet": out / "patches.png"}
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(files["json"], (text + "\n").encode())
    write_atomic(files["sheet"], encode_png(patch_sheet(report.comparison)))
    plot = plot_comparison(report.comparison)
    if plot is not None:
        files["plot"] = out / "evaluation.png"
        write_atomic(files["plot"], plot)
    if report.black is not None:
        files["sheet of black seals"] = out / "patches-black.png"
        write_atomic(files["sheet of black seals"], encode_png(patch_sheet(report.black)))
    return replace(report, files=files)


def patch_sheet(comparison: Comparison, scale: int = 2) -> Image:
    """Patches as the judges saw them, one named row per set: ``uint8 [H, W, 3]``."""
    strips = []
    for name, patches in comparison.examples.items():
        strip = np.concatenate(list(patches), axis=1)
        strip = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        bar = np.full((22, strip.shape[1], 3), 255, np.uint8)
        cv2.putText(bar, name, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
        strips += [bar, strip]
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in strips]
    return np.concatenate(padded, axis=0).astype(np.uint8)


def seal_sheet(
    sets: Mapping[str, Sequence[SealCrop]], rng: np.random.Generator, columns: int = 8, side: int = 240
) -> Image:
    """Whole seals of each set, drawn at random, one named row per set: ``uint8 [H, W, 3]``.

    Args:
        sets: name to seals.
        rng: draws which are shown.
        columns: seals per row.
        side: pixels of the longer side of each.
    """
    rows = []
    for name, crops in sets.items():
        chosen = [crops[i] for i in rng.permutation(len(crops))[:columns]]
        row = np.full((22 + side, columns * (side + 4), 3), 255, np.uint8)
        cv2.putText(row, name, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
        for place, crop in enumerate(chosen):
            factor = side / max(crop.image.shape[:2])
            how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
            small = cv2.resize(crop.image, None, fx=factor, fy=factor, interpolation=how)[:side, :side]
            left = place * (side + 4)
            row[22 : 22 + small.shape[0], left : left + small.shape[1]] = small
        rows.append(row)
    return np.concatenate(rows, axis=0)


def plot_comparison(comparison: Comparison) -> bytes | None:
    """AUC of every set with its interval, as PNG; None if matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    rows = comparison.rows[::-1]
    figure = Figure(figsize=(7.2, 1.1 + 0.5 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    real = {FLOOR, OTHER_REAL}
    for place, row in enumerate(rows):
        head = row.headline
        colour = "#3a7d44" if row.name in real else "#b3392f"
        axes.plot([head.low, head.high], [place, place], color=colour, linewidth=2)
        axes.plot(head.value, place, "o", color=colour, markersize=8)
        axes.annotate(f"{head.value:.2f}", (head.value, place), (0, 8), textcoords="offset points", ha="center")
    floors = [row.headline.value for row in rows if row.name in real]
    if floors:
        axes.axvline(max(floors), color="#3a7d44", linestyle=":", linewidth=1)
    axes.axvline(0.5, color="#999999", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.3)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("C2ST AUC against real, with 95 % interval over sources (lower is more real)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return encode_png(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))


def _label_table(labels: LabelValidity) -> Table:
    table = Table(title="Label validity", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("seals measured", str(labels.seals))
    table.add_row("ink IoU, labelled against stamped - clean", f"{labels.iou_clean:.3f}")
    table.add_row("   its 10th percentile", f"{labels.iou_clean_low:.3f}")
    table.add_row("   without the edge pixels", f"{labels.iou_clean_core:.3f}")
    table.add_row("ink IoU, labelled against stamped alone", f"{labels.iou_stamped:.3f}")
    table.add_row("   without the edge pixels", f"{labels.iou_stamped_core:.3f}")
    if labels.read_pasted is None:
        table.add_row("characters read again", "not measured (install 'seal2real\\[ocr]')")
    else:
        table.add_row("characters read in a flat paste", f"{labels.read_pasted} of {labels.characters}")
        table.add_row("characters read in the image", f"{labels.read_forged} of {labels.characters}")
        table.add_row("kept, of those read in the paste", "-" if labels.kept is None else f"{labels.kept:.1%}")
    return table
