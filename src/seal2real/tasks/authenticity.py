"""Is this an impression of ink on the paper, a digital paste, or a colour copy?

A U-Net judges every pixel near ink, at the resolution of the scan, where the three differ: in how ink sinks into the
paper, how its edges share the scan's blur and noise with the print, and in a printer's raster. It sees the picture, and
what is left of it without its smooth part, as detectors of manipulated images do (Zhou et al. 2018). The seal's answer
is the mean of its pixels' answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

from seal2real.errors import Seal2RealError
from seal2real.sample import FloatMap, Image, Mask
from seal2real.tasks.crops import CropSet, Place, View, log_uniform, middle, outline_of, random_turn, shaken
from seal2real.tasks.fitting import Batch, FitConfig, batch_of
from seal2real.tasks.models import Sizes, UNetTool, UNetTraining
from seal2real.tasks.networks import TaskUNet
from seal2real.tasks.segment import Seal

NAME = "authenticity"
CLASSES = ("impression", "paste", "colour-copy")
UNSURE = "unsure"
SIDE = 160  # of training windows
SCALES = (0.6, 1.15)  # of training windows, relative to the samples
_RESIDUE = 6.0  # how much the fine part is amplified
_LONGEST = 512  # a larger seal is judged at this size
_SURE = 0.6  # probability from which on a seal is called something
_NEAR = 2  # pixels around ink that count


@dataclass(frozen=True)
class Judgement:
    """What a seal is.

    Attributes:
        verdict: the likeliest of `CLASSES`, or "unsure" where none is likely enough.
        probabilities: of each class, summing to 1.
        evidence: ``float32 [h, w]`` in 0..1, in the frame of the seal's ink: how much each pixel speaks against an
            impression; 0 away from ink.
    """

    verdict: str
    probabilities: dict[str, float]
    evidence: FloatMap


class AuthenticityLesson:
    """Windows onto seals of every class, as `seal2real generate --authenticity` makes them."""

    name = "authenticity"

    def __init__(self, crops: CropSet):
        self.crops = crops
        self.seals = [_seals_of(crops, name) for name in CLASSES]

    def batch(self, rng: Generator, count: int) -> Batch:
        """``images [B, 6, S, S]``, ``near [B, 1, S/2, S/2]`` 1 about ink, ``label [B]`` of `CLASSES`; as many
        of each class."""
        labels = rng.permutation(np.arange(count) % len(CLASSES))
        return batch_of([self._example(int(label), rng) for label in labels])

    def _example(self, label: int, rng: Generator) -> dict[str, np.ndarray]:
        seals = self.seals[label]
        place = seals[int(rng.integers(len(seals)))]
        sample = self.crops.load(place[0])
        ink = sample.visible[place[1]]
        spots = np.argwhere(ink)
        outline = outline_of(self.crops.seal(place))
        x, y = spots[int(rng.integers(len(spots)))][::-1] if len(spots) else middle(outline)
        shift = rng.uniform(-0.3, 0.3, 2) * SIDE
        view = View.about((x + shift[0], y + shift[1]), log_uniform(rng, *SCALES), random_turn(rng), SIDE)
        image = np.asarray(view.of(sample.stamped, 255), np.uint8)
        image = shaken(image, rng) if rng.random() < 0.6 else image
        return {
            "images": _features(image),
            "near": _about(view.cover(ink) >= 0.5)[::2, ::2].astype(np.float32)[None],
            "label": np.asarray(label, np.int64),
        }

    def loss(self, network: TaskUNet, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Cross-entropy of the windows' answers, and a little of the pixels'."""
        maps = network(batch["images"])[1]
        pooled = _pooled(maps, batch["near"])
        whole = F.cross_entropy(pooled, batch["label"])
        labels = batch["label"].view(-1, 1, 1).expand(-1, *maps.shape[-2:])
        pixels = F.cross_entropy(maps, labels, reduction="none")[:, None]
        each = (pixels * batch["near"]).sum() / (batch["near"].sum() + 1)
        right = (pooled.argmax(1) == batch["label"]).float().mean()
        return whole + 0.2 * each, {"whole": float(whole.detach()), "right": float(right)}


def _seals_of(crops: CropSet, name: str) -> list[Place]:
    """Where the seals of a class are.

    Raises:
        Seal2RealError: there is none.
    """
    seals = crops.seals(lambda seal: seal["authenticity"] == name)
    if not seals:
        raise Seal2RealError(f"no {name} in the data; generate some with --authenticity")
    return seals


def _features(image: Image) -> FloatMap:
    """``float32 [6, H, W]``: RGB in 0..1, and the same without its smooth part, around 0.5."""
    pixels = image.astype(np.float32) / np.float32(255)
    fine = (pixels - cv2.GaussianBlur(pixels, (0, 0), 1.2)) * np.float32(_RESIDUE) + np.float32(0.5)
    both = np.concatenate((pixels, np.clip(fine, 0, 1)), 2)
    return np.ascontiguousarray(both.transpose(2, 0, 1))


def _about(ink: Mask) -> Mask:
    kernel = np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8)
    return np.asarray(cv2.dilate(ink.astype(np.uint8), kernel) > 0)


def _pooled(maps: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """Mean logits ``[B, classes]`` of the pixels that count."""
    return (maps * near).sum((2, 3)) / (near.sum((2, 3)) + 1e-3)


class AuthenticityJudge(UNetTool):
    """Tells impressions from pastes and copies.

    Args:
        network: as from `train_authenticity`.
        dtype: of the computation.
    """

    kind = NAME
    sizes = Sizes(0, len(CLASSES), 6)

    @torch.inference_mode()
    def judge(self, image: Image, seal: Seal) -> Judgement:
        """What a seal is.

        Args:
            image: ``uint8 [H, W, 3]`` that it was found on.
            seal: as from `seal2real.tasks.segment.Segmenter`.
        """
        height, width = image.shape[:2]
        x, y = seal.offset
        rows, columns = slice(y, min(height, y + seal.ink.shape[0])), slice(x, min(width, x + seal.ink.shape[1]))
        part, ink = image[rows, columns], seal.ink
        scale = min(1.0, _LONGEST / max(ink.shape))
        if scale < 1:
            size = max(8, round(ink.shape[1] * scale)), max(8, round(ink.shape[0] * scale))
            part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            ink = cv2.resize(ink.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        maps = self.network(torch.from_numpy(_features(part))[None])[1]
        near = torch.from_numpy(_about(np.asarray(ink))[::2, ::2].astype(np.float32))[None, None]
        chances = _pooled(maps, near)[0].softmax(0).tolist()
        against = ((1 - maps.softmax(1)[0, 0]) * near[0, 0]).numpy()
        evidence = cv2.resize(against, seal.ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
        probabilities = {name: float(chance) for name, chance in zip(CLASSES, chances, strict=True)}
        likeliest = max(probabilities, key=lambda name: probabilities[name])
        verdict = likeliest if probabilities[likeliest] >= _SURE else UNSURE
        return Judgement(verdict, probabilities, np.asarray(evidence, np.float32))


# on datasets made with --authenticity
train_authenticity = UNetTraining(
    NAME,
    AuthenticityLesson,
    AuthenticityJudge,
    AuthenticityJudge.sizes,
    default=FitConfig(learning_rate=1e-3),
)
