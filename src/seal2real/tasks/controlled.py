"""A test set with exact labels whose look comes from another simulator than the forger's, so that it runs anywhere.

Nothing here is shared with `seal2real.physics`: ink is a film of pigment after Kubelka and Munk (1931) whose thickness
follows a rubber die's squeeze-out and a rough paper; the page is captured by a lens and a sensor with white balance,
sharpening, photon noise and JPEG. No training ever sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.page import TemplatePages
from seal2real.press import PressSettings, crop_page, crop_sample, stamp_page
from seal2real.sample import FloatMap, Image, PlacedSeal, Sample
from seal2real.seeding import rng_for

CROP_MM = 58.0  # side of a crop about a seal
_SEEN = 0.12  # change of reflectance from which on ink can be seen
_DPIS = (110, 300)
# absorption over scattering of a full film per RGB channel, and how they vary
_PIGMENTS = {
    "red": ((0.06, 2.6, 2.0), (0.03, 0.8, 0.8)),
    "blue": ((2.4, 1.1, 0.12), (0.7, 0.4, 0.06)),
    "violet": ((1.5, 2.4, 0.5), (0.4, 0.6, 0.2)),
    "black": ((3.4, 3.4, 3.2), (0.6, 0.6, 0.6)),
}


@dataclass(frozen=True)
class _Capture:
    """What a page is captured with; drawn once for the page and its clean twin."""

    gains: npt.NDArray[np.float64]
    gamma: float
    blur: float
    sharpening: float
    photons: float
    read_noise: float
    shade: npt.NDArray[np.float32]
    quality: int
    grain_seed: int


def controlled_sample(index: int, seed: int = 0, negatives: float = 0.0) -> Sample:
    """Sample ``index`` of a series: a crop of a stamped page, of random resolution.

    Args:
        index: number, >= 0.
        seed: of the series.
        negatives: share of samples without any seal.

    Returns:
        As from a forger: ``stamped``, ``clean``, ``ink`` and visible masks; ``provenance["simulator"]``.
    """
    rng = rng_for(seed, index, "controlled")
    dpi = round(float(_DPIS[0] * (_DPIS[1] / _DPIS[0]) ** rng.random()))
    page = TemplatePages(dpi, pen=0.5, red=0.3, coloured_paper=0.0).page(rng)
    settings = PressSettings(negatives=negatives, riding=0.0, riding_unsigned=0.0, off_page=0.0, issuer=0.0, bend=0.0)
    sample = stamp_page(page, rng, settings=settings)
    side = round(CROP_MM * dpi / 25.4)
    if sample.seals:
        cropped = crop_sample(sample, int(rng.integers(len(sample.seals))), side, rng)
    else:
        cropped = crop_page(sample, side, rng)
    return captured(cropped, rng).with_provenance(simulator="controlled", seed=seed, index=index)


def captured(sample: Sample, rng: Generator) -> Sample:
    """A flat sample, inked and captured."""
    height, width = sample.size
    scale = sample.page.dpi / 25.4
    paper = _paper(height, width, scale, rng)
    sheet = _printed(sample.page.image, paper, scale, rng)
    stamped = sheet.copy()
    ink = np.zeros((height, width), np.float32)
    seals = []
    for seal in sample.seals:
        film = _film(seal, scale, rng)
        before = stamped.copy()
        whole = seal.on_page(film, height, width)
        stamped = _under_film(stamped, whole, seal.colour, rng)
        taken = np.asarray((1 - (stamped + 0.01) / (before + 0.01)).max(2), np.float32)
        # against white paper: over black print the same film takes nothing more, yet it is there
        alone = 1 - _under_film(np.ones((*film.shape, 3), np.float32), film, seal.colour, None).min(2)
        seals.append(replace(seal, visible=np.asarray(alone > _SEEN), authenticity="impression"))
        ink = np.maximum(ink, np.clip(taken, 0, 1))
    capture = _camera(height, width, rng)
    return replace(
        sample,
        stamped=_shot(stamped, capture),
        clean=_shot(sheet, capture),
        ink=ink,
        seals=tuple(seals),
    )


def _fractal(height: int, width: int, cell: float, octaves: int, rng: Generator) -> FloatMap:
    """Noise of several octaves by enlarging small random fields, mean 0, standard deviation 1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = max(1.0, cell / 2**octave)
        small = rng.standard_normal((int(height / size) + 2, int(width / size) + 2)).astype(np.float32)
        big = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        total += big * np.float32(0.6**octave)
    return np.asarray((total - total.mean()) / max(float(total.std()), 1e-6), np.float32)


def _paper(height: int, width: int, scale: float, rng: Generator) -> FloatMap:
    """Reflectance ``float32 [H, W, 3]`` of bare paper: a tint, clouds, fibres."""
    white = 1.0 - np.abs(rng.normal(0, [0.02, 0.025, 0.04]))
    if rng.random() < 0.2:  # tinted forms
        white = white * rng.uniform(0.82, 1.0, 3)
    clouds = _fractal(height, width, 6 * scale, 3, rng) * rng.uniform(0.002, 0.012)
    fibres = _fractal(height, width, max(1.5, 0.25 * scale), 2, rng) * rng.uniform(0.0, 0.012)
    return np.asarray(np.clip(white * (1 + clouds + fibres)[..., None], 0.05, 1.0), np.float32)


def _printed(page: Image, paper: FloatMap, scale: float, rng: Generator) -> FloatMap:
    """A page's print on paper: no perfect black, a little spread, with pin-holes."""
    sheet = page.astype(np.float32) / np.float32(255) * paper
    dark = 1 - page.astype(np.float32).min(2) / 255
    holes = _fractal(dark.shape[0], dark.shape[1], max(1.2, 0.12 * scale), 2, rng)
    weak = np.clip(1 - 0.25 * rng.random() - 0.18 * rng.random() * np.maximum(holes - 1.0, 0), 0, 1)
    spread = cv2.GaussianBlur(dark * weak, (0, 0), max(0.3, 0.03 * scale * rng.uniform(0.5, 1.5)))
    lifted = sheet + (1 - weak[..., None]) * dark[..., None] * (0.9 - sheet)
    printed = np.where(dark[..., None] > 0.02, lifted, sheet) - 0.04 * spread[..., None]
    return np.asarray(np.clip(printed, 0, 1), np.float32)


def _film(seal: PlacedSeal, scale: float, rng: Generator) -> FloatMap:
    """Thickness ``float32 [h, w]`` of the film, 1 for a full one."""
    cover = cv2.GaussianBlur(seal.inked, (0, 0), max(0.3, 0.05 * scale * rng.uniform(0.5, 1.6)))
    height, width = cover.shape
    grow = rng.normal(0.0, 0.12)  # how much ink a die was given: strokes swell or starve
    steep = rng.uniform(8, 16)
    body, bare = (1 / (1 + np.exp(-(at - 0.5 + grow) * steep)) for at in (cover, 0.0))
    body = np.clip((body - bare) / (1 - bare), 0, 1)
    inner = cv2.GaussianBlur(body, (0, 0), max(0.5, 0.18 * scale))
    squeezed = body * (1 + rng.uniform(0, 0.7) * np.clip(body - inner, 0, 1) * 2)  # thicker along the edges
    ys, xs = np.mgrid[-1 : 1 : complex(0, height), -1 : 1 : complex(0, width)].astype(np.float32)
    heading, tilt = rng.uniform(0, 2 * np.pi), abs(rng.normal(0, 0.3))
    pressure = 1 + tilt * (np.cos(heading) * xs + np.sin(heading) * ys)
    pressure = pressure + rng.uniform(0.02, 0.16) * _fractal(height, width, 0.3 * max(height, width), 4, rng)
    rough = _fractal(height, width, max(1.2, rng.uniform(0.08, 0.25) * scale), 3, rng)
    dryness = rng.uniform(-2.4, -0.2)  # of the paper's hills, how many the ink misses
    kept = 1 / (1 + np.exp(-(pressure * 1.2 - 0.2 - rough - dryness) * rng.uniform(1.5, 5)))
    return np.asarray(np.clip(squeezed * pressure.clip(0, 1.6) * kept * rng.uniform(0.45, 1.1), 0, 2), np.float32)


def _under_film(sheet: FloatMap, film: FloatMap, colour: str, rng: Generator | None) -> FloatMap:
    """Reflectance of a sheet under a film of pigment, by Kubelka and Munk."""
    mean, spread = _PIGMENTS[colour]
    ratio = np.asarray(mean) if rng is None else np.maximum(rng.normal(mean, spread), 0.02)
    b = np.sqrt((1 + ratio) ** 2 - 1)
    thickness = np.maximum(film, 1e-4)[..., None] * 1.1
    coth = 1 / np.tanh(np.clip(b * thickness, 1e-4, 20))
    ground = np.clip(sheet, 0.0, 0.999)
    a = 1 + ratio
    under = (1 - ground * (a - b * coth)) / (a - ground + b * coth)
    under = np.where(film[..., None] > 1e-3, under, sheet)
    return np.asarray(np.clip(under, 0, 1), np.float32)


def _camera(height: int, width: int, rng: Generator) -> _Capture:
    ys, xs = np.mgrid[-1 : 1 : complex(0, height), -1 : 1 : complex(0, width)].astype(np.float32)
    slope = rng.normal(0, 0.03, 2)
    shade = 1 + slope[0] * xs + slope[1] * ys - abs(rng.normal(0, 0.02)) * (xs**2 + ys**2)
    return _Capture(
        gains=rng.uniform(0.95, 1.05, 3),
        gamma=float(rng.uniform(0.85, 1.2)),
        blur=float(rng.uniform(0.35, 1.1)),
        sharpening=float(rng.choice([0.0, rng.uniform(0.2, 0.9)])),
        photons=float(rng.uniform(1500, 12000)),
        read_noise=float(rng.uniform(0.0, 0.006)),
        shade=np.asarray(shade, np.float32),
        quality=int(rng.integers(55, 96)),
        grain_seed=int(rng.integers(2**62)),
    )


def _shot(sheet: FloatMap, capture: _Capture) -> Image:
    """A sheet's reflectance to pixels; the same noise for the same capture."""
    rng = np.random.default_rng(capture.grain_seed)
    light = cv2.GaussianBlur(sheet, (0, 0), capture.blur) * capture.shade[..., None]
    grain = rng.standard_normal(light.shape).astype(np.float32)
    light = light + grain * np.sqrt(np.maximum(light, 0.01) / capture.photons).astype(np.float32)
    light = light + rng.standard_normal(light.shape).astype(np.float32) * np.float32(capture.read_noise)
    toned = np.clip(light * capture.gains, 0, 1) ** capture.gamma
    if capture.sharpening:
        toned = toned + capture.sharpening * (toned - cv2.GaussianBlur(toned, (0, 0), 1.2))
    pixels = np.asarray(np.clip(toned * 255 + 0.5, 0, 255), np.uint8)
    flags = [cv2.IMWRITE_JPEG_QUALITY, capture.quality]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), flags)[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)
