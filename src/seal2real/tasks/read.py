"""Reading seals: found, their lines followed and straightened, every line recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from seal2real.errors import UsageError
from seal2real.sample import Image, Polygon
from seal2real.tasks.lines import LineFinder, TextCurve
from seal2real.tasks.recognise import Recogniser, SealRecogniser, normalised, ready_recogniser
from seal2real.tasks.segment import Seal, Segmenter

ENGINES = ("auto", "own", "pp-ocr", "both")
_TALL = 48  # pixels of a straightened line; PP-OCR's own height
_SURE = 0.7  # of the way that a line is read; below, both are tried
_NOTHING = 0.35  # below this confidence a line is noise, not text


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
        finder: finds their lines; None takes the shipped one.
        engine: reads straightened lines: "own" (the shipped recogniser), "pp-ocr" (needs rapidocr), "both" (each line
            as the surer of them reads it), or "auto": PP-OCR where rapidocr is installed, else the own.

    Raises:
        UsageError: an unknown engine, or rapidocr is not installed.
        Seal2RealError: a model is missing or damaged.
    """

    def __init__(self, segmenter: Segmenter | None = None, finder: LineFinder | None = None, engine: str = "auto"):
        self.segmenter = segmenter or Segmenter.from_pretrained()
        self.finder = finder or LineFinder.from_pretrained()
        self.recognisers = recognisers_of(engine)

    @classmethod
    def of(cls, segmenter: Segmenter, finder: LineFinder, recognisers: Sequence[Recogniser]) -> SealReader:
        """A reader of given parts."""
        reader = cls.__new__(cls)
        reader.segmenter, reader.finder, reader.recognisers = segmenter, finder, list(recognisers)
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
        return [ReadSeal(seal, tuple(self._lines(image, seal.polygon))) for seal in seals]

    def _lines(self, image: Image, outline: Polygon) -> list[ReadLine]:
        found = []
        for curve in self.finder.find(image, outline):
            text, confidence = self.read_line(image, curve)
            if curve.way < _SURE:
                other = self.read_line(image, curve.reverse)
                if bool(other[0]) and other[1] > confidence:
                    curve, (text, confidence) = curve.reverse, other
            if text and confidence >= _NOTHING:
                found.append(ReadLine(text, confidence, curve.polygon, curve.curved))
        return found

    def read_line(self, image: Image, curve: TextCurve) -> tuple[str, float]:
        """Text and confidence of one line, by the recogniser that is surest."""
        line = curve.straightened(image, _TALL)
        readings = [(text.strip(), sure) for text, sure in (read(line) for read in self.recognisers)]
        # an empty reading is sure of nothing: it counts only if all are empty
        return max(readings, key=lambda reading: (bool(normalised(reading[0])), reading[1]))


def recognisers_of(engine: str) -> list[Recogniser]:
    """The recognisers of an engine.

    Raises:
        UsageError: unknown, or not installed.
        Seal2RealError: the shipped one is damaged.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}; use one of {', '.join(ENGINES)}")
    if engine == "auto":
        engine = "pp-ocr" if find_spec("rapidocr") else "own"
    made: list[Recogniser] = []
    if engine in ("own", "both"):
        made.append(SealRecogniser.from_pretrained())
    if engine in ("pp-ocr", "both"):
        made.append(ready_recogniser())
    return made
