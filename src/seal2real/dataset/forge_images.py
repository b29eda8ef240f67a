"""Forge a user's own images with flat pasted seals: same names, same sizes, so that their labels stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seal2real.dataset.image_folder import FolderReport, change_images, check_jpeg_quality, result_paths
from seal2real.errors import UsageError
from seal2real.sample import Image
from seal2real.seeding import rng_for


def forge_folder(
    images: Path,
    out: Path,
    forger: str = "default",
    *,
    seed: int = 0,
    dpi: float = 200,
    jpeg_quality: int = 92,
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderReport:
    """Make the pasted seals of a folder of images look real.

    An image's result depends on the forger, the seed, the image and its path below ``images``, not on the others.
    JPEG stays JPEG; everything else becomes PNG.

    Args:
        images: folder, searched with its subfolders.
        out: folder for the results, under the same relative paths; files of these names are replaced.
        forger: "default" or a RUN folder.
        seed: seed of the noise.
        dpi: resolution of the images: how large a millimetre of ink is.
        jpeg_quality: 1..100.
        device: "scan", "phone" or "photocopy"; None is as learned.
        progress: called with (images just done, images in all).

    Raises:
        UsageError: ``out`` is ``images`` itself, the forger is "none", there is no such device, or two images would get
            the same name.
        Seal2RealError: no usable image, no such forger, or ``out`` cannot be written.
    """
    if forger == "none":
        raise UsageError("forger is none, which changes nothing; give default or a RUN folder")
    check_jpeg_quality(jpeg_quality)
    if not 36 <= dpi <= 1200:
        raise UsageError(f"dpi is {dpi:g}; it must be 36 to 1200")
    targets = result_paths(images, out)
    from seal2real.forger import load_forger
    from seal2real.physics.devices import check_device

    style = {} if device is None else {"device": check_device(device)}
    model = load_forger(forger)
    if model is None:
        raise UsageError(f"forger {forger!r} changes nothing; give default or a RUN folder")

    def forge(image: Image, number: int) -> Image:
        return model.forge_image(image, rng_for(seed, number, "forge"), dpi, style)

    return change_images(targets, images, forge, jpeg_quality, progress)
