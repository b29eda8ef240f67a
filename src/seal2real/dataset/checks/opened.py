"""A row with its files read: what the checks of a row look at."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from seal2real.dataset.checks.finding import Problem
from seal2real.images import MAX_PIXELS

Pixels = npt.NDArray[np.uint8]
Window = tuple[slice, slice]
_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)  # EXIF: tag, and its values that swap width and height; OpenCV turns them


@dataclass(frozen=True)
class Picture:
    """A file that could be decoded to its end.

    Attributes:
        path: relative to the dataset.
        width, height: of the file, in pixels.
        pixels: ``uint8``; ``[H, W]`` of a mask or the ink; ``[ceil(H/2), ceil(W/2), 3]`` (BGR) of a page at half scale,
            which the decoder makes in less than half the time of the whole.
        step: coarsest quantisation step of the JPEG file's low frequencies in levels, 0 for PNG.
    """

    path: str
    width: int
    height: int
    pixels: Pixels
    step: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.width, self.height


@dataclass
class Opened:
    """A row whose fields are right, and those of its files that could be read.

    Attributes:
        row: the row.
        root: the dataset's folder.
        stamped, clean, ink: None where the file cannot be used (that is a finding of its own).
        full, visible: the same, one per seal.
        crops: (width, height) of the line crops, by path.
        dictionary: the characters that texts may hold; None = those that the fonts of this package have.
        problems: what was found while the files were read: (check, problem).
    """

    row: dict[str, Any]
    root: Path
    dictionary: frozenset[str] | None = None
    stamped: Picture | None = None
    clean: Picture | None = None
    ink: Picture | None = None
    full: list[Picture | None] = field(default_factory=list)
    visible: list[Picture | None] = field(default_factory=list)
    crops: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    @property
    def file(self) -> str:
        """Name of the sample: path of its stamped image."""
        return str(self.row["file_name"])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) that the row gives."""
        return self.row["width"], self.row["height"]

    @property
    def pixels_per_mm(self) -> float:
        """From the row's dpi; where that is not known, as of a page at 200 dpi."""
        return float(self.row["dpi"] or 200) / 25.4

    @cached_property
    def boxes(self) -> list[tuple[int, int, int, int] | None]:
        """Tight box (x, y, width, height) of every full mask; None where it is unusable or empty."""
        return [self._tight_box(picture) for picture in self.full]

    @cached_property
    def visible_boxes(self) -> list[tuple[int, int, int, int] | None]:
        """The same of every visible mask."""
        return [self._tight_box(picture) for picture in self.visible]

    @cached_property
    def inked(self) -> Pixels:
        """``uint8 [H, W]``: 255 where a visible mask has ink."""
        width, height = self.size
        union = np.zeros((height, width), np.uint8)
        for picture, box in zip(self.visible, self.visible_boxes, strict=True):
            if picture is not None and box is not None:
                x, y, w, h = box
                window = slice(y, y + h), slice(x, x + w)
                union[window] |= picture.pixels[window]
        return union

    def around(self, box: tuple[int, int, int, int], margin: int) -> Window:
        """Slices (rows, columns) of a box with a margin, on the image."""
        x, y, w, h = box
        width, height = self.size
        return (
            slice(max(0, y - margin), min(height, y + h + margin)),
            slice(max(0, x - margin), min(width, x + w + margin)),
        )

    def _tight_box(self, picture: Picture | None) -> tuple[int, int, int, int] | None:
        if picture is None or picture.size != self.size:
            return None
        x, y, w, h = cv2.boundingRect(picture.pixels)
        return (x, y, w, h) if w and h else None


def open_row(root: Path, row: dict[str, Any], dictionary: frozenset[str] | None = None) -> Opened:
    """Read every file that a row names; whatever cannot be read becomes a problem."""
    opened = Opened(row, root, dictionary)
    half, grey = cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_GRAYSCALE
    opened.stamped = _picture(opened, row["file_name"], half)
    opened.clean = _picture(opened, row["clean"], half)
    opened.ink = _picture(opened, row["ink"], grey)
    for seal in row["seals"]:
        opened.full.append(_picture(opened, seal["mask_full"], grey))
        opened.visible.append(_picture(opened, seal["mask_visible"], grey))
        for line in seal["lines"]:
            crop = _picture(opened, line["crop"], grey)
            if crop is not None:
                opened.crops[line["crop"]] = crop.size
    return opened


def fingerprint(picture: Picture) -> int:
    """A hash of 64 bits of a page's pixels, whatever the file says beside them."""
    digest = hashlib.blake2b(np.ascontiguousarray(picture.pixels).data, digest_size=8, key=repr(picture.size).encode())
    return int.from_bytes(digest.digest(), "little")


def _picture(opened: Opened, name: str | None, flags: int) -> Picture | None:
    if name is None:
        return None
    path = opened.root / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        opened.problems.append(("file", Problem(name, "is missing, yet a row names it")))
        return None
    except OSError as error:
        opened.problems.append(("file", Problem(name, f"cannot be read ({(error.strerror or str(error)).lower()})")))
        return None
    try:
        width, height, step = _header(data)
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels are beyond {MAX_PIXELS / 1e6:.0f} million")
        with _decoder_complaints() as complaints:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if pixels is None:
            raise ValueError(complaints.text or "cannot be decoded to its end")
        if complaints.text:
            raise ValueError(complaints.text)
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        reason = "cannot be decoded" if isinstance(error, cv2.error) else " ".join(str(error).split())
        opened.problems.append(("damaged", Problem(name, reason or type(error).__name__)))
        return None
    return Picture(name, width, height, np.asarray(pixels, np.uint8), step)


def _header(data: bytes) -> tuple[int, int, int]:
    """(width, height, step) of a file; see `Picture`."""
    if not data:
        raise ValueError("is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = PillowImage.open(io.BytesIO(data))
    except PillowImage.UnidentifiedImageError:
        raise ValueError("is no image") from None
    step = 0
    if image.format == "JPEG":
        if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
            raise ValueError("is truncated: the JPEG file's end is missing")
        tables = getattr(image, "quantization", {}).values()
        step = max((max(np.reshape(table, (8, 8))[:4, :4].flat) for table in tables if len(table) == 64), default=0)
    sideways = "exif" in image.info and image.getexif().get(_ORIENTATION) in _SIDEWAYS
    width, height = (image.height, image.width) if sideways else image.size
    return width, height, int(step)


class _Complaints:
    text = ""


@contextmanager
def _decoder_complaints() -> Iterator[_Complaints]:
    """Catch what the C libraries write on stderr: they decode damaged data as they can, and say so only there."""
    complaints = _Complaints()
    try:
        sys.stderr.flush()
        before = os.dup(2)
    except (OSError, AttributeError, ValueError):  # no stderr; then nobody is told
        yield complaints
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield complaints
        finally:
            os.dup2(before, 2)
            os.close(before)
            caught.seek(0)
            lines = caught.read().decode(errors="replace").strip().splitlines()
            complaints.text = lines[0].strip() if lines else ""
