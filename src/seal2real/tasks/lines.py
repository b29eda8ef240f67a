"""Text lines of a seal: where they run, which way they are read.

A U-Net marks the middle of every line, and says of each pixel there how tall the line is, along which axis it runs, and
which way it is read (after TextSnake, Long et al. 2018, which follows a line's middle in discs). What hangs together is
a line; a straight one or an arc is laid through it, so that round, oval and square seals, inner and outer text, and
text from below are one case. The axis is told by the double angle, which knows no way: it is sure where the way is not.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

from seal2real.sample import Image, Polygon
from seal2real.tasks.crops import CropSet, View, log_uniform, longest_side, middle, outline_of, shaken
from seal2real.tasks.curves import CHANNELS, TextCurve, curve_of, curves_of, in_order, line_maps
from seal2real.tasks.fitting import Batch, batch_of
from seal2real.tasks.models import Sizes, UNetTool, UNetTraining
from seal2real.tasks.networks import TaskUNet

NAME = "line-finder"
SIDE = 288  # of the window onto a seal
LENGTH = 240.0  # longest side of the seal in it
_JITTER = (0.75, 1.1)  # of that length in training


class LineLesson:
    """Windows onto generated seals, and where their text runs."""

    name = "lines"

    def __init__(self, crops: CropSet):
        self.crops = crops
        self.seals = crops.seals(lambda seal: bool(seal["lines"]))

    def batch(self, rng: Generator, count: int) -> Batch:
        """``images [B, 3, S, S]`` in 0..1 and ``lines [B, 7, S/2, S/2]``: line, direction (x, y), height, column, axis
        (x, y)."""
        examples = [self._example(rng) for _ in range(count)]
        return batch_of(examples)

    def _example(self, rng: Generator) -> dict[str, np.ndarray]:
        place = self.seals[int(rng.integers(len(self.seals)))]
        sample = self.crops.load(place[0])
        outline = outline_of(self.crops.seal(place))
        longest = max(longest_side(outline), 1.0)
        scale = LENGTH / longest * log_uniform(rng, *_JITTER)
        x, y = middle(outline) + rng.normal(0, 0.03 * longest, 2)
        turn = float(rng.uniform(-180, 180) if rng.random() < 0.35 else rng.normal(0, 10))
        view = View.about((x, y), scale, turn, SIDE)
        image = np.asarray(view.of(sample.stamped, 255), np.uint8)
        if rng.random() < 0.3:  # seals of few pixels
            coarse = max(64, round(SIDE * float(rng.uniform(0.35, 0.9))))
            small = cv2.resize(image, (coarse, coarse), interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(small, (SIDE, SIDE)), np.uint8)
        lines = [curve_of(line) for other in sample.row["seals"] for line in other["lines"]]
        image = shaken(image, rng)
        return {
            "images": image.transpose(2, 0, 1).astype(np.float32) / 255,
            "lines": line_maps([line for line in lines if line is not None], view),
        }

    def loss(self, network: TaskUNet, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Cross-entropy and Dice of the lines; within them, distance of direction and height, cross-entropy of the
        column."""
        _, maps = network(batch["images"])
        wanted = batch["lines"]
        line = wanted[:, :1]
        inside = line.sum() + 1
        found = torch.sigmoid(maps[:, :1])
        dice = 1 - (2 * (found * line).sum((1, 2, 3)) + 1) / (found.sum((1, 2, 3)) + line.sum((1, 2, 3)) + 1)
        parts = {
            "line": F.binary_cross_entropy_with_logits(maps[:, :1], line) + dice.mean(),
            "along": ((maps[:, 1:3] - wanted[:, 1:3]).square().sum(1, keepdim=True) * line).sum() / inside,
            "axis": ((maps[:, 5:7] - wanted[:, 5:7]).square().sum(1, keepdim=True) * line).sum() / inside,
            "height": ((maps[:, 3:4] - wanted[:, 3:4]).abs() * line).sum() / inside,
            "column": (F.binary_cross_entropy_with_logits(maps[:, 4:5], wanted[:, 4:5], reduction="none") * line).sum()
            / inside,
        }
        total = parts["line"] + parts["along"] + parts["axis"] + parts["height"] + 0.3 * parts["column"]
        return total, {name: float(part.detach()) for name, part in parts.items()}


class LineFinder(UNetTool):
    """Finds the text lines of seals.

    Args:
        network: as from `train_line_finder`.
        dtype: of the computation.
    """

    kind = NAME
    sizes = Sizes(0, len(CHANNELS))

    @torch.inference_mode()
    def find(self, image: Image, outline: Polygon) -> list[TextCurve]:
        """The lines of one seal, in reading order: arcs from the outside in, then rows from top to bottom, columns from
        right to left, arcs that are read from below last.

        Args:
            image: ``uint8 [H, W, 3]``.
            outline: ``[n, 2]`` of the seal.
        """
        scale = LENGTH / max(longest_side(outline), 1.0)
        view = View.about(middle(outline), scale, 0.0, SIDE)
        window = np.asarray(view.of(image, 255), np.uint8)
        pixels = torch.from_numpy(window).permute(2, 0, 1)[None].float() / 255
        maps = self.network(pixels)[1][0].numpy()
        curves = curves_of(maps)
        near = np.asarray(view.points(outline) / 2, np.float32)
        inside = [c for c in curves if cv2.pointPolygonTest(near, c.middle.mean(0).tolist(), True) > -4]
        origin = np.linalg.inv(view.matrix[:, :2]) @ view.matrix[:, 2]
        shift = (-float(origin[0]), -float(origin[1]))
        return [curve.moved(2 / scale, shift) for curve in in_order(inside, SIDE / 4)]


train_line_finder = UNetTraining(NAME, LineLesson, LineFinder, LineFinder.sizes)
