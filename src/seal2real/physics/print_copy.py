"""A page that was printed in colour: what a laser printer, a photocopier or an inkjet makes of an image.

Colours are split into cyan, magenta, yellow and black (K takes over part of the grey, as under-colour removal does),
each plane is screened into dots at its own angle, shifted by its registration error, and laid down. Dots of different
planes overlap at random, so their lights multiply (Demichel's equations in the product form of Neugebauer's model). A
copied seal so turns into dots of magenta and yellow with coloured fringes, where ink paste is one even film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.sample import FloatMap, Image

Process = Literal["laser", "inkjet"]

# Light that a full layer of each colourant reflects per RGB channel: cyan, magenta, yellow, black.
_COLOURANTS = np.array([[0.06, 0.58, 0.84], [0.80, 0.11, 0.42], [0.96, 0.88, 0.13], [0.10, 0.10, 0.11]], np.float32)
_ANGLES = (15.0, 75.0, 0.0, 45.0)  # degrees, of the screens; 30 apart where the eye would see moire
_ENGINE_DPI = 500.0  # the engines' 600 to 1200 dpi, as far as a scan can tell
_TILE = 128  # pixels of the page that are screened at a time
_RIM = 6  # pixels around a tile that its filters may look at
_BARE = 0.035  # area below which a printer leaves the paper bare


@dataclass(frozen=True)
class Printer:
    """One printer in its present state.

    Attributes:
        process: "laser" (clustered dots on a screen) or "inkjet" (scattered dots that bleed).
        lines_per_inch: of the screen.
        registration_mm: ``[4][2]`` shift (x, y) of each plane.
        strength: ``[4]`` how strongly each plane prints, about 1.
        black_share: how much of the grey K takes over, 0..1.
        spread_mm: blur of a dot, as toner is fused or ink bleeds.
        softness: of a dot's edge, as a share of the range of thresholds.
        scatter: noise of the laid-down area, from point to point.
        specks: share of points with stray toner.
        contrast: exponent on the areas; above 1 light tones get lighter.
    """

    process: Process
    lines_per_inch: float
    registration_mm: tuple[tuple[float, float], ...]
    strength: tuple[float, ...]
    black_share: float
    spread_mm: float
    softness: float
    scatter: float
    specks: float
    contrast: float

    @classmethod
    def random(cls, rng: Generator) -> Printer:
        """An office's printer or copier, three of four a laser one."""
        laser = bool(rng.random() < 0.75)
        shifts = np.clip(rng.normal(0.0, 0.045 if laser else 0.025, (4, 2)), -0.13, 0.13)
        shifts[3] *= 0.3  # the others are set by black
        return cls(
            process="laser" if laser else "inkjet",
            lines_per_inch=float(rng.uniform(95.0, 175.0)),
            registration_mm=tuple((float(x), float(y)) for x, y in shifts),
            strength=tuple(float(v) for v in np.clip(rng.normal((1.0, 1.0, 1.0, 1.0), 0.09), 0.75, 1.2)),
            black_share=float(rng.uniform(0.35, 0.95)),
            spread_mm=float(rng.uniform(0.015, 0.04) if laser else rng.uniform(0.03, 0.07)),
            softness=float(rng.uniform(0.06, 0.2)),
            scatter=float(rng.uniform(0.02, 0.09)),
            specks=float(10.0 ** rng.uniform(-5.0, -3.6)) if laser else 0.0,
            contrast=float(rng.uniform(0.85, 1.3)),
        )


def print_page(image: Image, dpi: float, printer: Printer, rng: Generator) -> Image:
    """Print a page on white paper: `print_pages` of one."""
    return print_pages([image], dpi, printer, rng)[0]


def print_pages(images: Sequence[Image], dpi: float, printer: Printer, rng: Generator) -> list[Image]:
    """Print versions of one page, such as with and without its seals, each on white paper.

    Args:
        images: ``uint8 [H, W, 3]``, all of one size: files, or the copier's own scans. Near white stays bare.
        dpi: their resolution.
        printer: which one.
        rng: source of scatter and specks, the same for all versions: where they are alike, so are the prints.

    Returns:
        ``uint8 [H, W, 3]`` each: the sheet as an ideal camera would see it.
    """
    height, width = images[0].shape[:2]
    phases = rng.uniform(0.0, 1.0, (4, 2))
    scatter = rng.standard_normal((height, width), dtype=np.float32)
    specks = np.flatnonzero(rng.random(height * width, dtype=np.float32) < printer.specks)
    speck_ink = rng.integers(0, 4, len(specks))
    factor = int(np.clip(round(_ENGINE_DPI / dpi), 1, 4))
    screens = [_thresholds(printer, plane, factor, dpi, phases[plane]) for plane in range(4)]
    versions = [separate(image, printer) for image in images]
    for areas in versions:
        flat = areas.reshape(-1, 4)
        flat[specks, speck_ink] = np.maximum(flat[specks, speck_ink], 0.8)
    sheets = [np.full_like(image, 255) for image in images]
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            rows = slice(max(top - _RIM, 0), min(top + _TILE + _RIM, height))
            columns = slice(max(left - _RIM, 0), min(left + _TILE + _RIM, width))
            # a screen repeats from tile to tile, and has a rim of its own
            y, x = (_RIM - (top - rows.start)) * factor, (_RIM - (left - columns.start)) * factor
            here = [screen[y:, x:] for screen in screens]
            bottom, right = min(top + _TILE, height), min(left + _TILE, width)
            inner = (slice(top - rows.start, bottom - rows.start), slice(left - columns.start, right - columns.start))
            for number, (areas, sheet) in enumerate(zip(versions, sheets, strict=True)):
                tile = areas[rows, columns]
                if number and np.array_equal(tile, versions[0][rows, columns]):
                    sheet[top:bottom, left:right] = sheets[0][top:bottom, left:right]
                elif tile.any():
                    printed = _screened(tile, scatter[rows, columns], here, factor, dpi, printer)
                    sheet[top:bottom, left:right] = printed[inner]
    return sheets


def separate(image: Image, printer: Printer) -> FloatMap:
    """Areas ``float32 [H, W, 4]`` in 0..1 that cyan, magenta, yellow and black are to cover.

    The absorbances of the colour are solved for amounts of the three colourants; what the colourants cannot show is cut
    off, which is where bright vermilion turns dull.
    """
    table = -np.log(np.maximum(np.arange(256, dtype=np.float32), 4.0) / 255.0)
    absorbance = cv2.LUT(image, table)
    density = -np.log(_COLOURANTS)  # [4, 3]
    amounts = cv2.transform(absorbance, np.linalg.inv(density[:3].T).astype(np.float32))
    np.maximum(amounts, 0.0, out=amounts)
    grey = amounts.min(axis=2)
    black = printer.black_share * np.minimum(grey, 1.0)
    amounts -= black[..., None]
    layers = np.dstack([amounts, black]).astype(np.float32)
    deepest = density.max(axis=1)
    # the area of a dot that absorbs as much light, in the colourant's own channel, as so much of an even film
    areas = (1.0 - np.exp(-layers * deepest)) / (1.0 - np.exp(-deepest))
    areas = np.power(np.clip(areas, 0.0, 1.0), np.float32(printer.contrast)) * np.asarray(printer.strength, np.float32)
    areas = np.clip(areas, 0.0, 1.0).astype(np.float32)
    areas[areas < _BARE] = 0.0
    return areas


def _screened(
    areas: FloatMap,
    scatter: FloatMap,
    screens: list[npt.NDArray[np.float32]],
    factor: int,
    dpi: float,
    printer: Printer,
) -> Image:
    """A tile, screened at the engine's resolution and seen at the page's: ``uint8 [h, w, 3]``."""
    height, width = areas.shape[:2]
    fine = (width * factor, height * factor)
    per_mm = dpi * factor / 25.4
    noise = np.float32(printer.scatter) * cv2.resize(scatter, fine, interpolation=cv2.INTER_LINEAR)
    light = np.ones((fine[1], fine[0], 3), np.float32)
    steep = np.float32(1.0 / printer.softness)
    for plane in range(4):
        area = areas[..., plane]
        if not area.any():
            continue
        x, y = (printer.registration_mm[plane][axis] * per_mm + (factor - 1) / 2.0 for axis in (0, 1))
        matrix = np.array([[factor, 0.0, x], [0.0, factor, y]])
        wanted = cv2.warpAffine(area, matrix, fine, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # 0 prints nothing and 1 prints all, whatever the softness
        level = wanted * np.float32(1.0 + printer.softness) - np.float32(0.5 * printer.softness)
        level += noise * (wanted > 0)
        level -= screens[plane][: fine[1], : fine[0]]
        dots = np.clip(level * steep + np.float32(0.5), 0.0, 1.0)
        sigma = printer.spread_mm * per_mm
        if sigma > 0.25:
            dots = cv2.GaussianBlur(dots, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        for channel in range(3):
            light[..., channel] *= 1.0 - dots * (1.0 - _COLOURANTS[plane, channel])
    seen = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(seen, alpha=255.0), np.uint8)


def _thresholds(
    printer: Printer, plane: int, factor: int, dpi: float, phase: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Thresholds, evenly spread over 0..1, of one plane: ``float32`` of a tile and its rim, at the engine's dpi.

    A laser's dots lie on a turned grid, whose frequency is rounded so that it repeats from tile to tile; an inkjet's
    are scattered.
    """
    period, rim = _TILE * factor, _RIM * factor
    side = np.arange(period, dtype=np.float64)
    if printer.process == "laser":
        cycles = printer.lines_per_inch / (dpi * factor) * period
        turn = np.deg2rad(_ANGLES[plane])
        a, b = round(cycles * float(np.cos(turn))), round(cycles * float(np.sin(turn)))
        u = (a * side[None, :] + b * side[:, None]) / period + phase[0]
        v = (a * side[:, None] - b * side[None, :]) / period + phase[1]
        field = np.interp(np.cos(2.0 * np.pi * u) + np.cos(2.0 * np.pi * v), *_ranks())
    else:
        x, y = side[None, :] + 47.0 * plane, side[:, None] + 17.0 * plane
        field = np.mod(52.9829189 * np.mod(0.06711056 * x + 0.00583715 * y, 1.0), 1.0)  # interleaved gradient noise
    return np.pad(field.astype(np.float32), rim, mode="wrap")


@cache
def _ranks() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The distribution of the sum of two cosines: values, and the share of points below each."""
    waves = np.cos(2.0 * np.pi * (np.arange(256) + 0.5) / 256.0)
    values = np.sort((waves[:, None] + waves[None, :]).ravel())[::64]
    return values, np.linspace(0.0, 1.0, len(values))
