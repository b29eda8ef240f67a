"""Digital forgery: a picture of a seal laid on a page that is a scan already, in the ways that people do it.

The picture is drawn by a program, or cut out of another scan by its colour. It is laid over the page (and hides the
text under it), or multiplied; scaled, feathered, matched in colour, and compressed before or after.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import Generator

from seal2real.errors import UsageError
from seal2real.press.strikes import VISIBLE_ABSORBANCE
from seal2real.sample import FloatMap, Image, Mask, PlacedSeal

Source = Literal["drawn", "cut"]
Blend = Literal["over", "multiply", "darken"]


@dataclass(frozen=True)
class Paste:
    """How a picture of a seal is laid on a page.

    Attributes:
        source: "drawn" by a program in one flat colour, or "cut" out of another scan.
        blend: "over" hides what is under it, "multiply" lets it show, "darken" takes the darker of the two.
        opacity: 0..1.
        hard: the edge is cut without any antialiasing, as a selection by colour does.
        feather_mm: blur of the edge, 0 for none.
        scale: resolution of the picture as a share of the page's; below 1 it was enlarged.
        quality: of the JPEG file that the picture was, 1..100; None for a lossless one.
        match: share of the way that its colour is moved towards the tint of the page, 0..1.
        ground: "keyed" (the white around is taken away) or "box" (it stays, faint).
    """

    source: Source
    blend: Blend
    opacity: float
    hard: bool
    feather_mm: float
    scale: float
    quality: int | None
    match: float
    ground: Literal["keyed", "box"]

    @classmethod
    def random(cls, rng: Generator, source: Source | None = None) -> Paste:
        """A way at random."""
        if source is None:
            source = "drawn" if rng.random() < 0.45 else "cut"
        blend: Blend = ("over", "multiply", "darken")[int(rng.choice(3, p=(0.5, 0.35, 0.15)))]
        feathered = rng.random() < 0.35
        return cls(
            source=source,
            blend=blend,
            opacity=1.0 if rng.random() < 0.6 else round(float(rng.uniform(0.6, 0.97)), 2),
            hard=bool(not feathered and rng.random() < 0.3),
            feather_mm=round(float(rng.uniform(0.04, 0.18)), 3) if feathered else 0.0,
            scale=1.0 if rng.random() < 0.4 else round(float(rng.uniform(0.35, 0.9)), 2),
            quality=int(rng.integers(35, 90)) if rng.random() < 0.5 else None,
            match=round(float(rng.uniform(0.4, 1.0)), 2) if rng.random() < 0.45 else 0.0,
            ground="box" if blend != "over" and rng.random() < 0.15 else "keyed",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Pasted:
    """A page with a picture of a seal on it.

    Attributes:
        image: ``uint8 [H, W, 3]``.
        visible: ``bool [h, w]`` in the seal's frame: where the picture's ink can be seen.
        ink: ``float32 [H, W]``: share of light of the darkest channel that the picture takes.
    """

    image: Image
    visible: Mask
    ink: FloatMap


def flat_picture(seal: PlacedSeal) -> Image:
    """The seal in its flat colour on white, ``uint8 [h, w, 3]``, as a program draws it."""
    light = np.exp(-seal.inked[..., None] * seal.absorbance)
    return np.asarray(light * 255.0 + 0.5, np.uint8)


def paste_picture(image: Image, seal: PlacedSeal, picture: Image, dpi: float, way: Paste) -> Pasted:
    """Lay a picture of a seal on a page.

    Args:
        image: ``uint8 [H, W, 3]``, the scanned page.
        seal: where; of its layers only the frame counts.
        picture: ``uint8 [h, w, 3]`` in the seal's frame: the seal on light ground.
        dpi: of the page.
        way: how.

    Raises:
        UsageError: the picture has not the size of the seal's frame.
    """
    frame = seal.coverage.shape
    if picture.shape[:2] != frame:
        raise UsageError(f"the picture is {picture.shape[:2]} pixels, the seal's frame {frame}; give them alike")
    height, width = image.shape[:2]
    result, ink = image.copy(), np.zeros((height, width), np.float32)
    window = seal.window(height, width)
    picture = _reworked(picture, way)
    alpha, colour = _keyed(picture, dpi, way)
    if window is None:
        return Pasted(result, np.zeros(frame, bool), ink)
    area, own = window
    under = image[area].astype(np.float32)
    taken = alpha * np.float32(way.opacity) * (1.0 - colour.min(axis=2) / np.float32(255.0))
    if way.match:
        tint = np.percentile(under.reshape(-1, 3), 80, axis=0).astype(np.float32) / 255.0
        colour = colour * (1.0 - way.match + way.match * tint)
    mixed = _blended(under, colour[own], way.blend)
    share = alpha[own] if way.ground == "keyed" else np.ones(under.shape[:2], np.float32)
    over = under + np.float32(way.opacity) * share[..., None] * (mixed - under)
    result[area] = np.clip(over + 0.5, 0, 255).astype(np.uint8)
    ink[area] = taken[own]
    return Pasted(result, np.asarray(taken > 1.0 - np.exp(-VISIBLE_ABSORBANCE)), ink)


def _reworked(picture: Image, way: Paste) -> Image:
    """The picture after it was scaled and saved."""
    height, width = picture.shape[:2]
    if way.scale < 1.0:
        small = (max(2, round(width * way.scale)), max(2, round(height * way.scale)))
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
    if way.quality is not None:
        flags = [cv2.IMWRITE_JPEG_QUALITY, way.quality]
        encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), flags)[1]
        picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)
    if way.scale < 1.0:
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return picture


def _keyed(picture: Image, dpi: float, way: Paste) -> tuple[FloatMap, FloatMap]:
    """Alpha ``float32 [h, w]`` and colour ``float32 [h, w, 3]``, 0..255, of a picture.

    A drawn picture has true alpha and one colour; of a file on white ground the alpha is what differs from the ground,
    and its edges keep the ground's light fringe.
    """
    values = picture.astype(np.float32)
    ground = np.median(np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]]), axis=0)
    differs = np.maximum(ground - values, 0.0).max(axis=2) / np.float32(255.0)
    if way.hard:
        alpha = (differs > 0.22).astype(np.float32)
    elif way.source == "drawn" and way.quality is None and way.ground == "keyed":
        full = max(float(np.percentile(differs[differs > 0.02], 90)) if (differs > 0.02).any() else 1.0, 0.05)
        alpha = np.clip(differs / full, 0.0, 1.0)
        values = ground + (values - ground) / np.maximum(alpha, 0.05)[..., None]
        values = np.clip(values, 0.0, 255.0)
    else:
        alpha = np.clip((differs - 0.06) / 0.22, 0.0, 1.0)
    if way.feather_mm > 0:
        alpha = cv2.GaussianBlur(alpha, (0, 0), max(way.feather_mm * dpi / 25.4, 0.3))
    return alpha.astype(np.float32), values.astype(np.float32)


def _blended(under: FloatMap, laid: FloatMap, blend: Blend) -> FloatMap:
    if blend == "multiply":
        return np.asarray(under * laid / np.float32(255.0), np.float32)
    return np.asarray(np.minimum(under, laid), np.float32) if blend == "darken" else laid
