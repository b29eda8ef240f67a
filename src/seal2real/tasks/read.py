"""Reading seals: found, their lines followed and straightened, every line recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from seal2real.errors import UsageError
from seal2real.sample import Image, Polygon
from seal2real.tasks.curves import TextCurve, in_order
from seal2real.tasks.layout import Close, LayoutFinder, close_up
from seal2real.tasks.line_images import normalised
from seal2real.tasks.lines import LineFinder
from seal2real.tasks.pp_ocr import ready_detector, ready_recogniser
from seal2real.tasks.recognise import Recogniser, SealRecogniser
from seal2real.tasks.segment import Seal, Segmenter

ENGINES = ("auto", "own", "pp-ocr", "both")
_TALL = 48  # pixels of a straightened line; PP-OCR's own height
_SURE = 0.7  # of the way that a line is read; below, both are tried
_CERTAIN = 0.97  # confidence from which on a reading is not tried to be bettered
_HEIGHTS = (0.85, 1.15)  # of a line, that an unsure one is tried with
_NOTHING = 0.6  # below this confidence a line is noise, not text
_AROUND = " \t·•*★☆"  # at the ends of a line: space, and what parts it from the next
_ALIKE = 0.4  # ratio of what two readings of a line share
_CHANCE = 0.5  # confidence of what is read where nothing is


@dataclass(frozen=True)
class ReadLine:
    """One line of a seal's text.

    Attributes:
        text: as read; composed, without white space at its ends.
        confidence: 0..1, the mean over its characters.
        polygon: ``[2n, 2]`` on the image: along the upper edge in reading order, back along the lower.
        curved: whether it runs along an arc.
    """

    text: str
    confidence: float
    polygon: Polygon
    curved: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "curved": self.curved,
            "polygon": np.asarray(self.polygon, np.float64).round(2).tolist(),
        }


@dataclass(frozen=True)
class ReadSeal:
    """A seal and its lines in reading order."""

    seal: Seal
    lines: tuple[ReadLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.seal.to_dict(), "lines": [line.to_dict() for line in self.lines]}


class SealReader:
    """Reads all seals of an image.

    Args:
        segmenter: finds the seals; None takes the shipped one.
        finder: finds their lines; None takes the shipped one where the engine needs it.
        engine: "pp-ocr": rapidocr finds the lines on the unrolled seal, and reads them; "own": the gaps in the ink and
            the shipped line finder find them, and the shipped recogniser reads; "both": all lines that either finds,
            each as the surer of them reads it; or "auto": PP-OCR where rapidocr is installed, else the own.

    Raises:
        UsageError: an unknown engine, or rapidocr is not installed.
        Seal2RealError: a model is missing or damaged.
    """

    def __init__(self, segmenter: Segmenter | None = None, finder: LineFinder | None = None, engine: str = "auto"):
        engine = _chosen(engine)
        self.segmenter = segmenter or Segmenter.from_pretrained()
        self.recognisers = recognisers_of(engine)
        self.finder = finder if engine == "pp-ocr" else finder or LineFinder.from_pretrained()
        self.layout: LayoutFinder | None = LayoutFinder(None if engine == "own" else ready_detector())

    @classmethod
    def of(
        cls,
        segmenter: Segmenter,
        finder: LineFinder | None,
        recognisers: Sequence[Recogniser],
        layout: LayoutFinder | None = None,
    ) -> SealReader:
        """A reader of given parts."""
        reader = cls.__new__(cls)
        reader.segmenter, reader.finder, reader.recognisers = segmenter, finder, list(recognisers)
        reader.layout = layout
        return reader

    def read(self, image: Image, seals: Sequence[Seal] | None = None) -> list[ReadSeal]:
        """Text of an image's seals, the surest seal first.

        Args:
            image: ``uint8 [H, W, 3]``.
            seals: those to read; None finds them.

        Returns:
            One entry for each seal, also where it has no text; none where there is no seal.
        """
        seals = self.segmenter.segment(image) if seals is None else seals
        return [ReadSeal(seal, tuple(self._lines(image, seal))) for seal in seals]

    def _lines(self, image: Image, seal: Seal) -> list[ReadLine]:
        close = close_up(image, seal.on_page(*image.shape[:2]))
        if close is None:
            return []
        curves = [] if self.layout is None else self.layout.find(close)
        if self.finder is not None:
            curves += [close.here(curve) for curve in self.finder.find(image, seal.polygon)]
        readings = [self._read(close, curve) for curve in curves]
        kept: list[_Reading] = []
        for reading in sorted(readings, key=_worth, reverse=True):
            if reading.sound and not any(_same_place(reading, other) for other in kept):
                kept.append(reading)
        ranks = in_order([reading.curve for reading in kept], close.ink.shape[1] / 2)
        return [
            ReadLine(reading.text, reading.confidence, close.on_image(reading.curve).polygon, reading.curve.curved)
            for reading in sorted(kept, key=lambda reading: [reading.curve is curve for curve in ranks].index(True))
        ]

    def _read(self, close: Close, curve: TextCurve) -> _Reading:
        """A line as it is read best: in either picture, by any recogniser, and where its way is not sure, both ways."""
        ways = [curve] if curve.way >= _SURE else [curve, curve.reverse]
        alone = max((self._once(close.pictures[0], way) for way in ways), key=_worth)
        best = alone
        for picture in close.pictures[1:]:
            if alone.confidence < _CERTAIN:
                ways = [alone.curve] if alone.confidence >= _SURE else ways
                seen = max((self._once(picture, way) for way in ways), key=_worth)
                # print shows in what is seen, and its ink alone shows something else
                best = max(alone, seen, key=_worth) if seen.like(alone) else alone
        if _NOTHING <= best.confidence < _CERTAIN:
            heights = [replace(best.curve, height=best.curve.height * factor) for factor in _HEIGHTS]
            others = [self._once(picture, curve) for curve in heights for picture in close.pictures]
            best = max([best, *(other for other in others if other.like(alone))], key=_worth)
        return best

    def _once(self, picture: Image, curve: TextCurve) -> _Reading:
        line = curve.straightened(picture, _TALL)
        readings = [
            _Reading(curve, text.strip(_AROUND), sure) for text, sure in (read(line) for read in self.recognisers)
        ]
        return max(readings, key=_worth)


@dataclass(frozen=True)
class _Reading:
    curve: TextCurve
    text: str
    confidence: float

    def like(self, other: _Reading) -> bool:
        """Whether it says about the same."""
        texts = normalised(self.text), normalised(other.text)
        return SequenceMatcher(None, *texts, autojunk=False).ratio() >= _ALIKE

    @property
    def sound(self) -> bool:
        return bool(normalised(self.text)) and self.confidence >= _NOTHING


def _worth(reading: _Reading) -> float:
    """More of more characters that are read more surely; what is read by chance counts against itself."""
    return len(normalised(reading.text)) * (reading.confidence - _CHANCE)


def _same_place(first: _Reading, second: _Reading) -> bool:
    """Whether most of the shorter line's middle runs inside the other, or some of it, and the same is read there."""
    inner, outer = sorted((first, second), key=lambda reading: reading.curve.length * reading.curve.height)
    around = np.asarray(outer.curve.polygon, np.float32)
    points = inner.curve.middle.astype(np.float32)
    shared = float(np.mean([cv2.pointPolygonTest(around, (float(x), float(y)), False) >= 0 for x, y in points]))
    return shared > 0.5 or (shared > 0 and _said_of(inner, outer) > 0.5)


def _said_of(part: _Reading, whole: _Reading) -> float:
    """Share of a text that the other holds too, in order."""
    short, long = sorted((normalised(part.text), normalised(whole.text)), key=len)
    blocks = SequenceMatcher(None, short, long, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(short))


def _chosen(engine: str) -> str:
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}; use one of {', '.join(ENGINES)}")
    if engine == "auto":
        return "pp-ocr" if find_spec("rapidocr") else "own"
    return engine


def recognisers_of(engine: str) -> list[Recogniser]:
    """The recognisers of an engine.

    Raises:
        UsageError: unknown, or not installed.
        Seal2RealError: the shipped one is damaged.
    """
    engine = _chosen(engine)
    made: list[Recogniser] = []
    if engine in ("own", "both"):
        made.append(SealRecogniser.from_pretrained())
    if engine in ("pp-ocr", "both"):
        made.append(ready_recogniser())
    return made
