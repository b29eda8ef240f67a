"""What stage 2 looks at: micro-batches of real patches and of forged ones, brought to the same resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.forger.layered import CODE_SIZE, Impression
from seal2real.forger.residual import ResidualForger
from seal2real.physics.devices import DEVICES, PHOTOCOPY, device_of
from seal2real.physics.press_scan import InkNoise, ScanNoise
from seal2real.press.inks import COLOURS, random_ink
from seal2real.prior.pool import LayerBatch, Pool
from seal2real.prior.real import RealCrop, RealCrops
from seal2real.prior.stage1 import log_uniform, paste, real_patches
from seal2real.prior.training import Streams

_COLOUR_INDEX = {colour: index for index, colour in enumerate(COLOURS)}
CAPTURE_SCALES = (1.0, 1.7)  # resolution of a capture, relative to the patches that are compared
BLOCK = 8  # of JPEG, in pixels
LEARNED = tuple(device for device in DEVICES if device != PHOTOCOPY)  # a copier is no part of the differentiable scan


class Forged(TypedDict):
    """The forged half of a `Micro`."""

    colour: torch.Tensor
    forged: torch.Tensor
    drawn: LayerBatch
    pasted: torch.Tensor
    native: torch.Tensor
    impression: Impression | None


@dataclass
class Micro:
    """One micro-batch.

    Attributes:
        streams: its randomness.
        real: ``[B, 3, S, S]`` real patches.
        colour: ``[B]`` ink colour indices, of real and forged alike.
        device: ``[B]`` capture devices, 0 for any; None where the real images are not sorted by device.
        forged: ``[B, 3, S, S]``.
        drawn, pasted, native: layers, traditional composition and forged patches at the resolution of the capture.
        impression: the forger's layers at that resolution; None from the image-to-image forger.
    """

    streams: Streams
    real: torch.Tensor
    colour: torch.Tensor
    forged: torch.Tensor
    drawn: LayerBatch
    pasted: torch.Tensor
    native: torch.Tensor
    impression: Impression | None
    device: torch.Tensor | None = None


def device_parts(real: RealCrops) -> dict[str, RealCrops]:
    """The seals that lie in a folder named after a capture device, by device; empty where there is none."""
    parts: dict[str, list[RealCrop]] = {}
    for crop in real.crops:
        device = device_of(crop.group)
        if device in LEARNED:
            parts.setdefault(device, []).append(crop)
    return {device: RealCrops(crops) for device, crops in sorted(parts.items())}


def without_photocopies(real: RealCrops) -> RealCrops:
    """All but the crops of a folder named after photocopies: their toner is no ink, and no part of the forger.

    Raises:
        Seal2RealError: none is left.
    """
    kept = [crop for crop in real.crops if device_of(crop.group) != PHOTOCOPY]
    if len(kept) == len(real.crops):
        return real
    copies = sorted({crop.path for crop in real.crops if device_of(crop.group) == PHOTOCOPY})
    if not kept:
        raise Seal2RealError(f"{copies[0]}: all real images are photocopies; give scans or photos of the ink itself")
    skipped = [(path, f"{path}: a photocopy, of which no ink can be learned") for path in copies]
    return RealCrops(kept, [*real.skipped, *skipped])


def make_micro_batch(
    forger: nn.Module,
    real: RealCrops,
    pool: Pool,
    streams: Streams,
    count: int,
    size: int,
    diameters: tuple[float, float],
    device: torch.device | str,
    scales: tuple[float, float] = CAPTURE_SCALES,
    by_device: Mapping[str, RealCrops] | None = None,
) -> Micro:
    """Real patches, and forged ones in the same ink colours.

    With ``by_device`` (see `device_parts`) a random share of them is of one capture device, real and forged; the others
    are of any, so that "any" stays the mixture of all.

    Real seals reach the common diameter by scaling from whatever resolution they were captured at, and their JPEG
    blocks with them. So do the forged ones: they are forged at a capture resolution of their own, cut at a random phase
    of the 8 x 8 blocks, and scaled.
    """
    diameter = log_uniform(streams.numpy, diameters)
    sorted_out = 0 if not by_device else int(streams.numpy.integers(count + 1))
    images, colours = torch.empty(0, 3, size, size), list[str]()
    if sorted_out < count:
        images, colours = real_patches(real, streams.numpy, count - sorted_out, size, diameter)
    capturer = None
    if by_device:
        chosen = list(by_device)[int(streams.numpy.integers(len(by_device)))]
        capturer = torch.zeros(count, dtype=torch.long, device=device)
        if sorted_out:
            more, inked = real_patches(by_device[chosen], streams.numpy, sorted_out, size, diameter)
            images, colours = torch.cat((images, more)), [*colours, *inked]
            capturer[count - sorted_out :] = 1 + DEVICES.index(chosen)
    made = forge_captured(forger, pool, streams, colours, size, diameter, device, scales, capturer)
    return Micro(streams, images.to(device), device=capturer, **made)


def forge_captured(
    forger: nn.Module,
    pool: Pool,
    streams: Streams,
    colours: Sequence[str],
    size: int,
    diameter: float,
    device: torch.device | str,
    scales: tuple[float, float] = CAPTURE_SCALES,
    capturer: torch.Tensor | None = None,
) -> Forged:
    """Forged patches in these ink colours, made at a capture resolution of their own and brought to ``diameter``."""
    capture = log_uniform(streams.numpy, scales)
    side = round(size * capture)
    drawn = pool.batch(streams.numpy, len(colours), side + BLOCK, diameter * capture)
    inks = torch.from_numpy(np.stack([random_ink(streams.numpy, colour)[1] for colour in colours]))
    pasted = paste(drawn, inks).to(device)
    colour = torch.tensor([_COLOUR_INDEX[c] for c in colours], device=device)
    native, impression = forge_patches(forger, drawn, pasted, colour, streams, capturer)
    top, left = streams.numpy.integers(BLOCK, size=2)
    forged = native[..., top : top + side, left : left + side]
    forged = F.interpolate(forged, (size, size), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    return {
        "colour": colour, "forged": forged, "drawn": drawn, "pasted": pasted, "native": native,
        "impression": impression,
    }  # fmt: skip


def forge_patches(
    forger: nn.Module,
    layers: LayerBatch,
    pasted: torch.Tensor,
    colour: torch.Tensor,
    streams: Streams,
    capturer: torch.Tensor | None = None,
) -> tuple[torch.Tensor, Impression | None]:
    """Forged patches ``[B, 3, S, S]`` in 0..1 by either kind of forger, and the layers where there are any."""
    count, side = len(layers), layers.page.shape[-1]
    device = pasted.device
    if isinstance(forger, ResidualForger):
        return forger(pasted, streams.normal(*pasted.shape)), None
    impression = forger(
        layers.page.to(device),
        layers.coverage.to(device),
        colour,
        layers.px_per_mm.to(device),
        streams.normal(count, CODE_SIZE),
        InkNoise.draw(count, side, side, streams.torch),
        ScanNoise.draw(count, side, side, streams.torch),
        device=capturer,
    )
    return impression.stamped, impression


@torch.no_grad()
def picture_rows(
    forger: nn.Module,
    real: RealCrops,
    pool: Pool,
    seed: int,
    size: int,
    diameters: tuple[float, float],
    device: torch.device | str,
    scales: tuple[float, float] = CAPTURE_SCALES,
    columns: int = 12,
) -> list[torch.Tensor]:
    """Two rows of real patches, two pasted, two of the same forged: what a person compares."""
    rows: list[list[torch.Tensor]] = [[], [], []]
    for part in range(2):
        streams = Streams(seed, part, 20_011, device)
        batch = make_micro_batch(forger, real, pool, streams, columns, size, diameters, device, scales)
        pasted = F.interpolate(batch.pasted, (size, size), mode="area")
        for row, patches in zip(rows, (batch.real, pasted, batch.forged), strict=True):
            row.append(patches)
    return [patches for row in rows for patches in row]
