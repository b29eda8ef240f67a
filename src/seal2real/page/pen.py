"""Handwriting: strokes with the pressure of a hand, in the ink of a pen.

Chinese characters, letters and figures are written along the centre lines of a typeface (`skeleton`), bent, slanted and
joined as a hand does; Latin signatures are an initial and a run of loops. Lengths are in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt
import skia
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d

from seal2real.page.skeleton import strokes_of
from seal2real.sample import Box, FloatMap, Image

# What a pen lets through at full ink, per RGB channel; the spread is drawn around it.
INKS = {
    "black": (0.13, 0.13, 0.15),
    "blue-black": (0.13, 0.18, 0.36),
    "blue": (0.15, 0.26, 0.66),
    "red": (0.82, 0.12, 0.16),
}
_PIECE = 3
_STEP = 0.15  # millimetres between the points of a stroke


@dataclass(frozen=True)
class Stroke:
    """One stroke: ``points`` ``[n, 2]`` in millimetres (x right, y down), ``width`` ``[n]`` in millimetres."""

    points: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Writing:
    """Strokes with the box of every character, in millimetres from the writing's own origin (baseline, left)."""

    text: str
    strokes: tuple[Stroke, ...]
    boxes: tuple[Box, ...]

    @property
    def box(self) -> Box:
        """The smallest box around all strokes."""
        points = np.concatenate([s.points for s in self.strokes])
        margin = max(float(s.width.max()) for s in self.strokes) / 2
        x0, y0 = points.min(axis=0) - margin
        x1, y1 = points.max(axis=0) + margin
        return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


@dataclass(frozen=True)
class Hand:
    """How one person writes with one pen.

    Attributes:
        slant: how far the top leans to the right, as a share of the height.
        slope: rise of the line, as a share of its length.
        wobble: unsteadiness, as a share of the height.
        flow: how round the strokes are, 0 (like print) to 1 (running).
        joined: how often the pen stays on the paper between two strokes.
        tight: distance of characters, 1 for that of print.
        pen: width of the line in millimetres, 0.3 to 0.7.
        ink: name of the ink.
        passes: ``float32 [3]`` share of light that full ink lets through.
    """

    slant: float
    slope: float
    wobble: float
    flow: float
    joined: float
    tight: float
    pen: float
    ink: str
    passes: npt.NDArray[np.float32] = field(compare=False)

    def signing(self, rng: Generator) -> Hand:
        """The same hand when it signs: faster, rounder, joined."""
        return replace(
            self,
            flow=float(rng.uniform(0.5, 1.0)),
            joined=float(rng.uniform(0.35, 0.8)),
            tight=float(rng.uniform(0.72, 0.95)),
            slope=self.slope + float(rng.uniform(0.0, 0.10)),
            slant=self.slant + float(rng.uniform(0.0, 0.12)),
            wobble=self.wobble * 1.6,
        )


def random_hand(rng: Generator, ink: str | None = None) -> Hand:
    """A person with a pen; without a name of an ink black or blue."""
    name = ink or ("black", "blue-black", "blue")[int(rng.choice(3, p=(0.55, 0.15, 0.30)))]
    passes = np.clip(np.array(INKS[name]) * rng.uniform(0.75, 1.35) * rng.uniform(0.9, 1.1, 3), 0.05, 0.95)
    return Hand(
        slant=float(rng.normal(0.08, 0.08)),
        slope=float(rng.normal(0.015, 0.02)),
        wobble=float(rng.uniform(0.010, 0.028)),
        flow=float(rng.uniform(0.1, 0.55)),
        joined=float(rng.uniform(0.0, 0.3)),
        tight=float(rng.uniform(0.82, 1.02)),
        pen=float(np.clip(rng.normal(0.40, 0.08), 0.3, 0.7)),
        ink=name,
        passes=passes.astype(np.float32),
    )


def write(rng: Generator, text: str, hand: Hand, height: float) -> Writing:
    """Write characters on a line.

    Args:
        rng: source of every choice.
        text: characters of the Noto Sans SC typeface; spaces move on.
        hand: who writes.
        height: of a Chinese character, in millimetres.

    Raises:
        MissingGlyphError: a character cannot be written.
    """
    strokes: list[Stroke] = []
    boxes: list[Box] = []
    x = 0.0
    for character in text:
        if character.isspace():
            boxes.append((x, -0.7 * height, 0.0, 0.7 * height))
            x += 0.5 * height
            continue
        lines, advance = strokes_of(character)
        size = height * float(rng.normal(1.0, 0.05))
        turn = float(rng.normal(0.0, 0.03))
        lift = float(rng.normal(0.0, 0.025)) * height - hand.slope * x
        shape = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
            [[1.0, -hand.slant], [0.0, 1.0]]
        )
        curves = [_bent(rng, np.asarray(line, float), hand) @ shape.T * size + (x, lift) for line in lines]
        made = _inked(rng, curves, hand, height)
        strokes += made
        points = np.concatenate([s.points for s in made])
        (x0, y0), (x1, y1) = points.min(axis=0) - hand.pen / 2, points.max(axis=0) + hand.pen / 2
        boxes.append((float(x0), float(y0), float(x1 - x0), float(y1 - y0)))
        x += advance * size * (hand.tight if advance > 0.9 else 0.5 + 0.5 * hand.tight) * float(rng.normal(1.0, 0.04))
    return Writing(text, tuple(strokes), tuple(boxes))


def sign(rng: Generator, name: str, hand: Hand, height: float) -> Writing:
    """A signature: a Chinese name in running strokes, or the initials of another with loops for the rest.

    Args:
        rng: source of every choice.
        name: of the person.
        hand: who signs.
        height: of a Chinese character or of a capital, in millimetres.
    """
    hand = hand.signing(rng)
    if any("\u4e00" <= c <= "\u9fff" for c in name):
        writing = write(rng, name, hand, height)
        return (
            writing
            if rng.random() < 0.75
            else replace(writing, strokes=(*writing.strokes, _flourish(rng, writing, hand)))
        )
    strokes: list[Stroke] = []
    x = 0.0
    for word in name.replace(".", "").split():
        first = write(rng, word[0], replace(hand, slope=0.0), height * 1.25)
        lift = -hand.slope * x
        strokes += [Stroke(np.add(s.points, (x, lift)), s.width) for s in first.strokes]
        x += first.box[2] * float(rng.uniform(0.75, 0.95))
        if len(word) > 1:
            run = np.add(_loops(rng, word[1:], hand, height * 0.42), (x, lift - hand.slope * first.box[2]))
            strokes += _inked(rng, [run], hand, height, taper=0.3)
            x = float(run[-1, 0]) + height * float(rng.uniform(0.05, 0.25))
    writing = Writing(name, tuple(strokes), ())
    return writing if rng.random() < 0.55 else replace(writing, strokes=(*strokes, _flourish(rng, writing, hand)))


def _bent(rng: Generator, line: np.ndarray, hand: Hand) -> np.ndarray:
    """A centre line as this hand draws it, in em."""
    steps = max(int(_length(line) * 24), 4)
    line = _resampled(line, steps)
    if hand.flow > 0:
        sigma = hand.flow * min(steps * 0.16, 3.0)
        ends = line[[0, -1]].copy()
        closed = bool(np.hypot(*(line[0] - line[-1])) < 0.08)
        line = gaussian_filter1d(line, sigma, axis=0, mode="wrap" if closed else "nearest")
        if not closed:
            line[[0, -1]] = 0.6 * ends + 0.4 * line[[0, -1]]
    drift = gaussian_filter1d(rng.normal(0.0, 1.0, (steps + 8, 2)), 4.0, axis=0)[4:-4] * 3.0
    drift = np.concatenate([drift, drift[-1:]])[: len(line)]
    return line + drift * hand.wobble + rng.normal(0.0, 0.012 + hand.wobble * 0.3, 2)


def _inked(rng: Generator, curves: list[np.ndarray], hand: Hand, height: float, taper: float = 0.5) -> list[Stroke]:
    """Strokes with pressure, and at times the trace of the pen from one to the next."""
    strokes = []
    for number, curve in enumerate(curves):
        if number and rng.random() < hand.joined:
            gap = float(np.hypot(*(curve[0] - curves[number - 1][-1])))
            if gap < 0.6 * height:
                between = curves[number - 1][-1] * 0.5 + curve[0] * 0.5 + rng.normal(0.0, 0.08, 2) * gap
                link = _resampled(np.array([curves[number - 1][-1], between, curve[0]]), max(int(gap / _STEP), 4))
                strokes.append(Stroke(link, np.full(len(link), hand.pen * float(rng.uniform(0.35, 0.6)))))
        points = _resampled(curve, max(int(_length(curve) / _STEP), 4))
        along = np.linspace(0.0, 1.0, len(points))
        ends = np.minimum(1.0, np.minimum(0.75 + along * 6, taper + (1 - along) * 5))
        sway = gaussian_filter1d(rng.normal(0.0, 1.0, len(points) + 40), 12.0)[20:-20] * 0.8
        strokes.append(Stroke(points, hand.pen * ends * np.clip(1.0 + 0.5 * sway, 0.6, 1.35)))
    return strokes


def _loops(rng: Generator, letters: str, hand: Hand, height: float) -> np.ndarray:
    """The run of a signature: arches and loops in the rhythm of the letters, flattening towards the end."""
    points = [(0.0, -0.3 * height)]
    x = 0.0
    for place, letter in enumerate(letters):
        calm = float(np.clip(1.15 - 0.6 * place / max(len(letters), 4), 0.35, 1.0))
        step = height * float(rng.uniform(0.45, 0.75))
        tall = 2.1 if letter in "bdfhklt" else 1.0
        deep = 0.9 if letter in "gjpqy" else 0.0
        rise = height * tall * calm * float(rng.uniform(0.8, 1.15))
        points += [
            (x + 0.35 * step, -rise),
            (x + 0.10 * step if tall > 1 else x + 0.55 * step, -0.9 * rise),
            (x + 0.55 * step, 0.0 + deep * height),
        ]
        if deep:
            points.append((x + 0.15 * step, 0.7 * deep * height))
        x += step
        points.append((x, -0.25 * height * calm))
    points.append((x + height * float(rng.uniform(0.3, 1.2)), -0.2 * height + float(rng.normal(0, 0.2)) * height))
    curve = np.array(points)
    curve += rng.normal(0.0, 0.06 * height, curve.shape)
    smooth = gaussian_filter1d(_resampled(curve, len(curve) * 10), 4.0, axis=0, mode="nearest")
    return np.stack([smooth[:, 0] - hand.slant * 1.6 * smooth[:, 1], smooth[:, 1] - hand.slope * smooth[:, 0]], axis=1)


def _flourish(rng: Generator, writing: Writing, hand: Hand) -> Stroke:
    """A line drawn below the name, out and at times back."""
    x, y, w, h = writing.box
    base = y + h * float(rng.uniform(0.9, 1.1))
    points = [(x + w * 0.95, base - 0.2 * h), (x + w * float(rng.uniform(-0.05, 0.3)), base)]
    points.append((x + w * float(rng.uniform(0.9, 1.25)), base - h * float(rng.uniform(0.0, 0.25))))
    curve = gaussian_filter1d(_resampled(np.array(points), 90), 7.0, axis=0, mode="nearest")
    curve = _resampled(curve, max(int(_length(curve) / _STEP), 8))
    return Stroke(curve, hand.pen * np.linspace(1.0, 0.45, len(curve)))


def _length(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _resampled(line: np.ndarray, count: int) -> np.ndarray:
    """``count`` points at even distances along a line."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, k]) for k in (0, 1)], axis=1)


def lay(
    image: Image, strokes: tuple[Stroke, ...], origin: tuple[float, float], hand: Hand, dpi: float, rng: Generator
) -> None:
    """Draw strokes into the image, in place.

    Args:
        image: ``uint8 [H, W, 3]``.
        strokes: in millimetres.
        origin: where the strokes' origin lies, in pixels.
        hand: for the ink.
        dpi: resolution of the image.
        rng: for the unevenness of the ink.
    """
    scale = dpi / 25.4
    points = np.concatenate([s.points for s in strokes]) * scale + origin
    reach = max(float(s.width.max()) for s in strokes) * scale + 2
    x0, y0 = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(points.max(axis=0) + reach), (image.shape[1], image.shape[0])).astype(int)
    if x1 <= x0 or y1 <= y0:
        return
    cover = coverage(strokes, (origin[0] - x0, origin[1] - y0), scale, (int(y1 - y0), int(x1 - x0)))
    # A ball or a gel pen gives unevenly, over about a millimetre, and the paper's grain shows through.
    cells = (max(int((y1 - y0) / scale), 2), max(int((x1 - x0) / scale), 2))
    flow = cv2.resize(rng.normal(0.92, 0.10, cells).astype(np.float32), (cover.shape[1], cover.shape[0]))
    grain = cv2.GaussianBlur(rng.normal(0.0, 0.16, cover.shape).astype(np.float32), (3, 3), 0.6)
    inked = cover * np.clip(flow + grain, 0.35, 1.0)
    seen = image[y0:y1, x0:x1]
    light = np.exp(np.log(hand.passes) * inked[..., None])
    seen[...] = np.where(cover[..., None] > 0, np.rint(seen * light), seen).astype(np.uint8)


def coverage(
    strokes: tuple[Stroke, ...], origin: tuple[float, float], scale: float, shape: tuple[int, int]
) -> FloatMap:
    """``float32 [H, W]`` in 0..1: where the strokes lie; ``scale`` is pixels per millimetre, ``origin`` in pixels."""
    pixels = np.zeros(shape, np.uint8)
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(shape[1], shape[0]), pixels, shape[1])
    canvas = surface.getCanvas()
    paint = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    for stroke in strokes:
        points = (stroke.points * scale + origin).tolist()
        # Pieces of one width each, overlapping by a point; half a millimetre of a stroke hardly changes its width.
        for start in range(0, len(points) - 1, _PIECE):
            piece = points[start : start + _PIECE + 1]
            path = skia.Path()
            path.addPoly([skia.Point(x, y) for x, y in piece], False)
            paint.setStrokeWidth(max(float(stroke.width[start : start + _PIECE + 1].mean()) * scale, 0.7))
            canvas.drawPath(path, paint)
    return pixels.astype(np.float32) / 255.0
