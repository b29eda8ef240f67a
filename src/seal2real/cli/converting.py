"""The command that converts datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seal2real.cli.progress import counting


def convert(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of the dataset.")],
    to: Annotated[
        list[str],
        typer.Option(
            metavar="FORMAT",
            help="coco, yolo, yolo-detect, voc, labelme, icdar-rest, paddle, paddle-page, huggingface, webdataset, "
            "donut or native; repeatable.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder to make, new or empty; several formats each get a subfolder.")
    ],
    origin: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help="Format of DATASET; auto recognises it.")
    ] = "auto",
) -> None:
    """Write **DATASET** in other formats; images are taken over byte for byte."""
    from seal2real.dataset.convert import convert as write
    from seal2real.dataset.convert import count_samples

    total = count_samples(dataset)
    with counting("convert", total and total * len(set(to))) as advance:
        folders = write(dataset, to, out, origin, advance)
    for name, folder in folders.items():
        print(f"{name} in {folder}")
