"""Ink layers meet the sheet: composed, scanned once with and once without ink, and what can be seen of each seal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from seal2real.forger.layered import VISIBLE_ABSORBANCE
from seal2real.physics.operators import blur_plane
from seal2real.physics.page_scan import BLOCK, PageScan, Window, strongest
from seal2real.physics.photocopy import Copier, copy_sheets
from seal2real.sample import FloatMap, Image, Mask, PlacedSeal


@dataclass(frozen=True)
class InkLayer:
    """Ink ``float32 [h, w, 3]`` (absorbance, >= 0) and the rows and columns of the page where it lies, which may reach
    past the page. ``body``, 0..1, is how well its pigment covers print: dyes let black toner through, pastes less."""

    rows: slice
    columns: slice
    ink: FloatMap
    body: float = 0.0


def composed(
    page: Image, layers: Sequence[InkLayer], scan: PageScan | None, blur: npt.NDArray[np.float32]
) -> tuple[Image, Image, FloatMap]:
    """(clean, stamped, ink map). Without a scan the page keeps its own, and only the ink takes the blur."""
    height, width = page.shape[:2]
    bare = page if scan is None else scan.expose(page)
    clean = page if scan is None else scan.compress(bare)
    stamped = clean.copy()
    ink = np.zeros((height, width), np.float32)
    reach = len(blur) // 2 if scan is None else scan.reach
    for wide in _merged([_grown(layer, 2 * reach + BLOCK, height, width) for layer in layers]):
        absorbed, under = _absorbed(layers, wide), _under(page, layers, wide)
        ink[wide] = -np.expm1(-strongest(absorbed))
        if scan is None:
            blurred = cv2.sepFilter2D(absorbed, -1, blur, blur, borderType=cv2.BORDER_REPLICATE)
            stamped[wide] = (under * np.exp(-blurred) + np.float32(0.5)).astype(np.uint8)
        else:
            # JPEG's chroma looks past a block's edge, so the outermost blocks only lend their pixels
            inner = _without_rim(wide, height, width)
            part = scan.compress(np.ascontiguousarray(scan.expose_stamped(under, bare, wide, absorbed)))
            stamped[inner] = part[inside(inner, wide)]
    return clean, stamped, ink


def photocopied(
    page: Image, layers: Sequence[InkLayer], scan: PageScan, copier: Copier, dpi: float, rng: Generator
) -> tuple[Image, Image, FloatMap]:
    """(clean, stamped, ink map) of a sheet that went through a copier before it was scanned. The ink map is of the
    toner that the seals bring on bare paper, without its grain."""
    height, width = page.shape[:2]
    sheet = page.copy()
    ink = np.zeros((height, width), np.float32)
    for wide in _merged([_grown(layer, 0, height, width) for layer in layers]):
        passed = np.exp(-_absorbed(layers, wide))
        sheet[wide] = (_under(page, layers, wide) * passed + np.float32(0.5)).astype(np.uint8)
        ink[wide] = 1 - copier.tone(passed)
    copies = copy_sheets([page, sheet] if layers else [page], dpi, copier, rng)
    clean = scan.compress(scan.expose(copies[0]))
    return clean, scan.compress(scan.expose(copies[1])) if layers else clean.copy(), ink


def copied_ink(layer: InkLayer, copier: Copier) -> InkLayer:
    """The ink of a layer as toner: absorbance on bare paper, the same in all channels."""
    absorbance = -np.log(np.maximum(copier.tone(np.exp(-layer.ink)), np.float32(0.02)))
    return InkLayer(layer.rows, layer.columns, np.asarray(cv2.merge([absorbance] * 3), np.float32))


def _absorbed(layers: Sequence[InkLayer], wide: Window) -> FloatMap:
    """Absorbance ``float32 [h, w, 3]`` of all layers together in a window of the page."""
    absorbed = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start, 3), np.float32)
    for layer in layers:
        here = meeting((layer.rows, layer.columns), wide)
        if here is not None:
            absorbed[inside(here, wide)] += layer.ink[inside(here, (layer.rows, layer.columns))]
    return absorbed


def _under(page: Image, layers: Sequence[InkLayer], wide: Window) -> Image:
    """What the ink in a window lies on: the page, its print lighter where ink with a body covers it."""
    bodies = [layer for layer in layers if layer.body > 0 and meeting((layer.rows, layer.columns), wide) is not None]
    if not bodies:
        return page[wide]
    under = page[wide].astype(np.float32)
    for layer in bodies:
        place = (layer.rows, layer.columns)
        here = meeting(place, wide)
        assert here is not None
        hidden = np.float32(-layer.body) * np.expm1(-strongest(layer.ink[inside(here, place)]))
        part = under[inside(here, wide)]
        part += hidden[..., None] * (255 - part)
    return (under + np.float32(0.5)).astype(np.uint8)


def visible_ink(seal: PlacedSeal, layer: InkLayer, scan: PageScan | None, blur: npt.NDArray[np.float32]) -> Mask:
    """``bool``, in the frame of the seal's coverage: where its ink can be seen in the scan, on bare paper."""
    if scan is None:
        shown = blur_plane(strongest(layer.ink), blur) > VISIBLE_ABSORBANCE
    else:
        shown = scan.visible(layer.ink, VISIBLE_ABSORBANCE)
    margin = (len(shown) - len(seal.coverage)) // 2
    return np.ascontiguousarray(shown[margin : len(shown) - margin, margin : shown.shape[1] - margin])


def inside(part: Window, whole: Window) -> Window:
    """``part`` in the coordinates of ``whole``."""
    rows, columns = (slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, whole, strict=True))
    return rows, columns


def meeting(a: Window, b: Window) -> Window | None:
    """Where two windows overlap, if they do."""
    rows, columns = (slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(a, b, strict=True))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _without_rim(window: Window, height: int, width: int) -> Window:
    """A window less one block on each side that is not the page's."""
    rows, columns = (
        slice(part.start + BLOCK * (part.start > 0), part.stop - BLOCK * (part.stop < limit))
        for part, limit in zip(window, (height, width), strict=True)
    )
    return rows, columns


def _grown(layer: InkLayer, by: int, height: int, width: int) -> Window | None:
    """The window of a layer with ``by`` more pixels around, out to JPEG's grid; None where it is off the page."""
    if meeting((layer.rows, layer.columns), (slice(0, height), slice(0, width))) is None:
        return None
    rows, columns = (
        slice(max(0, (part.start - by) // BLOCK * BLOCK), min(limit, -(-(part.stop + by) // BLOCK) * BLOCK))
        for part, limit in ((layer.rows, height), (layer.columns, width))
    )
    return rows, columns


def _merged(windows: Iterable[Window | None]) -> list[Window]:
    """Windows that overlap joined into one, until none overlap."""
    done: list[Window] = []
    for window in windows:
        if window is None:
            continue
        while (other := next((w for w in done if meeting(w, window)), None)) is not None:
            done.remove(other)
            rows, columns = (
                slice(min(p.start, q.start), max(p.stop, q.stop)) for p, q in zip(window, other, strict=True)
            )
            window = (rows, columns)
        done.append(window)
    return done
