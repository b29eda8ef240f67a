"""The forger's networks as ONNX: what is neural in it, for other runtimes.

Exported are the knob network and the residual U-Net (of an image-to-image forger, the whole). The press-and-scan
operators between and after them are not: their filters' sizes follow the resolution, their random fields are drawn
outside, and the JPEG of a whole page is a real one; `physics` describes them, and ``forger.json`` holds the tables that
they need.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.forger.forge import Forger
from seal2real.forger.layered import CODE_SIZE
from seal2real.forger.residual import ResidualForger
from seal2real.physics.devices import ANY, DEVICES
from seal2real.physics.knobs import KNOBS
from seal2real.press.inks import COLOURS
from seal2real.weights import write_json

OPSET = 18
FEATURES = (
    *("pressed_red", "pressed_green", "pressed_blue", "coverage", "coverage_blurred_0.8mm", "page_grey"),
    *("log_px_per_mm_over_5", "white_noise_1", "white_noise_2", "support"),
)


def export_onnx(forger: Forger, folder: Path) -> list[Path]:
    """Write a forger's networks as ONNX files of opset 18, with dynamic batch, height and width, fp32.

    Args:
        forger: either kind.
        folder: gets ``knobs.onnx`` (``code [B, K]``, ``colour [B]`` and ``device [B]``, int64, to ``dials [B, K]``) and
            ``residual.onnx`` (``features [B, 10, H, W]`` to ``correction [B, 4, H, W]``); of an image-to-image forger
            ``forger.onnx`` (``stamped`` and ``noise`` ``[B, 3, H, W]`` to ``forged``); and ``forger.json``, which says
            what goes in and comes out. Files of these names are replaced.

    Returns:
        The files.

    Raises:
        Seal2RealError: the exporter is not installed.
    """
    network = forger.original().eval().requires_grad_(False)
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"opset": OPSET, "kind": network.kind, "name": forger.name}
    images = torch.zeros(2, 3, 40, 48)
    dynamic = torch.export.Dim.DYNAMIC
    spatial = {0: dynamic, 2: dynamic, 3: dynamic}
    if isinstance(network, ResidualForger):
        files = [folder / "forger.onnx"]
        _export(network, (images, images), ("stamped", "noise"), "forged", (spatial, spatial), files[0])
    else:
        files = [folder / "knobs.onnx"]
        code, index = torch.zeros(2, CODE_SIZE), torch.zeros(2, dtype=torch.long)
        names = ("code", "colour", "device")
        _export(network.knobs, (code, index, index), names, "dials", ({0: dynamic},) * 3, files[0])
        if network.residual is not None:
            files.append(folder / "residual.onnx")
            features = torch.zeros(2, len(FEATURES), 40, 48)
            _export(network.residual, (features,), ("features",), "correction", (spatial,), files[1])
        told |= {
            "colours": list(COLOURS),
            "devices": [ANY, *DEVICES],
            "features": list(FEATURES),
            "absorbance": network.base.exp().tolist(),
            "knobs": [asdict(knob) for knob in KNOBS],
            "ink": "pressed * exp(0.5 * tanh(correction[0])) * exp(0.15 * tanh(correction[1:4])); black: 0.03 for 0.15",
        }
    told["files"] = [file.name for file in files]
    write_json(folder / "forger.json", told)
    return [*files, folder / "forger.json"]


def _export(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], names: tuple[str, ...], output: str, shapes: Any, path: Path
) -> None:
    import contextlib
    import io

    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of the exporter's own parts
            program = torch.onnx.export(
                module, inputs, dynamo=True, dynamic_shapes=shapes, opset_version=OPSET, verbose=False,
                input_names=list(names), output_names=[output],
            )  # fmt: skip
    except ImportError as error:
        raise Seal2RealError(f"ONNX export needs {error.name or 'onnxscript'}; pip install 'seal2real[onnx]'") from None
    assert program is not None
    part = path.with_name(f".{path.name}.part")
    program.save(part)
    part.replace(path)
