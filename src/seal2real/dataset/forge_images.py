"""Forge a user's own images with flat pasted seals: same names, same sizes, so that their labels stay as they are."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_jpeg, encode_png, load_rgb, require_images, write_atomic
from seal2real.seeding import rng_for

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ForgeReport:
    """What became of the images.

    Attributes:
        forged: the files written.
        skipped: (image, reason in one line that names it) of those that could not be used.
    """

    forged: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...]


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
) -> ForgeReport:
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
    if not 1 <= jpeg_quality <= 100:
        raise UsageError(f"jpeg-quality is {jpeg_quality}; it must be 1 to 100")
    if not 36 <= dpi <= 1200:
        raise UsageError(f"dpi is {dpi:g}; it must be 36 to 1200")
    targets = result_paths(images, out)
    from seal2real.forger import load_forger
    from seal2real.physics.devices import check_device

    style = {} if device is None else {"device": check_device(device)}
    model = load_forger(forger)
    if model is None:
        raise UsageError(f"forger {forger!r} changes nothing; give default or a RUN folder")

    forged: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    for target, path in targets.items():
        try:
            image = load_rgb(path)
        except Seal2RealError as error:
            skipped.append((path, str(error)))
            progress(1, len(targets))
            continue
        name = path.relative_to(images).as_posix()
        result = model.forge_image(image, rng_for(seed, zlib.crc32(name.encode()), "forge"), dpi, style)
        data = encode_jpeg(result, jpeg_quality) if target.suffix.lower() in _JPEG else encode_png(result)
        write_atomic(target, data)
        forged.append(target)
        _log.info("%s -> %s", path, target)
        progress(1, len(targets))
    if not forged:
        raise Seal2RealError(f"{images}: none of its {len(skipped)} images can be used; the first: {skipped[0][1]}")
    return ForgeReport(tuple(forged), tuple(skipped))


def result_paths(images: Path, out: Path) -> dict[Path, Path]:
    """Where the results of a folder's images go: result -> image. JPEG stays JPEG, everything else becomes PNG.

    Raises:
        UsageError: ``out`` is ``images`` itself or holds all its images, or two images would get the same name.
        Seal2RealError: no folder, or no images in it.
    """
    if out.resolve() == images.resolve():
        raise UsageError(f"{out} is the folder of the images themselves; give another one, so that they are kept")
    paths = [path for path in require_images(images) if not path.resolve().is_relative_to(out.resolve())]
    if not paths:
        raise UsageError(f"{images}: all its images lie in {out}, where the results go; give another folder")
    targets: dict[Path, Path] = {}
    for path in paths:
        relative = path.relative_to(images)
        target = out / (relative if path.suffix.lower() in _JPEG else relative.with_suffix(".png"))
        if target in targets:
            raise UsageError(f"{targets[target]} and {path} would both be written to {target}; rename one of them")
        targets[target] = path
    return targets
