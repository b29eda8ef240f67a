"""Where the text of a seal runs, by its geometry: a ring is unrolled into a strip, the rest is taken as it lies, and a
ready detector of straight text looks at both.

It finds too much rather than too little, for a line that is found twice or wrongly is told by how it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from seal2real.physics.ink_measure import absorbance_against, chroma_along, dominant_chroma, estimate_paper
from seal2real.sample import FloatMap, Image, Mask
from seal2real.tasks.curves import TextCurve
from seal2real.tasks.pp_ocr import Detector, Quad
from seal2real.tasks.rings import Points, Ring, fit_ring

LENGTH = (360, 640)  # pixels: a seal's longer side, made larger or smaller
_MARGIN = 0.06  # of that, about the seal
_INNER, _OUTER = 0.3, 1.02  # radii of the strip
_STRIP = 160  # pixels, its height
_TURNS = 2.0  # a line that ends where the strip begins is seen whole the second time
_STRONG = 0.8  # quantile of the ink that counts as full ink
_INK = 0.03  # share of a line's box that is the seal's ink, at least
_OWN = 0.6  # share of what is dark in it that is, at least
_DARK = 0.3  # share of the light of some colour that what is dark takes away
_FRAME = 50  # degrees that a frame runs on, and writing does not
_FULL = 0.85  # share of them that is ink
_GAP = 0.25  # of the fullest row's ink: less lies between two lines
_LOWEST = 0.07  # of the strip, height of a line
_WIDE = (0.3, 0.5, 1.0)  # of a line's height: the widest space between two characters, each is tried
_FIELD = 0.55  # of a seal's box: more ink than that is a field
_SQUARE = 1.25  # longer side by shorter, at most
_ROW = 0.3  # of its side: height of the rows of a square seal that has rows
_RIM = 0.08  # of a square seal's side: its frame
_FLAT = 0.75  # a box that is higher than wide by this factor is read along its height


@dataclass(frozen=True)
class Close:
    """A seal by itself, at a size that text is read at.

    Attributes:
        pictures: ``uint8 [H, W, 3]`` each, the best to read first: its ink alone (not of black seals, whose ink nothing
            tells from print), and what is seen; of an intaglio seal, whose characters are left white, their negatives.
        ink: ``bool [H, W]``.
        dark: ``bool [H, W]``: ink, print and pen.
        scale: pixels here per pixel of the image.
        offset: (x, y) of the upper left corner on the image.
    """

    pictures: tuple[Image, ...]
    ink: Mask
    dark: Mask
    scale: float
    offset: tuple[float, float]

    def on_image(self, curve: TextCurve) -> TextCurve:
        """A line from here."""
        return curve.moved(1 / self.scale, self.offset)

    def here(self, curve: TextCurve) -> TextCurve:
        """A line from the image."""
        return curve.moved(self.scale, (-self.offset[0] * self.scale, -self.offset[1] * self.scale))


def close_up(image: Image, ink: Mask) -> Close | None:
    """A seal by itself.

    Args:
        image: ``uint8 [H, W, 3]``.
        ink: ``bool [H, W]`` of one seal.

    Returns:
        None where there is no ink.
    """
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows):
        return None
    height, width = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    margin = round(_MARGIN * max(height, width)) + 2
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    part = np.s_[top : int(rows[-1]) + 1 + margin, left : int(columns[-1]) + 1 + margin]
    seen, own = image[part], ink[part]
    scale = float(np.clip(max(height, width), *LENGTH)) / max(height, width)
    size = max(1, round(seen.shape[1] * scale)), max(1, round(seen.shape[0] * scale))
    absorbed = (1.0 - np.exp(-absorbance_against(seen, estimate_paper(seen)))).astype(np.float32)
    alone = _ink_alone(absorbed, own)

    def sized(picture: Image) -> Image:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC if picture.ndim == 3 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)

    ink_here, dark = (sized(mask.view(np.uint8) * 255) > 127 for mask in (own, absorbed.max(2) > _DARK))
    pictures = tuple(sized(picture) for picture in (alone, seen) if picture is not None)
    if intaglio(own):
        pictures = tuple(np.asarray(255 - picture, np.uint8) for picture in pictures)
    return Close(pictures, np.asarray(ink_here), np.asarray(dark), scale, (float(left), float(top)))


def _ink_alone(absorbed: FloatMap, ink: Mask) -> Image | None:
    """Coloured ink as grey on white, without the print on and under it; None of ink without colour.

    Args:
        absorbed: ``float32 [H, W, 3]``: share of the light that is taken away.
        ink: ``bool [H, W]`` of the seal.
    """
    direction = dominant_chroma(absorbed[ink][None])
    if direction is None:
        return None
    strength = chroma_along(absorbed, direction)
    full = max(float(np.quantile(strength[ink], _STRONG)), 1e-3)
    grey = (255 * (1 - np.clip(strength / full, 0, 1))).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def intaglio(ink: Mask) -> bool:
    """Whether a seal is a field of ink with white characters.

    Args:
        ink: ``bool [H, W]`` of one seal.
    """
    _, (width, height), _ = _box(ink)
    return float(ink.sum()) > _FIELD * width * height and fit_ring(ink) is None


def _box(ink: Mask) -> tuple[Points, tuple[float, float], float]:
    """Middle, width and height, and turn (degrees, -45 to 45) of the tightest box about ink."""
    points = np.argwhere(ink)[:, ::-1].astype(np.float32) + np.float32(0.5)
    middle, (width, height), turn = cv2.minAreaRect(cv2.convexHull(points))
    quarters = round(turn / 90)
    if quarters % 2:
        width, height = height, width
    return np.asarray(middle, np.float64), (width, height), turn - 90 * quarters


class LayoutFinder:
    """Finds the lines of a seal.

    Args:
        detect: finds straight text; without it, the gaps in the ink alone say where lines are.
    """

    def __init__(self, detect: Detector | None = None):
        self.detect: Detector = detect or (lambda image: [])

    def find(self, close: Close) -> list[TextCurve]:
        """Where text may run, in the frame of ``close``; lines may lie on each other, and on no text."""
        ring = fit_ring(close.ink)
        found: list[TextCurve] = []
        if ring is not None:
            found += [ring.arc((s.start, s.end), (s.inner, s.outer), s.confidence) for s in self._about(close, ring)]
        columns = _columns(close.ink) if ring is None else []
        found += columns
        highest = _ROW * columns[0].length if columns else np.inf  # large characters of a square stand in columns
        for picture in close.pictures:
            lines = [_straight(quad, sure) for quad, sure in self.detect(picture)]
            found += [line for line in lines if line.height < highest]
        return [curve for curve in found if _own(curve, close)]

    def _about(self, close: Close, ring: Ring) -> list[_Span]:
        """Lines along the ring: as the detector finds them on the strip, and as its ink has gaps."""
        turns = 2 * np.pi * _TURNS

        def unrolled(picture: Image) -> Image:
            return ring.unrolled(picture, _INNER, _OUTER, 0.0, _TURNS, _STRIP)

        ink = unrolled(255 - close.ink.view(np.uint8) * 255) < 128
        frames = _frames(ink)
        spans = _rows_of(ink & ~frames)
        for picture in close.pictures:
            strip = unrolled(picture)
            strip[frames] = 255
            for quad, sure in self.detect(strip):
                (left, top), (right, bottom) = quad.min(0) / strip.shape[1::-1], quad.max(0) / strip.shape[1::-1]
                spans.append(_Span(left * turns, right * turns, _radius(bottom), _radius(top), sure))
        return _once(spans)


def _radius(down: float) -> float:
    return _OUTER - down * (_OUTER - _INNER)


def _rows_of(ink: Mask) -> list[_Span]:
    """Lines on a strip: rows that hold ink, parted where they hold none for longer than they are high."""
    share = cv2.blur(ink.mean(1, keepdims=True).astype(np.float32), (1, 5))[:, 0]
    spans = []
    for top, bottom in _runs(share > _GAP * share.max()):
        if bottom - top < _LOWEST * len(share):
            continue
        columns = cv2.blur(ink[top:bottom].mean(0, keepdims=True).astype(np.float32), (3, 1))[0] > 0.02
        turn = 2 * np.pi * _TURNS / ink.shape[1]
        for wide in _WIDE:
            space = np.ones((1, round(wide * (bottom - top))), np.uint8)
            filled = cv2.morphologyEx(columns.astype(np.uint8)[None], cv2.MORPH_CLOSE, space)[0] > 0
            spans += [
                _Span(left * turn, right * turn, _radius(bottom / len(share)), _radius(top / len(share)), 1.0)
                for left, right in _runs(filled)
                if right - left > bottom - top
            ]
    return spans


def _runs(flags: Mask) -> list[tuple[int, int]]:
    """Where flags are set: first index, and the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _columns(ink: Mask) -> list[TextCurve]:
    """Two or three columns of a square seal, each one as high as the seal is inside its frame."""
    middle, (width, height), turn = _box(ink)
    if max(width, height) > _SQUARE * min(width, height):
        return []
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    inside = 1 - 2 * _RIM
    across, down = inside * width * np.array([cos, sin]), inside * height * np.array([-sin, cos])
    steps = np.linspace(-0.5, 0.5, 6)[:, None]
    found = []
    for count in (2, 3):
        for index in range(count):
            centre = middle + across * ((index + 0.5) / count - 0.5)
            found.append(TextCurve(centre + steps * down, inside * width / count, True, False, 1.0))
            if count == 2:  # of one tall character each
                found.append(TextCurve(centre + steps * across / count, inside * height, False, False, 1.0))
    return found


@dataclass(frozen=True)
class _Span:
    start: float
    end: float
    inner: float
    outer: float
    confidence: float

    def like(self, other: _Span) -> bool:
        """Whether it says the same as another one, whichever time round."""
        apart = min(self.outer, other.outer) - max(self.inner, other.inner)
        if apart < 0.75 * max(other.outer - other.inner, self.outer - self.inner):
            return False
        for turn in (-2 * np.pi, 0.0, 2 * np.pi):
            shared = min(self.end, other.end + turn) - max(self.start, other.start + turn)
            if shared > 0.9 * max(other.end - other.start, self.end - self.start):
                return True
        return False


def _once(spans: list[_Span]) -> list[_Span]:
    """Every line once; none that goes round more than once."""
    kept: list[_Span] = []
    for span in sorted(spans, key=lambda span: span.start - span.end):
        if span.end - span.start < 2 * np.pi and not any(other.like(span) for other in kept):
            kept.append(span)
    return kept


def _straight(quad: Quad, confidence: float) -> TextCurve:
    """The line of a detected box."""
    upper_left, upper_right, lower_right, lower_left = quad
    ends = (upper_left + lower_left) / 2, (upper_right + lower_right) / 2
    sides = (upper_left + upper_right) / 2, (lower_left + lower_right) / 2
    along, across = (float(np.linalg.norm(b - a)) for a, b in (ends, sides))
    if along < _FLAT * across:
        ends, across = sides, along
    middle = np.linspace(ends[0], ends[1], 6)
    return TextCurve(middle, across, column=False, curved=False, confidence=confidence, way=0.5)


def _frames(ink: Mask) -> Mask:
    """What of a strip's ink runs on and on."""
    length = round(_FRAME / 360 / _TURNS * ink.shape[1])
    full = cv2.blur(ink.astype(np.float32), (length, 1)) > _FULL
    return np.asarray(cv2.dilate(full.astype(np.uint8), np.ones((5, length), np.uint8)) > 0) & ink


def _own(curve: TextCurve, close: Close) -> bool:
    """Whether what is written there is of the seal."""
    inside = np.zeros(close.ink.shape, np.uint8)
    cv2.fillPoly(inside, [np.asarray(np.round(curve.polygon), np.int32)], 1)
    place = inside > 0
    ink, dark = int(close.ink[place].sum()), int((close.dark | close.ink)[place].sum())
    return ink > max(20, _INK * int(place.sum())) and ink >= _OWN * dark
