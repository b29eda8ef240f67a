"""Capture devices: what a flatbed scanner, a phone and a photocopier do to a sheet, as ranges of the scan's knobs.

A forger learns one distribution of scans from all its real images. A device replaces the part of it that the device
decides: light, paper, optics, sensor and file. The ranges are physical and hold for any forger; a forger that was
trained on images sorted by device has, besides, an offset for each device and knob.

What the ranges say. A *scan* has a lamp that moves with the sensor: even light, paper at or above white, little blur
and noise. A *phone* has the room's light from one side, a white balance that misses, a small lens and sensor,
sharpening and chroma smoothing by the camera's program, and a JPEG that was sent on. A *photocopy* has been through a
copier first (see `photocopy`), and then lies on a flatbed.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath

import torch

from seal2real.errors import UsageError
from seal2real.physics.knobs import INDEX, KNOBS

ANY = "any"  # as learned: a mixture of what the real images were captured with
PHOTOCOPY = "photocopy"

Range = tuple[float, float]  # physical values that nine of ten draws lie between

_FLATBED: Mapping[str, Range] = {
    "paper_level": (0.97, 1.12),
    "paper_warmth": (-0.014, 0.022),
    "paper_green": (-0.006, 0.006),
    "black_level": (0.01, 0.14),
    "shading": (0.001, 0.018),
    "fibre": (0.001, 0.012),
    "blur": (0.036, 0.09),
    "sharpen": (0.05, 1.2),
    "noise": (0.001, 0.009),
    "chroma_noise": (0.0006, 0.005),
    "chroma_blur": (0.035, 0.16),
    "jpeg": (0.05, 0.7),
}
RANGES: Mapping[str, Mapping[str, Range]] = {
    "scan": _FLATBED,
    "phone": {
        "paper_level": (0.63, 0.96),
        "paper_warmth": (-0.05, 0.052),
        "paper_green": (-0.014, 0.01),
        "black_level": (0.03, 0.2),
        "gamma": (0.85, 1.25),
        "shading": (0.07, 0.26),
        "fibre": (0.004, 0.03),
        "blur": (0.05, 0.2),
        "sharpen": (0.2, 1.6),
        "noise": (0.004, 0.02),
        "chroma_noise": (0.004, 0.02),
        "noise_size": (0.06, 0.2),
        "chroma_blur": (0.1, 0.45),
        "jpeg": (0.35, 0.85),
    },
    PHOTOCOPY: {
        **_FLATBED,
        "paper_warmth": (-0.004, 0.006),
        "paper_green": (-0.002, 0.002),
        "black_level": (0.01, 0.1),
        "chroma_noise": (0.0006, 0.002),
    },
}
DEVICES: tuple[str, ...] = tuple(RANGES)
_NORMAL_90 = 1.6449  # standard deviations on either side that hold nine tenths
_FOLDERS = {"scan": "scan", "scans": "scan", "phone": "phone", "phones": "phone", "photo": "phone", "photos": "phone"}
_FOLDERS |= {"photocopy": PHOTOCOPY, "photocopies": PHOTOCOPY}


def check_device(name: str) -> str:
    """The name itself.

    Raises:
        UsageError: no device of that name.
    """
    if name not in (ANY, *DEVICES):
        near = difflib.get_close_matches(name, (ANY, *DEVICES), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"no capture device {name!r}; {hint}known: {', '.join(DEVICES)}, {ANY}")
    return name


def device_of(path: str) -> str:
    """The device that a real image's path below its folder names: ``phone/a.jpg`` or ``2024/scans/b.png``; else any.

    Args:
        path: relative, with forward slashes. The innermost folder that names a device counts.
    """
    folders = [part.lower() for part in PurePosixPath(path).parts[:-1]]
    return next((_FOLDERS[folder] for folder in reversed(folders) if folder in _FOLDERS), ANY)


@cache
def device_dials(device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a device decides of the dials.

    Returns:
        (``bool [K]`` which knobs, ``[K]`` mean and ``[K]`` standard deviation of their dials' logits), so that nine of
        ten draws lie in `RANGES`.
    """
    decided = torch.zeros(len(KNOBS), dtype=torch.bool)
    mean, spread = torch.zeros(len(KNOBS)), torch.ones(len(KNOBS))
    for name, values in RANGES[device].items():
        knob = KNOBS[INDEX[name]]
        low, high = (torch.tensor(_dial(value, knob.low, knob.high, knob.log)).logit() for value in values)
        decided[INDEX[name]] = True
        mean[INDEX[name]] = (low + high) / 2
        spread[INDEX[name]] = (high - low) / (2 * _NORMAL_90)
    return decided, mean, spread


def _dial(value: float, low: float, high: float, log: bool) -> float:
    dial = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
    return min(max(dial, 0.01), 0.99)
