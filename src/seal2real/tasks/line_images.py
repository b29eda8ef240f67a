"""What a recogniser is given and what it is to say: straightened lines of one height, and comparable text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
import torch

from seal2real.sample import Image
from seal2real.tasks.fitting import Batch

HEIGHT = 32  # of a straightened line
WIDEST = 512  # of one in training; longer ones are squeezed
STEP = 4  # pixels of width for each of the network's answers


def normalised(text: str) -> str:
    """Text as it is compared and learned: composed, forms of the same character made one, no white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def fitted(line: Image) -> Image:
    """A line of height 32 whose width is a multiple of 4, at most `WIDEST`."""
    width = min(max(STEP, -(-line.shape[1] // STEP) * STEP), WIDEST)
    if width == line.shape[1]:
        return line
    return np.asarray(cv2.resize(line, (width, line.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def batched(images: Sequence[Image]) -> Batch:
    """``lines [B, 3, 32, W]`` in 0..1, filled up with white, and ``widths [B]`` in columns of the network."""
    widest = max(image.shape[1] for image in images)
    lines = np.full((len(images), 3, HEIGHT, widest), 255, np.uint8)
    for row, image in zip(lines, images, strict=True):
        row[..., : image.shape[1]] = image.transpose(2, 0, 1)
    widths = torch.tensor([image.shape[1] // STEP for image in images])
    return {"lines": torch.from_numpy(lines).float() / 255, "widths": widths}
