"""The benchmark's results as a table, Markdown and a plot."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from seal2real.errors import UsageError
from seal2real.tasks.benchmark import Result, mean_and_spread


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        task: that it belongs to.
        path: of its value in a result.
        title: for people.
        higher: whether higher is better.
    """

    task: str
    path: tuple[str, ...]
    title: str
    higher: bool = True


COLUMNS = (
    Column("segment", ("real", "iou"), "ink IoU, real"),
    Column("segment", ("real", "ap50"), "AP50, real"),
    Column("segment", ("real", "false_alarms"), "false alarms a page", False),
    Column("segment", ("controlled", "iou"), "ink IoU, controlled"),
    Column("segment", ("controlled", "ap"), "AP, controlled"),
    Column("verify", ("real", "eer"), "real or paste, EER", False),
    Column("verify", ("real", "same", "auc"), "same seal, real, AUC"),
    Column("verify", ("controlled", "f1"), "same seal, F1"),
    Column("read", ("pp-ocr", "real", "right"), "lines right, real, PP-OCR"),
    Column("read", ("pp-ocr", "real", "error"), "CER, real, PP-OCR", False),
    Column("read", ("own", "controlled", "error"), "CER, controlled, own", False),
    Column("remove", ("controlled", "removed", "psnr"), "removal, PSNR"),
    Column("remove", ("controlled", "removed", "ssim"), "removal, SSIM"),
    Column("remove", ("controlled", "removed", "characters"), "characters under seals read"),
)


def value_of(result: Result, path: Sequence[str]) -> float | None:
    """A figure of a result; None where it was not measured."""
    value: Any = result
    for name in path:
        if not isinstance(value, dict) or value.get(name) is None:
            return None
        value = value[name]
    return float(value)


def cells(results: Sequence[Result]) -> dict[tuple[str, Column], tuple[float, float | None]]:
    """Mean and spread over seeds of every source and column that was measured."""
    found = {}
    for source in dict.fromkeys(result["source"] for result in results):
        for column in COLUMNS:
            own = [r for r in results if r["source"] == source and r["task"] == column.task]
            values = [value for r in own if (value := value_of(r, column.path)) is not None]
            if values:
                found[source, column] = mean_and_spread(values)
    return found


def to_markdown(results: Sequence[Result]) -> str:
    """A table for documents: a row for each figure, a column for each source."""
    known = cells(results)
    sources = list(dict.fromkeys(source for source, _ in known))
    rows = [["figure", *sources], ["---", *["---:"] * len(sources)]]
    for column in COLUMNS:
        if any((source, column) in known for source in sources):
            texts = [_shown(known.get((source, column))) for source in sources]
            rows.append([column.title + (" (lower is better)" if not column.higher else ""), *texts])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def to_table(results: Sequence[Result]) -> Table:
    """The same for a terminal; the best of each row in bold."""
    known = cells(results)
    sources = list(dict.fromkeys(source for source, _ in known))
    table = Table("figure", *sources, title="Trained on generated data alone")
    for column in COLUMNS:
        own = {source: known[source, column] for source in sources if (source, column) in known}
        if not own:
            continue
        best = (max if column.higher else min)(own, key=lambda source: own[source][0])
        texts = [f"[b]{_shown(own.get(s))}[/b]" if s == best else _shown(own.get(s)) for s in sources]
        table.add_row(column.title + ("" if column.higher else " ↓"), *texts)
    return table


def _shown(cell: tuple[float, float | None] | None) -> str:
    if cell is None:
        return "-"
    mean, spread = cell
    digits = 2 if abs(mean) >= 10 else 3
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")


def plot(results: Sequence[Result]) -> bytes:
    """A panel for each figure with a bar for each source, spreads over seeds as whiskers; PNG.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("plots need matplotlib; install it: pip install 'seal2real[report]'") from None
    known = cells(results)
    sources = list(dict.fromkeys(source for source, _ in known))
    shown = [column for column in COLUMNS if any((source, column) in known for source in sources)]
    wide = min(4, max(1, len(shown)))
    tall = -(-len(shown) // wide)
    figure = Figure(figsize=(3.2 * wide, 2.1 * tall), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(tall, wide, squeeze=False).ravel()
    for axes, column in zip(grid, shown, strict=False):
        own = [(source, *known[source, column]) for source in sources if (source, column) in known]
        colours = ["#b3392f" if source == "seal2real" else "#999999" for source, _, _ in own]
        axes.barh([o[0] for o in own], [o[1] for o in own], xerr=[o[2] or 0 for o in own], color=colours)
        axes.invert_yaxis()
        axes.set_xlim(0, max(1e-3, *(1.08 * (o[1] + (o[2] or 0)) for o in own)))
        axes.set_title(column.title + ("" if column.higher else " (lower is better)"), fontsize=8)
        axes.tick_params(labelsize=7)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    for axes in grid[len(shown) :]:
        axes.axis("off")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": "Seal2Real"})
    return stream.getvalue()
