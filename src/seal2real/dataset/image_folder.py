"""Change the images of a folder one by one: same names below another folder, bad ones listed, never half a file."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seal2real.errors import Seal2RealError, UsageError
from seal2real.images import encode_jpeg, encode_png, load_rgb, require_images, write_atomic
from seal2real.sample import Image

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderReport:
    """What became of the images.

    Attributes:
        written: the files written.
        skipped: (image, reason in one line that names it) of those that could not be used.
    """

    written: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...]


def change_images(
    targets: dict[Path, Path],
    images: Path,
    change: Callable[[Image, int], Image],
    jpeg_quality: int,
    progress: Callable[[int, int], None],
) -> FolderReport:
    """Read, change, write; images that cannot be read are skipped.

    Args:
        targets: result -> image, of `result_paths`.
        images: the folder that the images lie in.
        change: from (image ``uint8 [H, W, 3]``, a number that stands for its path below ``images``) to the new one.
        jpeg_quality: 1..100, of the results that are JPEG.
        progress: called with (images just done, images in all).

    Raises:
        Seal2RealError: not one image can be used, or a result cannot be written.
    """
    written: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    for target, path in targets.items():
        try:
            image = load_rgb(path)
        except Seal2RealError as error:
            skipped.append((path, str(error)))
            progress(1, len(targets))
            continue
        result = change(image, zlib.crc32(path.relative_to(images).as_posix().encode()))
        jpeg = target.suffix.lower() in _JPEG
        write_atomic(target, encode_jpeg(result, jpeg_quality) if jpeg else encode_png(result))
        written.append(target)
        _log.info("%s -> %s", path, target)
        progress(1, len(targets))
    if not written:
        raise Seal2RealError(f"{images}: none of its {len(skipped)} images can be used; the first: {skipped[0][1]}")
    return FolderReport(tuple(written), tuple(skipped))


def check_jpeg_quality(quality: int) -> None:
    """Raise UsageError unless it is 1 to 100."""
    if not 1 <= quality <= 100:
        raise UsageError(f"jpeg-quality is {quality}; it must be 1 to 100")


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
