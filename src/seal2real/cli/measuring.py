"""Commands that measure: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with metadata.jsonl.")],
    real: Annotated[Path, typer.Option(metavar="DIR", help="Folder of real seal images.")],
    other_real: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Real images of other origin, for the floor between collections."),
    ] = None,
    pasted: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Flat pastes for the ceiling.  [default: the dataset's own seals, flat]"),
    ] = None,
    black: Annotated[bool, typer.Option("--black", help="Include black seals; print can be taken for them.")] = False,
    samples: Annotated[int, typer.Option(help="Most samples of the dataset to look at, drawn at random.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the JSON report and the plot.  [default: none]"),
    ] = None,
) -> None:
    """Measure how real **DATASET** looks (C2ST, KID, with floor and ceiling) and whether its labels hold."""
    from rich.console import Console

    from seal2real.report.evaluate import evaluate as measure

    report = measure(dataset, real, out, pasted, seed, other_real=other_real, black=black, max_samples=samples)
    Console().print(report)
