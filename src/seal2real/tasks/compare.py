"""Do two impressions come from the same die? They are laid on each other, and a U-Net says where they differ.

Wear, ink and paper differ between any two impressions; a character, a font, a star, a ring or a size differs between
dies. The network learns the one from the other. The answer is evidence, not proof: a good forgery of a die leaves
nothing to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

from seal2real.dataset.formats.native import load_reference
from seal2real.errors import Seal2RealError, UsageError
from seal2real.physics.ink_measure import measure_ink
from seal2real.prior.config import plain
from seal2real.sample import FloatMap, Image
from seal2real.tasks.crops import CropSet, Label, Place, View, outline_of
from seal2real.tasks.fitting import Batch, FitConfig, batch_of
from seal2real.tasks.models import Sizes, UNetTool, UNetTraining, load_network
from seal2real.tasks.networks import TaskUNet
from seal2real.tasks.registration import SIDE, Ink, Registration, framed, register
from seal2real.weights import read_json

NAME = "comparer"
FALSE_ACCEPTS = (0.001, 0.01, 0.05)  # rates that a threshold is kept for
_TOP = 0.01  # share of the pixels that decide
_STRANGERS = 0.15  # of the training pairs: another seal altogether
_INPUTS = 6
_TOLERANCE = 5  # pixels of the common frame within which strokes agree
_LEAST_PART = 0.6  # of a seal on both images, or it is not learned from
_RARE = 12.0  # weight of pixels that differ


@dataclass(frozen=True)
class Comparison:
    """What two impressions say.

    Attributes:
        same: probability that they are of one die, as calibrated on generated pairs.
        accepted: whether that is above the threshold.
        threshold: of the chosen rate of false accepts.
        false_accept_rate: that rate, on generated pairs of altered dies.
        difference: ``float32 [H, W]`` in 0..1, in the query image: where they differ.
        registration: how the reference lies on the query.
    """

    same: float
    accepted: bool
    threshold: float
    false_accept_rate: float
    difference: FloatMap
    registration: Registration


class CompareLesson:
    """Pairs of generated impressions: of one die, of a die and an altered one, of two seals."""

    name = "compare"

    def __init__(self, crops: CropSet):
        self.crops = crops
        self.pairs = crops.seals(lambda seal: bool(seal.get("reference")) and _comparable(seal))
        if {self.same(pair) for pair in self.pairs} != {False, True}:
            raise Seal2RealError(
                "the data needs references, of altered dies and of genuine ones; generate some with --authenticity"
            )
        self._frames: dict[tuple[Place, bool], Ink | None] = {}
        self._laid: dict[Place, FloatMap | None] = {}
        self._changes: dict[Place, FloatMap] = {}

    def same(self, pair: Place) -> bool:
        """Whether a pair is of one die."""
        return not self.crops.seal(pair).get("altered")

    def batch(self, rng: Generator, count: int) -> Batch:
        """``inputs [B, 6, S, S]``; ``same [B]``, half of them of one die; ``changed [B, 1, S/2, S/2]``: where the dies
        differ, and ``told [B]``: 0 where that is not known, of two seals altogether."""
        examples: list[dict[str, np.ndarray]] = []
        while len(examples) < count:
            pair = self.pairs[int(rng.integers(len(self.pairs)))]
            stranger = rng.random() < _STRANGERS
            other = self.pairs[int(rng.integers(len(self.pairs)))] if stranger else pair
            same = self.same(pair) and other == pair
            if same != (len(examples) % 2 == 0):
                continue
            laid = self.laid(pair) if other == pair else self._stacked(other, pair)
            if laid is None:
                continue
            changed = self._changes[pair] if other == pair else np.zeros((SIDE, SIDE), np.float32)
            both = _shaken(np.concatenate((laid, changed[None])), rng)
            examples.append({
                "inputs": both[:_INPUTS],
                "same": np.asarray(same, np.float32),
                "changed": both[_INPUTS:].reshape(1, SIDE // 2, 2, SIDE // 2, 2).max((2, 4)),
                "told": np.asarray(other == pair, np.float32),
            })  # fmt: skip
        return batch_of(examples)

    def laid(self, pair: Place) -> FloatMap | None:
        """The inputs of a pair, as of `stacked`; None where there is no ink to compare, or too little of a seal."""
        if pair not in self._laid:
            first, second = self._frame(pair, True), self._frame(pair, False)
            self._laid[pair] = None
            if first is not None and second is not None:
                found = register(first, second)
                if shared_part(first, second, found) < _LEAST_PART:
                    return None
                self._laid[pair] = stacked(first, second, found)
                self._changes[pair] = self._change(pair, found.laid(first.ink), second)
        return self._laid[pair]

    def _change(self, pair: Place, reference: FloatMap, query: Ink) -> FloatMap:
        """Where the query's die differs from the reference's impression: its design, without wear, against that."""
        if self.same(pair):
            return np.zeros((SIDE, SIDE), np.float32)
        design = query.view.cover(self.crops.load(pair[0]).full[pair[1]]) >= 0.5
        impression = reference > 0.5
        near = np.ones((_TOLERANCE, _TOLERANCE), np.uint8)
        lacks = design & (cv2.dilate(impression.astype(np.uint8), near) == 0)
        more = impression & (cv2.dilate(design.astype(np.uint8), near) == 0)
        lacks, more = lacks & query.seen, more & query.seen
        return np.asarray(cv2.dilate((lacks | more).astype(np.uint8), np.ones((3, 3), np.uint8)), np.float32)

    def _stacked(self, reference: Place, query: Place) -> FloatMap | None:
        first, second = self._frame(reference, True), self._frame(query, False)
        return None if first is None or second is None else stacked(first, second, register(first, second))

    def _frame(self, pair: Place, reference: bool) -> Ink | None:
        key = pair, reference
        if key not in self._frames:
            self._frames[key] = self._reference(pair) if reference else self._query(pair)
        return self._frames[key]

    def _reference(self, pair: Place) -> Ink | None:
        image = load_reference(self.crops.rows[pair[0]][0], self.crops.seal(pair))
        return framed_alone(image)

    def _query(self, pair: Place) -> Ink | None:
        sample = self.crops.load(pair[0])
        ink = sample.visible[pair[1]]
        if ink.sum() < 50:
            return None
        return framed(sample.stamped, ink, outline_of(self.crops.seal(pair)))

    def loss(self, network: TaskUNet, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Cross-entropy of the pairs' answers, and of where they differ (which is rare, and weighs more)."""
        maps = network(batch["inputs"])[1]
        logit = pooled(maps)
        pairs = F.binary_cross_entropy_with_logits(-logit, batch["same"])
        heavy = maps.new_tensor(_RARE)
        where = F.binary_cross_entropy_with_logits(maps, batch["changed"], reduction="none", pos_weight=heavy)
        told = batch["told"]
        places = (where.mean((1, 2, 3)) * told).sum() / told.sum().clamp_min(1)
        right = ((logit < 0) == (batch["same"] > 0.5)).float().mean()
        values = {"pairs": float(pairs.detach()), "places": float(places.detach()), "right": float(right)}
        return pairs + 3 * places, values


def _comparable(seal: Label) -> bool:
    """A part of a seal is not compared; and another size alone is seen by the resolution, not by the picture."""
    return "riding" not in (seal.get("effects") or {}) and (seal.get("altered") or {}).get("what") != "size"


def framed_alone(image: Image) -> Ink | None:
    """A reference on blank paper in the common frame; None without ink."""
    ink = measure_ink(image).mask
    points = np.argwhere(ink)[:, ::-1].astype(np.float32)
    if len(points) < 50:
        return None
    outline = cv2.convexHull(points)[:, 0] + 0.5
    return framed(image, ink, np.asarray(outline, np.float32))


def stacked(reference: Ink, query: Ink, found: Registration) -> FloatMap:
    """``float32 [6, SIDE, SIDE]``: ink and grey of the reference, laid on the query; ink and grey of the query; ink of
    the one that is far from any of the other, both ways. What one of the images does not show is blank in both."""
    both = query.seen & (found.laid(reference.seen.view(np.uint8)) > 0)
    laid, ink = found.laid(reference.ink) * both, query.ink * both
    layers = (
        laid,
        np.where(both, found.laid(reference.grey.astype(np.float32) / np.float32(255), 1.0), 1),
        ink,
        np.where(both, query.grey.astype(np.float32) / np.float32(255), 1),
        np.maximum(laid - _spread(ink), 0),
        np.maximum(ink - _spread(laid), 0),
    )
    return np.stack(layers).astype(np.float32)


def shared_part(reference: Ink, query: Ink, found: Registration) -> float:
    """Share of the reference's ink that the query's image could show, 0..1: the rest is off its edge."""
    laid = found.laid(reference.ink)
    return float((laid * query.seen).sum() / max(float(reference.ink.sum()), 1.0))


def _spread(ink: FloatMap) -> FloatMap:
    return np.asarray(cv2.dilate(ink, np.ones((_TOLERANCE, _TOLERANCE), np.uint8)), np.float32)


def _shaken(inputs: FloatMap, rng: Generator) -> FloatMap:
    """A pair a little off, in other tones; it and what lies behind it turned and mirrored together."""
    result = inputs.copy()
    shift = rng.normal(0, 0.4, 2)
    view = View(np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]]), SIDE)
    for layer in (0, 1):  # the reference
        result[layer] = view.of(result[layer], 0 if layer == 0 else 1)
    for layer in (1, 3):
        result[layer] = np.clip(result[layer] * rng.uniform(0.85, 1.0) + rng.uniform(0, 0.08), 0, 1)
    result = np.rot90(result, int(rng.integers(4)), (1, 2))
    return np.ascontiguousarray(result[:, :, ::-1] if rng.random() < 0.5 else result)


def pooled(maps: torch.Tensor) -> torch.Tensor:
    """Logit ``[B]`` that a pair differs, of logits ``[B, 1, H, W]``: the mean of its most different pixels."""
    flat = maps.flatten(1)
    return flat.topk(max(1, round(_TOP * flat.shape[1])), 1).values.mean(1)


@torch.inference_mode()
def calibrated(network: TaskUNet, lesson: CompareLesson) -> dict[str, Any]:
    """What makes a network's answers probabilities (Platt 1999), and what they are compared with.

    Returns:
        ``scale`` and ``offset`` of the logits; ``thresholds``: for those of `FALSE_ACCEPTS` that enough pairs of other
        dies are there to measure; ``pairs``: how many there were.
    """
    fast = network.for_inference()
    logits, same = [], []
    for pair in lesson.pairs:
        inputs = lesson.laid(pair)
        if inputs is not None:
            logits.append(float(pooled(fast(torch.from_numpy(inputs)[None])[1])))
            same.append(lesson.same(pair))
    scale, offset = platt(np.asarray(logits), np.asarray(same))
    chances = 1 / (1 + np.exp(scale * np.asarray(logits) - offset))
    others = np.sort(chances[~np.asarray(same)])
    thresholds = {
        f"{rate:g}": float(others[min(len(others) - 1, int(np.ceil((1 - rate) * len(others))))])
        for rate in FALSE_ACCEPTS
        if rate * len(others) >= 0.5
    }
    return dict(plain({"scale": scale, "offset": offset, "thresholds": thresholds, "pairs": len(same)}))


def platt(logits: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """Scale and offset of a logistic curve through answers, by BFGS; targets are drawn in as by Platt.

    Args:
        logits: ``[n]``, higher for pairs that differ.
        same: ``bool [n]``: what they are.
    """
    from scipy.optimize import minimize

    few, many = int((~same).sum()), int(same.sum())
    wanted = np.where(same, (many + 1) / (many + 2), 1 / (few + 2))

    def cost(values: np.ndarray) -> float:
        z = values[1] - values[0] * logits
        return float((np.logaddexp(0, z) - wanted * z).mean())

    found = minimize(cost, np.array([1.0, 0.0]), method="BFGS")
    return float(found.x[0]), float(found.x[1])


class SealComparer(UNetTool):
    """Compares impressions.

    Args:
        network: as from `train_comparer`.
        calibration: as from `calibrated`.
        dtype: of the computation.
    """

    kind = NAME
    sizes = Sizes(0, 1, _INPUTS)

    def __init__(self, network: TaskUNet, calibration: Mapping[str, Any], dtype: torch.dtype = torch.bfloat16):
        super().__init__(network, dtype)
        self.calibration = calibration

    @classmethod
    def of_folder(cls, folder: Path) -> SealComparer:
        """As of `seal2real.tasks.models.Pretrained.of_folder`; what is missing may be the calibration."""
        calibration = read_json(folder / "config.json").get("calibration")
        if not isinstance(calibration, dict) or not {"scale", "offset", "thresholds"} <= calibration.keys():
            raise Seal2RealError(f"{folder / 'config.json'}: no calibration; train the model again")
        return cls(load_network(folder, cls.sizes), calibration)

    @torch.inference_mode()
    def compare(self, query: Ink, reference: Ink, false_accept_rate: float = 0.01) -> Comparison:
        """Whether a seal is of the same die as a reference.

        Args:
            query: as from `seal2real.tasks.registration.framed`.
            reference: likewise.
            false_accept_rate: that the threshold is for; one of those that were measured.

        Raises:
            UsageError: no threshold is known for that rate.
        """
        thresholds = self.calibration["thresholds"]
        if f"{false_accept_rate:g}" not in thresholds:
            raise UsageError(
                f"no threshold for a false accept rate of {false_accept_rate:g}; use one of {', '.join(thresholds)}"
            )
        found = register(reference, query)
        maps = self.network(torch.from_numpy(stacked(reference, query, found))[None])[1]
        z = self.calibration["offset"] - self.calibration["scale"] * float(pooled(maps))
        same = float(1 / (1 + np.exp(-z)))
        threshold = float(thresholds[f"{false_accept_rate:g}"])
        difference = _back(torch.sigmoid(maps)[0, 0].numpy(), query.view, query.size)
        return Comparison(same, same > threshold, threshold, false_accept_rate, difference, found)


def _back(maps: FloatMap, view: View, size: tuple[int, int]) -> FloatMap:
    """A map of half the frame's size, in the image that the frame looks at."""

    whole = cv2.resize(maps, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    matrix = view.matrix.copy()
    matrix[:, 2] = matrix[:, :2] @ (0.5, 0.5) + matrix[:, 2] - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(whole, matrix, (size[1], size[0]), flags=flags), np.float32)


def _finish(network: TaskUNet, datasets: Sequence[Path]) -> dict[str, Any]:
    return {"calibration": calibrated(network, CompareLesson(CropSet(datasets, "validation")))}


# on datasets made with --authenticity; calibrated on their validation split
train_comparer = UNetTraining(
    NAME,
    CompareLesson,
    SealComparer,
    SealComparer.sizes,
    default=FitConfig(learning_rate=1e-3),
    finish=_finish,
)
