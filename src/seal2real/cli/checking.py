"""Commands that look a dataset over: validate, stats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seal2real.cli.progress import counting

if TYPE_CHECKING:
    from seal2real.dataset.validate import ValidationReport

_Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with metadata.jsonl.")]
_Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write it all as JSON.")]


def validate(
    dataset: _Dataset,
    dictionary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Characters that seals may hold, one a line.  [default: those of the package's fonts]"
        ),
    ] = None,
    json: _Json = None,
    most: Annotated[int, typer.Option("--max", help="Findings to print; all are counted.")] = 100,
    workers: Annotated[int | None, typer.Option("--workers", "-j", help="Processes.  [default: one per core]")] = None,
) -> None:
    """Check every file and label of **DATASET**; a line for each finding, and exit status 1 if one is an error."""
    from seal2real.dataset.validate import validate as check
    from seal2real.errors import UsageError
    from seal2real.images import write_atomic

    if most < 0:
        raise UsageError(f"max is {most}; it must be 0 or more")
    with counting("validate", None) as advance:
        report = check(dataset, dictionary=dictionary, workers=workers, progress=advance)
    if json is not None:
        write_atomic(json, _dump(report.to_json()))
    _print(report, most)
    if report.errors:
        raise typer.Exit(1)


def stats(
    dataset: _Dataset,
    json: _Json = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the histograms, PNG.  [default: none]")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-j", help="Processes.  [default: one per core]")] = None,
) -> None:
    """Count what **DATASET** holds: splits, kinds, colours, sizes, angles, text, ink, and what lies under seals."""
    from rich.console import Console

    from seal2real.dataset.stats import dataset_stats
    from seal2real.images import write_atomic

    if plot is not None:
        from seal2real.report.stats_plot import require_matplotlib

        require_matplotlib(plot)
    with counting("stats", None) as advance:
        found = dataset_stats(dataset, workers=workers, progress=advance)
    if json is not None:
        write_atomic(json, _dump(found.to_json()))
    Console().print(found)
    if plot is not None:
        from seal2real.report.stats_plot import write_stats_plot

        print(f"look at {write_stats_plot(found, plot)}")


def _print(report: ValidationReport, most: int) -> None:
    for finding in report.findings[:most]:
        print(finding)
    total = report.errors + report.warnings
    if total > most:
        print(f"... and {total - min(most, len(report.findings))} more; --max N prints more, --json FILE writes them")
    for (severity, check), count in sorted(report.counts.items()):
        print(f"{count} x {severity} {check}")
    rate = report.rows / report.seconds if report.seconds else 0.0
    verdict = "sound" if not total else f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
    took = f"{report.seconds:.1f} s, {rate:.1f} samples/s"
    print(f"{report.dataset}: {_count(report.rows, 'sample')}, {verdict} ({took})")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _dump(value: object) -> bytes:
    import json

    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
