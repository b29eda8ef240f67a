"""Fourier domain adaptation (Yang and Soatto 2020): the lowest frequencies take their amplitude from a real image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from seal2real.baselines.base import CropMatching
from seal2real.errors import UsageError
from seal2real.sample import Image, Sample


@dataclass(frozen=True)
class FdaSettings:
    """Settings."""

    beta: float = 0.01  # half the side of the exchanged square of frequencies, as a share of the image's side

    def __post_init__(self) -> None:
        if not 0 < self.beta <= 0.5:
            raise UsageError(f"beta is {self.beta}; it must be above 0 and at most 0.5")


class FourierAdaptation(CropMatching):
    """Per sample, one real seal of the same ink colour."""

    kind = "fda"
    Settings = FdaSettings

    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The image with a real one's low frequencies.

        Raises:
            UsageError: `fit` has not been called.
        """
        height, width = sample.size
        crop = self.like_coloured(sample, rng).image
        how = cv2.INTER_AREA if crop.shape[0] > height else cv2.INTER_LINEAR
        return low_amplitudes_of(
            sample.stamped, np.asarray(cv2.resize(crop, (width, height), interpolation=how)), self.settings.beta
        )


def low_amplitudes_of(image: Image, target: Image, beta: float) -> Image:
    """Exchange the amplitude of the lowest frequencies and keep the phase (eq. 3 of the paper).

    Args:
        image: ``uint8 [H, W, 3]`` whose phase is kept.
        target: ``uint8 [H, W, 3]`` whose amplitude is taken.
        beta: half the side of the square of frequencies, as a share of the shorter side.
    """
    own, other = (
        np.fft.fftshift(np.fft.fft2(each.astype(np.float64), axes=(0, 1)), (0, 1)) for each in (image, target)
    )
    height, width = image.shape[:2]
    reach = int(beta * min(height, width))
    low = np.s_[height // 2 - reach : height // 2 + reach + 1, width // 2 - reach : width // 2 + reach + 1]
    amplitude = np.abs(own)
    amplitude[low] = np.abs(other[low])
    mixed = amplitude * np.exp(1j * np.angle(own))
    result = np.fft.ifft2(np.fft.ifftshift(mixed, (0, 1)), axes=(0, 1)).real
    return (np.clip(result, 0, 255) + 0.5).clip(0, 255).astype(np.uint8)
