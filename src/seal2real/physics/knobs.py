"""The knobs of the press-and-scan model: every strength of ink, paper and capture, by name, unit and range.

A setting of all knobs is a vector ``u`` in [0, 1]^K ("dial positions"). `decode` turns it into physical values. The
same vector is the caption of the simulator's images in pretraining, and what the forger's knob network produces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

Group = Literal["ink", "colour", "scan"]


@dataclass(frozen=True)
class Knob:
    """One strength of the model.

    Attributes:
        name: key in the decoded settings.
        group: "ink" (die, ink and paper contact), "colour" (of the ink) or "scan" (paper and capture).
        low, high: physical values at dial positions 0 and 1.
        unit: unit of the values, "" for a plain ratio.
        off: dial position at which the effect is weakest.
        start, spread: the untrained forger draws the dial as ``sigmoid(logit(start) + spread * normal)``.
        log: whether the dial is logarithmic.
        doc: what it does.
    """

    name: str
    group: Group
    low: float
    high: float
    unit: str
    off: float
    start: float
    spread: float
    log: bool
    doc: str


def _knob(
    name: str, group: Group, low: float, high: float, unit: str, off: float, start: float, spread: float, doc: str
) -> Knob:
    return Knob(name, group, low, high, unit, off, start, spread, log=False, doc=doc)


def _log_knob(
    name: str, group: Group, low: float, high: float, unit: str, off: float, start: float, spread: float, doc: str
) -> Knob:
    return Knob(name, group, low, high, unit, off, start, spread, log=True, doc=doc)


KNOBS: tuple[Knob, ...] = (
    # ink: what happens between die and paper
    _log_knob("spread", "ink", 0.02, 0.25, "mm", 0.0, 0.45, 1.0, "blur of the inked edge before it sets"),
    _knob("gain", "ink", -0.6, 0.6, "", 0.5, 0.5, 1.0, "below 0 starved strokes, above 0 over-inked ones"),
    _log_knob("softness", "ink", 0.04, 0.5, "", 0.0, 0.5, 0.9, "width of the threshold between bare and inked"),
    _log_knob("thickness", "ink", 0.2, 1.8, "", 0.7, 0.62, 1.0, "thickness of the ink film"),
    _knob("tilt", "ink", 0.0, 1.2, "", 0.0, 0.2, 1.1, "pressure falling from one side of the seal to the other"),
    _knob("unevenness", "ink", 0.0, 1.2, "", 0.0, 0.25, 1.1, "pressure varying over about 10 mm"),
    _knob("mottle", "ink", 0.0, 1.0, "", 0.0, 0.25, 1.1, "film thickness varying over 1 to 3 mm"),
    _knob("grain", "ink", 0.0, 1.6, "", 0.0, 0.25, 1.2, "paper grain that the ink does not reach"),
    _log_knob("grain_size", "ink", 0.05, 0.4, "mm", 0.5, 0.45, 1.0, "size of that grain"),
    _knob("dropout", "ink", 0.0, 1.0, "", 0.0, 0.12, 1.3, "dry spots inside strokes and ring"),
    _log_knob("dropout_size", "ink", 0.25, 2.5, "mm", 0.5, 0.5, 1.0, "size of the dry spots"),
    _knob(
        "rim", "ink", -0.6, 1.4, "", 0.3, 0.35, 1.0, "ink squeezed to the edge of strokes (above 0) or missing there"
    ),
    _knob("halo", "ink", 0.0, 0.35, "", 0.0, 0.12, 1.1, "oil halo around strokes"),
    _knob("double", "ink", 0.0, 0.8, "", 0.0, 0.05, 1.4, "strength of a second, shifted strike"),
    _knob("double_shift", "ink", 0.2, 1.0, "mm", 0.0, 0.4, 0.8, "shift of the second strike"),
    _knob("smear", "ink", 0.0, 0.25, "", 0.0, 0.08, 1.2, "ink film between the strokes"),
    # colour of the ink, relative to the class's base absorbance
    _knob("ink_red", "colour", -0.9, 0.9, "log", 0.5, 0.5, 0.8, "log factor on absorbance in red"),
    _knob("ink_green", "colour", -0.6, 0.6, "log", 0.5, 0.5, 0.8, "log factor on absorbance in green"),
    _knob("ink_blue", "colour", -0.6, 0.6, "log", 0.5, 0.5, 0.8, "log factor on absorbance in blue"),
    # scan: paper, light, optics, sensor, file
    _knob("paper_level", "scan", 0.6, 1.2, "", 0.667, 0.68, 0.9, "brightness of bare paper; above 1 clips"),
    _knob("paper_warmth", "scan", -0.06, 0.08, "", 0.43, 0.46, 0.7, "red minus blue of bare paper"),
    _knob("paper_green", "scan", -0.03, 0.03, "", 0.5, 0.5, 0.6, "green against magenta of bare paper"),
    _knob("black_level", "scan", 0.0, 0.35, "", 0.0, 0.25, 1.0, "brightness of full black print"),
    _knob("gamma", "scan", 0.7, 1.5, "", 0.37, 0.37, 0.7, "tone curve's exponent"),
    _knob("saturation", "scan", 0.6, 1.5, "", 0.45, 0.45, 0.7, "colour saturation"),
    _knob("shading", "scan", 0.0, 0.3, "", 0.0, 0.12, 1.2, "uneven light over the crop"),
    _knob("fibre", "scan", 0.0, 0.08, "", 0.0, 0.15, 1.1, "texture of the paper"),
    _log_knob("fibre_size", "scan", 0.1, 1.5, "mm", 0.5, 0.4, 1.0, "size of that texture"),
    _log_knob("blur", "scan", 0.03, 0.45, "mm", 0.0, 0.45, 1.0, "optical blur, and loss of resolution"),
    _knob("sharpen", "scan", 0.0, 2.0, "", 0.0, 0.2, 1.1, "unsharp mask of the scanner driver"),
    _knob("noise", "scan", 0.0, 0.08, "", 0.0, 0.15, 1.1, "luminance noise (standard deviation)"),
    _knob("chroma_noise", "scan", 0.0, 0.06, "", 0.0, 0.12, 1.1, "chroma noise (standard deviation)"),
    _log_knob("noise_size", "scan", 0.03, 0.3, "mm", 0.3, 0.4, 0.9, "correlation length of the noise"),
    _log_knob("chroma_blur", "scan", 0.03, 0.8, "mm", 0.0, 0.35, 1.0, "colour bleeding over luminance edges"),
    _knob("jpeg", "scan", 0.0, 1.0, "", 0.0, 0.35, 1.2, "JPEG compression: 0 is quality 98, 1 is quality 20"),
)

NAMES: tuple[str, ...] = tuple(knob.name for knob in KNOBS)
INDEX: dict[str, int] = {name: index for index, name in enumerate(NAMES)}


def decode(dials: torch.Tensor) -> dict[str, torch.Tensor]:
    """Physical values of dial positions.

    Args:
        dials: ``[B, K]`` in 0..1, columns in the order of `KNOBS`.

    Returns:
        name -> ``[B]`` physical values, in each knob's unit.
    """
    values = {}
    for column, knob in enumerate(KNOBS):
        dial = dials[:, column].float()
        if knob.log:
            ratio = torch.as_tensor(knob.high / knob.low, device=dial.device)
            values[knob.name] = knob.low * ratio**dial
        else:
            values[knob.name] = knob.low + (knob.high - knob.low) * dial
    return values
