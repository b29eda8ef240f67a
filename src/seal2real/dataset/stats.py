"""What a dataset holds: counts and distributions of its samples, seals and texts."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console, Group, RenderableType
from rich.table import Table

from seal2real.dataset.checks.rows import Progress, for_each_row
from seal2real.dataset.formats.fields import field_problems, parse_row
from seal2real.errors import Seal2RealError

_UNDER = 0.5  # share of a box of text from which on it counts as lying under a seal
_BINS = 24
UNKNOWN = "unknown"


class Measure(NamedTuple):
    """A number that every seal (or sample) has.

    Attributes:
        name: as in the JSON.
        title: what people read.
        unit: "" where there is none.
        whole: whether it counts things.
    """

    name: str
    title: str
    unit: str
    whole: bool = False


MEASURES = (
    Measure("seals_per_image", "seals on an image", "", True),
    Measure("size_mm", "longer side of a seal", "mm"),
    Measure("size_px", "longer side of a seal", "px"),
    Measure("angle", "rotation, clockwise", "degrees"),
    Measure("text_length", "characters of a seal", "", True),
    Measure("ink", "strength of visible ink", "0..1"),
    Measure("visible", "visible ink of the design", "share"),
    Measure("text_under_seals", "page's text under seals", "share"),
)
COUNTS = {  # of what -> title
    "split": "split",
    "kind": "kind of seal",
    "colour": "ink colour",
    "authenticity": "authenticity",
    "page": "page",
    "beside": "beside seals, share of samples",
}


@dataclass
class DatasetStats:
    """Counts and distributions.

    Attributes:
        dataset: the folder.
        samples, seals: how many.
        negatives: samples without a seal.
        skipped: rows and files that could not be read, so that they are not in the figures.
        counts: of each of `COUNTS`, how often each value occurs; kinds, colours and authenticity by seal, the others by
            sample.
        values: of each of `MEASURES`, every value.
    """

    dataset: Path
    samples: int = 0
    seals: int = 0
    negatives: int = 0
    skipped: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTS})
    values: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values: counts, and of each measure its mean, percentiles and histogram."""
        return {
            "dataset": str(self.dataset),
            "samples": self.samples,
            "seals": self.seals,
            "negatives": self.negatives,
            "skipped": self.skipped,
            "counts": {name: dict(counter.most_common()) for name, counter in self.counts.items()},
            "measures": {
                measure.name: _summary(self.values[measure.name], measure)
                for measure in MEASURES
                if len(self.values[measure.name])
            },
        }

    def __rich__(self) -> RenderableType:
        head = f"{self.dataset}: {self.samples} samples, {self.seals} seals; without a seal: {self.negatives}"
        parts: list[RenderableType] = [head]
        for name, title in COUNTS.items():
            if self.counts[name]:
                parts.append(_count_table(title, self.counts[name], self.samples if name == "beside" else None))
        table = Table("measure", "unit")
        for column in ("mean", "5 %", "median", "95 %", "min", "max"):
            table.add_column(column, justify="right", no_wrap=True)
        for measure in MEASURES:
            if len(self.values[measure.name]):
                summary = _summary(self.values[measure.name], measure)
                shown = (summary[key] for key in ("mean", "p5", "median", "p95", "min", "max"))
                table.add_row(measure.title, measure.unit, *(f"{value:.3g}" for value in shown))
        parts.append(table)
        if self.skipped:
            parts.append(f"note: {self.skipped} rows or files cannot be read; see seal2real validate {self.dataset}")
        return Group(*parts)

    def __str__(self) -> str:
        stream = io.StringIO()
        Console(file=stream, width=120, force_terminal=False).print(self)
        return stream.getvalue().rstrip()


def histogram(values: npt.NDArray[np.float32], measure: Measure) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Counts ``[n]`` and edges ``[n + 1]``; of what is counted in whole numbers, a bin for each number if they are few.

    Raises:
        ValueError: there are no values.
    """
    low, high = float(values.min()), float(values.max())
    if measure.whole:
        width = max(1, math.ceil((high - low + 1) / _BINS))
        return np.histogram(values, np.arange(low - 0.5, high + width + 0.5, width))
    return np.histogram(values, _BINS, (low, high) if high > low else (low - 0.5, low + 0.5))


def dataset_stats(
    dataset: Path, *, workers: int | None = None, progress: Progress = lambda done, total=None: None
) -> DatasetStats:
    """Look at every row of a dataset, and at the ink under every visible mask.

    Args:
        dataset: folder with ``metadata.jsonl``.
        workers: processes; None = one per core.
        progress: called with the count of rows just done, and the count of all.

    Raises:
        UsageError: no dataset there, or ``workers`` below 1.
        Seal2RealError: the dataset was never finished, or no row of it can be read.
    """
    stats = DatasetStats(dataset)
    values: dict[str, list[float]] = {measure.name: [] for measure in MEASURES}
    for _, row in for_each_row(dataset, _row_stats, workers, progress):
        if row is None:
            stats.skipped += 1
            continue
        stats.samples += 1
        stats.seals += row.seals
        stats.negatives += not row.seals
        stats.skipped += row.skipped
        for name, value in row.counts:
            stats.counts[name][value] += 1
        for name, number in row.values:
            values[name].append(number)
    if not stats.samples:
        raise Seal2RealError(f"{dataset}: none of its rows can be read; see seal2real validate {dataset}")
    stats.values = {name: np.asarray(numbers, np.float32) for name, numbers in values.items()}
    return stats


@dataclass
class _RowStats:
    seals: int = 0
    skipped: int = 0
    counts: list[tuple[str, str]] = field(default_factory=list)
    values: list[tuple[str, float]] = field(default_factory=list)


def _row_stats(dataset: Path, number: int, line: bytes) -> _RowStats | None:
    """What one row adds; None if it is no row."""
    try:
        row = parse_row(line)
    except ValueError:
        return None
    if field_problems(row):
        return None
    seals, told = row["seals"], row["provenance"]
    stats = _RowStats(len(seals))
    page, *beside = _page_name(told.get("page")).split(" +")
    stats.counts = [("split", row["split"]), ("page", page), *(("beside", thing) for thing in set(beside))]
    stats.values.append(("seals_per_image", len(seals)))
    written = sum(len(box["text"]) for box in row["text"])
    if written:
        under = sum(len(box["text"]) for box in row["text"] if (box["under_seal"] or 0) >= _UNDER)
        stats.values.append(("text_under_seals", under / written))
    ink = _grey(dataset, row["ink"], stats)
    for seal in seals:
        stats.counts += [(name, seal[name] or UNKNOWN) for name in ("kind", "colour", "authenticity")]
        longest = max(_extent(np.asarray(seal["polygon"], np.float64), seal["angle"] or 0.0))
        stats.values += [("size_px", longest), ("text_length", sum(len(line["text"]) for line in seal["lines"]))]
        if row["dpi"]:
            stats.values.append(("size_mm", longest * 25.4 / row["dpi"]))
        if seal["angle"] is not None:
            stats.values.append(("angle", seal["angle"]))
        visible = _grey(dataset, seal["mask_visible"], stats)
        full = _grey(dataset, seal["mask_full"], stats)
        if visible is None:
            continue
        area = cv2.countNonZero(visible)
        if ink is not None and area and ink.shape == visible.shape:
            stats.values.append(("ink", cv2.mean(ink, visible)[0] / 255))
        if full is not None and cv2.countNonZero(full):
            stats.values.append(("visible", area / cv2.countNonZero(full)))
    return stats


def _grey(dataset: Path, name: str | None, stats: _RowStats) -> npt.NDArray[np.uint8] | None:
    if name is None:
        return None
    try:
        pixels = cv2.imdecode(np.fromfile(dataset / name, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        pixels = None
    stats.skipped += pixels is None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _extent(polygon: npt.NDArray[np.float64], angle: float) -> tuple[float, float]:
    """Width and height of a seal before it was turned, in pixels."""
    turn = math.radians(-angle)  # clockwise on the screen is the mathematical sense where y points down
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    width, height = np.ptp(polygon @ rotation.T, axis=0)
    return float(width), float(height)


def _page_name(source: Any) -> str:
    if not isinstance(source, str) or not source:
        return UNKNOWN
    return source if source.startswith("template:") else "your own pages"


def _summary(values: npt.NDArray[np.float32], measure: Measure) -> dict[str, Any]:
    low, median, high = np.percentile(values, [5, 50, 95]).tolist()
    counts, edges = histogram(values, measure)
    return {
        "unit": measure.unit,
        "count": len(values),
        "mean": float(values.mean(dtype=np.float64)),
        "min": float(values.min()),
        "p5": low,
        "median": median,
        "p95": high,
        "max": float(values.max()),
        "histogram": {"counts": counts.tolist(), "edges": [round(float(edge), 4) for edge in edges]},
    }


def _count_table(title: str, counts: Mapping[str, int], total: int | None = None) -> Table:
    """A table of counts and of their shares of ``total``; None = of their sum."""
    table = Table(title, "count", "share")
    table.columns[1].justify = table.columns[2].justify = "right"
    total = total or sum(counts.values())
    ordered: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for name, count in ordered:
        table.add_row(name, str(count), f"{count / total:.1%}")
    return table
