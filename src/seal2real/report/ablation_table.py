"""The table of an ablation as Markdown, CSV and JSON, and its plots."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seal2real.errors import UsageError
from seal2real.report.ablation import Result, Row
from seal2real.report.compare import OTHER_REAL

_GREEN, _RED, _GREY = "#3a7d44", "#b3392f", "#999999"


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        key: in a result.
        title: with what it means for it to be high or low.
        digits: behind the point.
    """

    key: str
    title: str
    digits: int


COLUMNS = (
    Column("c2st", "C2ST AUC (95 %)", 2),
    Column("kid", "KID", 2),
    Column("ink_iou", "ink IoU", 3),
    Column("ink_iou_twin", "ink IoU, twin", 3),
    Column("reread", "re-read", 3),
    Column("diversity", "diversity", 3),
    Column("seconds_per_image", "s/image", 2),
    Column("parameters", "parameters", 0),
    Column("training_minutes", "training, min", 1),
    Column("real_images", "real images", 0),
)


@dataclass(frozen=True)
class Line:
    """One method over its seeds.

    Attributes:
        name: of the row.
        seeds: that were measured.
        means, spreads: column key to mean and standard deviation over seeds; a spread needs two seeds.
        low, high: mean bounds of the C2ST's interval.
    """

    name: str
    seeds: tuple[int, ...]
    means: dict[str, float]
    spreads: dict[str, float]
    low: float
    high: float


def lines(rows: Sequence[Row], results: Sequence[Result]) -> list[Line]:
    """What was measured, the floor first, then in the order of the rows; rows without a result are left out."""
    found = []
    for name in [OTHER_REAL, *(row.name for row in rows)]:
        own = [result for result in results if result["name"] == name]
        if not own:
            continue
        means, spreads = {}, {}
        for column in COLUMNS:
            values = [float(result[column.key]) for result in own if result.get(column.key) is not None]
            if values:
                means[column.key] = float(np.mean(values))
            if len(values) > 1:
                spreads[column.key] = float(np.std(values, ddof=1))
        low, high = (float(np.mean([result[key] for result in own])) for key in ("c2st_low", "c2st_high"))
        found.append(Line(name, tuple(result["seed"] for result in own), means, spreads, low, high))
    return found


def shown(line: Line, column: Column) -> str:
    """A cell: the mean, and the spread where there is one."""
    if column.key not in line.means:
        return "-"
    text = f"{line.means[column.key]:,.{column.digits}f}"
    spread = line.spreads.get(column.key)
    if spread and column.digits:
        text += f" ± {spread:.{column.digits}f}"
    return f"{text} [{line.low:.2f}, {line.high:.2f}]" if column.key == "c2st" else text


def to_markdown(table: Sequence[Line]) -> str:
    """A table for documents."""
    head = ["method", *(column.title for column in COLUMNS), "seeds"]
    body = [[line.name, *(shown(line, column) for column in COLUMNS), str(len(line.seeds))] for line in table]
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in (head, rule, *body))


def to_csv(table: Sequence[Line]) -> str:
    """Means and spreads for a spreadsheet."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = [column.key for column in COLUMNS]
    writer.writerow(["method", "seeds", "c2st_low", "c2st_high", *keys, *(f"{key}_spread" for key in keys)])
    for line in table:
        values = [*(line.means.get(key, "") for key in keys), *(line.spreads.get(key, "") for key in keys)]
        writer.writerow([line.name, len(line.seeds), line.low, line.high, *values])
    return stream.getvalue()


def to_json(table: Sequence[Line], results: Sequence[Result]) -> dict[str, Any]:
    """Everything: the table's lines, and each result with its settings."""
    rows = [
        {"name": line.name, "seeds": list(line.seeds), "means": line.means, "spreads": line.spreads,
         "c2st_interval": [line.low, line.high]}
        for line in table
    ]  # fmt: skip
    return {"rows": rows, "results": list(results)}


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("plots need matplotlib; install it: pip install 'seal2real[report]'") from None
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": "Seal2Real"})
    return stream.getvalue()


def _bare(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def plot_bars(table: Sequence[Line]) -> bytes:
    """C2ST AUC with its interval and KID with its spread, a bar per method, the floor as a line; PNG.

    Raises:
        UsageError: matplotlib is not installed.
    """
    bars = [line for line in table if line.name != OTHER_REAL][::-1]
    floor = next((line for line in table if line.name == OTHER_REAL), None)
    figure = _figure(10.5, 1.4 + 0.34 * len(bars))
    left, right = figure.subplots(1, 2, sharey=True)
    places = range(len(bars))
    for axes, key in ((left, "c2st"), (right, "kid")):
        axes.barh(places, [line.means.get(key, 0.0) for line in bars], color=_RED, height=0.62, alpha=0.85)
        if floor is not None and key in floor.means:
            axes.axvline(floor.means[key], color=_GREEN, linestyle=":", label="other real seals")
            axes.legend(frameon=False, fontsize=8, loc="lower right")
        _bare(axes)
    for place, line in zip(places, bars, strict=True):
        left.plot([line.low, line.high], [place, place], color="black", linewidth=1)
        left.annotate(f"{line.means['c2st']:.2f}", (0.02, place), color="white", va="center", fontsize=8)
        spread = line.spreads.get("kid", 0.0)
        if "kid" in line.means:
            right.errorbar(line.means["kid"], place, xerr=spread or None, color="black", linewidth=1)
            right.annotate(f" {line.means['kid']:.2f}", (line.means["kid"] + spread, place), va="center", fontsize=8)
    left.axvline(0.5, color=_GREY, linewidth=0.8)
    left.set_xlim(0, 1.02)
    left.set_yticks(places, [line.name for line in bars], fontsize=9)
    left.set_xlabel("C2ST AUC, 95 % interval over sources (lower is more real)")
    right.set_xlabel("KID (lower is more real)")
    if bars and max(line.means.get("kid", 0.0) for line in bars) > 6:
        right.set_xscale("symlog", linthresh=1.0)
    return _png(figure)


def plot_few_shot(rows: Sequence[Row], table: Sequence[Line]) -> bytes | None:
    """C2ST AUC and KID over the number of real images, a line per curve; PNG. None if there is no curve of two points.

    Raises:
        UsageError: matplotlib is not installed.
    """
    by_name = {line.name: line for line in table}
    curves: dict[str, list[Line]] = {}
    for row in rows:
        if row.curve and row.name in by_name and not math.isnan(by_name[row.name].means.get("real_images", math.nan)):
            curves.setdefault(row.curve, []).append(by_name[row.name])
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    floor = by_name.get(OTHER_REAL)
    figure = _figure(9.0, 3.6)
    for axes, (key, title) in zip(figure.subplots(1, 2), (("c2st", "C2ST AUC"), ("kid", "KID")), strict=True):
        for name, points in curves.items():
            points = sorted(points, key=lambda line: line.means["real_images"])
            x = [line.means["real_images"] for line in points]
            y = [line.means[key] for line in points]
            spread = [line.spreads.get(key, 0.0) for line in points]
            axes.errorbar(x, y, yerr=spread if any(spread) else None, marker="o", capsize=3, label=name)
        if floor is not None and key in floor.means:
            axes.axhline(floor.means[key], color=_GREEN, linestyle=":", label="other real seals")
        axes.set_xscale("log")
        ticks = sorted({line.means["real_images"] for points in curves.values() for line in points})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("real images")
        axes.set_ylabel(f"{title} (lower is more real)")
        axes.legend(frameon=False, fontsize=8)
        _bare(axes)
    return _png(figure)
