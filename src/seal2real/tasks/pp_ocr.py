"""PP-OCR by rapidocr, offline: a ready detector and a ready recogniser of text lines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from seal2real.errors import UsageError
from seal2real.sample import Image
from seal2real.tasks.recognise import Recogniser

Quad = npt.NDArray[np.float64]
Detector = Callable[[Image], list[tuple[Quad, float]]]  # corners [4, 2] from the upper left; confidence
_LONGEST = 1920  # pixels; longer images are made smaller
_SETTINGS = {
    "Global.log_level": "critical",
    "Global.width_height_ratio": -1,  # strips are searched too, however long
    "Det.limit_type": "max",
    "Det.limit_side_len": _LONGEST,
    "Det.thresh": 0.25,
    "Det.box_thresh": 0.4,  # faint lines too: what they are read as decides
}


def ready_detector() -> Detector:
    """Finds lines of text, straight ones, on an image.

    Raises:
        UsageError: rapidocr is not installed.
    """
    engine = _engine(_SETTINGS)

    def detect(image: Image) -> list[tuple[Quad, float]]:
        found: Any = engine(np.ascontiguousarray(image[..., ::-1]), use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return []
        return [
            (np.asarray(box, np.float64), float(score)) for box, score in zip(found.boxes, found.scores, strict=True)
        ]

    return detect


def ready_recogniser() -> Recogniser:
    """Reads straight lines; a height of 48 pixels suits it best.

    Raises:
        UsageError: rapidocr is not installed.
    """
    engine = _engine({"Global.log_level": "critical"})

    def read(line: Image) -> tuple[str, float]:
        result: Any = engine(np.ascontiguousarray(line[..., ::-1]), use_det=False, use_cls=False, use_rec=True)
        texts, scores = result.txts or (), result.scores or ()
        return "".join(texts), float(np.mean(scores)) if len(scores) else 1.0

    return read


def _engine(settings: dict[str, Any]) -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        raise UsageError("reading by PP-OCR needs rapidocr; install it with: pip install 'seal2real[ocr]'") from None
    engine = RapidOCR(params=settings)
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return engine
