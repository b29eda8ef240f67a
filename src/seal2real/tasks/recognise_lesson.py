"""What the recogniser learns from: lines of generated seals, cut as inference cuts them, a little off.

Those of datasets look real; others are drawn on the spot, and say random characters, for names hold few of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import nn

from seal2real.errors import Seal2RealError
from seal2real.press.tampering import Paste
from seal2real.sample import Image, TextLine
from seal2real.seal import random_design
from seal2real.seal.font_coverage import scripts
from seal2real.seal.random_text import with_random_text
from seal2real.tasks.crops import CropSet, shaken
from seal2real.tasks.curves import TextCurve, curve_of
from seal2real.tasks.fitting import Batch
from seal2real.tasks.line_images import HEIGHT, WIDEST, batched, fitted, normalised
from seal2real.tasks.pastes import DRAWN_COLOURS, drawn_picture, lay_down

FRESH = 0.5  # share of the lines that are drawn on the spot
_ALIKE = 8  # times as many lines are drawn as a batch has
_SEALS = 3  # as many are drawn as lines are wanted of them, at most
_DPI = (0.6, 1.2)  # of a drawn seal, relative to the page
_POOLS = ("gb2312-1", "latin", "accented", "vietnamese", "cyrillic", "kana", "digits")


@dataclass(frozen=True)
class _Line:
    """A labelled line: its row, its curve, its text as class numbers."""

    row: int
    curve: TextCurve
    classes: tuple[int, ...]


class RecogniseLesson:
    """Straightened lines of generated seals and their texts.

    Args:
        crops: native datasets.
        characters: that come first among the classes: those that a model knows already.
        fresh: share of the lines that are drawn on the spot, of the `common_characters`; at 0 only those of datasets
            are learned.
    """

    name = "recognise"

    def __init__(self, crops: CropSet, characters: str = "", fresh: float = FRESH):
        self.crops, self.fresh = crops, fresh
        labels = [(place[0], line) for place in crops.seals() for line in crops.seal(place)["lines"]]
        here = set("".join(normalised(line["text"]) for _, line in labels))
        here |= set(common_characters()) if fresh else set()
        self.characters = characters + "".join(sorted(here - set(characters)))
        self.numbers = {character: index + 1 for index, character in enumerate(self.characters)}
        self.lines: list[_Line] = []
        for row, line in labels:
            classes = self._classes(line["text"])
            curve = labelled_curve(line) if classes and line["crop"] is not None else None
            if curve is not None:
                self.lines.append(_Line(row, curve, classes))
        if not self.lines:
            raise Seal2RealError("no line of text can be read in the data; generate seals with text, and larger ones")

    def _classes(self, text: str) -> tuple[int, ...]:
        """Of a text; none if it holds a character that is not known."""
        numbers = [self.numbers.get(character) for character in normalised(text)]
        return tuple(n for n in numbers if n is not None) if None not in numbers else ()

    def batch(self, rng: Generator, count: int) -> Batch:
        """``lines [B, 3, 32, W]`` in 0..1, ``widths [B]`` in columns, ``texts [sum of lengths]``, ``lengths [B]``."""
        drawn = [self.lines[int(index)] for index in rng.integers(len(self.lines), size=_ALIKE * count)]
        drawn.sort(key=lambda line: line.curve.length / line.curve.height)
        first = int(rng.integers(_ALIKE)) * count  # neighbours in length: little of a batch is filling
        chosen = drawn[first : first + count]
        widest = max(min(WIDEST, round(HEIGHT * line.curve.length / line.curve.height)) for line in chosen)
        examples = self._drawn(rng, int(rng.binomial(count, self.fresh)), max(widest, 2 * HEIGHT))
        chosen = [chosen[int(index)] for index in rng.permutation(count)[: count - len(examples)]]
        examples += [(self._image(line, rng), line.classes) for line in chosen]
        return {
            **batched([image for image, _ in examples]),
            "texts": torch.tensor([number for _, classes in examples for number in classes], dtype=torch.long),
            "lengths": torch.tensor([len(classes) for _, classes in examples]),
        }

    def _drawn(self, rng: Generator, count: int, widest: int) -> list[tuple[Image, tuple[int, ...]]]:
        """Lines of random text on seals that are pasted on clean pages, at most this wide."""
        examples: list[tuple[Image, tuple[int, ...]]] = []
        for _ in range(_SEALS * count):
            if len(examples) >= count:
                break
            index = int(rng.integers(len(self.crops)))
            paper, dpi = self.crops.load(index).clean, float(self.crops.row(index)["dpi"])
            design = with_random_text(random_design(rng), rng, rare=0.0)
            colour = str(rng.choice(tuple(DRAWN_COLOURS)))
            seal, picture = drawn_picture(rng, design, dpi * float(rng.uniform(*_DPI)), colour)
            room = np.array(paper.shape[1::-1]) - picture.shape[1::-1]
            offset = tuple(int(value) for value in np.sort((np.zeros(2), room), 0)[0] + rng.random(2) * np.abs(room))
            laid = lay_down(paper, (seal, worn(picture, rng)), (offset[0], offset[1]), dpi, Paste.random(rng, "drawn"))
            if laid is not None:
                shift = np.subtract(offset, seal.offset)
                found = (self._cut(laid[0], line, shift, widest, rng) for line in seal.lines)
                examples += [example for example in found if example is not None]
        return examples[:count]

    def _cut(
        self, image: Image, line: TextLine, shift: npt.NDArray[np.int_], widest: int, rng: Generator
    ) -> tuple[Image, tuple[int, ...]] | None:
        """A drawn line, or as many of its characters as fit; None if it leaves the image, or cannot be told."""
        each = [self._classes(character) for character in line.text]
        quads = np.asarray(line.characters, np.float64) + shift
        polygon = np.asarray(line.polygon, np.float64) + shift
        inside = (polygon >= 0).all() and (polygon < np.array(image.shape[1::-1])).all()
        known = all(classes or character.isspace() for classes, character in zip(each, line.text, strict=True))
        curve = labelled_curve({"polygon": polygon, "characters": quads, "curved": line.curved})
        if not inside or not known or curve is None:
            return None
        curve = shifted(curve, rng)
        straight = curve.straightened(image, HEIGHT)
        ends = curve.positions(quads.mean(1)) * straight.shape[1]
        borders = np.concatenate(([0.0], (ends[:-1] + ends[1:]) / 2, [straight.shape[1]]))
        first = int(rng.integers(len(each))) if straight.shape[1] > widest else 0
        while first > 0 and borders[-1] - borders[first - 1] <= widest:
            first -= 1
        last = int(np.searchsorted(borders, borders[first] + widest, side="right")) - 1
        classes = tuple(number for of_one in each[first:last] for number in of_one)
        if not classes or (np.diff(borders) < 0).any():
            return None
        part = straight[:, int(borders[first]) : int(np.ceil(borders[last]))]
        return self._weathered(fitted(part), rng), classes

    def _image(self, line: _Line, rng: Generator) -> Image:
        stamped = self.crops.load(line.row).stamped
        return self._weathered(fitted(shifted(line.curve, rng).straightened(stamped, HEIGHT)), rng)

    def _weathered(self, image: Image, rng: Generator) -> Image:
        if rng.random() < 0.3:  # from a seal of few pixels
            small = max(10, round(HEIGHT * float(rng.uniform(0.4, 0.9))))
            size = max(4, round(image.shape[1] * small / HEIGHT)), small
            less = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(less, image.shape[1::-1]), np.uint8)
        if rng.random() < 0.3:
            image = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        return shaken(np.asarray(image, np.uint8), rng)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """CTC of a `seal2real.tasks.recognise.LineNetwork`."""
        scores = network(batch["lines"]).log_softmax(2).transpose(0, 1)
        loss = F.ctc_loss(
            scores, batch["texts"], batch["widths"], batch["lengths"], reduction="none", zero_infinity=True
        )
        value = (loss / batch["lengths"]).mean()
        return value, {"per_character": float(value.detach())}


def common_characters() -> str:
    """What a recogniser should know, whether its data has it or not: GB/T 2312 level 1, letters with and without marks,
    Cyrillic, kana, digits."""
    known = scripts()
    return "".join(dict.fromkeys(character for pool in _POOLS for character in known[pool]))


def labelled_curve(line: Mapping[str, Any]) -> TextCurve | None:
    """A labelled line, as `seal2real.tasks.curves.curve_of` takes it and with ``curved``; None if it is degenerate."""
    edges = curve_of(line)
    if edges is None:
        return None
    top, bottom, column = edges
    height = float(np.linalg.norm(top - bottom, axis=1).mean())
    return TextCurve((top + bottom) / 2, height, column, bool(line["curved"]), 1.0)


def worn(picture: Image, rng: Generator) -> Image:
    """A drawn seal ``uint8 [h, w, 3]`` on white that took ink unevenly, and not at all in places."""
    if rng.random() < 0.4:
        return picture
    height, width = picture.shape[:2]
    coarse, fine = (
        cv2.resize(
            rng.standard_normal((max(2, height // step), max(2, width // step)), np.float32), (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for step in (24, 2)
    )  # fmt: skip
    taken = float(rng.uniform(0.5, 2.0)) + 0.6 * coarse + float(rng.uniform(0.2, 0.8)) * fine
    share = np.clip(taken, 0.0, 1.0)[..., None]
    return np.asarray(255 - (255 - picture.astype(np.float32)) * share + 0.5, np.uint8)


def shifted(curve: TextCurve, rng: Generator) -> TextCurve:
    """A curve as a line finder may find it: a little off, too tall, too short."""
    across = np.array([0.0, 0.0])
    if len(curve.middle) > 1:
        along = curve.middle[1] - curve.middle[0]
        along = along / max(float(np.linalg.norm(along)), 1e-6)
        across = np.array([-along[1], along[0]])
    points = curve.middle + across * float(rng.normal(0, 0.05)) * curve.height
    more = rng.normal(0.05, 0.12, 2) * curve.height
    for end, neighbour, length in ((0, 1, more[0]), (-1, -2, more[1])):
        away = points[end] - points[neighbour]
        points[end] = points[end] + away / max(float(np.linalg.norm(away)), 1e-6) * length
    height = curve.height * float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.3))
    return replace(curve, middle=points, height=height)
