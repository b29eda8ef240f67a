"""Commands that hand models on: export-onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seal2real.errors import UsageError


def export_onnx(
    forger: Annotated[str, typer.Argument(metavar="NAME|RUN|ID", help="default, a RUN folder or a hub id.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the .onnx files and forger.json.")],
) -> None:
    """Write the networks of a forger as ONNX: knobs and residual U-Net, any height and width."""
    from seal2real.forger import load_forger
    from seal2real.forger.onnx_export import OPSET
    from seal2real.forger.onnx_export import export_onnx as export

    model = load_forger(forger)
    if model is None:
        raise UsageError("forger is none: there is nothing to export; give default, a RUN folder or a hub id")
    files = export(model, out)
    print(f"{', '.join(file.name for file in files)} in {out} (opset {OPSET})")
