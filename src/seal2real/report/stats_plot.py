"""One figure of a dataset's figures: bars of what is counted, histograms of what is measured."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal2real.dataset.stats import COUNTS, MEASURES, DatasetStats, Measure, histogram
from seal2real.errors import UsageError
from seal2real.images import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _GREY, _INK = "#3b6ea5", "#8a8f98", "#202228"
_COLOURS = {"red": "#c4242c", "blue": "#2f5fc4", "violet": "#7a3fa0", "black": "#303238"}
_MOST_BARS, _FEWEST_BARS = 16, 4  # drawn, and room left for
_COLUMNS = 5


def require_matplotlib(out: Path) -> None:
    """Check, before a long look at a dataset, that its figures can be drawn to ``out``.

    Raises:
        UsageError: matplotlib is not installed, or ``out`` is no PNG.
    """
    if out.suffix.lower() != ".png":
        raise UsageError(f"{out}: the plot is a PNG file; give a name that ends in .png")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise UsageError("plots need matplotlib; install it: pip install 'seal2real[report]'") from None


def write_stats_plot(stats: DatasetStats, out: Path) -> Path:
    """Draw a dataset's figures.

    Args:
        stats: from `seal2real.dataset.stats.dataset_stats`.
        out: PNG file to write.

    Returns:
        ``out``.

    Raises:
        UsageError: matplotlib is not installed, or ``out`` is no PNG.
        Seal2RealError: ``out`` cannot be written.
    """
    require_matplotlib(out)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bars = [name for name in COUNTS if stats.counts[name]]
    measures = [measure for measure in MEASURES if len(stats.values[measure.name])]
    rows = -(-(len(bars) + len(measures)) // _COLUMNS)
    figure = Figure(figsize=(4.2 * _COLUMNS, 3.4 * rows + 0.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for name in bars:
        _draw_counts(axes.pop(0), COUNTS[name], stats.counts[name], stats.samples if name == "beside" else None)
    for measure in measures:
        _draw_histogram(axes.pop(0), measure, stats.values[measure.name])
    for unused in axes:
        unused.set_axis_off()
    figure.suptitle(
        f"{stats.dataset.resolve().name}: {stats.samples} samples, {stats.seals} seals; "
        f"without a seal: {stats.negatives}",
        fontsize=14,
        color=_INK,
    )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": "Seal2Real"})
    write_atomic(out, stream.getvalue())
    return out


def _draw_counts(axes: Axes, title: str, counts: Counter[str], total: int | None = None) -> None:
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(shown) > _MOST_BARS:
        rest = shown[_MOST_BARS - 1 :]
        shown = [*shown[: _MOST_BARS - 1], (f"{len(rest)} others", sum(count for _, count in rest))]
    names = [name.removeprefix("template:") for name, _ in shown]
    numbers = [count for _, count in shown]
    total = total or sum(numbers)
    drawn = axes.barh(range(len(names)), numbers, color=[_COLOURS.get(name, _BLUE) for name in names], height=0.72)
    axes.set_yticks(range(len(names)), names, fontsize=8 if len(names) > 8 else 9)
    axes.set_ylim(max(len(names), _FEWEST_BARS) - 0.5, -0.5)
    small = len(names) > 8
    axes.bar_label(drawn, [f" {n}  ({n / total:.0%})" for n in numbers], fontsize=7 if small else 8, color=_GREY)
    axes.set_xlim(0, max(numbers) * 1.32)
    axes.set_xticks([])
    _dress(axes, title)
    axes.spines["bottom"].set_visible(False)


def _draw_histogram(axes: Axes, measure: Measure, values: Any) -> None:
    counts, edges = histogram(values, measure)
    axes.stairs(counts, edges, fill=True, color=_BLUE, alpha=0.85)
    axes.axvline(float(values.mean()), color=_INK, linewidth=1, linestyle=":", label=f"mean {values.mean():.3g}")
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    axes.set_ylim(0, counts.max() * 1.18)
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="y", nbins=5, integer=True)
    axes.locator_params(axis="x", nbins=6, integer=measure.whole)
    _dress(axes, f"{measure.title}, {measure.unit}" if measure.unit else measure.title)


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", color=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
