"""Colour matching: the colours of paper and of ink are brought to those of a real seal."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seal2real.baselines.base import CropMatching, coverage_of
from seal2real.prior.config import check_choices
from seal2real.sample import FloatMap, Image, Sample

Lab = npt.NDArray[np.float32]  # [..., 3]: lightness 0..100, a and b about -128..127
_LEAST_PIXELS = 30
_MOST_STRETCH = 3.0  # of a spread: a flat paste has next to none, and no factor makes texture of it


@dataclass(frozen=True)
class ColourSettings:
    """Settings."""

    how: str = "moments"  # of the ink: "moments" (Reinhard et al. 2001) or "histogram" (by rank, channel by channel)

    def __post_init__(self) -> None:
        check_choices(self, how=("moments", "histogram"))


class ColourMatching(CropMatching):
    """Per sample, one real seal of the same ink colour: in Lab, the paper's mean is moved to its paper's, and the ink
    is matched to its ink. They are blended by the drawn coverage; print on the page stays as it is."""

    kind = "colour"
    Settings = ColourSettings

    def image(self, sample: Sample, rng: np.random.Generator) -> Image:
        """The image in the colours of a real one.

        Raises:
            UsageError: `fit` has not been called.
        """
        crop = self.like_coloured(sample, rng)
        coverage, print_ = coverage_of(sample), dark_print(sample.page.image)
        own, target = to_lab(sample.stamped), to_lab(crop.image)
        near = cv2.dilate(crop.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # soft edges are neither
        bare, theirs = (coverage <= 0) & (print_ < 0.1), ~near & (dark_print(crop.image) < 0.1)
        paper = own
        if min(bare.sum(), theirs.sum()) >= _LEAST_PIXELS:
            paper = own + target[theirs].mean(0) - own[bare].mean(0)
        ink, inked = own, (coverage >= 0.5) & (print_ < 0.1)
        if min(inked.sum(), crop.mask.sum()) >= _LEAST_PIXELS:
            match = moments_matched if self.settings.how == "moments" else ranks_matched
            ink = match(own, own[inked], target[crop.mask])
        weight, kept = coverage[..., None], print_[..., None]
        return from_lab((paper * (1 - weight) + ink * weight) * (1 - kept) + own * kept)


def dark_print(image: Image) -> FloatMap:
    """``float32 [H, W]``: 0 on paper, 1 where it is dark in every channel; print keeps its own colours."""
    paper = np.percentile(image.reshape(-1, 3), 90, axis=0) + 1.0
    light: FloatMap = (image / paper).max(axis=2).astype(np.float32)
    return np.clip((0.9 - light) / 0.4, 0, 1)


def moments_matched(image: Lab, own: Lab, target: Lab) -> Lab:
    """Mean and standard deviation of ``own [N, 3]`` carried over to those of ``target [M, 3]`` (Reinhard et al. 2001).

    Args:
        image: ``[..., 3]`` to change.
        own: its pixels that stand for the part to match.
        target: real pixels of that part.
    """
    stretch = np.clip(target.std(0) / np.maximum(own.std(0), 1e-3), 1 / _MOST_STRETCH, _MOST_STRETCH)
    return ((image - own.mean(0)) * stretch + target.mean(0)).astype(np.float32)


def ranks_matched(image: Lab, own: Lab, target: Lab) -> Lab:
    """Each channel's cumulative histogram carried over; equal values take the middle of their ranks."""
    result = np.empty_like(image)
    for channel in range(3):
        known = np.sort(own[:, channel])
        values = image[..., channel]
        rank = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / (2.0 * len(known))
        result[..., channel] = np.quantile(target[:, channel], rank)
    return result


def to_lab(image: Image) -> Lab:
    """``uint8 [H, W, 3]`` RGB to CIE Lab."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def from_lab(lab: Lab) -> Image:
    """CIE Lab to ``uint8 [H, W, 3]`` RGB, clipped."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
