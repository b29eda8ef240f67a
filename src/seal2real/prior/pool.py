"""A pool of unforged seal crops, as layers: what the simulator and the forger are fed with during training."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from seal2real.errors import UsageError
from seal2real.seeding import rng_for

CROP = 352  # side in pixels of a pooled crop, where the seal's longest side has DIAMETER
DIAMETER = 256  # longest side of every pooled seal in pixels, where nothing else is asked for
SEALS_PER_PAGE = 4
_POOL_DPI = 150.0
_JOBS_PER_WORKER = 8  # fewer are drawn sooner than a process starts
# what real folders mostly show: round and oval seals of offices; a personal seal's patches are a few fat strokes
_MINOR_KINDS_SHARE = 0.12
_OFFICE_MM = 32.0  # round and oval seals of offices are rarely smaller: most have 38 mm and more
_SIZES = 24  # designs of a kind whose sizes are looked at


@dataclass(frozen=True)
class LayerBatch:
    """Patches as layers, on one device.

    Attributes:
        page: ``[B, 3, S, S]`` reflectance in 0..1.
        coverage: ``[B, 1, S, S]`` in 0..1.
        px_per_mm: ``[B]``.
    """

    page: torch.Tensor
    coverage: torch.Tensor
    px_per_mm: torch.Tensor

    def __len__(self) -> int:
        return self.page.shape[0]


@dataclass(frozen=True)
class Pool:
    """Crops around drawn seals, each scaled so that the seal's longest side has the same number of pixels.

    Attributes:
        page: ``uint8 [N, C, C, 3]`` clean pages; C is `CROP` for seals of `DIAMETER` pixels, and in proportion.
        coverage: ``uint8 [N, C, C]`` 0..255.
        size_mm: ``float32 [N]`` longest side of the seal in millimetres.
    """

    page: npt.NDArray[np.uint8]
    coverage: npt.NDArray[np.uint8]
    size_mm: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.page)

    @classmethod
    def build(
        cls,
        count: int,
        seed: int,
        pages: Path | None = None,
        scanned_share: float = 0.15,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
        diameter: int = DIAMETER,
    ) -> Pool:
        """Draw ``count`` crops; crop i depends on (seed, i // SEALS_PER_PAGE) and ``pages`` alone.

        Args:
            count: number of crops.
            seed: seed of every choice.
            pages: folder of the user's PDFs and images, used for ``scanned_share`` of the crops.
            scanned_share: 0..1.
            workers: processes at most; None for all cores, 1 for none besides this one.
            progress: called with the number of finished crops.
            diameter: longest side of every seal in pixels.
        """
        scale = diameter / DIAMETER
        jobs = [(seed, index, pages, scanned_share, scale) for index in range(-(-count // SEALS_PER_PAGE))]
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        workers = (os.cpu_count() or 1) if workers is None else workers
        if workers <= 1 or len(jobs) <= _JOBS_PER_WORKER:
            for job in jobs:
                parts.append(_crops(job))
                if progress:
                    progress(len(parts) * SEALS_PER_PAGE)
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
                for part in executor.map(_crops, jobs, chunksize=_JOBS_PER_WORKER):
                    parts.append(part)
                    if progress:
                        progress(len(parts) * SEALS_PER_PAGE)
        page, coverage, size = (np.concatenate([part[k] for part in parts])[:count] for k in range(3))
        return cls(page, coverage, size)

    def batch(self, rng: np.random.Generator, count: int, size: int, diameter: float) -> LayerBatch:
        """Random patches on ink.

        Args:
            rng: source of every choice.
            count: batch size B.
            size: side S in pixels.
            diameter: seals are scaled to this longest side in pixels.

        Raises:
            UsageError: the patch would be larger than the crops.
        """
        crop = self.page.shape[1]
        factor = diameter / (crop * DIAMETER / CROP)
        window = round(size / factor)
        if window > crop:
            raise UsageError(
                f"patches of {size} pixels around seals of {diameter:.0f} are too wide; take seals of at least "
                f"{size * DIAMETER / CROP:.0f} pixels, or smaller patches"
            )
        pages = np.empty((count, size, size, 3), np.uint8)
        coverages = np.empty((count, size, size), np.uint8)
        px_per_mm = np.empty(count, np.float32)
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        for row, index in enumerate(rng.integers(len(self), size=count)):
            coverage = self.coverage[index]
            inked = np.flatnonzero(coverage[::4, ::4] > 127)
            at = int(inked[rng.integers(len(inked))]) if len(inked) else int(rng.integers((crop // 4) ** 2))
            columns = -(-crop // 4)
            jitter = rng.integers(-window // 4, window // 4 + 1, 2)
            top = int(np.clip(at // columns * 4 - window // 2 + jitter[0], 0, crop - window))
            left = int(np.clip(at % columns * 4 - window // 2 + jitter[1], 0, crop - window))
            cut = np.s_[top : top + window, left : left + window]
            pages[row] = cv2.resize(self.page[index][cut], (size, size), interpolation=how)
            coverages[row] = cv2.resize(coverage[cut], (size, size), interpolation=how)
            px_per_mm[row] = diameter / self.size_mm[index]
            turns, flip = int(rng.integers(4)), bool(rng.integers(2))
            pages[row], coverages[row] = np.rot90(pages[row], turns), np.rot90(coverages[row], turns)
            if flip:
                pages[row], coverages[row] = pages[row, :, ::-1].copy(), coverages[row, :, ::-1].copy()
        return LayerBatch(
            torch.from_numpy(pages).permute(0, 3, 1, 2).float().div_(255),
            torch.from_numpy(coverages).unsqueeze(1).float().div_(255),
            torch.from_numpy(px_per_mm),
        )


@lru_cache(maxsize=1)
def minor_kinds() -> tuple[str, ...]:
    """Kinds that are no round or oval seal of an office: boxes, and those that are often smaller (signets, triangles,
    daters)."""
    from seal2real.seal import KINDS

    def side(name: str) -> float:
        designs = (KINDS[name].sample(rng_for(0, index, "size")) for index in range(_SIZES))
        return float(np.quantile([max(design.size_mm) for design in designs], 0.25))

    return tuple(name for name, kind in KINDS.items() if kind.upright or side(name) < _OFFICE_MM)


def _crops(job: tuple[int, int, Path | None, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`SEALS_PER_PAGE` crops of one page: pages, coverages, sizes."""
    from seal2real.page import TemplatePages
    from seal2real.press import place
    from seal2real.seal import KINDS, draw, random_design

    cv2.setNumThreads(1)
    seed, index, folder, scanned_share, scale = job
    crop, dpi = 4 * round(CROP * scale / 4), _POOL_DPI * scale
    rng = rng_for(seed, index, "pool")
    from_folder = folder is not None and rng.random() < scanned_share
    if from_folder and folder is not None:
        from seal2real.page import FolderPages

        page = FolderPages(folder, dpi).page(rng)
    else:
        page = TemplatePages(dpi).page(rng)
    minor = minor_kinds()
    major = [name for name in KINDS if name not in minor]
    pages, coverages, sizes = [], [], []
    for _ in range(SEALS_PER_PAGE):
        names = minor if rng.random() < _MINOR_KINDS_SHARE else major
        shares = np.array([KINDS[name].share for name in names])
        design = random_design(rng, names[int(rng.choice(len(names), p=shares / shares.sum()))])
        seal = place(draw(design, page.dpi), page, rng)
        height, width = page.image.shape[:2]
        longest = max(design.size_mm) * page.dpi / 25.4
        side = max(8, round(CROP * longest / DIAMETER))
        rows, columns = seal.coverage.shape
        centre = np.array(seal.offset) + np.array([columns, rows]) / 2 + rng.normal(0, 0.04 * side, 2)
        # keep the window on the page: seals that hang over its edge would show the padding
        left, top = (
            int(np.clip(round(c - side / 2), 0, max(0, n - side))) for c, n in zip(centre, (width, height), strict=True)
        )
        layer = np.zeros((side, side), np.float32)
        x, y = seal.offset[0] - left, seal.offset[1] - top
        rows_on, columns_on = (
            slice(max(y, 0), max(0, min(y + rows, side))),
            slice(max(x, 0), max(0, min(x + columns, side))),
        )
        part = seal.coverage[rows_on.start - y : rows_on.stop - y, columns_on.start - x : columns_on.stop - x]
        layer[rows_on, columns_on] = part
        cut = page.image[top : top + side, left : left + side]
        if cut.shape[:2] != (side, side):
            pad = ((0, side - cut.shape[0]), (0, side - cut.shape[1]), (0, 0))
            cut = np.pad(cut, pad, mode="reflect" if min(cut.shape[:2]) * 2 > side else "edge")
        how = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
        pages.append(cv2.resize(cut, (crop, crop), interpolation=how))
        scaled = cv2.resize(layer, (crop, crop), interpolation=how)
        coverages.append((scaled.clip(0, 1) * 255 + 0.5).astype(np.uint8))
        sizes.append(max(design.size_mm))
    return np.stack(pages), np.stack(coverages), np.array(sizes, np.float32)
