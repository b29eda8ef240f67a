"""Taking seals off a page: the page as it would be without them, text kept.

Ink and print both take light away, each in its own colour (Beer-Lambert), so the ink's share can be taken back; where
that is not quite right, at edges and under JPEG, and of ink without colour, a U-Net mends it. It sees the image against
the local colour of its paper, the ink that was found, and what taking it back leaves, and says what lies beneath. Only
pixels in and close to the ink change; all others stay as they are, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from numpy.random import Generator

from seal2real.physics.ink_measure import CHROMA_AXES, dominant_chroma, estimate_paper
from seal2real.sample import FloatMap, Image, Mask
from seal2real.tasks.crops import CropSet, View, log_uniform, longest_side, middle, outline_of, random_turn, shaken
from seal2real.tasks.fitting import Batch, batch_of
from seal2real.tasks.models import Sizes, UNetTool, UNetTraining, load_network, model_folder
from seal2real.tasks.networks import TaskUNet
from seal2real.tasks.segment import Seal, Segmenter

NAME = "remover"
SIDE = 192  # of training windows
SCALES = (0.5, 1.4)  # of training windows, relative to the samples
_HALO = 0.012  # how far beyond the found ink a scan's blur and chroma carry its colour, as a share of the seal's length
_GREY = 0.2  # least difference between the shares of light that an ink takes of two colours, of the strongest
_SAME_INK, _OTHER_INK = 0.8, 0.4  # cosine to the main ink's hue: above and below it
_NOISE = 0.03  # of absorbance: as good as nothing
_SECOND = 0.1  # share of the ink that is another ink, at least
_DARKEST = 0.02  # of the paper's light
_BARE = 0.82  # of the rough paper's light, from which on a pixel is paper without ink or print
_REACHES = ((24.0, 4), (10.0, 4), (4.0, 2), (1.8, 1))  # of averages over bare paper, and by how much to go coarser
_ENOUGH = 0.15  # share of bare paper within reach
_PRINT, _SOFT = 0.75, 0.06  # of the paper's light, below which a pixel is print, and how sharply
_BARE_AGAIN, _ABOUT = 0.85, 0.03  # of the paper's light, from which on a pixel is paper again, and how sharply
_OUTSIDE = 0.1  # weight of pixels that will not be touched


class RemoveLesson:
    """Windows of stamped samples, their ink, and their clean twins."""

    name = "remove"

    def __init__(self, crops: CropSet):
        self.crops = crops
        self.sealed = [index for index in range(len(crops)) if crops.row(index)["seals"]]

    def batch(self, rng: Generator, count: int) -> Batch:
        """``images [B, 7, S, S]``: RGB against the paper, ink, RGB without it, about 0..1; ``clean [B, 3, S, S]``
        likewise; ``touched [B, 1, S, S]``: 1 where the result counts."""
        examples = [self._example(rng) for _ in range(count)]
        return batch_of(examples)

    def _example(self, rng: Generator) -> dict[str, np.ndarray]:
        sample = self.crops.load(self.sealed[int(rng.integers(len(self.sealed)))])
        number = int(rng.integers(len(sample.row["seals"])))
        outline = outline_of(sample.row["seals"][number])
        height, width = sample.stamped.shape[:2]
        scale = log_uniform(rng, max(SCALES[0], SIDE / min(height, width)), SCALES[1])
        x, y = middle(outline)
        reach = max(0.0, longest_side(outline) / 2 - SIDE / (4 * scale))
        centre = (x + float(rng.uniform(-reach, reach)), y + float(rng.uniform(-reach, reach)))
        view = View.about(centre, scale, random_turn(rng), SIDE)
        both = np.concatenate((sample.stamped, sample.clean), axis=1)
        stamped, clean = _alike(view, both, width, rng)
        length = longest_side(outline) * scale
        inks = [view.cover(mask) for mask in sample.visible]
        touched = np.logical_or.reduce([around(ink >= 0.5, length) for ink in inks])
        inks = [_as_found(ink, rng) for ink in inks]
        found = np.maximum.reduce(inks)
        paper = paper_beneath(stamped, found > 0.5, length)
        light = beneath = against_paper(stamped, paper)
        for ink in inks:
            beneath = without_ink(beneath, ink, length)
        return {
            "images": np.concatenate((light, found[None], beneath)),
            "clean": against_paper(clean, paper),
            "touched": touched.astype(np.float32)[None],
        }

    def loss(self, network: TaskUNet, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """Absolute error of colours and of their steps to the neighbours, mostly where seals are; dark print weighs
        more, since there is little of it."""
        predicted = uncovered(network, batch["images"])
        clean = batch["clean"]
        print_here = F.max_pool2d((clean.amax(1, keepdim=True) < 0.6).float(), 5, 1, 2)
        weight = (_OUTSIDE + batch["touched"]) * (1 + 2 * print_here)
        colours = _weighted((predicted - clean).abs(), weight)
        steps = _weighted((predicted.diff(dim=-1) - clean.diff(dim=-1)).abs(), weight[..., 1:]) + _weighted(
            (predicted.diff(dim=-2) - clean.diff(dim=-2)).abs(), weight[..., 1:, :]
        )
        return 10 * (colours + 0.5 * steps), {"colours": float(colours.detach()), "steps": float(steps.detach())}


def _weighted(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (error * weight).sum() / (weight.sum() * error.shape[1] + 1)


def _alike(view: View, both: Image, width: int, rng: Generator) -> tuple[Image, Image]:
    """Stamped and clean ``uint8 [S, S, 3]``, shaken in the same way: noise and JPEG cannot tell them apart."""
    state = rng.bit_generator.state
    images = []
    for half in (both[:, :width], both[:, width:]):
        rng.bit_generator.state = state
        images.append(shaken(np.asarray(view.of(np.ascontiguousarray(half), 255), np.uint8), rng))
    return images[0], images[1]


def _as_found(ink: FloatMap, rng: Generator) -> FloatMap:
    """Ink as a segmenter finds it: a little too fat or too thin, with soft edges, and holes."""
    reach = int(rng.integers(-1, 3))
    if reach:
        kernel = np.ones((1 + abs(reach), 1 + abs(reach)), np.uint8)
        ink = np.asarray(cv2.dilate(ink, kernel) if reach > 0 else cv2.erode(ink, kernel), np.float32)
    if rng.random() < 0.5:
        patches = cv2.resize(rng.random((12, 12), np.float32), ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
        ink = ink * (patches > 0.12)
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 1.2))), np.float32)


def around(ink: Mask, length: float) -> Mask:
    """The ink and what it bleeds to.

    Args:
        ink: ``bool [H, W]``.
        length: of the seal's longest side, in pixels.
    """
    reach = max(2, round(_HALO * length))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(ink.astype(np.uint8), kernel) > 0)


def paper_beneath(image: Image, ink: Mask, length: float) -> FloatMap:
    """Local paper colour where seals lie, from the bare paper next to and within them.

    Tables have tinted rows, and a dense seal leaves little paper to see: what is near counts most, and only where
    nothing is near what lies farther off (normalized convolution, Knutsson and Westin 1993).

    Args:
        image: ``uint8 [H, W, 3]``.
        ink: ``bool [H, W]``.
        length: of the seal's longest side, in pixels.

    Returns:
        ``float32 [H, W, 3]`` in 1..255.
    """
    paper = estimate_paper(image)
    bright = (cv2.medianBlur(image, 3) / paper).min(2) > _BARE
    bare = cv2.erode((bright & ~around(ink, length)).astype(np.float32), np.ones((3, 3)))
    seen = np.dstack((image * bare[..., None], bare)).astype(np.float32)
    height, width = bare.shape
    for reach, coarser in _REACHES:
        size = -(-width // coarser), -(-height // coarser)
        near = cv2.GaussianBlur(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), (0, 0), reach / coarser)
        near = cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR)
        share = near[..., 3:]
        mean = near[..., :3] / np.maximum(share, 1e-4)
        trust = np.minimum(share / _ENOUGH, 1.0)
        paper = trust * mean + (1 - trust) * paper
    return np.asarray(np.clip(paper, 1.0, 255.0), np.float32)


def against_paper(image: Image, paper: FloatMap) -> FloatMap:
    """``float32 [3, H, W]``: light of an image ``uint8 [H, W, 3]`` by that of its paper ``float32``, up to 1.25."""
    return np.ascontiguousarray(np.minimum(image / paper, 1.25).transpose(2, 0, 1).astype(np.float32))


def without_ink(light: FloatMap, ink: FloatMap, length: float) -> FloatMap:
    """Light with what the ink took of it given back.

    What each pixel absorbs is the sum of grey print and of ink, in the ink's own colour, and neither is below nothing.
    Where two seals lie on each other there may be two inks.

    Args:
        light: ``float32 [3, H, W]`` against the paper.
        ink: ``float32 [H, W]`` in 0..1.
        length: of the seal's longest side, in pixels.

    Returns:
        ``float32 [3, H, W]``; ``light`` itself where the ink is as grey as print, or there is hardly any.
    """
    absorbed = -np.log(np.clip(light, _DARKEST, 1.0))
    pixels = absorbed[:, ink > 0.5]
    inks = _inks(pixels) if pixels.shape[1] >= 20 else []
    if not inks:
        return light
    own = [_ink_in(absorbed, colour) for colour in inks]
    taken = own[0]
    if len(inks) == 2:
        directions = [CHROMA_AXES @ colour for colour in inks]
        chroma = np.tensordot(CHROMA_AXES, absorbed, 1)
        nearest = np.argmax([np.tensordot(d / np.linalg.norm(d), chroma, 1) for d in directions], axis=0)
        amounts = np.tensordot(np.linalg.inv(np.stack((np.ones(3, np.float32), *inks), 1)), absorbed, 1)
        both = amounts[1, None] * inks[0][:, None, None] + amounts[2, None] * inks[1][:, None, None]
        taken = np.where((amounts > -_NOISE).all(0), both, np.where(nearest == 0, *own))
    taken = np.minimum(taken, absorbed) * around(ink > 0.5, length)
    return np.asarray(light * np.exp(taken), np.float32)


def _inks(pixels: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Colours ``[3]`` of one or two inks, strongest share 1, in what pixels ``[3, n]`` absorb; none that is grey."""
    direction = dominant_chroma(pixels.T[None])
    if direction is None:
        return []
    chroma = CHROMA_AXES @ pixels
    strength = np.hypot(*chroma)
    along = direction @ chroma / np.maximum(strength, 1e-6)
    colours = []
    for chosen in (along > _SAME_INK, (along < _OTHER_INK) & (strength > np.median(strength) / 2)):
        if chosen.mean() < _SECOND:
            continue
        strong = chosen & (strength >= np.median(strength[chosen]))  # the others have print on them, or little ink
        colour = np.median(pixels[:, strong], axis=1)
        colour = (colour / max(float(colour.max()), 1e-3)).astype(np.float32)
        if np.ptp(colour) >= _GREY:
            colours.append(colour)
    return colours


def _ink_in(absorbed: FloatMap, colour: npt.NDArray[np.float32]) -> FloatMap:
    """What an ink of this colour takes ``[3, H, W]``, the rest being grey print, and neither below nothing."""
    print_and_ink = np.stack((np.ones(3, np.float32), colour), 1)
    print_here, amount = np.tensordot(np.linalg.pinv(print_and_ink).astype(np.float32), absorbed, 1)
    alone = np.tensordot(colour, absorbed, 1) / float(colour @ colour)
    amount = np.maximum(np.where(print_here < 0, alone, amount), 0)
    return np.asarray(amount * colour[:, None, None], np.float32)


def uncovered(network: TaskUNet, images: torch.Tensor) -> torch.Tensor:
    """What lies beneath, ``[B, 3, H, W]`` against the paper.

    Args:
        network: says what is still to change.
        images: ``[B, 7, H, W]``: RGB against the paper, ink, RGB without it.
    """
    change: torch.Tensor = network(images)[0]
    return images[:, 4:] + change


def with_print(beneath: torch.Tensor, given_back: torch.Tensor) -> torch.Tensor:
    """What lies beneath, with print as dark as it is after the ink's light was given back.

    The network learns what is likely, so it lightens strokes that dark ink nearly hides; where physics alone leaves
    darkness, print is meant.

    Args:
        beneath: ``[B, 3, H, W]`` as from `uncovered`.
        given_back: the same after `without_ink`.
    """
    dark = torch.sigmoid((_PRINT - given_back.mean(1, keepdim=True)) / _SOFT)
    return beneath + dark * (torch.minimum(given_back, beneath) - beneath)


def without_fringes(beneath: torch.Tensor) -> torch.Tensor:
    """Nothing brighter than paper, and what is paper again in the paper's colour: JPEG keeps colour at half the
    resolution, and leaves fringes of it around ink.

    Args:
        beneath: ``[B, 3, H, W]`` against the paper.
    """
    beneath = beneath.clamp(max=1.0)
    mean = beneath.mean(1, keepdim=True)
    return beneath + torch.sigmoid((mean - _BARE_AGAIN) / _ABOUT) * (mean - beneath)


class Remover(UNetTool):
    """Takes seals off images of any size.

    Args:
        network: as from `train_remover`.
        segmenter: finds the seals; None takes the shipped one.
        dtype: of the computation.
    """

    kind = NAME
    sizes = Sizes(3, 0, 7)

    def __init__(self, network: TaskUNet, segmenter: Segmenter | None = None, dtype: torch.dtype = torch.bfloat16):
        super().__init__(network, dtype)
        self.segmenter = segmenter or Segmenter.from_pretrained()

    @classmethod
    def from_pretrained(cls, name: str | Path = "default", segmenter: Segmenter | None = None) -> Remover:
        """As of `seal2real.tasks.models.Pretrained.from_pretrained`; without a segmenter, with the shipped one."""
        return cls(load_network(model_folder(name, NAME), cls.sizes), segmenter)

    def remove(self, image: Image, seals: Sequence[Seal] | None = None) -> Image:
        """The image without its seals.

        Args:
            image: ``uint8 [H, W, 3]``.
            seals: those to take off; None finds them.

        Returns:
            A new image of the same size; equal to ``image`` away from the seals' ink.
        """
        seals = self.segmenter.segment(image) if seals is None else seals
        result = image.copy()
        for seal in seals:
            self._take_off(result, seal)
        return result

    @torch.inference_mode()
    def _take_off(self, image: Image, seal: Seal) -> None:
        height, width = image.shape[:2]
        margin = 16
        x, y = seal.offset
        rows = slice(max(0, y - margin), min(height, y + seal.ink.shape[0] + margin))
        columns = slice(max(0, x - margin), min(width, x + seal.ink.shape[1] + margin))
        ink = seal.on_page(height, width)[rows, columns]
        part = np.ascontiguousarray(image[rows, columns])
        soft = np.asarray(cv2.GaussianBlur(ink.astype(np.float32), (0, 0), 0.6), np.float32)
        length = max(seal.bbox[2:])
        paper = paper_beneath(part, ink, length)
        light = against_paper(part, paper)
        given_back = without_ink(light, soft, length)
        images = torch.from_numpy(np.concatenate((light, soft[None], given_back)))[None]
        beneath = uncovered(self.network, images)
        if given_back is not light:  # of ink as grey as print, what stays dark is the ink
            beneath = with_print(beneath, images[:, 4:])
        beneath = without_fringes(beneath)
        pixels = np.clip(beneath[0].permute(1, 2, 0).numpy() * paper + 0.5, 0, 255).astype(np.uint8)
        touched = around(ink, length)
        image[rows, columns][touched] = pixels[touched]


def _network(network: TaskUNet) -> TaskUNet:
    """What the training gives back: it knows no segmenter."""
    return network


train_remover = UNetTraining(NAME, RemoveLesson, _network, Remover.sizes)
