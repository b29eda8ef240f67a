"""Finding seals: their ink, their outlines, what shape they have.

One U-Net looks several times. First at the whole image at sizes where seals are some 40 to 240 pixels long: every pixel
says whether it lies within a seal, and points at that seal's middle; the points gather to instances (Panoptic-DeepLab,
Cheng et al. 2020). Then at each seal by itself: at one size for its outline, and as large as it can for its ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from numpy.random import Generator

from seal2real.physics.ink_measure import absorbance_against, colour_class, estimate_paper
from seal2real.sample import Image, Mask, Polygon
from seal2real.tasks.crops import (
    SHAPES,
    CropSet,
    View,
    filled,
    log_uniform,
    longest_side,
    middle,
    outline_of,
    random_turn,
    shaken,
    shape_of,
)
from seal2real.tasks.fitting import Batch, batch_of
from seal2real.tasks.instances import (
    BLANK,
    CHANNELS,
    Candidate,
    apart,
    best,
    fitness,
    instances,
    targets,
    with_its_ink,
    without_doubles,
)
from seal2real.tasks.models import Sizes, UNetTool, UNetTraining
from seal2real.tasks.networks import TaskUNet

NAME = "segmenter"
SIDE = 256  # of training windows
LENGTHS = (40.0, 400.0)  # longest side of a seal in them, in pixels
WHOLE = 240.0  # longer ones show in part: they teach what ink is, not where seals are
_OUTLINED = 150.0  # longest side of a seal whose outline is looked at
_MARGIN = 0.35  # of a seal's length, how far beyond the found outline its ink is looked for
_FRAME = 0.12  # of a seal's length, the frame about its ink
_ALSO = 0.2  # confidence from which on another seal keeps its ink
_BRIGHTEST, _DIM, _WHITE = 90.0, 180.0, 235.0  # percentile of paper; its level from which down it is made this white
_GAIN, _SAMPLED = 3.0, 400  # at most; pixels along a side that are looked at for it
_BEYOND = 0.08  # of a seal's length, how far from the found outline its ink may lie


@dataclass(frozen=True)
class Seal:
    """A seal that was found.

    Attributes:
        polygon: ``[n, 2]`` outline in image pixels, clockwise on the screen.
        ink: ``bool [h, w]``: visible ink, in the frame at ``offset``.
        offset: (x, y) of the frame's first pixel.
        shape: one of `seal2real.tasks.crops.SHAPES`.
        colour: "red", "blue", "violet" or "black", as measured on the ink.
        confidence: 0..1, that there is a seal.
    """

    polygon: Polygon
    ink: Mask
    offset: tuple[int, int]
    shape: str
    colour: str
    confidence: float

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """Box of the outline: x, y, width, height."""
        low, high = self.polygon.min(0), self.polygon.max(0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])

    def on_page(self, height: int, width: int) -> Mask:
        """The ink on an image of this size, ``bool [height, width]``."""
        page = np.zeros((height, width), bool)
        x, y = self.offset
        page[y : y + self.ink.shape[0], x : x + self.ink.shape[1]] = self.ink
        return page

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the ink as its pixel count."""
        return {
            "bbox": [round(v, 2) for v in self.bbox],
            "polygon": np.asarray(self.polygon, np.float64).round(2).tolist(),
            "kind": self.shape,
            "colour": self.colour,
            "confidence": round(self.confidence, 4),
            "ink_pixels": int(self.ink.sum()),
        }


def ink_of(seals: Sequence[Seal], height: int, width: int) -> Mask:
    """The ink of all seals together on an image of this size, ``bool [height, width]``."""
    ink = np.zeros((height, width), bool)
    for seal in seals:
        ink |= seal.on_page(height, width)
    return ink


class SegmentLesson:
    """Windows of generated samples, and what the network is to say of them."""

    name = "segment"

    def __init__(self, crops: CropSet):
        self.crops = crops

    def batch(self, rng: Generator, count: int) -> Batch:
        """``images [B, 3, S, S]`` in 0..1; ``ink [B, 1, S, S]``; at half size ``region``, ``centre`` ``[B, 1, ...]``,
        ``offset [B, 2, ...]`` and ``shape [B, ...]`` (255 where there is no seal); ``whole [B]``: 1 where those
        count."""
        examples = [self._example(rng) for _ in range(count)]
        return batch_of(examples)

    def _example(self, rng: Generator) -> dict[str, np.ndarray]:
        index = int(rng.integers(len(self.crops)))
        sample = self.crops.load(index)
        height, width = sample.stamped.shape[:2]
        polygons = [outline_of(seal) for seal in sample.row["seals"]]
        view = random_view(polygons, (width, height), rng)
        border = None if rng.random() < 0.5 else int(rng.integers(256)) if rng.random() < 0.3 else 255
        image = shaken(np.asarray(view.of(sample.stamped, border), np.uint8), rng)
        outlines = [view.points(polygon) for polygon in polygons]
        shapes = [SHAPES.index(shape_of(polygon)) for polygon in polygons]
        longest = max((longest_side(np.asarray(outline, np.float32)) for outline in outlines), default=0.0)
        return {
            "whole": np.asarray(longest <= WHOLE, np.float32),
            "images": image.transpose(2, 0, 1).astype(np.float32) / 255,
            "ink": view.cover(*sample.visible)[None],
            **targets(outlines, shapes, SIDE // 2),
        }

    def loss(self, network: TaskUNet, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Cross-entropy and Dice of ink and region, squared error of middles, distance of offsets, cross-entropy of
        shapes."""
        fine, coarse = network(batch["images"])
        whole = batch["whole"]
        within = batch["region"] * whole.view(-1, 1, 1, 1)
        off = ((coarse[:, 2:4] - batch["offset"]).abs() * within).sum() / (2 * within.sum() + 1)
        warm = (torch.sigmoid(coarse[:, 1:2]) - batch["centre"]).square().mean((1, 2, 3))
        parts = {
            "ink": _cross_entropy_and_dice(fine[:, :1], batch["ink"]).mean(),
            "region": _mean(_cross_entropy_and_dice(coarse[:, :1], batch["region"]), whole),
            "centre": 100.0 * _mean(warm, whole),
            "offset": off,
            "shape": _shape_loss(coarse[:, 4:], batch["shape"], within[:, 0]),
        }
        total = parts["ink"] + parts["region"] + parts["centre"] + 2.0 * parts["offset"] + 0.3 * parts["shape"]
        return total, {name: float(part.detach()) for name, part in parts.items()}


def random_view(outlines: Sequence[Polygon], size: tuple[int, int], rng: Generator) -> View:
    """A window about one of the seals, of a random size; of paper without seals, anywhere.

    Args:
        outlines: ``float32 [n, 2]`` of each seal on the image.
        size: (width, height) of the image.
        rng: of the choice.
    """
    least = SIDE / min(size)  # the image fills the window
    if not outlines:
        centre = (float(rng.uniform(0, size[0])), float(rng.uniform(0, size[1])))
        return View.about(centre, log_uniform(rng, min(least, 1.2), 1.3), random_turn(rng), SIDE)
    outline = outlines[int(rng.integers(len(outlines)))]
    longest = max(longest_side(outline), 1.0)
    low, high = max(LENGTHS[0] / longest, least), min(LENGTHS[1] / longest, 1.6)  # enlarging shows nothing new
    scale = log_uniform(rng, min(low, high), high)
    x, y = middle(outline)
    reach = 0.36 * SIDE / scale
    return View.about((x + rng.uniform(-reach, reach), y + rng.uniform(-reach, reach)), scale, random_turn(rng), SIDE)


def _cross_entropy_and_dice(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """For each image, ``[B]``."""
    probability = torch.sigmoid(logits)
    shared = (probability * target).sum((1, 2, 3))
    dice = 1 - (2 * shared + 1) / (probability.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((1, 2, 3))
    return entropy + 0.5 * dice


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum() / weights.sum().clamp_min(1)


def _shape_loss(logits: torch.Tensor, shape: torch.Tensor, within: torch.Tensor) -> torch.Tensor:
    return _mean(F.cross_entropy(logits, shape, ignore_index=BLANK, reduction="none"), within)


class Segmenter(UNetTool):
    """Finds seals in images of any size.

    Args:
        network: as from `train_segmenter`.
        dtype: of the computation.
    """

    kind = NAME
    sizes = Sizes(1, len(CHANNELS))

    def segment(self, image: Image, threshold: float = 0.5) -> list[Seal]:
        """Seals of an image, the surest first.

        Args:
            image: ``uint8 [H, W, 3]``.
            threshold: of confidence; lower finds more, and more that is none.

        Returns:
            The seals; none where there is none.
        """
        image = _white_balanced(image)
        rough: list[Candidate] = []
        for scale in _search_scales(*image.shape[:2]):
            rough += self._search(image, scale)
        looked = [self._outline(image, candidate) for candidate in without_doubles(rough)]
        outlined = [own for own in looked if own is not None]
        found = []
        for own in outlined:
            others = [each.polygon for each in outlined if each is not own and each.confidence >= _ALSO]
            seal = self._look(image, own, others)
            if seal is not None and seal.confidence >= threshold:
                found.append(seal)
        return apart(sorted(found, key=lambda seal: -seal.confidence), 0.7)

    @torch.inference_mode()
    def _maps(self, image: Image) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        fine, coarse = self.network(pixels)
        coarse[:, :2] = torch.sigmoid(coarse[:, :2])
        return torch.sigmoid(fine[0, 0]).numpy(), coarse[0].numpy()

    def _search(self, image: Image, scale: float) -> list[Candidate]:
        """Instances at one scale."""
        small = _scaled(image, scale)
        _, maps = self._maps(small)
        return [
            replace(candidate, polygon=candidate.polygon * (2 / scale), fitting=fitness(candidate.polygon * 2))
            for candidate in instances(maps)
        ]

    def _look(self, image: Image, own: Candidate, others: Sequence[Polygon]) -> Seal | None:
        """One seal by itself; what lies on others alone is not its ink."""
        longest = max(longest_side(own.polygon), 4.0)
        scale = float(np.clip(longest, 96, LENGTHS[1])) / longest
        part, (x, y) = _about(image, own.polygon, _MARGIN * longest + 8 / scale)
        if min(part.shape[:2]) < 2:
            return None
        soft = cv2.resize(self._maps(_scaled(part, scale))[0], part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        ink = np.asarray(soft >= 0.5)
        polygon = own.polygon - (x, y)
        elsewhere = np.zeros(ink.shape, bool)
        for other in others:
            elsewhere |= filled(other - (x, y), *ink.shape)
        polygon = with_its_ink(polygon, ink, elsewhere)
        near = filled(polygon, *ink.shape).astype(np.uint8)
        reach = max(1, round(_BEYOND * longest))
        close = cv2.dilate(near, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        mask = ink & (close > 0)
        if not mask.any():
            return None
        absorbed = absorbance_against(part, estimate_paper(part))[mask]
        colour = colour_class(np.asarray(np.median(absorbed, 0), np.float32))
        outline = np.asarray(polygon + np.array((x, y)), np.float32)
        edge = round(_FRAME * longest) + 8
        ys, xs = np.nonzero(mask)
        top, left = max(0, int(ys.min()) - edge), max(0, int(xs.min()) - edge)
        mask = mask[top : int(ys.max()) + edge, left : int(xs.max()) + edge]
        return Seal(outline, mask, (x + left, y + top), own.shape, colour, own.confidence)

    def _outline(self, image: Image, candidate: Candidate) -> Candidate | None:
        """The outline, looked at again where it suits the network best."""
        longest = max(longest_side(candidate.polygon), 4.0)
        scale = min(_OUTLINED / longest, 2.0)
        part, origin = _about(image, candidate.polygon, 0.4 * longest)
        if min(part.shape[:2]) < 2:
            return None
        _, maps = self._maps(_scaled(part, scale))
        own = best(instances(maps, floor=0.1), (candidate.polygon - origin) * (scale / 2))
        if own is None:
            return None
        confidence = float(np.sqrt(own.confidence * max(candidate.confidence, 1e-6)))
        polygon = np.asarray(own.polygon * (2 / scale) + origin, np.float32)
        return replace(own, polygon=polygon, confidence=confidence)


def _white_balanced(image: Image) -> Image:
    """The image, its paper made white if dim or coloured light has made it darker than training knows: the brightest
    tenth of each channel is taken for paper."""
    step = max(1, min(image.shape[:2]) // _SAMPLED)
    paper = np.percentile(image[::step, ::step].reshape(-1, 3), _BRIGHTEST, axis=0)
    if paper.min() >= _DIM:
        return image
    gain = np.minimum(_WHITE / np.maximum(paper, 1.0), _GAIN)
    levels = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)
    return np.stack([levels[image[..., channel], channel] for channel in range(3)], axis=-1)


def _about(image: Image, polygon: Polygon, margin: float) -> tuple[Image, tuple[int, int]]:
    """The part of an image around a polygon, and its first pixel (x, y)."""
    height, width = image.shape[:2]
    x0, y0 = (int(max(0, value)) for value in np.floor(polygon.min(0) - margin))
    x1, y1 = (int(min(n, v)) for v, n in zip(np.ceil(polygon.max(0) + margin), (width, height), strict=True))
    return image[y0 : max(y0, y1), x0 : max(x0, x1)], (x0, y0)


def _search_scales(height: int, width: int) -> list[float]:
    """A whole page is searched as large as a sheet of A4 at 100 dpi, and at half of that where a seal may fill the
    view."""
    longest = max(height, width)
    first = min(1.0, 1170 / longest)
    scales = [first]
    while longest * scales[-1] > 280 and len(scales) < 3:
        scales.append(scales[-1] / 2)
    if longest < 96:
        scales = [96 / longest]
    return scales


def _scaled(image: Image, scale: float) -> Image:
    if scale == 1.0:
        return image
    height, width = image.shape[:2]
    size = max(2, round(width * scale)), max(2, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


train_segmenter = UNetTraining(NAME, SegmentLesson, Segmenter, Segmenter.sizes)
