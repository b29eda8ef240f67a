"""Files of seals sampled from the learned prompts, and of images edited with them: baselines beside the forger."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from seal2real.dataset.image_folder import FolderReport, change_images, check_jpeg_quality, result_paths
from seal2real.errors import UsageError
from seal2real.images import encode_png, write_atomic
from seal2real.physics.ink_measure import measure_ink
from seal2real.prior.backbone import Backbone
from seal2real.prior.editing import METHODS, invert_and_edit, sdedit
from seal2real.prior.prompts import Prompts
from seal2real.prior.run_prompts import open_run
from seal2real.prior.sampling import SamplingSettings, sample
from seal2real.sample import FloatMap, Image
from seal2real.seeding import rng_for

_BATCH = 8  # images that go through the network together; fixed, so that more of them leave the first as they are
_GAP = 4  # white pixels between the pictures of a grid


def sample_folder(
    run: str,
    out: Path,
    count: int = 16,
    settings: SamplingSettings | None = None,
    *,
    realisms: tuple[float, ...] = (1.0,),
    size: int | None = None,
    seed: int = 0,
    backbone: str | None = None,
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Path, ...]:
    """Seals from noise alone, as PNG files and a grid of them.

    Image k depends on the run, the settings, the seed and k alone (to the rounding of a batch).

    Args:
        run: RUN folder, or "compact"; see `seal2real.prior.run_prompts.open_run`.
        out: folder for the files, new or empty.
        count: images for each realism.
        settings: how to denoise; its realism gives way to ``realisms``.
        realisms: a row of the grid for each, all from the same noise.
        size: side in pixels; None takes the backbone's own.
        seed: seed of the noise.
        backbone: in place of the run's own.
        device: where the network runs; None takes the accelerator, if there is one.
        progress: called with (images just done, images in all).

    Returns:
        The images; ``out/grid.png`` shows them all: one row for each realism, or a square for a single one.

    Raises:
        UsageError: a value out of its range, or ``out`` is not empty.
        Seal2RealError: no such run, one without prompts, or ``out`` cannot be written.
    """
    settings = settings or SamplingSettings()
    if count < 1:
        raise UsageError(f"count is {count}; it must be 1 or more")
    if len(set(realisms)) < len(realisms):
        raise UsageError("a realism is given twice; give each once")
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be 0 or more")
    rows = [replace(settings, realism=value) for value in realisms]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a new folder")
    model, prompts = _opened(run, backbone, device)
    written: list[Path] = []
    pictures: list[Image] = []
    for row in rows:
        tag = "" if len(rows) == 1 else f"realism{row.realism:g}-"
        for start in range(0, count, _BATCH):
            indices = range(start, min(start + _BATCH, count))
            noises = [_generator(seed, index, "sample") for index in indices]  # the same in every row
            for index, image in zip(indices, sample(model, prompts, len(indices), noises, row, size), strict=True):
                pictures.append(_to_image(image))
                written.append(out / f"{tag}{index:04d}.png")
                write_atomic(written[-1], encode_png(pictures[-1]))
            progress(len(indices), count * len(rows))
    columns = count if len(rows) > 1 else math.ceil(math.sqrt(count))
    write_atomic(out / "grid.png", encode_png(grid(pictures, columns)))
    return tuple(written)


def edit_folder(
    images: Path,
    run: str,
    out: Path,
    method: str = "sdedit",
    strength: float = 0.4,
    settings: SamplingSettings | None = None,
    *,
    mask: str = "none",
    margin: int = 6,
    seed: int = 0,
    backbone: str | None = None,
    jpeg_quality: int = 92,
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderReport:
    """Edit a folder of images, such as flat pastes, with the learned prompts. Names and sizes stay.

    An image's result depends on the run, the settings, the seed, the image and its path below ``images`` alone.

    Args:
        images: folder, searched with its subfolders.
        run: RUN folder, or "compact"; see `seal2real.prior.run_prompts.open_run`.
        out: folder for the results, under the same relative paths; files of these names are replaced.
        method: "sdedit" or "inversion"; see `seal2real.prior.editing`.
        strength: 0..1, how much may change.
        settings: how to denoise.
        mask: "none" (everything may change) or "ink" (only the ink that is measured in the image, and what is near it).
        margin: pixels around the ink that may change too; as many more fade out.
        seed: seed of the noise.
        backbone: in place of the run's own.
        jpeg_quality: 1..100.
        device: where the network runs; None takes the accelerator, if there is one.
        progress: called with (images just done, images in all).

    Raises:
        UsageError: a value out of its range, an unknown method or mask, or ``out`` is ``images`` itself.
        Seal2RealError: no usable image, no such run, one without prompts, or ``out`` cannot be written.
    """
    settings = settings or SamplingSettings()
    for name, value, choices in (("method", method, METHODS), ("mask", mask, ("none", "ink"))):
        if value not in choices:
            raise UsageError(f"{name} is {value!r}; choose from {', '.join(choices)}")
    if not 0 <= strength <= 1:
        raise UsageError(f"strength is {strength:g}; it must be 0 (nothing changes) to 1 (nothing is kept)")
    check_jpeg_quality(jpeg_quality)
    if margin < 0:
        raise UsageError(f"margin is {margin}; it must be 0 or more")
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be 0 or more")
    targets = result_paths(images, out)
    model, prompts = _opened(run, backbone, device)

    def edit(image: Image, number: int) -> Image:
        where = near_ink(image, margin) if mask == "ink" else None
        return edit_image(model, prompts, image, method, strength, _generator(seed, number, "edit"), settings, where)

    return change_images(targets, images, edit, jpeg_quality, progress)


def edit_image(
    backbone: Backbone,
    prompts: Prompts,
    image: Image,
    method: str,
    strength: float,
    generator: torch.Generator,
    settings: SamplingSettings | None = None,
    mask: FloatMap | None = None,
) -> Image:
    """`sdedit`, or `invert_and_edit` (which draws nothing from the generator), on one image ``uint8 [H, W, 3]``; the
    mask is ``float32 [H, W]`` in 0..1, where it may change, or None for everywhere."""
    device = backbone.alphas_cumprod.device
    tensor = torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float() / 255
    where = None if mask is None else torch.from_numpy(mask)[None, None].to(device)
    if method == "inversion":
        return _to_image(invert_and_edit(backbone, prompts, tensor, strength, settings, where)[0])
    return _to_image(sdedit(backbone, prompts, tensor, strength, generator, settings, where)[0])


def near_ink(image: Image, margin: int = 6) -> FloatMap:
    """Where a seal's ink is, and around it: ``float32 [H, W]``, 1 up to ``margin`` pixels from it, falling to 0 over as
    many more."""
    ink = measure_ink(image).mask
    if not ink.any():
        return np.zeros(image.shape[:2], np.float32)
    away = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.clip((2 * margin + 1 - away) / (margin + 1), 0, 1)
    return np.ascontiguousarray(fade, dtype=np.float32)


def grid(pictures: list[Image], columns: int) -> Image:
    """Pictures of one size in rows of ``columns``, small ones enlarged without blur."""
    height, width = pictures[0].shape[:2]
    zoom = max(1, 128 // max(height, width))
    cells = [np.kron(picture, np.ones((zoom, zoom, 1), np.uint8)) for picture in pictures]
    rows = math.ceil(len(cells) / columns)
    tall, wide = height * zoom + _GAP, width * zoom + _GAP
    sheet = np.full((rows * tall + _GAP, columns * wide + _GAP, 3), 255, np.uint8)
    for index, cell in enumerate(cells):
        y, x = (index // columns) * tall + _GAP, (index % columns) * wide + _GAP
        sheet[y : y + tall - _GAP, x : x + wide - _GAP] = cell
    return sheet


def _opened(run: str, backbone: str | None, device: str | None) -> tuple[Backbone, Prompts]:
    if device is None:
        found = torch.accelerator.current_accelerator(check_available=True)
        device = "cpu" if found is None else found.type
    model, prompts = open_run(run, backbone)
    vae = getattr(model, "vae", None)
    if vae is not None:
        vae.enable_tiling()  # of images beyond its own size: whole, a page takes tens of gigabytes
    return model.to(device), prompts.to(device)


def _generator(seed: int, index: int, stream: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng_for(seed, index, stream).integers(2**62)))


def _to_image(tensor: torch.Tensor) -> Image:
    pixels = tensor.mul(255).add(0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(pixels)
