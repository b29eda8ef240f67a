"""`press_scan.scan` for whole pages on one CPU core: the same scan, arranged for speed, without gradients.

What differs is the order of the work, not the model: tone is a table of 256 entries; light and texture are one plane;
chroma lives at half resolution, where 4:2:0 JPEG puts it anyway; and the JPEG is a real one. A seal's ink changes only
its surroundings, so a stamped page is a bare one of which windows are scanned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from seal2real.physics.jpeg import jpeg_file
from seal2real.physics.operators import blur_plane, gaussian_taps, soft_noise, to_rgb, to_ycbcr, value_noise
from seal2real.physics.press_scan import Settings
from seal2real.sample import FloatMap, Image, Mask

Window = tuple[slice, slice]  # rows and columns of the page, both on the grid of BLOCK or at the page's end

BLOCK = 16  # JPEG's unit with halved chroma: a window on this grid compresses as the page does
_BAND = 128  # rows of a page that are exposed together; even
_LIGHT_CELLS = 48
_LIGHT_MM = 30.0  # cell of the light field, as in `press_scan.scan_fields`
_LIGHT_SHARE = 0.25  # but at least so much of the sheet's longer side: one lamp lights a sheet, not thirty
_TEXTURE_CELLS = 1024  # at most; reflected beyond: 100 mm of the finest texture
_UNIT = torch.eye(3)[:, :, None, None]
_TO_YCBCR = to_ycbcr(_UNIT)[:, :, 0, 0].numpy().T.astype(np.float32)  # [3, 3], RGB columns to planes
_BGR_OF_CHROMA = to_rgb(_UNIT)[1:, :, 0, 0].numpy().T[::-1].astype(np.float32)  # [3, 2], planes' chroma to BGR


class PageScan:
    """One scan of one sheet: what the scanner does to each pixel is drawn here, then pages pass through it.

    Args:
        settings: settings of the "scan" group, for one image (see `knobs.decode`).
        px_per_mm: resolution.
        height, width: size of the sheet in pixels.
        generator: source of the random fields; on the CPU.
    """

    def __init__(self, settings: Settings, px_per_mm: float, height: int, width: int, generator: torch.Generator):
        knobs = {name: float(value[0]) for name, value in settings.items()}
        scale = px_per_mm
        self.size = (height, width)
        even = (height + height % 2, width + width % 2)
        half = (even[0] // 2, even[1] // 2)

        warmth, green, level = knobs["paper_warmth"], knobs["paper_green"], knobs["paper_level"]
        self._paper = 255.0 * np.array([level + warmth, level + green, level - warmth], np.float32)
        self._black, self._gamma = knobs["black_level"], knobs["gamma"]
        levels = np.arange(256, dtype=np.float32).reshape(1, 256, 1).repeat(3, 2) / 255.0
        self._tables = cv2.split(self._tone(levels))
        self._planes = _TO_YCBCR * np.array([[1.0], [knobs["saturation"]], [knobs["saturation"]]], np.float32)

        chroma = float(np.hypot(knobs["blur"], knobs["chroma_blur"])) * scale
        self._blur = gaussian_taps(knobs["blur"] * scale, 0.45 * scale)
        self._soft = gaussian_taps(0.15 * scale, 0.15 * scale)
        self._sharpen = knobs["sharpen"]
        self._chroma_blur = gaussian_taps(chroma / 2, 0.46 * scale)
        # how far ink can be seen, in pixels, before JPEG
        self.reach = max(len(self._blur) // 2 + len(self._soft) // 2, 2 * (len(self._chroma_blur) // 2) + 1)

        self._gain = self._light_and_texture(knobs, scale, *even, generator)
        self._gain_half = _halved(self._gain)
        grain = min(knobs["noise_size"] * scale * 0.5, 0.15 * scale)
        taps = gaussian_taps(grain, 0.15 * scale)
        self._grain = torch.randn(*even, generator=generator).numpy()
        cv2.sepFilter2D(self._grain, -1, taps, taps, dst=self._grain, borderType=cv2.BORDER_REPLICATE)
        self._grain *= 255.0 * knobs["noise"] / _left(taps)
        # chroma noise of the full resolution, averaged over 2 x 2 pixels: so much weaker
        weaker = _left(np.convolve(taps, [0.5, 0.5])) / _left(taps)
        taps = gaussian_taps(grain / 2, 0.075 * scale)
        strength = 255.0 * knobs["chroma_noise"] * weaker / _left(taps)
        white = torch.randn(2, *half, generator=generator).numpy()
        self._chroma_grain = [blur_plane(plane, taps) * strength for plane in white]
        self._quality = 98.0 - 78.0 * knobs["jpeg"]

    def _light_and_texture(
        self, knobs: dict[str, float], scale: float, height: int, width: int, generator: torch.Generator
    ) -> FloatMap:
        def field(cells: int) -> torch.Tensor:
            return torch.randn(1, 1, cells, cells, generator=generator)

        turn = torch.rand(1, generator=generator) * 2 * torch.pi
        cell = torch.tensor([max(_LIGHT_MM * scale, _LIGHT_SHARE * max(height, width))])
        light = soft_noise(field(_LIGHT_CELLS), cell, turn, height, width)
        cell = torch.tensor([knobs["fibre_size"] * scale])
        cells = min(_TEXTURE_CELLS, int(np.hypot(height, width) / float(cell)) + 4)  # more would not be seen
        texture = value_noise(field(cells), cell, turn + 1, height, width)
        light.mul_(0.4 * knobs["shading"]).add_(1.0)
        texture.mul_(knobs["fibre"]).add_(1.0)
        return np.asarray(light.mul_(texture)[0, 0].numpy())

    def _tone(self, reflectance: FloatMap) -> FloatMap:
        """Reflectance ``[..., 3]`` to the scanner's response, 0..255, still sharp and without light or grain."""
        lifted = self._black + (1.0 - self._black) * np.clip(reflectance, 1e-3, 1.0)
        return np.asarray(np.power(lifted, np.float32(self._gamma)) * self._paper, np.float32)

    def expose(self, page: Image, window: Window | None = None, absorbance: FloatMap | None = None) -> Image:
        """What the sensor sees, before compression.

        Args:
            page: ``uint8 [h, w, 3]`` RGB: the sheet, or the window of it.
            window: where that lies; None is the whole sheet. Within ``reach`` of its inner edges the result is not the
                sheet's, for filters cannot see past them.
            absorbance: ``float32 [h, w, 3]`` of the ink on it; None where there is none.

        Returns:
            ``uint8 [h, w, 3]`` in the order **BGR**, for `compress`.
        """
        if window is None:
            return self._expose_sheet(page)
        height, width = page.shape[:2]
        rows, columns = window
        odd = (0, height % 2, 0, width % 2)
        page = np.asarray(cv2.copyMakeBorder(page, *odd, cv2.BORDER_REPLICATE), np.uint8)
        here = (slice(rows.start, rows.start + page.shape[0]), slice(columns.start, columns.start + page.shape[1]))
        half_here = tuple(slice(part.start // 2, part.stop // 2) for part in here)
        if absorbance is None:
            tones = [cv2.LUT(plane, table) for plane, table in zip(cv2.split(page), self._tables, strict=True)]
        else:
            passed = np.exp(-np.asarray(cv2.copyMakeBorder(absorbance, *odd, cv2.BORDER_REPLICATE), np.float32))
            tones = list(cv2.split(self._tone(page * np.float32(1 / 255) * passed)))
        light = (self._gain[here], self._gain_half[half_here])
        grain = [self._grain[here], *(plane[half_here] for plane in self._chroma_grain)]
        return np.ascontiguousarray(self._sensed(tones, light, grain)[:height, :width])

    def _sensed(
        self,
        tones: Sequence[npt.NDArray[Any]],
        light: tuple[FloatMap, FloatMap] | None = None,
        grain: Sequence[FloatMap] | None = None,
    ) -> Image:
        """Filters and chroma at half resolution: three sharp planes of even size to BGR ``uint8 [h, w, 3]``."""
        luma = _weighted(tones, self._planes[0])
        small = [_halved(plane) for plane in tones]
        chroma = [_weighted(small, row) for row in self._planes[1:]]
        if light is not None:
            luma *= light[0]
            chroma = [plane * light[1] for plane in chroma]
        luma = blur_plane(luma, self._blur)
        if self._sharpen > 0.01:
            soft = blur_plane(luma, self._soft)
            luma = np.asarray(cv2.addWeighted(luma, 1 + self._sharpen, soft, -self._sharpen, 0), np.float32)
        chroma = [blur_plane(plane, self._chroma_blur) for plane in chroma]
        if grain is not None:
            luma += grain[0]
            chroma = [plane + noise for plane, noise in zip(chroma, grain[1:], strict=True)]
        blue, red = chroma
        bgr = cv2.merge([_lifted(luma, row[0] * blue + row[1] * red) for row in _BGR_OF_CHROMA])
        return np.asarray(bgr, np.uint8)

    def visible(self, absorbance: FloatMap, least: float) -> Mask:
        """``bool [h, w]``: where ink of ``absorbance`` ``[h, w, 3]`` on bare paper still absorbs ``least`` in some
        channel of the scan; without light, texture, grain and JPEG."""
        height, width = absorbance.shape[:2]
        odd = (0, height % 2, 0, width % 2)
        passed = cv2.convertScaleAbs(np.exp(-absorbance), alpha=255.0)
        passed = np.asarray(cv2.copyMakeBorder(passed, *odd, cv2.BORDER_REPLICATE), np.uint8)
        seen, bare = (
            self._sensed([cv2.LUT(plane, table) for plane, table in zip(cv2.split(sheet), self._tables, strict=True)])
            for sheet in (passed, np.full((2, 2, 3), 255, np.uint8))
        )
        limits = bare[0, 0] * np.exp(-least)
        channels = (plane < limit for plane, limit in zip(cv2.split(seen), limits, strict=True))
        return np.logical_or.reduce(list(channels))[:height, :width]

    def _expose_sheet(self, page: Image) -> Image:
        """In bands, with as many rows around as the filters see: they stay in the processor's cache."""
        height, width = page.shape[:2]
        exposed = np.empty_like(page)
        halo = self.reach + self.reach % 2
        for start in range(0, height, _BAND):
            stop = min(start + _BAND, height)
            rows = slice(max(0, start - halo), min(stop + halo, height))
            band = self.expose(page[rows], (rows, slice(0, width)))
            exposed[start:stop] = band[start - rows.start : stop - rows.start]
        return exposed

    def compress(self, exposed: Image) -> Image:
        """The scanner's JPEG file, opened: BGR of `expose` in, RGB out; both ``uint8 [h, w, 3]``."""
        return jpeg_file(exposed, self._quality)

    def expose_stamped(self, page: Image, bare: Image, window: Window, absorbance: FloatMap) -> Image:
        """`expose` of a window with ink; beyond the ink's reach it equals ``bare`` exactly, so that JPEG does too.

        Args:
            page: ``uint8 [h, w, 3]`` RGB, the window of the sheet.
            bare: ``uint8 [H, W, 3]`` BGR, `expose` of it.
            window: rows and columns; the ink should end ``2 * reach`` before its inner edges.
            absorbance: ``float32 [h, w, 3]`` of the ink in the window.

        Returns:
            ``uint8 [h, w, 3]`` BGR.
        """
        exposed = self.expose(page, window, absorbance)
        inked = (strongest(absorbance) > 0).astype(np.uint8)
        near = cv2.dilate(inked, np.ones((2 * self.reach + 1, 1), np.uint8))
        near = cv2.dilate(near, np.ones((1, 2 * self.reach + 1), np.uint8))
        return np.where(near[..., None] > 0, exposed, bare[window])


def strongest(absorbance: FloatMap) -> FloatMap:
    """``float32 [h, w]``: the largest channel of ``[h, w, 3]``, faster than a reduction over so short an axis."""
    red, green, blue = absorbance[..., 0], absorbance[..., 1], absorbance[..., 2]
    return np.maximum(np.maximum(red, green), blue)


def _left(taps: npt.NDArray[np.floating]) -> float:
    """Share of white noise's standard deviation that a kernel, along both axes, leaves."""
    return float(np.square(taps).sum())


def _weighted(planes: Sequence[npt.NDArray[Any]], weights: FloatMap) -> FloatMap:
    """The sum of three planes with a weight each."""
    first, second, third = planes
    pair = cv2.addWeighted(first, float(weights[0]), second, float(weights[1]), 0)
    return np.asarray(cv2.scaleAdd(third, float(weights[2]), pair), np.float32)


def _halved(plane: npt.NDArray[Any]) -> FloatMap:
    """Means of 2 x 2 pixels."""
    return np.asarray(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA))


def _lifted(luma: FloatMap, more: FloatMap) -> Image:
    """``uint8 [H, W]``: ``luma`` and, from half the resolution, what a channel has more, every value for 2 x 2 pixels:
    JPEG's means of them then give back the same chroma."""
    wide = cv2.merge([more, more]).reshape(len(more), -1)
    channel = np.empty(luma.shape, np.uint8)
    for first in (0, 1):
        cv2.add(luma[first::2], wide, dst=channel[first::2], dtype=cv2.CV_8U)
    return channel
